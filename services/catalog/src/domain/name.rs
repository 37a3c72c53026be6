//! A channel's name is reserved in the space it shares with logins. A channel may bear its owner's login: then account
//! and channel both hold the name. The subject is the name's SHA-256.

use names::{AccountId, ChannelId};

/// Who holds one name. A subject without events is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Name {
    pub account: Option<AccountId>,
    pub channel: Option<ChannelId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    TakenByAccount(AccountId),
    TakenByChannel { channel: ChannelId, owner: AccountId },
    ReleasedByAccount(AccountId),
    ReleasedByChannel(ChannelId),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this name is taken: choose another")]
    Taken,
}

/// Reserves the name for a channel.
pub fn take(name: Option<&Name>, channel: ChannelId, owner: AccountId) -> Result<Vec<Event>, Refusal> {
    match name.copied().unwrap_or_default() {
        Name { channel: None, account: None } => Ok(vec![Event::TakenByChannel { channel, owner }]),
        Name { channel: None, account: Some(account) } if account == owner => {
            Ok(vec![Event::TakenByChannel { channel, owner }])
        }
        Name { .. } => Err(Refusal::Taken),
    }
}

/// Lets go of the name, if it is this channel that bears it.
pub fn release(name: Option<&Name>, channel: ChannelId) -> Vec<Event> {
    match name.and_then(|name| name.channel) == Some(channel) {
        true => vec![Event::ReleasedByChannel(channel)],
        false => vec![],
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(name: Option<Name>, event: Event) -> Option<Name> {
    let name = name.unwrap_or_default();
    Some(match event {
        Event::TakenByAccount(account) => Name { account: Some(account), ..name },
        Event::TakenByChannel { channel, .. } => Name { channel: Some(channel), ..name },
        Event::ReleasedByAccount(account) if name.account == Some(account) => Name { account: None, ..name },
        Event::ReleasedByChannel(channel) if name.channel == Some(channel) => Name { channel: None, ..name },
        Event::ReleasedByAccount(_) | Event::ReleasedByChannel(_) => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const ANN: AccountId = AccountId(Uuid::from_u128(1));
    const BEN: AccountId = AccountId(Uuid::from_u128(2));
    const ONE: ChannelId = ChannelId(Uuid::from_u128(3));
    const TWO: ChannelId = ChannelId(Uuid::from_u128(4));

    fn after(history: &[Event]) -> Option<Name> {
        history.iter().copied().fold(None, evolve)
    }

    #[test]
    fn a_channel_may_bear_its_owners_login_and_nobody_elses() {
        let history = [Event::TakenByAccount(ANN)];
        assert!(take(after(&history).as_ref(), ONE, ANN).is_ok());
        assert_eq!(take(after(&history).as_ref(), ONE, BEN), Err(Refusal::Taken));
    }

    #[test]
    fn a_released_name_is_free_again_and_the_login_stays() {
        let mut history = vec![Event::TakenByAccount(ANN)];
        history.extend(take(after(&history).as_ref(), ONE, ANN).unwrap());
        assert_eq!(take(after(&history).as_ref(), TWO, ANN), Err(Refusal::Taken));
        history.extend(release(after(&history).as_ref(), ONE));
        assert_eq!(release(after(&history).as_ref(), ONE), vec![]);
        assert_eq!(after(&history), Some(Name { account: Some(ANN), channel: None }));
        assert!(take(after(&history).as_ref(), TWO, ANN).is_ok());
    }

    proptest! {
        /// Whatever is tried in whatever order, two channels never hold one name.
        #[test]
        fn a_name_has_one_channel(tries in proptest::collection::vec((any::<bool>(), 0_u128..3, 0_u128..2), 0..30)) {
            let (mut name, mut holder) = (None, None);
            for (takes, channel, owner) in tries {
                let (channel, owner) = (ChannelId(Uuid::from_u128(channel)), AccountId(Uuid::from_u128(owner)));
                let events = match takes {
                    true => take(name.as_ref(), channel, owner).unwrap_or_default(),
                    false => release(name.as_ref(), channel),
                };
                if !events.is_empty() {
                    prop_assert_eq!(holder, (!takes).then_some(channel));
                    holder = takes.then_some(channel);
                }
                name = events.into_iter().fold(name, evolve);
            }
        }
    }
}
