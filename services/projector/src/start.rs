//! Starting: connections, health, and the task that follows the log.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use eventlog::{
    JetStream, Log, NatsConfig, Stamps,
    keys::{Keyring, Signer},
};
use readmodel::write::{Beat, Database};
use runtime::{Ambient, Drain};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    Config,
    follow::{Habits, follow},
    usage::take_in,
};

/// A running projector.
#[derive(Debug)]
pub struct Started {
    /// Where health and metrics are served.
    pub addr: SocketAddr,
    /// Ends when it was drained, or with the reason why it goes no further.
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// Connects and follows the log; returns once it does, or stands by for the projector that does.
pub async fn start(config: Config, ambient: Ambient, drain: Drain) -> anyhow::Result<Started> {
    let (ready, is_ready) = watch::channel(false);
    let addr = runtime::admin::serve(config.listen, is_ready, &drain).await?;
    let db = Database::connect(&config.database_url)?;
    let keyring = keyring(&config)?;
    let log = tokio::select! {
        log = connect(&config, &ambient, keyring.clone()) => log?,
        () = drain.requested() => anyhow::bail!("stopped before the event log could be reached"),
    };
    // Without NATS it waits, as the follower does.
    let client = usage::connect(&config.nats_url, "projector").await?;
    tokio::spawn(take_in(db.clone(), client, ambient.clock.clone(), drain.clone()));
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let habits = Habits {
        beat: Beat { incarnation: ambient.ids.uuid(), name: config.name.clone(), version },
        check_every: Duration::from_secs(config.ledger_check_s.into()),
    };
    let mut following = follow(db, log, keyring, habits, drain);
    tokio::select! {
        _ = following.ready.wait_for(|ready| *ready) => {}
        ended = &mut following.task => {
            ended.context("the projector broke off")??;
            anyhow::bail!("stopped before the read models could be followed");
        }
    }
    let task = tokio::spawn(async move {
        tell(&mut following.ready, &ready).await;
        Ok(following.task.await.context("the projector broke off")??)
    });
    Ok(Started { addr, task })
}

/// Passes readiness on until the follower has ended.
async fn tell(from: &mut watch::Receiver<bool>, to: &watch::Sender<bool>) {
    loop {
        let ready = *from.borrow_and_update();
        to.send_replace(ready);
        if from.changed().await.is_err() {
            break;
        }
    }
    to.send_replace(false);
}

/// Opens the log, waiting for a server that is away.
pub async fn connect(config: &Config, ambient: &Ambient, keyring: Keyring) -> anyhow::Result<Arc<dyn Log>> {
    // The streams are the writers' to make: they know how many replicas there are.
    let nats = NatsConfig { create: false, ..NatsConfig::new(&config.nats_url, "projector") };
    Ok(Arc::new(JetStream::wait_and_connect(nats, stamps(ambient), signer(config)?, keyring).await?))
}

/// Makes the streams of a new installation, and checks those of an old one. Where it is known how many bytes each server
/// may take, they are made to fit.
pub async fn make_streams(
    config: &Config,
    replicas: usize,
    room_bytes: Option<u64>,
    ambient: &Ambient,
) -> anyhow::Result<()> {
    let new = NatsConfig::new(&config.nats_url, "setup");
    let fitting = room_bytes.map_or(new.clone(), |room_bytes| new.fitting(room_bytes));
    let nats = NatsConfig { replicas, ..fitting };
    let log = JetStream::connect(nats, stamps(ambient), None, keyring(config)?).await?;
    usage::ensure(&log.client(), replicas).await?;
    Ok(())
}

fn stamps(ambient: &Ambient) -> Stamps {
    let (ids, clock) = (ambient.ids.clone(), ambient.clock.clone());
    Stamps::new(move || ids.uuid(), move || clock.now())
}

/// The ring of public keys that the configuration names.
pub fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    let path =
        config.keyring_file.as_ref().context("KEYRING_FILE is not set: name the file of public keys")?;
    Keyring::read(path).with_context(|| format!("cannot use {}", path.display()))
}

fn signer(config: &Config) -> anyhow::Result<Option<Signer>> {
    let path = config
        .signing_key_file
        .as_ref()
        .context("SIGNING_KEY_FILE is not set: name the file of this service's signing key")?;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(Signer::parse(&text).with_context(|| format!("cannot use {}", path.display()))?))
}
