//! Channels: made, seen, narrowed, deleted, made again.

use eventlog::Stream;
use names::Level;
use proto::catalog::v1 as api;
use proto::event::v1::{self as stored, Privacy, event::Event};
use tonic::{Code, Request};

use super::refused;
use crate::archive::conda;
use crate::lab::Lab;

fn create(name: &str, privacy: Privacy) -> api::CreateChannelRequest {
    api::CreateChannelRequest { name: name.into(), privacy: privacy.into(), ..Default::default() }
}

fn named(name: &str) -> api::ChannelRequest {
    api::ChannelRequest { channel: name.into() }
}

#[tokio::test]
async fn a_channel_and_its_name_are_made_together_or_not_at_all() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    lab.authz.login(ann.account, "ann").await;
    let before = lab.events(Stream::Authz).await.len();
    // Her own login may name her channel, and nobody else's.
    lab.channel(&ann, "ann", Privacy::Private).await;
    let again = refused(lab.client(&ben.session).create_channel(create("ann", Privacy::Public)).await);
    assert_eq!(again.0, Code::AlreadyExists);
    let events = lab.events(Stream::Authz).await;
    assert_eq!(events.len(), before + 2, "one reservation and one channel, and nothing of the refused one");
    for wrong in ["conda", "linux-64", "-x", "", "Acme", &"x".repeat(129)] {
        let refusal = refused(lab.client(&ann.session).create_channel(create(wrong, Privacy::Public)).await);
        assert_eq!(refusal.0, Code::InvalidArgument, "{wrong}");
    }
    lab.channel(&ann, &"x".repeat(128), Privacy::Public).await;
    let unsaid = refused(lab.client(&ann.session).create_channel(create("y", Privacy::Unspecified)).await);
    assert_eq!(unsaid.0, Code::InvalidArgument);
}

#[tokio::test]
async fn two_hundred_racers_make_one_channel() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let tries = (0..200).map(|_| {
        let mut client = lab.client(&ann.session);
        async move { client.create_channel(create("race", Privacy::Private)).await }
    });
    let results = futures::future::join_all(tries).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 1, "{:?}", results.iter().find(|result| result.is_err()));
}

#[tokio::test]
async fn a_channel_that_may_not_be_read_is_refused_like_one_that_is_not_there() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    lab.channel(&ann, "secret", Privacy::Private).await;
    for secret in ["", "nonsense", &ben.session] {
        let there = refused(lab.client(secret).show_channel(named("secret")).await);
        let absent = refused(lab.client(secret).show_channel(named("absent")).await);
        assert_eq!(there.0, absent.0);
        assert_eq!(there.1.replace("secret", "absent"), absent.1);
        let expected = if secret == ben.session { Code::PermissionDenied } else { Code::Unauthenticated };
        assert_eq!(there.0, expected, "{secret}");
    }
    let shown = lab.client(&ann.session).show_channel(named("secret")).await.unwrap().into_inner();
    assert_eq!((shown.privacy(), shown.level()), (Privacy::Private, stored::Level::Manage));
    assert_eq!(shown.owner_id, ann.account.to_string());
}

#[tokio::test]
async fn lists_hold_what_the_caller_may_read_page_by_page() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    lab.channel(&ann, "a-private", Privacy::Private).await;
    lab.channel(&ann, "b-signed-in", Privacy::Authenticated).await;
    lab.channel(&ann, "c-public", Privacy::Public).await;
    let names = |reply: &api::ListChannelsReply| -> Vec<String> {
        reply.channels.iter().map(|channel| channel.name.clone()).collect()
    };
    for (secret, expected) in [
        (ann.session.as_str(), &["a-private", "b-signed-in", "c-public"][..]),
        (&ben.session, &["b-signed-in", "c-public"]),
        ("", &["c-public"]),
    ] {
        let mut client = lab.client(secret);
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = api::ListChannelsRequest { page_size: 1, page_token };
            let reply = client.list_channels(request).await.unwrap().into_inner();
            assert_eq!(reply.total, expected.len() as u64);
            found.extend(names(&reply));
            page_token = reply.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected);
    }
    let request = api::ListChannelsRequest { page_size: 1, ..Default::default() };
    let page_token =
        lab.client(&ann.session).list_channels(request).await.unwrap().into_inner().next_page_token;
    let request = api::ListChannelsRequest { page_token, page_size: 1 };
    assert_eq!(refused(lab.client(&ben.session).list_channels(request).await).0, Code::InvalidArgument);
    assert_eq!(
        refused(lab.client("garbage").list_channels(api::ListChannelsRequest::default()).await).0,
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn made_private_it_returns_when_every_gateway_knows() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Public).await;
    let (view, gateway) = lab.gateway().await;
    let set = |privacy: Privacy| api::SetChannelRequest {
        channel: "acme".into(),
        privacy: Some(privacy.into()),
        description: None,
        ..Default::default()
    };
    let mut client = lab.client(&ann.session);
    let reply = client.set_channel(set(Privacy::Private)).await.unwrap().into_inner();
    let receipt = reply.receipt.unwrap();
    assert!(receipt.confirmed.iter().any(|one| one.follower == "gateway"), "{receipt:?}");
    assert_eq!(receipt.silent, Vec::<String>::new());
    assert!(view.seq() >= reply.authz_seq);
    // Said again it records nothing, and gives a receipt for the same sequence.
    let events = lab.events(Stream::Authz).await.len();
    let again = client.set_channel(set(Privacy::Private)).await.unwrap().into_inner();
    assert_eq!((again.authz_seq, lab.events(Stream::Authz).await.len()), (reply.authz_seq, events));
    assert!(again.receipt.unwrap().confirmed.iter().any(|one| one.follower == "gateway"));
    // Cut off without a word, it is waited for as long as the caller is patient, and then named.
    gateway.abort();
    drop(gateway.await);
    let mut request =
        Request::new(api::SetChannelRequest { description: Some("x".into()), ..set(Privacy::Private) });
    request.set_timeout(std::time::Duration::from_secs(2));
    let reply = client.set_channel(request).await.unwrap().into_inner();
    assert_eq!(reply.receipt.unwrap().silent, ["gateway"]);
    assert_eq!(reply.channel.unwrap().description, "x");
}

