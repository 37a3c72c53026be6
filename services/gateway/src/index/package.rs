//! All files of one conda package in one subdir, with the shard that shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use names::{LabelName, PackageId};
use readmodel::ArtifactRow;
use runtime::Failure;
use time::OffsetDateTime;

use crate::index::labels::{Bearing, Labels, Parts};
use crate::index::retired::{Old, Retired};
use crate::index::sorted::Named;
use crate::render::record::{CondaFile, Facts, join};
use crate::render::shards::{self, Shard};

pub(crate) struct Package {
    id: PackageId,
    name: Box<str>,
    files: Box<[CondaFile]>,
    labels: Labels,
    parts: Parts<Self>,
    /// Rendered when first asked for, then handed from stock to stock, and to every view that shows the package.
    shard: OnceLock<Shard>,
}

impl Named for Package {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Package {
    fn new(id: PackageId, name: Box<str>, files: Vec<CondaFile>, labels: Vec<BTreeSet<LabelName>>) -> Self {
        let (labels, parts) = (Labels::new(labels), Parts::default());
        Self { id, name, files: files.into(), labels, parts, shard: OnceLock::new() }
    }

    pub(crate) fn id(&self) -> PackageId {
        self.id
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The package with the files that bear a label, if any does.
    pub(crate) fn labelled(self: &Arc<Self>, label: &LabelName) -> Option<Arc<Self>> {
        match self.labels.bearing(label, &self.files) {
            Bearing::All => Some(self.clone()),
            Bearing::Some(files) if files.is_empty() => None,
            // Inside a part everything counts as plain: it is never cut again.
            Bearing::Some(files) => {
                Some(self.parts.once(label, || Self::new(self.id, self.name.clone(), files, Vec::new())))
            }
        }
    }

    pub(crate) fn files(&self) -> &[CondaFile] {
        &self.files
    }

    pub(crate) fn newest(&self) -> Option<OffsetDateTime> {
        self.files.iter().map(|file| file.uploaded_at).max()
    }

    pub(crate) fn shard(&self) -> Result<&Shard, Failure> {
        if let Some(shard) = self.shard.get() {
            return Ok(shard);
        }
        let shard = shards::shard(&self.files).map_err(Failure::internal)?;
        Ok(self.shard.get_or_init(|| shard))
    }

    /// Keeps the shard for those who have read of it. One that was never rendered was never named to anyone.
    pub(crate) fn retire(&self, retired: &Retired) {
        for part in self.parts.all() {
            part.retire(retired);
        }
        if let Some(shard) = self.shard.get() {
            retired.keep(Old { name: self.name.clone(), id: self.id, shard: shard.clone() });
        }
    }
}

/// Groups rows of one subdir by name.
pub(crate) fn packages(rows: Vec<ArtifactRow>) -> Result<BTreeMap<Box<str>, Arc<Package>>, Failure> {
    let mut packages = BTreeMap::new();
    for (name, (id, rows)) in by_package(rows) {
        let labels = rows.iter().map(|row| row.labels.clone()).collect();
        let files = rows.into_iter().map(file).collect::<Result<_, _>>()?;
        packages.insert(name.clone(), Arc::new(Package::new(id, name, files, labels)));
    }
    Ok(packages)
}

/// Rows by the name of their package, with its id.
pub(crate) fn by_package(rows: Vec<ArtifactRow>) -> BTreeMap<Box<str>, (PackageId, Vec<ArtifactRow>)> {
    let mut packages: BTreeMap<Box<str>, (PackageId, Vec<ArtifactRow>)> = BTreeMap::new();
    for row in rows {
        let id = row.package_id;
        let (newest, rows) = packages.entry(row.name.as_str().into()).or_insert_with(|| (id, Vec::new()));
        // Ids grow with time: what is left of an older package of the same name is nobody's to see.
        if id > *newest {
            (*newest, *rows) = (id, Vec::new());
        }
        if id == *newest {
            rows.push(row);
        }
    }
    packages
}

fn file(row: ArtifactRow) -> Result<CondaFile, Failure> {
    let facts = Facts {
        sha256: row.sha256,
        md5: row.md5,
        size_bytes: row.size,
        indexed_timestamp_ms: row.indexed_timestamp_ms,
    };
    Ok(CondaFile {
        record: join(row.record_json.as_bytes(), &facts).map_err(Failure::internal)?,
        filename: row.filename.into(),
        sha256: row.sha256,
        md5: row.md5,
        size_bytes: row.size,
        uploaded_at: row.uploaded_at,
        run_exports: row.run_exports_json.into(),
        channeldata: row.channeldata_json.into(),
    })
}
