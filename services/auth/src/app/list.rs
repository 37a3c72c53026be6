//! Lists of tokens in pages. Where a list goes on is sealed under the caller's own key, so it is of use to nobody else
//! and for no other list.

use access::{Action, Object};
use names::{AccountId, Login, TokenId};
use runtime::{Code, Failure};

use super::lookup::account_of;
use super::{App, ShownToken};
use crate::call::Call;
use crate::domain::account::{Account, Sealed};
use crate::domain::token::{Kind, Token};
use crate::personal::{AccountKey, Field};

const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 200;

/// Which tokens to list.
#[derive(Debug, Clone)]
pub struct TokenQuery {
    pub owner: Option<Login>,
    pub page_size: usize,
    /// As the page before gave it; empty for the first.
    pub page: Vec<u8>,
    /// Sessions too.
    pub sessions: bool,
}

/// A page.
pub struct ListedTokens {
    pub tokens: Vec<ShownToken>,
    /// Empty on the last page.
    pub next: Vec<u8>,
    pub total: u64,
}

impl App {
    /// An account's tokens, oldest first.
    pub async fn list_tokens(&self, call: &Call, query: TokenQuery) -> Result<ListedTokens, Failure> {
        let owner = self.target(call, query.owner.as_ref(), Action::TokenView).await?;
        let caller = self.allow(call, Action::TokenView, &Object::Account(owner))?;
        let account = self.account(owner).await?;
        let account = account.ok_or_else(|| Failure::new(Code::NotFound, "there is no such account"))?;
        let size = match query.page_size {
            0 => DEFAULT_PAGE,
            size => size.min(MAX_PAGE),
        };
        // Only an account comes this far.
        let key = self.keys.read(account_of(&caller).unwrap_or(owner)).await?;
        let after = match query.page.as_slice() {
            [] => None,
            page => Some(
                key.as_ref().and_then(|key| position(key, page, owner, query.sessions)).ok_or_else(stale)?,
            ),
        };
        let wanted = |token: &&Token| query.sessions || token.issued.kind != Kind::Session;
        let page: Vec<&Token> = account.tokens.after(after).filter(wanted).take(size + 1).collect();
        let next = match (&page[..], &key) {
            ([.., last, _], Some(key)) if page.len() > size => {
                key.seal_bytes(Field::Page, &place(owner, query.sessions, last.issued.token)).0
            }
            _ => vec![],
        };
        let login = self.login_of(&account).await?;
        let tokens = page.into_iter().take(size).map(|token| self.show_token(token, &login)).collect();
        let tokens = self.with_uses(tokens).await;
        Ok(ListedTokens { tokens, next, total: total(&account, wanted) })
    }
}

fn total(account: &Account, wanted: impl Fn(&&Token) -> bool) -> u64 {
    account.tokens.iter().filter(wanted).count() as u64
}

/// The list, and the last token that was shown of it.
fn place(owner: AccountId, sessions: bool, last: TokenId) -> Vec<u8> {
    [owner.to_bytes(), last.to_bytes(), vec![u8::from(sessions)]].concat()
}

fn position(key: &AccountKey, page: &[u8], owner: AccountId, sessions: bool) -> Option<TokenId> {
    let place_bytes = key.open_bytes(Field::Page, &Sealed(page.to_vec()))?;
    let last = TokenId::from_bytes(place_bytes.get(16..32)?).ok()?;
    (*place_bytes == place(owner, sessions, last)).then_some(last)
}

fn stale() -> Failure {
    Failure::new(
        Code::Invalid,
        "this page belongs to another list or caller: start again from the first page",
    )
}
