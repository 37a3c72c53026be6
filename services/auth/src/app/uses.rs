//! When tokens were last used, as the read models have it. Nothing here waits long for them: a list of tokens without
//! last uses is still a list of tokens, and is what somebody needs who wants to revoke one.

use std::collections::HashMap;
use std::time::Duration;

use names::TokenId;
use readmodel::{ReadError, UseRow};

use super::{App, ShownToken};

/// How long the read models may take; then last uses are shown as not known.
const LIMIT: Duration = Duration::from_secs(1);

/// The last uses of one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Of whichever string, when it was good.
    pub last: Option<UseRow>,
    /// Of a string older than the newest, while one is still valid.
    pub older: Option<UseRow>,
    /// Of whichever string, when it was dead.
    pub dead: Option<UseRow>,
}

impl App {
    /// The same tokens with their last uses.
    pub(super) async fn with_uses(&self, mut shown: Vec<ShownToken>) -> Vec<ShownToken> {
        let Some(mut rows) = self.use_rows(&shown).await else { return shown };
        for token in &mut shown {
            let rows = rows.remove(&token.token.issued.token).unwrap_or_default();
            let overlaps = token.overlap_ends_at.is_some();
            token.uses = Some(uses(rows, token.newest_string_no.filter(|_| overlaps)));
        }
        shown
    }

    async fn use_rows(&self, shown: &[ShownToken]) -> Option<HashMap<TokenId, Vec<UseRow>>> {
        let reader = self.reader.as_ref()?;
        let tokens: Vec<TokenId> = shown.iter().map(|token| token.token.issued.token).collect();
        let rows = match tokio::time::timeout(LIMIT, reader.token_uses(&tokens)).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(error)) => return unknown(Some(error)),
            Err(_late) => return unknown(None),
        };
        let mut by_token: HashMap<TokenId, Vec<UseRow>> = HashMap::new();
        for row in rows {
            by_token.entry(row.token_id).or_default().push(row);
        }
        Some(by_token)
    }
}

fn unknown<T>(error: Option<ReadError>) -> Option<T> {
    let error = error.map(|error| error.to_string()).unwrap_or_else(|| "they do not answer".into());
    tracing::warn!(error, "last uses of tokens cannot be read just now");
    None
}

/// `newest` is the newest string's number while an older one is valid.
fn uses(rows: Vec<UseRow>, newest: Option<u32>) -> Uses {
    let latest = |wanted: &dyn Fn(&UseRow) -> bool| {
        rows.iter().filter(|row| wanted(row)).max_by_key(|row| row.at).cloned()
    };
    Uses {
        last: latest(&|row| row.alive),
        older: latest(&|row| row.alive && newest.is_some_and(|newest| row.string_no < newest)),
        dead: latest(&|row| !row.alive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn row(string_no: u32, alive: bool, second: i64) -> UseRow {
        UseRow {
            token_id: TokenId(uuid::Uuid::from_u128(7)),
            string_no,
            alive,
            at: datetime!(2026-11-21 12:00 UTC) + time::Duration::seconds(second),
            address: "192.0.2.1".into(),
            client: "conda/24.9".into(),
            family: "conda".into(),
            outcome: "served".into(),
        }
    }

    #[test]
    fn an_older_strings_last_use_is_shown_while_one_is_valid() {
        let rows = vec![row(0, true, 1), row(1, true, 5), row(2, true, 3), row(0, false, 9)];
        let during = uses(rows.clone(), Some(2));
        assert_eq!(during.last, Some(row(1, true, 5)));
        assert_eq!(during.older, Some(row(1, true, 5)));
        assert_eq!(during.dead, Some(row(0, false, 9)));
        assert_eq!(uses(rows, None), Uses { older: None, ..during });
        assert_eq!(uses(vec![row(2, true, 3)], Some(2)).older, None, "the newest is not an older one");
        assert_eq!(uses(vec![], Some(2)), Uses::default());
    }
}
