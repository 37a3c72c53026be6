//! Rows of every table, for the statements to save and to find.

use std::collections::{BTreeMap, BTreeSet};

use names::{
    AccountId, ArtifactId, ChannelId, EventId, GroupId, LabelName, Level, PackageId, PackageKind, Privacy,
    Scope, Subject, TokenId,
};
use readmodel::{
    ArtifactRow, FileType, HistoryRow, Stream,
    write::{AccountRow, ChannelRow, GroupRow, Keys, PackageRow, ParkedRow, Rows, TokenRow},
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

pub(crate) const NOON: OffsetDateTime = datetime!(2026-11-21 12:00:00.123456 UTC);

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn conda(n: u128, name: &str) -> ArtifactRow {
    ArtifactRow {
        artifact_id: ArtifactId(id(n)),
        package_id: PackageId(id(5)),
        channel_id: ChannelId(id(3)),
        kind: PackageKind::Conda,
        name: name.into(),
        subdir: "linux-64".into(),
        filename: format!("{name}-1.0-{n}.conda"),
        version: "1.0".into(),
        build: format!("h{n}_0"),
        build_number: 7,
        sha256: [1; 32],
        md5: [2; 16],
        size: 1 << 40,
        record_json: r#"{"name":"a"}"#.into(),
        run_exports_json: "{}".into(),
        channeldata_json: "{}".into(),
        indexed_timestamp_ms: 1_700_000_000_000,
        filetype: None,
        project: String::new(),
        requires_python: String::new(),
        metadata_sha256: None,
        metadata_size: 0,
        summary: String::new(),
        uploaded_at: NOON,
        seq: 11,
        authz_seq: 4,
        labels: ["dev", "main"].map(|label| LabelName::parse(label).unwrap()).into(),
    }
}

pub(crate) fn wheel() -> ArtifactRow {
    ArtifactRow {
        package_id: PackageId(id(6)),
        kind: PackageKind::Pypi,
        name: "leaf-pkg".into(),
        subdir: String::new(),
        filename: "Leaf.Pkg-1.0-py3-none-any.whl".into(),
        filetype: Some(FileType::Wheel),
        project: "Leaf.Pkg".into(),
        requires_python: ">=3.9".into(),
        metadata_sha256: Some([9; 32]),
        metadata_size: 99,
        summary: "a leaf".into(),
        ..conda(20, "leaf")
    }
}

pub(crate) fn full() -> Rows {
    let files = [conda(10, "b"), conda(11, "a.c"), wheel()];
    Rows {
        accounts: BTreeMap::from([(
            AccountId(id(1)),
            AccountRow {
                kind: "organisation".into(),
                admin: true,
                disabled: false,
                owners: BTreeSet::from([AccountId(id(90)), AccountId(id(91))]),
                created_at: NOON,
                seq: 1,
            },
        )]),
        tokens: BTreeMap::from([(
            TokenId(id(2)),
            TokenRow {
                owner_id: AccountId(id(1)),
                kind: "resource".into(),
                name: "ci".into(),
                description: "ünï".into(),
                maker_token_id: Some(TokenId(id(92))),
                issued_at: NOON,
                expires_at: NOON,
                revoked_at: None,
                grants: BTreeMap::from([(ChannelId(id(3)), Level::Write), (ChannelId(id(4)), Level::Read)]),
                scopes: [Scope::CondaDownload, Scope::Repos].into(),
                reissued_at: Some(NOON),
                seq: 2,
            },
        )]),
        channels: BTreeMap::from([(
            ChannelId(id(3)),
            ChannelRow {
                name: "acme".into(),
                owner_id: AccountId(id(1)),
                privacy: Privacy::Private,
                description: "d".into(),
                parent_id: Some(ChannelId(id(8))),
                grants: BTreeMap::from([
                    (Subject::Account(AccountId(id(1))), Level::Write),
                    (Subject::Account(AccountId(id(91))), Level::Read),
                    (Subject::Group(GroupId(id(1))), Level::Manage),
                ]),
                created_at: NOON,
                deleted_at: Some(NOON),
                seq: 3,
            },
        )]),
        packages: packages(),
        groups: groups(),
        files: files.into_iter().map(|row| (row.key(), row)).collect(),
        parked: BTreeMap::from([(
            "evt.catalog.x.conda.y".into(),
            ParkedRow { seq: 9, reason: "because".into() },
        )]),
        applied: BTreeMap::from([((Stream::Catalog, EventId(id(70))), 11)]),
        history: vec![history(1), history(2)],
    }
}

pub(crate) fn groups() -> BTreeMap<GroupId, GroupRow> {
    BTreeMap::from([(
        GroupId(id(7)),
        GroupRow {
            organisation_id: AccountId(id(1)),
            name: "Ops".into(),
            description: "ünï".into(),
            level: Level::Write,
            members: BTreeSet::from([AccountId(id(90)), AccountId(id(91))]),
            created_at: NOON,
            deleted_at: None,
            seq: 5,
        },
    )])
}

pub(crate) fn packages() -> BTreeMap<PackageId, PackageRow> {
    BTreeMap::from([(
        PackageId(id(5)),
        PackageRow {
            channel_id: ChannelId(id(3)),
            kind: PackageKind::Conda,
            name: "a.c".into(),
            private: true,
            grants: BTreeMap::from([(Subject::Group(GroupId(id(7))), Level::Read)]),
            created_at: NOON,
            deleted_at: Some(NOON),
            seq: 4,
        },
    )])
}

pub(crate) fn history(part: i32) -> HistoryRow {
    HistoryRow {
        channel_id: ChannelId(id(3)),
        stream: "CATALOG".into(),
        seq: 11,
        part,
        at: NOON,
        actor_account: Some(AccountId(id(1))),
        actor_token: None,
        actor_system: String::new(),
        event: "artifact_published".into(),
        summary_json: "{}".into(),
    }
}

pub(crate) fn keys_of(rows: &Rows) -> Keys {
    Keys {
        accounts: rows.accounts.keys().copied().collect(),
        tokens: rows.tokens.keys().copied().collect(),
        channels: rows.channels.keys().copied().collect(),
        packages: rows.packages.keys().copied().collect(),
        groups: rows.groups.keys().copied().collect(),
        files: rows.files.keys().cloned().collect(),
        subjects: rows.parked.keys().cloned().collect(),
        events: rows.applied.keys().copied().collect(),
    }
}
