//! `/api/channels` and `/api/account/channels`: list, make, show, change, delete channels and what is below them.
//!
//! A subchannel stands behind `/subchannels/` in an address, and is called by its own name beside its channel's.

mod item;

use access::{Action, Caller, Object, Subject, Table, Verdict};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::{AccountId, ChannelId};
use proto::catalog::v1::{ChannelRequest, CreateChannelRequest, SetChannelRequest};
use proto::event::v1::{Indexing, Privacy};
use serde::Deserialize;
use serde_json::json;

use super::window::Window;
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::anaconda::label;
use crate::routes::given::Given;
use crate::routes::reach;
use crate::routes::rest::Confirmed;
use crate::routes::rest::json::{Json, query};
use crate::routes::rest::vocabulary::{indexing, privacy};
use crate::upstream;

/// Which channels are wanted; what is not said is any.
#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    limit: Option<u64>,
    /// A part of the name.
    #[serde(default)]
    q: String,
    #[serde(default)]
    privacy: Option<String>,
}

impl Listing {
    fn wants(&self, channel: &access::Channel) -> bool {
        channel.name.contains(&self.q.to_ascii_lowercase())
            && self.privacy.as_deref().is_none_or(|privacy| privacy == channel.privacy.as_str())
    }
}

/// `GET /api/channels`: those that the caller may read. A subchannel is listed below its channel, and here where the
/// caller may not read that one.
pub(crate) async fn list(given: Given<()>) -> Result<Response, Problem> {
    let caller = &given.admitted.caller;
    listed(&given, |table, channel| channel.parent.is_none_or(|parent| !views(table, caller, parent))).await
}

/// `GET /api/account/channels`: those of them that are the caller's, an organisation's that is the caller's, or in
/// which the caller was given a level.
pub(crate) async fn own(given: Given<()>) -> Result<Response, Problem> {
    let Caller::Token { account, .. } = given.admitted.caller else {
        return listed(&given, |_, _| false).await;
    };
    listed(&given, |table, channel| {
        let above = channel.parent.and_then(|parent| table.channel(parent));
        is_own(table, account, channel) && above.is_none_or(|above| !is_own(table, account, above))
    })
    .await
}

fn is_own(table: &Table, account: AccountId, channel: &access::Channel) -> bool {
    let groups = table.groups_of(account);
    let owns = channel.owner == account
        || table.account(channel.owner).is_some_and(|owner| owner.owners.contains(&account));
    let given = |(subject, _): &(Subject, _)| match subject {
        Subject::Account(id) => *id == account,
        Subject::Group(id) => groups.contains(id),
    };
    owns || channel.grants.iter().any(given)
}

fn views(table: &Table, caller: &Caller, channel: ChannelId) -> bool {
    matches!(table.decide(caller, Action::ChannelView, &Object::Channel(channel)), Verdict::Allowed(_))
}

/// `GET /api/channels/{channel}/subchannels`: those that the caller may read.
pub(crate) async fn list_below(given: Given<Named>) -> Result<Response, Problem> {
    let above = given.admitted.room().id;
    listed(&given, |_, channel| channel.parent == Some(above)).await
}

async fn listed<P>(
    given: &Given<P>,
    is: impl Fn(&Table, &access::Channel) -> bool,
) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let caller = &given.admitted.caller;
    let (ids, total) = given.app.view.read(|table| {
        let wanted = table.channels().filter(|channel| {
            listing.wants(channel) && views(table, caller, channel.id) && is(table, channel)
        });
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_unstable_by(|one, two| one.name.cmp(&two.name));
        let total = wanted.len();
        let ids = wanted.into_iter().map(|channel| channel.id).collect();
        let window = Window { offset: listing.offset, limit: listing.limit };
        (window.of::<ChannelId>(ids), total)
    });
    let items = item::items(given, &ids).await?;
    Ok(axum::Json(json!({ "items": items, "total_count": total })).into_response())
}

/// What the address names; the gate has found it.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {}

/// `GET /api/channels/{channel}`: the channel, or to clients of Anaconda Repository its labels.
pub(crate) async fn show(given: Given<label::Owner>) -> Result<Response, Problem> {
    if given.admitted.presented.speaks_repository() {
        reach::check_channel(&given, Action::ArtifactView)?;
        return label::list(given).await;
    }
    reach::check_channel(&given, Action::ChannelView)?;
    shown(&given, StatusCode::OK, given.admitted.room().id).await
}

