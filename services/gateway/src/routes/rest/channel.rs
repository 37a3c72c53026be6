//! `/api/v1/channels`: make, list, show, change, delete.

use access::{Action, Object, Verdict};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::catalog::v1::{
    AccountLevel, Channel, ChannelReply, ChannelRequest, CreateChannelRequest, ListChannelsRequest,
    SetChannelRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Confirmed;
use super::json::{Json, query};
use super::vocabulary::{
    given as nonempty, indexing, indexing_of, indexing_word, level_word, privacy, privacy_word,
};
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

#[derive(Debug, Serialize)]
struct ChannelDocument {
    id: String,
    name: String,
    privacy: &'static str,
    description: String,
    owner_id: String,
    indexing_behavior: &'static str,
    level: &'static str,
    /// For those who may manage it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grants: Vec<HeldDocument>,
}

#[derive(Debug, Serialize)]
pub(super) struct HeldDocument {
    /// One of the two is there.
    account_id: Option<String>,
    group_id: Option<String>,
    /// The group's name.
    group: Option<String>,
    level: &'static str,
}

impl From<AccountLevel> for HeldDocument {
    fn from(held: AccountLevel) -> Self {
        Self {
            level: level_word(held.level()),
            account_id: nonempty(held.account_id),
            group_id: nonempty(held.group_id),
            group: nonempty(held.group),
        }
    }
}

impl From<Channel> for ChannelDocument {
    fn from(channel: Channel) -> Self {
        let (privacy, level) = (privacy_word(channel.privacy()), level_word(channel.level()));
        let indexing_behavior = indexing_word(channel.indexing());
        Self {
            id: channel.id,
            name: channel.name,
            privacy,
            description: channel.description,
            owner_id: channel.owner_id,
            indexing_behavior,
            level,
            grants: channel.grants.into_iter().map(HeldDocument::from).collect(),
        }
    }
}

/// A channel as it is after a change, with the change's receipt.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    #[serde(flatten)]
    channel: Option<ChannelDocument>,
    authz_seq: u64,
    receipt: Option<Confirmed>,
}

/// What came of a change.
pub(super) fn changed(reply: ChannelReply) -> axum::Json<Changed> {
    axum::Json(Changed {
        channel: reply.channel.map(ChannelDocument::from),
        authz_seq: reply.authz_seq,
        receipt: reply.receipt.map(Confirmed::from),
    })
}

/// The channel's name in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) channel: String,
}

/// A channel to be.
#[derive(Deserialize)]
pub(crate) struct NewChannel {
    name: String,
    #[serde(default)]
    privacy: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    owner_id: Option<String>,
    /// Its login, in place of the id.
    #[serde(default)]
    owner: Option<String>,
}

/// `POST /api/v1/channels`. Without a word about privacy it is private.
pub(crate) async fn create(given: Given<()>, Json(body): Json<NewChannel>) -> Result<Response, Problem> {
    let message = CreateChannelRequest {
        name: body.name,
        privacy: privacy(body.privacy.as_deref().unwrap_or("private"))?.into(),
        description: body.description.unwrap_or_default(),
        owner_id: body.owner_id.unwrap_or_default(),
        owner: body.owner.unwrap_or_default(),
        parent: String::new(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().create_channel(request).await?.into_inner();
    Ok((StatusCode::CREATED, changed(reply)).into_response())
}

/// `POST /api/v1/channels/{channel}/subchannels`. Without a word about privacy it is private; its owner is its parent's.
pub(crate) async fn create_below(
    given: Given<Named>,
    Json(body): Json<NewChannel>,
) -> Result<Response, Problem> {
    if body.owner_id.is_some() || body.owner.is_some() {
        return Err(Problem::invalid(
            "a subchannel belongs to whom its channel belongs: leave the owner out",
        ));
    }
    let message = CreateChannelRequest {
        name: body.name,
        privacy: privacy(body.privacy.as_deref().unwrap_or("private"))?.into(),
        description: body.description.unwrap_or_default(),
        parent: given.path.channel.clone(),
        ..CreateChannelRequest::default()
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().create_channel(request).await?.into_inner();
    Ok((StatusCode::CREATED, changed(reply)).into_response())
}

/// `GET /api/v1/channels/{channel}/subchannels`: those that the caller may read.
pub(crate) async fn list_below(given: Given<Named>) -> Result<Response, Problem> {
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    let channels = given.app.view.read(|table| {
        let below = table.channel(room.id).map(|channel| channel.subchannels.as_slice()).unwrap_or_default();
        let known = below.iter().filter_map(|(_, id)| {
            let verdict = table.decide(caller, Action::ChannelView, &Object::Channel(*id));
            matches!(verdict, Verdict::Allowed(_)).then(|| table.channel(*id)).flatten()
        });
        let document = |channel: &access::Channel| ChannelDocument {
            id: channel.id.to_string(),
            name: channel.name.to_string(),
            privacy: channel.privacy.as_str(),
            description: channel.description.to_string(),
            owner_id: channel.owner.to_string(),
            indexing_behavior: indexing_of(channel),
            level: table.level(caller, channel.id).map_or("none", names::Level::as_str),
            grants: Vec::new(),
        };
        known.map(document).collect::<Vec<_>>()
    });
    let total = channels.len();
    Ok(axum::Json(json!({ "channels": channels, "next_page_token": null, "total": total })).into_response())
}

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    page_size: u32,
    #[serde(default)]
    page_token: String,
}

/// `GET /api/v1/channels`: those that the caller may read.
pub(crate) async fn list(given: Given<()>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let message = ListChannelsRequest { page_size: listing.page_size, page_token: listing.page_token };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut catalog = given.app.upstreams.catalog();
        async move { catalog.list_channels(request).await }
    });
    let reply = reply.await?;
    let channels: Vec<_> = reply.channels.into_iter().map(ChannelDocument::from).collect();
    let document = json!({ "channels": channels, "next_page_token": nonempty(reply.next_page_token), "total": reply.total });
    Ok(axum::Json(document).into_response())
}

/// `GET /api/v1/channels/{channel}`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let message = ChannelRequest { channel: given.path.channel.clone() };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut catalog = given.app.upstreams.catalog();
        async move { catalog.show_channel(request).await }
    });
    Ok(axum::Json(ChannelDocument::from(reply.await?)).into_response())
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

/// `PATCH /api/v1/channels/{channel}`: made less public or frozen, it returns like a revocation.
pub(crate) async fn set(given: Given<Named>, Json(body): Json<Changes>) -> Result<Response, Problem> {
    let message = SetChannelRequest {
        channel: given.path.channel.clone(),
        privacy: body.privacy.as_deref().map(privacy).transpose()?.map(i32::from),
        description: body.description,
        indexing: body.indexing_behavior.as_deref().map(indexing).transpose()?.map(i32::from),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().set_channel(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// `DELETE /api/v1/channels/{channel}`.
pub(crate) async fn delete(given: Given<Named>) -> Result<Response, Problem> {
    let message = ChannelRequest { channel: given.path.channel.clone() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().delete_channel(request).await?.into_inner();
    Ok(changed(reply).into_response())
}
