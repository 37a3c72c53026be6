//! What an answer shows, as lines; and its bytes as they are when nothing packs them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::{IgnoredAny, Visitor};
use serde_json::Value;
use testkit::Answer;

use crate::address::{Address, By, What};
use crate::fact::Kind;

/// The magic number of a zstd frame (RFC 8878, section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The body, unpacked if it is packed.
pub(crate) fn plain(body: &[u8]) -> Vec<u8> {
    match body.starts_with(&ZSTD) {
        true => zstd::decode_all(body).unwrap_or_else(|_| body.to_vec()),
        false => body.to_vec(),
    }
}

/// 32 bytes as msgpack holds them.
pub(crate) struct Hash(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Hash;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Hash, E> {
                Ok(Hash(bytes.to_vec()))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

#[derive(Deserialize)]
struct ShardIndex {
    shards: BTreeMap<String, Hash>,
}

#[derive(Deserialize)]
struct Shard {
    packages: BTreeMap<String, IgnoredAny>,
    #[serde(rename = "packages.conda")]
    conda: BTreeMap<String, IgnoredAny>,
}

/// The shards that an index names, each with its hash in hexadecimal.
pub(crate) fn shards(body: &[u8]) -> anyhow::Result<BTreeMap<String, String>> {
    let index: ShardIndex = rmp_serde::from_slice(&plain(body)).context("a shard index")?;
    Ok(index.shards.into_iter().map(|(name, hash)| (name, hex::encode(hash.0))).collect())
}

fn keys(document: &Value, field: &str) -> Vec<String> {
    document[field].as_object().into_iter().flat_map(|object| object.keys().cloned()).collect()
}

fn text(entry: &Value, field: &str) -> String {
    match &entry[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn each(list: &Value, line: impl Fn(&Value) -> String) -> Vec<String> {
    list.as_array().into_iter().flatten().map(line).collect()
}

/// What stands between the tags of a page's links.
fn links(page: &str) -> Vec<String> {
    let rest = page.split("<a ").skip(1);
    let inner = rest.filter_map(|rest| rest.split_once('>')?.1.split_once("</a>"));
    inner.map(|(text, _)| text.to_owned()).collect()
}

/// What a good answer shows, in order. Several answers are the pages of one list.
pub(crate) fn lines(address: &Address, answers: &[Answer]) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for answer in answers {
        lines.extend(of_one(address, answer)?);
    }
    let total = |answer: &Answer| {
        let json = answer.json();
        json["total"].as_u64().or_else(|| json["total_count"].as_u64())
    };
    let totals = answers.iter().filter_map(total);
    for total in totals {
        anyhow::ensure!(total == lines.len() as u64, "it says {total} and shows {}", lines.len());
    }
    lines.sort();
    Ok(lines)
}

fn of_one(address: &Address, answer: &Answer) -> anyhow::Result<Vec<String>> {
    let body = plain(&answer.body);
    let json = || serde_json::from_slice::<Value>(&body).context("it is no JSON");
    let html = address.accept == "text/html";
    Ok(match &address.what {
        What::Files { .. } => [keys(&json()?, "packages"), keys(&json()?, "packages.conda")].concat(),
        What::Shards { .. } => shards(&answer.body)?.into_keys().collect(),
        What::Shard { .. } => {
            let shard: Shard = rmp_serde::from_slice(&body).context("a shard")?;
            shard.packages.into_keys().chain(shard.conda.into_keys()).collect()
        }
        What::Channeldata { .. } => keys(&json()?, "packages"),
        What::Notices { .. } => each(&json()?["notices"], Value::to_string),
        What::Projects { .. } | What::Project { .. } if html => links(&answer.text()),
        What::Projects { .. } => each(&json()?["projects"], |project| text(project, "name")),
        What::Project { .. } => each(&json()?["files"], |file| text(file, "filename")),
        What::File { by: By::Metadata, .. } => vec![],
        What::File { .. } => vec![format!("{} bytes", answer.body.len())],
        What::Grants | What::PackageGrants { .. } | What::History => vec![],
        other => listed(other, &json()?),
    })
}

fn listed(what: &What, json: &Value) -> Vec<String> {
    let channel = |entry: &Value| format!("{} {}", text(entry, "name"), text(entry, "privacy"));
    let package =
        |entry: &Value| format!("{} {} {}", text(entry, "kind"), text(entry, "name"), text(entry, "private"));
    let file =
        |entry: &Value| format!("{} {} {}", text(entry, "kind"), text(entry, "filename"), labels(entry));
    let kinds = |entry: &Value| {
        let kinds = entry["package_types"].as_array().map_or(0, Vec::len);
        format!("{} {kinds}", text(entry, "name"))
    };
    match what {
        What::Channel => vec![channel(json)],
        What::Channels | What::Below => each(&json["channels"], channel),
        What::Packages => each(&json["packages"], package),
        What::Package { .. } => vec![package(json)],
        What::Artifacts | What::ArtifactsNamed { .. } | What::ArtifactsLabelled { .. } => {
            each(&json["artifacts"], file)
        }
        What::Labels => {
            let line =
                |it: &Value| format!("{} {} {}", text(it, "label"), text(it, "files"), text(it, "locked"));
            each(&json["labels"], line)
        }
        What::Search { .. } => each(&json["packages"], |it| {
            format!("{} {} {} {}", text(it, "channel"), text(it, "kind"), text(it, "name"), text(it, "files"))
        }),
        What::Groups { .. } => {
            let ordinary = |group: &&Value| group["id"].is_string();
            let groups = json["groups"].as_array().into_iter().flatten().filter(ordinary);
            groups.map(|group| format!("{} {}", text(group, "name"), text(group, "members"))).collect()
        }
        What::Group { .. } => each(&json["grants"], |it| match &it["package"] {
            Value::String(name) => format!("{} {name} {}", text(it, "channel"), text(it, "level")),
            _ => format!("{} {}", text(it, "channel"), text(it, "level")),
        }),
        What::Owned => each(json, kinds),
        What::OwnedSearch { .. } => each(json, |it| format!("{}/{}", text(it, "owner"), kinds(it))),
        What::OwnedPackage { .. } => each(&json["files"], owned_file),
        What::Release { .. } => each(&json["distributions"], owned_file),
        What::Dist { .. } => vec![owned_file(json)],
        What::OwnedLabels => {
            let labels = json.as_object().into_iter().flatten();
            labels.map(|(label, it)| format!("{label} 0 {}", text(it, "is_locked"))).collect()
        }
        What::OwnedLabel { .. } => each(&json["files"], |it| last(&text(it, "full_name"))),
        What::ServerChannel => vec![server_channel(json)],
        What::ServerChannels => each(&json["items"], server_channel),
        What::ServerArtifacts | What::ServerSearch => each(&json["items"], server_artifact),
        What::ServerArtifact { .. } => vec![server_artifact(json)],
        What::ServerFiles { .. } => each(&json["items"], server_file),
        _ => panic!("{what:?} is no list"),
    }
}

fn whole(above: &Value, own: &Value) -> String {
    match (above.as_str(), own.as_str()) {
        (Some(above), Some(own)) => format!("{above}/{own}"),
        (above, own) => above.or(own).unwrap_or_default().to_owned(),
    }
}

fn server_channel(it: &Value) -> String {
    let name = whole(&it["parent"], &it["name"]);
    format!("{name} {} {}", text(it, "privacy"), text(it, "artifact_count"))
}

fn server_file(it: &Value) -> String {
    let kind = Kind::ALL.into_iter().find(|kind| kind.family() == text(it, "family"));
    format!("{} {} {}", kind.map_or("?", Kind::word), last(&text(it, "ckey")), labels(it))
}

fn server_artifact(it: &Value) -> String {
    let channel = whole(&it["channel"], &it["subchannel"]);
    format!("{channel} {} {} {}", text(it, "family"), text(it, "name"), text(it, "file_count"))
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn owned_file(file: &Value) -> String {
    let kind = match text(file, "type").as_str() {
        "ipynb" => "notebook".to_owned(),
        "env" => "environment".to_owned(),
        other => other.to_owned(),
    };
    format!("{kind} {} {}", last(&text(file, "basename")), labels(file))
}

fn labels(file: &Value) -> String {
    each(&file["labels"], |label| label.as_str().unwrap_or_default().to_owned()).join(",")
}
