//! Core metadata: METADATA in wheels, PKG-INFO in sdists.

use std::str::FromStr;

use mailparse::{MailHeader, parse_headers};
use names::ProjectName;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{Requirement, VerbatimUrl};

use super::{Claim, FileType, Python, filename::Release, refusal::Refusal};

/// Longest summary that is kept; PyPI takes 512 characters.
const SUMMARY_CHARS: usize = 512;

/// Checks the text against itself, the file's name and the form, and gives the facts.
pub(super) fn read(
    text: Vec<u8>,
    place: &str,
    release: &Release,
    claim: &Claim<'_>,
    filetype: FileType,
) -> Result<Python, Refusal> {
    let refused = |why: String| Refusal::Metadata { place: place.to_owned(), why };
    if std::str::from_utf8(&text).is_err() {
        return Err(refused("it is not UTF-8".into()));
    }
    let (headers, _) = parse_headers(&text).map_err(|error| refused(error.to_string()))?;
    let headers = Headers { headers: &headers, place };
    headers.required("Metadata-Version")?;
    let project = headers.required("Name")?;
    let name = ProjectName::parse(&project).map_err(|error| refused(error.to_string()))?;
    let version = headers.required("Version")?;
    let parsed =
        Version::from_str(&version).map_err(|error| refused(format!("version {version:?}: {error}")))?;
    let found = Release { name, version: parsed };
    if found != *release {
        let found = format!("{project} {version}");
        return Err(Refusal::OtherProject {
            place: place.to_owned(),
            found,
            expected: claim.filename.to_owned(),
        });
    }
    form(claim, &found, &project, &version)?;
    for requirement in headers.all("Requires-Dist")? {
        Requirement::<VerbatimUrl>::from_str(&requirement).map_err(|error| {
            refused(format!("Requires-Dist {requirement:?}: {}", first_line(&error.to_string())))
        })?;
    }
    let requires_python = headers.optional("Requires-Python")?;
    VersionSpecifiers::from_str(&requires_python).map_err(|error| {
        refused(format!("Requires-Python {requires_python:?}: {}", first_line(&error.to_string())))
    })?;
    let summary = headers.optional("Summary")?;
    Ok(Python {
        filetype,
        summary: first_line(&summary).chars().take(SUMMARY_CHARS).collect(),
        release: found.version.to_string(),
        name: found.name,
        project,
        version,
        requires_python,
        metadata: (filetype == FileType::Wheel).then_some(text),
    })
}

/// What the form says must be what the file says.
fn form(claim: &Claim<'_>, found: &Release, project: &str, version: &str) -> Result<(), Refusal> {
    let differs =
        |field, form: &str, found: &str| Err(Refusal::Form { field, form: form.into(), found: found.into() });
    if !claim.form_name.is_empty() && ProjectName::parse(claim.form_name).as_ref() != Ok(&found.name) {
        return differs("name", claim.form_name, project);
    }
    let is_other = |text: &str| Version::from_str(text).ok().as_ref() != Some(&found.version);
    if !claim.form_version.is_empty() && is_other(claim.form_version) {
        return differs("version", claim.form_version, version);
    }
    Ok(())
}

struct Headers<'a> {
    headers: &'a [MailHeader<'a>],
    place: &'a str,
}

impl Headers<'_> {
    fn all(&self, key: &str) -> Result<Vec<String>, Refusal> {
        let wanted = self.headers.iter().filter(|header| header.get_key_ref().eq_ignore_ascii_case(key));
        let texts = wanted.map(|header| header.get_value_utf8().map(|text| text.trim().to_owned()));
        texts.collect::<Result<_, _>>().map_err(|error| self.refused(format!("{key}: {error}")))
    }

    /// A header that occurs at most once: readers differ in which of two they take.
    fn optional(&self, key: &str) -> Result<String, Refusal> {
        let mut texts = self.all(key)?;
        match texts.len() {
            0 | 1 => Ok(texts.pop().unwrap_or_default()),
            _ => Err(self.refused(format!("{key} occurs {} times", texts.len()))),
        }
    }

    fn required(&self, key: &str) -> Result<String, Refusal> {
        match self.optional(key)? {
            text if text.is_empty() => Err(self.refused(format!("{key} is missing"))),
            text => Ok(text),
        }
    }

    fn refused(&self, why: String) -> Refusal {
        Refusal::Metadata { place: self.place.to_owned(), why }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
