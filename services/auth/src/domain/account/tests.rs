//! Histories of accounts.

use names::TokenName;
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
const ANN: AccountId = AccountId(Uuid::from_u128(1));
const BEN: AccountId = AccountId(Uuid::from_u128(2));

fn person() -> Created {
    Created {
        account: ANN,
        kind: Kind::Person,
        created_at: NOON,
        login: Sealed(b"ann".to_vec()),
        password: Some(Sealed(b"hash".to_vec())),
        admin: false,
        owners: vec![],
    }
}

fn organisation() -> Created {
    Created { kind: Kind::Organisation, password: None, owners: vec![BEN], ..person() }
}

fn session(number: u128) -> token::Issued {
    token::Issued {
        token: TokenId(Uuid::from_u128(number)),
        owner: ANN,
        kind: token::Kind::Session,
        name: TokenName::parse("session").unwrap(),
        description: String::new(),
        issued_at: NOON,
        expires_at: NOON + Duration::HOUR,
        secrets: vec![],
        grants: vec![],
        scopes: vec![],
        maker: None,
        from: None,
    }
}

fn issue(issued: token::Issued) -> Command {
    let bounds = token::Bounds { longest: Duration::DAY, reach: token::Reach::Full };
    Command::Token(token::Command::Issue(issued, bounds))
}

fn disable(by: AccountId) -> Command {
    Command::Disable { by, reason: "left".into() }
}

fn given(commands: impl IntoIterator<Item = Command>) -> Account {
    let decided = |account: Option<Account>, command| {
        let events = decide(account.as_ref(), command, NOON).unwrap();
        events.into_iter().fold(account, evolve)
    };
    commands.into_iter().fold(None, decided).unwrap()
}

#[test]
fn an_account_is_made_once() {
    let ann = given([Command::Create(person())]);
    assert_eq!(decide(Some(&ann), Command::Create(person()), NOON), Err(Refusal::Exists));
    assert_eq!(decide(None, Command::Enable, NOON), Err(Refusal::NotFound));
}

#[test]
fn people_have_passwords_and_organisations_have_owners() {
    let refused = |created| decide(None, Command::Create(created), NOON).unwrap_err();
    assert_eq!(refused(Created { password: None, ..person() }), Refusal::PasswordMissing);
    assert_eq!(refused(Created { password: person().password, ..organisation() }), Refusal::PasswordOfNobody);
    assert_eq!(refused(Created { owners: vec![], ..organisation() }), Refusal::OwnerMissing);
    assert_eq!(refused(Created { admin: true, ..organisation() }), Refusal::AdminNotPerson);
    assert!(decide(None, Command::Create(organisation()), NOON).is_ok());
}

#[test]
fn a_new_password_ends_every_session_but_the_callers() {
    let ann = given([Command::Create(person()), issue(session(1)), issue(session(2)), issue(session(3))]);
    let keep = Some(TokenId(Uuid::from_u128(2)));
    let change = |keep| Command::ChangePassword { password: Sealed(b"new".to_vec()), keep };
    let events = decide(Some(&ann), change(keep), NOON).unwrap();
    let ann = events.into_iter().fold(Some(ann), evolve).unwrap();
    assert_eq!(ann.password, Some(Sealed(b"new".to_vec())));
    assert_eq!(ann.tokens.iter().map(|token| token.revoked).collect::<Vec<_>>(), [true, false, true]);
    let org = given([Command::Create(organisation())]);
    assert_eq!(decide(Some(&org), change(None), NOON), Err(Refusal::PasswordOfNobody));
}

#[test]
fn disabling_twice_records_one_event_and_nothing_is_issued_meanwhile() {
    let ann = given([Command::Create(person()), disable(BEN)]);
    assert!(ann.disabled);
    assert_eq!(decide(Some(&ann), disable(BEN), NOON), Ok(vec![]));
    assert_eq!(decide(Some(&ann), issue(session(1)), NOON), Err(Refusal::Disabled));
    let ann = given([Command::Create(person()), disable(BEN), Command::Enable]);
    assert!(!ann.disabled);
    assert_eq!(decide(Some(&ann), Command::Enable, NOON), Ok(vec![]));
}

