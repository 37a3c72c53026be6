//! A package exists from before its first file on, so that a private one is never public for a moment.

use names::{ChannelId, PackageId, PackageKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    pub id: PackageId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The name is normalised by the kind's rules.
    Created { id: PackageId, channel: ChannelId, kind: PackageKind, name: String, private: bool },
}

/// Makes the package if it is not there yet; it takes the channel's own openness.
pub fn ensure(
    package: Option<&Package>,
    id: PackageId,
    channel: ChannelId,
    kind: PackageKind,
    name: &str,
) -> Vec<Event> {
    match package {
        Some(_) => vec![],
        None => vec![Event::Created { id, channel, kind, name: name.to_owned(), private: false }],
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(package: Option<Package>, event: Event) -> Option<Package> {
    let Event::Created { id, .. } = event;
    // Its id never changes.
    package.or(Some(Package { id }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_package_is_made_once() {
        let made = |package: Option<&Package>, id| {
            ensure(package, PackageId(Uuid::from_u128(id)), ChannelId(Uuid::nil()), PackageKind::Conda, "a")
        };
        let package = made(None, 1).into_iter().fold(None, evolve);
        assert_eq!(made(package.as_ref(), 2), vec![]);
        assert_eq!(package.unwrap().id, PackageId(Uuid::from_u128(1)));
    }
}
