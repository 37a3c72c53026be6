//! Auth's aggregate and the access table fold the same events by code of their own. They must agree, whatever was
//! commanded, on which string opens anything.
#![expect(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::HashMap;

use access::{Caller, Credential, Row, SecretHash, Table};
use auth::domain::account::{self, Account, Command, Created, Kind, Sealed};
use auth::domain::token::{self, Bounds, Edit, Overlap, Reach, Reissue};
use auth::events::owner;
use names::{AccountId, Scope, TokenId, TokenName};
use proptest::prelude::*;
use proto::event::v1::{Actor, Envelope};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

const NOON: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
const ANN: AccountId = AccountId(Uuid::from_u128(1));

#[derive(Debug, Clone)]
enum Wish {
    Issue { hours: i32 },
    Edit { hours: i32 },
    Reissue { hours: Option<i32>, overlap: Option<i32> },
    EndOverlap,
    Revoke,
    Disable,
    Enable,
    Wait { hours: i32 },
}

/// A token's number and what to do with it.
fn step() -> impl Strategy<Value = (u8, Wish)> {
    let wish = prop_oneof![
        3 => (1..50).prop_map(|hours| Wish::Issue { hours }),
        3 => (1..50).prop_map(|hours| Wish::Edit { hours }),
        4 => (prop::option::of(1..50), prop::option::of(0..30))
            .prop_map(|(hours, overlap)| Wish::Reissue { hours, overlap }),
        2 => Just(Wish::EndOverlap),
        1 => Just(Wish::Revoke),
        1 => Just(Wish::Disable),
        2 => Just(Wish::Enable),
        2 => (1..10).prop_map(|hours| Wish::Wait { hours }),
    ];
    (0u8..4, wish)
}

fn command(number: u8, wish: &Wish, string: u8, now: OffsetDateTime) -> Command {
    let token = TokenId(Uuid::from_u128(100 + u128::from(number)));
    let after = |hours: i32| now + Duration::HOUR * hours;
    let bounds = Bounds { longest: Duration::days(365), reach: Reach::Full };
    let name = TokenName::parse(&format!("t{number}")).unwrap();
    let command = match *wish {
        Wish::Issue { hours } => {
            let ends_at = after(hours);
            let issued = token::Issued {
                token,
                owner: ANN,
                kind: token::Kind::Scoped,
                name,
                description: String::new(),
                issued_at: now,
                expires_at: ends_at,
                secrets: vec![token::Secret { sha256: [string; 32], ends_at }],
                grants: vec![],
                scopes: vec![Scope::Repos],
                maker: None,
                from: None,
            };
            token::Command::Issue(issued, bounds)
        }
        Wish::Edit { hours } => {
            let expires_at = Some(after(hours));
            token::Command::Edit(
                Edit { token, name: None, description: None, expires_at, from: None },
                bounds,
            )
        }
        Wish::Reissue { hours, overlap } => {
            let overlap = overlap.map_or(Overlap::ToTheEnd, |hours| Overlap::For(Duration::HOUR * hours));
            let (sha256, expires_at) = ([string; 32], hours.map(after));
            token::Command::Reissue(Reissue { token, sha256, overlap, expires_at, from: None }, bounds)
        }
        Wish::EndOverlap => token::Command::EndOverlap { token, from: None },
        Wish::Revoke => token::Command::Revoke { token, reason: String::new(), from: None },
        Wish::Disable => {
            return Command::Disable { by: AccountId(Uuid::nil()), reason: String::new() };
        }
        Wish::Enable | Wish::Wait { .. } => return Command::Enable,
    };
    Command::Token(command)
}

/// As the log would hold it.
fn apply(table: &mut Table, events: &[account::Event], now: OffsetDateTime) {
    let envelope = Envelope {
        time_us: i64::try_from(now.unix_timestamp_nanos() / 1_000).unwrap(),
        actor: Some(Actor { system: "test".into(), ..Actor::default() }),
        events: events.iter().map(owner::encode).collect(),
        ..Envelope::default()
    };
    table.apply(table.seq() + 1, &envelope).unwrap();
}

fn opens(account: &Account, string: u8, now: OffsetDateTime) -> bool {
    let good = |token: &token::Token| {
        let mut secrets = token.issued.secrets.iter();
        token.lives(now) && secrets.any(|secret| secret.sha256 == [string; 32] && secret.ends_at > now)
    };
    !account.disabled && account.tokens.iter().any(good)
}

proptest! {
    #[test]
    fn aggregate_and_table_agree_on_every_string(steps in prop::collection::vec(step(), 0..80)) {
        let (mut table, mut now) = (Table::new(HashMap::new()), NOON);
        let created = Created {
            account: ANN,
            kind: Kind::Person,
            created_at: NOON,
            login: Sealed(vec![]),
            password: Some(Sealed(vec![])),
            admin: false,
            owners: vec![],
        };
        let first = account::decide(None, Command::Create(created), now).unwrap();
        apply(&mut table, &first, now);
        let mut account = first.into_iter().fold(None, account::evolve);
        let strings = 1..=u8::try_from(steps.len()).unwrap();
        for (string, (number, wish)) in strings.clone().zip(&steps) {
            if let Wish::Wait { hours } = wish {
                now += Duration::HOUR * *hours;
            }
            let command = command(*number, wish, string, now);
            let events = account::decide(account.as_ref(), command, now).unwrap_or_default();
            apply(&mut table, &events, now);
            account = events.into_iter().fold(account, account::evolve);
            for later in [0, 1, 7] {
                let at = now + Duration::HOUR * later;
                for string in strings.clone() {
                    let caller = table.caller(at, &Credential::Secret(SecretHash([string; 32])));
                    let opened = matches!(caller, Caller::Token { .. });
                    prop_assert_eq!(opened, opens(account.as_ref().unwrap(), string, at), "{} at {}", string, at);
                }
            }
        }
        // A follower that begins with a snapshot sees the same.
        let restored = Table::restore(HashMap::new(), table.seq(), 0, table.entries().map(Row::from)).unwrap();
        for string in strings {
            let credential = Credential::Secret(SecretHash([string; 32]));
            prop_assert_eq!(restored.caller(now, &credential), table.caller(now, &credential));
        }
    }
}
