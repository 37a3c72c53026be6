//! One subdir of a channel: packages by name, and the documents cut from them for those who see the same, each rendered
//! when it is first asked for and at most once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use names::{LabelName, PackageId, PackageKind, Subdir};
use readmodel::ArtifactRow;
use runtime::{Clock, Failure};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::index::package::{Package, packages};
use crate::index::retired::{Old, Retired};
use crate::index::shelf::Key;
use crate::index::slot::{Stock, blocking};
use crate::index::sorted::{Named, Sorted};
use crate::render::record::CondaFile;
use crate::render::{Rendered, channeldata, repodata, run_exports, shards};

/// What a stock takes once everything in it is rendered, as a multiple of its records: the records, `repodata.json` with
/// the same bytes again, and what is compressed.
const WEIGHT_OF_RENDERED: usize = 3;

/// All packages of a subdir at one moment, whoever may see them.
pub(crate) struct CondaStock {
    subdir: Subdir,
    packages: Sorted<Package>,
    plain: bool,
    retired: Arc<Retired>,
    whole: OnceLock<Arc<CondaView>>,
}

/// A subdir as it is at one moment for those who see the same of it. It never changes; a newer one takes its place.
pub struct CondaView {
    subdir: Subdir,
    packages: Sorted<Package>,
    repodata_json: OnceCell<Arc<Rendered>>,
    repodata_zst: OnceCell<Arc<Rendered>>,
    run_exports: OnceCell<Arc<Rendered>>,
    run_exports_zst: OnceCell<Arc<Rendered>>,
    shards: OnceCell<Shards>,
}

struct Shards {
    index: Arc<Rendered>,
    places: HashMap<[u8; 32], usize>,
}

impl CondaView {
    /// `repodata.json`.
    pub async fn repodata_json(self: &Arc<Self>) -> Result<Arc<Rendered>, Failure> {
        let view = self.clone();
        let render = || blocking(move || Ok(view.render_repodata().into()));
        self.repodata_json.get_or_try_init(render).await.cloned()
    }

    /// `repodata.json.zst`, of the same records. The plain document is not kept for it: few ask for that one, and it is as
    /// large as all records together.
    pub async fn repodata_zst(self: &Arc<Self>) -> Result<Arc<Rendered>, Failure> {
        let view = self.clone();
        let render = move || match view.repodata_json.get() {
            Some(json) => Ok(json.zst().into()),
            None => Ok(view.render_repodata().zst().into()),
        };
        self.repodata_zst.get_or_try_init(|| blocking(render)).await.cloned()
    }

    /// `run_exports.json`.
    pub async fn run_exports(self: &Arc<Self>) -> Result<Arc<Rendered>, Failure> {
        let view = self.clone();
        let render =
            || blocking(move || Ok(run_exports::run_exports(view.subdir.as_str(), view.files()).into()));
        self.run_exports.get_or_try_init(render).await.cloned()
    }

    /// `run_exports.json.zst`, of the same records.
    pub async fn run_exports_zst(self: &Arc<Self>) -> Result<Arc<Rendered>, Failure> {
        let json = self.run_exports().await?;
        self.run_exports_zst.get_or_try_init(|| blocking(move || Ok(json.zst().into()))).await.cloned()
    }

    /// `repodata_shards.msgpack.zst`.
    pub async fn shard_index(self: &Arc<Self>) -> Result<Arc<Rendered>, Failure> {
        Ok(self.shards().await?.index.clone())
    }

    /// `<hash>.msgpack.zst`, if it is a shard of this view.
    pub(crate) async fn shard(self: &Arc<Self>, hash: &[u8; 32]) -> Result<Option<Arc<Rendered>>, Failure> {
        let place = self.shards().await?.places.get(hash);
        match place.and_then(|place| self.packages.at(*place)) {
            Some(package) => Ok(Some(package.shard()?.document.clone())),
            None => Ok(None),
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.packages.iter().len() == 0
    }

    /// The names of its packages, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(|package| package.name())
    }

    /// A file by its name, if it is listed, and the package it belongs to.
    pub fn file(&self, filename: &str) -> Option<(PackageId, &CondaFile)> {
        // name-version-build.ext: only the name may hold a hyphen.
        let mut parts = filename.rsplitn(3, '-');
        let name = parts.nth(2)?;
        let package = self.packages.get(name)?;
        let file = package.files().iter().find(|file| &*file.filename == filename)?;
        Some((package.id(), file))
    }

