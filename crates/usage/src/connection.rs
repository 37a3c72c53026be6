//! A connection that is mended for ever, and that need not be there yet.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};

use crate::UsageError;

/// A dead connection is noticed after about two of these.
const PING: Duration = Duration::from_secs(5);
/// One attempt to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// One request to the server.
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(2);
/// Between two attempts, growing by itself.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Begins to connect to one or more servers, separated by commas; returns at once. `name` is shown in the server's list
/// of connections.
pub async fn connect(url: &str, name: &str) -> Result<Client, UsageError> {
    let servers = url.split(',').map(|server| server.trim().parse());
    let servers = servers.collect::<Result<Vec<ServerAddr>, _>>().map_err(UsageError::Address)?;
    let mut options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .ping_interval(PING)
        .connection_timeout(CONNECT_LIMIT)
        .request_timeout(Some(REQUEST_LIMIT))
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| {
            let tries = u32::try_from(tries).unwrap_or(u32::MAX);
            FIRST_PAUSE.saturating_mul(tries).min(LONGEST_PAUSE)
        });
    // The client does not look into the address for these.
    let named = servers.iter().find_map(|server| Some((server.username()?, server.password()?)));
    if let Some((user, password)) = named {
        options = options.user_and_password(user.into(), password.into());
    }
    options.connect(servers).await.map_err(UsageError::unavailable)
}
