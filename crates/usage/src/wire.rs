//! A use as the services know it, and as it stands in a message.

use std::net::IpAddr;

use names::TokenId;
use proto::usage::v1 as stored;
use time::OffsetDateTime;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Answered as asked.
    Served,
    /// A good string, refused for want of a right.
    Refused,
    /// A good string and right, but no good answer.
    Failed,
    /// The string was dead: expired, revoked, or of a disabled account.
    Dead,
}

impl Outcome {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// Which of the interfaces was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Indexes and files for conda.
    Conda,
    /// Indexes and files for pip and its like.
    Python,
    /// Any of the APIs.
    Api,
    /// A page for people.
    Page,
}

impl Family {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conda => "conda",
            Self::Python => "python",
            Self::Api => "api",
            Self::Page => "page",
        }
    }
}

/// Requests alike: one token's string, from one address, by one client, with one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Whose string was shown.
    pub token: TokenId,
    /// Which of its strings: 0 is the first, each reissue adds one.
    pub string_no: u32,
    /// What became of them.
    pub outcome: Outcome,
    /// What was asked.
    pub family: Family,
    /// When the last of them came.
    pub at: OffsetDateTime,
    /// How many there were.
    pub requests: u32,
    /// Where they came from, if that is known.
    pub address: Option<IpAddr>,
    /// The client's name and version; empty where it told none.
    pub client: String,
}

impl From<Use> for stored::Use {
    fn from(used: Use) -> Self {
        Self {
            token_id: used.token.to_bytes(),
            string_no: used.string_no,
            outcome: match used.outcome {
                Outcome::Served => stored::Outcome::Served,
                Outcome::Refused => stored::Outcome::Refused,
                Outcome::Failed => stored::Outcome::Failed,
                Outcome::Dead => stored::Outcome::Dead,
            }
            .into(),
            family: match used.family {
                Family::Conda => stored::Family::Conda,
                Family::Python => stored::Family::Python,
                Family::Api => stored::Family::Api,
                Family::Page => stored::Family::Page,
            }
            .into(),
            last_at_us: i64::try_from(used.at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX),
            requests: used.requests,
            address: used.address.map(|address| address.to_string()).unwrap_or_default(),
            client: used.client,
        }
    }
}

/// Reads one back; nothing where it says what this version does not know, as then it is of no use here.
pub(crate) fn read(used: stored::Use) -> Option<Use> {
    Some(Use {
        token: TokenId::from_bytes(&used.token_id).ok()?,
        string_no: used.string_no,
        outcome: match used.outcome() {
            stored::Outcome::Served => Outcome::Served,
            stored::Outcome::Refused => Outcome::Refused,
            stored::Outcome::Failed => Outcome::Failed,
            stored::Outcome::Dead => Outcome::Dead,
            stored::Outcome::Unspecified => return None,
        },
        family: match used.family() {
            stored::Family::Conda => Family::Conda,
            stored::Family::Python => Family::Python,
            stored::Family::Api => Family::Api,
            stored::Family::Page => Family::Page,
            stored::Family::Unspecified => return None,
        },
        at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(used.last_at_us) * 1_000).ok()?,
        requests: used.requests,
        address: used.address.parse().ok(),
        client: used.client,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn used(outcome: Outcome, family: Family) -> Use {
        Use {
            token: TokenId(uuid::Uuid::from_u128(7)),
            string_no: 2,
            outcome,
            family,
            at: datetime!(2026-11-21 12:00:00.000_001 UTC),
            requests: 3,
            address: Some(IpAddr::from([192, 0, 2, 1])),
            client: "conda/24.9".into(),
        }
    }

    #[test]
    fn what_is_told_is_read_back() {
        for outcome in [Outcome::Served, Outcome::Refused, Outcome::Failed, Outcome::Dead] {
            for family in [Family::Conda, Family::Python, Family::Api, Family::Page] {
                let one = used(outcome, family);
                assert_eq!(read(one.clone().into()), Some(one));
            }
        }
    }

    #[test]
    fn what_a_newer_release_tells_otherwise_is_passed_over() {
        let good = stored::Use::from(used(Outcome::Served, Family::Api));
        assert_eq!(read(stored::Use { outcome: 99, ..good.clone() }), None);
        assert_eq!(read(stored::Use { family: 99, ..good.clone() }), None);
        assert_eq!(read(stored::Use { token_id: vec![1], ..good }), None);
    }
}
