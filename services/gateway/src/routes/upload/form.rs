//! Multipart forms: the one of twine, uv, poetry and flit, the one of the prefix service, and Anaconda Server's.

use std::error::Error;

use axum::body::Body;
use axum::response::Response;
use blobs::Written;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use multer::{Constraints, Field, Multipart, SizeLimit};
use proto::event::v1::PackageKind;
use time::OffsetDateTime;

use super::fields::Fields;
use super::{Claim, checked_filename, digest, forced, forget, publish, receive, spoken};
use crate::limits::{MAX_FIELD_BYTES, MAX_FIELDS, MAX_FORM_BYTES};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::pypi;
use crate::routes::server::{artifact, family, unprocessable};
use crate::state::App;
use crate::ticket;

/// A file out of a form, with its name and what its part's headers say.
struct Content {
    written: Written,
    filename: String,
    headers: HeaderMap,
}

/// The Python form, at a channel's root in every spelling.
pub(crate) async fn python(given: Given<pypi::Place>, body: Body) -> Result<Response, Problem> {
    if !pypi::takes_uploads(pypi::rest(&given)) {
        return Err(Problem::not_found("files are uploaded to the channel itself: /pypi/<channel>/"));
    }
    let mut fields = Fields::default();
    let content = read(&given, body, "content", &mut fields).await?;
    let claim = python_claim(&content, fields);
    finish(&given, content, claim).await
}

fn python_claim(content: &Content, fields: Fields) -> Result<Claim, Problem> {
    fields.check_action()?;
    Ok(Claim {
        kind: PackageKind::Pypi,
        filename: checked_filename(&content.filename)?,
        subdir: String::new(),
        expected: fields.expected,
        force: false,
        name: fields.name,
        version: fields.version,
    })
}

/// The prefix service's form: a part `file` that names and hashes itself in its headers.
pub(crate) async fn prefix(given: Given<()>, body: Body) -> Result<Response, Problem> {
    let content = read(&given, body, "file", &mut Fields::default()).await?;
    let claim = prefix_claim(&content, given.uri.query().unwrap_or_default());
    finish(&given, content, claim).await
}

fn prefix_claim(content: &Content, query: &str) -> Result<Claim, Problem> {
    let named = content.headers.get("x-file-name").and_then(|name| name.to_str().ok());
    let filename = checked_filename(named.unwrap_or(&content.filename))?;
    Ok(Claim::conda(filename, digest::of_headers(&content.headers)?, forced(query)))
}

/// Anaconda Server's form: the file in the part `content`, of what type it is, and how long.
pub(crate) async fn server(given: Given<artifact::Place>, body: Body) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let content = read(&given, body, "content", &mut fields).await?;
    let now = given.app.ambient.clock.now();
    let claim = server_claim(&content, fields, (given.uri.query().unwrap_or_default(), now));
    finish(&given, content, claim).await
}

/// A form at the address of the channel itself: twine's says what is to be done, the R tools' is Anaconda Server's.
pub(crate) async fn any(given: Given<artifact::Place>, body: Body) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let content = read(&given, body, "content", &mut fields).await?;
    let claim = match fields.action {
        Some(_) => python_claim(&content, fields),
        None => {
            let now = given.app.ambient.clock.now();
            server_claim(&content, fields, (given.uri.query().unwrap_or_default(), now))
        }
    };
    finish(&given, content, claim).await
}

fn server_claim(
    content: &Content,
    fields: Fields,
    (query, now): (&str, OffsetDateTime),
) -> Result<Claim, Problem> {
    let filename = checked_filename(&content.filename)?;
    let word = fields.filetype.unwrap_or_default();
    let kind = family::kind_of(&word).ok_or_else(|| {
        unprocessable(format!("the field filetype says {word:?}, which is no type of artifact"))
    })?;
    let size = content.written.size;
    if fields.size.is_some_and(|said| said.trim().parse() != Ok(size)) {
        return Err(Problem::invalid(format!(
            "the field size does not say {size}, which is what came: send it again"
        )));
    }
    let untold = kind == names::PackageKind::File && fields.name.is_empty();
    let (name, version) =
        if untold { spoken::of_file(&filename, now) } else { (fields.name, fields.version) };
    let claim = Claim::conda(filename, fields.expected, forced(query));
    Ok(Claim { kind: stored_kind(kind), name, version, ..claim })
}

