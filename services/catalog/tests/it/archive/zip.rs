//! A zip archive, field by field.

/// One member; what its own header says may differ from what the directory says.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) size: u32,
    pub(crate) local_size: Option<u32>,
    pub(crate) crc: u32,
    pub(crate) mode: u32,
    /// 64-bit sizes in the member's own header, as rattler-build writes them.
    pub(crate) wide: bool,
    pub(crate) extra: Vec<u8>,
    pub(crate) comment: Vec<u8>,
}

impl Member {
    pub(crate) fn stored(name: &str, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        Self {
            name: name.into(),
            local_name: None,
            size: u32::try_from(data.len()).unwrap(),
            local_size: None,
            crc: crc(&data),
            data,
            method: 0,
            flags: 0,
            mode: 0o100_644,
            wide: false,
            extra: Vec::new(),
            comment: Vec::new(),
        }
    }

    pub(crate) fn deflated(name: &str, data: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, data).unwrap();
        let packed = encoder.finish().unwrap();
        let size = u32::try_from(data.len()).unwrap();
        Self { data: packed, method: 8, size, crc: crc(data), ..Self::stored(name, data) }
    }

    fn packed(&self) -> u32 {
        u32::try_from(self.data.len()).unwrap()
    }

    fn local(&self) -> Vec<u8> {
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        let size = self.local_size.unwrap_or(self.size);
        let mut extra = self.extra.clone();
        let (mut short_packed, mut short_size) = (self.packed(), size);
        if self.wide {
            extra.extend([1, 0, 16, 0]);
            extra.extend(u64::from(size).to_le_bytes());
            extra.extend(u64::from(self.packed()).to_le_bytes());
            (short_packed, short_size) = (u32::MAX, u32::MAX);
        }
        let mut header = b"PK\x03\x04".to_vec();
        put16(&mut header, &[45, self.flags, self.method, 0, 0]);
        put32(&mut header, &[self.crc, short_packed, short_size]);
        put16(&mut header, &[len(name), len(&extra)]);
        [header, name.clone(), extra, self.data.clone()].concat()
    }

    /// The directory's record with every number in 64 bits.
    fn wide_record(&self, at: u32) -> Vec<u8> {
        let mut extra = vec![1, 0, 24, 0];
        for value in [self.size, self.packed(), at] {
            extra.extend(u64::from(value).to_le_bytes());
        }
        let mut record = Self { extra, ..self.clone() }.record(u32::MAX);
        record[20..28].fill(0xff);
        record
    }

    fn record(&self, at: u32) -> Vec<u8> {
        let mut record = b"PK\x01\x02".to_vec();
        // Made by Unix.
        put16(&mut record, &[(3 << 8) | 45, 45, self.flags, self.method, 0, 0]);
        put32(&mut record, &[self.crc, self.packed(), self.size]);
        put16(&mut record, &[len(&self.name), len(&self.extra), len(&self.comment), 0, 0]);
        put32(&mut record, &[self.mode << 16, at]);
        [record, self.name.clone(), self.extra.clone(), self.comment.clone()].concat()
    }
}

/// The archive, its directory in the members' order.
pub(crate) fn archive(members: &[Member]) -> Vec<u8> {
    archive_with(members, b"", b"")
}

/// The same with bytes before the directory that no member owns, and a comment at the end.
pub(crate) fn archive_with(members: &[Member], gap: &[u8], comment: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        directory.extend(member.record(u32::try_from(bytes.len()).unwrap()));
        bytes.extend(member.local());
    }
    bytes.extend(gap);
    let at = u32::try_from(bytes.len()).unwrap();
    let count = u16::try_from(members.len()).unwrap();
    let size = u32::try_from(directory.len()).unwrap();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06");
    put16(&mut bytes, &[0, 0, count, count]);
    put32(&mut bytes, &[size, at]);
    put16(&mut bytes, &[len(comment)]);
    bytes.extend(comment);
    bytes
}

/// The archive with 64-bit numbers everywhere; `count` is what the 64-bit end says of the number of members.
pub(crate) fn wide_archive(members: &[Member], count: u64) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        directory.extend(member.wide_record(u32::try_from(bytes.len()).unwrap()));
        bytes.extend(Member { wide: true, ..member.clone() }.local());
    }
    let (at, size) = (bytes.len() as u64, directory.len() as u64);
    bytes.extend(directory);
    let end_at = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    put16(&mut bytes, &[45, 45]);
    put32(&mut bytes, &[0, 0]);
    bytes.extend([members.len() as u64, count, size, at].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(b"PK\x06\x07");
    put32(&mut bytes, &[0]);
    bytes.extend(end_at.to_le_bytes());
    put32(&mut bytes, &[1]);
    bytes.extend(b"PK\x05\x06");
    put16(&mut bytes, &[0, 0, u16::MAX, u16::MAX]);
    put32(&mut bytes, &[u32::MAX, u32::MAX]);
    put16(&mut bytes, &[0]);
    bytes
}

pub(crate) fn crc(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

fn len(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap()
}

fn put16(bytes: &mut Vec<u8>, values: &[u16]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put32(bytes: &mut Vec<u8>, values: &[u32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
