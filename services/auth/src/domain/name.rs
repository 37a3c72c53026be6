//! A name is held by at most one account. Channels share the space, and a channel may bear its owner's login: then both
//! hold it. The subject is the name's SHA-256, so a login leaves no trace there.

use names::{AccountId, ChannelId};

/// Who holds one name. A subject without events is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Name {
    pub account: Option<AccountId>,
    pub channel: Option<ChannelId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Account(AccountId),
    Channel { channel: ChannelId, owner: AccountId },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Taken(Holder),
    ReleasedByAccount(AccountId),
    ReleasedByChannel(ChannelId),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this name is taken: choose another")]
    Taken,
}

/// Reserves the name as a login. A name that a channel bears is not free: its path would change hands.
pub fn decide(name: Option<&Name>, account: AccountId) -> Result<Vec<Event>, Refusal> {
    match name {
        None | Some(Name { account: None, channel: None }) => {
            Ok(vec![Event::Taken(Holder::Account(account))])
        }
        Some(_) => Err(Refusal::Taken),
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(name: Option<Name>, event: Event) -> Option<Name> {
    let name = name.unwrap_or_default();
    Some(match event {
        Event::Taken(Holder::Account(account)) => Name { account: Some(account), ..name },
        Event::Taken(Holder::Channel { channel, .. }) => Name { channel: Some(channel), ..name },
        Event::ReleasedByAccount(account) if name.account == Some(account) => Name { account: None, ..name },
        Event::ReleasedByChannel(channel) if name.channel == Some(channel) => Name { channel: None, ..name },
        Event::ReleasedByAccount(_) | Event::ReleasedByChannel(_) => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ANN: AccountId = AccountId(Uuid::from_u128(1));
    const BEN: AccountId = AccountId(Uuid::from_u128(2));
    const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(3));

    fn after(history: &[Event]) -> Option<Name> {
        history.iter().copied().fold(None, evolve)
    }

    #[test]
    fn a_login_is_reserved_once() {
        let history = decide(None, ANN).unwrap();
        assert_eq!(decide(after(&history).as_ref(), BEN), Err(Refusal::Taken));
        assert_eq!(decide(after(&history).as_ref(), ANN), Err(Refusal::Taken));
    }

    #[test]
    fn a_channels_name_is_no_login_until_the_channel_lets_go() {
        let mut history = vec![Event::Taken(Holder::Channel { channel: CHANNEL, owner: ANN })];
        assert_eq!(decide(after(&history).as_ref(), BEN), Err(Refusal::Taken));
        history.push(Event::ReleasedByChannel(CHANNEL));
        assert_eq!(decide(after(&history).as_ref(), BEN), Ok(vec![Event::Taken(Holder::Account(BEN))]));
    }

    #[test]
    fn a_stranger_releases_nothing() {
        let history = [Event::Taken(Holder::Account(ANN)), Event::ReleasedByAccount(BEN)];
        assert_eq!(after(&history).unwrap().account, Some(ANN));
    }
}
