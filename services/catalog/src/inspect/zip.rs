//! A zip archive, walked front to back: every byte belongs to one member or to the directory at the end, and each
//! member's own header says what the directory says of it. Readers that trust either one then read the same archive.

mod directory;

use std::io::{BufReader, Read, Seek, SeekFrom};

use flate2::{Crc, bufread::DeflateDecoder};

use super::{
    limits::{Meter, Metered, Source},
    path::{Seen, clean, shown},
    refusal::{Failed, Refusal, broken, disk},
};
use directory::{Directory, Record, u16_at, u32_at, u64_at};

pub(super) const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const LOCAL_HEADER: u32 = 0x0403_4b50;
const LOCAL_BYTES: usize = 30;
const SENTINEL: u32 = u32::MAX;
/// The extra field that holds 64-bit sizes (APPNOTE 4.5.3).
const ZIP64: u16 = 1;
/// The extra field that gives a member a second name (Info-ZIP Unicode Path): only some readers would see it.
const UNICODE_PATH: u16 = 0x7075;
/// Bit 0, strong encryption, and masked headers (APPNOTE 4.4.4).
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const DESCRIPTOR: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
const TYPE_MASK: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// One member, with its place in the file.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) method: u16,
    pub(super) folder: bool,
    pub(super) size: u64,
    data_at: u64,
    packed: u64,
    crc: u32,
}

/// The archive's members, in the order of their bytes.
pub(super) fn members<F: Read + Seek>(file: &mut F, meter: &Meter<'_>) -> Result<Vec<Member>, Failed> {
    let directory = Directory::read(file, meter)?;
    not_a_tar(file, meter.packed)?;
    let mut records = directory.records;
    records.sort_by_key(|record| record.header_at);
    let mut members = Vec::with_capacity(records.len());
    let mut seen = Seen::default();
    let (mut at, mut unpacked) = (0, 0_u64);
    for record in records {
        if record.header_at != at {
            return Err(match at {
                0 => Refusal::DataBefore,
                _ => Refusal::Gap { member: shown(&record.name) },
            }
            .into());
        }
        let member = member(file, &record)?;
        seen.add(&clean(&record.name)?, member.folder, false)?;
        at = member.data_at + member.packed;
        unpacked = unpacked.saturating_add(member.size);
        if unpacked > meter.limits.unpacked_bytes {
            return Err(Refusal::Unpacked { limit: meter.limits.unpacked_bytes }.into());
        }
        meter.dense(unpacked)?;
        members.push(member);
    }
    if at != directory.starts_at {
        return Err(Refusal::Gap { member: "the directory".into() }.into());
    }
    Ok(members)
}

fn member<F: Read + Seek>(file: &mut F, record: &Record) -> Result<Member, Failed> {
    let name = printable(record)?;
    let refused = |refusal: fn(String) -> Refusal| Err(refusal(shown(&record.name)).into());
    if record.flags & ENCRYPTED != 0 {
        return refused(|member| Refusal::Encrypted { member });
    }
    if record.flags & DESCRIPTOR != 0 {
        return refused(|member| Refusal::Descriptor { member });
    }
    if !matches!(record.method, STORED | DEFLATED) {
        return Err(Refusal::Compression { member: name, method: record.method }.into());
    }
    if record.method == STORED && record.packed != record.size {
        return Err(Refusal::LyingSize { member: name, declared: record.size, found: record.packed }.into());
    }
    let folder = name.ends_with('/');
    match record.unix_mode & TYPE_MASK {
        SYMLINK => return refused(|member| Refusal::ZipLink { member }),
        0 | REGULAR | FOLDER => {}
        _ => return refused(|member| Refusal::Special { member }),
    }
    if folder && record.size != 0 {
        return refused(|member| Refusal::Special { member });
    }
    let data_at = record.header_at + local_header(file, record)?;
    let Record { method, size, packed, crc, .. } = *record;
    Ok(Member { name, method, folder, size, data_at, packed, crc })
}

fn printable(record: &Record) -> Result<String, Refusal> {
    let refused = |why| Err(Refusal::MemberName { member: shown(&record.name), why });
    if record.flags & UTF8 == 0 && !record.name.is_ascii() {
        return refused("it is not ASCII and does not say that it is UTF-8");
    }
    let Ok(name) = String::from_utf8(record.name.clone()) else { return refused("it is not UTF-8") };
    if name.is_empty() || name.chars().any(char::is_control) {
        return refused("it is empty or holds control characters");
    }
    clean(name.as_bytes())?;
    match name.contains('\\') || name.contains("//") {
        true => refused("it holds a backslash or an empty folder name"),
        false => Ok(name),
    }
}

