//! Files copied, moved and removed at once: all of them or none.

use eventlog::Stream;
use proto::catalog::v1 as api;
use proto::event::v1::{PackageKind, Privacy, event::Event};
use tonic::Code;

use super::refused;
use crate::archive::{conda, python};
use crate::lab::{Client, Lab, Person};

fn tiny() -> api::Place {
    api::Place { kind: PackageKind::Conda.into(), subdir: "linux-64".into(), filename: conda::conda_name() }
}

fn wheel() -> api::Place {
    api::Place { kind: PackageKind::Pypi.into(), subdir: String::new(), filename: python::WHEEL.into() }
}

/// A channel with a conda file and a wheel, and one without anything.
async fn filled(lab: &Lab) -> (Person, Client) {
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    lab.channel(&ann, "other", Privacy::Private).await;
    let mut client = lab.client(&ann.session);
    let package = conda::conda(&conda::info(), &conda::payload());
    let publication = lab.publication("acme", &conda::conda_name(), &package).await;
    client.publish(api::PublishRequest { labels: vec!["dev".into()], ..publication }).await.unwrap();
    let publication = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    client.publish(publication).await.unwrap();
    (ann, client)
}

fn go(files: &[api::Place], moves: bool) -> api::CopyArtifactsRequest {
    api::CopyArtifactsRequest {
        channel: "acme".into(),
        files: files.to_vec(),
        target: "other".into(),
        r#move: moves,
        ..Default::default()
    }
}

/// What stands in the log behind the first so many messages: `+` for a file that came, `-` for one that went.
async fn since(lab: &Lab, known: usize) -> String {
    let records = lab.events(Stream::Catalog).await;
    let events = records.iter().skip(known).flat_map(|record| &record.envelope.events);
    let signs = events.map(|event| match &event.event {
        Some(Event::ArtifactPublished(_)) => '+',
        Some(Event::ArtifactRemoved(_)) => '-',
        other => panic!("{other:?}"),
    });
    let mut signs: Vec<char> = signs.collect();
    signs.sort_unstable();
    signs.into_iter().collect()
}

#[tokio::test]
async fn files_of_many_packages_move_at_once_and_a_repeat_records_nothing() {
    let lab = Lab::start().await;
    let (_, mut client) = filled(&lab).await;
    let moved = client.copy_artifacts(go(&[tiny(), wheel()], true)).await.unwrap().into_inner();
    assert_eq!(moved.files.len(), 2);
    assert_eq!(since(&lab, 2).await, "++--");
    let again = client.copy_artifacts(go(&[tiny(), wheel()], true)).await.unwrap().into_inner();
    assert_eq!(again.files.len(), 2);
    assert_eq!(since(&lab, 2).await, "++--");
    // They bear what they bore.
    let records = lab.events(Stream::Catalog).await;
    let labels: Vec<_> = records[2..]
        .iter()
        .flat_map(|record| &record.envelope.events)
        .filter_map(|event| match &event.event {
            Some(Event::ArtifactPublished(file)) => Some(file.labels.clone().map(|labels| labels.names)),
            _ => None,
        })
        .collect();
    assert!(labels.contains(&Some(vec!["dev".to_owned()])) && labels.contains(&None), "{labels:?}");
    // What was removed from where it is now does not come back by a move of what is no more.
    let gone = api::RemoveArtifactsRequest { channel: "other".into(), files: vec![tiny(), wheel()] };
    client.remove_artifacts(gone.clone()).await.unwrap();
    client.remove_artifacts(gone).await.unwrap();
    assert_eq!(since(&lab, 2).await, "++----");
    assert_eq!(refused(client.copy_artifacts(go(&[tiny()], true)).await).0, Code::NotFound);
}

