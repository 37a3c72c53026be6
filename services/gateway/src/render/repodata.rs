//! `repodata.json` (CEP 36), by joining records that are JSON already.
//!
//! No `base_url`: it would need `repodata_version` 2, which older clients refuse, and relative addresses carry
//! a token in the path along by themselves.

use crate::render::record::{CondaFile, Section, newest, section};
use crate::render::{JSON, Rendered, json};

/// Bytes around one record: its name's quotes, a colon and a comma.
const AROUND_RECORD_BYTES: usize = 4;
/// Everything that is not a record, generously.
const FRAME_BYTES: usize = 256;

/// Renders the whole subdir.
pub fn repodata<'a>(subdir: &str, files: impl Iterator<Item = &'a CondaFile> + Clone) -> Rendered {
    let mut out = Vec::with_capacity(size_bytes(files.clone()));
    out.extend_from_slice(br#"{"info":{"subdir":"#);
    json::string(&mut out, subdir);
    out.extend_from_slice(br#"},"packages":"#);
    records(&mut out, section(files.clone(), Section::Packages));
    out.extend_from_slice(br#","packages.conda":"#);
    records(&mut out, section(files.clone(), Section::PackagesConda));
    out.extend_from_slice(br#","removed":[],"repodata_version":1}"#);
    Rendered::new(JSON, out, newest(files))
}

fn records(out: &mut Vec<u8>, files: Vec<&CondaFile>) {
    let pairs = files.into_iter().map(|file| (&*file.filename, &*file.record));
    json::object(out, pairs, |out, record| out.extend_from_slice(record.as_bytes()));
}

/// How large the document will be, nearly.
pub(crate) fn size_bytes<'a>(files: impl Iterator<Item = &'a CondaFile>) -> usize {
    let records: usize =
        files.map(|file| file.filename.len() + file.record.len() + AROUND_RECORD_BYTES).sum();
    records + FRAME_BYTES
}
