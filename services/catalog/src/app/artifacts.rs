//! Removing a file. Its bytes stay as a blob; what nobody may fetch any more is its place.

use access::{Action, Object};
use eventlog::subject;
use names::PackageKind;
use runtime::Failure;

use super::{Asker, Catalog, failures};
use crate::domain::artifacts::{self, Artifacts, Place};
use crate::inspect::package_of;

/// Where the file stands.
#[derive(Debug, Clone)]
pub struct Removal {
    pub channel: String,
    pub kind: PackageKind,
    /// Empty for Python.
    pub subdir: String,
    pub filename: String,
}

impl Catalog {
    /// Removes the file; gives where that stands in the log, and which followers have not heard of it.
    pub async fn remove_artifact(
        &self,
        asker: &Asker,
        removal: &Removal,
    ) -> Result<(u64, Vec<String>), Failure> {
        let (caller, channel) =
            self.check_channel(&asker.credential, removing(removal.kind), &removal.channel)?;
        let name = package_of(removal.kind, &removal.subdir, &removal.filename);
        let name = name.map_err(failures::invalid)?;
        let place = Place { subdir: removal.subdir.clone(), filename: removal.filename.clone() };
        let decide = |state: Option<&Artifacts>| {
            let package = Object::Package { channel, kind: removal.kind, name: &name };
            self.check(&asker.credential, removing(removal.kind), &package)?;
            Ok::<_, Failure>(artifacts::remove(state, &place, &self.locked(channel))?)
        };
        let subject = subject::artifacts(channel, removal.kind, &name);
        let done = self.artifacts.execute(&subject, &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        Ok((done.seq, self.content_receipt(done.seq, asker).await))
    }
}

fn removing(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaDelete,
        PackageKind::Pypi => Action::PypiDelete,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FileDelete,
    }
}
