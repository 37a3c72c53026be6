//! Levels that were given on one thing. Kept sorted by whom they were given to, so that they are found without a walk.

use names::{AccountId, GroupId, Level, Subject};

/// What one subject was given.
pub(crate) fn find(given: &[(Subject, Level)], subject: Subject) -> Option<Level> {
    let place = given.binary_search_by_key(&subject, |(subject, _)| *subject).ok()?;
    given.get(place).map(|(_, level)| *level)
}

/// The most that an account holds among them, by itself or through its groups.
pub(crate) fn most(given: &[(Subject, Level)], account: AccountId, groups: &[GroupId]) -> Option<Level> {
    if given.is_empty() {
        return None;
    }
    let own = find(given, Subject::Account(account));
    groups.iter().map(|group| find(given, Subject::Group(*group))).fold(own, Option::max)
}

/// Gives a subject a level in place of the one it had, or takes it away.
pub(crate) fn set(given: &mut Vec<(Subject, Level)>, subject: Subject, level: Option<Level>) {
    let place = given.binary_search_by_key(&subject, |(subject, _)| *subject);
    match (place, level) {
        (Ok(place), Some(level)) => given[place].1 = level,
        (Ok(place), None) => drop(given.remove(place)),
        (Err(place), Some(level)) => given.insert(place, (subject, level)),
        (Err(_), None) => {}
    }
}
