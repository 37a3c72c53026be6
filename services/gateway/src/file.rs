//! Bytes to clients: conditional, in ranges, and stopped when the caller's access ends.

mod condition;
mod encoding;
mod guarded;
mod range;

pub(crate) use guarded::stream as guarded;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use blobs::Blobs;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use runtime::Failure;
use time::OffsetDateTime;

use crate::gate::Admitted;
use crate::limits::CHUNK_BYTES;
use crate::problem::Problem;
use crate::render::Rendered;
use crate::state::{App, unstored};
use range::Wanted;

/// How long an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// An index: asked for again every time, and answered with 304 if nothing changed.
    Revalidate,
    /// A file: its bytes never change.
    Immutable,
}

/// What is known of a body before it is opened.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) etag: &'a str,
    pub(crate) modified: Option<OffsetDateTime>,
    pub(crate) content_type: &'static str,
    pub(crate) size_bytes: u64,
    pub(crate) freshness: Freshness,
}

/// A request for something that is there and may be read.
pub(crate) struct Asked<'a> {
    pub(crate) app: &'a App,
    pub(crate) admitted: &'a Admitted,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
}

impl Asked<'_> {
    /// Answers with a rendered document.
    pub(crate) fn document(&self, document: &Rendered, freshness: Freshness) -> Response {
        let (document, encoding) = encoding::encoded(document, self.headers);
        let facts = Facts {
            etag: &document.etag,
            modified: document.last_modified,
            content_type: document.content_type,
            size_bytes: document.bytes.len() as u64,
            freshness,
        };
        let (mut response, wanted) = self.prepare(&facts);
        if let Some(name) = encoding.name().filter(|_| response.status().is_success()) {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        if let Some(range) = wanted.filter(|_| *self.method != Method::HEAD) {
            let start = usize::try_from(range.start).expect("the range lies within bytes in memory");
            let end = usize::try_from(range.end).expect("the range lies within bytes in memory");
            *response.body_mut() = self.body(document.bytes.slice(start..end));
        }
        response
    }

    /// Answers with a blob. Its absence is a fault: a row says that it is there.
    pub(crate) async fn blob(&self, sha256: &[u8; 32], facts: &Facts<'_>) -> Result<Response, Problem> {
        let (mut response, wanted) = self.prepare(facts);
        if let Some(range) = wanted.filter(|range| *self.method != Method::HEAD && !range.is_empty()) {
            let blob = open(&self.app.blobs, sha256, range).await?;
            *response.body_mut() = Body::from_stream(guarded(self.app, self.admitted, blob.stream));
        }
        Ok(response)
    }

    /// Status and headers, and the bytes that go with them if any do.
    fn prepare(&self, facts: &Facts<'_>) -> (Response, Option<std::ops::Range<u64>>) {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        let text =
            |text: &str| HeaderValue::from_str(text).expect("digests, dates and numbers are visible ASCII");
        headers.insert(ETAG, text(facts.etag));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.caching(facts.freshness)));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(modified) = facts.modified {
            headers.insert(LAST_MODIFIED, text(&httpdate::fmt_http_date(modified.into())));
        }
        if condition::unchanged(self.headers, facts.etag, facts.modified) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return (response, None);
        }
        let size = facts.size_bytes;
        let (status, range) =
            match range::wanted(condition::range(self.headers, facts.etag, facts.modified), size) {
                Wanted::Whole => (StatusCode::OK, 0..size),
                Wanted::Part(range) => {
                    headers.insert(
                        CONTENT_RANGE,
                        text(&format!("bytes {}-{}/{size}", range.start, range.end - 1)),
                    );
                    (StatusCode::PARTIAL_CONTENT, range)
                }
                Wanted::Nothing => {
                    let problem =
                        Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "the file has no byte in this range");
                    let mut response = problem.into_response();
                    response.headers_mut().insert(CONTENT_RANGE, text(&format!("bytes */{size}")));
                    return (response, None);
                }
            };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(facts.content_type));
        headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
        *response.status_mut() = status;
        (response, Some(range))
    }

    fn caching(&self, freshness: Freshness) -> &'static str {
        match (freshness, self.admitted.cacheable_by_all()) {
            (Freshness::Revalidate, true) => "public, max-age=0, must-revalidate",
            (Freshness::Revalidate, false) => "private, max-age=0, must-revalidate",
            (Freshness::Immutable, true) => "public, max-age=31536000, immutable",
            (Freshness::Immutable, false) => "private, max-age=31536000, immutable",
        }
    }

    /// Large documents are cut, so that a client which reads slowly loses the rest with its access.
    fn body(&self, bytes: Bytes) -> Body {
        if bytes.len() <= CHUNK_BYTES {
            return Body::from(bytes);
        }
        let chunks = futures::stream::unfold(bytes, |mut rest| async move {
            let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
            (!chunk.is_empty()).then_some((Ok::<_, blobs::Error>(chunk), rest))
        });
        Body::from_stream(guarded(self.app, self.admitted, chunks))
    }
}

async fn open(blobs: &Blobs, sha256: &[u8; 32], range: std::ops::Range<u64>) -> Result<blobs::Blob, Problem> {
    blobs.range(sha256, range).await.map_err(|error| match error {
        blobs::Error::NotFound { .. } | blobs::Error::RangeBeyondEnd { .. } => {
            Failure::internal(error).into()
        }
        blobs::Error::TooLarge { .. }
        | blobs::Error::BrokenOff(_)
        | blobs::Error::InvalidKey(_)
        | blobs::Error::Unavailable(_) => unstored(error),
    })
}
