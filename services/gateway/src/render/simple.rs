//! The simple API for Python: the list of projects and a page for each (PEP 503, 691, 700, 714 and 792).
//!
//! Both forms are cut from one list in one order. Addresses of files are relative, so a page keeps the prefix and
//! the credentials it was fetched with, whichever of its addresses that was.

mod html;
mod json;

pub(crate) use html::escape;

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::Version;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;

use crate::render::Rendered;
use crate::render::negotiate::Format;

/// What may stand in a path segment as it is; the rest is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'+').remove(b'!');

/// The version of the API, in both forms. HTML stays at 1.4 for ever (PEP 833).
const API_VERSION: &str = "1.4";

/// A wheel or an sdist with everything a page says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonFile {
    /// Without directory.
    pub filename: Box<str>,
    /// PEP 440, as the author spells it.
    pub version: Box<str>,
    /// Of the file, also its blob's key.
    pub sha256: [u8; 32],
    /// Of the file.
    pub size_bytes: u64,
    /// The author's string; empty if none.
    pub requires_python: Box<str>,
    /// Of the METADATA file, also its blob's key; an sdist has none.
    pub metadata_sha256: Option<[u8; 32]>,
    /// Of the METADATA file.
    pub metadata_size_bytes: u64,
    /// When it was accepted.
    pub uploaded_at: OffsetDateTime,
}

/// A project's files, oldest version first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    name: Box<str>,
    files: Box<[PythonFile]>,
}

impl Project {
    /// Puts the files in their order. `name` is the normal form.
    pub fn new(name: &str, files: Vec<PythonFile>) -> Self {
        let mut files: Vec<_> = files.into_iter().map(|file| (order(&file.version), file)).collect();
        files.sort_by(|a, b| compare(&a.0, &b.0).then_with(|| a.1.filename.cmp(&b.1.filename)));
        Self { name: name.into(), files: files.into_iter().map(|(_, file)| file).collect() }
    }

    /// In its normal form.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Oldest version first.
    pub fn files(&self) -> &[PythonFile] {
        &self.files
    }

    /// The project's page.
    pub fn page(&self, format: Format) -> Rendered {
        let body = match format {
            Format::Json => json::page(self),
            Format::Html | Format::TextHtml => html::page(self),
        };
        let newest = self.files.iter().map(|file| file.uploaded_at).max();
        Rendered::new(format.content_type(), body, newest)
    }

    /// Each version once, in the order of the files.
    fn versions(&self) -> Vec<&str> {
        let mut versions: Vec<_> = self.files.iter().map(|file| &*file.version).collect();
        versions.dedup();
        versions
    }
}

/// The list of projects; `names` come in order.
pub fn projects<'a>(
    names: impl IntoIterator<Item = &'a str>,
    newest: Option<OffsetDateTime>,
    format: Format,
) -> Rendered {
    let body = match format {
        Format::Json => json::list(names),
        Format::Html | Format::TextHtml => html::list(names),
    };
    Rendered::new(format.content_type(), body, newest)
}

impl PythonFile {
    /// Relative to the page, which ends in a slash. No query: pip appends `.metadata` to the whole address.
    fn href(&self) -> String {
        utf8_percent_encode(&self.filename, SEGMENT).to_string()
    }

    /// Its own bytes and what it holds, for the limits of caches.
    pub fn weight_bytes(&self) -> usize {
        size_of::<Self>() + self.filename.len() + self.version.len() + self.requires_python.len()
    }
}

/// A version as it sorts; one that is not PEP 440 comes before all that are.
fn order(version: &str) -> (Option<Version>, Box<str>) {
    (Version::from_str(version).ok(), version.into())
}

fn compare(a: &(Option<Version>, Box<str>), b: &(Option<Version>, Box<str>)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1))
}
