//! How far the token behind a command reaches. What it hands out reaches no further, or a leaked token could make
//! itself a better one.

use names::Scope;
use time::OffsetDateTime;

use super::{Kind, Refusal};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// As far as the owner: a sign-in, or a token with the scope `all`.
    Full,
    /// Some scopes, until some time. A resource token has none.
    Within { scopes: Vec<Scope>, expires_at: OffsetDateTime },
}

impl Reach {
    /// Whether a string of such a token may be handed out.
    pub(super) fn covers(
        &self,
        kind: Kind,
        scopes: &[Scope],
        expires_at: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let Self::Within { scopes: held, .. } = self else { return Ok(()) };
        match kind {
            Kind::Session | Kind::Resource => return Err(Refusal::KindBeyondMaker),
            Kind::Scoped => {}
        }
        let beyond = scopes.iter().find(|wanted| !held.iter().any(|held| held.contains(**wanted)));
        if let Some(scope) = beyond {
            return Err(Refusal::ScopeBeyondMaker(*scope));
        }
        self.lasts(expires_at)
    }

    /// Whether something may be made to last so long.
    pub(super) fn lasts(&self, until: OffsetDateTime) -> Result<(), Refusal> {
        match self {
            Self::Within { expires_at, .. } if until > *expires_at => Err(Refusal::ExpiryBeyondMaker),
            Self::Full | Self::Within { .. } => Ok(()),
        }
    }
}
