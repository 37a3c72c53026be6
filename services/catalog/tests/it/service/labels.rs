//! Labels: given, taken, locked.

use eventlog::Stream;
use names::Level;
use proto::catalog::v1 as api;
use proto::event::v1::{PackageKind, Privacy, event::Event};
use tonic::Code;

use super::refused;
use crate::archive::{conda, python};
use crate::lab::Lab;

fn tiny() -> api::Place {
    api::Place { kind: PackageKind::Conda.into(), subdir: "linux-64".into(), filename: conda::conda_name() }
}

fn wheel() -> api::Place {
    api::Place { kind: PackageKind::Pypi.into(), subdir: String::new(), filename: python::WHEEL.into() }
}

fn change(files: &[api::Place], add: &[&str], remove: &[&str]) -> api::ChangeLabelsRequest {
    let words = |labels: &[&str]| labels.iter().map(ToString::to_string).collect();
    api::ChangeLabelsRequest {
        channel: "acme".into(),
        files: files.to_vec(),
        add: words(add),
        remove: words(remove),
    }
}

fn lock(locked: bool) -> api::LockLabelRequest {
    api::LockLabelRequest { channel: "acme".into(), label: "main".into(), locked }
}

#[tokio::test]
async fn labels_are_given_to_files_of_many_packages_and_a_repeat_records_nothing() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Private).await;
    let mut client = lab.client(&ann.session);
    let package = conda::conda(&conda::info(), &conda::payload());
    let publication = lab.publication("acme", &conda::conda_name(), &package).await;
    let labels = vec!["Dev".into(), "rc1".into()];
    client.publish(api::PublishRequest { labels, ..publication }).await.unwrap();
    let publication = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    client.publish(publication).await.unwrap();
    let both = change(&[tiny(), wheel()], &["main", "stable"], &["rc1"]);
    assert_eq!(client.change_labels(both.clone()).await.unwrap().into_inner().changed, 2);
    assert_eq!(client.change_labels(both).await.unwrap().into_inner().changed, 0);
    let records = lab.events(Stream::Catalog).await;
    assert_eq!(records.len(), 4);
    let labels: Vec<_> = records
        .iter()
        .flat_map(|record| &record.envelope.events)
        .map(|event| match &event.event {
            Some(Event::ArtifactPublished(event)) => event.labels.clone().map(|labels| labels.names),
            Some(Event::LabelsChanged(event)) => event.labels.clone().map(|labels| labels.names),
            other => panic!("{other:?}"),
        })
        .collect();
    let words = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(labels[..2], [words(&["dev", "rc1"]), None]);
    assert_eq!(labels[2..], [words(&["dev", "main", "stable"]), words(&["main", "stable"])]);
    let writer = lab.token(&ann, made.id, Level::Write).await;
    let refusal = refused(lab.client(&writer).change_labels(change(&[tiny()], &["x"], &[])).await);
    assert!(refusal.0 == Code::PermissionDenied && refusal.1.contains("manage"), "{}", refusal.1);
}

#[tokio::test]
async fn a_wrong_label_or_too_many_files_are_refused() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let mut client = lab.client(&ann.session);
    for (add, remove) in [(&["noarch"][..], &[][..]), (&[], &["label"]), (&["a"], &["A"])] {
        let refusal = refused(client.change_labels(change(&[tiny()], add, remove)).await);
        assert_eq!(refusal.0, Code::InvalidArgument, "{}", refusal.1);
    }
    let refusal = refused(client.change_labels(change(&vec![tiny(); 1001], &["a"], &[])).await);
    assert!(refusal.0 == Code::InvalidArgument && refusal.1.contains("1000"), "{}", refusal.1);
    let refusal = refused(client.change_labels(change(&vec![tiny(); 1000], &["a"], &[])).await);
    assert_eq!(refusal.0, Code::NotFound, "{}", refusal.1);
}

#[tokio::test]
async fn a_locked_label_takes_and_loses_nothing_until_it_is_unlocked() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Private).await;
    let mut client = lab.client(&ann.session);
    let wheel_bytes = python::wheel(python::METADATA);
    client.publish(lab.publication("acme", python::WHEEL, &wheel_bytes).await).await.unwrap();
    let locked = client.lock_label(lock(true)).await.unwrap().into_inner();
    assert_eq!(client.lock_label(lock(true)).await.unwrap().into_inner().authz_seq, locked.authz_seq);

    let package = conda::conda(&conda::info(), &conda::payload());
    let refusal =
        refused(client.publish(lab.publication("acme", &conda::conda_name(), &package).await).await);
    assert!(refusal.0 == Code::Aborted || refusal.0 == Code::FailedPrecondition, "{refusal:?}");
    assert!(refusal.1.contains("label main is locked"), "{}", refusal.1);
    let removal = api::RemoveArtifactRequest {
        channel: "acme".into(),
        kind: PackageKind::Pypi.into(),
        subdir: String::new(),
        filename: python::WHEEL.into(),
    };
    assert!(refused(client.remove_artifact(removal.clone()).await).1.contains("is locked"));
    assert!(refused(client.change_labels(change(&[wheel()], &[], &["main"])).await).1.contains("is locked"));
    let publication = lab.publication("acme", &conda::conda_name(), &package).await;
    client.publish(api::PublishRequest { labels: vec!["dev".into()], ..publication }).await.unwrap();

    let writer = lab.token(&ann, made.id, Level::Write).await;
    assert_eq!(refused(lab.client(&writer).lock_label(lock(false)).await).0, Code::PermissionDenied);
    client.lock_label(lock(false)).await.unwrap();
    client.remove_artifact(removal).await.unwrap();
}
