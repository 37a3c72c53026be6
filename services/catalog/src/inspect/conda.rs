//! conda packages: `.conda` (CEP 35: a zip of two zstd-compressed tars) and `.tar.bz2`.

mod bzip2;
mod channeldata;
mod documents;
mod paths;
mod record;
mod run_exports;

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use names::{CondaName, Subdir};

use super::{
    Claim, json,
    limits::{Meter, Metered, Source, document},
    path::{Seen, shown},
    refusal::{Failed, Refusal, broken},
    tar, zip,
};
use bzip2::Streams;
use documents::Documents;
use record::Record;

/// Longest file name (CEP 26).
const FILENAME_CHARS: usize = 211;
/// The largest window a zstd frame may ask for, as a power of two: what zstd itself allows without asking.
const WINDOW_LOG: u32 = 27;

/// What the index holds of a conda package; the JSON documents are canonical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conda {
    pub subdir: Subdir,
    pub name: CondaName,
    pub version: String,
    pub build: String,
    pub build_number: u64,
    pub record_json: Vec<u8>,
    pub run_exports_json: Vec<u8>,
    pub channeldata_json: Vec<u8>,
}

/// The formats, told apart by the file's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Conda,
    TarBz2,
}

/// Reads the package.
pub(super) fn inspect<F: Read + Seek>(
    file: &mut F,
    claim: &Claim<'_>,
    meter: &Meter<'_>,
    warnings: &mut Vec<String>,
) -> Result<Conda, Failed> {
    let (stem, format) = stem(claim.filename)?;
    let documents = match format {
        Format::Conda => conda(file, stem, meter)?,
        Format::TarBz2 => tar_bz2(file, meter)?,
    };
    let record = Record::read(documents.require("info/index.json")?, claim.now_ms)?;
    let found = format!("{}-{}-{}", record.name, record.version, record.build);
    if found != stem {
        return Err(Refusal::Stem { found, expected: stem.to_owned() }.into());
    }
    let subdir = subdir(&record, claim, warnings)?;
    if !documents.has_paths() {
        warnings.push("the package has no info/paths.json, which CEP 34 requires".into());
    }
    let run_exports = run_exports::read(&documents)?;
    let facts = Conda {
        subdir,
        record_json: json::canonical(&record.json),
        run_exports_json: json::canonical(&run_exports),
        channeldata_json: json::canonical(&channeldata::excerpt(&documents, &record.json)),
        name: record.name,
        version: record.version,
        build: record.build,
        build_number: record.build_number,
    };
    let bytes = facts.record_json.len() + facts.run_exports_json.len() + facts.channeldata_json.len();
    match bytes > meter.limits.facts_bytes {
        true => Err(Refusal::FactsSize { limit: meter.limits.facts_bytes }.into()),
        false => Ok(facts),
    }
}

fn stem(filename: &str) -> Result<(&str, Format), Refusal> {
    if filename.len() > FILENAME_CHARS {
        return Err(Refusal::FileName(format!(
            "a conda file's name has at most {FILENAME_CHARS} characters, this one has {}",
            filename.chars().count(),
        )));
    }
    let stem = match filename.strip_suffix(".conda") {
        Some(stem) => Some((stem, Format::Conda)),
        None => filename.strip_suffix(".tar.bz2").map(|stem| (stem, Format::TarBz2)),
    };
    let parts = stem.filter(|(stem, _)| stem.rsplitn(3, '-').filter(|part| !part.is_empty()).count() == 3);
    parts.ok_or_else(|| {
        Refusal::FileName(format!(
            "{filename:?} is no conda file name: expected <name>-<version>-<build>.conda or .tar.bz2"
        ))
    })
}

fn subdir(record: &Record, claim: &Claim<'_>, warnings: &mut Vec<String>) -> Result<Subdir, Refusal> {
    match (&record.subdir, claim.subdir) {
        (Some(found), Some(expected)) if found != expected => {
            Err(Refusal::Subdir { found: found.to_string(), expected: expected.to_string() })
        }
        (Some(found), _) => Ok(found.clone()),
        (None, Some(expected)) => {
            warnings.push(format!(
                "info/index.json names no subdir: taken for {expected}, as the upload's address says"
            ));
            Ok(expected.clone())
        }
        (None, None) => {
            Err(Refusal::Index("it names no subdir, and the upload's address names none either".into()))
        }
    }
}

