//! A decision allocates nothing, hashing of the secret included: it stands on every request's path.

use access::{Action, By, Credential, Object, SecretHash, Table, Verdict, token_string};
use names::{AccountId, ChannelId, TokenId};
use proto::event::v1::{
    AccountCreated, AccountKind, ChannelCreated, Envelope, Event, Level, Privacy, TokenGrant, TokenIssued,
    TokenKind, TokenSecret, event,
};
use time::macros::datetime;
use uuid::Uuid;

fn envelope(event: event::Event) -> Envelope {
    Envelope { events: vec![Event { event: Some(event) }], ..Envelope::default() }
}

#[test]
fn a_decision_allocates_nothing() {
    let secret = token_string::mint(token_string::Kind::Resource, [7; token_string::RANDOM_BYTES]);
    let owner = AccountId(Uuid::from_u128(1)).to_bytes();
    let channel = ChannelId(Uuid::from_u128(2)).to_bytes();
    let events = [
        event::Event::AccountCreated(AccountCreated {
            account_id: owner.clone(),
            kind: AccountKind::Person.into(),
            ..AccountCreated::default()
        }),
        event::Event::ChannelCreated(ChannelCreated {
            channel_id: channel.clone(),
            name: "acme".into(),
            owner_id: owner.clone(),
            privacy: Privacy::Private.into(),
            description: String::new(),
            ..Default::default()
        }),
        event::Event::TokenIssued(TokenIssued {
            token_id: TokenId(Uuid::from_u128(3)).to_bytes(),
            owner_id: owner,
            kind: TokenKind::Resource.into(),
            expires_at_us: i64::MAX,
            secrets: vec![TokenSecret { sha256: SecretHash::of(&secret).0.to_vec(), ends_at_us: i64::MAX }],
            grants: vec![TokenGrant { channel_id: channel, level: Level::Read.into() }],
            ..TokenIssued::default()
        }),
    ];
    let mut table = Table::new([].into());
    for (seq, event) in (1..).zip(events) {
        table.apply(seq, &envelope(event)).unwrap();
    }
    let now = datetime!(2027-01-01 12:00 UTC);
    let decide = || {
        let caller = table.caller(now, &Credential::of(&secret));
        let allowed = table.decide(&caller, Action::ChannelView, &Object::ChannelNamed("acme"));
        let refused = table.decide(&caller, Action::ChannelEdit, &Object::ChannelNamed("acme"));
        (allowed, refused)
    };
    // The first digest of a process may set its provider up.
    decide();
    let mut verdicts = None;
    let allocated = allocation_counter::measure(|| verdicts = Some(decide()));
    let (allowed, refused) = verdicts.unwrap();
    assert_eq!(allowed, Verdict::Allowed(By::Grant(names::Level::Read)));
    assert!(matches!(refused, Verdict::Refused(_)));
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}