#[test]
fn a_token_of_a_disabled_account_can_still_be_revoked() {
    let ann = given([Command::Create(person()), issue(session(1)), disable(BEN)]);
    let revoke =
        token::Command::Revoke { token: TokenId(Uuid::from_u128(1)), reason: String::new(), from: None };
    assert_eq!(decide(Some(&ann), Command::Token(revoke), NOON).unwrap().len(), 1);
}

#[test]
fn nobody_disables_themselves() {
    let ann = given([Command::Create(person())]);
    assert_eq!(decide(Some(&ann), disable(ANN), NOON), Err(Refusal::OwnAccount));
}

fn robot() -> Created {
    Created { kind: Kind::ServiceAccount, ..organisation() }
}

fn owners(owners: &[AccountId]) -> Command {
    Command::SetOwners { owners: owners.to_vec() }
}

#[test]
fn a_service_account_is_made_like_an_organisation() {
    let refused = |created| decide(None, Command::Create(created), NOON).unwrap_err();
    assert_eq!(refused(Created { password: person().password, ..robot() }), Refusal::PasswordOfNobody);
    assert_eq!(refused(Created { owners: vec![], ..robot() }), Refusal::OwnerMissing);
    assert_eq!(refused(Created { admin: true, ..robot() }), Refusal::AdminNotPerson);
    assert_eq!(refused(Created { owners: vec![BEN], ..person() }), Refusal::OwnersOfPerson);
    assert!(decide(None, Command::Create(robot()), NOON).is_ok());
}

#[test]
fn owners_come_and_go_but_the_last_one_stays() {
    for created in [organisation(), robot()] {
        let account = given([Command::Create(created.clone()), owners(&[ANN, BEN])]);
        assert_eq!(account.created.owners, [ANN, BEN]);
        assert_eq!(decide(Some(&account), owners(&[]), NOON), Err(Refusal::OwnerMissing));
        assert_eq!(decide(Some(&account), owners(&[BEN, ANN, BEN]), NOON), Ok(vec![]), "the same two");
        let left = given([Command::Create(created), owners(&[ANN, BEN]), owners(&[ANN])]);
        assert_eq!(left.created.owners, [ANN]);
    }
    let ann = given([Command::Create(person())]);
    assert_eq!(decide(Some(&ann), owners(&[BEN]), NOON), Err(Refusal::OwnersOfPerson));
    let crowd: Vec<_> = (0..=MAX_OWNERS as u128).map(|n| AccountId(Uuid::from_u128(n))).collect();
    let org = given([Command::Create(organisation())]);
    assert_eq!(decide(Some(&org), owners(&crowd), NOON), Err(Refusal::TooManyOwners));
}

#[test]
fn a_choice_of_a_channel_is_recorded_once_with_what_was_before() {
    let [one, two] = [1, 2].map(|id| ChannelId(Uuid::from_u128(id)));
    let choose = |channel| Command::SetDefaultChannel { channel };
    let account = given([Command::Create(person())]);
    let id = ANN;
    let change = |before, after| vec![Event::DefaultChannelChanged { account: id, before, after }];
    assert_eq!(decide(Some(&account), choose(None), NOON), Ok(vec![]));
    assert_eq!(decide(Some(&account), choose(Some(one)), NOON), Ok(change(None, Some(one))));
    let account = given([Command::Create(person()), choose(Some(one))]);
    assert_eq!(decide(Some(&account), choose(Some(one)), NOON), Ok(vec![]));
    assert_eq!(decide(Some(&account), choose(Some(two)), NOON), Ok(change(Some(one), Some(two))));
    assert_eq!(decide(Some(&account), choose(None), NOON), Ok(change(Some(one), None)));
    assert_eq!(decide(None, choose(Some(one)), NOON), Err(Refusal::NotFound));
}
