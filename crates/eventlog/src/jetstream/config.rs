//! The streams' settings: made once, and checked at every start.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::{
    self,
    context::{CreateStreamError, CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType},
};

use tokio::time::Instant;

use crate::{LogError, Stamps, Stream, seal::MAX_ENVELOPE_BYTES};

/// Repeats within this time are told from new messages by their id.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// What signature, key id and headers may add to an envelope.
const SEAL_BYTES: usize = 4 * 1024;
/// How long a start waits for a cluster to choose its leaders.
pub(super) const ENSURE_LIMIT: Duration = Duration::from_secs(60);
pub(super) const ENSURE_PAUSE: Duration = Duration::from_millis(100);
/// What a stream gets at least: with less, a start is refused.
const SMALLEST_BYTES: i64 = 256 << 20;
/// Where a stream keeps its epoch.
const EPOCH_KEY: &str = "log_epoch";

/// Where the log is, and how its streams are made if they are not there yet.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// One or more servers, separated by commas.
    pub url: String,
    /// Shown in the server's list of connections.
    pub name: String,
    /// 1 on a laptop, 3 in a cluster.
    pub replicas: usize,
    /// The size of AUTHZ; at 90 % only restricting events are taken.
    pub authz_max_bytes: u64,
    /// The size of CATALOG; at 90 % only restricting events are taken.
    pub catalog_max_bytes: u64,
    /// Whether missing streams are created, or their absence is an error.
    pub create: bool,
    /// Whether the server refuses to delete messages. Anything but true is for tests of what happens when one is gone.
    pub deny_delete: bool,
    /// Whether servers that the named ones tell of are used too. Not where they cannot be reached directly.
    pub discover: bool,
}

impl NatsConfig {
    /// One replica with room for about ten million decisions a stream; missing streams are created.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            url: url.into(),
            name: name.into(),
            replicas: 1,
            authz_max_bytes: 4 * GIB,
            catalog_max_bytes: 16 * GIB,
            create: true,
            deny_delete: true,
            discover: true,
        }
    }

    /// Streams no larger than fit, with a quarter to spare, where each server may take `room_bytes`. The servers of a
    /// cluster learn late how much is taken already, so it is better to ask for what there is than to be refused.
    #[must_use]
    pub fn fitting(mut self, room_bytes: u64) -> Self {
        self.authz_max_bytes = self.authz_max_bytes.min(room_bytes / 4);
        self.catalog_max_bytes = self.catalog_max_bytes.min(room_bytes / 2);
        self
    }

    fn max_bytes(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Authz => self.authz_max_bytes,
            Stream::Catalog => self.catalog_max_bytes,
        }
    }
}

/// What a stream is created with.
fn wanted(config: &NatsConfig, stream: Stream, epoch: String) -> Config {
    Config {
        name: stream.as_str().into(),
        subjects: stream.subjects().iter().map(ToString::to_string).collect(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_bytes: i64::try_from(config.max_bytes(stream)).unwrap_or(i64::MAX),
        max_message_size: i32::try_from(MAX_ENVELOPE_BYTES + SEAL_BYTES).expect("the limit is small"),
        num_replicas: config.replicas,
        deny_delete: config.deny_delete,
        deny_purge: true,
        allow_direct: true,
        allow_atomic_publish: true,
        allow_message_ttl: true,
        duplicate_window: DUPLICATE_WINDOW,
        metadata: HashMap::from([(EPOCH_KEY.into(), epoch)]),
        ..Config::default()
    }
}

/// As [`make`], with patience for a cluster that is just choosing a leader.
pub(super) async fn ensure(
    context: &jetstream::Context,
    config: &NatsConfig,
    stream: Stream,
    stamps: &Stamps,
) -> Result<Info, LogError> {
    let started = Instant::now();
    loop {
        match make(context, config, stream, stamps).await {
            Err(LogError::Unavailable(error)) if started.elapsed() < ENSURE_LIMIT => {
                tracing::info!(%stream, error, "waiting for the stream");
                tokio::time::sleep(ENSURE_PAUSE).await;
            }
            done => return done,
        }
    }
}

/// The stream as it is, created if need be, with settings that keep the log's promises.
async fn make(
    context: &jetstream::Context,
    config: &NatsConfig,
    stream: Stream,
    stamps: &Stamps,
) -> Result<Info, LogError> {
    let wanted = wanted(config, stream, stamps.id().to_string());
    let found = match context.get_stream(stream.as_str()).await {
        Ok(found) => found,
        Err(error) if !is_missing(&error) => return Err(LogError::Unavailable(Box::new(error))),
        Err(_) if !config.create => {
            return Err(LogError::Unfit(format!(
                "stream {stream} does not exist: run `latchkey-projector setup` first (the set-up job of a cluster)"
            )));
        }
        // Somebody else may be creating it at the same moment; whoever comes second takes what is there.
        Err(_) => match create(context, stream, wanted.clone()).await {
            Ok(created) => created,
            Err(create) => match context.get_stream(stream.as_str()).await {
                Ok(found) => found,
                Err(error) if !is_missing(&error) || create.kind() == CreateStreamErrorKind::TimedOut => {
                    return Err(LogError::Unavailable(Box::new(create)));
                }
                // Its servers know late what each other has given back.
                Err(_) if config.replicas > 1 && is_too_big(&create) => {
                    return Err(LogError::Unavailable(Box::new(create)));
                }
                Err(_) => {
                    return Err(LogError::Unfit(format!("stream {stream} cannot be created: {create}")));
                }
            },
        },
    };
    let info = found.cached_info().clone();
    check(stream, &wanted, &info.config)?;
    Ok(info)
}

/// Creates it. A server, or a cluster on one machine, whose disk cannot promise the whole size gives it what it can: less
/// room is a stream that fills earlier, and a full one refuses and never forgets. Half of what fits is left for what is
/// made after it.
async fn create(
    context: &jetstream::Context,
    stream: Stream,
    mut wanted: Config,
) -> Result<jetstream::stream::Stream, CreateStreamError> {
    let whole = wanted.max_bytes;
    let made = loop {
        match context.create_stream(wanted.clone()).await {
            Err(error) if is_too_big(&error) && wanted.max_bytes > SMALLEST_BYTES => {
                wanted.max_bytes = (wanted.max_bytes / 2).max(SMALLEST_BYTES);
            }
            done => break done?,
        }
    };
    if wanted.max_bytes == whole || wanted.max_bytes == SMALLEST_BYTES {
        return Ok(made);
    }
    wanted.max_bytes /= 2;
    tracing::warn!(%stream, max_bytes = wanted.max_bytes, "the disk has less room than the stream should have");
    context.update_stream(&wanted).await?;
    context.create_stream(wanted).await
}

/// A lone server says so in a code of its own; a cluster finds no servers that could take it, and says why in words.
pub(super) fn is_too_big(error: &CreateStreamError) -> bool {
    let CreateStreamErrorKind::JetStream(error) = error.kind() else { return false };
    match error.error_code() {
        jetstream::ErrorCode::STORAGE_RESOURCES_EXCEEDED => true,
        jetstream::ErrorCode::CLUSTER_NO_PEERS => error.to_string().contains("insufficient storage"),
        _ => false,
    }
}

fn is_missing(error: &jetstream::context::GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error) if error.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND)
}

