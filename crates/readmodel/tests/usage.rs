//! Last uses of tokens on a real Postgres: taken in twice they are as after once, and old addresses are forgotten.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use names::TokenId;
use readmodel::write::{Database, UsagePosition};
use readmodel::{Reader, UseRow};
use servers::{Postgres, PostgresOptions};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00:00.123456 UTC);

fn token(number: u128) -> TokenId {
    TokenId(Uuid::from_u128(number))
}

fn used(number: u128, string_no: u32, minute: i64) -> UseRow {
    UseRow {
        token_id: token(number),
        string_no,
        alive: true,
        at: NOON + Duration::minutes(minute),
        address: format!("192.0.2.{minute}"),
        client: "conda/24.9".into(),
        family: "conda".into(),
        outcome: "served".into(),
    }
}

fn at(seq: u64) -> UsagePosition {
    UsagePosition { epoch: "e".into(), seq }
}

async fn sorted(reader: &Reader, tokens: &[TokenId]) -> Vec<UseRow> {
    let mut rows = reader.token_uses(tokens).await.unwrap();
    rows.sort_by_key(|row| (row.token_id.0, row.string_no, row.alive));
    rows
}

#[tokio::test]
async fn the_latest_use_of_each_string_counts_however_often_it_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    assert_eq!(db.usage_position().await.unwrap(), UsagePosition::default());

    let dead = UseRow { alive: false, outcome: "dead".into(), ..used(1, 0, 9) };
    let first = [used(1, 0, 3), used(1, 1, 2), dead.clone(), used(2, 0, 1)];
    let later = [used(1, 0, 2), used(1, 1, 4)];
    let expected = [dead, used(1, 0, 3), used(1, 1, 4)];
    for _ in 0..2 {
        db.record_uses(&first, &at(1)).await.unwrap();
        db.record_uses(&later, &at(2)).await.unwrap();
        assert_eq!(sorted(&reader, &[token(1), token(3)]).await, expected);
    }
    assert_eq!(db.usage_position().await.unwrap(), at(2));
    db.record_uses(&[], &at(3)).await.unwrap();
    assert_eq!(db.usage_position().await.unwrap(), at(3), "a message without a use is passed too");

    assert_eq!(db.forget_users(NOON + Duration::minutes(3)).await.unwrap(), 1);
    let kept = sorted(&reader, &[token(1), token(2)]).await;
    assert_eq!(kept[..3], expected);
    let forgotten = UseRow { address: String::new(), client: String::new(), ..used(2, 0, 1) };
    assert_eq!(kept[3], forgotten, "when it was is kept");
    assert_eq!(db.forget_users(NOON + Duration::minutes(3)).await.unwrap(), 0);
}
