//! Which packages of a channel a listing is about.

use names::{ChannelId, PackageId};
use uuid::Uuid;

/// Rows of some packages: of these, or of all but these. What is listed for a viewer holds no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) wanted: bool,
    /// Rows that were decided on later than this position of AUTHZ are left out: who asks cannot know of their packages.
    pub(crate) authz_seq: i64,
}

impl Packages {
    /// All packages, known or not.
    pub fn all() -> Self {
        Self { ids: Vec::new(), wanted: false, authz_seq: i64::MAX }
    }

    /// These and no others.
    pub fn only(ids: impl IntoIterator<Item = PackageId>) -> Self {
        Self { ids: ids.into_iter().map(|id| id.0).collect(), wanted: true, authz_seq: i64::MAX }
    }

    /// All but these, of those that are known at `authz_seq`.
    pub fn except(ids: impl IntoIterator<Item = PackageId>, authz_seq: u64) -> Self {
        let ids = ids.into_iter().map(|id| id.0).collect();
        Self { ids, wanted: false, authz_seq: i64::try_from(authz_seq).unwrap_or(i64::MAX) }
    }
}

/// Rows of some packages of several channels. What is listed, searched or counted for a viewer across channels holds no
/// others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelves {
    /// Of these, all but the hidden packages, of those that are known at `authz_seq`.
    pub(crate) open: Vec<Uuid>,
    pub(crate) hidden: Vec<Uuid>,
    pub(crate) authz_seq: i64,
    /// Of these, the shown packages and no others.
    pub(crate) closed: Vec<Uuid>,
    pub(crate) shown: Vec<Uuid>,
}

impl Shelves {
    /// Adds what is to be seen of a channel. All of them must be cut from one state of access.
    pub fn add(&mut self, channel: ChannelId, packages: Packages) {
        if packages.wanted {
            self.closed.push(channel.0);
            self.shown.extend(packages.ids);
        } else {
            self.open.push(channel.0);
            self.hidden.extend(packages.ids);
            self.authz_seq = packages.authz_seq;
        }
    }
}
