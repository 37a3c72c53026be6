//! When a token was last used, from where and with what.

use proto::auth::v1::{TokenUse, TokenUses};
use serde::Serialize;

use super::vocabulary::given as nonempty;

/// The last uses of a token, as they stand in its document.
#[derive(Debug, Default, Serialize)]
pub(crate) struct UsesDocument {
    /// Without it, nothing in the others says that there was no use.
    uses_known: bool,
    last_use: Option<UseDocument>,
    older_last_use: Option<UseDocument>,
    dead_last_use: Option<UseDocument>,
}

#[derive(Debug, Serialize)]
struct UseDocument {
    at: String,
    address: Option<String>,
    client: Option<String>,
    family: String,
    outcome: String,
}

impl From<Option<TokenUses>> for UsesDocument {
    fn from(uses: Option<TokenUses>) -> Self {
        let Some(TokenUses { last, older, dead }) = uses else { return Self::default() };
        let [last_use, older_last_use, dead_last_use] =
            [last, older, dead].map(|used| used.map(UseDocument::from));
        Self { uses_known: true, last_use, older_last_use, dead_last_use }
    }
}

impl From<TokenUse> for UseDocument {
    fn from(used: TokenUse) -> Self {
        let TokenUse { at, address, client, family, outcome } = used;
        Self { at, address: nonempty(address), client: nonempty(client), family, outcome }
    }
}
