//! What requests hold, as domain types. Faults are told in one sentence.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use access::{Action, SecretHash};
use names::{AccountId, CodeChallenge, Level, Login, LoopbackUri, Scope, TokenName};
use proto::auth::v1 as api;
use proto::event::v1 as stored;
use runtime::{Code, Failure, Secret};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::app::{
    Authorize, Exchange, NewAccount, NewToken, Program, Question, SignIn, TokenEdit, TokenQuery,
    TokenReissue, challenge_of,
};
use crate::domain::account::Kind;
use crate::domain::token::Overlap;

/// Descriptions and reasons: longer texts belong elsewhere.
const MAX_TEXT_CHARS: usize = 1_000;
/// What a program may call itself.
const MAX_CLIENT_ID_BYTES: usize = 200;
/// How long a code_verifier may be (RFC 7636, section 4.1).
const VERIFIER_CHARS: RangeInclusive<usize> = 43..=128;
/// The name of a session whose client gave none.
const SESSION: &str = "session";

pub(super) fn sign_in(request: api::SignInRequest) -> Result<SignIn, Failure> {
    let name = if request.note.is_empty() { SESSION } else { &request.note };
    Ok(SignIn {
        name: TokenName::parse(name).map_err(invalid)?,
        login: request.login,
        password: Secret::new(request.password),
    })
}

pub(super) fn authorize(request: api::AuthorizeRequest) -> Result<Authorize, Failure> {
    let challenge = CodeChallenge::parse(&request.code_challenge).map_err(invalid)?;
    Ok(Authorize {
        login: request.login,
        password: Secret::new(request.password),
        program: program(request.client_id, &request.redirect_uri, challenge)?,
    })
}

pub(super) fn exchange(request: api::ExchangeCodeRequest) -> Result<Exchange, Failure> {
    let name = if request.note.is_empty() { SESSION } else { &request.note };
    let (code, verifier) = (Secret::new(request.code), Secret::new(request.code_verifier));
    // RFC 7636, section 4.1.
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !VERIFIER_CHARS.contains(&verifier.expose().len()) || !verifier.expose().chars().all(unreserved) {
        let (least, most) = (VERIFIER_CHARS.start(), VERIFIER_CHARS.end());
        let words = format!("a code_verifier has {least} to {most} letters, digits and -._~");
        return Err(Failure::new(Code::Invalid, words));
    }
    Ok(Exchange {
        program: program(request.client_id, &request.redirect_uri, challenge_of(&verifier))?,
        name: TokenName::parse(name).map_err(invalid)?,
        code,
    })
}

fn program(client_id: String, redirect_uri: &str, challenge: CodeChallenge) -> Result<Program, Failure> {
    let visible = |c: char| c == ' ' || c.is_ascii_graphic();
    if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID_BYTES || !client_id.chars().all(visible) {
        let words = format!("a client_id has 1 to {MAX_CLIENT_ID_BYTES} printable ASCII characters");
        return Err(Failure::new(Code::Invalid, words));
    }
    let redirect_uri = LoopbackUri::parse(redirect_uri).map_err(invalid)?;
    Ok(Program { client_id, redirect_uri, challenge })
}

pub(super) fn new_account(request: api::CreateAccountRequest) -> Result<NewAccount, Failure> {
    let kind = match request.kind() {
        stored::AccountKind::Person | stored::AccountKind::Unspecified => Kind::Person,
        stored::AccountKind::Organisation => Kind::Organisation,
        stored::AccountKind::ServiceAccount => Kind::ServiceAccount,
    };
    Ok(NewAccount {
        login: login(&request.login)?,
        kind,
        password: (!request.password.is_empty()).then(|| Secret::new(request.password)),
        admin: request.admin,
        owners: logins(&request.owners)?,
    })
}

pub(super) fn new_token(request: api::IssueTokenRequest) -> Result<NewToken, Failure> {
    let scopes: BTreeSet<Scope> =
        request.scopes.iter().map(|name| name.parse().map_err(invalid)).collect::<Result<_, _>>()?;
    Ok(NewToken {
        name: TokenName::parse(&request.name).map_err(invalid)?,
        description: text("description", request.description)?,
        expires_at: end(&request.expires_at)?,
        scopes: scopes.into_iter().collect(),
        grants: request.grants.into_iter().map(grant).collect::<Result<_, _>>()?,
        owner: owner(&request.owner)?,
    })
}

