//! The conda documents: their exact bytes where they are short, their laws where they are not, and that the types
//! of conda's own Rust tools read them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;

use gateway::render::channeldata::{Package, channeldata};
use gateway::render::record::{CondaFile, Facts, join};
use gateway::render::{notices::notices, repodata::repodata, run_exports::run_exports, shards};
use proptest::prelude::*;
use rattler_conda_types::{RepoData, Shard, ShardedRepodata};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

const UPLOADED: OffsetDateTime = datetime!(2026-11-01 12:00:00.5 UTC);

/// A file of a package that says no more than it must.
fn file(stem: &str, extension: &str, more: &Value) -> CondaFile {
    let [build, version, name]: [&str; 3] = stem.rsplitn(3, '-').collect::<Vec<_>>().try_into().unwrap();
    let mut record = json!({"name": name, "version": version, "build": build, "build_number": 0,
        "depends": [], "subdir": "linux-64"});
    record.as_object_mut().unwrap().extend(more["record"].as_object().cloned().unwrap_or_default());
    let facts = Facts { sha256: [0xab; 32], md5: [0xcd; 16], size_bytes: 1234, indexed_timestamp_ms: 1_700 };
    CondaFile {
        filename: format!("{stem}.{extension}").into(),
        sha256: facts.sha256,
        md5: facts.md5,
        size_bytes: facts.size_bytes,
        uploaded_at: UPLOADED,
        record: join(record.to_string().as_bytes(), &facts).unwrap(),
        run_exports: more.get("run_exports").unwrap_or(&json!({})).to_string().into(),
        channeldata: more.get("channeldata").unwrap_or(&json!({})).to_string().into(),
    }
}

fn decompressed(bytes: &[u8]) -> Vec<u8> {
    let named = zstd::zstd_safe::get_frame_content_size(bytes).unwrap().expect("a frame that names its size");
    let frame = zstd::zstd_safe::find_frame_compressed_size(bytes).unwrap();
    assert_eq!(frame, bytes.len(), "one frame and nothing behind it");
    let content = zstd::decode_all(bytes).unwrap();
    assert_eq!(content.len() as u64, named);
    content
}

#[test]
fn repodata_is_the_joined_records_in_the_order_of_their_names() {
    let files = [file("b-1-0", "conda", &json!({})), file("a-1-0", "tar.bz2", &json!({}))];
    let rendered = repodata("linux-64", files.iter());
    let record = |name: &str| {
        format!(
            r#"{{"build":"0","build_number":0,"depends":[],"indexed_timestamp":1700,"md5":"{}","name":"{name}","sha256":"{}","size":1234,"subdir":"linux-64","version":"1"}}"#,
            "cd".repeat(16),
            "ab".repeat(32),
        )
    };
    let expected = format!(
        r#"{{"info":{{"subdir":"linux-64"}},"packages":{{"a-1-0.tar.bz2":{}}},"packages.conda":{{"b-1-0.conda":{}}},"removed":[],"repodata_version":1}}"#,
        record("a"),
        record("b"),
    );
    assert_eq!(std::str::from_utf8(&rendered.bytes).unwrap(), expected);
    assert_eq!(rendered.last_modified, Some(UPLOADED));
    assert!(rendered.etag.starts_with('"') && rendered.etag.ends_with('"'), "a strong tag");
}

