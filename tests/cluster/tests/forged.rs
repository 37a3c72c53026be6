//! A message in the log that its key may not have signed, on real servers: each reader of AUTHZ stops and says so, none
//! applies it, and in CATALOG one package is parked while the others go on. And keys that change while all of it runs.

use anyhow::Context as _;
use eventlog::keys::Signer;
use eventlog::{JetStream, Log as _, Message, NatsConfig, Stamps, Stream, Writer, seal_note};
use latchkey::up::keys::rotate;
use prost::Message as _;
use proto::event::v1::{AccountDisabled, Actor, Envelope, Event, event};
use proto::feed::v1::Report;
use runtime::{Ids as _, RandomIds, SystemClock};
use testkit::package::Conda;
use testkit::{Cluster, LIMIT, Options, Part, Session};
use uuid::Uuid;

async fn cluster() -> anyhow::Result<Cluster> {
    let cluster = Cluster::start(Options { separate_processes: true, ..Options::default() }).await?;
    cluster.admin().create_channel("acme", "private").await?;
    Ok(cluster)
}

/// The log as somebody has it who has stolen a service's signing key and the operator's password.
async fn stolen(cluster: &Cluster, key: &str) -> anyhow::Result<JetStream> {
    let secrets = cluster.secrets_dir();
    let signer = Signer::parse(&std::fs::read_to_string(secrets.join(format!("{key}.key")))?)?;
    let ring = eventlog::keys::Keyring::read(&secrets.join("keyring.json"))?;
    let stamps = Stamps::new(id, || time::OffsetDateTime::UNIX_EPOCH);
    let config = NatsConfig { create: false, ..NatsConfig::new(cluster.operator_url(), "thief") };
    Ok(JetStream::connect(config, stamps, Some(signer), ring).await?)
}

/// A client of NATS with the name and password of an address.
async fn signed_in(url: &str) -> anyhow::Result<async_nats::Client> {
    let url: async_nats::ServerAddr = url.parse()?;
    let (user, password) = url.username().zip(url.password()).context("the address has both")?;
    let client = async_nats::ConnectOptions::new().user_and_password(user.into(), password.into());
    Ok(client.connect(&url).await?)
}

fn id() -> Uuid {
    RandomIds::new(std::sync::Arc::new(SystemClock)).uuid()
}

fn disabled() -> Envelope {
    let event =
        event::Event::AccountDisabled(AccountDisabled { account_id: vec![7; 16], ..Default::default() });
    Envelope {
        event_id: id().as_bytes().to_vec(),
        actor: Some(Actor { system: "auth".into(), ..Actor::default() }),
        events: vec![Event { event: Some(event) }],
        ..Envelope::default()
    }
}

/// Looks now and then at what other processes say of themselves.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    let looking = async {
        while !holds().await? {
            look.tick().await;
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, looking).await.with_context(|| format!("waited until {what}"))?
}

async fn forged(cluster: &Cluster, service: Part, stream: &str, reason: &str) -> anyhow::Result<bool> {
    let metrics = cluster.metrics_of(service).await?;
    let labels = [format!("stream=\"{stream}\""), format!("reason=\"{reason}\"")];
    Ok(metrics.lines().any(|line| {
        let counted = line.starts_with("eventlog_forged_total{") && !line.ends_with(" 0");
        counted && labels.iter().all(|label| line.contains(label))
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_of_catalog_disables_no_account() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let thief = stolen(&cluster, "catalog").await?;
    let subject = "evt.access.channel.00000000-0000-7000-8000-000000000000".to_owned();
    thief.append(Stream::Authz, vec![Message { subject, expect: 0, envelope: disabled() }]).await?;
    until("projector counts it and is not ready", async || {
        let counted = forged(&cluster, Part::Projector, "AUTHZ", "not_allowed").await?;
        Ok(counted && !cluster.is_ready(Part::Projector).await?)
    })
    .await?;
    // To go on could be to miss a revocation: auth ends, with the reason in its log.
    until("auth has ended", async || Ok(!cluster.is_ready(Part::Auth).await?)).await?;
    let log = cluster.log_of(Part::Auth)?;
    assert!(log.contains("is catalog's, which may not say this there"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_in_catalog_parks_one_package() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let admin = cluster.admin();
    admin.upload("acme", &Conda::new("good", "1.0").conda()).await?.good()?;
    let log = async_nats::jetstream::new(signed_in(&cluster.operator_url()).await?);
    let subject = "evt.catalog.00000000-0000-7000-8000-000000000000.conda.bad";
    log.publish(subject, "nobody has signed this".into()).await?.await?;
    until("projector counts it", async || forged(&cluster, Part::Projector, "CATALOG", "unsealed").await)
        .await?;
    until("catalog counts it", async || forged(&cluster, Part::Catalog, "CATALOG", "unsealed").await).await?;
    let answer = admin.upload("acme", &Conda::new("good", "1.1").conda()).await?.good()?;
    assert!(!answer.headers.contains_key("latchkey-pending"), "what follows it is shown at once");
    cluster.verify().await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_under_running_readers() -> anyhow::Result<()> {
    let mut cluster = cluster().await?;
    let before = cluster.admin().issue_token("before", &[("acme", "read")]).await?;
    let secrets = cluster.secrets_dir();
    for (writer, part) in [(Writer::Auth, Part::Auth), (Writer::Catalog, Part::Catalog)] {
        let key = secrets.join(format!("{writer}.key"));
        rotate(&secrets.join("keyring.json"), &key, writer)?;
        // Only the writer is started again: its readers find the new key in the ring when they need it.
        cluster.restart(part).await?;
    }
    let after = cluster.admin().issue_token("after", &[("acme", "read")]).await?;
    cluster.admin().upload("acme", &Conda::new("new", "1.0").conda()).await?.good()?;
    cluster.verify().await?;
    cluster.restart(Part::Projector).await?;
    cluster.restart(Part::Gateway).await?;
    cluster.verify().await?;
    for token in [&before.token, &after.token] {
        let session = Session::new(cluster.http(), Some(token));
        session.get("/acme/noarch/repodata.json").await?.good()?;
    }
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_auth_has_not_signed_is_counted_and_not_believed() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let secrets = cluster.secrets_dir();
    let thief = signed_in(std::fs::read_to_string(secrets.join("auth.nats-url"))?.trim()).await?;
    let key = Signer::parse(&std::fs::read_to_string(secrets.join("catalog.key"))?)?;
    let report =
        Report { follower: "gateway".into(), incarnation: vec![7; 16], applied: u64::MAX, left: false };
    for forged in [report.encode_to_vec().into(), seal_note(&key, "ack.authz", report.encode_to_vec())] {
        thief.publish("ack.authz", forged).await?;
    }
    until("auth counts both", async || {
        let metrics = cluster.metrics_of(Part::Auth).await?;
        Ok(metrics.lines().any(|line| line == "eventlog_notes_refused_total{subject=\"ack.authz\"} 2"))
    })
    .await?;
    let log = cluster.log_of(Part::Auth)?;
    assert!(log.contains("what another replica tells is not believed"), "{log}");
    cluster.stop().await
}
