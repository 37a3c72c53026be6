//! Extended headers: GNU's long names, and pax records (POSIX.1-2001). They speak of the entry that follows.

use std::io::{Read, Take};

use tar::Header;

use crate::inspect::{
    limits::NAME_BYTES,
    refusal::{Failed, Refusal, broken},
};

/// Largest extended header that is read; real ones hold a few names and times.
const EXTENDED_BYTES: u64 = 1 << 20;

/// What the extended headers before an entry say of it.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    /// Whether this entry was an extended header, whose words are now kept for the next entry.
    pub(super) fn take(
        &mut self,
        header: &Header,
        data: &mut Take<impl Read>,
        place: &str,
    ) -> Result<bool, Failed> {
        let kind = header.entry_type();
        if kind.is_gnu_longname() {
            self.path = Some(long_name(data, place)?);
        } else if kind.is_gnu_longlink() {
            self.link = Some(long_name(data, place)?);
        } else if kind.is_pax_local_extensions() {
            self.records(&read(data, EXTENDED_BYTES, place)?, place)?;
        } else if kind.is_pax_global_extensions() {
            // Git writes its commit here. What would rename every entry is read by some tools only.
            let mut global = Self::default();
            global.records(&read(data, EXTENDED_BYTES, place)?, place)?;
            if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                return Err(disagrees(place, "a name or size for all entries"));
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// A size that differs from the header's would make two readers see two archives.
    pub(super) fn agrees(&self, size: u64, place: &str) -> Result<(), Failed> {
        match self.size {
            Some(said) if said != size => Err(disagrees(place, "the size")),
            _ => Ok(()),
        }
    }

    fn records(&mut self, mut raw: &[u8], place: &str) -> Result<(), Failed> {
        while !raw.is_empty() {
            let (key, value, length) = record(raw).ok_or_else(|| disagrees(place, "a record's length"))?;
            raw = &raw[length..];
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let said = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(said.ok_or_else(|| disagrees(place, "a size that is no number"))?);
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(disagrees(place, "a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// One record: `<length> <key>=<value>\n`, the length counting all of it.
fn record(raw: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let blank = raw.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&raw[..blank]).ok()?.parse().ok()?;
    let body = raw.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], length))
}

fn long_name(data: &mut Take<impl Read>, place: &str) -> Result<Vec<u8>, Failed> {
    let mut name = read(data, NAME_BYTES as u64 + 1, place)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// Reads an extended header's data, which is as long as its header says.
fn read(data: &mut Take<impl Read>, limit: u64, place: &str) -> Result<Vec<u8>, Failed> {
    if data.limit() > limit {
        return Err(Refusal::MemberSize { member: "an extended header".into(), limit }.into());
    }
    let mut raw = Vec::new();
    data.read_to_end(&mut raw).map_err(|error| broken(place, error))?;
    match data.limit() {
        0 => Ok(raw),
        _ => Err(Refusal::CutOff { place: place.into() }.into()),
    }
}

fn disagrees(place: &str, what: &'static str) -> Failed {
    Refusal::PaxDisagrees { place: place.into(), what }.into()
}