#[test]
fn an_empty_subdir_has_empty_but_valid_documents() {
    let none: [CondaFile; 0] = [];
    let documents = [repodata("noarch", none.iter()), run_exports("noarch", none.iter())];
    assert_eq!(
        documents[0].bytes,
        r#"{"info":{"subdir":"noarch"},"packages":{},"packages.conda":{},"removed":[],"repodata_version":1}"#
    );
    assert_eq!(
        documents[1].bytes,
        r#"{"info":{"subdir":"noarch","version":1},"packages":{},"packages.conda":{}}"#
    );
    let index: ShardedRepodata =
        rmp_serde::from_slice(&decompressed(&shards::index("noarch", [], None).bytes)).unwrap();
    assert!(index.shards.is_empty());
    assert_eq!(index.info.subdir, "noarch");
    let channel = channeldata(std::iter::empty()).unwrap();
    assert_eq!(channel.bytes, r#"{"channeldata_version":1,"packages":{},"subdirs":["noarch"]}"#);
    assert_eq!(notices().bytes, r#"{"notices":[]}"#);
}

#[test]
fn what_the_server_knows_of_a_file_wins_over_what_the_package_says() {
    let file =
        file("a-1-0", "conda", &json!({"record": {"size": 1, "md5": "lie", "zzz": {"b": 1, "a": "é\""}}}));
    let record: Value = serde_json::from_str(&file.record).unwrap();
    assert_eq!(record["size"], 1234);
    assert_eq!(record["md5"], "cd".repeat(16));
    assert_eq!(record["zzz"]["a"], "é\"", "what is unknown is kept as it is");
}

#[test]
fn run_exports_lists_every_file() {
    let files = [
        file("a-1-0", "tar.bz2", &json!({})),
        file("a-1-0", "conda", &json!({"run_exports": {"weak": ["a >=1"]}})),
    ];
    assert_eq!(
        run_exports("noarch", files.iter()).bytes,
        r#"{"info":{"subdir":"noarch","version":1},"packages":{"a-1-0.tar.bz2":{"run_exports":{}}},"packages.conda":{"a-1-0.conda":{"run_exports":{"weak":["a >=1"]}}}}"#
    );
}

#[test]
fn a_shard_is_read_by_condas_own_types_with_its_hashes_as_bytes() {
    let files = [
        file("a-1-0", "tar.bz2", &json!({})),
        file("a-1-0", "conda", &json!({"run_exports": {"weak": ["a >=1"]}})),
    ];
    let shard = shards::shard(&files).unwrap();
    let content = decompressed(&shard.document.bytes);
    let bin = |bytes: &[u8]| [&[0xc4, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    for digest in [bin(&[0xab; 32]), bin(&[0xcd; 16])] {
        assert_eq!(content.windows(digest.len()).filter(|window| *window == digest).count(), 2);
    }
    let read: Shard = rmp_serde::from_slice(&content).unwrap();
    assert_eq!((read.packages.len(), read.conda_packages.len(), read.removed.len()), (1, 1, 0));
    let record = read.conda_packages.values().next().unwrap();
    assert_eq!(record.run_exports.as_ref().unwrap().weak, ["a >=1"]);
    assert_eq!(record.sha256.unwrap().as_slice(), [0xab; 32]);
    let legacy = read.packages.values().next().unwrap();
    assert!(legacy.run_exports.as_ref().unwrap().is_empty(), "a package without exports says so");
}

#[test]
fn the_shard_index_names_shards_beside_itself_and_is_dated_by_its_content() {
    let shard = shards::shard(&[file("a-1-0", "conda", &json!({}))]).unwrap();
    let rendered = shards::index("linux-64", [("a", &shard.hash)], Some(UPLOADED));
    let read: ShardedRepodata = rmp_serde::from_slice(&decompressed(&rendered.bytes)).unwrap();
    assert_eq!(read.shards["a"].as_slice(), shard.hash);
    assert_eq!((read.info.base_url.as_str(), read.info.shards_base_url.as_str()), ("", ""));
    assert_eq!(read.info.created_at.unwrap().to_string(), "2026-11-01T12:00:00Z");
    assert_eq!(rendered, shards::index("linux-64", [("a", &shard.hash)], Some(UPLOADED)));
}

#[test]
fn channeldata_takes_texts_from_the_newest_version_and_flags_from_any() {
    let about = |summary: &str| json!({"summary": summary, "home": "https://example.org/a"});
    let old = file(
        "a-1.9-0",
        "conda",
        &json!({"record": {"timestamp": 1_600_000_000_000_i64, "license": "MIT"}, "channeldata": {"summary": "old", "binary_prefix": true}}),
    );
    let new = file(
        "a-1.10-0",
        "conda",
        &json!({"record": {"timestamp": 1_700_000_000_000_i64}, "channeldata": about(" new\nline "), "run_exports": {"weak": ["a"]}}),
    );
    // The same files under their old format say nothing where the new format exists.
    let hidden = file("a-1.10-0", "tar.bz2", &json!({"channeldata": {"summary": "hidden", "doc_url": "x"}}));
    let (linux, noarch) = ([old, hidden], [new]);
    let rendered = channeldata(
        [
            Package { subdir: "noarch", name: "a", files: &noarch },
            Package { subdir: "linux-64", name: "a", files: &linux },
        ]
        .into_iter(),
    )
    .unwrap();
    let read: Value = serde_json::from_slice(&rendered.bytes).unwrap();
    let expected = json!({
        "activate.d": false, "binary_prefix": true, "deactivate.d": false, "home": "https://example.org/a",
        "license": "MIT", "post_link": false, "pre_link": false, "pre_unlink": false,
        "run_exports": {"1.10": {"weak": ["a"]}}, "subdirs": ["linux-64", "noarch"], "summary": "new line",
        "text_prefix": false, "timestamp": 1_700_000_000, "version": "1.10", "doc_url": "x",
    });
    assert_eq!(read["packages"]["a"], expected);
    assert_eq!(read["subdirs"], json!(["linux-64", "noarch"]));
}

/// Any set of files, with names that sort differently with and without what follows them.
fn files() -> impl Strategy<Value = Vec<CondaFile>> {
    let one = ("[a-c]{1,2}(-[a-c])?", "[0-9]{1,2}(\\.[0-9]){0,2}", 0..3_u8, any::<bool>(), "\\PC{0,8}");
    prop::collection::vec(one, 0..24).prop_map(|parts| {
        let files = parts.into_iter().map(|(name, version, build, is_conda, text)| {
            let extension = if is_conda { "conda" } else { "tar.bz2" };
            file(&format!("{name}-{version}-{build}"), extension, &json!({"record": {"license": text}}))
        });
        files.map(|file| (file.filename.clone(), file)).collect::<BTreeMap<_, _>>().into_values().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_is_in_repodata_once_in_order_and_whole(files in files(), seed in any::<u64>()) {
        let mut shuffled = files.clone();
        let length = shuffled.len().max(1);
        shuffled.rotate_left(usize::try_from(seed).unwrap_or(0) % length);
        let rendered = repodata("linux-64", shuffled.iter());
        prop_assert_eq!(&rendered, &repodata("linux-64", files.iter()));
        let read: Value = serde_json::from_slice(&rendered.bytes).unwrap();
        for (section, extension) in [("packages", ".tar.bz2"), ("packages.conda", ".conda")] {
            let shown: Vec<_> = read[section].as_object().unwrap().iter().collect();
            let expected: BTreeMap<_, Value> = files
                .iter()
                .filter(|file| file.filename.ends_with(extension))
                .map(|file| (file.filename.to_string(), serde_json::from_str(&file.record).unwrap()))
                .collect();
            prop_assert_eq!(shown, expected.iter().collect::<Vec<_>>());
        }
        let typed: RepoData = serde_json::from_slice(&rendered.bytes).unwrap();
        prop_assert_eq!(typed.packages.len() + typed.conda_packages.len(), files.len());
        prop_assert_eq!(decompressed(&rendered.zst().bytes), rendered.bytes.to_vec());
    }

    #[test]
    fn equal_content_gives_one_hash_and_other_content_another(files in files()) {
        let hash = shards::shard(&files).unwrap().hash;
        let mut turned = files.clone();
        turned.reverse();
        prop_assert_eq!(shards::shard(&turned).unwrap().hash, hash);
        if let Some(fewer) = files.split_last().map(|(_, fewer)| fewer) {
            prop_assert_ne!(shards::shard(fewer).unwrap().hash, hash);
        }
    }

    #[test]
    fn keys_of_a_record_are_sorted(files in files()) {
        for file in files {
            prop_assert!(serde_json::from_str::<BTreeMap<String, Value>>(&file.record)
                .is_ok_and(|read| serde_json::to_string(&read).is_ok_and(|again| *again == *file.record)));
        }
    }
}
