//! Tar archives, compressed in each of the three ways.

use catalog::inspect::{Limits, Refusal};
use tar::EntryType;

use super::{assert_refused, refused, refused_under};
use crate::archive::python::{METADATA, SDIST, sdist, sdist_entries};
use crate::archive::{conda, tar as write};

fn with(entry: Vec<u8>) -> Refusal {
    refused(SDIST, &sdist(&[sdist_entries(METADATA), vec![entry]].concat()))
}

#[test]
fn names_that_lead_out_or_come_twice_are_refused() {
    for name in ["/etc/passwd", "leaf_pkg-1.0/../../evil", "..", "leaf_pkg-1.0\\..\\evil"] {
        assert_refused!(with(write::file(name, "x")), Refusal::Traversal { .. });
    }
    assert_refused!(with(write::file("leaf_pkg-1.0/setup.py", "x")), Refusal::Duplicate { .. });
    assert_refused!(with(write::file("leaf_pkg-1.0/./setup.py", "x")), Refusal::Duplicate { .. });
    let long = [
        write::entry("longlink", EntryType::GNULongName, "", b"leaf_pkg-1.0/../../evil\0"),
        write::file("leaf_pkg-1.0/fine", ""),
    ];
    assert_refused!(with(long.concat()), Refusal::Traversal { .. });
    let pax = [write::pax(EntryType::XHeader, &[("path", "/evil")]), write::file("leaf_pkg-1.0/fine", "")];
    assert_refused!(with(pax.concat()), Refusal::Traversal { .. });
}

#[test]
fn links_that_lead_out_and_files_behind_links_are_refused() {
    for (kind, target) in [
        (EntryType::Symlink, "/etc/passwd"),
        (EntryType::Symlink, "../../evil"),
        (EntryType::Link, "../evil"),
        (EntryType::Link, "/etc/passwd"),
    ] {
        assert_refused!(
            with(write::entry("leaf_pkg-1.0/link", kind, target, b"")),
            Refusal::LinkOutside { .. }
        );
    }
    let pax = [
        write::pax(EntryType::XHeader, &[("linkpath", "/etc")]),
        write::entry("leaf_pkg-1.0/link", EntryType::Symlink, "fine", b""),
    ];
    assert_refused!(with(pax.concat()), Refusal::LinkOutside { .. });
    let through = [
        write::entry("leaf_pkg-1.0/link", EntryType::Symlink, "src", b""),
        write::file("leaf_pkg-1.0/link/evil", ""),
    ];
    assert_refused!(with(through.concat()), Refusal::ThroughLink { .. });
}

#[test]
fn devices_and_sparse_files_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse] {
        assert_refused!(with(write::entry("leaf_pkg-1.0/x", kind, "", b"")), Refusal::Special { .. });
    }
    let sparse =
        [write::pax(EntryType::XHeader, &[("GNU.sparse.major", "1")]), write::file("leaf_pkg-1.0/x", "")];
    assert_refused!(with(sparse.concat()), Refusal::PaxDisagrees { .. });
}

#[test]
fn extended_headers_that_contradict_are_refused() {
    let size = [write::pax(EntryType::XHeader, &[("size", "0")]), write::file("leaf_pkg-1.0/x", "data")];
    assert_refused!(with(size.concat()), Refusal::PaxDisagrees { .. });
    let global = [write::pax(EntryType::XGlobalHeader, &[("path", "leaf_pkg-1.0/x")]), write::file("x", "")];
    assert_refused!(with(global.concat()), Refusal::PaxDisagrees { .. });
    assert_refused!(
        with(write::entry("x", EntryType::XHeader, "", b"99 path=x\n")),
        Refusal::PaxDisagrees { .. }
    );
}