/// `GET /api/channels/{channel}/subchannels/{subchannel}`.
pub(crate) async fn show_below(given: Given<Named>) -> Result<Response, Problem> {
    shown(&given, StatusCode::OK, given.admitted.room().id).await
}

async fn shown<P>(given: &Given<P>, status: StatusCode, id: ChannelId) -> Result<Response, Problem> {
    let item = item::items(given, &[id]).await?.pop();
    let item = item.ok_or_else(|| Problem::not_found("the channel is gone"))?;
    Ok((status, axum::Json(item)).into_response())
}

/// A channel to be.
#[derive(Deserialize)]
pub(crate) struct NewChannel {
    name: String,
    #[serde(default)]
    privacy: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// `POST /api/channels`. Without a word about privacy it is public: these clients make it private by a second call.
pub(crate) async fn create(given: Given<()>, Json(new): Json<NewChannel>) -> Result<Response, Problem> {
    made(&given, new, String::new()).await
}

/// `POST /api/channels/{channel}/subchannels`. Without a word about privacy it is as its channel is.
pub(crate) async fn create_below(
    given: Given<Named>,
    Json(new): Json<NewChannel>,
) -> Result<Response, Problem> {
    let room = given.admitted.room();
    let above = given.app.view.read(|table| table.channel(room.id).map(|channel| channel.privacy));
    let privacy = new.privacy.or_else(|| above.map(|privacy| privacy.as_str().to_owned()));
    made(&given, NewChannel { privacy, ..new }, room.name.to_string()).await
}

async fn made<P>(given: &Given<P>, new: NewChannel, parent: String) -> Result<Response, Problem> {
    let message = CreateChannelRequest {
        name: new.name,
        privacy: new.privacy.as_deref().map_or(Ok(Privacy::Public), privacy)?.into(),
        description: new.description.unwrap_or_default(),
        parent,
        ..CreateChannelRequest::default()
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().create_channel(request).await?.into_inner();
    let id = reply.channel.and_then(|channel| channel.id.parse().ok());
    let id =
        id.ok_or_else(|| runtime::Failure::internal("catalog made a channel and did not describe it"))?;
    known(given, reply.authz_seq).await?;
    shown(given, StatusCode::CREATED, id).await
}

/// Waits until this gateway knows of a change that was made for it.
async fn known<P>(given: &Given<P>, authz_seq: u64) -> Result<(), Problem> {
    match given.app.view.wait_for(authz_seq, WRITE_CALL).await {
        Ok(_) => Ok(()),
        Err(_behind) => {
            Err(Problem::unavailable("the change is recorded and not known here yet; look again"))
        }
    }
}

fn behavior(word: &str) -> Result<Indexing, Problem> {
    indexing(word).map_err(|problem| problem.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// What of a channel is to change.
#[derive(Deserialize)]
pub(crate) struct Changes {
    #[serde(default)]
    privacy: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    indexing_behavior: Option<String>,
}

/// `PUT /api/channels/{channel}`: made less public or frozen, it returns like a revocation.
pub(crate) async fn change(given: Given<Named>, Json(changes): Json<Changes>) -> Result<Response, Problem> {
    let Changes { privacy: wanted, description, indexing_behavior } = changes;
    let message = SetChannelRequest {
        channel: given.admitted.room().name.to_string(),
        privacy: wanted.as_deref().map(privacy).transpose()?.map(i32::from),
        description,
        indexing: indexing_behavior.as_deref().map(behavior).transpose()?.map(i32::from),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().set_channel(request).await?.into_inner();
    known(&given, reply.authz_seq).await?;
    shown(&given, StatusCode::OK, given.admitted.room().id).await
}

/// `DELETE /api/channels/{channel}`: with all that is in it.
pub(crate) async fn remove(given: Given<Named>) -> Result<Response, Problem> {
    let message = ChannelRequest { channel: given.admitted.room().name.to_string() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().delete_channel(request).await?.into_inner();
    let document = json!({ "authz_seq": reply.authz_seq, "receipt": reply.receipt.map(Confirmed::from) });
    Ok((StatusCode::ACCEPTED, axum::Json(document)).into_response())
}
