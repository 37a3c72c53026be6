//! Which packages of a channel a listing is about.

use names::PackageId;
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
