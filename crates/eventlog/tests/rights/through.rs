//! What a user may not write itself it has the server write: as the reply to a request, as an acknowledgement, as what
//! a consumer delivers. The server does that with rights of its own.

use async_nats::jetstream::{self, stream::LastRawMessageErrorKind};
use bytes::Bytes;
use serde_json::json;
use servers::NatsUser::{self, Auth, Catalog, Gateway, Operator, Projector, Setup};

use super::{
    subjects::PROGRAMS,
    wire::{Servers, Wire},
};

/// Subjects worth having, the stream that takes them in, and who may write there anyway.
const TARGETS: [(&str, &str, NatsUser); 4] = [
    ("evt.auth.owner.stolen", "AUTHZ", Auth),
    ("evt.access.channel.stolen", "AUTHZ", Catalog),
    ("evt.catalog.x.conda.stolen", "CATALOG", Catalog),
    ("$KV.ACCOUNT_KEYS.stolen", "KV_ACCOUNT_KEYS", Auth),
];

/// What the user may ask for, so that an answer goes to the subject that it names for it.
fn questions(user: NatsUser) -> Vec<(&'static str, Bytes)> {
    let read = json!({ "seq": 1 }).to_string();
    let pull = json!({ "batch": 1, "no_wait": true }).to_string();
    let reading = |stream: &'static [&'static str]| {
        stream.iter().map(|subject| {
            let body = if subject.contains("NEXT") { pull.clone() } else { read.clone() };
            (*subject, Bytes::from(body))
        })
    };
    let of_authz = &["log.STREAM.INFO.AUTHZ", "log.DIRECT.GET.AUTHZ", "log.CONSUMER.MSG.NEXT.AUTHZ.bait"];
    let of_catalog =
        &["log.STREAM.INFO.CATALOG", "log.DIRECT.GET.CATALOG", "log.CONSUMER.MSG.NEXT.CATALOG.bait"];
    match user {
        Setup => reading(&["log.STREAM.INFO.AUTHZ"]).collect(),
        Auth => reading(of_authz).chain([("evt.auth.owner.own", Bytes::new())]).collect(),
        Catalog => reading(of_catalog).chain([("evt.catalog.x.conda.own", Bytes::new())]).collect(),
        Projector => {
            reading(of_catalog).chain(reading(of_authz)).chain([("evt.lease", Bytes::new())]).collect()
        }
        Gateway => vec![("use.own", Bytes::new())],
        Operator => reading(of_catalog).chain([("evt.catalog.x.conda.own", Bytes::new())]).collect(),
    }
}

async fn holds(operator: &jetstream::Context, stream: &str, subject: &str) -> bool {
    let stream = operator.get_stream(stream).await.unwrap();
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(_) => true,
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => false,
        Err(error) => panic!("{error}"),
    }
}

/// Sends every question with the target as its reply subject, and returns when the server has dealt with them.
async fn ask_for_replies(wire: &mut Wire, user: NatsUser, target: &str) {
    for (question, body) in questions(user) {
        wire.client.publish_with_reply(question, target.to_owned(), body).await.unwrap();
    }
    for (question, _) in questions(user) {
        if !question.contains("NEXT") {
            wire.publish(question).await;
        }
    }
}

/// Has a consumer made that delivers there.
async fn deliver(wire: &mut Wire, stream: &str, target: &str) {
    let name = format!("push-{}", target.replace(['.', '$'], "-"));
    let config = json!({
        "name": name, "deliver_subject": target, "deliver_policy": "all", "ack_policy": "none",
        "inactive_threshold": 60_000_000_000_u64,
    });
    let ask = json!({ "stream_name": stream, "config": config, "action": "create" }).to_string();
    wire.client.request(format!("log.CONSUMER.CREATE.{stream}.{name}"), ask.into()).await.unwrap();
}

async fn nothing_gets_through(servers: Servers) {
    let operator = servers.operator().await;
    for (stream, subject) in [("AUTHZ", "evt.auth.owner.a"), ("CATALOG", "evt.catalog.x.conda.a")] {
        operator.publish(subject, "bait".into()).await.unwrap().await.unwrap();
        let bait = jetstream::consumer::pull::Config {
            name: Some("bait".into()),
            ack_policy: jetstream::consumer::AckPolicy::None,
            ..Default::default()
        };
        operator.create_consumer_on_stream(bait, stream).await.unwrap();
    }
    for user in PROGRAMS {
        let mut wire = servers.sign_in(user).await;
        for (target, _, _) in TARGETS.into_iter().filter(|(_, _, owner)| *owner != user) {
            ask_for_replies(&mut wire, user, target).await;
            if matches!(user, Auth | Projector) {
                deliver(&mut wire, "AUTHZ", target).await;
            }
            if matches!(user, Catalog | Projector) {
                deliver(&mut wire, "CATALOG", target).await;
            }
        }
    }
    // More to deliver, after the consumers were made.
    operator.publish("evt.auth.owner.a", "more".into()).await.unwrap().await.unwrap();
    operator.publish("evt.catalog.x.conda.a", "more".into()).await.unwrap().await.unwrap();

    // The same from inside the log's account does get through: these are attacks. They pass the same queues later than
    // those above, so what could come has come when they have.
    let mut inside = servers.sign_in(Operator).await;
    let control = "evt.auth.owner.control";
    ask_for_replies(&mut inside, Operator, control).await;
    tokio::time::timeout(super::wire::LIMIT, async {
        while !holds(&operator, "AUTHZ", control).await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the control gets through");
    for (target, stream, _) in TARGETS {
        assert!(!holds(&operator, stream, target).await, "{target} was written");
    }
}

#[tokio::test]
async fn nothing_gets_through_one_server() {
    nothing_gets_through(Servers::one().await).await;
}

#[tokio::test]
async fn nothing_gets_through_three_servers() {
    nothing_gets_through(Servers::three().await).await;
}
