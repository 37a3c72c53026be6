//! One subdir of a channel: packages by name, and the documents cut from them, each rendered when it is first asked
//! for and at most once.

use std::collections::HashMap;
use std::sync::Arc;

use names::PackageKind;
use readmodel::ArtifactRow;
use runtime::{Clock, Failure};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::index::package::{Package, packages};
use crate::index::retired::Retired;
use crate::index::shelf::Key;
use crate::index::slot::{View, blocking};
use crate::index::sorted::{Named, Sorted};
use crate::render::record::CondaFile;
use crate::render::{Rendered, channeldata, repodata, run_exports, shards};

/// What a view takes once everything is rendered, as a multiple of its records: the records, `repodata.json` with the
/// same bytes again, and what is compressed.
const WEIGHT_OF_RENDERED: usize = 3;

/// A subdir as it is at one moment. It never changes; a newer one takes its place.
pub struct CondaView {
    subdir: Box<str>,
    packages: Sorted<Package>,
    retired: Arc<Retired>,
    repodata_json: OnceCell<Rendered>,
    repodata_zst: OnceCell<Rendered>,
    run_exports: OnceCell<Rendered>,
    run_exports_zst: OnceCell<Rendered>,
    shards: OnceCell<Shards>,
}

struct Shards {
    index: Rendered,
    places: HashMap<[u8; 32], usize>,
}

impl CondaView {
    /// `repodata.json`.
    pub async fn repodata_json(self: &Arc<Self>) -> Result<Rendered, Failure> {
        let view = self.clone();
        let render = || blocking(move || Ok(repodata::repodata(&view.subdir, view.files())));
        self.repodata_json.get_or_try_init(render).await.cloned()
    }

    /// `repodata.json.zst`, of the same records.
    pub async fn repodata_zst(self: &Arc<Self>) -> Result<Rendered, Failure> {
        let json = self.repodata_json().await?;
        self.repodata_zst.get_or_try_init(|| blocking(move || Ok(json.zst()))).await.cloned()
    }

    /// `run_exports.json`.
    pub async fn run_exports(self: &Arc<Self>) -> Result<Rendered, Failure> {
        let view = self.clone();
        let render = || blocking(move || Ok(run_exports::run_exports(&view.subdir, view.files())));
        self.run_exports.get_or_try_init(render).await.cloned()
    }

    /// `run_exports.json.zst`, of the same records.
    pub async fn run_exports_zst(self: &Arc<Self>) -> Result<Rendered, Failure> {
        let json = self.run_exports().await?;
        self.run_exports_zst.get_or_try_init(|| blocking(move || Ok(json.zst()))).await.cloned()
    }

    /// `repodata_shards.msgpack.zst`.
    pub async fn shard_index(self: &Arc<Self>) -> Result<Rendered, Failure> {
        Ok(self.shards().await?.index.clone())
    }

    /// `<hash>.msgpack.zst`: a shard of this view, or one that has left it within a week.
    pub async fn shard(self: &Arc<Self>, hash: &[u8; 32]) -> Result<Option<Rendered>, Failure> {
        let place = self.shards().await?.places.get(hash);
        match place.and_then(|place| self.packages.at(*place)) {
            Some(package) => Ok(Some(package.shard()?.rendered())),
            None => Ok(self.retired.find(hash).map(|shard| shard.rendered())),
        }
    }

    /// The names of its packages, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(|package| package.name())
    }

    /// A file by its name, if it is listed.
    pub fn file(&self, filename: &str) -> Option<&CondaFile> {
        // name-version-build.ext: only the name may hold a hyphen.
        let mut parts = filename.rsplitn(3, '-');
        let name = parts.nth(2)?;
        self.packages.get(name)?.files().iter().find(|file| &*file.filename == filename)
    }

    /// When the newest file in it was accepted.
    pub fn last_modified(&self) -> Option<OffsetDateTime> {
        self.packages.iter().filter_map(|package| package.newest()).max()
    }

    /// Its packages as `channeldata.json` takes them.
    pub(crate) fn for_channeldata(&self) -> impl Iterator<Item = channeldata::Package<'_>> + Clone {
        self.packages.iter().map(|package| channeldata::Package {
            subdir: &self.subdir,
            name: package.name(),
            files: package.files(),
        })
    }

    async fn shards(self: &Arc<Self>) -> Result<&Shards, Failure> {
        let view = self.clone();
        self.shards.get_or_try_init(|| blocking(move || view.render_shards())).await
    }

    /// Only the shards of packages that are new in this view are rendered; the others come with their package.
    fn render_shards(&self) -> Result<Shards, Failure> {
        let hashes = self
            .packages
            .iter()
            .map(|package| Ok((package.name(), &package.shard()?.hash)))
            .collect::<Result<Vec<_>, Failure>>()?;
        let places = hashes.iter().enumerate().map(|(place, (_, hash))| (**hash, place)).collect();
        Ok(Shards { index: shards::index(&self.subdir, hashes, self.last_modified()), places })
    }

    fn files(&self) -> impl Iterator<Item = &CondaFile> + Clone {
        self.packages.iter().flat_map(|package| package.files())
    }

    fn of(subdir: &str, packages: Sorted<Package>, retired: Arc<Retired>) -> Self {
        Self {
            subdir: subdir.into(),
            packages,
            retired,
            repodata_json: OnceCell::new(),
            repodata_zst: OnceCell::new(),
            run_exports: OnceCell::new(),
            run_exports_zst: OnceCell::new(),
            shards: OnceCell::new(),
        }
    }
}

impl View for CondaView {
    const KIND: PackageKind = PackageKind::Conda;

    fn read(
        key: &Key,
        rows: Vec<ArtifactRow>,
        before: Option<&Self>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let retired =
            before.map_or_else(|| Arc::new(Retired::new(clock.clone())), |before| before.retired.clone());
        let mut read = packages(rows)?;
        for old in before.iter().flat_map(|before| before.packages.iter()) {
            match read.get_mut(old.name()) {
                // What is unchanged keeps the shard that was rendered of it.
                Some(new) if new.files() == old.files() => *new = old.clone(),
                Some(_) | None => old.retire(&retired),
            }
        }
        Ok(Self::of(key.subdir_text(), Sorted::new(read.into_values()), retired))
    }

    fn with(&self, key: &Key, names: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure> {
        let mut changes = Vec::with_capacity(names.len());
        for (name, mut rows) in names {
            rows.retain(|row| row.subdir == *self.subdir);
            if let Some(old) = self.packages.get(&name) {
                old.retire(&self.retired);
            }
            let read = packages(rows)?.remove(&name);
            changes.push((name, read));
        }
        Ok(Self::of(key.subdir_text(), self.packages.with(changes), self.retired.clone()))
    }

    fn weight_bytes(&self) -> usize {
        let records: usize = self.files().map(CondaFile::weight_bytes).sum();
        records * WEIGHT_OF_RENDERED + self.retired.weight_bytes()
    }
}