async fn finish<P>(
    given: &Given<P>,
    content: Content,
    claim: Result<Claim, Problem>,
) -> Result<Response, Problem> {
    match claim {
        Ok(claim) => publish(given, claim, content.written).await,
        Err(problem) => {
            forget(&given.app, &content.written).await;
            Err(problem)
        }
    }
}

/// Reads a whole form; the part called `file` goes to the file store as it comes.
async fn read<P>(given: &Given<P>, body: Body, file: &str, fields: &mut Fields) -> Result<Content, Problem> {
    let mut form = open_form(&given.app, &given.headers, body)?;
    let mut content = None;
    let result = parts(&given.app, &mut form, file, fields, &mut content).await;
    match (result, content) {
        (Ok(()), Some(content)) => Ok(content),
        (Ok(()), None) => {
            Err(Problem::invalid(format!("the form has no file: it should be the part {file:?}")))
        }
        (Err(problem), content) => {
            if let Some(content) = content {
                forget(&given.app, &content.written).await;
            }
            Err(problem)
        }
    }
}

async fn parts(
    app: &App,
    form: &mut Multipart<'_>,
    file: &str,
    fields: &mut Fields,
    content: &mut Option<Content>,
) -> Result<(), Problem> {
    for _ in 0..MAX_FIELDS {
        let Some(mut field) = form.next_field().await.map_err(unread)? else { return Ok(()) };
        let name = field.name().unwrap_or_default().to_owned();
        if name == file {
            if content.is_some() {
                return Err(Problem::invalid("the form has more than one file"));
            }
            let filename = field.file_name().unwrap_or_default().to_owned();
            let headers = field.headers().clone();
            let written = receive(app, field).await?;
            *content = Some(Content { written, filename, headers });
        } else if Fields::wants(&name) {
            fields.take(&name, text(&mut field).await?)?;
        }
    }
    Err(Problem::invalid(format!("the form has more than {MAX_FIELDS} fields")))
}

pub(crate) fn open_form(app: &App, headers: &HeaderMap, body: Body) -> Result<Multipart<'static>, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|_other| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "uploads come as multipart/form-data with a boundary",
        )
    })?;
    let whole = app.max_upload_bytes.saturating_add(MAX_FORM_BYTES);
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(whole));
    Ok(Multipart::with_constraints(body.into_data_stream(), boundary, limits))
}

async fn text(field: &mut Field<'_>) -> Result<String, Problem> {
    short(field, MAX_FIELD_BYTES).await
}

/// A ticket, or what is sent beside it.
pub(crate) async fn ticket_text(field: &mut Field<'_>) -> Result<String, Problem> {
    short(field, ticket::MAX_BYTES).await
}

async fn short(field: &mut Field<'_>, limit: usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unread)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a field of the form is too long"));
        }
    }
    String::from_utf8(bytes).map_err(|_other| Problem::invalid("a field of the form is not UTF-8"))
}

fn unread(error: multer::Error) -> Problem {
    broken_form(&error)
}

/// Why a form could not be read on.
pub(crate) fn broken_form(error: &multer::Error) -> Problem {
    broken_off(error)
}

/// Why a body could not be read to its end: it was too long, or it is the client's half.
pub(super) fn broken_off(error: &(dyn Error + Send + Sync + 'static)) -> Problem {
    let multer = error.downcast_ref::<multer::Error>();
    if multer.is_some_and(|error| {
        matches!(error, multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. })
    }) {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the form is larger than this server takes");
    }
    Problem::invalid("the body ended before the file did; send it again")
}
