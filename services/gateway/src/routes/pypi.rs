//! What pip, uv, poetry and twine read, in the three shapes of address that people type (`pypi.md` section 5).

mod address;

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, LOCATION};
use http::{HeaderValue, StatusCode};
use names::{LabelName, PackageKind, ProjectName};
use serde::Deserialize;

use crate::file::{Freshness, Stored};
use crate::gate::Sent;
use crate::problem::Problem;
use crate::render::negotiate::{Format, negotiate};
use crate::routes::conda::no_label;
use crate::routes::given::Given;
use address::{Address, Target};

pub(crate) use address::takes_uploads;

/// What follows the channel, without its first slash.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    pub(crate) rest: Option<String>,
}

impl Place {
    /// By the name in the route's pattern.
    pub(super) fn found<'a>(find: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self { rest: find("rest").map(ToOwned::to_owned) }
    }
}

/// Any address below a channel.
pub(crate) async fn read(given: &Given<Place>) -> Result<Response, Problem> {
    // The catch-all needs a character, so a channel with nothing but a slash comes without one.
    let bare = given.uri.path().ends_with('/').then_some("");
    let address = address::read(rest(given).or(bare));
    let Some(Address { target, slash, label }) = address else {
        return Err(Problem::not_found(
            "this is no address of a Python index: it should be <channel>/simple/<project>/",
        ));
    };
    let label = label.map_or_else(|| Ok(LabelName::main()), LabelName::parse);
    let label = label.map_err(|_no_name| no_label())?;
    match target {
        Target::Channel if !slash => Ok(moved(&format!("{}/", own_name(given)))),
        Target::List { last } if !slash => Ok(moved(&format!("{last}/"))),
        Target::Channel | Target::List { .. } => list(given, &label).await,
        Target::Project { wanted, scope } => project(given, &label, (wanted, scope), slash).await,
        Target::File { name } => file(given, name).await,
    }
}

/// What follows `simple/` below a mount where conda's channels are too.
#[derive(Debug, Deserialize)]
pub(crate) struct BelowSimple {
    #[serde(default)]
    project: String,
}

/// Any address below such an index.
pub(crate) async fn read_simple(given: Given<BelowSimple>) -> Result<Response, Problem> {
    if !given.uri.path().ends_with('/') && given.path.project.is_empty() {
        return Ok(moved("simple/"));
    }
    let below = given.admitted.room().below().map(|below| format!("{below}/")).unwrap_or_default();
    let rest = Some(format!("{below}simple/{}", given.path.project));
    let Given { app, admitted, method, uri, headers, .. } = given;
    read(&Given { app, admitted, path: Place { rest }, method, uri, headers }).await
}

/// What follows the channel or the subchannel, without its first slash.
pub(crate) fn rest(given: &Given<Place>) -> Option<&str> {
    let rest = given.path.rest.as_deref();
    match (rest, given.admitted.room().below()) {
        (Some(rest), Some(below)) => rest.trim_start_matches('/').strip_prefix(below)?.strip_prefix('/'),
        (rest, None) => rest,
        (None, Some(_)) => None,
    }
}

/// The last part of the channel's name.
fn own_name(given: &Given<Place>) -> &str {
    let room = given.admitted.room();
    room.below().unwrap_or(&room.name)
}

async fn list(given: &Given<Place>, label: &LabelName) -> Result<Response, Problem> {
    let format = format(given)?;
    let view = given.app.indexes.pypi(given.admitted.view(), Some(label)).await?;
    if view.is_empty() && !given.app.indexes.has_label(given.admitted.view(), label).await? {
        return Err(no_label());
    }
    Ok(given.asked().document(&view.projects(format), Freshness::Revalidate))
}

async fn project(
    given: &Given<Place>,
    label: &LabelName,
    (wanted, scope): (&str, Option<&str>),
    slash: bool,
) -> Result<Response, Problem> {
    let absent = || Problem::not_found("there is no such project in this channel");
    let name = ProjectName::parse(wanted).map_err(|_no_name| absent())?;
    // An index narrowed to one project does not know its dependencies: pip asks for them at its other indexes.
    if scope.is_some_and(|scope| ProjectName::parse(scope).is_ok_and(|scope| scope != name)) {
        return Err(Problem::not_found(
            "this index is narrowed to one project; use <channel>/simple/ for all of them",
        ));
    }
    match (slash, name.as_str() == wanted) {
        (true, true) => {}
        (true, false) => return Ok(moved(&format!("../{name}/"))),
        (false, _) => return Ok(moved(&format!("{name}/"))),
    }
    let format = format(given)?;
    let view = given.app.indexes.pypi(given.admitted.view(), Some(label)).await?;
    let page = view.project_page(&name, format).ok_or_else(absent)?;
    Ok(given.asked().document(&page, Freshness::Revalidate))
}

async fn file(given: &Given<Place>, name: &str) -> Result<Response, Problem> {
    let absent = || Problem::not_found("there is no such file in this channel");
    let (filename, metadata) = match name.strip_suffix(".metadata") {
        Some(wheel) => (wheel, true),
        None => (name, false),
    };
    let view = given.app.indexes.pypi(given.admitted.view(), None).await?;
    let (project, package, file) = view.file(filename).ok_or_else(absent)?;
    let (sha256, size_bytes) = if metadata {
        (file.metadata_sha256.ok_or_else(absent)?, file.metadata_size_bytes)
    } else {
        (file.sha256, file.size_bytes)
    };
    let sent = Sent::Package(PackageKind::Pypi, Cow::Borrowed(project), package);
    given.asked().blob(Stored { sha256, size_bytes, modified: file.uploaded_at, sent }).await
}

fn format(given: &Given<Place>) -> Result<Format, Problem> {
    let accept = given.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    negotiate(accept).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "this page comes as application/vnd.pypi.simple.v1+json, …+html or text/html",
        )
    })
}

/// A redirect relative to what was asked, so that a token in front of it stays where it is.
fn moved(to: &str) -> Response {
    let to = HeaderValue::from_str(to).expect("names of channels and projects are ASCII");
    (StatusCode::MOVED_PERMANENTLY, [(LOCATION, to)]).into_response()
}
