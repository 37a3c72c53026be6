//! One file for each kind of event that catalog has ever written, in the bytes of the release that wrote it first.
//!
//! Old bytes must decode, and what is written today must be the same bytes. These files are never edited, only added.

use catalog::domain::artifacts::{self, Detail, File, Metadata, Place};
use catalog::domain::{channel, group, name, package};
use catalog::events;
use catalog::inspect::{Conda, FileType, Plain, Python};
use names::{
    AccountId, ArtifactId, ChannelId, ChannelName, CondaName, GroupId, GroupName, Indexing, LabelName, Level,
    PackageId, PackageKind, PlainName, PlainVersion, Privacy, ProjectName, Subdir, Subject,
};
use prost::Message as _;
use proto::event::v1 as stored;
use uuid::Uuid;

const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
const OWNER: AccountId = AccountId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002));
const PACKAGE: PackageId = PackageId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0003));
const ARTIFACT: ArtifactId = ArtifactId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0004));
const PARENT: ChannelId = ChannelId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0006));
const GROUP: GroupId = GroupId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0005));

fn holds<E: std::fmt::Debug + PartialEq>(
    file: &str,
    event: &E,
    encode: fn(&E) -> stored::Event,
    decode: fn(&stored::Event) -> Result<Option<E>, String>,
) {
    let path = format!("{}/tests/golden/{file}.bin", env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let old = stored::Event::decode(golden.as_slice()).unwrap();
    assert_eq!(
        decode(&old).unwrap().as_ref(),
        Some(event),
        "{file}: what an older release wrote is read as it was meant"
    );
    // If this fails, the stored form has changed: add a new field beside the old ones, and a new golden file.
    assert_eq!(encode(event).encode_to_vec(), golden, "{file}: today's bytes are the released ones");
}

#[test]
fn events_about_channels() {
    let name = ChannelName::parse("acme").unwrap();
    let created = channel::Event::Created {
        id: CHANNEL,
        name: name.clone(),
        parent: None,
        owner: OWNER,
        privacy: Privacy::Private,
        description: "Packages of Acme".into(),
    };
    let below = channel::Event::Created {
        id: CHANNEL,
        name,
        parent: Some(PARENT),
        owner: OWNER,
        privacy: Privacy::Public,
        description: String::new(),
    };
    let described = channel::Event::Described { id: CHANNEL, description: "Other words".into() };
    let changed = channel::Event::PrivacyChanged {
        id: CHANNEL,
        before: Privacy::Private,
        after: Privacy::Authenticated,
    };
    let level = |subject, after| channel::Event::LevelChanged { id: CHANNEL, subject, before: None, after };
    let granted = level(Subject::Account(OWNER), Some(Level::Write));
    let granted_group = level(Subject::Group(GROUP), Some(Level::Manage));
    let label = LabelName::parse("dev").unwrap();
    let locked = channel::Event::LabelLockChanged { id: CHANNEL, label, locked: true };
    let frozen =
        channel::Event::IndexingChanged { id: CHANNEL, before: Indexing::Default, after: Indexing::Frozen };
    let deleted = channel::Event::Deleted { id: CHANNEL };
    for (file, event) in [
        ("channel_created", created),
        ("channel_created_below", below),
        ("channel_described", described),
        ("access_changed", changed),
        ("access_changed_account", granted),
        ("label_lock_changed", locked),
        ("indexing_changed", frozen),
        ("access_changed_group", granted_group),
        ("channel_deleted", deleted),
    ] {
        holds(file, &event, events::channel::encode, events::channel::decode);
    }
}

#[test]
fn events_about_names_and_packages() {
    let taken = name::Event::TakenByChannel { channel: CHANNEL, owner: OWNER };
    holds("name_taken", &taken, events::name::encode, events::name::decode);
    let released = name::Event::ReleasedByChannel(CHANNEL);
    holds("name_released", &released, events::name::encode, events::name::decode);
    let created = package::Event::Created {
        id: PACKAGE,
        channel: CHANNEL,
        kind: PackageKind::Conda,
        name: "tiny".into(),
        private: false,
    };
    holds("package_created", &created, events::package::encode, events::package::decode);
    let hidden = package::Event::PrivacyChanged { id: PACKAGE, private: true };
    let level = |subject| package::Event::LevelChanged {
        id: PACKAGE,
        subject,
        before: Some(Level::Read),
        after: None,
    };
    for (file, event) in [
        ("access_changed_package", hidden),
        ("access_changed_package_account", level(Subject::Account(OWNER))),
        ("access_changed_package_group", level(Subject::Group(GROUP))),
        ("package_deleted", package::Event::Deleted { id: PACKAGE }),
    ] {
        holds(file, &event, events::package::encode, events::package::decode);
    }
}

#[test]
fn events_about_groups() {
    let (name, description) = (GroupName::parse("Data-Science").unwrap(), "Who knows".to_owned());
    let created = group::Event::Created {
        id: GROUP,
        organisation: OWNER,
        name: name.clone(),
        description: description.clone(),
        level: Level::Write,
    };
    let changed = group::Event::Changed { id: GROUP, name, description, level: Level::Read };
    let members = group::Event::MembersChanged {
        id: GROUP,
        added: [OWNER].into(),
        removed: [AccountId(Uuid::from_u128(7))].into(),
    };
    for (file, event) in [
        ("group_created", created),
        ("group_changed", changed),
        ("group_members_changed", members),
        ("group_deleted", group::Event::Deleted { id: GROUP }),
    ] {
        holds(file, &event, events::group::encode, events::group::decode);
    }
}

fn published(subdir: &str, filename: &str, detail: Detail) -> artifacts::Event {
    artifacts::Event::Published(Box::new(file(subdir, filename, detail)))
}

fn file(subdir: &str, filename: &str, detail: Detail) -> File {
    File {
        id: ARTIFACT,
        package: PACKAGE,
        channel: CHANNEL,
        place: Place { subdir: subdir.into(), filename: filename.into() },
        sha256: [0xa5; 32],
        md5: [0x5a; 16],
        size_bytes: 12_345,
        detail,
        labels: [].into(),
    }
}

fn python(filetype: FileType, metadata: Option<Metadata>) -> Detail {
    let facts = Python {
        filetype,
        name: ProjectName::parse("Leaf.Pkg").unwrap(),
        project: "Leaf.Pkg".into(),
        version: "1.0".into(),
        release: "1.0".into(),
        requires_python: ">=3.8".into(),
        summary: "A leaf".into(),
        metadata: None,
    };
    Detail::Python { facts, metadata }
}

#[test]
fn events_about_files() {
    let conda = Detail::Conda {
        facts: Conda {
            subdir: Subdir::parse("linux-64").unwrap(),
            name: CondaName::parse("tiny").unwrap(),
            version: "1.0".into(),
            build: "h0_0".into(),
            build_number: 3,
            record_json: br#"{"build":"h0_0","name":"tiny"}"#.to_vec(),
            run_exports_json: br#"{"weak":["tiny >=1"]}"#.to_vec(),
            channeldata_json: br#"{"license":"MIT"}"#.to_vec(),
        },
        indexed_timestamp_ms: 1_795_219_200_000,
    };
    let metadata = Metadata { sha256: [0xc3; 32], size_bytes: 678 };
    let removed = artifacts::Event::Removed {
        id: ARTIFACT,
        place: Place { subdir: "linux-64".into(), filename: "tiny-1.0-h0_0.conda".into() },
    };
    let labels = ["dev", "rc1"].map(|label| LabelName::parse(label).unwrap());
    let notebook = Detail::Plain(Plain {
        kind: PackageKind::Notebook,
        name: PlainName::parse("notes").unwrap(),
        version: PlainVersion::parse("2026.11.25").unwrap(),
        summary: "a notebook of 2 cells".into(),
    });
    let labelled = artifacts::Event::Labelled {
        id: ARTIFACT,
        place: Place { subdir: "linux-64".into(), filename: "tiny-1.0-h0_0.conda".into() },
        labels: labels.clone().into(),
    };
    let under_labels = artifacts::Event::Published(Box::new(File {
        labels: labels.into(),
        ..file("", "leaf_pkg-1.0.tar.gz", python(FileType::Sdist, None))
    }));
    for (file, event) in [
        ("artifact_published_plain", published("notes/2026.11.25", "My Notes.ipynb", notebook)),
        ("labels_changed", labelled),
        ("artifact_published_labels", under_labels),
        ("artifact_published_conda", published("linux-64", "tiny-1.0-h0_0.conda", conda)),
        (
            "artifact_published_wheel",
            published("", "leaf_pkg-1.0-py3-none-any.whl", python(FileType::Wheel, Some(metadata))),
        ),
        ("artifact_published_sdist", published("", "leaf_pkg-1.0.tar.gz", python(FileType::Sdist, None))),
        ("artifact_removed", removed),
    ] {
        holds(file, &event, events::artifacts::encode, events::artifacts::decode);
    }
}