    /// When the newest file in it was accepted.
    pub fn last_modified(&self) -> Option<OffsetDateTime> {
        self.packages.iter().filter_map(|package| package.newest()).max()
    }

    /// Its packages as `channeldata.json` takes them.
    pub(crate) fn for_channeldata(&self) -> impl Iterator<Item = channeldata::Package<'_>> + Clone {
        self.packages.iter().map(|package| channeldata::Package {
            subdir: self.subdir.as_str(),
            name: package.name(),
            files: package.files(),
        })
    }

    async fn shards(self: &Arc<Self>) -> Result<&Shards, Failure> {
        let view = self.clone();
        self.shards.get_or_try_init(|| blocking(move || view.render_shards())).await
    }

    fn render_repodata(&self) -> Rendered {
        repodata::repodata(self.subdir.as_str(), self.files())
    }

    /// Only the shards of packages that are new in this view are rendered; the others come with their package.
    fn render_shards(&self) -> Result<Shards, Failure> {
        let hashes = self
            .packages
            .iter()
            .map(|package| Ok((package.name(), &package.shard()?.hash)))
            .collect::<Result<Vec<_>, Failure>>()?;
        let places = hashes.iter().enumerate().map(|(place, (_, hash))| (**hash, place)).collect();
        let index = shards::index(self.subdir.as_str(), hashes, self.last_modified());
        Ok(Shards { index: index.into(), places })
    }

    fn files(&self) -> impl Iterator<Item = &CondaFile> + Clone {
        self.packages.iter().flat_map(|package| package.files())
    }

    fn of(subdir: Subdir, packages: Sorted<Package>) -> Self {
        Self {
            subdir,
            packages,
            repodata_json: OnceCell::new(),
            repodata_zst: OnceCell::new(),
            run_exports: OnceCell::new(),
            run_exports_zst: OnceCell::new(),
            shards: OnceCell::new(),
        }
    }
}

impl Stock for CondaStock {
    const KIND: PackageKind = PackageKind::Conda;
    type View = CondaView;

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
                Some(new) if new.files() == old.files() && new.labels() == old.labels() => *new = old.clone(),
                Some(_) | None => old.retire(&retired),
            }
        }
        Ok(Self::of(key.subdir(), Sorted::new(read.into_values()), retired))
    }

    fn with(&self, key: &Key, names: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure> {
        let mut changes = Vec::with_capacity(names.len());
        for (name, mut rows) in names {
            rows.retain(|row| row.subdir == self.subdir.as_str());
            if let Some(old) = self.packages.get(&name) {
                old.retire(&self.retired);
            }
            let read = packages(rows)?.remove(&name);
            changes.push((name, read));
        }
        Ok(Self::of(key.subdir(), self.packages.with(changes), self.retired.clone()))
    }

    fn packages(&self) -> impl Iterator<Item = (&str, PackageId)> {
        self.packages.iter().map(|package| (package.name(), package.id()))
    }

    fn whole(&self) -> Arc<CondaView> {
        let make = || Arc::new(CondaView::of(self.subdir.clone(), self.packages.clone()));
        self.whole.get_or_init(make).clone()
    }

    fn is_plain(&self) -> bool {
        self.plain
    }

    fn cut(&self, label: Option<&LabelName>, shown: &[bool]) -> CondaView {
        let labelled = |package: &Arc<Package>| match label {
            Some(label) => package.labelled(label),
            None => Some(package.clone()),
        };
        CondaView::of(self.subdir.clone(), self.packages.only(shown, labelled))
    }

    fn weight_bytes(&self) -> usize {
        records_bytes(&self.packages) * WEIGHT_OF_RENDERED + self.retired.weight_bytes()
    }

    /// The records too: they outlive the stock for as long as the view is kept.
    fn cut_bytes(view: &CondaView) -> usize {
        records_bytes(&view.packages) * WEIGHT_OF_RENDERED
    }
}

impl CondaStock {
    /// Shards of this hash that have left the subdir within a week.
    pub(crate) fn retired(&self, hash: &[u8; 32]) -> Vec<Old> {
        self.retired.find(hash)
    }

    fn of(subdir: Subdir, packages: Sorted<Package>, retired: Arc<Retired>) -> Self {
        let plain = packages.iter().all(|package| package.labels().is_plain());
        Self { subdir, packages, plain, retired, whole: OnceLock::new() }
    }
}

fn records_bytes(packages: &Sorted<Package>) -> usize {
    packages.iter().flat_map(|package| package.files()).map(CondaFile::weight_bytes).sum()
}
