//! A package as listings show it: what its files say together.

use names::{ChannelId, PackageId, PackageKind};
use sqlx::{FromRow, Row, postgres::PgRow};
use time::OffsetDateTime;

use crate::artifact::{count, word};

/// Where a package stands in a listing: by name first, then by kind and channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageKey {
    /// Normalised.
    pub name: String,
    /// Which kind.
    pub kind: PackageKind,
    /// Its channel.
    pub channel_id: ChannelId,
}

/// A package with at least one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPackage {
    /// The package's id.
    pub package_id: PackageId,
    /// Its channel.
    pub channel_id: ChannelId,
    /// Which kind.
    pub kind: PackageKind,
    /// Normalised.
    pub name: String,
    /// The version of the file that came last.
    pub latest_version: String,
    /// Each version once, by bytes.
    pub versions: Vec<String>,
    /// conda's subdirs; for other kinds what their files' places are.
    pub subdirs: Vec<String>,
    /// How many files it has.
    pub files: u64,
    /// When the first of them came.
    pub created_at: OffsetDateTime,
    /// When the last of them came.
    pub updated_at: OffsetDateTime,
    /// What the file that came last says of the package.
    pub summary: String,
    /// The same in conda's words, as canonical JSON; empty for any other kind.
    pub channeldata_json: String,
}

impl ListedPackage {
    /// Its place in a listing.
    pub fn key(&self) -> PackageKey {
        PackageKey { name: self.name.clone(), kind: self.kind, channel_id: self.channel_id }
    }
}

/// What a channel holds for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The channel.
    pub channel_id: ChannelId,
    /// Packages with at least one file.
    pub packages: u64,
    /// When the last of their files came.
    pub updated_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for Tally {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            channel_id: ChannelId(row.try_get("channel_id")?),
            packages: count(row, "packages")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for ListedPackage {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            package_id: PackageId(row.try_get("package_id")?),
            channel_id: ChannelId(row.try_get("channel_id")?),
            kind: word(row, "kind")?,
            name: row.try_get("name")?,
            latest_version: row.try_get("latest_version")?,
            versions: row.try_get("versions")?,
            subdirs: row.try_get("subdirs")?,
            files: count(row, "files")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            summary: row.try_get("summary")?,
            channeldata_json: row.try_get("channeldata_json")?,
        })
    }
}
