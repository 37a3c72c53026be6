//! The last use of a token's string, as gateways told it.

use names::TokenId;
use sqlx::{FromRow, Row, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

/// The channel on which the projector tells that uses were taken in.
#[cfg(feature = "write")]
pub(crate) const NOTIFICATIONS: &str = "latchkey_usage";

/// The last request that showed one string of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseRow {
    /// The token.
    pub token_id: TokenId,
    /// Which of its strings: 0 is the first, each reissue adds one.
    pub string_no: u32,
    /// Whether the string was good at that moment, whatever it then opened.
    pub alive: bool,
    /// When it came.
    pub at: OffsetDateTime,
    /// Where it came from; empty where that was not known, or is kept no more.
    pub address: String,
    /// The client's name and version; empty likewise.
    pub client: String,
    /// What was asked: `conda`, `python`, `api` or `page`.
    pub family: String,
    /// What became of it: `served`, `refused`, `failed` or `dead`.
    pub outcome: String,
}

impl FromRow<'_, PgRow> for UseRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let string_no: i32 = row.try_get("string_no")?;
        Ok(Self {
            token_id: TokenId(row.try_get::<Uuid, _>("token_id")?),
            string_no: string_no.cast_unsigned(),
            alive: row.try_get("alive")?,
            at: row.try_get("at")?,
            address: row.try_get("address")?,
            client: row.try_get("client")?,
            family: row.try_get("family")?,
            outcome: row.try_get("outcome")?,
        })
    }
}
