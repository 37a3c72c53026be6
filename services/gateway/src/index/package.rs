//! All files of one conda package in one subdir, with the shard that shows them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use readmodel::ArtifactRow;
use runtime::Failure;
use time::OffsetDateTime;

use crate::index::retired::Retired;
use crate::index::sorted::Named;
use crate::render::record::{CondaFile, Facts, join};
use crate::render::shards::{self, Shard};

pub(crate) struct Package {
    name: Box<str>,
    files: Box<[CondaFile]>,
    /// Rendered when first asked for, then handed from view to view.
    shard: OnceLock<Shard>,
}

impl Named for Package {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Package {
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
        if let Some(shard) = self.shard.get() {
            retired.keep(shard.clone());
        }
    }
}

/// Groups rows of one subdir by name.
pub(crate) fn packages(rows: Vec<ArtifactRow>) -> Result<BTreeMap<Box<str>, Arc<Package>>, Failure> {
    let mut files: BTreeMap<Box<str>, Vec<CondaFile>> = BTreeMap::new();
    for row in rows {
        files.entry(row.name.as_str().into()).or_default().push(file(row)?);
    }
    let package = |(name, files): (Box<str>, Vec<CondaFile>)| {
        (name.clone(), Arc::new(Package { name, files: files.into(), shard: OnceLock::new() }))
    };
    Ok(files.into_iter().map(package).collect())
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
