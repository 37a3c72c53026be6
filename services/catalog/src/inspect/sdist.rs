//! Source distributions (source distribution format, PEP 625 and PEP 643).

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::GzDecoder;

use super::{
    Claim, FileType, Python,
    filename::Release,
    limits::{Meter, Metered, Source, document},
    metadata,
    path::{Seen, shown},
    refusal::{Failed, Refusal, broken},
    tar::{self, Kind},
};

const PLACE: &str = "the tar.gz archive";

/// Reads the sdist.
pub(super) fn inspect<F: Read + Seek>(
    file: &mut F,
    claim: &Claim<'_>,
    meter: &Meter<'_>,
    warnings: &mut Vec<String>,
) -> Result<Python, Failed> {
    let release = Release::of_sdist(claim.filename)?;
    file.seek(SeekFrom::Start(0)).map_err(Failed::Fault)?;
    let mut unpacked = Metered { inner: GzDecoder::new(BufReader::new(Source(file))), meter };
    let (mut folder, mut pkg_info) = (None, None);
    let walked = tar::walk(&mut unpacked, PLACE, meter, &mut Seen::default(), |entry, data| {
        if let Some(text) = look(entry, data, &mut folder, meter)? {
            pkg_info = Some(text);
        }
        Ok(())
    });
    walked.map_err(two_pkg_info)?;
    let after = unpacked.inner.get_mut().fill_buf().map_err(|error| broken(PLACE, error))?;
    if !after.is_empty() {
        return Err(Refusal::DataAfter { place: PLACE.into() }.into());
    }
    let folder = shown(&folder.unwrap_or_default());
    let place = format!("{folder}/PKG-INFO");
    let text = pkg_info.ok_or_else(|| Refusal::Missing(format!("{place}: every sdist has one")))?;
    if claim.filename.strip_suffix(".tar.gz") != Some(&folder) {
        warnings.push(format!("the sdist's top folder is called {folder}, not after its file (PEP 625)"));
    }
    Ok(metadata::read(text, &place, &release, claim, FileType::Sdist)?)
}

/// Holds every entry against the one top folder, and keeps the PKG-INFO that lies directly in it.
fn look(
    entry: &tar::Entry,
    data: &mut dyn Read,
    folder: &mut Option<Vec<u8>>,
    meter: &Meter<'_>,
) -> Result<Option<Vec<u8>>, Failed> {
    let (top, rest) = match entry.name.iter().position(|byte| *byte == b'/') {
        Some(at) => (&entry.name[..at], &entry.name[at + 1..]),
        None => (&entry.name[..], &[][..]),
    };
    // The archive may name its own root, `./`.
    if top.is_empty() {
        return Ok(None);
    }
    let folder = folder.get_or_insert_with(|| top.to_vec());
    if folder != top || (rest.is_empty() && entry.kind != Kind::Folder) {
        return Err(Refusal::TopFolder { member: shown(&entry.name), folder: shown(folder) }.into());
    }
    if rest != b"PKG-INFO" || entry.kind != Kind::File {
        return Ok(None);
    }
    let text = document(data, "PKG-INFO", meter.limits.document_bytes);
    text.map(Some).map_err(|error| broken("PKG-INFO", error))
}

/// The commonest duplicate with intent gets a sentence of its own.
fn two_pkg_info(failed: Failed) -> Failed {
    if let Failed::Refused(Refusal::Duplicate { member }) = &failed
        && member.matches('/').count() == 1
        && member.ends_with("/PKG-INFO")
    {
        return Refusal::TwoPkgInfo.into();
    }
    failed
}
