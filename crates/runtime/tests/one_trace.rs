//! A request that crosses HTTP and gRPC is one trace at a real OTLP receiver, and what a caller hides
//! in paths and headers is in no span, log line or metric.
//!
//! One test, because a process has one telemetry.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use runtime::telemetry::{self, LogFormat, TelemetryArgs};
use runtime::trace::{GrpcClient, HttpTrace, NO_ROUTE, Route, current_traceparent, span_from_traceparent};
use runtime::{Ambient, Code, Drain, Failure, GrpcServer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::RoutesBuilder;
use tonic::transport::{Channel, Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tracing::Instrument;

const CANARY: &str = "lkr-CanaryCanaryCanaryCanaryCanary000000";
const REMOTE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let spans = resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn receiver() -> (SocketAddr, Receiver) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, receiver) = (listener.local_addr().unwrap(), Receiver::default());
    let server = Server::builder().add_service(TraceServiceServer::new(receiver.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (addr, receiver)
}

/// Asks the service behind, then writes a line; the second route fails with a reason.
async fn serve_http(behind: Channel) -> SocketAddr {
    let ask = async |State(behind): State<Channel>| {
        let mut client = HealthClient::with_interceptor(behind, GrpcClient);
        client.check(HealthCheckRequest::default()).await.unwrap();
        let stored = current_traceparent();
        let reader = span_from_traceparent("project.message", &stored);
        async { tracing::info!(answer = 42, "asked") }.instrument(reader).await;
        "asked"
    };
    let fail = async || {
        let failure = Failure::new(Code::Internal, "it broke").because("the disk is full");
        let mut response = http::Response::new(axum::body::Body::from(failure.message.clone()));
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(failure);
        response
    };
    let router = axum::Router::new()
        .route("/things/{name}", get(ask))
        .route("/broken", get(fail))
        .fallback(async || http::StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(HttpTrace::new(Ambient::system()), traced))
        .with_state(behind)
        .merge(telemetry::metrics_router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    addr
}

async fn traced(State(trace): State<HttpTrace>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    trace.answer(&Route::new(route), request, |request| next.run(request)).await
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name} in {names:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_one_trace_and_its_secrets_are_in_none() {
    runtime::install_crypto();
    let (collector, received) = receiver().await;
    let log = Log::default();
    let args = TelemetryArgs {
        log_format: LogFormat::Json,
        otlp_endpoint: Some(format!("http://{collector}")),
        ..TelemetryArgs::default()
    };
    let kept = log.clone();
    let guard = telemetry::init_to(args.named("test"), move || kept.clone()).unwrap();
    assert!(telemetry::init(TelemetryArgs::default()).is_err(), "telemetry is set up once");

    let drain = Drain::new();
    let (_ready, is_ready) = watch::channel(true);
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let descriptors = tonic_health::pb::FILE_DESCRIPTOR_SET;
    let ambient = Ambient::system();
    let server =
        GrpcServer { listen, descriptors, ambient, drain: drain.clone(), ready: is_ready, tls: None };
    let behind = server.serve(RoutesBuilder::default()).await.unwrap();
    let channel = Endpoint::from_shared(format!("http://{}", behind.addr)).unwrap().connect_lazy();
    let http = serve_http(channel.clone()).await;

    let client = reqwest::Client::new();
    let url = format!("http://{http}/things/{CANARY}?token={CANARY}");
    let asked =
        client.get(url).bearer_auth(CANARY).header("x-request-id", CANARY).header("traceparent", REMOTE);
    let answer = asked.send().await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_ne!(request_id, CANARY);
    let own = client.get(format!("http://{http}/broken")).header("x-request-id", "0123abcd-0000");
    assert_eq!(own.send().await.unwrap().headers()["x-request-id"], "0123abcd-0000");
    client.get(format!("http://{http}/{CANARY}")).send().await.unwrap();
    let stray = tonic::client::Grpc::new(channel);
    ask_for_an_unknown_rpc(stray).await;
    let metrics = client.get(format!("http://{http}/metrics")).send().await.unwrap().text().await.unwrap();

    drain.start();
    behind.task.await.unwrap().unwrap();
    guard.finish().await;

    let spans = received.0.lock().unwrap().clone();
    let (front, back) = (named(&spans, "GET /things/{name}"), named(&spans, "grpc.health.v1.Health/Check"));
    let reader = named(&spans, "project.message");
    assert_eq!(hex(&front.trace_id), "0af7651916cd43dd8448eb211c80319c", "the caller's trace goes on");
    assert_eq!(hex(&front.parent_span_id), "b7ad6b7169203331");
    assert_eq!((&back.trace_id, &back.parent_span_id), (&front.trace_id, &front.span_id));
    assert_eq!((&reader.trace_id, &reader.parent_span_id), (&front.trace_id, &front.span_id));
    named(&spans, "GET (none)");
    named(&spans, "(unknown)");
    assert!(!format!("{spans:?}").contains("Canary"), "a span holds the canary");

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!log.contains("Canary"), "a log line holds the canary: {log}");
    let line = |text: &str| -> serde_json::Value {
        let line =
            log.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text:?} in {log}"));
        serde_json::from_str(line).unwrap()
    };
    let asked = line("\"asked\"");
    assert_eq!(
        (&asked["answer"], &asked["trace_id"]),
        (&42.into(), &"0af7651916cd43dd8448eb211c80319c".into())
    );
    assert_eq!(line("request answered")["request_id"], request_id);
    let failed = line("request failed");
    assert_eq!(
        (&failed["reasons"], &failed["request_id"]),
        (&"the disk is full".into(), &"0123abcd-0000".into())
    );

    every_metric_is_there(&metrics);
}

fn every_metric_is_there(metrics: &str) {
    assert!(!metrics.contains("Canary"), "a metric holds the canary: {metrics}");
    for wanted in [
        r#"latchkey_http_requests_total{method="GET",route="/things/{name}",code="ok"} 1"#,
        r#"latchkey_http_requests_total{method="GET",route="/broken",code="internal"} 1"#,
        r#"latchkey_http_requests_total{method="GET",route="(none)",code="not_found"} 1"#,
        r#"latchkey_rpc_total{rpc="grpc.health.v1.Health/Check",code="ok"} 1"#,
        r#"latchkey_rpc_total{rpc="(unknown)",code="internal"} 1"#,
        r#"latchkey_rpc_seconds_bucket{rpc="grpc.health.v1.Health/Check",le="+Inf"} 1"#,
    ] {
        assert!(metrics.contains(wanted), "{wanted} is not in {metrics}");
    }
}

async fn ask_for_an_unknown_rpc(mut client: tonic::client::Grpc<Channel>) {
    client.ready().await.unwrap();
    let path =
        http::uri::PathAndQuery::from_maybe_shared(format!("/grpc.health.v1.Health/{CANARY}")).unwrap();
    let codec = tonic_prost::ProstCodec::<HealthCheckRequest, HealthCheckRequest>::default();
    let refused = client.unary(tonic::Request::new(HealthCheckRequest::default()), path, codec).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unimplemented);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
