//! What a token may do, in words.

use access::{Action, Object};
use names::Login;
use runtime::{Code, Failure};

use super::lookup::account_of;
use super::token::no_such;
use super::{App, ShownToken};
use crate::call::Call;

/// A question about a token.
#[derive(Debug, Clone)]
pub struct Question {
    /// Id or name; empty is the token that asks.
    pub token: String,
    pub owner: Option<Login>,
    pub action: Action,
    /// A channel's name, for actions on one.
    pub channel: String,
}

/// The answer.
pub struct Answer {
    pub allowed: bool,
    pub words: String,
    pub shown: ShownToken,
    pub seq: u64,
}

impl App {
    /// The decision that the token would meet now, and why.
    pub async fn explain(&self, call: &Call, question: Question) -> Result<Answer, Failure> {
        let caller = self.allow(call, Action::WhoAmI, &Object::Server)?;
        let (owner, which) = match (question.token.as_str(), account_of(&caller), caller.token()) {
            ("", Some(account), Some(token)) => (account, token.to_string()),
            ("", _, _) => return Err(Failure::new(Code::Invalid, "name a token")),
            (which, _, _) => {
                let owner = question.owner.as_ref();
                (self.token_owner(call, which, owner, Action::TokenView).await?, which.to_owned())
            }
        };
        let account = self.account(owner).await?.ok_or_else(no_such)?;
        let token = account.tokens.find(&which, self.now()).ok_or_else(no_such)?;
        let object = match (question.action.level(), question.channel.as_str()) {
            (Some(_), "") => {
                return Err(Failure::new(Code::Invalid, "name the channel that the action is about"));
            }
            (Some(_), name) => Object::ChannelNamed(name),
            (None, _) => Object::Account(owner),
        };
        let shown = self.show_token(token, &self.login_of(&account).await?);
        let now = self.now();
        let (explanation, seq) = self.view.read(|table| {
            let asked = table.caller_of(now, token.issued.token);
            (table.explain(&asked, question.action, &object), table.seq())
        });
        Ok(Answer { allowed: explanation.allowed, words: explanation.words, shown, seq })
    }
}
