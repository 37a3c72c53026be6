//! Every user tries every subject.

use servers::NatsUser::{self, Auth, Catalog, Gateway, Projector, Setup};

use super::wire::{Fate, LIMIT, Servers};

pub(crate) const PROGRAMS: [NatsUser; 5] = [Setup, Auth, Catalog, Projector, Gateway];

/// What the replicas of a service tell each other, and of which.
const ACKS: [(&str, NatsUser); 2] = [("ack.authz", Auth), ("ack.catalog", Catalog)];

/// Who may publish where, and gets an answer. If this fails after a change of the rights: `docs/operations.md` says the
/// same in a table.
const SUBJECTS: [(&str, &[NatsUser]); 39] = [
    ("evt.auth.owner.x", &[Auth]),
    ("evt.access.name.x", &[Auth, Catalog]),
    ("evt.access.channel.x", &[Catalog]),
    ("evt.lease", &[Auth, Catalog, Projector]),
    ("evt.catalog.x.conda.y", &[Catalog]),
    ("evt.catalog.barrier", &[Catalog, Projector]),
    ("use.gateway", &[Gateway]),
    ("log.CONSUMER.CREATE.USAGE.c", &[Projector]),
    ("log.STREAM.PURGE.USAGE", &[]),
    ("log.$KV.ACCOUNT_KEYS.x", &[Auth]),
    ("$KV.ACCOUNT_KEYS.x", &[]),
    ("log.STREAM.INFO.AUTHZ", &[Setup, Auth, Catalog, Projector]),
    ("log.STREAM.INFO.KV_ACCOUNT_KEYS", &[Setup, Auth]),
    ("log.STREAM.CREATE.MORE", &[Setup]),
    ("log.STREAM.UPDATE.AUTHZ", &[Setup]),
    ("log.STREAM.MSG.GET.AUTHZ", &[Auth, Catalog, Projector]),
    ("log.STREAM.MSG.GET.CATALOG", &[Catalog, Projector]),
    ("log.STREAM.MSG.GET.KV_ACCOUNT_KEYS", &[Auth]),
    ("log.DIRECT.GET.AUTHZ", &[Auth, Catalog, Projector]),
    ("log.DIRECT.GET.CATALOG", &[Catalog, Projector]),
    ("log.CONSUMER.CREATE.AUTHZ.c", &[Auth, Catalog, Projector]),
    ("log.CONSUMER.CREATE.CATALOG.c", &[Catalog, Projector]),
    ("log.CONSUMER.CREATE.KV_ACCOUNT_KEYS.c", &[]),
    ("log.STREAM.DELETE.AUTHZ", &[]),
    ("log.STREAM.DELETE.CATALOG", &[]),
    ("log.STREAM.DELETE.KV_ACCOUNT_KEYS", &[]),
    ("log.STREAM.PURGE.AUTHZ", &[]),
    ("log.STREAM.PURGE.CATALOG", &[]),
    ("log.STREAM.PURGE.KV_ACCOUNT_KEYS", &[]),
    ("log.STREAM.MSG.DELETE.AUTHZ", &[]),
    ("log.STREAM.MSG.DELETE.CATALOG", &[]),
    ("log.STREAM.SNAPSHOT.KV_ACCOUNT_KEYS", &[]),
    ("log.STREAM.RESTORE.AUTHZ", &[]),
    ("log.ACCOUNT.PURGE.LOG", &[]),
    ("$JS.API.STREAM.INFO.AUTHZ", &[]),
    ("$JS.API.STREAM.DELETE.AUTHZ", &[]),
    ("$JS.API.STREAM.PURGE.AUTHZ", &[]),
    ("$JS.API.STREAM.UPDATE.AUTHZ", &[]),
    ("$SYS.REQ.SERVER.PING", &[]),
];

#[tokio::test]
async fn each_user_reaches_its_own_subjects_and_no_others() {
    let servers = Servers::one().await;
    for user in PROGRAMS {
        let mut wire = servers.sign_in(user).await;
        for (subject, allowed) in SUBJECTS {
            let fate = wire.publish(subject).await;
            let may = allowed.contains(&user);
            assert_eq!(fate == Fate::Answered, may, "{} on {subject}: {fate:?}", user.as_str());
        }
    }
}

#[tokio::test]
async fn what_takes_facts_back_is_refused_in_so_many_words() {
    let servers = Servers::one().await;
    for user in PROGRAMS {
        let mut wire = servers.sign_in(user).await;
        for call in
            ["STREAM.DELETE.AUTHZ", "STREAM.PURGE.AUTHZ", "STREAM.MSG.DELETE.AUTHZ", "STREAM.RESTORE.AUTHZ"]
        {
            for prefix in ["log", "$JS.API"] {
                let fate = wire.publish(&format!("{prefix}.{call}")).await;
                assert_eq!(fate, Fate::Refused, "{} on {prefix}.{call}", user.as_str());
            }
        }
    }
}

/// A core subscriber would see a message before it is stored, another's answers, and keys.
#[tokio::test]
async fn nobody_listens_to_anything_but_its_own_answers() {
    let servers = Servers::one().await;
    for user in PROGRAMS {
        let mut wire = servers.sign_in(user).await;
        for subject in [">", "evt.>", "evt.auth.owner.x", "$KV.>", "$JS.API.>", "use.>"] {
            assert!(wire.is_subscription_refused(subject).await, "{} listens to {subject}", user.as_str());
        }
        for (subject, of) in ACKS {
            assert_eq!(wire.is_subscription_refused(subject).await, user != of, "{}", user.as_str());
        }
        assert!(!wire.is_subscription_refused("_INBOX.own.>").await, "{}", user.as_str());
    }
}

#[tokio::test]
async fn nobody_comes_in_without_a_password() {
    let servers = Servers::one().await;
    let known = servers.sign_in(Gateway).await.client.server_info();
    let address = format!("nats://127.0.0.1:{}", known.port);
    assert!(async_nats::connect(&address).await.is_err());
    let wrong = async_nats::ConnectOptions::with_user_and_password("auth".into(), "wrong".into());
    assert!(wrong.connect(&address).await.is_err());
}

/// What the replicas of a service tell each other stays in their account: a watermark that nobody reached cannot be forged.
#[tokio::test]
async fn an_acknowledgement_is_its_services_alone() {
    for (subject, of) in ACKS {
        acknowledge(subject, of).await;
    }
}

async fn acknowledge(subject: &'static str, of: NatsUser) {
    let servers = Servers::one().await;
    let listening = servers.sign_in(of).await;
    let mut heard = listening.client.subscribe(subject).await.unwrap();
    listening.client.flush().await.unwrap();
    for user in PROGRAMS.into_iter().filter(|user| *user != of) {
        let mut wire = servers.sign_in(user).await;
        assert_eq!(wire.publish(subject).await, Fate::Refused, "{}", user.as_str());
        // Not as a reply either: the name means something in the asker's account only.
        let question = if user == Gateway { "use.own" } else { "log.STREAM.INFO.AUTHZ" };
        wire.client.publish_with_reply(question, subject, "".into()).await.unwrap();
        wire.publish(question).await;
    }
    let operator = servers.sign_in(NatsUser::Operator).await;
    operator.client.publish(subject, "from the log's account".into()).await.unwrap();
    operator.client.flush().await.unwrap();
    let replica = servers.sign_in(of).await;
    replica.client.publish(subject, "true".into()).await.unwrap();
    replica.client.flush().await.unwrap();
    let first = tokio::time::timeout(LIMIT, futures::StreamExt::next(&mut heard)).await.unwrap().unwrap();
    assert_eq!(first.payload, "true");
}
