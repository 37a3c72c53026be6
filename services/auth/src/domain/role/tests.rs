//! Every rule about roles, and those that hold whatever happens.

use names::{GroupId, Level, RoleCategory};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn id(n: u128) -> RoleId {
    RoleId(Uuid::from_u128(100 + n))
}

fn account(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(n))
}

fn who(n: u128) -> Subject {
    match n % 2 {
        0 => Subject::Account(account(n)),
        _ => Subject::Group(GroupId(Uuid::from_u128(n))),
    }
}

fn levels(category: RoleCategory, level: Level) -> RoleLevels {
    RoleLevels::default().with(category, Some(level))
}

fn create(n: u128, name: &str) -> Command {
    let name = RoleName::parse(name).unwrap();
    let levels = levels(RoleCategory::Artifacts, Level::Write);
    Command::Create { id: id(n), name, description: String::new(), levels }
}

fn change(n: u128, name: Option<&str>, levels: Option<RoleLevels>) -> Command {
    let name = name.map(|name| RoleName::parse(name).unwrap());
    Command::Change { id: id(n), name, description: None, levels }
}

fn after(commands: &[Command]) -> Option<Roles> {
    let apply = |roles: Option<Roles>, command: &Command| {
        decide(roles.as_ref(), command.clone()).unwrap_or_default().into_iter().fold(roles, evolve)
    };
    commands.iter().fold(None, apply)
}

#[test]
fn a_name_is_one_roles_whatever_its_case_until_that_role_is_gone() {
    let roles = after(&[create(1, "Ops"), create(2, "dev")]);
    assert_eq!(decide(roles.as_ref(), create(3, "OPS")), Err(Refusal::NameTaken));
    assert_eq!(decide(roles.as_ref(), change(2, Some("ops"), None)), Err(Refusal::NameTaken));
    assert!(decide(roles.as_ref(), change(1, Some("OPS"), None)).is_ok());
    let roles = after(&[create(1, "Ops"), Command::Delete { id: id(1) }]);
    assert!(decide(roles.as_ref(), create(2, "ops")).is_ok());
    assert_eq!(decide(roles.as_ref(), Command::Delete { id: id(1) }), Ok(vec![]));
    assert_eq!(decide(roles.as_ref(), change(1, Some("x"), None)), Err(Refusal::Gone));
    let assign = Command::Assign { id: id(1), holder: who(2) };
    assert_eq!(decide(roles.as_ref(), assign), Err(Refusal::Gone));
}

#[test]
fn only_what_takes_something_away_restricts() {
    let roles = after(&[create(1, "ops"), Command::Assign { id: id(1), holder: who(2) }]);
    let first = |command| decide(roles.as_ref(), command).unwrap().remove(0);
    let lower = levels(RoleCategory::Artifacts, Level::Read);
    let other = levels(RoleCategory::Channels, Level::Manage);
    let higher = levels(RoleCategory::Artifacts, Level::Manage);
    for (changed, restricts) in [(lower, true), (other, true), (higher, false), (higher.or(other), false)] {
        assert_eq!(first(change(1, None, Some(changed))).restricts(), restricts, "{changed:?}");
    }
    assert!(!first(change(1, Some("new"), None)).restricts());
    assert!(!first(Command::Assign { id: id(1), holder: who(3) }).restricts());
    assert!(first(Command::Unassign { id: id(1), holder: who(2) }).restricts());
    assert!(first(Command::Delete { id: id(1) }).restricts());
}

