//! When a code opens a session, and when it opens nothing.

use names::{AccountId, TokenName};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::domain::account::{self, Command, Created, Kind, Sealed, decide, evolve};
use crate::domain::token;

const NOON: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);
const ANN: AccountId = AccountId(Uuid::from_u128(1));
const SESSION: TokenId = TokenId(Uuid::from_u128(2));
const PASSWORD: [u8; 32] = [3; 32];
const PROGRAM: [u8; 32] = [4; 32];

fn code() -> Authorization {
    Authorization { session: SESSION, made_at: NOON, password: PASSWORD, program: PROGRAM }
}

fn after(account: Option<Account>, command: Command) -> Account {
    let events = decide(account.as_ref(), command, NOON).unwrap();
    events.into_iter().fold(account, evolve).unwrap()
}

fn ann() -> Account {
    let created = Created {
        account: ANN,
        kind: Kind::Person,
        created_at: NOON,
        login: Sealed(b"ann".to_vec()),
        password: Some(Sealed(b"hash".to_vec())),
        admin: false,
        owners: vec![],
    };
    after(None, Command::Create(created))
}

fn session() -> Command {
    let issued = token::Issued {
        token: SESSION,
        owner: ANN,
        kind: token::Kind::Session,
        name: TokenName::parse("browser").unwrap(),
        description: String::new(),
        issued_at: NOON,
        expires_at: NOON + Duration::HOUR,
        secrets: vec![],
        grants: vec![],
        scopes: vec![],
        maker: None,
        from: None,
    };
    let bounds = token::Bounds { longest: Duration::DAY, reach: token::Reach::Full };
    Command::Token(token::Command::Issue(issued, bounds))
}

#[test]
fn a_code_opens_one_session_for_the_program_it_was_given_to() {
    assert_eq!(code().redeem(&ann(), &PROGRAM, Some(PASSWORD), NOON), Ok(()));
    let used = after(Some(ann()), session());
    assert_eq!(code().redeem(&used, &PROGRAM, Some(PASSWORD), NOON), Err(Refusal::Used));
    assert_eq!(
        decide(Some(&used), session(), NOON),
        Err(account::Refusal::Token(token::Refusal::AlreadyIssued)),
        "the rule for tokens holds it too"
    );
}

#[test]
fn a_code_used_twice_is_told_even_when_nothing_else_fits() {
    let used = after(Some(ann()), session());
    assert_eq!(code().redeem(&used, &[0; 32], None, NOON + LIFE), Err(Refusal::Used));
}

#[test]
fn a_code_is_good_for_its_life_and_not_a_second_longer() {
    let redeemed = |at| code().redeem(&ann(), &PROGRAM, Some(PASSWORD), at);
    assert_eq!(redeemed(NOON + LIFE - Duration::SECOND), Ok(()));
    assert_eq!(redeemed(NOON + LIFE), Err(Refusal::Expired));
}

#[test]
fn another_program_or_another_password_finds_it_closed() {
    let redeemed = |program: &[u8; 32], password| code().redeem(&ann(), program, password, NOON);
    assert_eq!(redeemed(&[0; 32], Some(PASSWORD)), Err(Refusal::OtherProgram));
    assert_eq!(redeemed(&PROGRAM, Some([0; 32])), Err(Refusal::PasswordChanged));
    assert_eq!(redeemed(&PROGRAM, None), Err(Refusal::PasswordChanged));
}

#[test]
fn its_bytes_read_back_and_others_do_not() {
    let bytes = code().to_bytes();
    assert_eq!(Authorization::from_bytes(&bytes), Some(code()));
    assert_eq!(Authorization::from_bytes(&bytes[1..]), None);
    assert_eq!(Authorization::from_bytes(&[&bytes[..], &[0]].concat()), None);
}
