//! Every stored event of auth, as bytes. They are never edited, only added: what was written once must be read for ever,
//! and this version must write the same. A missing file is written when GOLDEN_WRITE is set.
#![expect(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::path::Path;

use auth::domain::account::{self, Created, Kind, Sealed};
use auth::domain::{name, role, token};
use auth::events::{self, login, owner, time_of};
use names::{
    AccountId, ChannelId, GroupId, Level, RoleCategory, RoleId, RoleLevels, RoleName, Scope, Subject,
    TokenId, TokenName,
};
use prost::Message as _;
use proto::event::v1::Event;
use time::macros::datetime;
use uuid::Uuid;

// Made at 2026-11-20T12:00:00Z, which is what their first 48 bits say.
const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0001));
const OWNER: AccountId = AccountId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0002));
const TOKEN: TokenId = TokenId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0003));
const MAKER: TokenId = TokenId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0004));
const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0005));

fn sealed(byte: u8) -> Sealed {
    Sealed(vec![byte; 44])
}

fn person() -> Created {
    Created {
        account: ACCOUNT,
        kind: Kind::Person,
        created_at: time_of(ACCOUNT.0),
        login: sealed(1),
        password: Some(sealed(2)),
        admin: true,
        owners: vec![],
    }
}

fn resource() -> token::Issued {
    let ends_at = datetime!(2027-11-20 12:00 UTC);
    token::Issued {
        token: TOKEN,
        owner: ACCOUNT,
        kind: token::Kind::Resource,
        name: TokenName::parse("ci").unwrap(),
        description: "nightly builds".into(),
        issued_at: time_of(TOKEN.0),
        expires_at: ends_at,
        secrets: vec![token::Secret { sha256: [7; 32], ends_at }],
        grants: vec![
            token::Grant { channel: CHANNEL, level: Level::Read },
            token::Grant { channel: ChannelId(Uuid::nil()), level: Level::Manage },
        ],
        scopes: vec![],
        maker: Some(MAKER),
        from: None,
    }
}

fn scoped() -> token::Issued {
    let scopes = vec![Scope::TokenEdit, Scope::CondaDownload];
    let (kind, from) = (token::Kind::Scoped, Some(sealed(4)));
    token::Issued { kind, grants: vec![], scopes, from, ..resource() }
}

fn owner_events() -> Vec<(&'static str, account::Event)> {
    let organisation =
        Created { kind: Kind::Organisation, password: None, admin: false, owners: vec![OWNER], ..person() };
    let session = token::Issued { kind: token::Kind::Session, grants: vec![], maker: None, ..resource() };
    vec![
        ("account_created_person", account::Event::Created(person())),
        ("account_created_organisation", account::Event::Created(organisation)),
        ("password_changed", account::Event::PasswordChanged { account: ACCOUNT, password: sealed(3) }),
        ("account_disabled", account::Event::Disabled { account: ACCOUNT, reason: "left".into() }),
        ("account_enabled", account::Event::Enabled { account: ACCOUNT }),
        ("token_issued_resource", account::Event::Token(token::Event::Issued(resource()))),
        ("token_issued_session", account::Event::Token(token::Event::Issued(session))),
        (
            "token_revoked",
            account::Event::Token(token::Event::Revoked {
                token: TOKEN,
                reason: "leaked".into(),
                from: None,
            }),
        ),
    ]
}

fn later_events() -> Vec<(&'static str, account::Event)> {
    let ends_at = datetime!(2028-11-20 12:00 UTC);
    let robot =
        Created { kind: Kind::ServiceAccount, password: None, admin: false, owners: vec![OWNER], ..person() };
    let from = || Some(sealed(5));
    let edited = token::Event::Edited {
        token: TOKEN,
        name: TokenName::parse("nightly").unwrap(),
        description: "renamed".into(),
        expires_at: ends_at,
        from: from(),
    };
    let reissued = token::Event::Reissued {
        token: TOKEN,
        secret: token::Secret { sha256: [8; 32], ends_at },
        older_end_at: datetime!(2026-11-21 12:00 UTC),
        expires_at: ends_at,
        from: from(),
    };
    let revoked = token::Event::Revoked { token: TOKEN, reason: "leaked".into(), from: from() };
    let token = account::Event::Token;
    vec![
        ("account_created_service_account", account::Event::Created(robot)),
        ("owners_changed", account::Event::OwnersChanged { account: ACCOUNT, owners: vec![OWNER, ACCOUNT] }),
        (
            "default_channel_changed",
            account::Event::DefaultChannelChanged { account: ACCOUNT, before: None, after: Some(CHANNEL) },
        ),
        ("token_issued_scoped", token(token::Event::Issued(scoped()))),
        ("token_edited", token(edited)),
        ("token_reissued", token(reissued)),
        ("token_overlap_ended", token(token::Event::OverlapEnded { token: TOKEN, from: from() })),
        ("token_expiry_warned", token(token::Event::ExpiryWarned { token: TOKEN, expires_at: ends_at })),
        ("token_revoked_from_somewhere", token(revoked)),
    ]
}

