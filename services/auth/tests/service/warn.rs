//! Warnings before the end.

use std::time::Duration;

use futures::StreamExt as _;
use proto::event::v1::event::Event as Stored;

use crate::lab::{LIMIT, Lab, scoped};

#[tokio::test]
async fn a_token_is_warned_of_once_fortnight_before_its_end_whatever_the_replicas() {
    let (lab, clock) = Lab::with_clock().await;
    lab.another_auth().await;
    let admin = lab.admin().await;
    let issued = lab.client(&admin).issue_token(scoped("ci", &["repos"])).await.unwrap().into_inner();
    let mut events = eventlog::Log::tail(&lab.log, eventlog::Stream::Authz, issued.authz_seq + 1);
    clock.advance(Duration::from_secs((365 - 13) * 24 * 3600));
    let warned = tokio::time::timeout(LIMIT, async {
        loop {
            let record = events.next().await.unwrap().unwrap();
            if let Some(Stored::TokenExpiryWarned(warned)) =
                record.envelope.events.first().and_then(|event| event.event.clone())
            {
                return (warned, record);
            }
        }
    });
    let (warned, record) = warned.await.unwrap();
    assert_eq!(warned.token_id, issued.token.unwrap().id.parse::<names::TokenId>().unwrap().to_bytes());
    assert_eq!(record.envelope.actor.unwrap().system, "auth");

    // Both replicas look once a second; what the log holds afterwards is all there will be.
    clock.advance(Duration::from_secs(24 * 3600));
    let session = lab.admin().await;
    let second = lab.client(&session).issue_token(scoped("next", &["repos"])).await.unwrap().into_inner();
    clock.advance(Duration::from_secs((365 - 1) * 24 * 3600));
    let mut warnings = vec![];
    while warnings.is_empty() {
        let record = tokio::time::timeout(LIMIT, events.next()).await.unwrap().unwrap().unwrap();
        for event in record.envelope.events {
            if let Some(Stored::TokenExpiryWarned(warned)) = event.event {
                warnings.push(warned.token_id);
            }
        }
    }
    assert_eq!(warnings, [second.token.unwrap().id.parse::<names::TokenId>().unwrap().to_bytes()]);
}