#[tokio::test]
async fn one_file_that_may_not_go_keeps_the_others() {
    let lab = Lab::start().await;
    let (ann, mut client) = filled(&lab).await;
    let absent = api::Place { filename: "tiny-9-0.conda".into(), ..tiny() };
    for files in [[tiny(), absent.clone()], [absent.clone(), wheel()]] {
        for moves in [false, true] {
            assert_eq!(refused(client.copy_artifacts(go(&files, moves)).await).0, Code::NotFound);
        }
        let gone = api::RemoveArtifactsRequest { channel: "acme".into(), files: files.to_vec() };
        assert_eq!(refused(client.remove_artifacts(gone).await).0, Code::NotFound);
    }
    let locked = api::LockLabelRequest { channel: "other".into(), label: "dev".into(), locked: true };
    client.lock_label(locked).await.unwrap();
    let refusal = refused(client.copy_artifacts(go(&[wheel(), tiny()], true)).await);
    assert!(refusal.1.contains("label dev is locked"), "{refusal:?}");
    assert_eq!(since(&lab, 2).await, "");
    // Moved where it is, it would be gone.
    let here = api::CopyArtifactsRequest { target: "acme".into(), ..go(&[tiny()], true) };
    assert_eq!(refused(client.copy_artifacts(here).await).0, Code::InvalidArgument);
    // Somebody who reads it cannot take it away.
    let ben = lab.authz.person(2, false).await;
    lab.channel(&ben, "bens", Privacy::Private).await;
    let given = api::GrantChannelRequest {
        channel: "acme".into(),
        account_id: ben.account.to_string(),
        level: proto::event::v1::Level::Write.into(),
        ..Default::default()
    };
    client.grant_channel(given).await.unwrap();
    let to_ben = |moves| api::CopyArtifactsRequest { target: "bens".into(), ..go(&[tiny()], moves) };
    let mut bens = lab.client(&ben.session);
    assert_eq!(refused(bens.copy_artifacts(to_ben(true)).await).0, Code::PermissionDenied);
    bens.copy_artifacts(to_ben(false)).await.unwrap();
    assert_eq!(since(&lab, 2).await, "+");
    drop(ann);
}

#[tokio::test]
async fn more_than_the_limits_are_refused() {
    let lab = Lab::start().await;
    let (_, mut client) = filled(&lab).await;
    let named = |n: usize| api::Place { filename: format!("p{n}-1-0.conda"), ..tiny() };
    for (files, code) in [
        (vec![tiny(); 1000], None),
        (vec![tiny(); 1001], Some(Code::InvalidArgument)),
        ((0..250).map(named).collect(), Some(Code::NotFound)),
        ((0..251).map(named).collect(), Some(Code::InvalidArgument)),
    ] {
        let result = client.copy_artifacts(go(&files, false)).await;
        assert_eq!(result.err().map(|status| status.code()), code, "{}", files.len());
        let gone = api::RemoveArtifactsRequest { channel: "acme".into(), files: files.clone() };
        if code.is_some() {
            assert_eq!(client.remove_artifacts(gone).await.err().map(|status| status.code()), code);
        }
    }
}

#[tokio::test]
async fn of_two_who_move_a_file_one_does() {
    let lab = Lab::start().await;
    let (ann, mut client) = filled(&lab).await;
    lab.channel(&ann, "third", Privacy::Private).await;
    for round in 0..5 {
        let to = |target: &str| api::CopyArtifactsRequest {
            target: target.into(),
            ..go(&[tiny(), wheel()], true)
        };
        let (mut one, mut two) = (lab.client(&ann.session), lab.client(&ann.session));
        let (one, two) = tokio::join!(one.copy_artifacts(to("other")), two.copy_artifacts(to("third")));
        let (winner, loser) = match (one, two) {
            (Ok(_), Err(late)) => ("other", late),
            (Err(late), Ok(_)) => ("third", late),
            other => panic!("round {round}: {other:?}"),
        };
        assert_eq!(loser.code(), Code::NotFound, "{loser:?}");
        let back = api::CopyArtifactsRequest {
            channel: winner.into(),
            target: "acme".into(),
            ..go(&[tiny(), wheel()], true)
        };
        client.copy_artifacts(back).await.unwrap();
    }
}

#[tokio::test]
async fn as_many_packages_as_may_be_move_in_one_batch() {
    const PACKAGES: usize = 250;
    let lab = Lab::start().await;
    let (ann, mut client) = filled(&lab).await;
    let mut files = Vec::new();
    for n in 0..PACKAGES {
        let publication = lab.publication("acme", "data.bin", format!("bytes {n}").as_bytes()).await;
        let publication = api::PublishRequest {
            kind: PackageKind::File.into(),
            form_name: format!("p{n}"),
            form_version: "1".into(),
            ..publication
        };
        let stored = client.publish(publication).await.unwrap().into_inner();
        let (kind, subdir, filename) = (PackageKind::File.into(), stored.subdir, stored.filename);
        files.push(api::Place { kind, subdir, filename });
    }
    let moved = lab.client(&ann.session).copy_artifacts(go(&files, true)).await.unwrap().into_inner();
    assert_eq!(moved.files.len(), PACKAGES);
    assert_eq!(since(&lab, 2 + PACKAGES).await, "+".repeat(PACKAGES) + &"-".repeat(PACKAGES));
    // One behind the other, with nothing between: they came at once.
    let records = lab.events(Stream::Catalog).await;
    let batch = &records[2 + PACKAGES..];
    assert_eq!(batch[batch.len() - 1].seq - batch[0].seq, 2 * PACKAGES as u64 - 1);
}
