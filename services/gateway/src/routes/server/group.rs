//! Groups: which of them hold a level on a channel, and those of an organisation. An organisation's groups are made and
//! changed by the handlers of the REST interface.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::catalog::v1::GrantChannelRequest;
use proto::event::v1::Level;
use serde::Deserialize;
use serde_json::{Value, json};

use super::artifact::Place;
use super::unprocessable;
use super::window::Window;
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::grant::visible;
use crate::routes::rest::group::{self, Organisation, documents};
use crate::routes::rest::json::{Json, query};
use crate::routes::rest::vocabulary::level;
use crate::upstream;

/// `GET …/groups`. Those who manage the channel see all, others what they hold themselves.
pub(crate) async fn list(given: Given<Place>) -> Result<Response, Problem> {
    let window: Window = query(&given.uri)?;
    let groups: Vec<_> = visible(&given).into_iter().filter_map(|held| held.group_document()).collect();
    answer(window, groups)
}

/// `GET /api/organizations/{organisation}/groups`: all for the owners, one's own for members.
pub(crate) async fn of_organisation(given: Given<Organisation>) -> Result<Response, Problem> {
    let window: Window = query(&given.uri)?;
    let groups = documents(&given).await?.into_iter().map(|group| json!(group)).collect();
    answer(window, groups)
}

fn answer(window: Window, groups: Vec<Value>) -> Result<Response, Problem> {
    let total = groups.len();
    Ok(axum::Json(json!({ "items": window.of(groups), "total_count": total })).into_response())
}

/// A group in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    organisation: String,
    group: String,
}

/// What a group is to hold.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    permission: String,
}

/// `PUT …/groups/{organisation}/{group}`: gives a group this level in place of what it had. Lowered, it returns like a
/// revocation.
pub(crate) async fn give(given: Given<Named>, Json(wanted): Json<Wanted>) -> Result<Response, Problem> {
    let wrong = |_| unprocessable("a permission is read, write or manage");
    set(&given, level(&wanted.permission).map_err(wrong)?).await?;
    Ok(axum::Json(json!({ "permission": wanted.permission })).into_response())
}

/// `DELETE …/groups/{organisation}/{group}`: returns like a revocation.
pub(crate) async fn take(given: Given<Named>) -> Result<Response, Problem> {
    set(&given, Level::None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn set(given: &Given<Named>, level: Level) -> Result<(), Problem> {
    let Named { organisation, group } = &given.path;
    let message = GrantChannelRequest {
        channel: given.admitted.room().name.to_string(),
        group: Some(group::named(organisation, group)),
        level: level.into(),
        ..GrantChannelRequest::default()
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    given.app.upstreams.catalog().grant_channel(request).await?;
    Ok(())
}
