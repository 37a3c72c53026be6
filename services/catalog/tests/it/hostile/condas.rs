//! conda packages that contradict themselves.

use catalog::inspect::{Limits, Refusal};
use serde_json::{Value, json};

use super::{assert_refused, refused, refused_under};
use crate::archive::{NOW_MS, conda, look_at, tar, zip};

fn changed(change: impl FnOnce(&mut Vec<zip::Member>)) -> Refusal {
    let mut members = conda::members(&conda::info(), &conda::payload());
    change(&mut members);
    refused(&conda::conda_name(), &zip::archive(&members))
}

fn index(changes: Value) -> Refusal {
    let entries = [tar::file("info/index.json", conda::index(changes)), conda::paths()];
    refused(&conda::tar_bz2_name(), &conda::tar_bz2(&entries))
}

#[test]
fn members_of_a_conda_file_are_the_three_and_stored() {
    assert_refused!(
        changed(|members| members[1] = zip::Member::deflated("info-tiny-1.0-h0_0.tar.zst", &members[1].data)),
        Refusal::NotStored { .. }
    );
    assert_refused!(changed(|members| members.truncate(2)), Refusal::Missing(_));
    assert_refused!(changed(|members| drop(members.remove(0))), Refusal::Missing(_));
    assert_refused!(changed(|members| drop(members.remove(1))), Refusal::Missing(_));
    assert_refused!(
        changed(|members| members[2].name = b"pkg-tiny-1.0-h1_0.tar.zst".to_vec()),
        Refusal::Stranger { .. }
    );
    assert_refused!(
        changed(|members| members.push(zip::Member::stored("evil.sh", ""))),
        Refusal::Stranger { .. }
    );
    assert_refused!(changed(|members| members.push(members[1].clone())), Refusal::Duplicate { .. });
    let nested = |members: &mut Vec<zip::Member>| {
        members.iter_mut().for_each(|member| member.name = [b"folder/", &member.name[..]].concat());
    };
    assert_refused!(changed(nested), Refusal::Stranger { .. });
    let version = |text: &str| changed(|members| members[0] = zip::Member::stored("metadata.json", text));
    assert_refused!(version(r#"{"conda_pkg_format_version": 3}"#), Refusal::FormatVersion(_));
    assert_refused!(version("{"), Refusal::Document { .. });
}

#[test]
fn the_inner_archives_end_where_they_say() {
    let behind = |data: &[u8]| {
        changed(|members| {
            let both = [&members[1].data[..], data].concat();
            members[1] = zip::Member::stored("info-tiny-1.0-h0_0.tar.zst", both);
        })
    };
    assert_refused!(behind(b"more"), Refusal::DataAfter { .. });
    // A second frame: conda would not see it, rattler would.
    assert_refused!(behind(&tar::zst(b"more")), Refusal::DataAfter { .. });
    assert_refused!(
        changed(|members| {
            let half = members[1].data[..20].to_vec();
            members[1] = zip::Member::stored("info-tiny-1.0-h0_0.tar.zst", half);
        }),
        Refusal::CutOff { .. } | Refusal::Damaged { .. }
    );
}

#[test]
fn info_and_payload_stay_apart() {
    let payload = [tar::file("info/index.json", conda::index(json!({"name": "other"})))];
    assert_refused!(
        refused(&conda::conda_name(), &conda::conda(&conda::info(), &payload)),
        Refusal::Duplicate { .. } | Refusal::Stranger { .. }
    );
    let payload = [tar::file("info/hooks.sh", "")];
    assert_refused!(
        refused(&conda::conda_name(), &conda::conda(&conda::info(), &payload)),
        Refusal::Stranger { .. }
    );
    let info = [conda::info(), conda::payload()].concat();
    assert_refused!(refused(&conda::conda_name(), &conda::conda(&info, &[])), Refusal::Stranger { .. });
    let twice = [conda::info(), conda::info()].concat();
    assert_refused!(refused(&conda::conda_name(), &conda::conda(&twice, &[])), Refusal::Duplicate { .. });
    assert_refused!(refused(&conda::tar_bz2_name(), &conda::tar_bz2(&conda::payload())), Refusal::Missing(_));
}

#[test]
fn names_and_versions_that_disagree_with_the_file_name_are_refused() {
    assert_refused!(index(json!({"name": "other"})), Refusal::Stem { .. });
    assert_refused!(index(json!({"version": "1.1"})), Refusal::Stem { .. });
    assert_refused!(index(json!({"build": "h1_0"})), Refusal::Stem { .. });
    let entries = [tar::file("info/index.json", conda::index(json!({}))), conda::paths()];
    let refusal = look_at(
        &conda::tar_bz2_name(),
        &conda::tar_bz2(&entries),
        &Limits::default(),
        Some("osx-64"),
        ("", ""),
    );
    assert_refused!(refusal.unwrap_err(), Refusal::Subdir { .. });
}

#[test]
fn an_index_that_no_client_can_read_is_refused() {
    for changes in [
        json!({"name": "Tiny"}),
        json!({"name": "x".repeat(65)}),
        json!({"name": 1}),
        json!({"version": null}),
        json!({"version": "1.0-1"}),
        json!({"version": "1!2!3"}),
        json!({"version": "1".repeat(65)}),
        json!({"build": ""}),
        json!({"build": "a/b"}),
        json!({"build_number": -1}),
        json!({"build_number": "0"}),
        json!({"build_number": 1_u64 << 63}),
        json!({"subdir": "linux-65"}),
        json!({"subdir": "../x"}),
        json!({"subdir": null}),
        json!({"depends": "python"}),
        json!({"depends": [1]}),
        json!({"depends": ["python >="]}),
        json!({"constrains": ["=="]}),
        json!({"timestamp": "soon"}),
    ] {
        assert_refused!(index(changes), Refusal::Index(_));
    }
    let text =
        |text: &str| refused(&conda::tar_bz2_name(), &conda::tar_bz2(&[tar::file("info/index.json", text)]));
    assert_refused!(text("{"), Refusal::Index(_));
    assert_refused!(text(&"[".repeat(100_000)), Refusal::Index(_));
}

#[test]
fn a_timestamp_in_the_future_is_refused() {
    const DAY_MS: i64 = 24 * 3_600_000;
    assert_refused!(index(json!({"timestamp": NOW_MS + DAY_MS + 1})), Refusal::FutureTimestamp(_));
    assert_refused!(index(json!({"timestamp": (NOW_MS + 2 * DAY_MS) / 1000})), Refusal::FutureTimestamp(_));
    assert_refused!(index(json!({"timestamp": i64::MAX})), Refusal::FutureTimestamp(_));
    assert_refused!(index(json!({"timestamp": 1e300})), Refusal::FutureTimestamp(_));
}

#[test]
fn documents_beside_the_index_are_checked_too() {
    let beside = |name: &str, text: &str| {
        let entries = [tar::file("info/index.json", conda::index(json!({}))), tar::file(name, text)];
        refused(&conda::tar_bz2_name(), &conda::tar_bz2(&entries))
    };
    assert_refused!(beside("info/paths.json", "{\"paths\": 1}"), Refusal::Document { .. });
    assert_refused!(beside("info/run_exports.json", "1"), Refusal::Document { .. });
    assert_refused!(beside("info/run_exports.json", r#"{"weak": "x"}"#), Refusal::Document { .. });
    assert_refused!(beside("info/run_exports.yaml", "a: 1\na: 2"), Refusal::Document { .. });
}

#[test]
fn facts_too_large_for_an_event_are_refused() {
    let limits = Limits { facts_bytes: 300, ..Limits::default() };
    let about = tar::file("info/about.json", json!({"description": "d".repeat(300)}).to_string());
    let entries = [conda::info(), vec![about]].concat();
    let bytes = conda::tar_bz2(&entries);
    assert_refused!(refused_under(&conda::tar_bz2_name(), &bytes, &limits), Refusal::FactsSize { .. });
    let limits = Limits { paths_bytes: 10, ..Limits::default() };
    assert_refused!(refused_under(&conda::tar_bz2_name(), &bytes, &limits), Refusal::MemberSize { .. });
}

#[test]
fn file_names_that_are_none_are_refused() {
    let bytes = conda::tar_bz2(&conda::info());
    for name in ["tiny.tar.bz2", "tiny-1.0.tar.bz2", "-1.0-0.tar.bz2", "tiny-1.0-.conda", ".tiny-1-0.conda"] {
        assert_refused!(refused(name, &bytes), Refusal::FileName(_));
    }
    assert_refused!(refused(&format!("{}-1.0-0.conda", "x".repeat(200)), &bytes), Refusal::FileName(_));
}
