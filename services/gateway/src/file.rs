//! Bytes to clients: conditional, in ranges, and stopped when the caller's access ends.

mod condition;
mod encoding;
mod guarded;
mod hot;
mod range;

pub(crate) use guarded::stream as guarded;
pub(crate) use hot::Hot;

use std::ops::Range;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use runtime::Failure;
use time::OffsetDateTime;

use crate::gate::{Admitted, Sent};
use crate::limits::CHUNK_BYTES;
use crate::problem::Problem;
use crate::render::{self, Rendered};
use crate::state::{App, unstored};
use range::Wanted;

/// Files are never shown by a browser, and no client needs a better name for them.
const BYTES: &str = "application/octet-stream";

/// Header lines of an answer, those that the gate adds too: the map grows once.
const HEADERS: usize = 16;

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
    etag: HeaderValue,
    /// `Last-Modified`, where it is written already.
    date: Option<&'a HeaderValue>,
    modified: Option<OffsetDateTime>,
    content_type: &'static str,
    size_bytes: u64,
    freshness: Freshness,
}

/// A file of a package, in the file store.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) sha256: [u8; 32],
    pub(crate) size_bytes: u64,
    pub(crate) modified: OffsetDateTime,
    /// The package, which the caller must go on seeing.
    pub(crate) sent: Sent<'a>,
}

/// A request for something that is there and may be read.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) app: &'a App,
    pub(crate) admitted: &'a Admitted,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
}

impl Asked<'_> {
    /// Answers with a rendered document.
    pub(crate) fn document(&self, document: &Rendered, freshness: Freshness) -> Response {
        let Some((coded, coding)) = encoding::encoded(document, self.headers) else {
            return self.rendered(document, freshness);
        };
        let mut response = self.rendered(&coded, freshness);
        if response.status().is_success() {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }

    fn rendered(&self, document: &Rendered, freshness: Freshness) -> Response {
        let (mut response, wanted) = self.prepare(Facts {
            etag: document.sealed().etag.clone(),
            date: document.sealed().modified.as_ref(),
            modified: document.last_modified,
            content_type: document.content_type,
            size_bytes: document.bytes.len() as u64,
            freshness,
        });
        if let Some(range) = wanted.filter(|_| *self.method != Method::HEAD) {
            *response.body_mut() = self.body(part(&document.bytes, range), Sent::Document);
        }
        response
    }

    /// Answers with a blob. Its absence is a fault: a row says that it is there.
    pub(crate) async fn blob(&self, stored: Stored<'_>) -> Result<Response, Problem> {
        let (mut response, wanted) = self.prepare(Facts {
            etag: render::file_etag(&stored.sha256),
            date: None,
            modified: Some(stored.modified),
            content_type: BYTES,
            size_bytes: stored.size_bytes,
            freshness: Freshness::Immutable,
        });
        let wanted = wanted.filter(|range| *self.method != Method::HEAD && !range.is_empty());
        if let Some(range) = wanted {
            let hot = self.app.hot.get(&self.app.blobs, &stored.sha256, stored.size_bytes);
            *response.body_mut() = match hot.await.map_err(unopened)? {
                Some(bytes) => self.body(part(&bytes, range), stored.sent),
                None => {
                    let blob =
                        Box::pin(self.app.blobs.range(&stored.sha256, range)).await.map_err(unopened)?;
                    Body::from_stream(guarded(self.app, self.admitted, stored.sent, blob.stream))
                }
            };
        }
        Ok(response)
    }

    /// Status and headers, and the bytes that go with them if any do.
    fn prepare(&self, facts: Facts<'_>) -> (Response, Option<Range<u64>>) {
        let Facts { etag, date, modified, content_type, size_bytes: size, freshness } = facts;
        let digest = etag.to_str().expect("digests are visible ASCII");
        let unchanged = condition::unchanged(self.headers, digest, modified);
        let wanted = range::wanted(condition::range(self.headers, digest, modified), size);
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(ETAG, etag);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.caching(freshness)));
        // With it goes what a cache needs to go on keeping what it has, and no more (RFC 9110, section 15.4.5).
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return (response, None);
        }
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(date) = date.cloned().or_else(|| modified.map(render::http_date)) {
            headers.insert(LAST_MODIFIED, date);
        }
        let text = |text: &str| HeaderValue::from_str(text).expect("numbers are visible ASCII");
        let (status, range) = match wanted {
            Wanted::Whole => (StatusCode::OK, 0..size),
            Wanted::Part(range) => {
                headers
                    .insert(CONTENT_RANGE, text(&format!("bytes {}-{}/{size}", range.start, range.end - 1)));
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
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_LENGTH, text(itoa::Buffer::new().format(range.end - range.start)));
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

    /// What is large is cut, so that a client which reads slowly loses the rest with its access.
    fn body(&self, bytes: Bytes, sent: Sent<'_>) -> Body {
        if bytes.len() <= CHUNK_BYTES {
            return Body::from(bytes);
        }
        let chunks = futures::stream::unfold(bytes, |mut rest| async move {
            let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
            (!chunk.is_empty()).then_some((Ok::<_, blobs::Error>(chunk), rest))
        });
        Body::from_stream(guarded(self.app, self.admitted, sent, chunks))
    }
}

fn part(bytes: &Bytes, range: Range<u64>) -> Bytes {
    let place = |at: u64| usize::try_from(at).expect("the range lies within bytes in memory");
    bytes.slice(place(range.start)..place(range.end))
}

fn unopened(error: blobs::Error) -> Problem {
    match error {
        blobs::Error::NotFound { .. } | blobs::Error::RangeBeyondEnd { .. } => {
            Failure::internal(error).into()
        }
        blobs::Error::TooLarge { .. }
        | blobs::Error::BrokenOff(_)
        | blobs::Error::InvalidKey(_)
        | blobs::Error::Unavailable(_) => unstored(error),
    }
}
