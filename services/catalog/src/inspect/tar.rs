//! A tar archive, read as a stream. No length that a header claims is ever allocated; whatever it says of long names
//! is read here and under limits, since readers differ in how they take it.

mod pax;

use std::io::{self, Read};

use tar::Header;

use super::{
    limits::Meter,
    path::{Seen, clean, shown, stays_inside},
    refusal::{Failed, Refusal, broken},
};
use pax::Extended;

const BLOCK_BYTES: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
}

/// One entry; its name is relative, without `.` segments.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
}

/// Shows every entry with its data to `visit`, in order, and checks that the archive ends where it says.
pub(super) fn walk<R: Read>(
    mut reader: R,
    place: &str,
    meter: &Meter<'_>,
    seen: &mut Seen,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut extended = Extended::default();
    loop {
        let Some(header) = header(&mut reader, place)? else { return end(&mut reader, place) };
        meter.entry()?;
        let size = header.entry_size().map_err(|error| broken(place, error))?;
        let mut data = (&mut reader).take(size);
        if extended.take(&header, &mut data, place)? {
            skip(&mut reader, 0, size, place)?;
            continue;
        }
        let said = std::mem::take(&mut extended);
        said.agrees(size, place)?;
        let entry = entry(&header, said, seen)?;
        if entry.kind == Kind::File {
            visit(&entry, &mut data)?;
        } else if size != 0 {
            return Err(Refusal::Special { member: shown(&entry.name) }.into());
        }
        let left = data.limit();
        skip(&mut reader, left, size, place)?;
    }
}

/// The next header, or nothing at the first block of zeros.
fn header(reader: &mut impl Read, place: &str) -> Result<Option<Header>, Failed> {
    let mut block = [0; BLOCK_BYTES];
    reader.read_exact(&mut block).map_err(|error| broken(place, error))?;
    if block == [0; BLOCK_BYTES] {
        return Ok(None);
    }
    match checksum_holds(&block) {
        true => Ok(Some(Header::from_byte_slice(&block).clone())),
        false => {
            Err(Refusal::Damaged { place: place.into(), why: "an entry's header fails its checksum".into() }
                .into())
        }
    }
}

/// Whether the block is a header of a tar archive.
pub(super) fn checksum_holds(block: &[u8; BLOCK_BYTES]) -> bool {
    const FIELD: std::ops::Range<usize> = 148..156;
    let sum = |byte: &dyn Fn(u8) -> i64| -> i64 {
        let blank = i64::from(b' ');
        block
            .iter()
            .enumerate()
            .map(|(at, value)| if FIELD.contains(&at) { blank } else { byte(*value) })
            .sum()
    };
    let stated = Header::from_byte_slice(block).cksum().map(i64::from);
    // Old writers summed signed bytes.
    stated.is_ok_and(|stated| {
        stated == sum(&|value| i64::from(value)) || stated == sum(&|value| i64::from(value.cast_signed()))
    })
}

fn entry(header: &Header, said: Extended, seen: &mut Seen) -> Result<Entry, Failed> {
    let raw = said.path.unwrap_or_else(|| header.path_bytes().into_owned());
    let name = clean(&raw)?;
    let target = said.link.or_else(|| header.link_name_bytes().map(|target| target.into_owned()));
    let special = || Failed::Refused(Refusal::Special { member: shown(&raw) });
    let said = header.entry_type();
    // Old tars mark a folder by a slash at its end only.
    let kind = if said.is_dir() || (said.is_file() && raw.ends_with(b"/")) {
        Kind::Folder
    } else if said.is_file() || said.is_contiguous() {
        Kind::File
    } else if said.is_symlink() || said.is_hard_link() {
        // A link without a target leads nowhere; some of the earliest .conda files hold such.
        let target = target.unwrap_or_default();
        let inside = target.is_empty()
            || if said.is_symlink() { stays_inside(&name, &target) } else { clean(&target).is_ok() };
        if !inside {
            return Err(Refusal::LinkOutside { member: shown(&raw), target: shown(&target) }.into());
        }
        Kind::Link
    } else {
        return Err(special());
    };
    if name.is_empty() && kind != Kind::Folder {
        return Err(Refusal::MemberName { member: shown(&raw), why: "it is empty" }.into());
    }
    // A hard link is a file with two names: nothing can be written through it to outside.
    seen.add(&name, kind == Kind::Folder, said.is_symlink())?;
    Ok(Entry { name, kind })
}

/// Reads over the rest of an entry's data and the padding of its last block.
fn skip(reader: &mut impl Read, left: u64, size: u64, place: &str) -> Result<(), Failed> {
    let padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
    let wanted = left + padding;
    let skipped =
        io::copy(&mut reader.take(wanted), &mut io::sink()).map_err(|error| broken(place, error))?;
    match skipped == wanted {
        true => Ok(()),
        false => Err(Refusal::CutOff { place: place.into() }.into()),
    }
}

/// After the first block of zeros only zeros may follow.
fn end(reader: &mut impl Read, place: &str) -> Result<(), Failed> {
    let mut buffer = [0; 16 * BLOCK_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) if buffer[..count].iter().all(|byte| *byte == 0) => {}
            Ok(_) => return Err(Refusal::DataAfter { place: place.into() }.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(place, error)),
        }
    }
}
