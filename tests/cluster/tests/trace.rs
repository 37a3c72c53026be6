//! One upload is one trace, from the client's request to the read model; so is one install.

use std::collections::BTreeSet;

use testkit::package::Conda;
use testkit::{Cluster, Options, OtlpReceiver, Session};

const UPLOAD: &str = "0af7651916cd43dd8448eb211c80319c";
const INSTALL: &str = "1bf7651916cd43dd8448eb211c80319d";

/// Names of the services whose spans carry this trace id, and the spans' own names.
fn seen(receiver: &OtlpReceiver, trace: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let sent = receiver.spans();
    let of_trace = sent.iter().filter(|sent| hex(&sent.span.trace_id) == trace);
    of_trace.map(|sent| (sent.service.clone(), sent.span.name.clone())).unzip()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn traceparent(trace: &str) -> String {
    format!("00-{trace}-b7ad6b7169203331-01")
}

async fn get(session: &Session, path: &str) -> anyhow::Result<Vec<u8>> {
    let request = session.request(reqwest::Method::GET, path).header("traceparent", traceparent(INSTALL));
    Ok(session.send(request).await?.good()?.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_and_an_install_are_each_one_trace() -> anyhow::Result<()> {
    let receiver = OtlpReceiver::start().await?;
    let options =
        Options { separate_processes: true, otlp_endpoint: Some(receiver.url()), ..Options::default() };
    let mut cluster = Cluster::start(options).await?;
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;

    let file = Conda::new("tiny", "1.0").conda();
    let path = format!("/acme/noarch/{}", file.name);
    let upload = ada.request(reqwest::Method::PUT, &path).header("traceparent", traceparent(UPLOAD));
    ada.send(upload.body(file.bytes.clone())).await?.good()?;

    get(&ada, "/acme/noarch/repodata_shards.msgpack.zst").await?;
    get(&ada, "/acme/noarch/repodata.json.zst").await?;
    assert_eq!(get(&ada, &path).await?, file.bytes);
    cluster.stop_services().await?;

    let (services, spans) = seen(&receiver, UPLOAD);
    for service in ["gateway", "catalog", "projector"] {
        assert!(
            services.iter().any(|name| name.contains(service)),
            "{service} is missing: {services:?} {spans:?}"
        );
    }
    let crossed = |what: &str| spans.iter().any(|span| span.contains(what));
    assert!(crossed("PUT") && crossed("Publish"), "HTTP and gRPC: {spans:?}");
    assert!(crossed("append"), "NATS: {spans:?}");

    let (services, spans) = seen(&receiver, INSTALL);
    assert!(services.iter().any(|name| name.contains("gateway")), "{services:?}");
    assert_eq!(spans.iter().filter(|span| span.starts_with("GET")).count(), 3, "three addresses: {spans:?}");
    cluster.stop().await
}
