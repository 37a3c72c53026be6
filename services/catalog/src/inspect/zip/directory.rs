//! The directory at a zip archive's end.

use std::io::{Read, Seek, SeekFrom};

use super::{SENTINEL, ZIP64, extra_field};
use crate::inspect::{
    limits::{Meter, NAME_BYTES, Source},
    path::shown,
    refusal::{Failed, Refusal, broken},
};

const END: u32 = 0x0605_4b50;
const END_BYTES: usize = 22;
const END64: u32 = 0x0606_4b50;
const END64_BYTES: usize = 56;
const LOCATOR: u32 = 0x0706_4b50;
const LOCATOR_BYTES: usize = 20;
const RECORD: u32 = 0x0201_4b50;
const RECORD_BYTES: usize = 46;
/// Largest directory that is read.
const DIRECTORY_BYTES: u64 = 128 << 20;
/// Longest comment a zip may end with, and so how far from the end its last record may stand.
const COMMENT_BYTES: usize = u16::MAX as usize;
/// "Made by" Unix: the upper half of the external attributes is the file's mode.
const UNIX: u16 = 3;

/// What the directory says of one member.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) header_at: u64,
    pub(super) unix_mode: u32,
}

pub(super) struct Directory {
    pub(super) starts_at: u64,
    pub(super) records: Vec<Record>,
}

impl Directory {
    pub(super) fn read<F: Read + Seek>(file: &mut F, meter: &Meter<'_>) -> Result<Self, Failed> {
        let (count, starts_at, bytes) = end(file, meter.packed)?;
        if count > meter.limits.entries {
            return Err(Refusal::Entries { limit: meter.limits.entries }.into());
        }
        if bytes > DIRECTORY_BYTES {
            return Err(Refusal::MemberSize { member: "the directory".into(), limit: DIRECTORY_BYTES }.into());
        }
        let raw = at(file, starts_at, bytes)?;
        let mut rest = raw.as_slice();
        let mut records = Vec::new();
        while !rest.is_empty() {
            meter.entry()?;
            let (record, length) = record(rest)?;
            rest = &rest[length..];
            records.push(record);
        }
        match records.len() as u64 == count {
            true => Ok(Self { starts_at, records }),
            false => {
                Err(Refusal::NotZip { why: "its directory has another number of members than it says" }
                    .into())
            }
        }
    }
}

/// Reads the records at the end: how many members, where the directory starts and how long it is.
fn end<F: Read + Seek>(file: &mut F, packed: u64) -> Result<(u64, u64, u64), Failed> {
    let tail_bytes = packed.min((COMMENT_BYTES + END_BYTES + LOCATOR_BYTES) as u64);
    let tail = at(file, packed - tail_bytes, tail_bytes)?;
    let place = tail.windows(4).rposition(|word| u32_at(word, 0) == END);
    let Some(end) = place.map(|place| &tail[place..]).filter(|end| end.len() >= END_BYTES) else {
        return Err(Refusal::NotZip { why: "it has no directory at its end" }.into());
    };
    let comment_bytes = usize::from(u16_at(end, 20));
    if end.len() != END_BYTES + comment_bytes {
        return Err(Refusal::DataAfter { place: "the zip archive".into() }.into());
    }
    if comment_bytes != 0 {
        return Err(Refusal::Comment.into());
    }
    let disks = (u16_at(end, 4), u16_at(end, 6));
    if !matches!(disks, (0 | u16::MAX, 0 | u16::MAX)) || u16_at(end, 8) != u16_at(end, 10) {
        return Err(Refusal::NotZip { why: "it is one part of several" }.into());
    }
    let short = (u16_at(end, 10), u32_at(end, 16), u32_at(end, 12));
    let end_at = packed - END_BYTES as u64;
    let located = tail.len().checked_sub(END_BYTES + LOCATOR_BYTES).map(|from| &tail[from..]);
    let (count, starts_at, bytes, records_end) = match located.filter(|tail| u32_at(tail, 0) == LOCATOR) {
        Some(locator) => end64(file, locator, end_at, short)?,
        None => (u64::from(short.0), u64::from(short.1), u64::from(short.2), end_at),
    };
    match starts_at.checked_add(bytes) == Some(records_end) {
        true => Ok((count, starts_at, bytes)),
        // An offset too small by what was put in front is how a prefixed archive shows.
        false if starts_at.checked_add(bytes).is_some_and(|end| end < records_end) => {
            Err(Refusal::DataBefore.into())
        }
        false => Err(Refusal::NotZip { why: "its directory is not where it says" }.into()),
    }
}

