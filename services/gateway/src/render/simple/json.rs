//! The JSON form (PEP 691 with PEP 700, 714 and 792).

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::render::simple::{API_VERSION, Project, PythonFile};

/// PEP 700: UTC, at most microseconds.
const UPLOAD_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

#[derive(Serialize)]
struct Meta {
    #[serde(rename = "api-version")]
    api_version: &'static str,
}

const META: Meta = Meta { api_version: API_VERSION };

#[derive(Serialize)]
struct List<'a> {
    meta: Meta,
    projects: Vec<Name<'a>>,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Page<'a> {
    files: Vec<File<'a>>,
    meta: Meta,
    name: &'a str,
    // Beside `meta`, not in it: PEP 792's text and uv's reader agree against the specification's example.
    project_status: Status,
    versions: Vec<&'a str>,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    // Only under this name: old readers broke on the right value under PEP 658's (PEP 714).
    core_metadata: CoreMetadata,
    filename: &'a str,
    hashes: Hashes,
    #[serde(skip_serializing_if = "str::is_empty")]
    requires_python: &'a str,
    size: u64,
    upload_time: String,
    url: String,
    yanked: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum CoreMetadata {
    None(bool),
    Hashes(Hashes),
}

#[derive(Serialize)]
struct Hashes {
    sha256: String,
}

impl Hashes {
    fn of(sha256: &[u8; 32]) -> Self {
        Self { sha256: hex::encode(sha256) }
    }
}

pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let projects = names.into_iter().map(|name| Name { name }).collect();
    encode(&List { meta: META, projects })
}

pub(super) fn page(project: &Project) -> Vec<u8> {
    encode(&Page {
        files: project.files().iter().map(file).collect(),
        meta: META,
        name: project.name(),
        project_status: Status { status: "active" },
        versions: project.versions(),
    })
}

fn file(file: &PythonFile) -> File<'_> {
    File {
        core_metadata: match &file.metadata_sha256 {
            Some(sha256) => CoreMetadata::Hashes(Hashes::of(sha256)),
            None => CoreMetadata::None(false),
        },
        filename: &file.filename,
        hashes: Hashes::of(&file.sha256),
        requires_python: &file.requires_python,
        size: file.size_bytes,
        upload_time: upload_time(file.uploaded_at),
        url: file.href(),
        yanked: false,
    }
}

fn upload_time(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(UPLOAD_TIME).expect("every part of it is in a date and time")
}

fn encode(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("structs of texts and numbers are JSON")
}
