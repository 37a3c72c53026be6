//! Telling, once for each end, that a token will end soon. The access table knows the ends; whether somebody was told
//! of one stands in the owner's aggregate, so that several replicas tell it once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use access::TokenKind;
use eventlog::subject;
use names::{AccountId, TokenId};
use runtime::Failure;
use time::OffsetDateTime;

use super::outcome::{unexecuted, unread};
use super::{App, system};
use crate::call::Call;
use crate::domain::account::{self, Account, Command};
use crate::domain::token;

/// Owners looked at in one round.
const MAX_OWNERS: usize = 100;

/// Warns, and remembers of whom it need not ask the log again.
pub struct Warnings {
    app: Arc<App>,
    told: HashMap<TokenId, OffsetDateTime>,
}

impl Warnings {
    pub fn new(app: Arc<App>) -> Self {
        Self { app, told: HashMap::new() }
    }

    /// Looks once. True if there may be more to do at once.
    pub async fn round(&mut self, call: &Call) -> Result<bool, Failure> {
        let now = self.app.now();
        self.told.retain(|_, end| *end > now);
        let due = self.due(now);
        for (owner, ends) in &due {
            self.app.warn(call, *owner, ends).await?;
            self.told.extend(ends.iter().copied());
        }
        Ok(due.len() == MAX_OWNERS)
    }

    /// The tokens that end soon and of which nothing is known here yet, by their owners.
    fn due(&self, now: OffsetDateTime) -> BTreeMap<AccountId, Vec<(TokenId, OffsetDateTime)>> {
        let limit = now + self.app.lifetimes.warning;
        let mut due: BTreeMap<AccountId, Vec<_>> = BTreeMap::new();
        self.app.view.read(|table| {
            for token in table.tokens() {
                let end = token.expires_at();
                let soon = end > now && end < limit && token.revoked_at().is_none();
                let works = table.account(token.owner).is_some_and(|owner| !owner.disabled);
                if token.kind == TokenKind::Session
                    || !soon
                    || !works
                    || self.told.get(&token.id) == Some(&end)
                {
                    continue;
                }
                if due.len() < MAX_OWNERS || due.contains_key(&token.owner) {
                    due.entry(token.owner).or_default().push((token.id, end));
                }
            }
        });
        due
    }
}

impl App {
    /// Warns of an owner's tokens that end soon.
    async fn warn(
        &self,
        call: &Call,
        owner: AccountId,
        ends: &[(TokenId, OffsetDateTime)],
    ) -> Result<(), Failure> {
        let subject = subject::owner(owner);
        // Mostly all was told before, and what this process knows of that does not become untrue.
        let (_, known) = self.accounts.load(&subject).await.map_err(unread)?;
        let warned_of = |token: TokenId| known.as_ref()?.tokens.by_id(token)?.warned_of;
        if ends.iter().all(|(token, end)| warned_of(*token) == Some(*end)) {
            return Ok(());
        }
        let meta = self.meta(call, system());
        let decide = |account: Option<&Account>| -> Result<_, Failure> {
            let warn = token::Command::Warn { within: self.lifetimes.warning };
            Ok(account::decide(account, Command::Token(warn), self.now())?)
        };
        let done = self.accounts.execute(&subject, &meta, decide).await.map_err(unexecuted)?;
        metrics::counter!("auth_expiry_warnings_total").increment(u64::from(done.appended));
        Ok(())
    }
}
