//! What is taken, and what is read from it.

use ::tar::EntryType;
use catalog::inspect::{Facts, FileType, Inspected, Limits};
use serde_json::{Value, json};

use crate::archive::{NOW_MS, conda, look, look_at, python, tar, zip};

fn taken(filename: &str, bytes: &[u8]) -> Inspected {
    look(filename, bytes, &Limits::default()).unwrap_or_else(|refusal| panic!("{filename}: {refusal}"))
}

fn conda_facts(inspected: Inspected) -> catalog::inspect::Conda {
    match inspected.facts {
        Facts::Conda(facts) => facts,
        Facts::Python(_) | Facts::Plain(_) => panic!("it is a conda package"),
    }
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn both_conda_formats_give_the_same_facts() {
    let new = taken(&conda::conda_name(), &conda::conda(&conda::info(), &conda::payload()));
    let old = taken(&conda::tar_bz2_name(), &conda::tar_bz2(&[conda::info(), conda::payload()].concat()));
    assert_eq!(new, old);
    assert_eq!(new.warnings, Vec::<String>::new());
    let facts = conda_facts(new);
    assert_eq!((facts.subdir.as_str(), facts.name.as_str(), facts.build_number), ("linux-64", "tiny", 0));
    // conda-index leaves out arch and platform.
    let record = json!({
        "build": "h0_0", "build_number": 0, "depends": ["python >=3.8"], "license": "MIT", "name": "tiny",
        "subdir": "linux-64", "timestamp": 1_700_000_000_000_u64, "version": "1.0",
    });
    assert_eq!(json_of(&facts.record_json), record);
    assert_eq!(facts.run_exports_json, b"{}");
    assert_eq!(json_of(&facts.channeldata_json), json!({"license": "MIT"}));
}

#[test]
fn documents_around_the_index_are_read_as_conda_index_reads_them() {
    let recipe =
        "package: {name: tiny}\nsource: {url: https://x/t.tar.gz, sha256: ab}\nabout: {summary: no}\n";
    let about = json!({"summary": " two\nlines ", "home": "https://h", "license": "GPL", "tags": ["t"], "dev_url": null});
    let paths = json!({"paths": [{"_path": "bin/x", "prefix_placeholder": "/p", "file_mode": "text"}]});
    let info = [
        tar::file("info/index.json", conda::index(json!({}))),
        tar::file("info/paths.json", paths.to_string()),
        tar::file("info/about.json", about.to_string()),
        tar::file("info/recipe/meta.yaml", recipe),
        tar::file("info/meta.yaml", "source: {url: other}"),
        tar::file("info/run_exports.json", r#"["tiny >=1"]"#),
    ];
    let facts = conda_facts(taken(&conda::conda_name(), &conda::conda(&info, &conda::payload())));
    assert_eq!(json_of(&facts.run_exports_json), json!({"weak": ["tiny >=1"]}));
    let expected = json!({
        "summary": "two lines", "home": "https://h", "license": "MIT", "source_url": "https://x/t.tar.gz",
        "tags": ["t"], "text_prefix": true,
    });
    assert_eq!(json_of(&facts.channeldata_json), expected);
}

#[test]
fn run_exports_in_yaml_count_when_there_are_none_in_json() {
    let info = [conda::info(), vec![tar::file("info/run_exports.yaml", "strong:\n  - tiny >=1\n")]].concat();
    let facts = conda_facts(taken(&conda::conda_name(), &conda::conda(&info, &conda::payload())));
    assert_eq!(json_of(&facts.run_exports_json), json!({"strong": ["tiny >=1"]}));
}

#[test]
fn an_old_package_without_paths_is_taken_with_a_warning() {
    let entries = [tar::file("info/index.json", conda::index(json!({})))];
    let warnings = taken(&conda::tar_bz2_name(), &conda::tar_bz2(&entries)).warnings;
    assert!(warnings[0].contains("paths.json"), "{warnings:?}");
}

#[test]
fn a_package_without_a_subdir_takes_the_addresss_with_a_warning() {
    let entries = [tar::file("info/index.json", conda::index(json!({"subdir": null}))), conda::paths()];
    let bytes = conda::tar_bz2(&entries);
    let inspected = look_at(&conda::tar_bz2_name(), &bytes, &Limits::default(), Some("noarch"), ("", ""));
    let inspected = inspected.unwrap();
    assert_eq!(inspected.warnings.len(), 1);
    assert_eq!(conda_facts(inspected).subdir.as_str(), "noarch");
}

#[test]
fn members_with_64_bit_headers_are_read() {
    let mut members = conda::members(&conda::info(), &conda::payload());
    members.iter_mut().for_each(|member| member.wide = true);
    taken(&conda::conda_name(), &zip::archive(&members));
}

#[test]
fn an_archive_with_64_bit_numbers_everywhere_is_read() {
    let members = conda::members(&conda::info(), &conda::payload());
    taken(&conda::conda_name(), &zip::wide_archive(&members, 3));
}

#[test]
fn bzip2_in_several_streams_is_one_archive() {
    let whole = tar::archive(&[conda::info(), conda::payload()].concat());
    let (head, rest) = whole.split_at(700);
    taken(&conda::tar_bz2_name(), &[tar::bz2(head), tar::bz2(rest)].concat());
}

#[test]
fn links_that_stay_inside_and_long_names_are_taken() {
    let long = format!("lib/{}/x", "d".repeat(200));
    let pkg = [
        tar::file("lib/libz.so.1", "z"),
        tar::entry("lib/libz.so", EntryType::Symlink, "libz.so.1", b""),
        tar::entry("bin/z", EntryType::Symlink, "../lib/libz.so.1", b""),
        tar::entry("bin/hard", EntryType::Link, "lib/libz.so.1", b""),
        tar::entry("longlink", EntryType::GNULongName, "", format!("{long}\0").as_bytes()),
        tar::file("lib/short", ""),
        tar::pax(EntryType::XGlobalHeader, &[("comment", "from git")]),
        tar::pax(EntryType::XHeader, &[("path", &long.replace("/x", "/y")), ("mtime", "1.5")]),
        tar::file("lib/short", ""),
        tar::file("lib/short", ""),
    ];
    taken(&conda::conda_name(), &conda::conda(&conda::info(), &pkg));
}

#[test]
fn a_clock_that_is_an_hour_ahead_is_no_reason() {
    let ahead = NOW_MS + 3_600_000;
    let entries = [tar::file("info/index.json", conda::index(json!({"timestamp": ahead}))), conda::paths()];
    taken(&conda::tar_bz2_name(), &conda::tar_bz2(&entries));
}

#[test]
fn a_wheels_metadata_is_kept_byte_for_byte() {
    let Facts::Python(facts) = taken(python::WHEEL, &python::wheel(python::METADATA)).facts else {
        panic!("it is a wheel")
    };
    assert_eq!(facts.metadata.as_deref(), Some(python::METADATA.as_bytes()));
    assert_eq!((facts.filetype, facts.name.as_str()), (FileType::Wheel, "leaf-pkg"));
    assert_eq!((facts.project.as_str(), facts.version.as_str()), ("Leaf.Pkg", "1.0"));
    assert_eq!((facts.requires_python.as_str(), facts.summary.as_str()), (">=3.8", "A leaf"));
}

#[test]
fn an_sdist_with_a_nested_pkg_info_is_read_at_its_top() {
    let nested = tar::file("leaf_pkg-1.0/leaf.egg-info/PKG-INFO", "Name: other\n");
    let folder = tar::entry("leaf_pkg-1.0/", EntryType::Directory, "", b"");
    let entries = [vec![folder, nested], python::sdist_entries(python::METADATA)].concat();
    let Facts::Python(facts) = taken(python::SDIST, &python::sdist(&entries)).facts else {
        panic!("it is an sdist")
    };
    assert_eq!((facts.filetype, facts.name.as_str(), facts.metadata), (FileType::Sdist, "leaf-pkg", None));
}

#[test]
fn what_the_form_says_in_another_spelling_holds() {
    let bytes = python::wheel(python::METADATA);
    look_at(python::WHEEL, &bytes, &Limits::default(), None, ("leaf-pkg", "1.0.0")).unwrap();
}
