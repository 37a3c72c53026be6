//! What goes wrong in a cluster: processes that are killed, frozen or asked to stop, lines that are cut.

use anyhow::Context as _;
use nix::sys::signal::Signal;

use super::{Cluster, Run};
use crate::part::{Part, Place};
use crate::proxy::Line;
use crate::services::{Services, signal};

impl Cluster {
    /// Kills a part as a crash would; returns when it is gone. Services must be processes of their own.
    pub async fn kill9(&mut self, place: impl Into<Place>) -> anyhow::Result<()> {
        let place = place.into();
        match place.part {
            Part::Nats => self.children.nats.kill9(place.index).await,
            Part::Postgres => self.children.postgres.kill9().await,
            Part::Auth | Part::Catalog | Part::Projector | Part::Gateway => {
                self.apart_mut(place)?.kill9(place).await;
            }
        }
        Ok(())
    }

    /// Starts a part again on its port and data; returns when everything is ready again.
    pub async fn restart(&mut self, place: impl Into<Place>) -> anyhow::Result<()> {
        let place = place.into();
        match place.part {
            Part::Nats => self.children.nats.restart(place.index).await?,
            Part::Postgres => self.children.postgres.restart().await?,
            Part::Auth | Part::Catalog | Part::Projector | Part::Gateway => {
                self.apart_mut(place)?.restart(place).await?;
            }
        }
        self.all_ready().await
    }

    /// Starts a service that does not run; it is not ready yet.
    pub fn spawn(&mut self, place: impl Into<Place>) -> anyhow::Result<()> {
        let place = place.into();
        self.apart_mut(place)?.spawn(place)
    }

    /// Asks a part to end as an orchestrator does, and checks that a service ends well.
    pub async fn terminate(&mut self, place: impl Into<Place>) -> anyhow::Result<()> {
        let place = place.into();
        match place.part {
            Part::Nats => self.children.nats.server(place.index).stop().await,
            Part::Postgres => self.children.postgres.stop().await,
            Part::Auth | Part::Catalog | Part::Projector | Part::Gateway => {
                self.apart_mut(place)?.terminate(place).await?;
            }
        }
        Ok(())
    }

    /// Waits until every service that runs says that it is ready.
    pub async fn all_ready(&self) -> anyhow::Result<()> {
        match &self.services {
            Run::Apart(services) => services.all_ready().await,
            Run::Here(_) | Run::Stopped => Ok(()),
        }
    }

    /// Waits until one service says that it is ready.
    pub async fn until_ready(&self, place: impl Into<Place>) -> anyhow::Result<()> {
        let place = place.into();
        self.apart(place)?.until_ready(place).await
    }

    /// Stops the time of a process: it keeps its connections and says nothing.
    pub fn freeze(&self, place: impl Into<Place>) -> anyhow::Result<()> {
        signal(self.pid(place.into())?, Signal::SIGSTOP)
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self, place: impl Into<Place>) -> anyhow::Result<()> {
        signal(self.pid(place.into())?, Signal::SIGCONT)
    }

    /// What becomes of what is said on a line that was laid at the start.
    pub fn set_line(&self, from: impl Into<Place>, to: Part, line: Line) -> anyhow::Result<()> {
        let from = from.into();
        self.apart(from)?.set_line(from, to, line)
    }

    /// Which server leads a stream.
    pub async fn leader_of(&self, stream: &str) -> anyhow::Result<Place> {
        let url = self.operator_url();
        let servers = url.split(',').map(str::parse).collect::<Result<Vec<async_nats::ServerAddr>, _>>()?;
        // The client does not look into the address for these.
        let (user, password) = (servers[0].username(), servers[0].password());
        let (user, password) = user.zip(password).context("the operator has a name and a password")?;
        let options = async_nats::ConnectOptions::with_user_and_password(user.into(), password.into());
        let client = options.connect(servers.as_slice()).await?;
        let found = async_nats::jetstream::new(client).get_stream(stream).await?;
        let cluster = found.cached_info().cluster.as_ref();
        let leader = cluster.and_then(|cluster| cluster.leader.as_deref()).context("nobody leads it")?;
        let nats = &self.children.nats;
        let index = (0..nats.size()).find(|index| nats.server(*index).name() == leader);
        Ok(Part::Nats.at(index.context("the leader is one of ours")?))
    }

    /// Waits until the servers of the log that run have caught up with each other.
    pub async fn log_healthy(&self) -> anyhow::Result<()> {
        self.children.nats.healthy().await
    }

    fn pid(&self, place: Place) -> anyhow::Result<u32> {
        match place.part {
            Part::Nats => Ok(self.children.nats.server(place.index).pid()),
            Part::Postgres => anyhow::bail!("Postgres is several processes"),
            Part::Auth | Part::Catalog | Part::Projector | Part::Gateway => self.apart(place)?.pid(place),
        }
    }

    pub(super) fn apart(&self, place: Place) -> anyhow::Result<&Services> {
        match &self.services {
            Run::Apart(services) => Ok(services),
            Run::Here(_) | Run::Stopped => Err(not_apart(place)),
        }
    }

    fn apart_mut(&mut self, place: Place) -> anyhow::Result<&mut Services> {
        match &mut self.services {
            Run::Apart(services) => Ok(services),
            Run::Here(_) | Run::Stopped => Err(not_apart(place)),
        }
    }
}

fn not_apart(place: Place) -> anyhow::Error {
    anyhow::anyhow!("{place:?} is not a process of its own: start with separate_processes")
}
