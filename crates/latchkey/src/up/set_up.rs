//! What the services find when they start: an address with their own credential, the streams, the database's roles.
//!
//! The servers take another port at each start, so the addresses are written anew.

use access::Service;
use anyhow::Context as _;
use projector::Config;
use runtime::Ambient;
use servers::NatsUser;

use super::children::Children;
use super::folder::write_private;
use super::parts::Plan;
use super::secrets::{DATABASE_ROLES, Secrets};

/// Sets the servers up for the services; done again, it changes nothing.
pub async fn set_up(children: &Children, plan: &Plan, ambient: &Ambient) -> anyhow::Result<()> {
    let secrets = &plan.secrets;
    for user in NatsUser::ALL {
        write_private(&secrets.nats_url(user), &children.nats.url_of(user))
            .context("writing an address of NATS")?;
    }
    let password = |role| secrets.database_password(role, ambient);
    let passwords = DATABASE_ROLES.into_iter().map(password).collect::<anyhow::Result<Vec<_>>>()?;
    let roles: Vec<(&str, &str)> = DATABASE_ROLES
        .iter()
        .zip(&passwords)
        .map(|(role, password)| (role.as_str(), password.expose()))
        .collect();
    projector::make_roles(&children.postgres.url(), &roles).await.context("the database's roles")?;
    for (role, (name, password)) in DATABASE_ROLES.into_iter().zip(&roles) {
        let url = children.postgres.url_of(name, password);
        write_private(&secrets.database_url(role), &url).context("writing an address of Postgres")?;
    }
    streams(children, plan, ambient).await.context("the streams of the log")
}

async fn streams(children: &Children, plan: &Plan, ambient: &Ambient) -> anyhow::Result<()> {
    let nats_url = Secrets::read(&plan.secrets.nats_url(NatsUser::Setup))?;
    let config = Config { nats_url, ..plan.config(Service::Projector, 0)? };
    projector::make_streams(&config, plan.log_servers, children.nats.room_bytes(), ambient).await
}
