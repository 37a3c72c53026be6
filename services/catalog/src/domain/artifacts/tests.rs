//! Histories of one package.

use names::{CondaName, ProjectName, Subdir};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// A file whose id and bytes are one number.
fn file(filename: &str, bytes: u8, detail: Detail) -> File {
    let subdir = match &detail {
        Detail::Conda { facts, .. } => facts.subdir.to_string(),
        Detail::Python { .. } => String::new(),
    };
    File {
        id: ArtifactId(Uuid::from_u128(u128::from(bytes))),
        package: PackageId(Uuid::from_u128(100)),
        channel: ChannelId(Uuid::from_u128(200)),
        place: Place { subdir, filename: filename.into() },
        sha256: [bytes; 32],
        md5: [bytes; 16],
        size_bytes: u64::from(bytes),
        detail,
    }
}

fn conda(subdir: &str, bytes: u8) -> File {
    let facts = Conda {
        subdir: Subdir::parse(subdir).unwrap(),
        name: CondaName::parse("a").unwrap(),
        version: "1".into(),
        build: "0".into(),
        build_number: 0,
        record_json: b"{}".to_vec(),
        run_exports_json: b"{}".to_vec(),
        channeldata_json: b"{}".to_vec(),
    };
    file("a-1-0.conda", bytes, Detail::Conda { facts, indexed_timestamp_ms: 0 })
}

fn python(filename: &str, bytes: u8) -> File {
    let filetype = if filename.ends_with(".whl") { FileType::Wheel } else { FileType::Sdist };
    let facts = Python {
        filetype,
        name: ProjectName::parse("a").unwrap(),
        project: "A".into(),
        version: "1.0".into(),
        release: "1.0".into(),
        requires_python: String::new(),
        summary: String::new(),
        metadata: None,
    };
    file(filename, bytes, Detail::Python { facts, metadata: None })
}

fn after(history: &[Event]) -> Option<Artifacts> {
    history.iter().cloned().fold(None, evolve)
}

#[test]
fn the_same_bytes_again_record_nothing() {
    for first in [conda("noarch", 1), python("a-1.0.tar.gz", 1)] {
        let history = publish(None, first.clone(), false).unwrap();
        let again = File { id: ArtifactId(Uuid::from_u128(9)), ..first.clone() };
        assert_eq!(publish(after(&history).as_ref(), again, true), Ok(vec![]));
        assert_eq!(after(&history).unwrap().id(&first.place), Some(first.id));
    }
}

#[test]
fn a_conda_file_is_replaced_only_by_force() {
    let history = publish(None, conda("noarch", 1), false).unwrap();
    let state = after(&history);
    assert!(matches!(publish(state.as_ref(), conda("noarch", 2), false), Err(Refusal::CondaExists(_))));
    let events = publish(state.as_ref(), conda("noarch", 2), true).unwrap();
    assert!(matches!(&events[..], [Event::Removed { .. }, Event::Published(_)]));
    let state = events.into_iter().fold(state, evolve);
    assert_eq!(state.unwrap().id(&conda("noarch", 2).place), Some(conda("noarch", 2).id));
}

#[test]
fn one_file_name_stands_in_many_subdirs() {
    let history = publish(None, conda("noarch", 1), false).unwrap();
    assert_eq!(publish(after(&history).as_ref(), conda("linux-64", 2), false).unwrap().len(), 1);
}

#[test]
fn a_python_file_name_stands_for_its_bytes_for_ever() {
    let wheel = |bytes| python("a-1.0-py3-none-any.whl", bytes);
    let mut history = publish(None, wheel(1), false).unwrap();
    assert!(matches!(publish(after(&history).as_ref(), wheel(2), true), Err(Refusal::PythonExists(_))));
    history.extend(remove(after(&history).as_ref(), &wheel(1).place).unwrap());
    assert!(matches!(publish(after(&history).as_ref(), wheel(2), true), Err(Refusal::NameUsed(_))));
    assert_eq!(publish(after(&history).as_ref(), wheel(1), false).unwrap().len(), 1);
}

#[test]
fn a_version_has_one_sdist_at_a_time() {
    let (first, second) = (python("a-1.0.tar.gz", 1), python("A-1.0.tar.gz", 2));
    let mut history = publish(None, first.clone(), false).unwrap();
    assert!(matches!(publish(after(&history).as_ref(), second.clone(), false), Err(Refusal::SdistExists(_))));
    history.extend(remove(after(&history).as_ref(), &first.place).unwrap());
    assert!(publish(after(&history).as_ref(), second, false).is_ok());
}

#[test]
fn removing_twice_records_one_event() {
    let mut history = publish(None, conda("noarch", 1), false).unwrap();
    let place = conda("noarch", 1).place;
    history.extend(remove(after(&history).as_ref(), &place).unwrap());
    assert_eq!(remove(after(&history).as_ref(), &place), Ok(vec![]));
    assert!(matches!(remove(None, &place), Err(Refusal::NotFound(_))));
}

proptest! {
    /// Whatever is published, forced and removed, in whatever order: a Python file name has one digest for ever, and
    /// a version never has two sdists.
    #[test]
    fn python_names_keep_their_bytes(
        deeds in proptest::collection::vec((0_usize..3, 1_u8..4, any::<bool>(), any::<bool>()), 0..40),
    ) {
        let names = ["a-1.0.tar.gz", "A-1.0.tar.gz", "a-1.0-py3-none-any.whl"];
        let (mut state, mut bytes_of) = (None, HashMap::new());
        for (name, bytes, force, removes) in deeds {
            let file = python(names[name], bytes);
            let events = match removes {
                true => remove(state.as_ref(), &file.place),
                false => publish(state.as_ref(), file, force),
            };
            for event in events.unwrap_or_default() {
                if let Event::Published(file) = &event {
                    let first = bytes_of.entry(file.place.clone()).or_insert(file.sha256);
                    prop_assert_eq!(*first, file.sha256);
                }
                state = evolve(state, event);
            }
            let sdists = names[..2].iter().filter(|name| {
                let place = Place { subdir: String::new(), filename: (**name).into() };
                state.as_ref().is_some_and(|state: &Artifacts| state.id(&place).is_some())
            });
            prop_assert!(sdists.count() <= 1);
        }
    }
}
