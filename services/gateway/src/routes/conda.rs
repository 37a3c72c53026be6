//! What conda, mamba, rattler and pixi read: indexes of a subdir, and the files beside them.
//!
//! A subdir that conda knows is there even when nothing is in it: its index is empty and valid. Any other is 404.

use std::borrow::Cow;
use std::sync::Arc;

use access::Action;
use axum::response::Response;
use names::{LabelName, PackageKind, PlainName, Subdir};
use serde::Deserialize;

use crate::file::{Asked, Freshness, Stored};
use crate::gate::Sent;
use crate::index::CondaView;
use crate::problem::Problem;
use crate::render::{Rendered, notices};
use crate::routes::reach;
use crate::routes::rest::file::sent;
use crate::state::unread;

/// Where in a channel; which parts are there is the route's doing.
#[derive(Debug, Deserialize)]
pub(crate) struct Place<'a> {
    #[serde(default)]
    label: Option<Cow<'a, str>>,
    #[serde(default)]
    subdir: Cow<'a, str>,
    #[serde(default)]
    file: Cow<'a, str>,
}

impl<'a> Place<'a> {
    /// By the names in the route's pattern.
    pub(super) fn found(find: impl Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name| Cow::Borrowed(find(name).unwrap_or_default());
        Self { label: find("label").map(Cow::Borrowed), subdir: text("subdir"), file: text("file") }
    }

    /// The label whose files are meant: without a word that is `main`.
    fn label(&self) -> Result<LabelName, Problem> {
        let label = self.label.as_deref().map_or_else(|| Ok(LabelName::main()), LabelName::parse);
        label.map_err(|_no_name| no_label())
    }

    fn subdir(&self) -> Result<Subdir, Problem> {
        Subdir::parse(&self.subdir).map_err(|_unknown| {
            Problem::not_found("conda knows no such subdir: expected noarch, linux-64 and the like")
        })
    }
}

/// The same for a label that no file bears and for one that only hidden files bear.
pub(super) fn no_label() -> Problem {
    Problem::not_found("this channel has no such label")
}

/// The documents of a subdir.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Repodata,
    RepodataZst,
    Shards,
    RunExports,
    RunExportsZst,
}

impl Document {
    async fn of(self, view: &Arc<CondaView>) -> Result<Arc<Rendered>, Problem> {
        let rendered = match self {
            Self::Repodata => view.repodata_json().await,
            Self::RepodataZst => view.repodata_zst().await,
            Self::Shards => view.shard_index().await,
            Self::RunExports => view.run_exports().await,
            Self::RunExportsZst => view.run_exports_zst().await,
        };
        Ok(rendered?)
    }
}

/// What is read below a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Document(Document),
    /// A package, or a shard.
    File,
    /// A document that clients ask for and that is not made.
    Absent,
    Channeldata,
    Notices,
}

impl Reading {
    pub(crate) async fn answer(self, asked: Asked<'_>, place: &Place<'_>) -> Result<Response, Problem> {
        match self {
            Self::Document(of) => document(of, asked, place).await,
            Self::File => file(asked, place).await,
            Self::Absent => absent(place),
            // Few ask for these: the future of what is asked most is not to be as large as theirs.
            Self::Channeldata => Box::pin(channeldata(asked, place)).await,
            Self::Notices => Box::pin(notices(asked, place)).await,
        }
    }
}

/// Refuses a label that is not there.
async fn known(asked: Asked<'_>, label: &LabelName) -> Result<(), Problem> {
    match asked.app.indexes.has_label(asked.admitted.view(), label).await? {
        true => Ok(()),
        false => Err(no_label()),
    }
}

/// One of the documents of a subdir.
async fn document(document: Document, asked: Asked<'_>, place: &Place<'_>) -> Result<Response, Problem> {
    let (label, subdir) = (place.label()?, place.subdir()?);
    let view = asked.app.indexes.conda(asked.admitted.view(), &subdir, Some(&label)).await?;
    if view.is_empty() {
        Box::pin(known(asked, &label)).await?;
    }
    let rendered = document.of(&view).await?;
    Ok(asked.document(&rendered, Freshness::Revalidate))
}