#[test]
fn the_last_administrator_stays() {
    let able = |ids: &[u128]| ids.iter().map(|n| account(*n)).collect::<BTreeSet<_>>();
    let dismiss = |n, ids: &[u128]| Command::Dismiss { account: account(n), able: able(ids) };
    assert_eq!(decide(None, dismiss(1, &[1])), Err(Refusal::LastAdmin));
    let dismissed = decide(None, dismiss(1, &[1, 2])).unwrap();
    assert_eq!(dismissed, [Event::Unassigned { id: RoleId::ADMIN, holder: Subject::Account(account(1)) }]);
    assert!(dismissed[0].restricts());
    // A table that has not heard of it yet still counts the first.
    let roles = after(&[dismiss(1, &[1, 2])]);
    assert_eq!(decide(roles.as_ref(), dismiss(2, &[1, 2])), Err(Refusal::LastAdmin));
    assert_eq!(decide(roles.as_ref(), dismiss(1, &[1, 2])), Ok(vec![]), "said again, it records nothing");
    assert_eq!(decide(roles.as_ref(), dismiss(3, &[2])), Ok(vec![]), "who is none is taken nothing");
    let appoint = |n, is_admin| Command::Appoint { account: account(n), is_admin };
    assert_eq!(decide(None, appoint(2, true)), Ok(vec![]));
    assert_eq!(decide(roles.as_ref(), appoint(1, true)).unwrap().len(), 1, "whatever an older table says");
    let roles = after(&[dismiss(1, &[1, 2]), appoint(1, false)]);
    assert!(decide(roles.as_ref(), dismiss(2, &[1, 2])).is_ok());
}

#[test]
fn numbers_are_limited_at_their_edges() {
    let many: Vec<Command> = (0..MAX_ROLES as u128).map(|n| create(n, &format!("r{n}"))).collect();
    let roles = after(&many);
    assert_eq!(roles.as_ref().unwrap().live().count(), MAX_ROLES);
    assert_eq!(decide(roles.as_ref(), create(9_999, "one-more")), Err(Refusal::TooMany));
    let assign = |n| Command::Assign { id: id(1), holder: Subject::Account(account(n)) };
    let mut full = vec![create(1, "full")];
    full.extend((0..MAX_HOLDERS as u128).map(assign));
    let roles = after(&full);
    assert_eq!(roles.as_ref().unwrap().get(id(1)).unwrap().holders.len(), MAX_HOLDERS);
    assert_eq!(decide(roles.as_ref(), assign(MAX_HOLDERS as u128)), Err(Refusal::TooManyHolders));
    assert_eq!(decide(roles.as_ref(), assign(0)), Ok(vec![]));
    let long = Command::Create {
        id: id(1),
        name: RoleName::parse("a").unwrap(),
        description: "é".repeat(DESCRIPTION_CHARS + 1),
        levels: RoleLevels::default(),
    };
    assert_eq!(decide(None, long), Err(Refusal::Description));
}

fn any_command() -> impl Strategy<Value = Command> {
    let level = prop_oneof![Just(Level::Read), Just(Level::Write), Just(Level::Manage)];
    let able = || proptest::collection::btree_set(1..4_u128, 0..4);
    prop_oneof![
        (1..4_u128, "[ab]").prop_map(|(n, name)| create(n, &name)),
        (1..4_u128, "[ab]", level).prop_map(|(n, name, level)| {
            change(n, Some(&name), Some(levels(RoleCategory::Channels, level)))
        }),
        (1..4_u128, 1..4_u128).prop_map(|(n, holder)| Command::Assign { id: id(n), holder: who(holder) }),
        (1..4_u128, 1..4_u128).prop_map(|(n, holder)| Command::Unassign { id: id(n), holder: who(holder) }),
        (1..4_u128).prop_map(|n| Command::Delete { id: id(n) }),
        (1..4_u128, any::<bool>())
            .prop_map(|(n, is_admin)| Command::Appoint { account: account(n), is_admin }),
        (1..4_u128, able()).prop_map(|(n, able)| Command::Dismiss {
            account: account(n),
            able: able.into_iter().map(account).collect(),
        }),
    ]
}

proptest! {
    #[test]
    fn no_two_roles_have_one_name_and_a_command_given_twice_records_nothing_the_second_time(
        before in proptest::collection::vec(any_command(), 0..12), command in any_command(),
    ) {
        let roles = after(&before);
        let all = roles.clone().unwrap_or_default();
        let live: Vec<_> = all.live().map(|role| role.name.key()).collect();
        prop_assert_eq!(live.iter().collect::<BTreeSet<_>>().len(), live.len());
        if let Ok(events) = decide(roles.as_ref(), command.clone()) {
            let roles = events.into_iter().fold(roles, evolve);
            prop_assert_eq!(decide(roles.as_ref(), command).unwrap_or_default(), vec![]);
        }
    }
}
