//! Where spans go: to an OTLP receiver in batches if there is one, else nowhere. Trace ids exist
//! either way, since log lines carry them.

use anyhow::Context;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::TelemetryArgs;

pub(super) fn provider(args: &TelemetryArgs) -> anyhow::Result<SdkTracerProvider> {
    let name = args.service_name.clone().unwrap_or_else(|| "latchkey".into());
    let resource = Resource::builder().with_service_name(name).build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &args.otlp_endpoint else { return Ok(builder.build()) };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .with_context(|| format!("{endpoint:?} is no place to send traces to; write http://host:4317"))?;
    Ok(builder.with_batch_exporter(exporter).build())
}
