//! `/api/user` and `/api/users`: accounts in the words of Anaconda Repository.

use axum::response::{IntoResponse, Response};
use names::AccountId;
use proto::auth::v1::{Account, AccountRequest, DescribeAccountsRequest, WhoAmIRequest};
use proto::event::v1::AccountKind;
use serde::{Deserialize, Serialize};

use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// An account as these clients print it: key by key.
#[derive(Debug, Serialize)]
struct Document {
    login: String,
    user_type: &'static str,
    created_at: String,
}

impl From<Account> for Document {
    fn from(account: Account) -> Self {
        let user_type = match account.kind() {
            AccountKind::Organisation => "org",
            AccountKind::Person | AccountKind::ServiceAccount | AccountKind::Unspecified => "user",
        };
        Self { login: account.login, user_type, created_at: account.created_at }
    }
}

/// `GET /api/user`: who asks.
pub(crate) async fn own(given: Given<()>) -> Result<Response, Problem> {
    Ok(axum::Json(Document::from(caller(&given).await?)).into_response())
}

/// An account by its login.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    login: String,
}

/// `GET /api/user/{login}`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    Ok(axum::Json(Document::from(named(&given).await?)).into_response())
}

/// `GET /api/user/orgs`: the organisations that the caller owns.
pub(crate) async fn own_organisations(given: Given<()>) -> Result<Response, Problem> {
    let account = caller(&given).await?;
    organisations(&given, &account, &account).await
}

/// `GET /api/users/{login}/orgs`: those of another account, as far as the caller owns them too.
pub(crate) async fn organisations_of(given: Given<Named>) -> Result<Response, Problem> {
    let account = named(&given).await?;
    let caller = caller(&given).await?;
    organisations(&given, &account, &caller).await
}

async fn organisations<P>(given: &Given<P>, of: &Account, by: &Account) -> Result<Response, Problem> {
    let known = organisations_known(given, of, by).await?;
    let documents: Vec<_> = known.into_iter().map(Document::from).collect();
    Ok(axum::Json(documents).into_response())
}

/// The organisations that one account owns, as far as another may know it.
pub(crate) async fn organisations_known<P>(
    given: &Given<P>,
    of: &Account,
    by: &Account,
) -> Result<Vec<Account>, Problem> {
    let id = |account: &Account| account.id.parse::<AccountId>().ok();
    let (of, asking) = (id(of), id(by));
    let owned =
        |account: &access::Account, by: Option<AccountId>| by.is_some_and(|id| account.owners.contains(&id));
    let mut ids: Vec<AccountId> = given.app.view.read(|table| {
        let organisations = table.accounts().filter(|account| account.kind == AccountKind::Organisation);
        let seen = organisations.filter(|account| owned(account, of) && (by.admin || owned(account, asking)));
        seen.map(|account| account.id).collect()
    });
    ids.sort_unstable();
    let message = DescribeAccountsRequest { ids: ids.iter().map(AccountId::to_string).collect() };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.describe_accounts(request).await }
    });
    Ok(reply.await?.accounts)
}

pub(crate) async fn caller<P>(given: &Given<P>) -> Result<Account, Problem> {
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, WhoAmIRequest {}, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.who_am_i(request).await }
    });
    reply.await?.account.ok_or_else(|| Problem::not_found("this credential has no account"))
}

async fn named(given: &Given<Named>) -> Result<Account, Problem> {
    let message = AccountRequest { login: given.path.login.clone() };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.find_account(request).await }
    });
    Ok(reply.await?)
}
