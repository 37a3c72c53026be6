//! What pip, uv, poetry and twine read, in the three shapes of address that people type (`pypi.md` section 5).

mod address;

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, LOCATION};
use http::{HeaderValue, StatusCode};
use names::ProjectName;
use serde::Deserialize;

use crate::file::{Facts, Freshness};
use crate::problem::Problem;
use crate::render::negotiate::{Format, negotiate};
use crate::routes::given::Given;
use crate::state::unstored;
use address::{Address, Target};

pub(crate) use address::takes_uploads;

/// Files are never shown by a browser.
const BYTES: &str = "application/octet-stream";

/// What follows the channel, without its first slash.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    pub(crate) rest: Option<String>,
}

/// Any address below a channel.
pub(crate) async fn read(given: Given<Place>) -> Result<Response, Problem> {
    // The catch-all needs a character, so a channel with nothing but a slash comes without one.
    let bare = given.uri.path().ends_with('/').then_some("");
    let address = address::read(given.path.rest.as_deref().or(bare));
    let Some(Address { target, slash, label }) = address else {
        return Err(Problem::not_found(
            "this is no address of a Python index: it should be <channel>/simple/<project>/",
        ));
    };
    if label.is_some_and(|label| label != "main") {
        return Err(Problem::not_found("this channel has no such label: only main is there"));
    }
    match target {
        Target::Channel if !slash => Ok(moved(&format!("{}/", given.admitted.room().name))),
        Target::List { last } if !slash => Ok(moved(&format!("{last}/"))),
        Target::Channel | Target::List { .. } => list(&given).await,
        Target::Project { wanted, scope } => project(&given, wanted, scope, slash).await,
        Target::File { name } => file(&given, name).await,
    }
}

async fn list(given: &Given<Place>) -> Result<Response, Problem> {
    let format = format(given)?;
    let view = given.app.indexes.pypi(given.admitted.room().id).await?;
    Ok(given.asked().document(&view.projects(format), Freshness::Revalidate))
}

async fn project(
    given: &Given<Place>,
    wanted: &str,
    scope: Option<&str>,
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
    let view = given.app.indexes.pypi(given.admitted.room().id).await?;
    let page = view.project_page(&name, format).ok_or_else(absent)?;
    Ok(given.asked().document(&page, Freshness::Revalidate))
}

async fn file(given: &Given<Place>, name: &str) -> Result<Response, Problem> {
    let absent = || Problem::not_found("there is no such file in this channel");
    let (filename, metadata) = match name.strip_suffix(".metadata") {
        Some(wheel) => (wheel, true),
        None => (name, false),
    };
    let view = given.app.indexes.pypi(given.admitted.room().id).await?;
    let file = view.file(filename).ok_or_else(absent)?;
    let (sha256, size_bytes) = if metadata {
        let sha256 = file.metadata_sha256.ok_or_else(absent)?;
        (sha256, given.app.blobs.size(&sha256).await.map_err(unstored)?)
    } else {
        (file.sha256, file.size_bytes)
    };
    let etag = format!("\"{}\"", hex::encode(sha256));
    let facts = Facts {
        etag: &etag,
        modified: Some(file.uploaded_at),
        content_type: BYTES,
        size_bytes,
        freshness: Freshness::Immutable,
    };
    given.asked().blob(&sha256, &facts).await
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
