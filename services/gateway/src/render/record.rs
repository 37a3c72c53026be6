//! One conda file as the indexes show it. Its record is joined once, when it is read from its row; every
//! document after that copies bytes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use time::OffsetDateTime;

/// A `.conda` or `.tar.bz2` file with everything an index says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaFile {
    /// Without directory.
    pub filename: Box<str>,
    /// Of the file, also its blob's key.
    pub sha256: [u8; 32],
    /// Of the file.
    pub md5: [u8; 16],
    /// Of the file.
    pub size_bytes: u64,
    /// When it was accepted.
    pub uploaded_at: OffsetDateTime,
    /// The repodata record (CEP 36), complete, keys sorted.
    pub record: Box<str>,
    /// `run_exports.json` (CEP 12), `{}` if the package has none.
    pub run_exports: Box<str>,
    /// What `channeldata.json` (CEP 38) takes from the package beyond its record.
    pub channeldata: Box<str>,
}

/// What the server knows of a file and its archive does not say.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Of the file.
    pub sha256: [u8; 32],
    /// Of the file.
    pub md5: [u8; 16],
    /// Of the file.
    pub size_bytes: u64,
    /// CEP 47: set when the file was first accepted, in milliseconds.
    pub indexed_timestamp_ms: i64,
}

/// The two archive formats have a section of their own in every document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `.tar.bz2`.
    Packages,
    /// `.conda`.
    PackagesConda,
}

impl CondaFile {
    /// Where it is listed.
    pub fn section(&self) -> Section {
        if self.filename.ends_with(".conda") { Section::PackagesConda } else { Section::Packages }
    }

    /// Its own bytes and what it holds, for the limits of caches.
    pub fn weight_bytes(&self) -> usize {
        size_of::<Self>()
            + self.filename.len()
            + self.record.len()
            + self.run_exports.len()
            + self.channeldata.len()
    }
}

/// Completes a package's own record with what the server knows of the file.
///
/// The server's facts win over keys of the same name in the package.
pub fn join(record_json: &[u8], facts: &Facts) -> Result<Box<str>, serde_json::Error> {
    let mut record: BTreeMap<String, &RawValue> = serde_json::from_slice(record_json)?;
    let [sha256, md5, size, timestamp] = [
        quoted_hex(&facts.sha256),
        quoted_hex(&facts.md5),
        RawValue::from_string(facts.size_bytes.to_string()).expect("a number is JSON"),
        RawValue::from_string(facts.indexed_timestamp_ms.to_string()).expect("a number is JSON"),
    ];
    record.insert("sha256".into(), &sha256);
    record.insert("md5".into(), &md5);
    record.insert("size".into(), &size);
    record.insert("indexed_timestamp".into(), &timestamp);
    Ok(serde_json::to_string(&record)?.into_boxed_str())
}

fn quoted_hex(digest: &[u8]) -> Box<RawValue> {
    RawValue::from_string(format!("\"{}\"", hex::encode(digest))).expect("hex needs no escapes")
}

/// The files of one section, in the order of their names.
pub(crate) fn section<'a>(
    files: impl IntoIterator<Item = &'a CondaFile>,
    section: Section,
) -> Vec<&'a CondaFile> {
    let mut files: Vec<_> = files.into_iter().filter(|file| file.section() == section).collect();
    files.sort_by(|a, b| a.filename.cmp(&b.filename));
    files
}

/// When the newest of them was accepted.
pub(crate) fn newest<'a>(files: impl IntoIterator<Item = &'a CondaFile>) -> Option<OffsetDateTime> {
    files.into_iter().map(|file| file.uploaded_at).max()
}
