//! Signing in by browser: a login and its password become a code for one program, and the code becomes a session of
//! that program (RFC 6749, section 4.1, with the proof of RFC 7636).
//!
//! A code is not kept anywhere. It is the account's id and an [`Authorization`] sealed under the account's key, which
//! every replica can read; the log's expectation lets one of two that redeem it at once win.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventlog::subject;
use names::{AccountId, CodeChallenge, LoopbackUri, TokenId, TokenName};
use proto::event::v1::Actor;
use ring::digest::{SHA256, digest};
use runtime::{Code, Failure, Secret};
use time::Duration;

use super::outcome::unexecuted;
use super::session::in_even_time;
use super::{App, Changed, Issued};
use crate::call::Call;
use crate::domain::account::{self, Account, Command, Sealed};
use crate::domain::authorization::{Authorization, Refusal};
use crate::domain::token;
use crate::personal::Field;
use crate::receipt::Change;

/// How long a session lives that a program got: it is there to make a token with, and nobody signs out of it.
const SESSION_LIFE: Duration = Duration::hours(1);

/// Longest code that is looked at, in characters; ours have 176.
const MAX_CODE_CHARS: usize = 256;

/// Bytes of an account's id.
const ID_BYTES: usize = 16;

/// Who may use a code, and for which address.
#[derive(Debug, Clone)]
pub struct Program {
    /// What it calls itself; nothing depends on its being true.
    pub client_id: String,
    pub redirect_uri: LoopbackUri,
    pub challenge: CodeChallenge,
}

/// A wish for a code.
#[derive(Debug, Clone)]
pub struct Authorize {
    pub login: String,
    pub password: Secret,
    pub program: Program,
}

/// A wish for a session in place of a code. The program's challenge is made from its verifier.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub code: Secret,
    pub program: Program,
    /// The session's name in lists.
    pub name: TokenName,
}

impl App {
    /// A code for a login and its password. Nothing is written.
    pub async fn authorize(&self, wish: Authorize) -> Result<Secret, Failure> {
        in_even_time(self.try_authorize(wish)).await
    }

    async fn try_authorize(&self, wish: Authorize) -> Result<Secret, Failure> {
        let known = self.known(&wish.login, wish.password).await?;
        let account = self.account(known.account).await?;
        if account.is_some_and(|account| account.disabled) {
            return Err(account::Refusal::Disabled.into());
        }
        let authorization = Authorization {
            session: TokenId(self.ambient.ids.uuid()),
            made_at: self.now(),
            password: sha256(&known.sealed.0),
            program: wish.program.hash(),
        };
        let sealed = known.key.seal_bytes(Field::AuthorizationCode, &authorization.to_bytes());
        Ok(Secret::new(URL_SAFE_NO_PAD.encode([known.account.to_bytes(), sealed.0].concat())))
    }

    /// A session for a code, once. A code that comes again ends the session that it opened (RFC 6749, section 4.1.2).
    pub async fn exchange(&self, call: &Call, wish: Exchange) -> Result<Changed<Issued>, Failure> {
        // A flood of made-up codes must not reach the keys or the log, no more than one of passwords.
        let _place = self.passwords.enter()?;
        let (owner, code) = self.unsealed(&wish.code).await?;
        let (secret, hash) = crate::secret::mint(access::token_string::Kind::Session, &*self.ambient.ids);
        let mut issued = self.session(code.session, owner, wish.name, hash);
        issued.expires_at = issued.expires_at.min(self.now() + SESSION_LIFE);
        issued.secrets.iter_mut().for_each(|secret| secret.ends_at = issued.expires_at);
        issued.from = self.from(call, owner).await?;
        let program = wish.program.hash();
        let decide = |account: Option<&Account>| {
            let account = account.ok_or_else(unknown)?;
            let password = account.password.as_ref().map(|sealed| sha256(&sealed.0));
            code.redeem(account, &program, password, self.now()).map_err(invalid)?;
            let command = token::Command::Issue(issued.clone(), self.session_bounds());
            Ok(account::decide(Some(account), Command::Token(command), self.now())?)
        };
        let meta = self.meta(call, Actor { account_id: owner.to_bytes(), ..Actor::default() });
        match self.accounts.execute(&subject::owner(owner), &meta, decide).await.map_err(unexecuted) {
            Ok(done) => {
                let account = done.state.expect("a session has just been issued");
                let token = account.tokens.by_id(code.session).expect("a session has just been issued");
                let shown = self.show_token(token, &self.login_of(&account).await?);
                Ok(self.settle(call, done.seq, Change::Widens, Issued { shown, secret }).await)
            }
            Err(refused) => {
                if self.is_used(owner, code.session).await? {
                    self.end_used(call, owner, code.session).await?;
                }
                Err(refused)
            }
        }
    }