fn tar_bz2<F: Read + Seek>(file: &mut F, meter: &Meter<'_>) -> Result<Documents, Failed> {
    const PLACE: &str = "the tar.bz2 archive";
    file.seek(SeekFrom::Start(0)).map_err(Failed::Fault)?;
    let mut documents = Documents::default();
    let unpacked = Metered { inner: Streams::new(BufReader::new(Source(file)), PLACE), meter };
    tar::walk(unpacked, PLACE, meter, &mut Seen::default(), |entry, data| {
        documents.take(entry, data, meter)
    })?;
    Ok(documents)
}

fn conda<F: Read + Seek>(file: &mut F, stem: &str, meter: &Meter<'_>) -> Result<Documents, Failed> {
    let members = zip::members(file, meter)?;
    let [format, info, pkg] =
        ["metadata.json".to_owned(), format!("info-{stem}.tar.zst"), format!("pkg-{stem}.tar.zst")];
    for member in &members {
        if ![&format, &info, &pkg].contains(&&member.name) {
            let (member, expected) = (member.name.clone(), format!("{format}, {info} and {pkg}"));
            return Err(Refusal::Stranger { member, expected }.into());
        }
        if member.method != zip::STORED {
            return Err(Refusal::NotStored { member: member.name.clone() }.into());
        }
    }
    let find = |name: &str| {
        members
            .iter()
            .find(|member| member.name == name)
            .ok_or_else(|| Refusal::Missing(format!("member {name}")))
    };
    let (format, info, pkg) = (find(&format)?, find(&info)?, find(&pkg)?);
    zip::read(file, format, meter, |data| {
        let text = document(data, &format.name, meter.limits.document_bytes);
        Ok(format_version(&text.map_err(|error| broken(&format.name, error))?)?)
    })?;
    let (mut documents, mut seen) = (Documents::default(), Seen::default());
    zip::read(file, info, meter, |data| {
        tar_zst(data, &info.name, meter, &mut seen, |entry, data| match entry.name.starts_with(b"info/") {
            true => documents.take(entry, data, meter),
            false => Err(stranger(&entry.name, "only info/ in the info archive")),
        })
    })?;
    zip::read(file, pkg, meter, |data| {
        tar_zst(data, &pkg.name, meter, &mut seen, |entry, _| match entry.name.starts_with(b"info/") {
            true => Err(stranger(&entry.name, "no info/ in the pkg archive")),
            false => Ok(()),
        })
    })?;
    Ok(documents)
}

fn stranger(name: &[u8], expected: &str) -> Failed {
    Refusal::Stranger { member: shown(name), expected: expected.into() }.into()
}

fn tar_zst(
    data: &mut dyn Read,
    place: &str,
    meter: &Meter<'_>,
    seen: &mut Seen,
    visit: impl FnMut(&tar::Entry, &mut dyn Read) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let at = |error| broken(place, error);
    // One frame: conda stops after the first, rattler does not.
    let mut decoder = zstd::Decoder::with_buffer(BufReader::new(data)).map_err(at)?.single_frame();
    decoder.window_log_max(WINDOW_LOG).map_err(at)?;
    let mut unpacked = Metered { inner: decoder, meter };
    tar::walk(&mut unpacked, place, meter, seen, visit)?;
    match unpacked.inner.finish().fill_buf().map_err(at)?.is_empty() {
        true => Ok(()),
        false => Err(Refusal::DataAfter { place: place.into() }.into()),
    }
}

fn format_version(text: &[u8]) -> Result<(), Refusal> {
    let metadata: serde_json::Value = serde_json::from_slice(text)
        .map_err(|error| Refusal::Document { member: "metadata.json".into(), why: error.to_string() })?;
    let version = &metadata["conda_pkg_format_version"];
    match version.as_u64() == Some(2) {
        true => Ok(()),
        false => Err(Refusal::FormatVersion(version.to_string())),
    }
}
