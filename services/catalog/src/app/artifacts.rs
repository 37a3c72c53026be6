//! Removing files. Their bytes stay as blobs; what nobody may fetch any more is their place.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, Object};
use eventlog::{MANY_MAX, subject};
use names::{ChannelId, PackageKind};
use runtime::Failure;

use super::{Asker, Catalog, failures};
use crate::domain::artifacts::{self, Artifacts, Event, Place};
use crate::inspect::package_of;

/// Packages that one change can be about: with their counterparts in another channel they go into one batch.
const PACKAGES_AT_ONCE: usize = MANY_MAX / 2;

/// Files by the package that they are of.
pub(super) type Packages<'f> = BTreeMap<(PackageKind, String), BTreeSet<&'f Place>>;

/// Which files are to go.
#[derive(Debug, Clone)]
pub struct Removal {
    pub channel: String,
    pub files: Vec<(PackageKind, Place)>,
}

/// The files by package.
pub(super) fn by_package(files: &[(PackageKind, Place)]) -> Result<Packages<'_>, Failure> {
    let mut packages = Packages::new();
    for (kind, place) in files {
        let name = package_of(*kind, &place.subdir, &place.filename).map_err(failures::invalid)?;
        packages.entry((*kind, name)).or_default().insert(place);
    }
    Ok(packages)
}

/// The same for a change of all of them at once.
pub(super) fn by_few_packages(files: &[(PackageKind, Place)]) -> Result<Packages<'_>, Failure> {
    let packages = by_package(files)?;
    match packages.len() > PACKAGES_AT_ONCE {
        true => Err(failures::invalid(format!(
            "files of {PACKAGES_AT_ONCE} packages can be changed at once: send them in parts"
        ))),
        false => Ok(packages),
    }
}

impl Catalog {
    /// Removes the files, all or none; gives where that stands in the log, and which followers have not heard of it.
    pub async fn remove_artifacts(
        &self,
        asker: &Asker,
        removal: &Removal,
    ) -> Result<(u64, Vec<String>), Failure> {
        let first = removal.files.first().map_or(Action::AnyDelete, |(kind, _)| removing(*kind));
        let (caller, channel) = self.check_channel(&asker.credential, first, &removal.channel)?;
        let packages = by_few_packages(&removal.files)?;
        let subject_of = |(kind, name): &(PackageKind, String)| subject::artifacts(channel, *kind, name);
        let packages: BTreeMap<_, _> =
            packages.into_iter().map(|(package, places)| (subject_of(&package), (package, places))).collect();
        let subjects: Vec<String> = packages.keys().cloned().collect();
        let decide = |states: &[Option<&Artifacts>]| {
            let each = states.iter().zip(packages.values());
            let decided = each.map(|(state, ((kind, name), places))| {
                self.gone(asker, channel, *state, (*kind, name, places))
            });
            decided.collect::<Result<Vec<_>, Failure>>()
        };
        let done = self.artifacts.execute_many(&subjects, &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let seq = done.iter().map(|done| done.seq).max().unwrap_or_default();
        Ok((seq, self.content_receipt(seq, asker).await))
    }

    fn gone(
        &self,
        asker: &Asker,
        channel: ChannelId,
        state: Option<&Artifacts>,
        (kind, name, places): (PackageKind, &str, &BTreeSet<&Place>),
    ) -> Result<Vec<Event>, Failure> {
        self.check(&asker.credential, removing(kind), &Object::Package { channel, kind, name })?;
        let locked = self.locked(channel);
        let mut events = Vec::new();
        for place in places {
            events.extend(artifacts::remove(state, place, &locked)?);
        }
        Ok(events)
    }
}

pub(super) fn removing(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaDelete,
        PackageKind::Pypi => Action::PypiDelete,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FileDelete,
    }
}
