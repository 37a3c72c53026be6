//! Histories of one package.

use names::{CondaName, PlainName, PlainVersion, ProjectName, Subdir};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// A file whose id and bytes are one number.
fn file(filename: &str, bytes: u8, detail: Detail) -> File {
    let subdir = match &detail {
        Detail::Conda { facts, .. } => facts.subdir.to_string(),
        Detail::Python { .. } => String::new(),
        Detail::Plain(facts) => facts.place(),
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
        labels: Labels::new(),
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
        let history = publish(None, first.clone(), false, &Labels::new()).unwrap();
        let again = File { id: ArtifactId(Uuid::from_u128(9)), ..first.clone() };
        assert_eq!(publish(after(&history).as_ref(), again, true, &Labels::new()), Ok(vec![]));
        assert_eq!(after(&history).unwrap().id(&first.place), Some(first.id));
    }
}

#[test]
fn a_conda_file_is_replaced_only_by_force() {
    let history = publish(None, conda("noarch", 1), false, &Labels::new()).unwrap();
    let state = after(&history);
    assert!(matches!(
        publish(state.as_ref(), conda("noarch", 2), false, &Labels::new()),
        Err(Refusal::CondaExists(_))
    ));
    let events = publish(state.as_ref(), conda("noarch", 2), true, &Labels::new()).unwrap();
    assert!(matches!(&events[..], [Event::Removed { .. }, Event::Published(_)]));
    let state = events.into_iter().fold(state, evolve);
    assert_eq!(state.unwrap().id(&conda("noarch", 2).place), Some(conda("noarch", 2).id));
}

fn notebook(bytes: u8) -> File {
    let facts = Plain {
        kind: PackageKind::Notebook,
        name: PlainName::parse("a").unwrap(),
        version: PlainVersion::parse("1").unwrap(),
        summary: String::new(),
    };
    file("a.ipynb", bytes, Detail::Plain(facts))
}

#[test]
fn a_notebook_is_replaced_only_by_force() {
    let none = Labels::new();
    let history = publish(None, notebook(1), false, &none).unwrap();
    let state = after(&history);
    assert!(matches!(publish(state.as_ref(), notebook(2), false, &none), Err(Refusal::PlainExists(_))));
    let events = publish(state.as_ref(), notebook(2), true, &none).unwrap();
    assert!(matches!(&events[..], [Event::Removed { .. }, Event::Published(_)]));
}

#[test]
fn one_file_name_stands_in_many_subdirs() {
    let history = publish(None, conda("noarch", 1), false, &Labels::new()).unwrap();
    assert_eq!(
        publish(after(&history).as_ref(), conda("linux-64", 2), false, &Labels::new()).unwrap().len(),
        1
    );
}

#[test]
fn a_python_file_name_stands_for_its_bytes_for_ever() {
    let wheel = |bytes| python("a-1.0-py3-none-any.whl", bytes);
    let mut history = publish(None, wheel(1), false, &Labels::new()).unwrap();
    assert!(matches!(
        publish(after(&history).as_ref(), wheel(2), true, &Labels::new()),
        Err(Refusal::PythonExists(_))
    ));
    history.extend(remove(after(&history).as_ref(), &wheel(1).place, &Labels::new()).unwrap());
    assert!(matches!(
        publish(after(&history).as_ref(), wheel(2), true, &Labels::new()),
        Err(Refusal::NameUsed(_))
    ));
    assert_eq!(publish(after(&history).as_ref(), wheel(1), false, &Labels::new()).unwrap().len(), 1);
}

#[test]
fn a_version_has_one_sdist_at_a_time() {
    let (first, second) = (python("a-1.0.tar.gz", 1), python("A-1.0.tar.gz", 2));
    let mut history = publish(None, first.clone(), false, &Labels::new()).unwrap();
    assert!(matches!(
        publish(after(&history).as_ref(), second.clone(), false, &Labels::new()),
        Err(Refusal::SdistExists(_))
    ));
    history.extend(remove(after(&history).as_ref(), &first.place, &Labels::new()).unwrap());
    assert!(publish(after(&history).as_ref(), second, false, &Labels::new()).is_ok());
}

