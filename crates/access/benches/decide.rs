//! One decision with a million tokens loaded, hashing included; and the fold of a million events.

use std::hint::black_box;

use access::{Action, Credential, Object, SecretHash, Table, Verdict, token_string};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use names::{AccountId, ChannelId, TokenId};
use proto::event::v1::{
    AccountCreated, AccountKind, Actor, ChannelCreated, Envelope, Event, Level, Privacy, TokenGrant,
    TokenIssued, TokenKind, TokenSecret, event,
};
use time::macros::datetime;
use uuid::Uuid;

const TOKENS: u128 = 1_000_000;
const CHANNELS: u128 = 1_000;

fn envelope(event: event::Event) -> Envelope {
    let actor = Actor { account_id: AccountId(Uuid::from_u128(1)).to_bytes(), ..Actor::default() };
    Envelope { actor: Some(actor), events: vec![Event { event: Some(event) }], ..Envelope::default() }
}

fn string(n: u128) -> String {
    token_string::mint(token_string::Kind::Resource, SecretHash::of(&n.to_string()).0)
}

fn issued(n: u128) -> Envelope {
    envelope(event::Event::TokenIssued(TokenIssued {
        token_id: TokenId(Uuid::from_u128(n)).to_bytes(),
        owner_id: AccountId(Uuid::from_u128(1)).to_bytes(),
        kind: TokenKind::Resource.into(),
        name: format!("ci-{n}"),
        expires_at_us: i64::MAX,
        secrets: vec![TokenSecret { sha256: SecretHash::of(&string(n)).0.to_vec(), ends_at_us: i64::MAX }],
        grants: vec![TokenGrant {
            channel_id: ChannelId(Uuid::from_u128(n % CHANNELS)).to_bytes(),
            level: Level::Read.into(),
        }],
        ..TokenIssued::default()
    }))
}

fn start() -> Vec<Envelope> {
    let owner = AccountId(Uuid::from_u128(1)).to_bytes();
    let mut account = envelope(event::Event::AccountCreated(AccountCreated {
        account_id: owner.clone(),
        kind: AccountKind::Person.into(),
        ..AccountCreated::default()
    }));
    account.actor = None;
    let channels = (0..CHANNELS).map(|n| {
        envelope(event::Event::ChannelCreated(ChannelCreated {
            channel_id: ChannelId(Uuid::from_u128(n)).to_bytes(),
            name: format!("channel-{n}"),
            owner_id: owner.clone(),
            privacy: Privacy::Private.into(),
            description: String::new(),
            ..Default::default()
        }))
    });
    std::iter::once(account).chain(channels).collect()
}

fn fold(log: &[Envelope]) -> Table {
    let mut table = Table::new([].into());
    for (seq, envelope) in (1..).zip(log) {
        table.apply(seq, envelope).expect("the events are well formed");
    }
    table
}

fn decide(c: &mut Criterion) {
    let mut log = start();
    log.extend((0..TOKENS).map(issued));
    let table = fold(&log);
    let now = datetime!(2027-01-01 12:00 UTC);
    let strings: Vec<String> = (0..TOKENS).step_by(97).map(string).collect();
    let names: Vec<String> = (0..CHANNELS).map(|n| format!("channel-{n}")).collect();
    let mut turn = 0;
    c.bench_function("decide, a random one of a million tokens, hashing included", |b| {
        b.iter(|| {
            turn = (turn + 7919) % strings.len();
            let name = &names[turn * 97 % names.len()];
            let caller = table.caller(now, &Credential::of(black_box(&strings[turn])));
            let verdict = table.decide(&caller, Action::CondaDownload, &Object::ChannelNamed(name));
            assert!(matches!(verdict, Verdict::Allowed(_)));
        });
    });

    let mut group = c.benchmark_group("fold");
    group.sample_size(10).throughput(Throughput::Elements(log.len() as u64));
    group.bench_function("a million AUTHZ events", |b| b.iter_with_large_drop(|| fold(black_box(&log))));
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
