//! Who asks, and whether they may. Every check is crate `access`'s.

use std::time::Duration;

use access::{Action, Caller, Credential, Object, Refusal, Verdict, Why};
use feed::lease::WANT_LIMIT;
use names::{AccountId, ChannelId};
use runtime::{Code, Failure};

use super::Catalog;

/// A credential as it came, and until when its sender waits for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    pub credential: Credential,
    /// By the boot clock.
    until: Duration,
}

impl Catalog {
    /// Somebody who begins to wait now, and is willing to do so for this long.
    pub fn asker(&self, credential: Credential, patience: Duration) -> Asker {
        Asker { credential, until: self.parts.ambient.clock.boot() + patience }
    }

    /// Sees to it that this process may decide, if that is possible in a bearable time.
    pub async fn until_leased(&self) {
        // Without a lease every check refuses, in better words than a wait that was in vain.
        self.parts.access.lease().wait(&self.clocks, WANT_LIMIT).await;
    }

    /// What is left of the asker's patience.
    pub(super) fn patience(&self, asker: &Asker) -> Duration {
        asker.until.saturating_sub(self.parts.ambient.clock.boot())
    }

    /// Whether the credential may do this now, by the newest state this process knows.
    pub(super) fn check(
        &self,
        credential: &Credential,
        action: Action,
        object: &Object<'_>,
    ) -> Result<Caller, Failure> {
        if !self.parts.access.lease().holds(self.clocks.now()) {
            return Err(Failure::unavailable(
                "this server has lost touch with auth, so it decides nothing: try again in a moment",
            ));
        }
        let now = self.parts.ambient.clock.now();
        self.parts.access.read(|table| {
            let caller = table.caller(now, credential);
            match table.decide(&caller, action, object) {
                Verdict::Allowed(_) => Ok(caller),
                Verdict::Refused(refusal) => {
                    let words = table.refusal_words(&caller, &refusal, action, object);
                    Err(Failure::new(code(&refusal), words))
                }
            }
        })
    }

    /// Whether the credential may do this now, for callers outside of the use cases.
    pub fn may(&self, credential: &Credential, action: Action, object: &Object<'_>) -> Result<(), Failure> {
        self.check(credential, action, object).map(drop)
    }

    /// The same, on the channel of this name: gives its id.
    pub(super) fn check_channel(
        &self,
        credential: &Credential,
        action: Action,
        name: &str,
    ) -> Result<(Caller, ChannelId), Failure> {
        let caller = self.check(credential, action, &Object::ChannelNamed(name))?;
        let id = self.parts.access.read(|table| table.channel_named(name).map(|channel| channel.id));
        // It was there a moment ago, and this caller may know so.
        let id = id.ok_or_else(|| Failure::new(Code::NotFound, format!("the channel {name} is gone")))?;
        Ok((caller, id))
    }
}

/// The account that a caller acts for.
pub(super) fn account(caller: &Caller) -> Option<AccountId> {
    match caller {
        Caller::Token { account, .. } => Some(*account),
        Caller::Nobody
        | Caller::Unknown
        | Caller::Expired { .. }
        | Caller::Revoked { .. }
        | Caller::Disabled { .. }
        | Caller::Service(_) => None,
    }
}

fn code(refusal: &Refusal) -> Code {
    match refusal.why {
        Why::NotSignedIn | Why::Unknown | Why::Expired { .. } | Why::Revoked { .. } | Why::Disabled => {
            Code::Unauthenticated
        }
        Why::Missing | Why::Frozen | Why::SessionNeeded | Why::ScopeMissing => Code::Forbidden,
        Why::Absent => Code::NotFound,
    }
}
