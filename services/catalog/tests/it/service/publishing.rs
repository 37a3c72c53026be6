//! Publishing and removing files.

use std::time::Duration;

use eventlog::Stream;
use md5::Md5;
use names::Level;
use proto::catalog::v1 as api;
use proto::event::v1::artifact_published::Detail;
use proto::event::v1::{Privacy, event::Event};
use sha2::{Digest, Sha256};
use tonic::Code;

use super::refused;
use crate::archive::{conda, python};
use crate::lab::{Lab, is_empty};

fn package() -> Vec<u8> {
    conda::conda(&conda::info(), &conda::payload())
}

#[tokio::test]
async fn a_published_file_stands_in_the_log_behind_its_package_and_in_the_store() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Private).await;
    let publication = lab.publication("acme", &conda::conda_name(), &package()).await;
    let reply = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    let sha256: [u8; 32] = Sha256::digest(package()).into();
    assert!(reply.created && reply.silent.is_empty() && reply.warnings.is_empty(), "{reply:?}");
    assert_eq!(
        (reply.name.as_str(), reply.version.as_str(), reply.subdir.as_str()),
        ("tiny", "1.0", "linux-64")
    );
    assert_eq!((reply.sha256.as_slice(), reply.size_bytes), (&sha256[..], package().len() as u64));
    let authz = lab.events(Stream::Authz).await;
    let created = authz.last().unwrap();
    assert_eq!(created.subject, format!("evt.access.package.{}.conda.tiny", made.id));
    let catalog = lab.events(Stream::Catalog).await;
    let [record] = &catalog[..] else { panic!("one event: {catalog:?}") };
    assert_eq!(record.subject, format!("evt.catalog.{}.conda.tiny", made.id));
    assert!(record.envelope.authz_seq >= created.seq, "the package was known when the file was recorded");
    assert_eq!(record.envelope.actor.as_ref().unwrap().account_id, ann.account.to_bytes());
    let Some(Event::ArtifactPublished(published)) = &record.envelope.events[0].event else {
        panic!("{:?}", record.envelope)
    };
    assert_eq!(published.md5, Md5::digest(package()).to_vec());
    assert!(matches!(&published.detail, Some(Detail::Conda(conda)) if conda.indexed_timestamp_ms > 0));
    assert_eq!(lab.blobs.size(&sha256).await.unwrap(), package().len() as u64);
    assert!(is_empty(&lab.blob_folder().join("tmp")));
}

#[tokio::test]
async fn the_same_bytes_again_succeed_and_record_nothing_even_after_a_restart() {
    let mut lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let publication = lab
        .publication("acme", python::SDIST, &python::sdist(&python::sdist_entries(python::METADATA)))
        .await;
    let first = lab.client(&ann.session).publish(publication.clone()).await.unwrap().into_inner();
    lab.stop_catalog().await;
    lab.start_catalog().await;
    let bytes = python::sdist(&python::sdist_entries(python::METADATA));
    let again = api::PublishRequest { upload: lab.upload(&bytes).await, ..publication };
    let again = lab.client(&ann.session).publish(again).await.unwrap().into_inner();
    assert!(!again.created);
    assert_eq!((again.artifact_id, again.catalog_seq), (first.artifact_id, first.catalog_seq));
    assert_eq!(lab.events(Stream::Catalog).await.len(), 1);
    assert!(is_empty(&lab.blob_folder().join("tmp")));
}

#[tokio::test]
async fn a_wheels_metadata_is_a_blob_of_its_own() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let publication = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    let publication =
        api::PublishRequest { form_name: "leaf-pkg".into(), form_version: "1.0".into(), ..publication };
    let reply = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    assert_eq!(reply.name, "leaf-pkg");
    let sha256: [u8; 32] = Sha256::digest(python::METADATA).into();
    assert_eq!(lab.blobs.size(&sha256).await.unwrap(), python::METADATA.len() as u64);
    let records = lab.events(Stream::Catalog).await;
    let Some(Event::ArtifactPublished(published)) = &records[0].envelope.events[0].event else { panic!() };
    assert!(matches!(&published.detail, Some(Detail::Python(python)) if python.metadata_sha256 == sha256));
}