#[test]
fn removing_twice_records_one_event() {
    let mut history = publish(None, conda("noarch", 1), false, &Labels::new()).unwrap();
    let place = conda("noarch", 1).place;
    history.extend(remove(after(&history).as_ref(), &place, &Labels::new()).unwrap());
    assert_eq!(remove(after(&history).as_ref(), &place, &Labels::new()), Ok(vec![]));
    assert!(matches!(remove(None, &place, &Labels::new()), Err(Refusal::NotFound(_))));
}

fn labels<const N: usize>(names: [&str; N]) -> Labels {
    names.map(|name| LabelName::parse(name).unwrap()).into()
}

/// The labels of the one file of `conda("noarch", 1)`.
fn borne(state: Option<&Artifacts>) -> Labels {
    state.unwrap().slots[&conda("noarch", 1).place].labels.clone()
}

#[test]
fn a_file_without_labels_is_under_main_and_others_come_and_go() {
    let none = Labels::new();
    let place = conda("noarch", 1).place;
    let mut history = publish(None, conda("noarch", 1), false, &none).unwrap();
    assert_eq!(borne(after(&history).as_ref()), labels(["main"]));
    let dev = labels(["dev"]);
    history.extend(label(after(&history).as_ref(), &place, (&dev, &none), &none).unwrap());
    assert_eq!(borne(after(&history).as_ref()), labels(["dev", "main"]));
    assert_eq!(label(after(&history).as_ref(), &place, (&dev, &none), &none), Ok(vec![]));
    history
        .extend(label(after(&history).as_ref(), &place, (&none, &labels(["dev", "main"])), &none).unwrap());
    assert_eq!(borne(after(&history).as_ref()), none);
    assert!(matches!(label(None, &place, (&dev, &none), &none), Err(Refusal::NotFound(_))));
}

#[test]
fn the_same_bytes_under_another_label_bear_both() {
    let none = Labels::new();
    let mut history = publish(None, conda("noarch", 1), false, &none).unwrap();
    let again = File { labels: labels(["dev"]), ..conda("noarch", 1) };
    let events = publish(after(&history).as_ref(), again.clone(), false, &none).unwrap();
    assert!(matches!(&events[..], [Event::Labelled { .. }]));
    history.extend(events);
    assert_eq!(borne(after(&history).as_ref()), labels(["dev", "main"]));
    assert_eq!(publish(after(&history).as_ref(), again, false, &none), Ok(vec![]));
}

#[test]
fn a_locked_label_refuses_every_change() {
    let (none, locked) = (Labels::new(), labels(["main"]));
    let place = conda("noarch", 1).place;
    let history = publish(None, conda("noarch", 1), false, &none).unwrap();
    let state = after(&history);
    let refused = |result: Result<Vec<Event>, Refusal>| {
        assert_eq!(result, Err(Refusal::Locked(LabelName::main())));
    };
    refused(publish(None, conda("noarch", 1), false, &locked));
    refused(publish(state.as_ref(), conda("noarch", 2), true, &locked));
    refused(publish(state.as_ref(), File { labels: labels(["dev"]), ..conda("noarch", 2) }, true, &locked));
    refused(remove(state.as_ref(), &place, &locked));
    refused(label(state.as_ref(), &place, (&none, &labels(["main"])), &locked));
    assert!(label(state.as_ref(), &place, (&labels(["dev"]), &none), &locked).is_ok());
    assert!(publish(None, File { labels: labels(["dev"]), ..conda("noarch", 3) }, false, &locked).is_ok());
}

