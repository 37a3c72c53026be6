//! What happened in a channel: who did what, and what it was before.

use names::{AccountId, ChannelId, TokenId};
use sqlx::{FromRow, Row, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::artifact::count;

/// One event that touched a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The channel.
    pub channel_id: ChannelId,
    /// `AUTHZ` or `CATALOG`.
    pub stream: String,
    /// The envelope's sequence in that stream.
    pub seq: u64,
    /// The event's place in its envelope.
    pub part: i32,
    /// The time of the envelope.
    pub at: OffsetDateTime,
    /// Who decided; `None` for the system itself.
    pub actor_account: Option<AccountId>,
    /// With which token.
    pub actor_token: Option<TokenId>,
    /// The service's name where the system itself decided, else empty.
    pub actor_system: String,
    /// The event's type, as `channel_created`.
    pub event: String,
    /// `{"after":…,"before":…}`: the facts that changed. Ids, never names of people.
    pub summary_json: String,
}

/// Which lines of a history are wanted: all, unless something is said.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// Only events of this type.
    pub event: Option<String>,
    /// Only what this account did.
    pub actor: Option<AccountId>,
}

impl FromRow<'_, PgRow> for HistoryRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            channel_id: ChannelId(row.try_get("channel_id")?),
            stream: row.try_get("stream")?,
            seq: count(row, "seq")?,
            part: row.try_get("part")?,
            at: row.try_get("at")?,
            actor_account: row.try_get::<Option<Uuid>, _>("actor_account")?.map(AccountId),
            actor_token: row.try_get::<Option<Uuid>, _>("actor_token")?.map(TokenId),
            actor_system: row.try_get("actor_system")?,
            event: row.try_get("event")?,
            summary_json: row.try_get("summary_json")?,
        })
    }
}
