//! Last uses of tokens. They stand beside the log's projections, so no checkpoint goes with them.

use names::TokenId;
use uuid::Uuid;

use super::{Reader, limited};
use crate::{ReadError, UseRow};

impl Reader {
    /// The last uses of each string of these tokens, in no order. What was never used has none.
    pub async fn token_uses(&self, tokens: &[TokenId]) -> Result<Vec<UseRow>, ReadError> {
        let ids: Vec<Uuid> = tokens.iter().map(|token| token.0).collect();
        let query = sqlx::query_as(
            "SELECT token_id, string_no, alive, at, address, client, family, outcome FROM live.token_uses \
             WHERE token_id = ANY($1)",
        );
        limited(query.bind(ids).fetch_all(self.pool())).await
    }
}
