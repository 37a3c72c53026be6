//! Roles: what their holders may do everywhere on the server, by category.

use crate::access::words;
use crate::{InvalidName, Level, RoleId, text};

/// A custom role's name: letters, digits, '_', '.' and '-', at most 64; unique on the server, whatever the case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 64;
    /// The shipped role of whoever asks, signed in or not.
    pub const EVERYONE: &'static str = "everyone";
    /// The shipped role of whoever is signed in.
    pub const AUTHOR: &'static str = "author";
    /// The shipped role of those who manage the whole server.
    pub const ADMIN: &'static str = "admin";

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let count = text.chars().count();
        if count == 0 || count > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a role's name has 1 to {} characters, this one has {count}",
                Self::MAX_CHARS,
            )));
        }
        let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if text.starts_with(['.', '-']) || !text.chars().all(inner) {
            return Err(InvalidName::because(format!(
                "{text:?} is no role's name: use letters, digits, '_', '.' and '-', and start with a letter, a digit or '_'",
            )));
        }
        if Self::is_shipped(text) {
            return Err(InvalidName::because(format!(
                "{text:?} comes with the server and stays as it is: choose another name"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a role of this name comes with the server.
    pub fn is_shipped(text: &str) -> bool {
        [Self::EVERYONE, Self::AUTHOR, Self::ADMIN].iter().any(|name| name.eq_ignore_ascii_case(text))
    }

    /// The form in which it is unique.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

text!(RoleName);

impl RoleId {
    /// The shipped role admin. No id that is made is equal to it: those hold the time.
    pub const ADMIN: Self = Self(uuid::Uuid::from_u128(1));
}

/// What a role's levels are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoleCategory {
    /// Channels themselves.
    Channels,
    /// Who holds what on channels and on the packages in them.
    ChannelGroups,
    /// Subchannels themselves.
    Subchannels,
    /// Who holds what on subchannels and on the packages in them.
    SubchannelGroups,
    /// Packages and their files, in channels and subchannels.
    Artifacts,
    /// Histories of channels and the stream of all events.
    AuditLog,
    /// Roles and who holds them.
    Roles,
}

impl RoleCategory {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Channels,
        Self::ChannelGroups,
        Self::Subchannels,
        Self::SubchannelGroups,
        Self::Artifacts,
        Self::AuditLog,
        Self::Roles,
    ];

    /// The most that a role can give in it: what happened is never changed.
    pub fn most(self) -> Level {
        match self {
            Self::AuditLog => Level::Read,
            Self::Channels
            | Self::ChannelGroups
            | Self::Subchannels
            | Self::SubchannelGroups
            | Self::Artifacts
            | Self::Roles => Level::Manage,
        }
    }
}

words!(
    RoleCategory,
    "category of roles",
    Channels = "channels",
    ChannelGroups = "channel_groups",
    Subchannels = "subchannels",
    SubchannelGroups = "subchannel_groups",
    Artifacts = "artifacts",
    AuditLog = "audit_log",
    Roles = "roles"
);

/// A level, or none, for each category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoleLevels([Option<Level>; RoleCategory::ALL.len()]);

impl RoleLevels {
    /// Everything that a role can give.
    pub fn all() -> Self {
        Self(RoleCategory::ALL.map(|category| Some(category.most())))
    }

    /// The level in a category.
    pub fn get(&self, category: RoleCategory) -> Option<Level> {
        self.0[category as usize]
    }

    /// The same with another level in one category, no higher than there can be.
    #[must_use]
    pub fn with(mut self, category: RoleCategory, level: Option<Level>) -> Self {
        self.0[category as usize] = level.map(|level| level.min(category.most()));
        self
    }

    /// The higher level of two in each category.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        RoleCategory::ALL.into_iter().fold(self, |levels, category| {
            levels.with(category, levels.get(category).max(other.get(category)))
        })
    }

    /// Whether no level is higher than the other's.
    pub fn within(&self, other: &Self) -> bool {
        RoleCategory::ALL.into_iter().all(|category| self.get(category) <= other.get(category))
    }

    /// The categories with a level.
    pub fn given(&self) -> impl Iterator<Item = (RoleCategory, Level)> + '_ {
        RoleCategory::ALL.into_iter().filter_map(|category| Some((category, self.get(category)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_name_is_checked_at_its_edges() {
        for good in ["a", "Release-Managers_2.0", &"r".repeat(RoleName::MAX_CHARS)] {
            assert!(RoleName::parse(good).is_ok(), "{good}");
        }
        for wrong in
            ["", "-a", ".a", "a b", "a/b", "é", "Admin", "everyone", &"r".repeat(RoleName::MAX_CHARS + 1)]
        {
            assert!(RoleName::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(RoleName::parse("Ops").unwrap().key(), "ops");
    }

    #[test]
    fn levels_are_compared_category_by_category_and_never_pass_what_a_category_has() {
        let read = RoleLevels::default().with(RoleCategory::Artifacts, Some(Level::Read));
        let log = RoleLevels::default().with(RoleCategory::AuditLog, Some(Level::Manage));
        assert_eq!(log.get(RoleCategory::AuditLog), Some(Level::Read));
        assert!(!read.within(&log) && !log.within(&read));
        let both = read.or(log);
        assert!(read.within(&both) && log.within(&both) && both.within(&RoleLevels::all()));
        assert_eq!(
            both.given().collect::<Vec<_>>(),
            [(RoleCategory::Artifacts, Level::Read), (RoleCategory::AuditLog, Level::Read)]
        );
        assert_eq!(both.with(RoleCategory::AuditLog, None), read);
    }
}
