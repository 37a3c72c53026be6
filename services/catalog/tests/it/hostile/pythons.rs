//! Wheels and sdists that contradict themselves.

use catalog::inspect::{Limits, Refusal};

use super::{assert_refused, refused};
use crate::archive::python::{METADATA, SDIST, WHEEL, sdist, sdist_entries, wheel, wheel_members};
use crate::archive::zip::{Member, archive};
use crate::archive::{look_at, tar};

fn changed(change: impl FnOnce(&mut Vec<Member>)) -> Refusal {
    let mut members = wheel_members(METADATA);
    change(&mut members);
    refused(WHEEL, &archive(&members))
}

fn metadata(from: &str, to: &str) -> Refusal {
    assert!(METADATA.contains(from));
    refused(WHEEL, &wheel(&METADATA.replacen(from, to, 1)))
}

#[test]
fn a_wheel_has_one_dist_info_with_its_three_files() {
    for (at, file) in [(1, "METADATA"), (2, "WHEEL"), (3, "RECORD")] {
        let refusal = changed(|members| drop(members.remove(at)));
        assert_refused!(refusal, Refusal::Missing(what) if what.ends_with(file));
    }
    assert_refused!(changed(|members| members.truncate(1)), Refusal::DistInfo { found: 0 });
    let second = Member::stored("other-1.0.dist-info/METADATA", METADATA);
    assert_refused!(changed(|members| members.push(second)), Refusal::DistInfo { found: 2 });
    let second = Member::stored("Leaf_Pkg-1.0.DIST-INFO/METADATA", METADATA);
    assert_refused!(changed(|members| members.push(second)), Refusal::DistInfo { found: 2 });
    let renamed = |members: &mut Vec<Member>| {
        for member in &mut members[1..] {
            member.name = String::from_utf8(member.name.clone())
                .unwrap()
                .replace("leaf_pkg-1.0", "leaf_pkg-1.1")
                .into();
        }
    };
    assert_refused!(changed(renamed), Refusal::OtherProject { .. });
    assert_refused!(
        changed(|members| members[2] = Member::stored("leaf_pkg-1.0.dist-info/WHEEL", "")),
        Refusal::Metadata { .. }
    );
    let version = "Wheel-Version: 2.0\n";
    assert_refused!(
        changed(|members| members[2] = Member::stored("leaf_pkg-1.0.dist-info/WHEEL", version)),
        Refusal::Metadata { .. }
    );
}

#[test]
fn names_and_versions_that_disagree_are_refused() {
    assert_refused!(metadata("Leaf.Pkg", "other"), Refusal::OtherProject { .. });
    assert_refused!(metadata("Version: 1.0", "Version: 1.1"), Refusal::OtherProject { .. });
    let form = |form| look_at(WHEEL, &wheel(METADATA), &Limits::default(), None, form).unwrap_err();
    assert_refused!(form(("other", "")), Refusal::Form { field: "name", .. });
    assert_refused!(form(("", "1.1")), Refusal::Form { field: "version", .. });
    assert_refused!(form(("", "x")), Refusal::Form { field: "version", .. });
}

#[test]
fn metadata_that_no_client_can_read_is_refused() {
    assert_refused!(metadata("Metadata-Version: 2.1\n", ""), Refusal::Metadata { .. });
    assert_refused!(metadata("Name: Leaf.Pkg\n", ""), Refusal::Metadata { .. });
    assert_refused!(metadata("Name: Leaf.Pkg\n", "Name: Leaf.Pkg\nName: other\n"), Refusal::Metadata { .. });
    assert_refused!(metadata("Name: Leaf.Pkg", "Name: Leaf Pkg"), Refusal::Metadata { .. });
    assert_refused!(metadata("Version: 1.0", "Version: one"), Refusal::Metadata { .. });
    assert_refused!(metadata(">=3.8", ">=3.8.*"), Refusal::Metadata { .. });
    assert_refused!(metadata("Summary: A leaf", "Requires-Dist: a b c"), Refusal::Metadata { .. });
    let mut latin = METADATA.replace('é', "e").into_bytes();
    latin.push(0xe9);
    let mut members = wheel_members(METADATA);
    members[1] = Member::stored("leaf_pkg-1.0.dist-info/METADATA", latin);
    assert_refused!(refused(WHEEL, &archive(&members)), Refusal::Metadata { .. });
}

#[test]
fn commands_that_leave_their_folder_or_replace_python_are_refused() {
    let entry_points = |text: &str| {
        changed(|members| {
            members.push(Member::stored("leaf_pkg-1.0.dist-info/entry_points.txt", text));
        })
    };
    assert_refused!(entry_points("[console_scripts]\n../../evil = a:b"), Refusal::Script(_));
    assert_refused!(entry_points("[gui_scripts]\npython3 = a:b"), Refusal::Script(_));
    let script = Member::stored("leaf_pkg-1.0.data/scripts/python", "");
    assert_refused!(changed(|members| members.push(script)), Refusal::Script(_));
}

#[test]
fn an_sdist_has_one_pkg_info_in_one_folder() {
    let with = |entry: Vec<u8>| refused(SDIST, &sdist(&[sdist_entries(METADATA), vec![entry]].concat()));
    assert_refused!(with(tar::file("leaf_pkg-1.0/PKG-INFO", METADATA)), Refusal::TwoPkgInfo);
    assert_refused!(with(tar::file("./leaf_pkg-1.0//PKG-INFO", METADATA)), Refusal::TwoPkgInfo);
    assert_refused!(with(tar::file("PKG-INFO", METADATA)), Refusal::TopFolder { .. });
    assert_refused!(with(tar::file("other-1.0/PKG-INFO", METADATA)), Refusal::TopFolder { .. });
    let without = [tar::file("leaf_pkg-1.0/x/PKG-INFO", METADATA)];
    assert_refused!(refused(SDIST, &sdist(&without)), Refusal::Missing(_));
    assert_refused!(refused(SDIST, &sdist(&[])), Refusal::Missing(_));
    let other = sdist_entries(&METADATA.replace("1.0", "1.1"));
    assert_refused!(refused(SDIST, &sdist(&other)), Refusal::OtherProject { .. });
    let linked = [tar::entry("leaf_pkg-1.0/PKG-INFO", ::tar::EntryType::Symlink, "x", b"")];
    assert_refused!(refused(SDIST, &sdist(&linked)), Refusal::Missing(_));
}

#[test]
fn other_kinds_of_file_are_refused() {
    for name in ["leaf_pkg-1.0.zip", "leaf_pkg-1.0.egg", "leaf_pkg-1.0.tgz", "leaf_pkg"] {
        assert_refused!(refused(name, b"x"), Refusal::FileName(_));
    }
}