#[tokio::test]
async fn a_deleted_channels_tokens_open_nothing_when_the_name_is_taken_again() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    let first = lab.channel(&ann, "acme", Privacy::Private).await;
    let token = lab.token(&ann, first.id, Level::Write).await;
    let bytes = conda::conda(&conda::info(), &conda::payload());
    let publication = lab.publication("acme", &conda::conda_name(), &bytes).await;
    lab.client(&token).publish(publication).await.unwrap();
    let denied = refused(lab.client(&token).delete_channel(named("acme")).await);
    assert_eq!(denied.0, Code::PermissionDenied);
    lab.client(&ann.session).delete_channel(named("acme")).await.unwrap();
    let second = lab.channel(&ben, "acme", Privacy::Private).await;
    assert_ne!(first.id, second.id);
    let publication = lab.publication("acme", &conda::conda_name(), &bytes).await;
    assert_eq!(refused(lab.client(&token).publish(publication).await).0, Code::PermissionDenied);
    assert_eq!(refused(lab.client(&ann.session).show_channel(named("acme")).await).0, Code::PermissionDenied);
    // The old files are not in the new channel: the same bytes are new to it.
    let publication = lab.publication("acme", &conda::conda_name(), &bytes).await;
    assert!(lab.client(&ben.session).publish(publication).await.unwrap().into_inner().created);
}

#[tokio::test]
async fn a_revoked_session_changes_nothing() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Private).await;
    let revoked = lab.authz.revoke(&ann).await;
    assert!(revoked > made.authz_seq);
    lab.authz.leased.holders().until_applied_by(1, revoked).await;
    let refusal = refused(lab.client(&ann.session).delete_channel(named("acme")).await);
    assert_eq!(refusal.0, Code::Unauthenticated);
    assert!(refusal.1.contains("revoked"), "{}", refusal.1);
    let deleted = |record: &eventlog::Record| {
        record.envelope.events.iter().any(|event| matches!(event.event, Some(Event::ChannelDeleted(_))))
    };
    assert!(!lab.events(Stream::Authz).await.iter().any(deleted));
}

#[tokio::test]
async fn a_level_is_given_to_an_account_and_taken_from_it() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    lab.authz.login(ben.account, "ben").await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let grant = |login: &str, level: stored::Level| api::GrantChannelRequest {
        channel: "acme".into(),
        login: login.into(),
        level: level.into(),
        ..Default::default()
    };
    // Nobody gives themselves what they do not hold, and nothing is said about the channel.
    let refusal = refused(lab.client(&ben.session).grant_channel(grant("ben", stored::Level::Manage)).await);
    assert_eq!(refusal.0, Code::PermissionDenied);
    let mut client = lab.client(&ann.session);
    assert_eq!(refused(client.grant_channel(grant("carl", stored::Level::Read)).await).0, Code::NotFound);

    let given = client.grant_channel(grant("ben", stored::Level::Write)).await.unwrap().into_inner();
    let held = |channel: &api::Channel| -> Vec<(String, stored::Level)> {
        channel.grants.iter().map(|held| (held.account_id.clone(), held.level())).collect()
    };
    let expected = vec![(ben.account.to_string(), stored::Level::Write)];
    assert_eq!(held(&given.channel.unwrap()), expected);
    let shown = lab.client(&ben.session).show_channel(named("acme")).await.unwrap().into_inner();
    assert_eq!((shown.level(), held(&shown)), (stored::Level::Write, vec![]));
    let bytes = conda::conda(&conda::info(), &conda::payload());
    let publication = lab.publication("acme", &conda::conda_name(), &bytes).await;
    lab.client(&ben.session).publish(publication).await.unwrap();

    let by_id =
        api::GrantChannelRequest { account_id: ben.account.to_string(), ..grant("", stored::Level::Read) };
    let lowered = client.grant_channel(by_id).await.unwrap().into_inner();
    assert!(lowered.receipt.is_some());
    let publication = lab.publication("acme", &conda::conda_name(), &bytes).await;
    assert_eq!(refused(lab.client(&ben.session).publish(publication).await).0, Code::PermissionDenied);
    let events = lab.events(Stream::Authz).await.len();
    client.grant_channel(grant("ben", stored::Level::Read)).await.unwrap();
    assert_eq!(lab.events(Stream::Authz).await.len(), events, "what is so already is not recorded");
    client.grant_channel(grant("ben", stored::Level::None)).await.unwrap();
    assert_eq!(refused(lab.client(&ben.session).show_channel(named("acme")).await).0, Code::PermissionDenied);
    let shown = client.show_channel(named("acme")).await.unwrap().into_inner();
    assert_eq!(held(&shown), vec![]);
    assert_eq!(refused(client.grant_channel(grant("", stored::Level::Read)).await).0, Code::InvalidArgument);
}
