//! One try at the server: a plain publish, or an atomic batch.

use async_nats::{
    HeaderMap,
    client::Request,
    header::{
        NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE,
        NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID,
    },
    jetstream::{self, ErrorCode, publish::PublishAck, response::Response},
};
use async_trait::async_trait;

use super::{
    Inner,
    connection::{BROKEN, REQUEST_LIMIT},
};
use crate::{
    Stream,
    append::{Answer, Outgoing, Place, Wire},
    error::Source,
};

const TTL_HEADER: &str = "Nats-TTL";
/// What a message takes in the store beside its payload and subject: headers and the store's own.
const OVERHEAD_BYTES: usize = 160;

fn headers(message: &Outgoing) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, message.id.as_str());
    match message.place {
        Place::Behind(seq) => headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, seq.to_string().as_str()),
        Place::Passing(ttl) => headers.insert(TTL_HEADER, format!("{}s", ttl.as_secs()).as_str()),
    }
    if !message.traceparent.is_empty() && message.traceparent.bytes().all(|byte| byte.is_ascii_graphic()) {
        headers.insert("traceparent", message.traceparent.as_str());
    }
    headers
}

impl Inner {
    /// Sends a request to a subject of the log and reads the stream's answer.
    async fn commit(&self, message: &Outgoing, headers: HeaderMap) -> Result<PublishAck, Answer> {
        let request =
            Request::new().headers(headers).payload(message.raw.clone()).timeout(Some(REQUEST_LIMIT));
        let broken = self.connection.broken();
        let client = self.context.client();
        let answer = tokio::select! {
            answer = client.send_request(message.subject.clone(), request) => {
                answer.map_err(|error| Answer::Lost(Box::new(error)))?
            }
            () = broken => return Err(Answer::Lost(BROKEN.into())),
        };
        match serde_json::from_slice(&answer.payload) {
            Ok(Response::Ok(ack)) => Ok(ack),
            Ok(Response::Err { error }) => Err(refused(&error)),
            Err(error) => Err(Answer::Lost(Box::new(error))),
        }
    }

    async fn publish_batch(&self, batch: &[Outgoing], last: &Outgoing) -> Result<PublishAck, Answer> {
        let batch_id = self.stamps.id().to_string();
        let member = |index: usize, message: &Outgoing| {
            let mut headers = headers(message);
            headers.insert(NATS_BATCH_ID, batch_id.as_str());
            headers.insert(NATS_BATCH_SEQUENCE, (index + 1).to_string().as_str());
            headers
        };
        for (index, message) in batch.iter().enumerate().take(batch.len() - 1) {
            self.context
                .client()
                .publish_with_headers(message.subject.clone(), member(index, message), message.raw.clone())
                .await
                .map_err(|error| Answer::Lost(Box::new(error)))?;
        }
        let mut commit = member(batch.len() - 1, last);
        commit.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        let ack = self.commit(last, commit).await?;
        // A server that does not know batches stores the members one by one and names no batch.
        if ack.batch_id.as_deref() == Some(batch_id.as_str()) {
            Ok(ack)
        } else {
            Err(Answer::Lost("the server acknowledged a message but not its batch".into()))
        }
    }
}

/// What an error of the server means for the message.
fn refused(error: &jetstream::Error) -> Answer {
    let code = error.error_code();
    if code == ErrorCode::STREAM_WRONG_LAST_SEQUENCE {
        return Answer::WrongLast { last: last_in(&error.to_string()) };
    }
    if code == ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT {
        return Answer::WrongLast { last: None };
    }
    if code == ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE {
        return Answer::Duplicate;
    }
    let full = [
        ErrorCode::STREAM_STORE_FAILED,
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ];
    if full.contains(&code) { Answer::Full } else { Answer::Lost(Box::new(error.clone())) }
}

/// The sequence in "wrong last sequence: 15 (code 400, error code 10071)".
fn last_in(text: &str) -> Option<u64> {
    text.strip_prefix("wrong last sequence: ")?.split(' ').next()?.parse().ok()
}

#[async_trait]
impl Wire for Inner {
    async fn publish(&self, stream: Stream, batch: &[Outgoing]) -> Answer {
        if !self.connection.is_up() {
            return Answer::Lost("there is no connection to NATS".into());
        }
        let last = batch.last().expect("an append has a message");
        let ack = match batch {
            [single] => self.commit(single, headers(single)).await,
            several => self.publish_batch(several, last).await,
        };
        match ack {
            Ok(ack) if ack.duplicate => Answer::Duplicate,
            Ok(ack) => {
                let bytes =
                    batch.iter().map(|message| message.raw.len() + message.subject.len() + OVERHEAD_BYTES);
                self.one(stream).gauge.add(bytes.sum());
                Answer::Stored { seq: ack.sequence }
            }
            Err(answer) => answer,
        }
    }

    async fn first_after(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
    ) -> Result<Option<(u64, String)>, Source> {
        let stream = self.context.get_stream_no_info(stream.as_str()).await?;
        let message = match stream.get_first_raw_message_by_subject(subject, after + 1).await {
            Ok(message) => message,
            Err(error) if error.kind() == jetstream::stream::RawMessageErrorKind::NoMessageFound => {
                return Ok(None);
            }
            Err(error) => return Err(Box::new(error)),
        };
        let id = message.headers.get(NATS_MESSAGE_ID).map(ToString::to_string).unwrap_or_default();
        Ok(Some((message.sequence, id)))
    }

    async fn recovered(&self) {
        self.connection.wait_up().await;
    }

    async fn nearly_full(&self, stream: Stream) -> bool {
        let gauge = &self.one(stream).gauge;
        if gauge.is_stale() && self.connection.is_up() {
            match self.context.get_stream(stream.as_str()).await {
                Ok(found) => gauge.set(found.cached_info().state.bytes),
                Err(error) => tracing::debug!(%stream, %error, "the stream's fill is not known"),
            }
        }
        let fill = f64::from(gauge.per_mille()) / 1_000.0;
        metrics::gauge!("eventlog_fill_ratio", "stream" => stream.as_str()).set(fill);
        let full = gauge.is_nearly_full();
        if full {
            tracing::error!(%stream, "the stream is nearly full: only restricting changes are taken; raise its max_bytes");
        }
        full
    }
}
