//! What gateways and auditors hear.

use std::sync::{Arc, Mutex};

use feed::client::Upstream;
use proto::event::v1::{PackageKind, Privacy};
use proto::events::v1::SubscribeRequest;
use proto::events::v1::events_client::EventsClient;
use proto::feed::v1::ContentChange;
use tonic::{Code, Request};

use crate::archive::{conda, python};
use crate::lab::Lab;

#[tokio::test]
async fn a_gateway_has_heard_of_a_file_when_its_upload_is_answered() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    let made = lab.channel(&ann, "acme", Privacy::Private).await;
    let (view, _access) = lab.gateway().await;
    let heard: Arc<Mutex<Vec<ContentChange>>> = Arc::default();
    let hears = heard.clone();
    let (follower, listening) = lab.listener(&view, move |change| hears.lock().unwrap().push(change)).await;
    let publication =
        lab.publication("acme", &conda::conda_name(), &conda::conda(&conda::info(), &conda::payload())).await;
    let reply = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    assert_eq!(reply.silent, Vec::<String>::new());
    assert!(follower.heard() >= reply.catalog_seq, "{follower:?}");
    let change = heard.lock().unwrap().pop().unwrap();
    assert_eq!(
        (change.seq, change.kind(), change.subdir.as_str()),
        (reply.catalog_seq, PackageKind::Conda, "linux-64")
    );
    assert_eq!((change.channel_id, change.name.as_str()), (made.id.to_bytes(), "tiny"));
    assert!(change.authz_seq <= view.seq(), "it is told only after what decides who may see it");
    // A gateway that is cut off is named, and the upload stands.
    listening.abort();
    drop(listening.await);
    let publication = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    let reply = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    assert_eq!(reply.silent, ["gateway"]);
    assert!(reply.created);
}

/// Whichever of them an upload goes through.
#[tokio::test]
async fn an_upload_waits_for_the_followers_of_every_replica() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, false).await;
    lab.channel(&ann, "acme", Privacy::Private).await;
    let (view, _access) = lab.gateway().await;
    let (other, _drain) = lab.another_catalog().await;
    let (follower, listening) = lab.listener_of(&other, &view, drop).await;
    let publication =
        lab.publication("acme", &conda::conda_name(), &conda::conda(&conda::info(), &conda::payload())).await;
    let reply = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    assert_eq!(reply.silent, Vec::<String>::new());
    assert!(follower.heard() >= reply.catalog_seq, "{follower:?}");
    listening.abort();
    drop(listening.await);
    let publication = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    let reply = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    assert_eq!(reply.silent, ["gateway"]);
}

#[tokio::test]
async fn feeds_are_for_services() {
    let lab = Lab::start().await;
    let ann = lab.authz.person(1, true).await;
    let upstream =
        Upstream::new(Upstream::channel(&lab.url()).unwrap(), &ann.session, "gateway", uuid::Uuid::nil());
    let refusal = upstream.await_applied(1, false, std::time::Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_auditor_reads_the_log_to_its_present_end() {
    let lab = Lab::start().await;
    let (admin, ann) = (lab.authz.person(1, true).await, lab.authz.person(2, false).await);
    lab.channel(&ann, "acme", Privacy::Private).await;
    let publication = lab.publication("acme", python::WHEEL, &python::wheel(python::METADATA)).await;
    let published = lab.client(&ann.session).publish(publication).await.unwrap().into_inner();
    let mut client = EventsClient::new(Upstream::channel(&lab.url()).unwrap());
    let request = |secret: &str| {
        let mut request =
            Request::new(SubscribeRequest { from_seq: 0, until_now: true, ..SubscribeRequest::default() });
        request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
        request
    };
    let mut records = client.subscribe(request(&admin.session)).await.unwrap().into_inner();
    let first = records.message().await.unwrap().unwrap();
    assert_eq!(first.seq, published.catalog_seq);
    assert!(records.message().await.unwrap().is_none(), "barriers are no events, and the present has an end");
    let refusal = client.subscribe(request(&ann.session)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
}