#[tokio::test]
async fn what_is_refused_leaves_no_event_and_no_file() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let before = lab.events(Stream::Authz).await.len();
    let mut client = lab.client(&ann.session);
    let good = lab.publication("acme", &conda::conda_name(), &package()).await;
    let wrong_digest = api::ExpectedDigests { sha256: vec![1; 32], ..Default::default() };
    let wrong_length = api::ExpectedDigests { md5: vec![1; 15], ..Default::default() };
    let mut requests = vec![
        api::PublishRequest { expected: Some(wrong_digest), ..good.clone() },
        lab.publication("acme", &conda::conda_name(), &package()[..200]).await,
        lab.publication("acme", "other-1.0-0.conda", &package()).await,
        lab.publication("acme", python::WHEEL, &package()).await,
    ];
    let subdir = lab.publication("acme", &conda::conda_name(), &package()).await;
    requests.push(api::PublishRequest { subdir: "osx-64".into(), ..subdir });
    let form = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    requests.push(api::PublishRequest { form_name: "other".into(), ..form });
    for request in requests {
        let (code, words) = refused(client.publish(request.clone()).await);
        assert_eq!(code, Code::InvalidArgument, "{words}");
        // The temporary file is gone with the refusal.
        let again = refused(client.publish(api::PublishRequest { expected: None, ..request }).await);
        assert!(again.1.contains("send the file again"), "{}", again.1);
    }
    for request in [
        api::PublishRequest { expected: Some(wrong_length), ..good.clone() },
        api::PublishRequest { subdir: "linux-65".into(), ..good.clone() },
        api::PublishRequest { upload: "../etc/passwd".into(), ..good.clone() },
        api::PublishRequest { kind: 0, ..good },
    ] {
        assert_eq!(refused(client.publish(request).await).0, Code::InvalidArgument);
    }
    assert_eq!(lab.events(Stream::Catalog).await.len(), 0);
    assert_eq!(lab.events(Stream::Authz).await.len(), before);
    assert!(is_empty(&lab.blob_folder().join("sha256")));
}

#[tokio::test]
async fn who_may_not_write_is_refused_before_the_file_is_read() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    let made = lab.channel(&ann, "acme", Privacy::Public).await;
    let reader = lab.token(&ann, made.id, Level::Read).await;
    // What the key names is not there: only the order of the checks decides which refusal comes.
    let request = api::PublishRequest {
        channel: "acme".into(),
        kind: proto::event::v1::PackageKind::Conda.into(),
        upload: format!("tmp/{}", uuid::Uuid::nil()),
        filename: conda::conda_name(),
        ..Default::default()
    };
    for (secret, code) in [
        ("", Code::Unauthenticated),
        ("garbage", Code::Unauthenticated),
        (ben.session.as_str(), Code::PermissionDenied),
        (&reader, Code::PermissionDenied),
        (&lab.gateway_secret, Code::PermissionDenied),
        (&ann.session, Code::InvalidArgument),
    ] {
        let refusal = refused(lab.client(secret).publish(request.clone()).await);
        assert_eq!(refusal.0, code, "{secret}: {}", refusal.1);
    }
    let writer = lab.token(&ann, made.id, Level::Write).await;
    let publication = lab.publication("acme", &conda::conda_name(), &package()).await;
    lab.client(&writer).publish(publication).await.unwrap();
}

