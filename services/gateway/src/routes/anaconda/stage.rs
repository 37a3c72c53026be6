//! An upload in three steps, as Anaconda Repository has it: announce it, send the form, commit.
//!
//! The form comes without credentials, so its address is a ticket (see `ticket.rs`). The caller is looked at when the
//! ticket is made, when the form comes and, by catalog, on the name found inside the file, when it is committed.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use names::{ChannelId, LabelName, PackageKind, Subdir, TokenId};
use proto::catalog::v1::{ExpectedDigests, PublishRequest};
use runtime::Failure;
use serde::Deserialize;
use serde_json::json;

use super::files::{basename, document, kind_of, of_package};
use super::release::Dist;
use crate::limits::{MAX_FIELDS, PUBLISH_CALL};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::{normal, stored_kind};
use crate::routes::reach;
use crate::routes::rest::json::Json;
use crate::routes::upload::{self, explained, pending};
use crate::state::App;
use crate::ticket::{LIFE, Ticket};
use crate::upstream;

/// A file to be. What else the client says of it is read from the file.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    distribution_type: String,
    /// These clients' word for labels.
    #[serde(default)]
    channels: Option<Vec<String>>,
    /// Hex.
    #[serde(default)]
    sha256: Option<String>,
}

/// `POST /api/stage/<owner>/<name>/<version>/<basename…>`.
pub(crate) async fn stage(
    origin: Origin,
    given: Given<Dist>,
    Json(wish): Json<Wish>,
) -> Result<Response, Problem> {
    let Dist { package, version, basename: path, .. } = &given.path;
    let kind = kind_of(&wish.distribution_type)?;
    let (subdir, filename) = place(kind, path)?;
    let name = normal(kind, package).ok_or_else(|| {
        Problem::invalid(format!("{package:?} is no name of a package of type {}", wish.distribution_type))
    })?;
    if kind == PackageKind::Conda && filename.rsplitn(3, '-').nth(2) != Some(name.as_str()) {
        return Err(Problem::invalid(format!("{filename:?} is no file of the package {name}")));
    }
    reach::check(&given, upload_of(kind), (kind, name.as_str()))?;
    let rows = of_package(&given, package).await?;
    let taken = rows.iter().any(|row| {
        let same = if subdir.is_empty() { row.filename == filename } else { basename(row) == *path };
        row.kind == kind && same && (!kind.is_plain() || row.version == *version)
    });
    if taken {
        return Err(Problem::new(StatusCode::CONFLICT, format!("File already exists: {path}")));
    }
    let labels = wish.channels.iter().flatten().map(|label| LabelName::parse(label));
    let labels =
        labels.collect::<Result<Vec<_>, _>>().map_err(|error| Problem::invalid(error.to_string()))?;
    let sha256 = wish.sha256.filter(|text| !text.is_empty());
    if sha256.as_deref().is_some_and(|text| hex::decode(text).map_or(true, |bytes| bytes.len() != 32)) {
        return Err(Problem::invalid("sha256 is not readable: expected 64 hexadecimal digits"));
    }
    let TokenId(token) = given.admitted.caller.token().ok_or_else(|| {
        Problem::new(StatusCode::FORBIDDEN, "an upload is announced with a token: sign in with one")
    })?;
    let ambient = &given.app.ambient;
    let ticket = Ticket {
        id: ambient.ids.uuid(),
        upload: ambient.ids.uuid(),
        until: (ambient.clock.now() + LIFE).unix_timestamp(),
        token,
        channel: given.admitted.room().id.0,
        kind: kind.as_str().to_owned(),
        package: package.clone(),
        version: version.clone(),
        filename,
        subdir,
        labels: labels.iter().map(ToString::to_string).collect(),
        sha256,
    };
    let sealed = given.app.tickets.seal(&ticket);
    let document = json!({
        "post_url": format!("{}/api/stage", origin.address()),
        "form_data": { "ticket": sealed },
        "dist_id": sealed,
    });
    Ok(axum::Json(document).into_response())
}

