//! Zip archives that two readers would read in two ways.

use catalog::inspect::{Limits, Refusal};

use super::{assert_refused, refused, refused_under};
use crate::archive::python::{METADATA, WHEEL, wheel, wheel_members};
use crate::archive::zip::{Member, archive, archive_with, wide_archive};

fn changed(change: impl FnOnce(&mut Vec<Member>)) -> Refusal {
    let mut members = wheel_members(METADATA);
    change(&mut members);
    refused(WHEEL, &archive(&members))
}

#[test]
fn bytes_around_the_archive_are_refused() {
    let good = wheel(METADATA);
    assert_refused!(refused(WHEEL, &[b"#!/bin/sh\n", &good[..]].concat()), Refusal::DataBefore);
    assert_refused!(refused(WHEEL, &[&good[..], b"more"].concat()), Refusal::DataAfter { .. });
    assert_refused!(refused(WHEEL, &[&good[..], &good[..]].concat()), Refusal::DataBefore);
    let commented = archive_with(&wheel_members(METADATA), b"", b"comment");
    assert_refused!(refused(WHEEL, &commented), Refusal::Comment);
    let gap = archive_with(&wheel_members(METADATA), b"hidden", b"");
    assert_refused!(refused(WHEEL, &gap), Refusal::Gap { .. });
    assert_refused!(changed(|members| members[0].comment = b"x".to_vec()), Refusal::Comment);
}

#[test]
fn what_is_no_zip_is_refused() {
    for bytes in [&b""[..], b"PK", b"<html>", &[0; 5000]] {
        assert_refused!(refused(WHEEL, bytes), Refusal::NotZip { .. });
    }
    let good = wheel(METADATA);
    for end in 1..good.len() {
        // A half body, wherever it is cut.
        refused(WHEEL, &good[..end]);
    }
}

#[test]
fn a_members_own_header_must_say_what_the_directory_says() {
    let disagrees = |change: fn(&mut Member)| changed(|members| change(&mut members[0]));
    assert_refused!(
        disagrees(|member| member.local_name = Some(b"leaf_pkg/__main__.py".to_vec())),
        Refusal::HeadersDisagree { field: "name", .. }
    );
    assert_refused!(
        disagrees(|member| member.local_size = Some(7)),
        Refusal::HeadersDisagree { field: "size", .. }
    );
    assert_refused!(
        disagrees(|member| member.extra = vec![0x75, 0x70, 1, 0, 1]),
        Refusal::HeadersDisagree { .. }
    );
    let mut bytes = wheel(METADATA);
    // The first member's own checksum.
    bytes[14] ^= 1;
    assert_refused!(refused(WHEEL, &bytes), Refusal::HeadersDisagree { field: "checksum", .. });
}

#[test]
fn a_64_bit_end_must_agree_with_itself_and_stand_where_it_is_said_to() {
    let members = wheel_members(METADATA);
    assert_refused!(refused(WHEEL, &wide_archive(&members, 3)), Refusal::Zip64);
    let good = wide_archive(&members, 4);
    assert_refused!(
        refused(WHEEL, &[&good[..good.len() - 42], &[0; 8], &good[good.len() - 42..]].concat()),
        Refusal::Zip64
    );
    assert_refused!(refused(WHEEL, &[b"#!", &good[..]].concat()), Refusal::Zip64);
}

#[test]
fn lying_sizes_and_checksums_are_refused() {
    let lies = |change: fn(&mut Member)| changed(|members| change(&mut members[0]));
    assert_refused!(lies(|member| member.size -= 1), Refusal::LyingSize { .. });
    assert_refused!(lies(|member| member.size += 1), Refusal::LyingSize { .. });
    assert_refused!(lies(|member| member.crc ^= 1), Refusal::Checksum { .. });
    assert_refused!(
        lies(|member| *member = Member { size: 3, ..Member::stored("a", "four") }),
        Refusal::LyingSize { .. }
    );
    assert_refused!(lies(|member| member.data.extend(b"behind")), Refusal::DataAfter { .. });
    assert_refused!(lies(|member| member.data = b"\xff\xff\xff".to_vec()), Refusal::Damaged { .. });
}

#[test]
fn names_that_lead_out_or_come_twice_are_refused() {
    let named = |name: &str| changed(|members| members.push(Member::stored(name, "x")));
    for name in ["../evil.py", "/etc/cron.d/evil", "a/../../evil", "C:/evil"] {
        assert_refused!(named(name), Refusal::Traversal { .. });
    }
    for name in ["..\\evil.py", "\\evil"] {
        assert_refused!(named(name), Refusal::Traversal { .. });
    }
    for name in ["a\\evil", "a//evil", "a\nevil", "", "é"] {
        assert_refused!(named(name), Refusal::MemberName { .. });
    }
    assert_refused!(named("leaf_pkg/__init__.py"), Refusal::Duplicate { .. });
    assert_refused!(named("leaf_pkg/./__init__.py"), Refusal::Duplicate { .. });
}

#[test]
fn members_that_are_no_plain_files_are_refused() {
    let first = |change: fn(&mut Member)| changed(|members| change(&mut members[0]));
    assert_refused!(first(|member| member.mode = 0o120_777), Refusal::ZipLink { .. });
    assert_refused!(first(|member| member.mode = 0o020_666), Refusal::Special { .. });
    assert_refused!(first(|member| member.flags = 1), Refusal::Encrypted { .. });
    assert_refused!(first(|member| member.flags = 8), Refusal::Descriptor { .. });
    assert_refused!(first(|member| member.method = 12), Refusal::Compression { method: 12, .. });
    assert_refused!(first(|member| member.name = b"folder/".to_vec()), Refusal::Special { .. });
}

#[test]
fn a_bomb_is_refused_by_what_it_declares_and_by_what_it_unpacks_to() {
    let limits = Limits { density_free_bytes: 100_000, ..Limits::default() };
    let mut members = wheel_members(METADATA);
    members.push(Member::deflated("bomb", &[0; 1_000_000]));
    assert_refused!(refused_under(WHEEL, &archive(&members), &limits), Refusal::Density { ratio: 50 });
    let limits = Limits { unpacked_bytes: 500_000, ..Limits::default() };
    assert_refused!(refused_under(WHEEL, &archive(&members), &limits), Refusal::Unpacked { .. });
    // It declares little, so that only reading shows what it is: reading stops right behind the lie.
    members.last_mut().unwrap().size = 10;
    assert_refused!(
        refused_under(WHEEL, &archive(&members), &limits),
        Refusal::LyingSize { declared: 10, .. }
    );
}

#[test]
fn limits_hold_at_their_edges() {
    let members = wheel_members(METADATA);
    let count = members.len() as u64;
    let within = Limits { entries: count, document_bytes: METADATA.len() as u64, ..Limits::default() };
    assert!(crate::archive::look(WHEEL, &archive(&members), &within).is_ok());
    let fewer = Limits { entries: count - 1, ..within.clone() };
    assert_refused!(refused_under(WHEEL, &archive(&members), &fewer), Refusal::Entries { .. });
    let shorter = Limits { document_bytes: METADATA.len() as u64 - 1, ..within };
    assert_refused!(refused_under(WHEEL, &archive(&members), &shorter), Refusal::MemberSize { .. });
}
