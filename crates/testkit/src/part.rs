//! What a cluster is made of, and how many of each.

use access::Service;

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// nats-server.
    Nats,
    /// Postgres.
    Postgres,
    /// auth.
    Auth,
    /// catalog.
    Catalog,
    /// projector.
    Projector,
    /// gateway.
    Gateway,
}

/// One of the replicas of a part. A part stands for its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Of what.
    pub part: Part,
    /// Which, from 0 on.
    pub index: usize,
}

impl Part {
    /// One of its replicas, from 0 on.
    pub const fn at(self, index: usize) -> Place {
        Place { part: self, index }
    }

    /// The service, if it is one.
    pub(crate) const fn service(self) -> Option<Service> {
        match self {
            Self::Nats | Self::Postgres => None,
            Self::Auth => Some(Service::Auth),
            Self::Catalog => Some(Service::Catalog),
            Self::Projector => Some(Service::Projector),
            Self::Gateway => Some(Service::Gateway),
        }
    }
}

impl From<Part> for Place {
    fn from(part: Part) -> Self {
        part.at(0)
    }
}

/// How many of each there are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Servers of the log: 1 or 3.
    pub nats: usize,
    /// Replicas of auth.
    pub auth: usize,
    /// Replicas of catalog.
    pub catalog: usize,
    /// Projectors, one of them active.
    pub projector: usize,
    /// Gateways.
    pub gateway: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { nats: 1, auth: 1, catalog: 1, projector: 1, gateway: 1 }
    }
}

impl Size {
    /// What is lost without notice: three servers and three gateways, two of everything else.
    pub const CLUSTER: Self = Self { nats: 3, auth: 2, catalog: 2, projector: 2, gateway: 3 };
}
