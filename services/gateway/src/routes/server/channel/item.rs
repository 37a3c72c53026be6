//! A channel as these clients print it. Counts and times are of what the caller sees.

use std::collections::HashMap;

use access::Caller;
use names::ChannelId;
use readmodel::Tally;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::problem::Problem;
use crate::routes::anaconda::account::caller;
use crate::routes::given::Given;
use crate::routes::rest::vocabulary::indexing_of;
use crate::routes::{logins, reach};
use crate::state::unread;

#[derive(Debug, Serialize)]
pub(super) struct Item {
    id: String,
    /// Its own; a subchannel's channel is the parent.
    name: String,
    parent: Option<String>,
    privacy: &'static str,
    description: String,
    /// Logins, or ids where the caller may not look accounts up.
    owners: Vec<String>,
    artifact_count: u64,
    /// Downloads are not counted.
    download_count: u64,
    /// No channel is filled from another server.
    mirror_count: u64,
    subchannel_count: usize,
    created: String,
    updated: String,
    indexing_behavior: &'static str,
}

/// Those of the channels that are there, in this order.
pub(super) async fn items<P>(given: &Given<P>, ids: &[ChannelId]) -> Result<Vec<Item>, Problem> {
    let caller = &given.admitted.caller;
    let (mut items, shelves) = given.app.view.read(|table| {
        let below = |channel: &access::Channel| {
            let below = channel.subchannels.iter().filter(|(_, id)| super::views(table, caller, *id));
            below.count()
        };
        let there = ids.iter().filter_map(|id| table.channel(*id));
        let items: Vec<_> = there.map(|channel| (channel.id, item(channel, below(channel)))).collect();
        let shelves = reach::shelves(table, caller, items.iter().map(|(id, _)| *id));
        (items, shelves)
    });
    if items.is_empty() {
        return Ok(Vec::new());
    }
    given.app.caught_up().await?;
    let tallies = given.app.reader.tallies(&shelves).await.map_err(unread)?;
    let tallies: HashMap<_, _> = tallies.into_iter().map(|tally| (tally.channel_id, tally)).collect();
    let logins = logins(given, items.iter().flat_map(|(_, item)| &item.owners)).await?;
    for (id, item) in &mut items {
        item.count(tallies.get(id));
        for owner in &mut item.owners {
            if let Some(login) = logins.get(owner) {
                owner.clone_from(login);
            }
        }
    }
    Ok(items.into_iter().map(|(_, item)| item).collect())
}

fn item(channel: &access::Channel, below: usize) -> Item {
    let (parent, name) =
        channel.name.split_once('/').map_or((None, &*channel.name), |(parent, name)| (Some(parent), name));
    let created = stamp(made_at(channel.id));
    Item {
        id: channel.id.to_string(),
        name: name.to_owned(),
        parent: parent.map(str::to_owned),
        privacy: channel.privacy.as_str(),
        description: channel.description.to_string(),
        owners: vec![channel.owner.to_string()],
        artifact_count: 0,
        download_count: 0,
        mirror_count: 0,
        subchannel_count: below,
        updated: created.clone(),
        created,
        indexing_behavior: indexing_of(channel),
    }
}

impl Item {
    fn count(&mut self, tally: Option<&Tally>) {
        if let Some(tally) = tally {
            self.artifact_count = tally.packages;
            self.updated = stamp(tally.updated_at);
        }
    }
}

/// A channel's id is a UUID v7, which begins with the time it was made at.
fn made_at(id: ChannelId) -> OffsetDateTime {
    let since = id.0.get_timestamp().map(|stamp| stamp.to_unix().0);
    let since = since.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(since).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn stamp(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

/// Logins by account id. A token that opens this and no accounts may still know its own.
async fn logins<P>(
    given: &Given<P>,
    accounts: impl Iterator<Item = &String>,
) -> Result<HashMap<String, String>, Problem> {
    let known = logins::known(given, accounts.cloned()).await?;
    if known.is_empty() { Ok(own(given).await?.into_iter().collect()) } else { Ok(known) }
}

async fn own<P>(given: &Given<P>) -> Result<Option<(String, String)>, Problem> {
    match matches!(given.admitted.caller, Caller::Token { .. }) {
        true => caller(given).await.map(|account| Some((account.id, account.login))),
        // Nobody, or a dead token that looks at what is public.
        false => Ok(None),
    }
}
