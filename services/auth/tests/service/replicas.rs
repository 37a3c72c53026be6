//! Two replicas of auth on one log: what one decides the other knows, and a race has one winner.

use proto::auth::v1::{ListTokensRequest, RevokeTokenRequest, SignInRequest, TokenRequest};
use proto::event::v1::Privacy;
use tonic::Code;

use crate::lab::{LOGIN, Lab, PASSWORD, code, reader};

#[tokio::test]
async fn what_one_replica_decides_the_other_answers_by() {
    let lab = Lab::start().await;
    let other = lab.another_auth().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let (mut here, mut there) = (lab.client(&admin), Lab::client_of(other, &admin));
    for number in 0..5 {
        let name = format!("ci-{number}");
        here.issue_token(reader(&name, "acme")).await.unwrap();
        let request = TokenRequest { token: name.clone(), owner: String::new() };
        let mut shown = there.show_token(request.clone()).await.unwrap().into_inner();
        assert_eq!((shown.name.as_str(), shown.state.as_str()), (name.as_str(), "live"));
        let revoke = RevokeTokenRequest { token: name, ..RevokeTokenRequest::default() };
        there.revoke_token(revoke).await.unwrap();
        shown = here.show_token(request).await.unwrap().into_inner();
        assert_eq!(shown.state, "revoked");
        assert!(!shown.revoked_at.is_empty());
    }
}

#[tokio::test]
async fn a_name_that_both_replicas_give_at_once_is_given_once() {
    let lab = Lab::start().await;
    let other = lab.another_auth().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    for number in 0..10 {
        let name = format!("ci-{number}");
        let (mut here, mut there) = (lab.client(&admin), Lab::client_of(other, &admin));
        let (one, two) =
            tokio::join!(here.issue_token(reader(&name, "acme")), there.issue_token(reader(&name, "acme")),);
        let lost = match (one, two) {
            (Ok(_), lost) | (lost, Ok(_)) => lost,
            (Err(one), Err(two)) => panic!("nobody won: {one}, {two}"),
        };
        assert_eq!(code(lost), Code::AlreadyExists);
    }
    let listed = lab.client(&admin).list_tokens(ListTokensRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.total, 10);
}

#[tokio::test]
async fn an_erased_account_is_a_stranger_to_every_replica() {
    let lab = Lab::start().await;
    let other = lab.another_auth().await;
    let admin = lab.admin().await;
    let account = lab.account_id(&admin).await;
    let keys = auth::personal::Keys::open(lab.log.context(), lab.ambient.ids.clone()).await.unwrap();
    keys.erase(account).await.unwrap();
    let me = lab.client(&admin).who_am_i(proto::auth::v1::WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!(me.account.unwrap().login, "", "it reads erased");
    let sign_in = SignInRequest { login: LOGIN.into(), password: PASSWORD.into(), note: String::new() };
    for mut client in [lab.client(""), Lab::client_of(other, "")] {
        assert_eq!(code(client.sign_in(sign_in.clone()).await), Code::Unauthenticated);
    }
}