pub(super) fn edit(request: api::EditTokenRequest) -> Result<TokenEdit, Failure> {
    Ok(TokenEdit {
        token: request.token,
        owner: owner(&request.owner)?,
        name: request.name.map(|name| TokenName::parse(&name).map_err(invalid)).transpose()?,
        description: request.description.map(|given| text("description", given)).transpose()?,
        expires_at: request.expires_at.map(|given| time(&given)).transpose()?,
    })
}

pub(super) fn reissue(request: api::ReissueTokenRequest) -> Result<TokenReissue, Failure> {
    let overlap = i64::try_from(request.overlap_s).map_or(Duration::MAX, Duration::seconds);
    Ok(TokenReissue {
        token: request.token,
        owner: owner(&request.owner)?,
        overlap: if request.keep_older { Overlap::ToTheEnd } else { Overlap::For(overlap) },
        expires_at: end(&request.expires_at)?,
    })
}

pub(super) fn hashes(request: &api::IdentifyTokensRequest) -> Result<Vec<SecretHash>, Failure> {
    let hash = |bytes: &Vec<u8>| SecretHash::from_slice(bytes);
    let hashes: Option<_> = request.sha256.iter().map(hash).collect();
    hashes.ok_or_else(|| Failure::new(Code::Invalid, "a SHA-256 has 32 bytes"))
}

/// Empty where none is asked for.
fn end(text: &str) -> Result<Option<OffsetDateTime>, Failure> {
    if text.is_empty() { Ok(None) } else { time(text).map(Some) }
}

pub(super) fn logins(texts: &[String]) -> Result<Vec<Login>, Failure> {
    texts.iter().map(|text| login(text)).collect()
}

fn grant(grant: api::Grant) -> Result<(String, Level), Failure> {
    let level = match grant.level() {
        stored::Level::Read => Level::Read,
        stored::Level::Write => Level::Write,
        stored::Level::Manage => Level::Manage,
        stored::Level::None => {
            let message =
                format!("say what may be done with channel {}: read, write or manage", grant.channel);
            return Err(Failure::new(Code::Invalid, message));
        }
    };
    Ok((grant.channel, level))
}

pub(super) fn token_query(request: api::ListTokensRequest) -> Result<TokenQuery, Failure> {
    let page = hex::decode(&request.page_token).map_err(|_| {
        Failure::new(
            Code::Invalid,
            "the page token is not one that was given here: start from the first page",
        )
    })?;
    Ok(TokenQuery {
        owner: owner(&request.owner)?,
        page_size: usize::try_from(request.page_size).unwrap_or(usize::MAX),
        page,
        sessions: request.sessions,
    })
}

pub(super) fn question(request: api::ExplainRequest) -> Result<Question, Failure> {
    Ok(Question {
        owner: owner(&request.owner)?,
        action: request.action.parse::<Action>().map_err(invalid)?,
        token: request.token,
        channel: request.channel,
    })
}

pub(super) fn login(text: &str) -> Result<Login, Failure> {
    Login::parse(text).map_err(invalid)
}

/// Empty means the caller's own account.
pub(super) fn owner(text: &str) -> Result<Option<Login>, Failure> {
    if text.is_empty() { Ok(None) } else { login(text).map(Some) }
}

pub(super) fn account_ids(texts: &[String]) -> Result<Vec<AccountId>, Failure> {
    texts.iter().map(|text| text.parse().map_err(invalid)).collect()
}

pub(super) fn text(what: &str, text: String) -> Result<String, Failure> {
    if text.chars().count() > MAX_TEXT_CHARS || text.chars().any(|c| c.is_control() && c != '\n') {
        let message =
            format!("the {what} has at most {MAX_TEXT_CHARS} characters, and no control characters");
        return Err(Failure::new(Code::Invalid, message));
    }
    Ok(text)
}

fn time(text: &str) -> Result<OffsetDateTime, Failure> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|reason| {
        Failure::new(Code::Invalid, format!("{text:?} is no time such as 2027-01-31T12:00:00Z"))
            .because(reason)
    })
}

pub(super) fn invalid(reason: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Invalid, reason.to_string())
}