/// Compares the member's own header with the directory's record, and gives the header's length.
fn local_header<F: Read + Seek>(file: &mut F, record: &Record) -> Result<u64, Failed> {
    let differs = |field| Failed::Refused(Refusal::HeadersDisagree { member: shown(&record.name), field });
    let at = |error| broken("a member's header", error);
    let mut header = [0; LOCAL_BYTES];
    file.seek(SeekFrom::Start(record.header_at)).map_err(disk).map_err(at)?;
    Source(&mut *file).read_exact(&mut header).map_err(at)?;
    if u32_at(&header, 0) != LOCAL_HEADER {
        return Err(differs("place"));
    }
    let (name_len, extra_len) = (u16_at(&header, 26), u16_at(&header, 28));
    let mut rest = vec![0; usize::from(name_len) + usize::from(extra_len)];
    Source(&mut *file).read_exact(&mut rest).map_err(at)?;
    let (name, extra) = rest.split_at(usize::from(name_len));
    if name != record.name {
        return Err(differs("name"));
    }
    if (u16_at(&header, 6), u16_at(&header, 8)) != (record.flags, record.method) {
        return Err(differs("method"));
    }
    if u32_at(&header, 14) != record.crc {
        return Err(differs("checksum"));
    }
    // Some writers leave room for 64 bits and put the sentinel here, though the directory needs only 32.
    let wide = extra_field(extra, ZIP64).map_err(differs)?.filter(|field| field.len() >= 16);
    for (short, long, said) in [(22, 0, record.size), (18, 8, record.packed)] {
        let found = match (u32_at(&header, short), wide) {
            (SENTINEL, Some(field)) => u64_at(field, long),
            (value, _) => u64::from(value),
        };
        if found != said {
            return Err(differs("size"));
        }
    }
    Ok((LOCAL_BYTES + rest.len()) as u64)
}

/// Finds a field in the extra data, which must be well-formed.
fn extra_field(mut extra: &[u8], wanted: u16) -> Result<Option<&[u8]>, &'static str> {
    let mut found = None;
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length).ok_or("extra data")?;
        match id {
            UNICODE_PATH => return Err("second name"),
            id if id == wanted => found = Some(field),
            _ => {}
        }
        extra = &extra[4 + length..];
    }
    Ok(found)
}

/// Some readers look for a tar archive first.
fn not_a_tar<F: Read + Seek>(file: &mut F, packed: u64) -> Result<(), Failed> {
    const BLOCK_BYTES: usize = 512;
    if packed < BLOCK_BYTES as u64 {
        return Ok(());
    }
    let mut block = [0; BLOCK_BYTES];
    file.seek(SeekFrom::Start(0)).map_err(Failed::Fault)?;
    file.read_exact(&mut block).map_err(Failed::Fault)?;
    match super::tar::checksum_holds(&block) {
        true => Err(Refusal::AlsoTar.into()),
        false => Ok(()),
    }
}

/// Hands the member's bytes to `visit`, then reads what is left: it ends where it says, with the checksum it says.
pub(super) fn read<F: Read + Seek, T>(
    file: &mut F,
    member: &Member,
    meter: &Meter<'_>,
    visit: impl FnOnce(&mut dyn Read) -> Result<T, Failed>,
) -> Result<T, Failed> {
    file.seek(SeekFrom::Start(member.data_at)).map_err(Failed::Fault)?;
    let packed = BufReader::new(Source(file)).take(member.packed);
    if member.method == STORED {
        return checked(packed, member, meter, visit).map(|(result, _)| result);
    }
    let (result, decoder) = checked(DeflateDecoder::new(packed), member, meter, visit)?;
    match decoder.total_in() == member.packed {
        true => Ok(result),
        false => Err(Refusal::DataAfter { place: format!("member {:?}", member.name) }.into()),
    }
}

fn checked<R: Read, T>(
    data: R,
    member: &Member,
    meter: &Meter<'_>,
    visit: impl FnOnce(&mut dyn Read) -> Result<T, Failed>,
) -> Result<(T, R), Failed> {
    let mut checked =
        Checked { inner: Metered { inner: data, meter }, crc: Crc::new(), count: 0, declared: member.size };
    let result = visit(&mut checked)?;
    std::io::copy(&mut checked, &mut std::io::sink()).map_err(|error| broken(&member.name, error))?;
    let (found, crc) = (checked.count, checked.crc.sum());
    if found != member.size {
        return Err(Refusal::LyingSize { member: member.name.clone(), declared: member.size, found }.into());
    }
    match crc == member.crc {
        true => Ok((result, checked.inner.inner)),
        false => Err(Refusal::Checksum { member: member.name.clone() }.into()),
    }
}

/// Counts and sums what is read, and stops one byte after the declared end: the rest of a bomb is never unpacked.
struct Checked<R> {
    inner: R,
    crc: Crc,
    count: u64,
    declared: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.count > self.declared {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.crc.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }
}
