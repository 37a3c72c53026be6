//! A receiver of traces, as a collector is: it takes every span and keeps it as text.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, async_trait};

/// Listens on loopback until it is dropped.
#[derive(Debug)]
pub struct OtlpReceiver {
    url: String,
    received: Received,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Clone, Default)]
struct Received(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

/// A span and the service that sent it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `service.name` of its resource.
    pub service: String,
    /// The span.
    pub span: Span,
}

impl OtlpReceiver {
    /// Listens on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let received = Received::default();
        let server =
            tonic::transport::Server::builder().add_service(TraceServiceServer::new(received.clone()));
        let serving = tokio::spawn(async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("loopback serves");
        });
        Ok(Self { url, received, serving })
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// All that was received, names, attributes, events and resources, as text.
    pub fn text(&self) -> String {
        format!("{:?}", self.received.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every span received so far.
    pub fn spans(&self) -> Vec<Sent> {
        let requests = self.received.0.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        resources
            .flat_map(|resource| {
                let mut attributes = resource.resource.iter().flat_map(|resource| &resource.attributes);
                let name = attributes.rfind(|attribute| attribute.key == "service.name");
                let service = name.map(|attribute| format!("{:?}", attribute.value)).unwrap_or_default();
                let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
                spans.map(move |span| Sent { service: service.clone(), span: span.clone() })
            })
            .collect()
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