/// Subdir and name of a file from what these clients call it.
fn place(kind: PackageKind, path: &str) -> Result<(String, String), Problem> {
    let (subdir, filename) = match (kind, path.rsplit_once('/')) {
        (PackageKind::Conda, Some((subdir, filename))) => {
            Subdir::parse(subdir).map_err(|error| Problem::invalid(error.to_string()))?;
            (subdir, filename)
        }
        (_, _) => ("", path),
    };
    Ok((subdir.to_owned(), upload::checked_filename(filename)?))
}

fn upload_of(kind: PackageKind) -> access::Action {
    match kind {
        PackageKind::Conda => access::Action::CondaPublish,
        PackageKind::Pypi => access::Action::PypiPublish,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => access::Action::FilePublish,
    }
}

/// Why a form was not taken, in the form that these clients read: anything else breaks their XML reader.
struct Unwanted(StatusCode, &'static str, String);

impl IntoResponse for Unwanted {
    fn into_response(self) -> Response {
        let Self(status, code, words) = self;
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!("<Error><Code>{code}</Code><Message>{words}</Message></Error>");
        (status, [(CONTENT_TYPE, "application/xml")], body).into_response()
    }
}

impl From<Problem> for Unwanted {
    fn from(problem: Problem) -> Self {
        let (status, words) = (problem.status(), problem.detail().to_owned());
        Self(status, "UploadFailed", words)
    }
}

fn no_ticket() -> Unwanted {
    let words = "this upload was not announced here, or more than fifteen minutes ago: announce it again";
    Unwanted(StatusCode::FORBIDDEN, "AccessDenied", words.into())
}

/// `POST /api/stage`: the form.
pub(crate) async fn form(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    match receive(&app, &headers, body).await {
        Ok(()) => (StatusCode::CREATED, [(CONTENT_TYPE, "application/xml")], "<PostResponse></PostResponse>")
            .into_response(),
        Err(unwanted) => unwanted.into_response(),
    }
}

async fn receive(app: &App, headers: &HeaderMap, body: Body) -> Result<(), Unwanted> {
    let mut form = upload::open_form(app, headers, body)?;
    let (mut ticket, mut md5) = (None, None);
    for _ in 0..MAX_FIELDS {
        let field = form.next_field().await.map_err(|error| Unwanted::from(upload::broken_form(&error)))?;
        let Some(mut field) = field else { break };
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "ticket" => {
                let text = upload::ticket_text(&mut field).await?;
                ticket = app.tickets.open(&text, app.ambient.clock.now());
            }
            "Content-MD5" => {
                let text = upload::ticket_text(&mut field).await?;
                md5 = Some(STANDARD.decode(text.trim()).unwrap_or_default());
            }
            "file" => {
                let ticket = ticket.take().ok_or_else(no_ticket)?;
                return store(app, &ticket, md5, field).await;
            }
            _ => {}
        }
    }
    Err(Unwanted(StatusCode::BAD_REQUEST, "MalformedPOSTRequest", "the form has no file".into()))
}

async fn store(
    app: &App,
    ticket: &Ticket,
    md5: Option<Vec<u8>>,
    field: multer::Field<'_>,
) -> Result<(), Unwanted> {
    let kind: PackageKind = ticket.kind.parse().map_err(|_no_kind| no_ticket())?;
    let now = app.ambient.clock.now();
    let allowed = app.view.read(|table| {
        let caller = table.caller_of(now, TokenId(ticket.token));
        let name = normal(kind, &ticket.package).unwrap_or_default();
        reach::may(table, &caller, upload_of(kind), ChannelId(ticket.channel), (kind, name.as_str()))
    });
    if !allowed {
        let words = "the token that announced this upload may not upload here any more".into();
        return Err(Unwanted(StatusCode::FORBIDDEN, "AccessDenied", words));
    }
    let claimed =
        app.blobs.claim(ticket.id).await.map_err(|error| Unwanted::from(crate::state::unstored(error)))?;
    if !claimed {
        let words = "this announcement was used already: announce the upload again".into();
        return Err(Unwanted(StatusCode::CONFLICT, "AccessDenied", words));
    }
    let written = upload::receive_as(app, Some(ticket.upload), field).await?;
    let sha256 = hex::encode(written.sha256);
    let differs = ticket.sha256.as_ref().is_some_and(|said| !said.eq_ignore_ascii_case(&sha256))
        || md5.is_some_and(|md5| md5 != written.md5);
    if differs {
        upload::forget(app, &written).await;
        let words = "the bytes received are not those that were announced".into();
        return Err(Unwanted(StatusCode::BAD_REQUEST, "InvalidDigest", words));
    }
    Ok(())
}