fn name_events() -> Vec<(&'static str, name::Event)> {
    let channel = name::Holder::Channel { channel: CHANNEL, owner: OWNER };
    vec![
        ("name_taken_by_account", name::Event::Taken(name::Holder::Account(ACCOUNT))),
        ("name_taken_by_channel", name::Event::Taken(channel)),
        ("name_released_by_account", name::Event::ReleasedByAccount(ACCOUNT)),
        ("name_released_by_channel", name::Event::ReleasedByChannel(CHANNEL)),
    ]
}

fn role_events() -> Vec<(&'static str, role::Event)> {
    let id = RoleId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0006));
    let group = GroupId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0007));
    let name = |name| RoleName::parse(name).unwrap();
    let before = RoleLevels::default().with(RoleCategory::Artifacts, Some(Level::Write));
    let holder = Subject::Account(ACCOUNT);
    vec![
        (
            "role_created",
            role::Event::Created {
                id,
                name: name("auditor"),
                description: "reads".into(),
                levels: RoleLevels::all(),
            },
        ),
        (
            "role_changed",
            role::Event::Changed {
                id,
                name: name("reader"),
                description: String::new(),
                before,
                after: RoleLevels::default(),
            },
        ),
        ("role_assigned", role::Event::Assigned { id, holder: Subject::Group(group) }),
        ("role_assigned_admin", role::Event::Assigned { id: RoleId::ADMIN, holder }),
        ("role_unassigned", role::Event::Unassigned { id, holder }),
        ("role_deleted", role::Event::Deleted { id }),
    ]
}

/// The stored bytes; they are made only where there are none.
fn golden(file: &str, encoded: &Event) -> Event {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{file}.hex"));
    if std::env::var_os("GOLDEN_WRITE").is_some() && !path.exists() {
        std::fs::write(&path, hex::encode(encoded.encode_to_vec()) + "\n").unwrap();
    }
    let stored = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; write it with GOLDEN_WRITE=1", path.display()));
    let bytes = hex::decode(stored.trim()).unwrap();
    assert_eq!(
        hex::encode(encoded.encode_to_vec()),
        stored.trim(),
        "{file}: this version writes other bytes"
    );
    Event::decode(bytes.as_slice()).unwrap()
}

#[test]
fn events_of_accounts_and_tokens_keep_their_bytes() {
    for (file, event) in owner_events().into_iter().chain(later_events()) {
        let stored = golden(file, &owner::encode(&event));
        assert_eq!(owner::decode(&stored), Ok(Some(event)), "{file}");
    }
}

#[test]
fn events_of_names_keep_their_bytes() {
    for (file, event) in name_events() {
        let stored = golden(file, &login::encode(&event));
        assert_eq!(login::decode(&stored), Ok(Some(event)), "{file}");
    }
}

#[test]
fn events_of_roles_keep_their_bytes() {
    for (file, event) in role_events() {
        let stored = golden(file, &events::role::encode(&event));
        assert_eq!(events::role::decode(&stored), Ok(Some(event)), "{file}");
    }
}

#[test]
fn ids_tell_when_they_were_made() {
    assert_eq!(time_of(ACCOUNT.0), datetime!(2026-11-20 12:00 UTC));
}

#[test]
fn what_cannot_stand_in_a_subject_is_an_error_and_not_skipped() {
    let named = login::encode(&name_events().remove(0).1);
    let owned = owner::encode(&owner_events().remove(0).1);
    assert!(owner::decode(&named).is_err());
    assert!(events::role::decode(&owned).is_err());
    assert!(owner::decode(&events::role::encode(&role_events().remove(0).1)).is_err());
    assert!(login::decode(&owned).is_err());
    assert!(owner::decode(&Event { event: None }).is_err());
}
