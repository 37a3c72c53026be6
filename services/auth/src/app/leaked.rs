//! Which tokens leaked strings belong to.

use std::collections::BTreeMap;

use access::{Action, Object, SecretHash};
use names::{AccountId, TokenId};
use runtime::{Code, Failure};

use super::{App, ShownToken};
use crate::call::Call;

/// Strings asked about in one call, at most.
const MAX_ASKED: usize = 1_000;

impl App {
    /// The tokens behind these hashes, dead or alive, of those that the caller may see. Of others not even their number
    /// is told.
    pub async fn identify_tokens(
        &self,
        call: &Call,
        hashes: &[SecretHash],
    ) -> Result<Vec<ShownToken>, Failure> {
        self.target(call, None, Action::TokenView).await?;
        if hashes.len() > MAX_ASKED {
            let message =
                format!("{} strings are asked about, {MAX_ASKED} are allowed at a time", hashes.len());
            return Err(Failure::new(Code::Invalid, message));
        }
        let mut found: BTreeMap<AccountId, Vec<TokenId>> = BTreeMap::new();
        let known: Vec<(AccountId, TokenId)> = self.view.read(|table| {
            let token = |hash| table.string(hash).map(|string| (string.token().owner, string.token().id));
            hashes.iter().filter_map(token).collect()
        });
        for (owner, token) in known {
            if self.allow(call, Action::TokenView, &Object::Account(owner)).is_ok() {
                found.entry(owner).or_default().push(token);
            }
        }
        let mut shown = Vec::new();
        for (owner, mut tokens) in found {
            tokens.sort_unstable();
            tokens.dedup();
            let Some(account) = self.account(owner).await? else { continue };
            let login = self.login_of(&account).await?;
            let tokens = tokens.into_iter().filter_map(|token| account.tokens.by_id(token));
            shown.extend(tokens.map(|token| self.show_token(token, &login)));
        }
        Ok(self.with_uses(shown).await)
    }
}