/// What was sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    dist_id: String,
}

/// `POST /api/commit/<owner>/<name>/<version>/<basename…>`.
pub(crate) async fn commit(
    origin: Origin,
    given: Given<Dist>,
    Json(sent): Json<Sent>,
) -> Result<Response, Problem> {
    let Dist { channel, package, version, .. } = &given.path;
    let own = |ticket: &Ticket| {
        given.admitted.caller.token() == Some(TokenId(ticket.token))
            && ticket.channel == given.admitted.room().id.0
            && ticket.package == *package
            && ticket.version == *version
    };
    let ticket = given.app.tickets.open(&sent.dist_id, given.app.ambient.clock.now()).filter(own);
    let ticket = ticket.ok_or_else(|| {
        Problem::invalid(
            "this upload was not announced so, or more than fifteen minutes ago: announce it again",
        )
    })?;
    let kind: PackageKind =
        ticket.kind.parse().map_err(|_no_kind| Problem::invalid("the announcement is damaged"))?;
    let said = kind != PackageKind::Conda;
    let message = PublishRequest {
        channel: given.admitted.room().name.to_string(),
        kind: stored_kind(kind).into(),
        upload: format!("tmp/{}", ticket.upload),
        filename: ticket.filename.clone(),
        expected: Some(ExpectedDigests {
            sha256: ticket.sha256.as_deref().map(hex::decode).and_then(Result::ok).unwrap_or_default(),
            ..ExpectedDigests::default()
        }),
        force: false,
        subdir: ticket.subdir.clone(),
        form_name: if said { package.clone() } else { String::new() },
        form_version: if said { version.clone() } else { String::new() },
        labels: ticket.labels.clone(),
        private: None,
    };
    let request = upstream::request(&given.admitted.presented, message, PUBLISH_CALL);
    let reply = given.app.upstreams.catalog().publish(request).await;
    let reply = reply.map_err(|status| explained(Failure::from_status(status)))?.into_inner();
    pending(&given.app, reply.catalog_seq, &reply.silent).await;
    let rows = of_package(&given, package).await?;
    let row = rows.iter().find(|row| row.artifact_id.to_string() == reply.artifact_id);
    let mut answer = row.map_or_else(|| json!({}), |row| document(channel, row));
    answer["url"] = json!(format!("{}/api/package/{channel}/{}", origin.address(), reply.name));
    Ok(axum::Json(answer).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_xml_that_the_client_can_read() {
        let response = Unwanted(StatusCode::FORBIDDEN, "AccessDenied", "a < b & c".into()).into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/xml");
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_place_is_read_as_its_kind_has_it() {
        let of = |kind, path| place(kind, path).ok();
        let conda = Some(("noarch".to_owned(), "a-1-0.conda".to_owned()));
        assert_eq!(of(PackageKind::Conda, "noarch/a-1-0.conda"), conda);
        assert_eq!(of(PackageKind::Conda, "a-1-0.conda"), Some((String::new(), "a-1-0.conda".to_owned())));
        for (kind, path) in [
            (PackageKind::Conda, "nowhere/a-1-0.conda"),
            (PackageKind::Conda, "noarch/../a-1-0.conda"),
            (PackageKind::File, "a/b"),
            (PackageKind::File, ""),
        ] {
            assert_eq!(of(kind, path), None, "{path}");
        }
    }
}
