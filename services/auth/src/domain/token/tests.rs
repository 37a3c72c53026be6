//! Histories of one owner's tokens, and what no list of commands can do.

mod life;
mod makers;

use std::collections::BTreeSet;

use proptest::prelude::*;
use time::macros::datetime;
use uuid::Uuid;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
const HOUR: Duration = Duration::HOUR;
const LONGEST: Duration = Duration::days(3650);

fn id(number: u8) -> TokenId {
    TokenId(Uuid::from_u128(u128::from(number)))
}

fn reader(number: u8, name: &str) -> Issued {
    Issued {
        token: id(number),
        owner: AccountId(Uuid::from_u128(8)),
        kind: Kind::Resource,
        name: TokenName::parse(name).unwrap(),
        description: String::new(),
        issued_at: NOON,
        expires_at: NOON + HOUR * 24,
        secrets: vec![Secret { sha256: [number; 32], ends_at: NOON + HOUR * 24 }],
        grants: vec![Grant { channel: ChannelId(Uuid::from_u128(9)), level: Level::Read }],
        scopes: vec![],
        maker: None,
        from: None,
    }
}

fn session(number: u8, issued_at: OffsetDateTime) -> Issued {
    let (kind, grants) = (Kind::Session, vec![]);
    Issued { kind, grants, issued_at, expires_at: issued_at + HOUR, ..reader(number, "session") }
}

fn full() -> Bounds {
    Bounds { longest: LONGEST, reach: Reach::Full }
}

fn scoped(number: u8, name: &str, scopes: &[Scope]) -> Issued {
    Issued { kind: Kind::Scoped, grants: vec![], scopes: scopes.to_vec(), ..reader(number, name) }
}

fn issue(issued: Issued) -> Command {
    Command::Issue(issued, full())
}

fn revoke(number: u8) -> Command {
    Command::Revoke { token: id(number), reason: "leaked".into(), from: None }
}

fn after(history: &[Event]) -> Tokens {
    history.iter().cloned().fold(Tokens::default(), evolve)
}

fn given(commands: impl IntoIterator<Item = Command>) -> Vec<Event> {
    let mut history = vec![];
    for command in commands {
        history.extend(decide(&after(&history), command, NOON).unwrap());
    }
    history
}

#[test]
fn revoking_twice_records_one_event() {
    let mut history = given([issue(reader(1, "ci"))]);
    history.extend(decide(&after(&history), revoke(1), NOON).unwrap());
    assert_eq!(decide(&after(&history), revoke(1), NOON + HOUR), Ok(vec![]));
    assert!(after(&history).by_id(id(1)).unwrap().revoked);
}

#[test]
fn revoking_what_was_never_issued_is_refused() {
    assert_eq!(decide(&Tokens::default(), revoke(1), NOON), Err(Refusal::NotFound));
}

#[test]
fn a_name_is_free_again_once_its_token_is_dead() {
    let history = given([issue(reader(1, "ci"))]);
    let second = || issue(reader(2, "ci"));
    assert_eq!(decide(&after(&history), second(), NOON), Err(Refusal::NameTaken("ci".into())));
    let revoked = given([issue(reader(1, "ci")), revoke(1)]);
    assert!(decide(&after(&revoked), second(), NOON).is_ok());
    let expired = NOON + HOUR * 24;
    let later = Issued { expires_at: expired + HOUR, ..reader(2, "ci") };
    assert!(decide(&after(&history), issue(later), expired).is_ok());
}

#[test]
fn sessions_share_names_with_each_other_and_with_nobody() {
    let history = given([issue(session(1, NOON)), issue(session(2, NOON)), issue(reader(3, "session"))]);
    assert_eq!(after(&history).find("session", NOON).unwrap().issued.token, id(3));
}

#[test]
fn an_expiry_lies_in_the_future_but_not_too_far() {
    let ends = |expires_at| issue(Issued { expires_at, ..reader(1, "ci") });
    let decide = |command| decide(&Tokens::default(), command, NOON);
    assert_eq!(decide(ends(NOON)), Err(Refusal::PastExpiry));
    assert!(decide(ends(NOON + LONGEST)).is_ok());
    assert_eq!(decide(ends(NOON + LONGEST + Duration::SECOND)), Err(Refusal::TooLong(3650)));
}

