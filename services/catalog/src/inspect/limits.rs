//! What an archive may cost. Every reader in this module counts here, whatever the archive says of itself.

use std::{
    cell::Cell,
    io::{self, Read},
    time::Duration,
};

use super::refusal::{Refusal, disk, stop};

/// Most bytes one file may unpack to.
pub(super) const UNPACKED_BYTES: u64 = 8 << 30;
/// Most members, in all archives of one file together.
pub(super) const ENTRIES: u64 = 500_000;
/// Longest an inspection may take.
pub(super) const TIME: Duration = Duration::from_secs(120);
/// Up to here nobody asks how dense a file is.
pub(super) const DENSITY_FREE_BYTES: u64 = 64 << 20;
/// A zip may unpack to this many times its size (PyPI's own limit).
pub(super) const ZIP_DENSITY: u64 = 50;
/// A compressed tar may unpack to this many times its size.
pub(super) const TAR_DENSITY: u64 = 200;
/// Largest METADATA, PKG-INFO or other text that is read as a whole.
pub(super) const DOCUMENT_BYTES: u64 = 10 << 20;
/// Largest `info/paths.json`, which is read as a stream.
pub(super) const PATHS_BYTES: u64 = 256 << 20;
/// Largest notebook; it is read as a stream, and what is kept of it is one line.
pub(super) const NOTEBOOK_BYTES: u64 = 256 << 20;
/// Longest name of a member.
pub(super) const NAME_BYTES: usize = 4096;
/// Most of a package's documents that may enter an event, which has 256 KiB in all.
pub(super) const FACTS_BYTES: usize = 192 << 10;
/// A builder's clock may be ahead of the server's by this much.
pub(super) const FUTURE: Duration = Duration::from_secs(24 * 3600);

/// The limits of one inspection; the constants above unless a test narrows them.
#[derive(Debug, Clone)]
pub struct Limits {
    pub unpacked_bytes: u64,
    pub entries: u64,
    pub time: Duration,
    pub density_free_bytes: u64,
    pub zip_density: u64,
    pub tar_density: u64,
    pub document_bytes: u64,
    pub paths_bytes: u64,
    pub notebook_bytes: u64,
    pub facts_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: UNPACKED_BYTES,
            entries: ENTRIES,
            time: TIME,
            density_free_bytes: DENSITY_FREE_BYTES,
            zip_density: ZIP_DENSITY,
            tar_density: TAR_DENSITY,
            document_bytes: DOCUMENT_BYTES,
            paths_bytes: PATHS_BYTES,
            notebook_bytes: NOTEBOOK_BYTES,
            facts_bytes: FACTS_BYTES,
        }
    }
}

/// Counts what one inspection has used.
pub(super) struct Meter<'a> {
    pub(super) limits: &'a Limits,
    /// Time since the inspection began.
    pub(super) elapsed: &'a dyn Fn() -> Duration,
    /// The file's own size.
    pub(super) packed: u64,
    /// `zip_density` or `tar_density`, whichever fits the format.
    pub(super) density: u64,
    unpacked: Cell<u64>,
    entries: Cell<u64>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(
        limits: &'a Limits,
        elapsed: &'a dyn Fn() -> Duration,
        packed: u64,
        density: u64,
    ) -> Self {
        Self { limits, elapsed, packed, density, unpacked: Cell::new(0), entries: Cell::new(0) }
    }

    /// Counts one more member.
    pub(super) fn entry(&self) -> Result<(), Refusal> {
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > self.limits.entries {
            return Err(Refusal::Entries { limit: self.limits.entries });
        }
        self.in_time()
    }

    /// Counts bytes that came out of a decoder, or are said to come out.
    pub(super) fn unpack(&self, bytes: u64) -> Result<(), Refusal> {
        let unpacked = self.unpacked.get().saturating_add(bytes);
        self.unpacked.set(unpacked);
        if unpacked > self.limits.unpacked_bytes {
            return Err(Refusal::Unpacked { limit: self.limits.unpacked_bytes });
        }
        self.dense(unpacked)?;
        self.in_time()
    }

    /// Whether so many bytes are too many for the file's size.
    pub(super) fn dense(&self, unpacked: u64) -> Result<(), Refusal> {
        match unpacked > self.limits.density_free_bytes && unpacked / self.density > self.packed {
            true => Err(Refusal::Density { ratio: self.density }),
            false => Ok(()),
        }
    }

    fn in_time(&self) -> Result<(), Refusal> {
        match (self.elapsed)() > self.limits.time {
            true => Err(Refusal::Time { limit_s: self.limits.time.as_secs() }),
            false => Ok(()),
        }
    }
}

/// A decoder's output, counted.
pub(super) struct Metered<'m, R> {
    pub(super) inner: R,
    pub(super) meter: &'m Meter<'m>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.unpack(count as u64).map_err(stop)?;
        Ok(count)
    }
}

/// The file below the decoders: its errors are the disk's, not the archive's.
pub(super) struct Source<R>(pub(super) R);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(disk)
    }
}

/// Reads a document to its end, unless it is longer than it may be.
pub(super) fn document(reader: &mut dyn Read, member: &str, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(stop(Refusal::MemberSize { member: member.to_owned(), limit })),
        false => Ok(bytes),
    }
}
