//! What auditors are promised of every log.

use eventlog::{BOOKMARK_EVERY, Message, SubscribeError, Told, subscribe};
use futures::TryStreamExt as _;
use proto::events::v1::SubscribeRequest;
use time::OffsetDateTime;

use crate::lab::{Lab, STREAM, message, soon, subject, texts};

async fn told(lab: &Lab, request: SubscribeRequest) -> Vec<Told> {
    let request = SubscribeRequest { until_now: true, ..request };
    let told = subscribe(&lab.open().await, STREAM, &request).await.expect("it can be subscribed to");
    soon("the subscription", told.try_collect()).await.expect("it ends well")
}

pub(crate) async fn a_subscriber_is_told_what_it_wants_and_how_far_the_log_was_looked_through(lab: &Lab) {
    let log = lab.open().await;
    let (wanted, unwanted) = (uuid::Uuid::from_u128(u128::from(crate::lab::unique()) << 64), subject());
    let wanted_subject = format!("evt.catalog.{wanted}.conda.p");
    let first = log.append(STREAM, vec![message(&wanted_subject, 0, "first")]).await.unwrap();
    let mut last = 0;
    for number in 0..BOOKMARK_EVERY / 100 {
        let text = number.to_string();
        last = log.append(STREAM, vec![message(&unwanted, last, &text)]).await.unwrap();
    }
    let second = log.append(STREAM, vec![message(&wanted_subject, first, "second")]).await.unwrap();
    let objects = vec![wanted.to_string()];
    let request = SubscribeRequest { objects, from_seq: first, ..SubscribeRequest::default() };
    let told = told(lab, request.clone()).await;
    let [Told::Record(one), Told::Record(two), Told::Bookmark(end)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(texts([&**one, &**two]), ["first", "second"]);
    assert!(one.seq == first && two.seq == second && *end > second);

    let whole = self::told(lab, SubscribeRequest { from_seq: second, ..SubscribeRequest::default() }).await;
    assert!(matches!(&whole[..], [Told::Record(record)] if record.seq == second), "{whole:?}");
    let beyond = self::told(lab, SubscribeRequest { from_seq: second + 1_000, ..request.clone() }).await;
    assert!(beyond.is_empty(), "{beyond:?}");
    let elsewhere = SubscribeRequest { epoch: "elsewhere".into(), ..request };
    let refused = subscribe(&log, STREAM, &elsewhere).await.map(drop);
    assert!(matches!(refused, Err(SubscribeError::OtherEpoch { .. })), "{refused:?}");
}

pub(crate) async fn a_time_leads_to_a_place_before_everything_stored_since(lab: &Lab) {
    let log = lab.open().await;
    let first = log.append(STREAM, vec![timed("first")]).await.unwrap();
    let between = true_time();
    let second = log.append(STREAM, vec![timed("second")]).await.unwrap();
    assert!(log.since(STREAM, OffsetDateTime::UNIX_EPOCH).await.unwrap() <= first);
    let since = log.since(STREAM, between).await.unwrap();
    assert!(first < since && since <= second, "{first} < {since} <= {second}");
    let far = time::macros::datetime!(2200-01-01 00:00 UTC);
    assert!(log.since(STREAM, far).await.unwrap() > second);
}

/// Memory goes by the time in the envelope, the servers by their own clock.
fn timed(text: &str) -> Message {
    let mut message = message(&subject(), 0, text);
    let time_us = true_time().unix_timestamp_nanos() / 1_000;
    message.envelope.time_us = time_us.try_into().expect("no test runs that late");
    message
}

#[expect(clippy::disallowed_methods, reason = "no server can be told the time")]
fn true_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
