//! Labels of files, for every interface that changes them: which files are meant, and the change in parts that catalog
//! takes.

use names::{ChannelId, CondaName, LabelName, PackageKind, PlainName, ProjectName};
use proto::catalog::v1::{ChangeLabelsRequest, Place};
use proto::event::v1 as stored;
use readmodel::ArtifactRow;
use serde::Deserialize;

use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::state::{App, unread};
use crate::upstream;

/// Files in one call; catalog's own limit.
const PART: usize = 1000;

/// Which files are meant; what is not said is any.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Selection {
    #[serde(default)]
    pub(crate) kind: Option<String>,
    /// The package.
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) subdir: Option<String>,
    #[serde(default)]
    pub(crate) filename: Option<String>,
}

impl Selection {
    /// The files meant; none is not found.
    pub(crate) async fn rows(
        &self,
        app: &App,
        channel: ChannelId,
        of: Option<&LabelName>,
    ) -> Result<Vec<ArtifactRow>, Problem> {
        let rows = self.matching(app, channel, of).await?;
        match (rows.is_empty(), of) {
            (false, _) => Ok(rows),
            (true, Some(label)) => Err(Problem::not_found(format!("no such file bears the label {label}"))),
            (true, None) => Err(Problem::not_found("there is no such file")),
        }
    }

    /// The files meant, of those that bear a label or of all.
    pub(crate) async fn matching(
        &self,
        app: &App,
        channel: ChannelId,
        of: Option<&LabelName>,
    ) -> Result<Vec<ArtifactRow>, Problem> {
        app.caught_up().await?;
        let rows = match (&self.name, of) {
            (Some(name), _) => named(app, channel, name).await?,
            (None, Some(label)) => app.reader.artifacts_labelled(channel, label).await.map_err(unread)?.1,
            (None, None) => return Err(Problem::invalid("say which package is meant: its name")),
        };
        let kind = self.kind.as_deref().map(str::parse::<PackageKind>).transpose();
        let kind = kind.map_err(|error| Problem::invalid(error.to_string()))?;
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let meant = |row: &ArtifactRow| {
            kind.is_none_or(|kind| kind == row.kind)
                && of.is_none_or(|label| row.labels.contains(label))
                && is(&self.version, &row.version)
                && is(&self.subdir, &row.subdir)
                && is(&self.filename, &row.filename)
        };
        Ok(rows.into_iter().filter(meant).collect())
    }
}

/// A package's files, of every kind that takes the name.
pub(crate) async fn named(app: &App, channel: ChannelId, name: &str) -> Result<Vec<ArtifactRow>, Problem> {
    let mut rows = Vec::new();
    for kind in PackageKind::ALL {
        let Some(name) = normal(kind, name) else { continue };
        rows.extend(app.reader.artifacts_named(channel, kind, &name).await.map_err(unread)?.1);
    }
    Ok(rows)
}

/// A package's name by its kind's rules.
pub(crate) fn normal(kind: PackageKind, name: &str) -> Option<String> {
    match kind {
        PackageKind::Conda => CondaName::parse(&name.to_ascii_lowercase()).ok().map(|name| name.to_string()),
        PackageKind::Pypi => ProjectName::parse(name).ok().map(|name| name.to_string()),
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            PlainName::parse(name).ok().map(|name| name.to_string())
        }
    }
}

/// A kind in the words of the contract.
pub(crate) fn stored_kind(kind: PackageKind) -> stored::PackageKind {
    match kind {
        PackageKind::Conda => stored::PackageKind::Conda,
        PackageKind::Pypi => stored::PackageKind::Pypi,
        PackageKind::Notebook => stored::PackageKind::Notebook,
        PackageKind::Environment => stored::PackageKind::Environment,
        PackageKind::File => stored::PackageKind::File,
    }
}

/// What came of a change.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) catalog_seq: u64,
    pub(crate) silent: Vec<String>,
    pub(crate) changed: u64,
}

/// Gives the labels to the files and takes labels from them. A repeat of a change that broke off completes it.
pub(crate) async fn change<P>(
    given: &Given<P>,
    rows: &[ArtifactRow],
    add: &[&LabelName],
    remove: &[&LabelName],
) -> Result<Changed, Problem> {
    let words = |labels: &[&LabelName]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut all = Changed::default();
    for part in rows.chunks(PART) {
        let place = |row: &ArtifactRow| Place {
            kind: stored_kind(row.kind).into(),
            subdir: row.subdir.clone(),
            filename: row.filename.clone(),
        };
        let message = ChangeLabelsRequest {
            channel: given.admitted.room().name.to_string(),
            files: part.iter().map(place).collect(),
            add: words(add),
            remove: words(remove),
        };
        let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
        let reply = given.app.upstreams.catalog().change_labels(request).await?.into_inner();
        all.catalog_seq = all.catalog_seq.max(reply.catalog_seq);
        all.silent = reply.silent;
        all.changed += reply.changed;
    }
    Ok(all)
}
