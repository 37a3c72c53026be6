//! The store on a real directory, and S3's address with nobody behind it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use blobs::{Blobs, Error, Written};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use time::{Duration, OffsetDateTime};

const PART_BYTES: usize = 8 * 1024 * 1024;

fn store() -> (tempfile::TempDir, Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path().to_str().unwrap()).unwrap();
    (folder, blobs)
}

async fn put(blobs: &Blobs, bytes: &[u8], limit_bytes: u64) -> Result<Written, Error> {
    let chunks = bytes.chunks(100_000).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)));
    blobs.put_stream(stream::iter(chunks.collect::<Vec<_>>()), limit_bytes).await
}

async fn read(blob: blobs::Blob) -> Vec<u8> {
    blob.stream.map_ok(|chunk| chunk.to_vec()).try_concat().await.unwrap()
}

fn files(folder: &std::path::Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        count += if entry.file_type().unwrap().is_dir() { files(&entry.path()) } else { 1 };
    }
    count
}

#[tokio::test]
async fn a_file_is_found_under_its_digest_once_it_is_committed() {
    let (_folder, blobs) = store();
    let written = put(&blobs, b"hello", 5).await.unwrap();
    assert_eq!(hex::encode(written.md5), "5d41402abc4b2a76b9719d911017c592");
    assert!(hex::encode(written.sha256).starts_with("2cf24dba5fb0a30e"));
    assert!(!blobs.has(&written.sha256).await.unwrap());
    assert_eq!(read(blobs.get_tmp(&written.key).await.unwrap()).await, b"hello");

    blobs.commit(&written.key, &written.sha256).await.unwrap();
    blobs.commit(&written.key, &written.sha256).await.expect("a repeat after a lost answer is success");
    let blob = blobs.get(&written.sha256).await.unwrap();
    assert_eq!((blob.size, read(blob).await), (5, b"hello".to_vec()));
    assert!(matches!(blobs.get_tmp(&written.key).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_file() {
    let (folder, blobs) = store();
    for _ in 0..2 {
        blobs.put_bytes(Bytes::from_static(b"same")).await.unwrap();
    }
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn parts_of_a_large_file_come_back_in_order() {
    let (folder, blobs) = store();
    // One byte below, at and above the size of a part, and several parts.
    for size in [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 3 * PART_BYTES + 7] {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let written = put(&blobs, &bytes, size as u64).await.unwrap();
        blobs.commit(&written.key, &written.sha256).await.unwrap();
        assert!(read(blobs.get(&written.sha256).await.unwrap()).await == bytes, "{size} bytes differ");
    }
    assert_eq!(files(folder.path()), 5);
}

#[tokio::test]
async fn ranges_are_cut_to_the_file() {
    let (_folder, blobs) = store();
    let digest = blobs.put_bytes(Bytes::from_static(b"0123456789")).await.unwrap().sha256;
    for (range, expected) in [(0..1, "0"), (2..5, "234"), (8..100, "89"), (0..10, "0123456789")] {
        let blob = blobs.range(&digest, range).await.unwrap();
        assert_eq!(blob.size, 10);
        assert_eq!(read(blob).await, expected.as_bytes());
    }
    let beyond = blobs.range(&digest, 10..11).await;
    assert!(matches!(beyond, Err(Error::RangeBeyondEnd { size_bytes: 10 })));
}

#[tokio::test]
async fn one_byte_over_the_limit_leaves_nothing_behind() {
    let (folder, blobs) = store();
    for size in [6, PART_BYTES * 2 + 1] {
        let refused = put(&blobs, &vec![0; size], size as u64 - 1).await;
        assert!(matches!(refused, Err(Error::TooLarge { limit_bytes }) if limit_bytes == size as u64 - 1));
    }
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let (folder, blobs) = store();
    let whole = stream::iter((0..200).map(|_| Ok(Bytes::from(vec![1; 100_000]))));
    let broken = whole.chain(stream::iter([Err(std::io::Error::other("connection reset"))]));
    let refused = blobs.put_stream(broken, u64::MAX).await;
    assert!(matches!(refused, Err(Error::BrokenOff(_))));
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn the_sweep_takes_old_uploads_and_no_blob() {
    let (folder, blobs) = store();
    let kept = blobs.put_bytes(Bytes::from_static(b"kept")).await.unwrap();
    let left = put(&blobs, b"left", 10).await.unwrap();
    let written: OffsetDateTime =
        std::fs::metadata(folder.path().join(&left.key)).unwrap().modified().unwrap().into();

    // What a process that was killed in the middle of a large upload leaves behind.
    std::fs::write(folder.path().join(format!("{}#1", left.key)), "half").unwrap();

    assert_eq!(blobs.sweep(written - Duration::minutes(1)).await.unwrap(), 0);
    assert_eq!(blobs.sweep(written + Duration::minutes(1)).await.unwrap(), 2);
    assert!(blobs.has(&kept.sha256).await.unwrap());
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable_and_not_empty() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let credentials = tempfile::tempdir().unwrap();
    for name in ["access-key-id", "secret-access-key"] {
        std::fs::write(credentials.path().join(name), "x\n").unwrap();
    }
    let folder = credentials.path().display();
    let address = format!("s3://bucket?endpoint=http://127.0.0.1:1&region=x&credentials={folder}");
    let blobs = Blobs::open(&address).unwrap();
    assert!(matches!(blobs.check().await, Err(Error::Unavailable(_))));
    assert!(matches!(blobs.get(&[0; 32]).await, Err(Error::Unavailable(_))));
    assert!(matches!(put(&blobs, b"x", 1).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn an_id_is_claimed_once_and_its_upload_waits_where_it_was_announced() {
    let (_folder, blobs) = store();
    let (claim, upload) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    assert!(blobs.claim(claim).await.unwrap());
    assert!(!blobs.claim(claim).await.unwrap(), "whoever comes second");
    let bytes = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"announced"))]);
    let written = blobs.put_stream_as(upload, bytes, u64::MAX).await.unwrap();
    assert_eq!(written.key, format!("tmp/{upload}"));
    blobs.commit(&written.key, &written.sha256).await.unwrap();
    assert!(blobs.has(&written.sha256).await.unwrap());
}