/// The classic solver's shortcut is not made here; clients go on to `repodata.json`.
fn absent(place: &Place<'_>) -> Result<Response, Problem> {
    place.label()?;
    place.subdir()?;
    Err(Problem::not_found("this document is not made here: use repodata.json or the sharded index"))
}

/// `channeldata.json`.
async fn channeldata(asked: Asked<'_>, place: &Place<'_>) -> Result<Response, Problem> {
    let label = place.label()?;
    known(asked, &label).await?;
    let rendered = asked.app.indexes.channeldata(asked.admitted.view(), Some(&label)).await?;
    Ok(asked.document(&rendered, Freshness::Revalidate))
}

/// `notices.json` (CEP 6): there is nothing to say.
async fn notices(asked: Asked<'_>, place: &Place<'_>) -> Result<Response, Problem> {
    known(asked, &place.label()?).await?;
    Ok(asked.document(&notices::notices(), Freshness::Revalidate))
}

/// A package, or a shard, which stands beside the index. Under which label a file is asked for does not matter: a lock
/// file outlives a label.
async fn file(asked: Asked<'_>, place: &Place<'_>) -> Result<Response, Problem> {
    if place.subdir == NOTEBOOKS {
        return Box::pin(notebook(asked, &place.file)).await;
    }
    let (label, subdir) = (place.label()?, place.subdir()?);
    match shard_hash(&place.file) {
        Some(hash) => {
            let shard = asked.app.indexes.shard(asked.admitted.view(), &subdir, Some(&label), &hash).await?;
            let shard = shard.ok_or_else(|| Problem::not_found("there is no such shard here"))?;
            Ok(asked.document(&shard, Freshness::Immutable))
        }
        None => package(asked, &subdir, &place.file).await,
    }
}

/// Where Anaconda Server's clients fetch notebooks: no subdir is called so.
const NOTEBOOKS: &str = "jupyter";

/// The newest file of a notebook.
async fn notebook(asked: Asked<'_>, file: &str) -> Result<Response, Problem> {
    let absent = || Problem::not_found("there is no such notebook in this channel");
    let name = Some(file).filter(|file| file.ends_with(".ipynb"));
    let name = name.and_then(|file| PlainName::of_file(file).ok());
    let name = name.ok_or_else(absent)?;
    asked.app.caught_up().await?;
    let (kind, id) = (PackageKind::Notebook, asked.admitted.room().id);
    let rows = asked.app.reader.artifacts_named(id, kind, name.as_str()).await.map_err(unread)?.1;
    let row = rows.into_iter().max_by_key(|row| row.seq).ok_or_else(absent)?;
    let (caller, fetch) = (&asked.admitted.caller, Action::FileDownload);
    let may = asked.app.view.read(|table| reach::may(table, caller, fetch, id, (kind, name.as_str())));
    if may { sent(asked, &row).await } else { Err(absent()) }
}

async fn package(asked: Asked<'_>, subdir: &Subdir, filename: &str) -> Result<Response, Problem> {
    let view = asked.app.indexes.conda(asked.admitted.view(), subdir, None).await?;
    let (package, file) = view
        .file(filename)
        .ok_or_else(|| Problem::not_found("there is no such file in this subdir of the channel"))?;
    let name = filename.rsplitn(3, '-').nth(2).unwrap_or_default();
    let sent = Sent::Package(PackageKind::Conda, Cow::Borrowed(name), package);
    let (sha256, size_bytes, modified) = (file.sha256, file.size_bytes, file.uploaded_at);
    asked.blob(Stored { sha256, size_bytes, modified, sent }).await
}

/// The hash in a shard's address.
fn shard_hash(file: &str) -> Option<[u8; 32]> {
    let hash =
        file.strip_suffix(".msgpack.zst").filter(|hash| !hash.contains(|c: char| c.is_ascii_uppercase()))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(hash, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sha256_names_a_shard() {
        let hash = "ab".repeat(32);
        assert_eq!(shard_hash(&format!("{hash}.msgpack.zst")), Some([0xab; 32]));
        for other in
            ["zlib-1.0-0.conda", "ab.msgpack.zst", &format!("{}.msgpack.zst", "AB".repeat(32)), &hash]
        {
            assert_eq!(shard_hash(other), None, "{other}");
        }
    }
}
