//! Readiness is what the health services say, over HTTP and gRPC; a drain ends both servers.

use std::net::SocketAddr;

use runtime::{Ambient, Drain, GrpcServer, admin};
use tokio::sync::watch;
use tonic::service::RoutesBuilder;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

#[tokio::test]
async fn readiness_shows_over_http() {
    runtime::install_crypto();
    let (ready, is_ready) = watch::channel(false);
    let drain = Drain::new();
    let addr = admin::serve(ANY, is_ready, &drain).await.unwrap();
    let status = async |path: &str| {
        // A connection each: the drain below then has none to wait for.
        reqwest::get(format!("http://{addr}{path}")).await.unwrap().status().as_u16()
    };
    assert_eq!(
        (status("/healthz").await, status("/readyz").await, status("/metrics").await),
        (200, 503, 200)
    );
    ready.send_replace(true);
    assert_eq!(status("/readyz").await, 200);
}

#[tokio::test]
async fn readiness_shows_over_grpc_and_a_drain_ends_the_server() {
    let (ready, is_ready) = watch::channel(false);
    let drain = Drain::new();
    let server = GrpcServer {
        listen: ANY,
        descriptors: tonic_health::pb::FILE_DESCRIPTOR_SET,
        ambient: Ambient::system(),
        drain: drain.clone(),
        ready: is_ready,
        tls: None,
    };
    let served = server.serve(RoutesBuilder::default()).await.unwrap();
    let channel = Endpoint::from_shared(format!("http://{}", served.addr)).unwrap().connect().await.unwrap();
    let watched = HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap();
    let mut statuses = watched.into_inner();
    let mut next = async || statuses.message().await.unwrap().unwrap().status();

    assert_eq!(next().await, ServingStatus::NotServing);
    ready.send_replace(true);
    assert_eq!(next().await, ServingStatus::Serving);
    drain.start();
    assert_eq!(next().await, ServingStatus::NotServing);

    drop(statuses);
    served.task.await.unwrap().unwrap();
    assert!(drain.finished(runtime::grpc::DRAIN_LIMIT).await);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind(ANY).await.unwrap();
    let (_ready, is_ready) = watch::channel(true);
    let error = admin::serve(taken.local_addr().unwrap(), is_ready, &Drain::new()).await.unwrap_err();
    assert!(error.to_string().contains("choose another address"), "{error}");
}
