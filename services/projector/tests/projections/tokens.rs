//! Scopes, edits, reissues, owners and levels of accounts, in the rows.

use names::{AccountId, Level, Scope, TokenId};
use proto::event::v1::Level as Stored;
use readmodel::write::{Keys, Rows};
use time::macros::datetime;

use crate::{
    events::{self, OWNER, TOKEN, channel_id, id},
    world::World,
};

async fn rows(world: &World) -> Rows {
    world.caught_up().await;
    let mut keys = Keys::default();
    keys.accounts.insert(account(1));
    keys.tokens.insert(TokenId(id(TOKEN, 1)));
    keys.channels.insert(channel_id(1));
    world.db.begin_live().await.unwrap().load(&keys).await.unwrap()
}

fn account(n: u8) -> AccountId {
    AccountId(id(OWNER, n))
}

#[tokio::test]
async fn a_scope_tokens_row_follows_its_edits_and_reissues() {
    let mut world = World::following().await;
    for event in [events::account(1), events::scoped(1, 1, &["repos", "conda:download"])] {
        world.writer.append(event).await;
    }
    let token = rows(&world).await.tokens[&TokenId(id(TOKEN, 1))].clone();
    assert_eq!((token.kind.as_str(), token.reissued_at), ("scoped", None));
    assert_eq!(token.scopes, [Scope::CondaDownload, Scope::Repos].into());

    world.writer.append(events::edited(1, 1, "nightly")).await;
    let token = rows(&world).await.tokens[&TokenId(id(TOKEN, 1))].clone();
    assert_eq!((token.name.as_str(), token.description.as_str()), ("nightly", "edited"));
    assert_eq!(token.expires_at, datetime!(2027-01-15 8:00 UTC));

    world.writer.append(events::reissued(1, 1, 9)).await;
    for event in events::unshown(1, 1) {
        world.writer.append(event).await;
    }
    let token = rows(&world).await.tokens[&TokenId(id(TOKEN, 1))].clone();
    assert_eq!(token.expires_at, datetime!(2030-03-17 17:46:40 UTC));
    assert!(token.reissued_at.is_some() && token.scopes.len() == 2 && token.revoked_at.is_none());
    world.agrees().await;
}

#[tokio::test]
async fn owners_and_given_levels_are_those_of_the_last_event() {
    let mut world = World::following().await;
    for event in [
        events::account(1),
        events::channel(1, 1),
        events::owned(1, &[2, 3]),
        events::given(1, 4, Stored::Read),
        events::given(1, 5, Stored::Write),
    ] {
        world.writer.append(event).await;
    }
    let found = rows(&world).await;
    assert_eq!(found.accounts[&account(1)].owners, [account(2), account(3)].into());
    let subject = |n| names::Subject::Account(account(n));
    let levels = [(subject(4), Level::Read), (subject(5), Level::Write)];
    assert_eq!(found.channels[&channel_id(1)].grants, levels.into());

    for event in
        [events::owned(1, &[3]), events::given(1, 4, Stored::Manage), events::given(1, 5, Stored::None)]
    {
        world.writer.append(event).await;
    }
    let found = rows(&world).await;
    assert_eq!(found.accounts[&account(1)].owners, [account(3)].into());
    assert_eq!(found.channels[&channel_id(1)].grants, [(subject(4), Level::Manage)].into());
    let history =
        world.reader.history(channel_id(1), &readmodel::HistoryFilter::default(), None, 99).await.unwrap();
    assert_eq!(history.iter().filter(|line| line.event == "access_changed").count(), 4);
    world.agrees().await;
}
