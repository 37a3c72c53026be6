//! Accounts: made, signed in to, disabled.

use proto::auth::v1::{
    AccountRequest, ChangePasswordRequest, CreateAccountRequest, DescribeAccountsRequest, ListTokensRequest,
    WhoAmIRequest,
};
use proto::event::v1::{AccountKind, Privacy};
use tonic::Code;

use crate::lab::{LOGIN, Lab, PASSWORD, code, gateways, reader};

/// Makes a person whose password is "<login> has a password".
pub(crate) async fn make(lab: &Lab, admin: &str, login: &str) -> String {
    let request = CreateAccountRequest {
        login: login.into(),
        password: format!("{login} has a password"),
        kind: AccountKind::Person.into(),
        admin: false,
        owners: vec![],
    };
    lab.client(admin).create_account(request).await.unwrap().into_inner().id
}

fn login(login: &str) -> AccountRequest {
    AccountRequest { login: login.into() }
}

#[tokio::test]
async fn the_first_administrator_signs_in_and_makes_accounts() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let me = lab.client(&admin).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    let account = me.account.unwrap();
    assert_eq!((account.login.as_str(), account.admin), (LOGIN, true));
    assert_eq!(me.token.unwrap().name, "lab");

    let ben = make(&lab, &admin, "ben").await;
    let session = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let mut client = lab.client(&session);
    assert_eq!(client.find_account(login(LOGIN)).await.unwrap().into_inner().id, account.id);
    let ids = vec![ben.clone(), account.id, uuid::Uuid::nil().to_string()];
    let described = client.describe_accounts(DescribeAccountsRequest { ids }).await.unwrap().into_inner();
    let logins: Vec<_> = described.accounts.iter().map(|account| account.login.as_str()).collect();
    assert_eq!(logins, ["ben", LOGIN]);
    assert_eq!(code(client.create_account(CreateAccountRequest::default()).await), Code::InvalidArgument);
    let again =
        CreateAccountRequest { login: "cleo".into(), password: "12345678".into(), ..Default::default() };
    assert_eq!(code(client.create_account(again).await), Code::PermissionDenied);
}

#[tokio::test]
async fn a_login_is_taken_once_and_not_by_a_channels_name() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    make(&lab, &admin, "ben").await;
    let again =
        CreateAccountRequest { login: "ben".into(), password: "12345678".into(), ..Default::default() };
    assert_eq!(code(lab.client(&admin).create_account(again).await), Code::AlreadyExists);
}

#[tokio::test]
async fn wrong_password_and_unknown_login_are_one_answer() {
    let lab = Lab::start().await;
    let wrong = lab.sign_in(LOGIN, "not the password").await.unwrap_err();
    let unknown = lab.sign_in("nobody-here", PASSWORD).await.unwrap_err();
    let no_login = lab.sign_in("Not A Login!", PASSWORD).await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);
    for other in [unknown, no_login] {
        assert_eq!((other.code(), other.message()), (wrong.code(), wrong.message()));
    }
}

#[tokio::test]
async fn a_disabled_account_is_shut_out_with_all_it_has() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let follower = lab.follower("gateway").await;
    let mut client = lab.client(&admin);
    let disabled = client.disable_account(login("ben")).await.unwrap().into_inner();
    assert_eq!(gateways(disabled.receipt), ["gateway"]);
    assert!(follower.view.seq() >= disabled.authz_seq);
    assert_eq!(code(lab.client(&ben).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
    assert_eq!(code(lab.sign_in("ben", "ben has a password").await), Code::PermissionDenied);
    assert_eq!(
        client.disable_account(login("ben")).await.unwrap().into_inner().authz_seq,
        disabled.authz_seq
    );
    client.enable_account(login("ben")).await.unwrap();
    assert!(lab.client(&ben).who_am_i(WhoAmIRequest {}).await.is_ok());
    assert_eq!(code(client.disable_account(login(LOGIN)).await), Code::Aborted, "an administrator stays");
    follower.leave().await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let lab = Lab::start().await;
    let (stolen, mine) = (lab.admin().await, lab.admin().await);
    let request = ChangePasswordRequest { login: String::new(), password: "a whole new password".into() };
    lab.client(&mine).change_password(request).await.unwrap();
    assert!(lab.client(&mine).who_am_i(WhoAmIRequest {}).await.is_ok());
    assert_eq!(code(lab.client(&stolen).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
    assert_eq!(code(lab.sign_in(LOGIN, PASSWORD).await), Code::Unauthenticated);
    assert!(lab.sign_in(LOGIN, "a whole new password").await.is_ok());
}

#[tokio::test]
async fn an_organisations_tokens_are_its_owners_to_keep() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let kind = AccountKind::Organisation.into();
    let request = CreateAccountRequest { login: "acme-org".into(), kind, ..Default::default() };
    let organisation = lab.client(&admin).create_account(request).await.unwrap().into_inner();
    lab.make_channel("acme", organisation.id.parse().unwrap(), Privacy::Private).await;
    let mut wanted = reader("ci", "acme");
    wanted.owner = "acme-org".into();
    let token = lab.client(&admin).issue_token(wanted.clone()).await.unwrap().into_inner().token.unwrap();
    assert_eq!(token.owner, "acme-org");
    make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let mut client = lab.client(&ben);
    let closed = client.issue_token(wanted).await.unwrap_err();
    let list = |owner: &str| ListTokensRequest { owner: owner.into(), ..Default::default() };
    assert_eq!(closed.code(), Code::PermissionDenied);
    assert_eq!(code(client.list_tokens(list("acme-org")).await), Code::PermissionDenied);
    assert_eq!(code(client.list_tokens(list("no-such-org")).await), Code::PermissionDenied);
}
