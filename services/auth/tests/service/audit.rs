//! Events.Subscribe: the log for auditors.

use proto::auth::v1::RevokeTokenRequest;
use proto::event::v1::Privacy;
use proto::event::v1::event::Event;
use proto::events::v1::{Recorded, SubscribeRequest};
use tonic::Code;

use crate::lab::{Lab, code, reader};

async fn all(lab: &Lab, session: &str) -> Vec<Recorded> {
    let request = SubscribeRequest { from_seq: 0, until_now: true };
    let mut items = lab.events(session).subscribe(request).await.unwrap().into_inner();
    let mut recorded = vec![];
    while let Some(item) = items.message().await.unwrap() {
        recorded.push(item);
    }
    recorded
}

#[tokio::test]
async fn an_administrator_reads_every_event_without_secrets() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    lab.client(&admin).issue_token(reader("ci", "acme")).await.unwrap();
    let recorded = all(&lab, &admin).await;
    assert!(recorded.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    let events: Vec<Event> = recorded
        .into_iter()
        .flat_map(|recorded| recorded.envelope.unwrap().events)
        .map(|event| event.event.unwrap())
        .collect();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::TokenIssued(_))).count(), 2);
    for event in events {
        if let Event::AccountCreated(event) = &event {
            assert_eq!((&event.login, &event.password_hash), (&None, &None));
        }
        if let Event::TokenIssued(event) = &event {
            assert_eq!(event.secrets, vec![]);
        }
    }
}

#[tokio::test]
async fn a_subscription_ends_with_its_session() {
    let lab = Lab::start().await;
    let (admin, auditor) =
        (lab.admin().await, lab.sign_in(crate::lab::LOGIN, crate::lab::PASSWORD).await.unwrap());
    let request = SubscribeRequest { from_seq: 1, until_now: false };
    let mut items = lab.events(&auditor.secret).subscribe(request).await.unwrap().into_inner();
    let revoke = RevokeTokenRequest { token: auditor.token.unwrap().id, ..RevokeTokenRequest::default() };
    lab.client(&admin).revoke_token(revoke).await.unwrap();
    let ended = loop {
        match items.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it must end with a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn only_administrators_read_the_log() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let request = || SubscribeRequest { from_seq: 1, until_now: true };
    assert_eq!(code(lab.events(&ben).subscribe(request()).await.map(drop)), Code::PermissionDenied);
    assert_eq!(code(lab.events("").subscribe(request()).await.map(drop)), Code::Unauthenticated);
}