/// Refuses settings under which the log could forget. Other differences are only reported.
fn check(stream: Stream, wanted: &Config, found: &Config) -> Result<(), LogError> {
    let dangers = [
        (found.storage == StorageType::File, "storage must be file"),
        (found.retention == RetentionPolicy::Limits, "retention must be limits"),
        (found.discard == DiscardPolicy::New, "discard must be new"),
        (found.max_age.is_zero(), "max_age must be 0"),
        (found.max_messages <= 0, "max_msgs must be unlimited"),
        (found.max_messages_per_subject <= 0, "max_msgs_per_subject must be unlimited"),
        (found.deny_delete || !wanted.deny_delete, "deny_delete must be set"),
        (found.deny_purge, "deny_purge must be set"),
        (!found.allow_rollup, "allow_rollup_hdrs must not be set"),
        (!found.no_ack, "no_ack must not be set"),
        (found.allow_atomic_publish, "allow_atomic must be set"),
        (found.allow_message_ttl, "allow_msg_ttl must be set"),
        (found.allow_direct, "allow_direct must be set"),
        (found.subject_transform.is_none(), "subject_transform must not be set"),
        (found.mirror.is_none() && found.sources.is_none(), "it must not be a mirror"),
        (same_subjects(wanted, found), "its subjects must be those of the log"),
        (
            found.max_message_size <= 0 || found.max_message_size >= wanted.max_message_size,
            "max_msg_size is too small",
        ),
    ];
    if let Some((_, danger)) = dangers.iter().find(|(safe, _)| !safe) {
        return Err(LogError::Unfit(format!(
            "stream {stream} is not set up as this log needs it: {danger}; correct it with `nats stream edit {stream}`"
        )));
    }
    if found.num_replicas != wanted.num_replicas {
        tracing::warn!(%stream, found = found.num_replicas, wanted = wanted.num_replicas, "the stream has another number of replicas");
    }
    if found.max_bytes != wanted.max_bytes {
        tracing::info!(%stream, found = found.max_bytes, wanted = wanted.max_bytes, "the stream has another size");
    }
    Ok(())
}

fn same_subjects(wanted: &Config, found: &Config) -> bool {
    let sorted = |config: &Config| {
        let mut subjects = config.subjects.clone();
        subjects.sort();
        subjects
    };
    sorted(wanted) == sorted(found)
}

/// The identity that the stream was given when it was made.
pub(super) fn epoch_of(stream: Stream, config: &Config) -> Result<String, LogError> {
    config.metadata.get(EPOCH_KEY).cloned().ok_or_else(|| {
        LogError::Unfit(format!("stream {stream} was not made by Latchkey: its metadata has no {EPOCH_KEY}"))
    })
}
