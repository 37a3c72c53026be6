//! Following the stream from a position. Messages may be missing, as they grow old; none comes twice within a following.

use async_nats::Client;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::{StreamExt as _, stream::BoxStream};
use prost::Message as _;
use proto::usage::v1::Batch;

use crate::stream::{NAME, context};
use crate::{UsageError, Use, wire};

/// How far a follower is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// Which stream of that name; empty before the first.
    pub epoch: String,
    /// The last sequence that was taken in; 0 before the first.
    pub seq: u64,
}

/// One message.
#[derive(Debug)]
pub struct Delivered {
    /// Where it stands.
    pub seq: u64,
    /// What this version understands of it.
    pub uses: Vec<Use>,
}

/// A stream that is followed.
pub struct Following {
    /// Which stream it is.
    pub epoch: String,
    /// Its messages. After an error it is to be followed anew.
    pub messages: BoxStream<'static, Result<Delivered, UsageError>>,
}

/// Follows from behind a position. Another stream than the one the position belongs to, or one that ends before it, is
/// followed from its beginning: whoever takes uses in keeps the latest, so once more does no harm.
pub async fn follow(client: &Client, after: &Position) -> Result<Following, UsageError> {
    let stream = context(client).get_stream(NAME).await.map_err(UsageError::unavailable)?;
    let info = stream.cached_info();
    let epoch = info.created.unix_timestamp_nanos().to_string();
    let is_known = epoch == after.epoch && after.seq <= info.state.last_sequence;
    let start_sequence = if is_known { after.seq + 1 } else { 1 };
    let consumer = stream
        .create_consumer(pull::OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            ..pull::OrderedConfig::default()
        })
        .await
        .map_err(UsageError::unavailable)?;
    let messages = consumer.messages().await.map_err(UsageError::unavailable)?;
    let messages = messages.map(|message| {
        let message = message.map_err(UsageError::unavailable)?;
        let seq = message.info().map_err(UsageError::unavailable)?.stream_sequence;
        Ok(Delivered { seq, uses: read(seq, &message.payload) })
    });
    Ok(Following { epoch, messages: messages.boxed() })
}

fn read(seq: u64, payload: &[u8]) -> Vec<Use> {
    match Batch::decode(payload) {
        Ok(batch) => batch.uses.into_iter().filter_map(wire::read).collect(),
        Err(error) => {
            tracing::warn!(seq, %error, "a message of USAGE cannot be read and is passed over");
            vec![]
        }
    }
}
