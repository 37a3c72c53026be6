//! Files and packages in the words of Anaconda Repository: an owner is the channel of that name, a package is whatever
//! kinds bear its name, and a conda file is called by its subdir too.

use std::collections::BTreeSet;

use access::Action;
use http::StatusCode;
use names::{PackageKind, Privacy};
use readmodel::ArtifactRow;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::{named, normal};
use crate::routes::reach;

/// These clients' words for the kinds; installers, projects and R packages are plain files here.
pub(super) fn kind_of(word: &str) -> Result<PackageKind, Problem> {
    match word {
        "conda" => Ok(PackageKind::Conda),
        "pypi" => Ok(PackageKind::Pypi),
        "ipynb" => Ok(PackageKind::Notebook),
        "env" => Ok(PackageKind::Environment),
        "file" | "r" | "installer" | "project" => Ok(PackageKind::File),
        _ => Err(Problem::invalid(format!(
            "{word:?} is no type of package: expected conda, pypi, ipynb, env, file, r, installer or project"
        ))),
    }
}

pub(super) fn word_of(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Conda => "conda",
        PackageKind::Pypi => "pypi",
        PackageKind::Notebook => "ipynb",
        PackageKind::Environment => "env",
        PackageKind::File => "file",
    }
}

/// The types of a package with these files. Uploaders refuse a file of a type that its package has not, so an R package,
/// which is a plain file here, has both types: it is told by its name, `NAME_VERSION` and an ending, as R wants it.
pub(super) fn types(rows: &[ArtifactRow]) -> BTreeSet<&'static str> {
    let words = |row: &ArtifactRow| {
        let of_r = row.kind == PackageKind::File && is_of_r(&row.filename, &row.name, &row.version);
        [Some(word_of(row.kind)), of_r.then_some("r")]
    };
    rows.iter().flat_map(words).flatten().collect()
}

fn is_of_r(filename: &str, name: &str, version: &str) -> bool {
    let stem = [".tar.gz", ".tgz", ".zip"].iter().find_map(|ending| filename.strip_suffix(ending));
    let said = stem.and_then(|stem| stem.strip_suffix(version)?.strip_suffix('_'));
    said.is_some_and(|said| said.eq_ignore_ascii_case(name))
}

/// What a file is called in an address.
pub(super) fn basename(row: &ArtifactRow) -> String {
    match row.kind {
        PackageKind::Conda => format!("{}/{}", row.subdir, row.filename),
        PackageKind::Pypi | PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            row.filename.clone()
        }
    }
}

/// A package's files that the caller may list, oldest first.
pub(super) async fn of_package<P>(given: &Given<P>, package: &str) -> Result<Vec<ArtifactRow>, Problem> {
    given.app.caught_up().await?;
    let rows = named(&given.app, given.admitted.room().id, package).await?;
    let mut rows = reach::listed(&given.app, &given.admitted, rows);
    rows.sort_by_key(|row| row.seq);
    Ok(rows)
}

/// The kinds of which there is a package of this name that the caller may list, with or without files.
pub(super) fn kinds<P>(given: &Given<P>, package: &str) -> Vec<(PackageKind, String, bool)> {
    let (id, caller) = (given.admitted.room().id, &given.admitted.caller);
    given.app.view.read(|table| {
        let there = PackageKind::ALL.into_iter().filter_map(|kind| {
            let name = normal(kind, package)?;
            let private = table.package(id, kind, &name)?.private;
            let seen = reach::may(table, caller, Action::ArtifactView, id, (kind, name.as_str()));
            seen.then_some((kind, name, private))
        });
        there.collect()
    })
}

/// The kinds of which there is a package of this name that the caller may do this to; where there are none, what they lack.
pub(super) fn meant<P>(
    given: &Given<P>,
    action: Action,
    package: &str,
) -> Result<Vec<(PackageKind, String)>, Problem> {
    let named = PackageKind::ALL.into_iter().filter_map(|kind| Some((kind, normal(kind, package)?)));
    let mut refused = None;
    let mut allowed = Vec::new();
    for (kind, name) in named {
        let id = given.admitted.room().id;
        let there = given.app.view.read(|table| table.package(id, kind, &name).is_some());
        match reach::check(given, action, (kind, &name)) {
            Ok(()) if there => allowed.push((kind, name)),
            Ok(()) => {}
            // What is not there is refused like what is hidden.
            Err(problem) if problem.status() != StatusCode::NOT_FOUND => refused = Some(problem),
            Err(_absent) => {}
        }
    }
    match (allowed.is_empty(), refused) {
        (false, _) => Ok(allowed),
        (true, Some(refused)) => Err(refused),
        (true, None) => Err(super::package::absent()),
    }
}

/// Whether anyone may read the owner's channel.
pub(super) fn is_public<P>(given: &Given<P>) -> bool {
    let id = given.admitted.room().id;
    given.app.view.read(|table| table.channel(id).is_some_and(|channel| channel.privacy == Privacy::Public))
}

/// A file as `show`, `download` and the uploaders read it.
pub(super) fn document(owner: &str, row: &ArtifactRow) -> Value {
    let basename = basename(row);
    let mut attrs = serde_json::from_str::<Value>(&row.record_json).unwrap_or_else(|_| json!({}));
    if let (PackageKind::Pypi, Some(filetype)) = (row.kind, row.filetype) {
        attrs = json!({ "packagetype": filetype.as_str(), "requires_python": row.requires_python });
    }
    json!({
        "_id": row.artifact_id.to_string(),
        "basename": basename,
        "full_name": format!("{owner}/{}/{}/{basename}", row.name, row.version),
        "type": word_of(row.kind),
        "distribution_type": word_of(row.kind),
        "version": row.version,
        "size": row.size,
        "md5": hex::encode(row.md5),
        "sha256": hex::encode(row.sha256),
        "upload_time": row.uploaded_at.format(&Rfc3339).unwrap_or_default(),
        "labels": row.labels.iter().map(names::LabelName::as_str).collect::<Vec<_>>(),
        "owner": owner,
        "description": null,
        "attrs": attrs,
    })
}

/// What the newest file says of the package.
pub(super) fn summary(rows: &[ArtifactRow]) -> String {
    let told = rows.iter().rev().find_map(|row| {
        let told = serde_json::from_str::<Value>(&row.channeldata_json).ok()?;
        told.get("summary")?.as_str().map(str::to_owned)
    });
    told.or_else(|| rows.last().map(|row| row.summary.clone())).unwrap_or_default()
}

/// The versions of these files, oldest first, each once.
pub(super) fn versions(rows: &[ArtifactRow]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    rows.iter().map(|row| row.version.as_str()).filter(|version| seen.insert(*version)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_r_package_is_told_by_its_files_name() {
        assert!(is_of_r("Shiny_1.7-4.tar.gz", "shiny", "1.7-4"));
        assert!(is_of_r("shiny_1.0.zip", "shiny", "1.0"));
        for other in ["shiny-1.0.tar.gz", "shiny_1.0.csv", "shiny_2.0.tgz", "other_1.0.tgz", "_1.0.tgz"] {
            assert!(!is_of_r(other, "shiny", "1.0"), "{other}");
        }
    }
}
