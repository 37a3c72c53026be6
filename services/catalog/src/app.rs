//! One method for each use case, in the words of the API: check the caller, make the command, let it be decided, say
//! what was decided.

mod artifacts;
mod caller;
mod channels;
mod copy;
mod failures;
mod grants;
mod groups;
mod labels;
mod packages;
mod publish;
mod receipts;
mod receive;
mod voids;

use std::sync::Arc;

use access::Caller;
use blobs::Blobs;
use eventlog::{Log, Meta, NoVoids, Rules, Stamps, Store, Stream};
use feed::client::{AccessView, Upstream};
use feed::lease::{Clocks, Moment};
use feed::server::Followers;
use proto::event::v1::Actor;
use runtime::{Ambient, request_id, trace};
use tokio::sync::Semaphore;

use crate::domain::{artifacts as files, channel, group, name, package};
use crate::events;
use crate::inspect::Limits;

pub use artifacts::Removal;
pub use caller::Asker;
pub use channels::{ChannelChange, ChannelChanges, ChannelPage, ChannelView, Given, NewChannel};
pub use copy::{Conflict, Copied, Copying};
pub use grants::Grantee;
pub use groups::{GroupChange, GroupChanges, GroupRef, NewGroup};
pub use labels::{Labelling, Relabelled};
pub use packages::{PackageChange, PackageRef, PackageView};
pub use publish::{Expected, Published, Upload};

/// Archives read at the same time; each takes a thread and up to some 150 MiB.
const INSPECTIONS: usize = 4;

/// What the service is made of.
pub struct Parts {
    pub log: Arc<dyn Log>,
    pub access: AccessView,
    pub blobs: Blobs,
    pub ambient: Ambient,
    /// Who follows the content feed here.
    pub followers: Followers,
    /// Where receipts for changes of access come from.
    pub auth: Upstream,
    pub limits: Limits,
    /// Whether a package is private on its own where its maker does not say.
    pub packages_private: bool,
}

/// The service itself.
pub struct Catalog {
    parts: Parts,
    names: Store<name::Name, name::Event>,
    channels: Store<channel::Channel, channel::Event>,
    packages: Store<package::Package, package::Event>,
    groups: Store<group::Groups, group::Event>,
    artifacts: Store<files::Artifacts, files::Event>,
    inspections: Arc<Semaphore>,
    clocks: Clocks,
}

/// Ids and times of events.
pub fn stamps(ambient: &Ambient) -> Stamps {
    let (ids, clock) = (ambient.ids.clone(), ambient.clock.clone());
    Stamps::new(move || ids.uuid(), move || clock.now())
}

/// Both of the machine's clocks.
pub fn clocks(ambient: &Ambient) -> Clocks {
    let clock = ambient.clock.clone();
    Clocks::new(move || Moment {
        boot: clock.boot(),
        wall_us: i64::try_from(clock.now().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX),
    })
}

impl Catalog {
    pub fn new(parts: Parts) -> Self {
        let voids = Arc::new(voids::Access(parts.access.clone()));
        let stamps = stamps(&parts.ambient);
        let name_rules =
            Rules { decode: events::name::decode, encode: events::name::encode, evolve: name::evolve };
        let channel_rules = Rules {
            decode: events::channel::decode,
            encode: events::channel::encode,
            evolve: channel::evolve,
        };
        let package_rules = Rules {
            decode: events::package::decode,
            encode: events::package::encode,
            evolve: package::evolve,
        };
        let group_rules =
            Rules { decode: events::group::decode, encode: events::group::encode, evolve: group::evolve };
        let artifact_rules = Rules {
            decode: events::artifacts::decode,
            encode: events::artifacts::encode,
            evolve: files::evolve,
        };
        let log = || parts.log.clone();
        Self {
            names: Store::new(log(), Stream::Authz, name_rules, stamps.clone(), voids.clone()),
            channels: Store::new(log(), Stream::Authz, channel_rules, stamps.clone(), voids.clone()),
            packages: Store::new(log(), Stream::Authz, package_rules, stamps.clone(), voids.clone()),
            groups: Store::new(log(), Stream::Authz, group_rules, stamps.clone(), voids),
            artifacts: Store::new(log(), Stream::Catalog, artifact_rules, stamps, Arc::new(NoVoids)),
            inspections: Arc::new(Semaphore::new(INSPECTIONS)),
            clocks: clocks(&parts.ambient),
            parts,
        }
    }

    /// Who decides, and in which request.
    fn meta(&self, caller: &Caller) -> Meta {
        let actor = match caller {
            Caller::Token { token, account } => {
                Actor { account_id: account.to_bytes(), token_id: token.to_bytes(), system: String::new() }
            }
            Caller::Service(service) => Actor { system: service.as_str().to_owned(), ..Actor::default() },
            // Nothing is decided for these; were it, the event would name nobody and be void.
            Caller::Nobody
            | Caller::Unknown
            | Caller::Expired { .. }
            | Caller::Revoked { .. }
            | Caller::Disabled { .. } => Actor::default(),
        };
        let access = self.parts.access.clone();
        Meta {
            actor,
            request_id: request_id::current().map(|id| id.to_string()).unwrap_or_default(),
            traceparent: trace::current_traceparent(),
            authz_seq: Arc::new(move || access.seq()),
        }
    }
}
