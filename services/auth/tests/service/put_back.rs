//! An event that an operator has put back into the log: whoever has applied it, and whoever has not, end up the same.

use eventlog::{Log as _, Message, Stream, subject};
use proto::auth::v1::{EditTokenRequest, TokenRequest};
use proto::event::v1::Envelope;

use crate::lab::{LIMIT, Lab, scoped};

async fn named(lab: &Lab, admin: &str, token: &str) -> String {
    let request = TokenRequest { token: token.into(), owner: String::new() };
    lab.client(admin).show_token(request).await.unwrap().into_inner().name
}

#[tokio::test]
async fn an_event_put_back_changes_nothing_for_those_who_know_it_and_not_after_a_restart_either() {
    let mut lab = Lab::start().await;
    let admin = lab.admin().await;
    let owner = subject::owner(lab.account_id(&admin).await);
    let issued = lab.client(&admin).issue_token(scoped("first", &["repos"])).await.unwrap().into_inner();
    let id = issued.token.unwrap().id;
    let edit =
        |name: &str| EditTokenRequest { token: id.clone(), name: Some(name.into()), ..Default::default() };
    let second = lab.client(&admin).edit_token(edit("second")).await.unwrap().into_inner().authz_seq;
    let third = lab.client(&admin).edit_token(edit("third")).await.unwrap().into_inner().authz_seq;
    let follower = lab.follower("gateway").await;

    let records = lab.log.read(Stream::Authz, &owner, second - 1, third).await.unwrap();
    let envelope = Envelope { original_seq: Some(second), ..records[0].envelope.clone() };
    let message = Message { subject: owner, expect: third, envelope };
    let back = lab.log.append(Stream::Authz, vec![message]).await.unwrap();
    follower.view.wait_for(back, LIMIT).await.unwrap();
    let token = id.parse().unwrap();
    let name = |view: &feed::client::AccessView| {
        view.read(|table| table.token(token).map(|token| token.name.to_string()))
    };
    assert_eq!(name(&follower.view).as_deref(), Some("third"));
    assert_eq!(named(&lab, &admin, &id).await, "third");
    let fourth = lab.client(&admin).edit_token(edit("fourth")).await.unwrap().into_inner().authz_seq;
    follower.view.wait_for(fourth, LIMIT).await.unwrap();
    assert_eq!(name(&follower.view).as_deref(), Some("fourth"), "its following goes on");
    follower.leave().await;

    lab.stop_auth().await;
    lab.start_auth().await;
    let another = lab.follower("gateway").await;
    assert_eq!(
        (named(&lab, &admin, &id).await.as_str(), name(&another.view).as_deref()),
        ("fourth", Some("fourth"))
    );
    another.leave().await;
}
