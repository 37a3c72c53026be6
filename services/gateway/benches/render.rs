//! What a channel of 100,000 files costs to show: all of it as `repodata.json`, and after one upload into it.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gateway::render::record::{CondaFile, Facts, join};
use gateway::render::{repodata::repodata, shards};
use serde_json::json;
use time::OffsetDateTime;

const NAMES: u32 = 12_500;
const FILES_PER_NAME: u32 = 8;

/// A file with as much to say as the usual one of a public channel: about 450 bytes.
fn file(name: &str, number: u32) -> CondaFile {
    let (version, build) = (format!("1.{number}.0"), format!("py312h{number:08x}_0"));
    let record = json!({
        "build": build, "build_number": 0, "license": "BSD-3-Clause", "name": name, "subdir": "linux-64",
        "depends": ["libgcc >=13", "libstdcxx >=13", "python >=3.12,<3.13.0a0", "python_abi 3.12.* *_cp312"],
        "constrains": ["numpy >=1.19,<3"], "timestamp": 1_700_000_000_000_u64 + u64::from(number), "version": version,
    });
    let facts = Facts {
        sha256: [u8::try_from(number % 251).expect("below 251"); 32],
        md5: [7; 16],
        size_bytes: 12_345,
        indexed_timestamp_ms: 1_700_000_000_000,
    };
    CondaFile {
        filename: format!("{name}-{version}-{build}.conda").into(),
        sha256: facts.sha256,
        md5: facts.md5,
        size_bytes: facts.size_bytes,
        uploaded_at: OffsetDateTime::UNIX_EPOCH,
        record: join(record.to_string().as_bytes(), &facts).expect("a JSON object"),
        run_exports: "{}".into(),
        channeldata: "{}".into(),
    }
}

fn channel() -> Vec<(String, Vec<CondaFile>)> {
    (0..NAMES)
        .map(|name| {
            let name = format!("package-{name:05}");
            let files = (0..FILES_PER_NAME).map(|number| file(&name, number)).collect();
            (name, files)
        })
        .collect()
}

fn repodata_of_100_000_records(c: &mut Criterion) {
    let channel = channel();
    let mut group = c.benchmark_group("repodata");
    group.sample_size(20);
    group.bench_function("100,000 records", |b| {
        b.iter(|| repodata("linux-64", channel.iter().flat_map(|(_, files)| black_box(files))));
    });
    let json = repodata("linux-64", channel.iter().flat_map(|(_, files)| files));
    group.bench_function("100,000 records, compressing", |b| b.iter(|| black_box(&json).zst()));
    group.finish();
}

fn one_upload_into_100_000_records(c: &mut Criterion) {
    let mut channel = channel();
    let hashes: Vec<_> = channel
        .iter()
        .map(|(name, files)| (name.clone(), shards::shard(files).expect("records are JSON").hash))
        .collect();
    let (name, files) = &mut channel[usize::try_from(NAMES / 2).expect("an index")];
    files.push(file(name, FILES_PER_NAME));
    c.bench_function("shard and shard index after an upload", |b| {
        b.iter_batched(
            || hashes.clone(),
            |mut hashes| {
                let shard = shards::shard(black_box(files)).expect("records are JSON");
                hashes[usize::try_from(NAMES / 2).expect("an index")].1 = shard.hash;
                shards::index("linux-64", hashes.iter().map(|(name, hash)| (name.as_str(), hash)), None)
            },
            BatchSize::LargeInput,
        );
    });
    let many: Vec<_> = (0..10_000).map(|number| file("package", number)).collect();
    c.bench_function("shard of a package of 10,000 files", |b| b.iter(|| shards::shard(black_box(&many))));
}

criterion_group!(benches, repodata_of_100_000_records, one_upload_into_100_000_records);
criterion_main!(benches);
