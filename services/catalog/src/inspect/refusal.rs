//! Why an archive is not taken: a closed list, each with a sentence that says what is wrong and where.

use std::io;

/// What is wrong with an archive. Shown to the uploader as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // The file as a whole.
    #[error("{0}")]
    FileName(String),
    #[error("{place} is damaged: {why}")]
    Damaged { place: String, why: String },
    #[error("the file unpacks to more than {limit} bytes")]
    Unpacked { limit: u64 },
    #[error("the file unpacks to more than {ratio} times its size, as archives made to fill disks do")]
    Density { ratio: u64 },
    #[error("the file holds more than {limit} members")]
    Entries { limit: u64 },
    #[error("reading the file took longer than {limit_s} s")]
    Time { limit_s: u64 },
    #[error("{member} has more than {limit} bytes")]
    MemberSize { member: String, limit: u64 },
    #[error("what the index would hold of the file has more than {limit} bytes")]
    FactsSize { limit: usize },

    // Members of any archive.
    #[error("member {member:?} has a name that leads out of the archive")]
    Traversal { member: String },
    #[error("member {member:?} has a name that no system can unpack: {why}")]
    MemberName { member: String, why: &'static str },
    #[error("member {member:?} occurs twice")]
    Duplicate { member: String },
    #[error("member {member:?} is a link to {target:?}, outside the archive")]
    LinkOutside { member: String, target: String },
    #[error("member {member:?} would be written through the link {link:?}")]
    ThroughLink { member: String, link: String },
    #[error("member {member:?} is neither file, folder nor link")]
    Special { member: String },

    // zip.
    #[error("the file is no zip archive: {why}")]
    NotZip { why: &'static str },
    #[error("the zip archive does not begin at the file's first byte")]
    DataBefore,
    #[error("there is data after the end of {place}")]
    DataAfter { place: String },
    #[error("the zip archive carries a comment, which may hide a second archive")]
    Comment,
    #[error("there are bytes before member {member:?} that belong to no member")]
    Gap { member: String },
    #[error("member {member:?} has one {field} in its own header and another in the directory")]
    HeadersDisagree { member: String, field: &'static str },
    #[error("member {member:?} is a symbolic link, which a zip archive here may not hold")]
    ZipLink { member: String },
    #[error("member {member:?} is encrypted")]
    Encrypted { member: String },
    #[error("member {member:?} is compressed by method {method}: only stored and deflated members are read")]
    Compression { member: String, method: u16 },
    #[error("member {member:?} states its size after its data (a data descriptor)")]
    Descriptor { member: String },
    #[error("the directory's 64-bit and 32-bit fields disagree")]
    Zip64,
    #[error("the file is a zip and a tar archive at once")]
    AlsoTar,
    #[error("member {member:?} says it has {declared} bytes and has {found}")]
    LyingSize { member: String, declared: u64, found: u64 },
    #[error("member {member:?} does not match its checksum")]
    Checksum { member: String },

    // tar.
    #[error("{place} ends in the middle of an entry")]
    CutOff { place: String },
    #[error("{place} has an entry whose extended header says something else than its own: {what}")]
    PaxDisagrees { place: String, what: &'static str },

    // conda.
    #[error("member {member:?} is compressed: in a .conda file members are stored")]
    NotStored { member: String },
    #[error("the file has no {0}")]
    Missing(String),
    #[error("member {member:?} does not belong into this file: expected {expected}")]
    Stranger { member: String, expected: String },
    #[error("metadata.json names format version {0}: only 2 is known")]
    FormatVersion(String),
    #[error("info/index.json: {0}")]
    Index(String),
    #[error("info/index.json makes this {found:?}, but the file is called {expected:?}")]
    Stem { found: String, expected: String },
    #[error("info/index.json says subdir {found:?}, the upload's address {expected:?}")]
    Subdir { found: String, expected: String },
    #[error("info/index.json has a timestamp in the future: {0} ms since 1970")]
    FutureTimestamp(i64),
    #[error("{member}: {why}")]
    Document { member: String, why: String },

    // Python.
    #[error("the wheel has {found} folders *.dist-info at its top: expected one")]
    DistInfo { found: usize },
    #[error("{place} is of {found:?}, but the file is called {expected:?}")]
    OtherProject { place: String, found: String, expected: String },
    #[error("{place}: {why}")]
    Metadata { place: String, why: String },
    #[error("the form says {field} {form:?}, the file {found:?}")]
    Form { field: &'static str, form: String, found: String },
    #[error("everything in an sdist lies in one folder, {member:?} does not lie in {folder:?}")]
    TopFolder { member: String, folder: String },
    #[error("the sdist has two PKG-INFO files in its top folder")]
    TwoPkgInfo,
    #[error("the wheel would install a command named {0:?}")]
    Script(String),
}

impl Refusal {
    /// Whether it is the amount that is refused, not the content.
    pub fn is_size(&self) -> bool {
        matches!(
            self,
            Self::Unpacked { .. }
                | Self::Density { .. }
                | Self::Entries { .. }
                | Self::Time { .. }
                | Self::MemberSize { .. }
                | Self::FactsSize { .. }
        )
    }
}

/// Why an inspection ended without facts.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("reading the uploaded file failed")]
    Fault(#[source] io::Error),
}

/// Marks an error of the disk, so that it is not taken for a damaged archive after it came through a decoder.
#[derive(Debug, thiserror::Error)]
#[error("the disk failed")]
struct Disk(#[source] io::Error);

/// Passes a disk's error through a decoder.
pub(super) fn disk(error: io::Error) -> io::Error {
    // Decoders try an interrupted read again by themselves.
    match error.kind() == io::ErrorKind::Interrupted {
        true => error,
        false => io::Error::new(error.kind(), Disk(error)),
    }
}

/// Passes a refusal through code that knows only I/O errors.
pub(super) fn stop(refusal: Refusal) -> io::Error {
    io::Error::other(refusal)
}

/// What an error met while reading `place` means.
pub(super) fn broken(place: &str, error: io::Error) -> Failed {
    let kind = error.kind();
    if error.get_ref().is_none() {
        return damaged(place, kind, error.to_string());
    }
    let inner = error.into_inner().expect("it was there a line above");
    match inner.downcast::<Refusal>() {
        Ok(refusal) => Failed::Refused(*refusal),
        Err(inner) => match inner.downcast::<Disk>() {
            Ok(disk) => Failed::Fault(disk.0),
            Err(other) => damaged(place, kind, other.to_string()),
        },
    }
}

fn damaged(place: &str, kind: io::ErrorKind, why: String) -> Failed {
    let place = place.to_owned();
    match kind == io::ErrorKind::UnexpectedEof {
        true => Refusal::CutOff { place }.into(),
        false => Refusal::Damaged { place, why }.into(),
    }
}