#[test]
fn headers_that_claim_gigabytes_cost_nothing() {
    const TERABYTE: u64 = 1 << 40;
    for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::XGlobalHeader, EntryType::Regular] {
        let huge = write::sized("leaf_pkg-1.0/x", kind, "", b"", 1 << 32);
        assert_refused!(with(huge), Refusal::CutOff { .. } | Refusal::MemberSize { .. });
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(TERABYTE);
    header.set_cksum();
    assert_refused!(with(header.as_bytes().to_vec()), Refusal::MemberName { .. } | Refusal::CutOff { .. });
    // An extended header that really is as long as it says.
    let long = write::entry("x", EntryType::GNULongName, "", &vec![b'a'; 100_000]);
    assert_refused!(with(long), Refusal::MemberSize { .. });
}

#[test]
fn data_after_the_end_is_refused_in_each_compression() {
    let entries = [conda::info(), conda::payload()].concat();
    let inside = [write::archive(&entries), b"more".to_vec(), vec![0; 508]].concat();
    assert_refused!(refused(&conda::tar_bz2_name(), &write::bz2(&inside)), Refusal::DataAfter { .. });
    let behind = [conda::tar_bz2(&entries), b"more".to_vec()].concat();
    assert_refused!(refused(&conda::tar_bz2_name(), &behind), Refusal::DataAfter { .. });
    let behind = [sdist(&sdist_entries(METADATA)), b"more".to_vec()].concat();
    assert_refused!(refused(SDIST, &behind), Refusal::DataAfter { .. });
    let twice = [sdist(&sdist_entries(METADATA)), sdist(&sdist_entries(METADATA))].concat();
    assert_refused!(refused(SDIST, &twice), Refusal::DataAfter { .. });
}

#[test]
fn half_bodies_and_other_formats_are_refused() {
    let good = sdist(&sdist_entries(METADATA));
    for end in 0..good.len() {
        refused(SDIST, &good[..end]);
    }
    let good = conda::tar_bz2(&conda::info());
    for end in 0..good.len() {
        refused(&conda::tar_bz2_name(), &good[..end]);
    }
    let entries = sdist_entries(METADATA).concat();
    assert_refused!(refused(SDIST, &write::gz(&entries)), Refusal::CutOff { .. });
    assert_refused!(refused(SDIST, b"not gzip at all"), Refusal::Damaged { .. });
    assert_refused!(refused(SDIST, &write::gz(&[b'x'; 2048])), Refusal::Damaged { .. });
}

#[test]
fn bombs_are_stopped_while_they_unpack() {
    let limits = Limits { density_free_bytes: 100_000, ..Limits::default() };
    let zeros = vec![0; 5_000_000];
    let bomb = [sdist_entries(METADATA), vec![write::file("leaf_pkg-1.0/bomb", &zeros)]].concat();
    assert_refused!(refused_under(SDIST, &sdist(&bomb), &limits), Refusal::Density { ratio: 200 });
    let bomb = [conda::info(), vec![write::file("bomb", &zeros)]].concat();
    assert_refused!(
        refused_under(&conda::tar_bz2_name(), &conda::tar_bz2(&bomb), &limits),
        Refusal::Density { .. }
    );
    let bomb = conda::conda(&conda::info(), &[write::file("bomb", &zeros)]);
    assert_refused!(refused_under(&conda::conda_name(), &bomb, &limits), Refusal::Density { .. });
    let limits = Limits { unpacked_bytes: 1_000_000, ..Limits::default() };
    assert_refused!(refused_under(&conda::conda_name(), &bomb, &limits), Refusal::Unpacked { .. });
    // Zeros behind the end marker unpack as well.
    let padded = write::gz(&[write::archive(&sdist_entries(METADATA)), zeros].concat());
    assert_refused!(refused_under(SDIST, &padded, &limits), Refusal::Unpacked { .. });
}

#[test]
fn entries_are_counted_over_both_archives_of_a_conda_file() {
    let limits = Limits { entries: 5, ..Limits::default() };
    let bytes = conda::conda(&conda::info(), &conda::payload());
    // Three members, two entries in info, one in pkg.
    assert_refused!(refused_under(&conda::conda_name(), &bytes, &limits), Refusal::Entries { limit: 5 });
    assert!(crate::archive::look(&conda::conda_name(), &bytes, &Limits { entries: 6, ..limits }).is_ok());
}
