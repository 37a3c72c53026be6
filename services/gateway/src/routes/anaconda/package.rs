//! `/api/package/<owner>/<name>`: a package of whatever kinds, shown, made, removed.
//!
//! A package is made private by the call that makes it, never for a moment later, and no uploader makes a private one
//! public: what some of them send along with every upload is not heard.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::PackageKind;
use proto::catalog::v1::{CreatePackageRequest, PackageRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::files::{self, document, is_public, kind_of, kinds, of_package};
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::{normal, stored_kind};
use crate::routes::rest::json::Json;
use crate::upstream;

/// A package of an owner.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(super) channel: String,
    pub(super) package: String,
}

pub(super) fn absent() -> Problem {
    Problem::not_found("there is no such package")
}

/// `GET /api/package/<owner>/<name>`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let Named { channel, package } = &given.path;
    let rows = of_package(&given, package).await?;
    let kinds = kinds(&given, package);
    let name = rows.first().map(|row| row.name.clone()).or_else(|| Some(kinds.first()?.1.clone()));
    let name = name.ok_or_else(absent)?;
    let versions = files::versions(&rows);
    let releases: Vec<_> = versions.iter().map(|version| json!({ "version": version })).collect();
    let mut platforms: Vec<_> =
        rows.iter().filter(|row| row.kind == PackageKind::Conda).map(|row| row.subdir.as_str()).collect();
    platforms.sort_unstable();
    platforms.dedup();
    Ok(axum::Json(json!({
        "name": name,
        "full_name": format!("{channel}/{name}"),
        "summary": files::summary(&rows),
        "public": is_public(&given) && kinds.iter().all(|(.., private)| !private),
        "owner": { "login": channel },
        "package_types": files::types(&rows),
        "conda_platforms": platforms,
        "versions": versions,
        "latest_version": versions.last().copied().unwrap_or_default(),
        "releases": releases,
        "files": rows.iter().map(|row| document(channel, row)).collect::<Vec<_>>(),
    }))
    .into_response())
}

/// A package to be; the rest of what clients say of it is read from its files.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    public: Option<bool>,
    #[serde(default)]
    public_attrs: Attributes,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    package_types: Option<Vec<String>>,
}

impl Wish {
    /// The kinds to make. Nobody knows of which kind the first file will be if none is said: a private package is then
    /// made of every kind.
    fn kinds(&self) -> Result<Vec<PackageKind>, Problem> {
        let said = self.public_attrs.package_types.iter().flatten();
        let said = said.map(|word| kind_of(word)).collect::<Result<Vec<_>, _>>()?;
        Ok(match (said.is_empty(), self.public) {
            (false, _) => said,
            (true, Some(false)) => PackageKind::ALL.to_vec(),
            (true, Some(true) | None) => vec![PackageKind::Conda],
        })
    }
}

/// `POST /api/package/<owner>/<name>`.
pub(crate) async fn create(given: Given<Named>, Json(wish): Json<Wish>) -> Result<Response, Problem> {
    let kinds = wish.kinds()?;
    if kinds.into_iter().all(|kind| normal(kind, &given.path.package).is_none()) {
        return Err(Problem::invalid(format!("{:?} is no package name of its type", given.path.package)));
    }
    // An open one is there with its first file; a private one from now on, so that its first file is never open.
    if wish.public == Some(false) {
        for kind in wish.kinds()? {
            let Some(name) = normal(kind, &given.path.package) else { continue };
            let channel = given.admitted.room().name.to_string();
            let package = PackageRequest { channel, kind: stored_kind(kind).into(), name };
            let message = CreatePackageRequest { package: Some(package), private: Some(true) };
            let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
            let seq = given.app.upstreams.catalog().create_package(request).await?.into_inner().authz_seq;
            // The next request may ask for it here.
            given.app.view.wait_for(seq, WRITE_CALL).await.ok();
        }
    }
    Ok(axum::Json(json!({})).into_response())
}

/// `PATCH /api/package/<owner>/<name>`: what is said here of a package is read from its files, and who may see it is
/// changed elsewhere, so nothing changes.
pub(crate) async fn update(given: Given<Named>, Json(_attributes): Json<Value>) -> Result<Response, Problem> {
    match kinds(&given, &given.path.package).is_empty() {
        true => Err(absent()),
        false => Ok(axum::Json(json!({})).into_response()),
    }
}

/// `DELETE /api/package/<owner>/<name>`: all kinds of that name.
pub(crate) async fn remove(given: Given<Named>) -> Result<Response, Problem> {
    let kinds = kinds(&given, &given.path.package);
    if kinds.is_empty() {
        return Err(absent());
    }
    for (kind, name, _) in kinds {
        let channel = given.admitted.room().name.to_string();
        let package = PackageRequest { channel, kind: stored_kind(kind).into(), name };
        let request = upstream::request(&given.admitted.presented, package, WRITE_CALL);
        given.app.upstreams.catalog().delete_package(request).await?;
    }
    Ok((StatusCode::CREATED, axum::Json(json!(null))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds_of(body: &str) -> Vec<PackageKind> {
        serde_json::from_str::<Wish>(body).unwrap().kinds().unwrap()
    }

    #[test]
    fn a_private_package_of_no_type_is_private_whatever_comes() {
        assert_eq!(kinds_of(r#"{"public":false,"public_attrs":{"package_types":[]}}"#), PackageKind::ALL);
        assert_eq!(kinds_of(r#"{"public":false}"#), PackageKind::ALL);
        assert_eq!(kinds_of(r#"{"public":true}"#), [PackageKind::Conda]);
        let typed = r#"{"public":false,"public_attrs":{"package_types":["ipynb"]}}"#;
        assert_eq!(kinds_of(typed), [PackageKind::Notebook]);
        assert!(
            serde_json::from_str::<Wish>(r#"{"public_attrs":{"package_types":["x"]}}"#)
                .unwrap()
                .kinds()
                .is_err()
        );
    }
}