#[test]
fn a_token_names_some_channels_each_once() {
    let grant = |number| Grant { channel: ChannelId(Uuid::from_u128(number)), level: Level::Write };
    let grants = |grants| decide(&Tokens::default(), issue(Issued { grants, ..reader(1, "ci") }), NOON);
    assert_eq!(grants(vec![]), Err(Refusal::Neither));
    let scopes = vec![Scope::Repos];
    let both = decide(&Tokens::default(), issue(Issued { scopes, ..reader(1, "ci") }), NOON);
    assert_eq!(both, Err(Refusal::Both));
    assert_eq!(grants(vec![grant(1), grant(2), grant(1)]), Err(Refusal::ChannelTwice));
    assert!(grants((0..MAX_GRANTS as u128).map(grant).collect()).is_ok());
    assert_eq!(grants((0..=MAX_GRANTS as u128).map(grant).collect()), Err(Refusal::TooManyGrants));
}

#[test]
fn live_tokens_are_limited_and_dead_ones_do_not_count() {
    let many = |count: usize| -> Tokens {
        let tokens = (0..count).map(|number| Issued {
            token: TokenId(Uuid::from_u128(1_000 + number as u128)),
            ..session(0, NOON)
        });
        tokens.map(Event::Issued).fold(Tokens::default(), evolve)
    };
    assert!(decide(&many(MAX_LIVE - 1), issue(session(1, NOON)), NOON).is_ok());
    assert_eq!(decide(&many(MAX_LIVE), issue(session(1, NOON)), NOON), Err(Refusal::TooMany));
    assert!(decide(&many(MAX_LIVE), issue(reader(1, "ci")), NOON).is_ok());
    let later = NOON + HOUR;
    assert!(decide(&many(MAX_LIVE), issue(session(1, later)), later).is_ok());
}

#[test]
fn expired_sessions_leave_the_list_at_the_next_sign_in() {
    let history = [Event::Issued(session(1, NOON)), Event::Issued(session(2, NOON + HOUR))];
    let tokens = after(&history);
    assert_eq!(tokens.iter().map(|token| token.issued.token).collect::<Vec<_>>(), [id(2)]);
}

#[test]
fn a_name_finds_the_living_token_and_else_the_newest() {
    let history = given([issue(reader(1, "ci")), revoke(1), issue(reader(2, "ci")), revoke(2)]);
    assert_eq!(after(&history).find("ci", NOON).unwrap().issued.token, id(2));
    // Two may live under one name only if the clock of another replica was wrong; then the first found is as good.
    let history =
        [Event::Issued(reader(1, "ci")), Event::Issued(Issued { expires_at: NOON, ..reader(2, "ci") })];
    assert_eq!(after(&history).find("ci", NOON).unwrap().issued.token, id(1));
    assert_eq!(after(&history).find(&id(2).to_string(), NOON).unwrap().issued.token, id(2));
    assert_eq!(after(&history).find("other", NOON), None);
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (0u8..12, 0u8..4)
            .prop_map(|(number, name)| issue(reader(number, ["a", "b", "c", "d"][usize::from(name)]))),
        (0u8..12).prop_map(|number| issue(session(number, NOON))),
        (0u8..12).prop_map(revoke),
    ]
}

proptest! {
    #[test]
    fn nothing_revives_a_revoked_token(commands in prop::collection::vec(command(), 0..60)) {
        let mut tokens = Tokens::default();
        let mut dead = BTreeSet::new();
        for command in commands {
            for event in decide(&tokens, command, NOON).unwrap_or_default() {
                if let Event::Revoked { token, .. } = &event {
                    dead.insert(*token);
                }
                tokens = evolve(tokens, event);
            }
            for token in &dead {
                prop_assert!(tokens.by_id(*token).is_none_or(|token| token.revoked));
            }
        }
    }

    #[test]
    fn living_names_are_unique(commands in prop::collection::vec(command(), 0..60)) {
        let mut tokens = Tokens::default();
        for command in commands {
            tokens = decide(&tokens, command, NOON).unwrap_or_default().into_iter().fold(tokens, evolve);
            let mut names = BTreeSet::new();
            for token in tokens.living(Kind::Resource, NOON) {
                prop_assert!(names.insert(token.issued.name.to_string()), "{} lives twice", token.issued.name);
            }
        }
    }
}
