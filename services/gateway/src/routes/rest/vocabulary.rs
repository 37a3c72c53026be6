//! Words of the interface and numbers of the contract.

use names::{Level, Privacy, RoleCategory};
use proto::event::v1 as stored;

use crate::problem::Problem;

/// Nothing is `none`.
pub(crate) fn level_word(level: stored::Level) -> &'static str {
    match level {
        stored::Level::None => "none",
        stored::Level::Read => Level::Read.as_str(),
        stored::Level::Write => Level::Write.as_str(),
        stored::Level::Manage => Level::Manage.as_str(),
    }
}

pub(crate) fn level(word: &str) -> Result<stored::Level, Problem> {
    Ok(match word.parse::<Level>().map_err(|error| Problem::invalid(error.to_string()))? {
        Level::Read => stored::Level::Read,
        Level::Write => stored::Level::Write,
        Level::Manage => stored::Level::Manage,
    })
}

/// What a role gives, by category; `none` where nothing.
pub(crate) fn role_levels(levels: &[stored::RoleLevel]) -> serde_json::Map<String, serde_json::Value> {
    let given = |category: RoleCategory| {
        let level = levels.iter().find(|it| it.category() == role_category(category));
        level.map_or(stored::Level::None, stored::RoleLevel::level)
    };
    let word = |category: RoleCategory| (category.to_string(), level_word(given(category)).into());
    RoleCategory::ALL.into_iter().map(word).collect()
}

/// A category of roles as it is stored.
pub(crate) fn role_category(category: RoleCategory) -> stored::RoleCategory {
    match category {
        RoleCategory::Channels => stored::RoleCategory::Channels,
        RoleCategory::ChannelGroups => stored::RoleCategory::ChannelGroups,
        RoleCategory::Subchannels => stored::RoleCategory::Subchannels,
        RoleCategory::SubchannelGroups => stored::RoleCategory::SubchannelGroups,
        RoleCategory::Artifacts => stored::RoleCategory::Artifacts,
        RoleCategory::AuditLog => stored::RoleCategory::AuditLog,
        RoleCategory::Roles => stored::RoleCategory::Roles,
    }
}

pub(crate) fn privacy_word(privacy: stored::Privacy) -> &'static str {
    match privacy {
        stored::Privacy::Unspecified => "unknown",
        stored::Privacy::Public => Privacy::Public.as_str(),
        stored::Privacy::Authenticated => Privacy::Authenticated.as_str(),
        stored::Privacy::Private => Privacy::Private.as_str(),
    }
}

pub(crate) fn indexing_word(indexing: stored::Indexing) -> &'static str {
    match indexing {
        stored::Indexing::Default => "default",
        stored::Indexing::Frozen => "frozen",
    }
}

/// What becomes of uploads to a channel.
pub(crate) fn indexing_of(channel: &access::Channel) -> &'static str {
    indexing_word(if channel.frozen { stored::Indexing::Frozen } else { stored::Indexing::Default })
}

pub(crate) fn indexing(word: &str) -> Result<stored::Indexing, Problem> {
    match word {
        "default" => Ok(stored::Indexing::Default),
        "frozen" => Ok(stored::Indexing::Frozen),
        _ => Err(Problem::invalid(format!("{word:?} is no indexing_behavior: expected default or frozen"))),
    }
}

pub(crate) fn privacy(word: &str) -> Result<stored::Privacy, Problem> {
    Ok(match word.parse::<Privacy>().map_err(|error| Problem::invalid(error.to_string()))? {
        Privacy::Public => stored::Privacy::Public,
        Privacy::Authenticated => stored::Privacy::Authenticated,
        Privacy::Private => stored::Privacy::Private,
    })
}

pub(crate) fn account_kind_word(kind: stored::AccountKind) -> &'static str {
    match kind {
        stored::AccountKind::Unspecified => "unknown",
        stored::AccountKind::Person => "person",
        stored::AccountKind::Organisation => "organisation",
        stored::AccountKind::ServiceAccount => "service_account",
    }
}

pub(crate) fn account_kind(word: &str) -> Result<stored::AccountKind, Problem> {
    match word {
        "person" => Ok(stored::AccountKind::Person),
        "organisation" => Ok(stored::AccountKind::Organisation),
        "service_account" => Ok(stored::AccountKind::ServiceAccount),
        _ => Err(Problem::invalid("an account's kind is person, organisation or service_account")),
    }
}

pub(crate) fn token_kind_word(kind: stored::TokenKind) -> &'static str {
    match kind {
        stored::TokenKind::Unspecified => "unknown",
        stored::TokenKind::Session => "session",
        stored::TokenKind::Resource => "resource",
        stored::TokenKind::Scoped => "scoped",
    }
}

/// An empty text is nothing, for JSON.
pub(crate) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
