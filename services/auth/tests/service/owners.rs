//! Service accounts and organisations: who owns them, and what is theirs when an owner goes.

use ::access::{Caller, Credential};
use proto::auth::v1::{
    Account, CreateAccountRequest, IssueTokenRequest, ListTokensRequest, SetOwnersRequest,
};
use proto::event::v1::AccountKind;
use tonic::Code;

use crate::lab::{Lab, code, gateways, scoped};

async fn robot(lab: &Lab, admin: &str, owners: &[&str]) -> Account {
    let request = CreateAccountRequest {
        login: "robot".into(),
        kind: AccountKind::ServiceAccount.into(),
        owners: owners.iter().map(|&login| login.to_owned()).collect(),
        ..CreateAccountRequest::default()
    };
    lab.client(admin).create_account(request).await.unwrap().into_inner()
}

fn set(owners: &[&str]) -> SetOwnersRequest {
    SetOwnersRequest { login: "robot".into(), owners: owners.iter().map(|&login| login.to_owned()).collect() }
}

fn of_robot(name: &str) -> IssueTokenRequest {
    IssueTokenRequest { owner: "robot".into(), ..scoped(name, &["repos"]) }
}

#[tokio::test]
async fn a_service_account_outlives_each_of_its_owners() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    for login in ["ben", "eve"] {
        crate::account::make(&lab, &admin, login).await;
    }
    let made = robot(&lab, &admin, &["ben", "eve"]).await;
    assert_eq!(made.kind(), AccountKind::ServiceAccount);
    let session =
        async |login: &str| lab.sign_in(login, &format!("{login} has a password")).await.unwrap().secret;
    let (ben, eve) = (session("ben").await, session("eve").await);
    let follower = lab.follower("gateway").await;
    let secret = lab.client(&ben).issue_token(of_robot("ci")).await.unwrap().into_inner().secret;

    let changed = lab.client(&eve).set_owners(set(&["eve"])).await.unwrap().into_inner();
    assert_eq!(gateways(changed.receipt), ["gateway"], "it takes something away, so it waits");
    assert_eq!(code(lab.client(&ben).issue_token(of_robot("more")).await), Code::PermissionDenied);
    assert_eq!(code(lab.client(&ben).set_owners(set(&["ben"])).await), Code::PermissionDenied);
    let list = ListTokensRequest { owner: "robot".into(), ..ListTokensRequest::default() };
    assert_eq!(code(lab.client(&ben).list_tokens(list.clone()).await), Code::PermissionDenied);
    assert_eq!(lab.client(&eve).list_tokens(list).await.unwrap().into_inner().total, 1);
    let now = lab.ambient.clock.now();
    let caller = follower.view.read(|table| table.caller(now, &Credential::of(&secret)));
    assert!(matches!(caller, Caller::Token { account, .. } if account.to_string() == made.id));
    follower.leave().await;
}

#[tokio::test]
async fn owners_are_people_and_the_last_one_stays() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    crate::account::make(&lab, &admin, "ben").await;
    robot(&lab, &admin, &[]).await;
    let mut client = lab.client(&admin);
    let none = client.set_owners(set(&[])).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);
    assert!(none.message().contains("needs an owner"), "{}", none.message());
    assert_eq!(code(client.set_owners(set(&["nobody-known"])).await), Code::NotFound);
    assert_eq!(code(client.set_owners(set(&["robot"])).await), Code::InvalidArgument);
    let person = SetOwnersRequest { login: "ben".into(), owners: vec!["ben".into()] };
    assert_eq!(code(client.set_owners(person).await), Code::InvalidArgument);
    assert_eq!(lab.sign_in("robot", "anything at all").await.unwrap_err().code(), Code::Unauthenticated);
    let owned = CreateAccountRequest {
        login: "eve".into(),
        password: "eve has a password".into(),
        owners: vec!["ben".into()],
        ..CreateAccountRequest::default()
    };
    assert_eq!(code(client.create_account(owned).await), Code::InvalidArgument);
}