/// The 64-bit record, which must stand right before its locator and agree with the 32-bit one.
fn end64<F: Read + Seek>(
    file: &mut F,
    locator: &[u8],
    end_at: u64,
    short: (u16, u32, u32),
) -> Result<(u64, u64, u64, u64), Failed> {
    let record_at = u64_at(locator, 8);
    if record_at.checked_add((END64_BYTES + LOCATOR_BYTES) as u64) != Some(end_at) {
        return Err(Refusal::Zip64.into());
    }
    let record = at(file, record_at, END64_BYTES as u64)?;
    let (count, bytes, starts_at) = (u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48));
    let agrees = u32_at(&record, 0) == END64
        && u64_at(&record, 4) == (END64_BYTES - 12) as u64
        && u64_at(&record, 24) == count
        && (short.0 == u16::MAX || u64::from(short.0) == count)
        && (short.1 == SENTINEL || u64::from(short.1) == starts_at)
        && (short.2 == SENTINEL || u64::from(short.2) == bytes);
    match agrees {
        true => Ok((count, starts_at, bytes, record_at)),
        false => Err(Refusal::Zip64.into()),
    }
}

fn record(raw: &[u8]) -> Result<(Record, usize), Failed> {
    let broken = || Failed::Refused(Refusal::NotZip { why: "a record in its directory is cut off" });
    if raw.len() < RECORD_BYTES || u32_at(raw, 0) != RECORD {
        return Err(broken());
    }
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(raw, at)));
    let [name_bytes, extra_bytes, comment_bytes] = lengths;
    let length = RECORD_BYTES + name_bytes + extra_bytes + comment_bytes;
    let body = raw.get(RECORD_BYTES..length).ok_or_else(broken)?;
    let (name, extra) = (&body[..name_bytes], &body[name_bytes..name_bytes + extra_bytes]);
    if comment_bytes != 0 {
        return Err(Refusal::Comment.into());
    }
    if name_bytes > NAME_BYTES {
        return Err(Refusal::MemberName { member: shown(name), why: "it is too long" }.into());
    }
    let differs = |field| Failed::Refused(Refusal::HeadersDisagree { member: shown(name), field });
    let mut wide = extra_field(extra, ZIP64).map_err(differs)?;
    // The 64-bit values stand in this order, each only if its 32-bit field holds the sentinel.
    let [size, packed, header_at] = [24, 20, 42].map(|at| match (u32_at(raw, at), wide) {
        (SENTINEL, Some(field)) if field.len() >= 8 => {
            wide = Some(&field[8..]);
            u64_at(field, 0)
        }
        (value, _) => u64::from(value),
    });
    let made_by = u16_at(raw, 4) >> 8;
    let record = Record {
        name: name.to_vec(),
        flags: u16_at(raw, 8),
        method: u16_at(raw, 10),
        crc: u32_at(raw, 16),
        packed,
        size,
        header_at,
        unix_mode: if made_by == UNIX { u32_at(raw, 38) >> 16 } else { 0 },
    };
    Ok((record, length))
}

fn at<F: Read + Seek>(file: &mut F, from: u64, bytes: u64) -> Result<Vec<u8>, Failed> {
    let mut raw = Vec::new();
    file.seek(SeekFrom::Start(from)).map_err(Failed::Fault)?;
    Source(file).take(bytes).read_to_end(&mut raw).map_err(|error| broken("the zip archive", error))?;
    match raw.len() as u64 == bytes {
        true => Ok(raw),
        false => Err(Refusal::CutOff { place: "the zip archive".into() }.into()),
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
