//! A tar archive, header by header.

use tar::{EntryType, Header};

/// The bytes of one entry.
pub(crate) fn entry(name: &str, kind: EntryType, link: &str, data: &[u8]) -> Vec<u8> {
    sized(name, kind, link, data, data.len() as u64)
}

/// An entry whose header lies about its size.
pub(crate) fn sized(name: &str, kind: EntryType, link: &str, data: &[u8], size: u64) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_entry_type(kind);
    // Written by hand: the crate's own setters refuse names that lead out.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn file(name: &str, data: impl AsRef<[u8]>) -> Vec<u8> {
    entry(name, EntryType::Regular, "", data.as_ref())
}

/// An extended header with these records, to stand before an entry.
pub(crate) fn pax(kind: EntryType, records: &[(&str, &str)]) -> Vec<u8> {
    let line = |(key, value): &(&str, &str)| {
        let body = format!(" {key}={value}\n");
        // The length counts its own digits.
        let mut length = body.len() + 1;
        while length != body.len() + length.to_string().len() {
            length += 1;
        }
        format!("{length}{body}")
    };
    entry("pax", kind, "", records.iter().map(line).collect::<String>().as_bytes())
}

/// Entries and the end marker.
pub(crate) fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}
