//! bzip2 as conda packages use it: one stream, or several as parallel compressors write them, and nothing after.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;

use crate::inspect::refusal::{Refusal, stop};

/// What every stream begins with.
const MAGIC: &[u8] = b"BZh";

/// The streams of a file, one after the other.
pub(super) struct Streams<R> {
    decoder: Option<BzDecoder<R>>,
    place: &'static str,
}

impl<R: BufRead> Streams<R> {
    pub(super) fn new(packed: R, place: &'static str) -> Self {
        Self { decoder: Some(BzDecoder::new(packed)), place }
    }
}

impl<R: BufRead> Read for Streams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let mut packed = self.decoder.take().expect("it was borrowed above").into_inner();
            let next = packed.fill_buf()?;
            if next.is_empty() {
                return Ok(0);
            }
            if !next.starts_with(&MAGIC[..next.len().min(MAGIC.len())]) {
                return Err(stop(Refusal::DataAfter { place: self.place.into() }));
            }
            self.decoder = Some(BzDecoder::new(packed));
        }
    }
}
