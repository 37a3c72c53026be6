//! Reading one aggregate.
//!
//! Any replica may answer a direct read, one that lags behind too. So a read that has to be complete
//! follows the subject together with the stream's barriers until it has passed the wanted sequence.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Message, StatusCode,
    jetstream::consumer::{AckPolicy, DeliverPolicy, pull},
};
use futures::StreamExt as _;

use super::{
    Inner,
    connection::{API_PREFIX, BROKEN, REQUEST_LIMIT},
};
use crate::{LogError, Record, Stream, append, error::Source, seal::open};

/// How long one read may take in all.
const READ_LIMIT: Duration = Duration::from_secs(6);
/// Between two tries at the same read.
const PAUSE: Duration = Duration::from_millis(20);
/// Messages asked for in one request.
const PAGE: usize = 500;
/// How long a complete read waits for a replica before it helps itself with another barrier, and again before it gives
/// its consumer up for another.
const PATIENCE: Duration = Duration::from_millis(500);
/// The server forgets the consumer of an abandoned read after this time.
const ABANDONED: Duration = Duration::from_secs(5);

pub(super) async fn read(
    inner: &Arc<Inner>,
    stream: Stream,
    subject: &str,
    after: u64,
    at_least: u64,
) -> Result<Vec<Record>, LogError> {
    // A replica or a consumer that is only just starting answers nothing: asked again, it does.
    let reading = async {
        loop {
            inner.connection.wait_up().await;
            let broken = inner.connection.broken();
            let done = tokio::select! {
                done = attempt(inner, stream, subject, after, at_least) => done,
                () = broken => Err(unavailable(BROKEN)),
            };
            match done {
                Err(LogError::Unavailable(error)) => {
                    tracing::debug!(%stream, error, "a read failed and is tried again")
                }
                done => return done,
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(READ_LIMIT, reading).await {
        Ok(read) => read,
        Err(elapsed) => Err(LogError::Unavailable(Box::new(elapsed))),
    }
}

async fn attempt(
    inner: &Arc<Inner>,
    stream: Stream,
    subject: &str,
    after: u64,
    at_least: u64,
) -> Result<Vec<Record>, LogError> {
    let records = direct(inner, stream, subject, after).await?;
    let reached = records.last().map_or(after, |record| record.seq);
    if reached >= at_least {
        return Ok(records);
    }
    let rest = complete(inner, stream, subject, reached, at_least).await?;
    Ok(records.into_iter().chain(rest).collect())
}

fn unavailable(error: impl Into<Source>) -> LogError {
    LogError::Unavailable(error.into())
}

/// What one replica holds of the subject.
async fn direct(inner: &Inner, stream: Stream, subject: &str, after: u64) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    let mut next = after + 1;
    loop {
        let page = page(inner, stream, subject, next).await?;
        let Some(last) = page.last() else { return Ok(records) };
        next = last.seq + 1;
        let more = page.len() == PAGE;
        records.extend(page);
        if !more {
            return Ok(records);
        }
    }
}

/// One request of the batched direct get (ADR-31).
async fn page(inner: &Inner, stream: Stream, subject: &str, next: u64) -> Result<Vec<Record>, LogError> {
    let client = inner.context.client();
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(unavailable)?;
    let ask = serde_json::json!({ "seq": next, "next_by_subj": subject, "batch": PAGE });
    client
        .publish_with_reply(format!("{API_PREFIX}.DIRECT.GET.{stream}"), inbox, ask.to_string().into())
        .await
        .map_err(unavailable)?;
    let mut page = Vec::new();
    loop {
        let answer = match tokio::time::timeout(REQUEST_LIMIT, answers.next()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(unavailable("the connection to NATS was closed")),
            Err(elapsed) => return Err(unavailable(elapsed)),
        };
        match answer.status {
            None | Some(StatusCode::OK) => page.push(record(inner, stream, answer)?),
            Some(status) if matches!(status.as_u16(), 204 | 404) => return Ok(page),
            Some(status) => {
                let why = answer.description.as_deref().unwrap_or("no reason given");
                return Err(unavailable(format!("NATS answered a read with {status}: {why}")));
            }
        }
    }
}

fn record(inner: &Inner, stream: Stream, message: Message) -> Result<Record, LogError> {
    let header = |name: &str| message.headers.as_ref()?.get(name).map(async_nats::HeaderValue::as_str);
    let seq = header("Nats-Sequence").and_then(|text| text.parse().ok());
    let (Some(seq), Some(subject)) = (seq, header("Nats-Subject")) else {
        return Err(unavailable("NATS answered a read without sequence and subject"));
    };
    open(&inner.keyring, stream, seq, subject, message.payload)
}

/// What stands after a sequence, up to another one that the answering replica has certainly reached.
async fn complete(
    inner: &Arc<Inner>,
    stream: Stream,
    subject: &str,
    after: u64,
    at_least: u64,
) -> Result<Vec<Record>, LogError> {
    let handle = inner.context.get_stream_no_info(stream.as_str()).await.map_err(unavailable)?;
    let consumer = handle
        .create_consumer(pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
            ack_policy: AckPolicy::None,
            filter_subjects: vec![subject.into(), stream.barrier_subject().into()],
            inactive_threshold: ABANDONED,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        })
        .await
        .map_err(unavailable)?;
    let mut messages =
        consumer.stream().max_messages_per_batch(PAGE).messages().await.map_err(unavailable)?;
    let (mut records, mut helped) = (Vec::new(), false);
    loop {
        let message = match tokio::time::timeout(PATIENCE, messages.next()).await {
            Ok(Some(message)) => message.map_err(unavailable)?,
            Ok(None) => return Err(unavailable("NATS ended a read")),
            // The request for messages was lost, or stands with a replica that lags.
            Err(_elapsed) if helped => return Err(unavailable("NATS delivers nothing to a read")),
            Err(_elapsed) => {
                // The sequence asked for is no barrier, or one that has expired: a new one stands behind it.
                let signer = inner.signer.as_ref().ok_or(LogError::ReadOnly)?;
                let (gate, barrier) = (&inner.one(stream).gate, append::Passing::barrier());
                append::passing(&**inner, gate, signer, &inner.stamps, stream, barrier).await?;
                helped = true;
                continue;
            }
        };
        helped = false;
        let seq = message.info().map_err(unavailable)?.stream_sequence;
        if message.subject.as_str() == subject {
            let message = message.message;
            records.push(open(&inner.keyring, stream, seq, subject, message.payload)?);
        }
        if seq >= at_least {
            break;
        }
    }
    drop(messages);
    let name = consumer.cached_info().name.clone();
    tokio::spawn(async move { handle.delete_consumer(&name).await });
    Ok(records)
}