#[test]
fn labels_of_one_file_are_limited_at_the_edge() {
    let none = Labels::new();
    let many = |count: usize| {
        let names = (0..count).map(|number| LabelName::parse(&format!("l{number}")).unwrap());
        File { labels: names.collect(), ..conda("noarch", 1) }
    };
    assert!(publish(None, many(MAX_LABELS), false, &none).is_ok());
    let refused = |result| assert!(matches!(result, Err(Refusal::TooManyLabels(_))));
    refused(publish(None, many(MAX_LABELS + 1), false, &none));
    let history = publish(None, many(MAX_LABELS), false, &none).unwrap();
    let place = conda("noarch", 1).place;
    refused(label(after(&history).as_ref(), &place, (&labels(["one-more"]), &none), &none));
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
                true => remove(state.as_ref(), &file.place, &Labels::new()),
                false => publish(state.as_ref(), file, force, &Labels::new()),
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

#[test]
fn a_file_moves_once_and_only_to_where_it_may_stand() {
    let none = Labels::new();
    let source = after(&publish(None, conda("noarch", 1), false, &none).unwrap());
    let go = |source: &Option<Artifacts>, target: &Option<Artifacts>, file: File| {
        relocate((source.as_ref(), &none), (target.as_ref(), &none), file, false)
    };
    let (come, gone) = go(&source, &None, conda("noarch", 1)).unwrap();
    assert!(matches!((&come[..], &gone[..]), ([Event::Published(_)], [Event::Removed { .. }])));
    let moved = gone.into_iter().fold(source.clone(), evolve);
    let target = come.into_iter().fold(None, evolve);
    assert_eq!(go(&moved, &target, conda("noarch", 1)), Ok((vec![], vec![])), "a repeat records nothing");

    // Removed and not there, removed and something else there, never been there.
    let other = after(&publish(None, conda("noarch", 2), false, &none).unwrap());
    for target in [&None, &other] {
        assert!(matches!(go(&moved, target, conda("noarch", 1)), Err(Refusal::NotFound(_))));
    }
    assert!(matches!(go(&None, &target, conda("noarch", 1)), Err(Refusal::NotFound(_))));
    // Something else has the place, and nothing of the source is lost.
    assert!(matches!(go(&source, &other, conda("noarch", 1)), Err(Refusal::CondaExists(_))));
    // What was read of the source is not what is there now.
    assert!(matches!(go(&other, &None, conda("noarch", 1)), Err(Refusal::Replaced(_))));
    let locked = Labels::from([LabelName::main()]);
    for (kept, locked) in [(&locked, &none), (&none, &locked)] {
        let refused = relocate((source.as_ref(), kept), (None, locked), conda("noarch", 1), false);
        assert!(matches!(refused, Err(Refusal::Locked(_))));
    }
}

fn apply(side: &mut Option<Artifacts>, events: Vec<Event>) {
    *side = events.into_iter().fold(side.take(), evolve);
}

proptest! {
    /// Whatever was published and removed on either side before: a move that is not refused ends in the target alone, and
    /// a repeat of it records nothing.
    #[test]
    fn a_move_ends_in_the_target_alone(
        steps in prop::collection::vec((0..2_usize, 0..3_u8, 1..3_u8, any::<bool>()), 0..40)
    ) {
        let none = Labels::new();
        let mut sides: [Option<Artifacts>; 2] = [None, None];
        for (from, what, bytes, force) in steps {
            let (file, to) = (conda("noarch", bytes), 1 - from);
            match what {
                0 => {
                    let events = publish(sides[from].as_ref(), file, force, &none).unwrap_or_default();
                    apply(&mut sides[from], events);
                }
                1 => {
                    let events = remove(sides[from].as_ref(), &file.place, &none).unwrap_or_default();
                    apply(&mut sides[from], events);
                }
                _ => {
                    let go = |sides: &[Option<Artifacts>; 2]| {
                        let (source, target) = (sides[from].as_ref(), sides[to].as_ref());
                        relocate((source, &none), (target, &none), file.clone(), force)
                    };
                    let Ok((come, gone)) = go(&sides) else { continue };
                    apply(&mut sides[to], come);
                    apply(&mut sides[from], gone);
                    prop_assert!(sides[to].as_ref().is_some_and(|to| to.holds(&file.place, &file.sha256)));
                    prop_assert_eq!(sides[from].as_ref().and_then(|from| from.id(&file.place)), None);
                    prop_assert_eq!(go(&sides), Ok((vec![], vec![])));
                }
            }
        }
    }
}