    async fn is_used(&self, owner: AccountId, session: TokenId) -> Result<bool, Failure> {
        Ok(self.account(owner).await?.is_some_and(|account| account.tokens.by_id(session).is_some()))
    }

    async fn end_used(&self, call: &Call, owner: AccountId, session: TokenId) -> Result<(), Failure> {
        let from = self.from(call, owner).await?;
        let decide = |account: Option<&Account>| {
            let reason = "its authorisation code was used twice".to_owned();
            let command = token::Command::Revoke { token: session, reason, from: from.clone() };
            Ok(account::decide(account, Command::Token(command), self.now())?)
        };
        let meta = self.meta(call, super::system());
        let done = self.accounts.execute(&subject::owner(owner), &meta, decide).await.map_err(unexecuted)?;
        tracing::warn!(token.id = %session, "an authorisation code was used twice: its session is ended");
        self.settle(call, done.seq, Change::Restricts, ()).await;
        Ok(())
    }

    /// Whose code it is and what it says, if it is one of ours.
    async fn unsealed(&self, code: &Secret) -> Result<(AccountId, Authorization), Failure> {
        let bytes = Some(code.expose())
            .filter(|code| code.len() <= MAX_CODE_CHARS)
            .and_then(|code| URL_SAFE_NO_PAD.decode(code).ok())
            .ok_or_else(unknown)?;
        let (id, sealed) = bytes.split_first_chunk::<ID_BYTES>().ok_or_else(unknown)?;
        let account = AccountId::from_bytes(id).map_err(|_| unknown())?;
        let key = self.keys.read(account).await?.ok_or_else(unknown)?;
        let opened = key.open_bytes(Field::AuthorizationCode, &Sealed(sealed.to_vec()));
        let authorization = opened.and_then(|bytes| Authorization::from_bytes(&bytes)).ok_or_else(unknown)?;
        Ok((account, authorization))
    }
}

impl Program {
    /// Two that differ in anything differ in it: no part holds the byte that stands between them.
    fn hash(&self) -> [u8; 32] {
        let parts = [self.client_id.as_str(), self.redirect_uri.as_str(), self.challenge.as_str()];
        sha256(parts.join("\0").as_bytes())
    }
}

/// The challenge that belongs to a verifier (RFC 7636, section 4.6).
pub fn challenge_of(verifier: &Secret) -> CodeChallenge {
    let text = URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()));
    CodeChallenge::parse(&text).expect("a SHA-256 in base64 is a challenge")
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

fn invalid(refusal: Refusal) -> Failure {
    Failure::new(Code::Invalid, refusal.to_string())
}

fn unknown() -> Failure {
    Failure::new(Code::Invalid, "this is no code of this server: sign in again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_makes_the_challenge_of_the_standards_example() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge_of(&verifier).as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn every_part_of_a_program_counts() {
        let program = |client_id: &str, uri: &str, verifier: &str| Program {
            client_id: client_id.into(),
            redirect_uri: LoopbackUri::parse(uri).unwrap(),
            challenge: challenge_of(&Secret::new(verifier)),
        };
        let first = program("a", "http://127.0.0.1:1/", "x").hash();
        assert_eq!(first, program("a", "http://127.0.0.1:1/", "x").hash());
        for other in [
            program("b", "http://127.0.0.1:1/", "x"),
            program("a", "http://127.0.0.1:2/", "x"),
            program("a", "http://127.0.0.1:1/", "y"),
        ] {
            assert_ne!(first, other.hash());
        }
    }
}
