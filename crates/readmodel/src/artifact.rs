//! One published file, with all that the indexes show of it.

use std::collections::BTreeSet;

use names::{ArtifactId, ChannelId, LabelName, PackageId, PackageKind};
use sqlx::{FromRow, Row, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a Python file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// `.whl`.
    Wheel,
    /// `.tar.gz`.
    Sdist,
}

impl FileType {
    /// As it stands in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::Sdist => "sdist",
        }
    }
}

/// Where a file stands: no two live artifacts share it. Also the position in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey {
    /// The channel.
    pub channel_id: ChannelId,
    /// Which kind.
    pub kind: PackageKind,
    /// conda's directory; empty for Python; `<name>/<version>` for any other kind.
    pub subdir: String,
    /// Without directory.
    pub filename: String,
}

/// One published file. Fields of the other kind are empty or zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRow {
    /// The file's id.
    pub artifact_id: ArtifactId,
    /// The package it belongs to.
    pub package_id: PackageId,
    /// The channel it was published in.
    pub channel_id: ChannelId,
    /// conda or Python.
    pub kind: PackageKind,
    /// The package's normalised name.
    pub name: String,
    /// conda's directory; empty for Python; `<name>/<version>` for any other kind.
    pub subdir: String,
    /// Without directory.
    pub filename: String,
    /// As the author spells it.
    pub version: String,
    /// conda's build string.
    pub build: String,
    /// conda's build number.
    pub build_number: u64,
    /// Also the blob's key.
    pub sha256: [u8; 32],
    /// conda's second digest.
    pub md5: [u8; 16],
    /// Bytes.
    pub size: u64,
    /// The repodata record as canonical JSON, without digests, size and `indexed_timestamp`.
    pub record_json: String,
    /// `run_exports.json` as canonical JSON.
    pub run_exports_json: String,
    /// This file's part of `channeldata.json`.
    pub channeldata_json: String,
    /// CEP 47, milliseconds.
    pub indexed_timestamp_ms: i64,
    /// `None` for conda.
    pub filetype: Option<FileType>,
    /// The project's name as the author spells it.
    pub project: String,
    /// The author's string; empty if none.
    pub requires_python: String,
    /// Of the METADATA file, also its blob's key; `None` for an sdist and for conda.
    pub metadata_sha256: Option<[u8; 32]>,
    /// Bytes of the METADATA file.
    pub metadata_size: u64,
    /// One line about the project.
    pub summary: String,
    /// The time of the event.
    pub uploaded_at: OffsetDateTime,
    /// The sequence in CATALOG.
    pub seq: u64,
    /// To be shown only by whoever has applied this much of AUTHZ.
    pub authz_seq: u64,
    /// What it is found under; without any it is in no index.
    pub labels: BTreeSet<LabelName>,
}

impl ArtifactRow {
    /// Where the file stands.
    pub fn key(&self) -> FileKey {
        FileKey {
            channel_id: self.channel_id,
            kind: self.kind,
            subdir: self.subdir.clone(),
            filename: self.filename.clone(),
        }
    }
}

impl FromRow<'_, PgRow> for ArtifactRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let filetype: Option<&str> = row.try_get("filetype")?;
        Ok(Self {
            artifact_id: ArtifactId(row.try_get("artifact_id")?),
            package_id: PackageId(row.try_get("package_id")?),
            channel_id: ChannelId(row.try_get("channel_id")?),
            kind: word(row, "kind")?,
            name: row.try_get("name")?,
            subdir: row.try_get("subdir")?,
            filename: row.try_get("filename")?,
            version: row.try_get("version")?,
            build: row.try_get("build")?,
            build_number: count(row, "build_number")?,
            sha256: digest(row, "sha256")?.ok_or_else(|| absent("sha256"))?,
            md5: digest(row, "md5")?.ok_or_else(|| absent("md5"))?,
            size: count(row, "size_bytes")?,
            record_json: row.try_get("record_json")?,
            run_exports_json: row.try_get("run_exports_json")?,
            channeldata_json: row.try_get("channeldata_json")?,
            indexed_timestamp_ms: row.try_get("indexed_timestamp_ms")?,
            filetype: filetype.map(file_type).transpose()?,
            project: row.try_get("project")?,
            requires_python: row.try_get("requires_python")?,
            metadata_sha256: digest(row, "metadata_sha256")?,
            metadata_size: count(row, "metadata_size_bytes")?,
            summary: row.try_get("summary")?,
            uploaded_at: row.try_get("uploaded_at")?,
            seq: count(row, "seq")?,
            authz_seq: count(row, "authz_seq")?,
            labels: labels(row)?,
        })
    }
}

/// Whether the outer join found a file or only the checkpoint.
pub(crate) fn is_there(row: &PgRow) -> Result<bool, sqlx::Error> {
    Ok(row.try_get::<Option<Uuid>, _>("artifact_id")?.is_some())
}

fn labels(row: &PgRow) -> Result<BTreeSet<LabelName>, sqlx::Error> {
    let names: Vec<String> = row.try_get("labels")?;
    names.into_iter().map(|name| name.parse().map_err(|error| unreadable("labels", error))).collect()
}

fn file_type(word: &str) -> Result<FileType, sqlx::Error> {
    [FileType::Wheel, FileType::Sdist]
        .into_iter()
        .find(|filetype| filetype.as_str() == word)
        .ok_or_else(|| unreadable("filetype", format!("{word:?} is no file type")))
}

/// A count that Postgres holds signed; the tables' checks keep it from being negative.
pub(crate) fn count(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| unreadable(column, error))
}

/// A word of one of the vocabularies of `names`.
pub(crate) fn word<T>(row: &PgRow, column: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err = names::InvalidName>,
{
    row.try_get::<&str, _>(column)?.parse().map_err(|error| unreadable(column, error))
}

fn digest<const N: usize>(row: &PgRow, column: &str) -> Result<Option<[u8; N]>, sqlx::Error> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(|bytes| bytes.try_into().map_err(|error| unreadable(column, error))).transpose()
}

fn absent(column: &str) -> sqlx::Error {
    unreadable(column, "absent".to_owned())
}

fn unreadable(column: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() }
}
