//! The sharded index (CEP 16): one shard per package name, and the index that names each by its hash.
//!
//! Keys are sorted and the frame is always made in one way, so equal content gives an equal hash. Both addresses in
//! the index are empty, which means "beside the index": that carries a token in the path along by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::render::record::{CondaFile, Section, newest, section};
use crate::render::{MSGPACK_ZSTD, Rendered, zst};

/// All files of one name in one subdir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// SHA-256 of the compressed bytes, also the shard's file name.
    pub hash: [u8; 32],
    /// zstd of msgpack.
    pub document: Arc<Rendered>,
}

/// Renders the files of one name.
pub fn shard(files: &[CondaFile]) -> Result<Shard, serde_json::Error> {
    let content = Content {
        packages: records(files, Section::Packages)?,
        packages_conda: records(files, Section::PackagesConda)?,
        removed: [],
    };
    let bytes = zst(&rmp_serde::to_vec_named(&content).expect("maps with text keys are msgpack"));
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    let document = Rendered::tagged(MSGPACK_ZSTD, &hash, bytes, newest(files));
    Ok(Shard { hash, document: Arc::new(document) })
}

/// Renders the index over shards, whose names come in order.
pub fn index<'a>(
    subdir: &str,
    shards: impl IntoIterator<Item = (&'a str, &'a [u8; 32])>,
    newest: Option<OffsetDateTime>,
) -> Rendered {
    // Of the content, not of the rendering: a clock here would show that something hidden has changed.
    let created_at = newest
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .replace_nanosecond(0)
        .expect("zero is a nanosecond")
        .format(&Rfc3339)
        .expect("times of uploads have four-digit years");
    let index = Index {
        info: Info { base_url: "", created_at, shards_base_url: "", subdir },
        shards: shards.into_iter().map(|(name, hash)| (name, Digest32(hash))).collect(),
        version: 1,
    };
    let bytes = rmp_serde::to_vec_named(&index).expect("maps with text keys are msgpack");
    Rendered::new(MSGPACK_ZSTD, zst(&bytes), newest)
}

#[derive(serde::Serialize)]
struct Content<'a> {
    packages: Named<'a>,
    #[serde(rename = "packages.conda")]
    packages_conda: Named<'a>,
    removed: [&'a str; 0],
}

type Named<'a> = BTreeMap<&'a str, Record>;

/// A record with its hashes as bytes instead of hex.
struct Record {
    fields: BTreeMap<String, Value>,
    sha256: [u8; 32],
    md5: [u8; 16],
}

fn records(files: &[CondaFile], kind: Section) -> Result<Named<'_>, serde_json::Error> {
    section(files, kind).into_iter().map(|file| Ok((&*file.filename, record(file)?))).collect()
}

fn record(file: &CondaFile) -> Result<Record, serde_json::Error> {
    let mut fields: BTreeMap<String, Value> = serde_json::from_str(&file.record)?;
    // CEP 21: build tools need no second request.
    fields.insert("run_exports".into(), serde_json::from_str(&file.run_exports)?);
    Ok(Record { fields, sha256: file.sha256, md5: file.md5 })
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (key, value) in &self.fields {
            match key.as_str() {
                "sha256" => map.serialize_entry(key, &Digest32(&self.sha256))?,
                "md5" => map.serialize_entry(key, &Digest16(&self.md5))?,
                _ => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Index<'a> {
    info: Info<'a>,
    shards: BTreeMap<&'a str, Digest32<'a>>,
    version: u8,
}

#[derive(serde::Serialize)]
struct Info<'a> {
    base_url: &'a str,
    created_at: String,
    shards_base_url: &'a str,
    subdir: &'a str,
}

/// msgpack `bin`: serde writes a plain array of numbers otherwise.
struct Digest32<'a>(&'a [u8; 32]);
struct Digest16<'a>(&'a [u8; 16]);

impl Serialize for Digest32<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Digest16<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
