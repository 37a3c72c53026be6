//! A frozen channel: nothing comes in, goes out or is labelled, whoever asks by whatever call.

use eventlog::Stream;
use names::Level;
use proto::catalog::v1 as api;
use proto::event::v1::{Indexing, PackageKind, Privacy, event::Event};
use tonic::{Code, Status};

use super::refused;
use crate::archive::{conda, python};
use crate::lab::{Client, Lab};

fn index(indexing: Indexing) -> api::SetChannelRequest {
    api::SetChannelRequest {
        channel: "acme".into(),
        indexing: Some(indexing.into()),
        ..api::SetChannelRequest::default()
    }
}

fn tiny() -> api::Place {
    api::Place { kind: PackageKind::Conda.into(), subdir: "linux-64".into(), filename: conda::conda_name() }
}

fn package() -> api::PackageRequest {
    api::PackageRequest { channel: "acme".into(), kind: PackageKind::Conda.into(), name: "tiny".into() }
}

/// Everything that would change an index, but for uploads.
async fn changes(client: &mut Client) -> Vec<(&'static str, Result<(), Status>)> {
    let removal = api::RemoveArtifactRequest {
        channel: "acme".into(),
        kind: PackageKind::Conda.into(),
        subdir: "linux-64".into(),
        filename: conda::conda_name(),
    };
    let bulk = api::RemoveArtifactsRequest { channel: "acme".into(), files: vec![tiny()] };
    let copy = |channel: &str, target: &str, moves| api::CopyArtifactsRequest {
        channel: channel.into(),
        files: vec![tiny()],
        target: target.into(),
        r#move: moves,
        ..api::CopyArtifactsRequest::default()
    };
    let labels = api::ChangeLabelsRequest {
        channel: "acme".into(),
        files: vec![tiny()],
        add: vec!["dev".into()],
        remove: vec![],
    };
    let created = api::PackageRequest { name: "new".into(), ..package() };
    let created = api::CreatePackageRequest { package: Some(created), private: None };
    vec![
        ("remove", client.remove_artifact(removal).await.map(drop)),
        ("remove many", client.remove_artifacts(bulk).await.map(drop)),
        ("move out", client.copy_artifacts(copy("acme", "open", true)).await.map(drop)),
        ("copy in", client.copy_artifacts(copy("open", "acme", false)).await.map(drop)),
        ("label", client.change_labels(labels).await.map(drop)),
        ("make a package", client.create_package(created).await.map(drop)),
        ("delete a package", client.delete_package(package()).await.map(drop)),
    ]
}

#[tokio::test]
async fn a_frozen_channel_takes_no_change_of_its_index_until_it_is_unfrozen() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Public).await;
    lab.channel(&ann, "open", Privacy::Public).await;
    let bytes = conda::conda(&conda::info(), &conda::payload());
    let mut client = lab.client(&ann.session);
    for channel in ["acme", "open"] {
        let publication = lab.publication(channel, &conda::conda_name(), &bytes).await;
        client.publish(publication).await.unwrap();
    }
    let frozen = client.set_channel(index(Indexing::Frozen)).await.unwrap().into_inner();
    assert_eq!(frozen.channel.unwrap().indexing(), Indexing::Frozen);
    let before = lab.events(Stream::Catalog).await.len();
    let writer = lab.token(&ann, made.id, Level::Write).await;
    for secret in [&ann.session, &writer] {
        let wheel = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
        let (code, words) = refused(lab.client(secret).publish(wheel).await);
        assert_eq!(code, Code::PermissionDenied);
        assert!(words.contains("channel acme is frozen") && words.contains("unfreeze"), "{words}");
    }
    for (what, answer) in changes(&mut client).await {
        let status = answer.expect_err(what);
        assert_eq!(status.code(), Code::PermissionDenied, "{what}");
        assert!(status.message().contains("channel acme is frozen"), "{what}: {}", status.message());
    }
    assert_eq!(lab.events(Stream::Catalog).await.len(), before, "nothing of it is recorded");
    // Who may see what changes as before, and another channel is not touched.
    let private = api::SetPackageRequest { package: Some(package()), private: true };
    client.set_package(private).await.unwrap();
    let wheel = lab.publication("open", python::WHEEL, &python::wheel(python::METADATA)).await;
    client.publish(wheel).await.unwrap();

    let events = lab.events(Stream::Authz).await.len();
    client.set_channel(index(Indexing::Frozen)).await.unwrap();
    assert_eq!(lab.events(Stream::Authz).await.len(), events, "said again, it records nothing");
    client.set_channel(index(Indexing::Default)).await.unwrap();
    let changed: Vec<_> = lab.events(Stream::Authz).await;
    let changed = changed.iter().flat_map(|record| &record.envelope.events);
    let changed: Vec<(Indexing, Indexing)> = changed
        .filter_map(|event| match &event.event {
            Some(Event::IndexingChanged(event)) => Some((event.before(), event.after())),
            _ => None,
        })
        .collect();
    let (default, frozen) = (Indexing::Default, Indexing::Frozen);
    assert_eq!(changed, [(default, frozen), (frozen, default)]);
    let wheel = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    client.publish(wheel).await.unwrap();
}

#[tokio::test]
async fn freezing_returns_when_every_gateway_knows_and_takes_manage() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Public).await;
    let (view, gateway) = lab.gateway().await;
    let writer = lab.token(&ann, made.id, Level::Write).await;
    let denied = refused(lab.client(&writer).set_channel(index(Indexing::Frozen)).await);
    assert_eq!(denied.0, Code::PermissionDenied);
    let reply = lab.client(&ann.session).set_channel(index(Indexing::Frozen)).await.unwrap().into_inner();
    let receipt = reply.receipt.unwrap();
    assert!(receipt.confirmed.iter().any(|one| one.follower == "gateway"), "{receipt:?}");
    assert!(view.read(|table| table.channel(made.id).is_some_and(|channel| channel.frozen)));
    let unknown = api::SetChannelRequest { indexing: Some(7), ..index(Indexing::Frozen) };
    assert_eq!(refused(lab.client(&ann.session).set_channel(unknown).await).0, Code::InvalidArgument);
    gateway.abort();
    drop(gateway.await);
}
