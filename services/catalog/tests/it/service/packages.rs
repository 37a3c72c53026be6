//! Packages that are private on their own, or given to somebody one by one, over gRPC.

use eventlog::Stream;
use proto::catalog::v1 as api;
use proto::event::v1::{self as stored, Privacy, event::Event};
use tonic::{Code, Response, Status};

use crate::archive::conda;
use crate::lab::Lab;

const NAME: &str = "tiny";

fn package(name: &str) -> Option<api::PackageRequest> {
    let kind = stored::PackageKind::Conda.into();
    Some(api::PackageRequest { channel: "lab".into(), kind, name: name.into() })
}

fn code<T: std::fmt::Debug>(result: Result<Response<T>, Status>) -> Code {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_package_uploaded_as_private_is_private_from_its_first_event_on() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "lab", Privacy::Public).await;
    let bytes = conda::conda(&conda::info(), &conda::payload());
    let publication = lab.publication("lab", &conda::conda_name(), &bytes).await;
    let mut owner = lab.client(&ann.session);
    let private = api::PublishRequest { private: Some(true), ..publication };
    let stored = owner.publish(private).await.unwrap().into_inner();
    assert_eq!(stored.warnings, Vec::<String>::new());
    let events = lab.events(Stream::Authz).await;
    let created =
        events.iter().flat_map(|record| &record.envelope.events).find_map(|event| match &event.event {
            Some(Event::PackageCreated(created)) => Some(created.private),
            _ => None,
        });
    assert_eq!(created, Some(true));

    let set = |private| api::SetPackageRequest { package: package(&stored.name), private };
    let shown = owner.set_package(set(false)).await.unwrap().into_inner().package.unwrap();
    assert!(!shown.private);
    // The same bytes as private again: they are there, and stay as open as they are.
    let publication = lab.publication("lab", &conda::conda_name(), &bytes).await;
    let again = api::PublishRequest { private: Some(true), ..publication };
    let again = owner.publish(again).await.unwrap().into_inner();
    assert!(again.warnings[0].contains("is not private"), "{:?}", again.warnings);
    let hidden = owner.set_package(set(true)).await.unwrap().into_inner();
    assert!(hidden.receipt.is_some() && hidden.package.unwrap().private);
}

#[tokio::test]
async fn who_was_given_one_package_writes_that_one_and_cannot_tell_the_others_from_none() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    lab.authz.login(ben.account, "ben").await;
    lab.channel(&ann, "lab", Privacy::Private).await;
    let mut owner = lab.client(&ann.session);
    for name in [NAME, "other"] {
        let request = api::CreatePackageRequest { package: package(name), private: None };
        let made = owner.create_package(request).await.unwrap().into_inner();
        assert!(made.created && !made.package.unwrap().private);
    }
    let grant = |level: stored::Level| api::GrantPackageRequest {
        package: package(NAME),
        login: "ben".into(),
        level: level.into(),
        ..Default::default()
    };
    let given = owner.grant_package(grant(stored::Level::Manage)).await.unwrap().into_inner();
    assert_eq!(given.package.unwrap().grants.len(), 1);
    let mut other = lab.client(&ben.session);
    let set = |name| api::SetPackageRequest { package: package(name), private: true };
    assert!(other.set_package(set(NAME)).await.is_ok());
    let answers = [other.set_package(set("other")).await, other.set_package(set("never")).await];
    let [hidden, absent] = answers.map(|answer| answer.unwrap_err());
    assert_eq!((hidden.code(), absent.code()), (Code::NotFound, Code::NotFound));
    assert_eq!(hidden.message().replace("other", "never"), absent.message());
    let create = |name| api::CreatePackageRequest { package: package(name), private: None };
    assert_eq!(code(other.create_package(create("new")).await), Code::PermissionDenied);
    owner.grant_package(grant(stored::Level::None)).await.unwrap();
    assert_eq!(code(other.set_package(set(NAME)).await), Code::PermissionDenied);
}

#[tokio::test]
async fn a_deleted_package_takes_its_files_with_it_and_its_name_comes_back_empty() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "lab", Privacy::Private).await;
    let mut owner = lab.client(&ann.session);
    let bytes = conda::conda(&conda::info(), &conda::payload());
    let publication = lab.publication("lab", &conda::conda_name(), &bytes).await;
    let first = owner.publish(publication).await.unwrap().into_inner();
    let deleted = owner.delete_package(package(&first.name).unwrap()).await.unwrap().into_inner();
    let removed = lab.events(Stream::Catalog).await;
    let removed = removed.iter().flat_map(|record| &record.envelope.events);
    assert_eq!(removed.filter(|event| matches!(event.event, Some(Event::ArtifactRemoved(_)))).count(), 1);
    assert_eq!(code(owner.delete_package(package(&first.name).unwrap()).await), Code::NotFound);
    let publication = lab.publication("lab", &conda::conda_name(), &bytes).await;
    assert!(owner.publish(publication).await.unwrap().into_inner().created);
    let set = api::SetPackageRequest { package: package(&first.name), private: true };
    let again = owner.set_package(set).await.unwrap().into_inner();
    assert_ne!(again.package.unwrap().id, deleted.package.unwrap().id);
}