#[tokio::test]
async fn other_bytes_under_one_name_need_force_and_python_never_takes_them() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let mut client = lab.client(&ann.session);
    let other = conda::conda(&conda::info(), &[]);
    let first = lab.publication("acme", &conda::conda_name(), &package()).await;
    let first = client.publish(first).await.unwrap().into_inner();
    let second = lab.publication("acme", &conda::conda_name(), &other).await;
    let refusal = refused(client.publish(second).await);
    assert_eq!(refusal.0, Code::AlreadyExists);
    assert!(refusal.1.starts_with("File already exists"), "{}", refusal.1);
    let second = lab.publication("acme", &conda::conda_name(), &other).await;
    let second = client.publish(api::PublishRequest { force: true, ..second }).await.unwrap().into_inner();
    assert!(second.created && second.artifact_id != first.artifact_id);
    let wheel = |summary: &str| python::wheel(&python::METADATA.replace("A leaf", summary));
    let one = lab.publication("acme", python::WHEEL, &wheel("one")).await;
    client.publish(one).await.unwrap();
    let removal = api::RemoveArtifactRequest {
        channel: "acme".into(),
        kind: proto::event::v1::PackageKind::Pypi.into(),
        subdir: String::new(),
        filename: python::WHEEL.into(),
    };
    let removed = client.remove_artifact(removal.clone()).await.unwrap().into_inner();
    let again = client.remove_artifact(removal).await.unwrap().into_inner();
    assert_eq!(removed.catalog_seq, again.catalog_seq);
    let two = lab.publication("acme", python::WHEEL, &wheel("two")).await;
    let refusal = refused(client.publish(api::PublishRequest { force: true, ..two }).await);
    assert!(refusal.0 == Code::AlreadyExists && refusal.1.contains("not used again"), "{}", refusal.1);
    let one = lab.publication("acme", python::WHEEL, &wheel("one")).await;
    assert!(client.publish(one).await.unwrap().into_inner().created);
}

#[tokio::test]
async fn a_file_that_is_not_there_cannot_be_removed() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Private).await;
    let removal = |filename: &str| api::RemoveArtifactRequest {
        channel: "acme".into(),
        kind: proto::event::v1::PackageKind::Conda.into(),
        subdir: "linux-64".into(),
        filename: filename.into(),
    };
    let mut client = lab.client(&ann.session);
    assert_eq!(refused(client.remove_artifact(removal(&conda::conda_name())).await).0, Code::NotFound);
    assert_eq!(refused(client.remove_artifact(removal("tiny")).await).0, Code::InvalidArgument);
    let writer = lab.token(&ann, made.id, Level::Write).await;
    let refusal = refused(lab.client(&writer).remove_artifact(removal(&conda::conda_name())).await);
    assert_eq!(refusal.0, Code::PermissionDenied);
}

#[tokio::test]
async fn sixteen_uploads_into_one_package_at_once_are_all_there() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let uploads = (0..16).map(|number| {
        let (lab, mut client) = (&lab, lab.client(&ann.session));
        async move {
            let filename = format!("leaf_pkg-1.0-{number}-py3-none-any.whl");
            let publication = lab.publication("acme", &filename, &python::wheel(python::METADATA)).await;
            client.publish(publication).await.unwrap().into_inner()
        }
    });
    let replies = futures::future::join_all(uploads).await;
    assert!(replies.iter().all(|reply| reply.created));
    assert_eq!(lab.events(Stream::Catalog).await.len(), 16);
    let packages = lab.events(Stream::Authz).await;
    let created = |record: &&eventlog::Record| record.subject.starts_with("evt.access.package.");
    assert_eq!(packages.iter().filter(created).count(), 1);
}

#[tokio::test]
async fn with_the_log_away_nothing_is_acknowledged_and_nothing_is_lost() {
    let mut lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let publication = lab.publication("acme", &conda::conda_name(), &package()).await;
    let kept = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    let second = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    lab.nats.kill9().await;
    let refusal = refused(lab.client(&ann.session).publish(second).await);
    assert_eq!(refusal.0, Code::Unavailable, "{}", refusal.1);
    lab.nats.restart().await.unwrap();
    let second = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    let mut client = lab.client(&ann.session);
    // The connection to the restarted server comes back by itself; until then the answer is 503, which says when to ask again.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let request = api::PublishRequest {
            upload: lab.upload(&python::wheel(python::METADATA)).await,
            ..second.clone()
        };
        match client.publish(request).await {
            Ok(reply) => break assert_eq!(reply.into_inner().name, "leaf-pkg"),
            Err(status) => assert!(
                status.code() == Code::Unavailable && tokio::time::Instant::now() < deadline,
                "{status}"
            ),
        }
    }
    let records = lab.events(Stream::Catalog).await;
    assert_eq!(records[0].seq, kept.catalog_seq);
}
