//! What leaves auth of an event: followers need secret hashes to authorise, auditors do not, and nobody needs personal
//! fields, not even as ciphertext.

use proto::event::v1::event::Event;
use proto::event::v1::{
    AccountCreated, Envelope, PasswordChanged, TokenEdited, TokenIssued, TokenOverlapEnded, TokenReissued,
    TokenRevoked,
};

/// Without personal fields.
pub fn for_followers(envelope: Envelope) -> Envelope {
    each(envelope, without_personal)
}

/// Without personal fields and secret hashes.
pub fn for_auditors(envelope: Envelope) -> Envelope {
    each(envelope, |event| {
        let mut event = without_personal(event);
        if let Event::TokenIssued(TokenIssued { secrets, .. }) = &mut event {
            secrets.clear();
        }
        if let Event::TokenReissued(TokenReissued { secret, .. }) = &mut event {
            *secret = None;
        }
        event
    })
}

fn each(mut envelope: Envelope, strip: impl Fn(Event) -> Event) -> Envelope {
    for event in &mut envelope.events {
        event.event = event.event.take().map(&strip);
    }
    envelope
}

fn without_personal(event: Event) -> Event {
    match event {
        Event::AccountCreated(event) => {
            Event::AccountCreated(AccountCreated { login: None, password_hash: None, ..event })
        }
        Event::PasswordChanged(event) => {
            Event::PasswordChanged(PasswordChanged { password_hash: None, ..event })
        }
        Event::TokenIssued(event) => Event::TokenIssued(TokenIssued { from_address: None, ..event }),
        Event::TokenRevoked(event) => Event::TokenRevoked(TokenRevoked { from_address: None, ..event }),
        Event::TokenEdited(event) => Event::TokenEdited(TokenEdited { from_address: None, ..event }),
        Event::TokenReissued(event) => Event::TokenReissued(TokenReissued { from_address: None, ..event }),
        Event::TokenOverlapEnded(event) => {
            Event::TokenOverlapEnded(TokenOverlapEnded { from_address: None, ..event })
        }
        // Listed one by one, so that a new event with a personal field cannot slip through unseen.
        event @ (Event::AccountDisabled(_)
        | Event::AccountEnabled(_)
        | Event::OwnersChanged(_)
        | Event::DefaultChannelChanged(_)
        | Event::IndexingChanged(_)
        | Event::RoleCreated(_)
        | Event::RoleChanged(_)
        | Event::RoleAssigned(_)
        | Event::RoleUnassigned(_)
        | Event::RoleDeleted(_)
        | Event::TokenExpiryWarned(_)
        | Event::NameTaken(_)
        | Event::NameReleased(_)
        | Event::ChannelCreated(_)
        | Event::ChannelDescribed(_)
        | Event::ChannelDeleted(_)
        | Event::AccessChanged(_)
        | Event::PackageCreated(_)
        | Event::PackageDeleted(_)
        | Event::GroupCreated(_)
        | Event::GroupChanged(_)
        | Event::GroupMembersChanged(_)
        | Event::GroupDeleted(_)
        | Event::ArtifactPublished(_)
        | Event::ArtifactRemoved(_)
        | Event::LabelsChanged(_)
        | Event::LabelLockChanged(_)) => event,
    }
}
