//! `/api/v1/channels/{channel}/packages`: packages, who sees them, and what was given on one alone.

use access::{Action, Object, Subject, Table, Verdict};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use names::{Level, PackageKind};
use proto::catalog::v1::{
    CreatePackageRequest, GrantPackageRequest, GroupRequest, PackageReply, PackageRequest, SetPackageRequest,
};
use proto::event::v1 as stored;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Confirmed;
use super::channel::HeldDocument;
use super::grant::{self, Wanted};
use super::group;
use super::json::{Json, query};
use super::vocabulary::{level, level_word};
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::refuse::{self, Family};
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::upstream;

/// Packages in one page if the caller does not say, and at most.
const PAGE: usize = 200;
const PAGE_MOST: usize = 1_000;

/// A package in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    channel: String,
    kind: String,
    name: String,
    /// Of whom the address speaks.
    #[serde(default)]
    login: String,
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    group: String,
}

impl Place {
    /// The kind, and the name as that kind normalises it.
    fn package(&self) -> Result<(PackageKind, String), Problem> {
        let kind = self.kind.parse::<PackageKind>().map_err(|error| Problem::invalid(error.to_string()))?;
        let name = kind.normal(&self.name).map_err(|error| Problem::invalid(error.to_string()))?;
        Ok((kind, name))
    }

    fn request(&self) -> Result<PackageRequest, Problem> {
        let (kind, name) = self.package()?;
        Ok(PackageRequest { channel: self.channel.clone(), kind: stored_kind(kind).into(), name })
    }
}

#[derive(Debug, Serialize)]
struct PackageDocument {
    id: String,
    kind: &'static str,
    name: String,
    private: bool,
    /// What the caller may do with it.
    level: &'static str,
}

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    page_size: usize,
    #[serde(default)]
    page_token: String,
}

/// A position in a listing. It is the caller's own: another caller's or another channel's is refused.
#[derive(Debug, Serialize, Deserialize)]
struct After {
    channel: uuid::Uuid,
    caller: Option<uuid::Uuid>,
    kind: String,
    name: String,
}

/// `GET …/packages`: those that the caller may see, by kind and name.
pub(crate) async fn list(given: Given<super::channel::Named>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    let size = if listing.page_size == 0 { PAGE } else { listing.page_size.min(PAGE_MOST) };
    let own = caller.token().map(|token| token.0);
    let after = read(&listing.page_token, room.id.0, own)?;
    let (page, total, more) = given.app.view.read(|table| {
        let Some(channel) = table.channel(room.id) else { return (Vec::new(), 0, false) };
        let seen = |(_, _, package): &(PackageKind, &str, &access::Package)| {
            table.sees(caller, Action::ArtifactView, channel, package)
        };
        let mut packages: Vec<_> = table.packages(room.id).filter(seen).collect();
        packages.sort_unstable_by_key(|(kind, name, _)| (*kind, *name));
        let start = after.as_ref().map_or(0, |(kind, name)| {
            packages.partition_point(|(one, other, _)| (*one, *other) <= (*kind, name.as_str()))
        });
        let document = |(kind, name, package): &(PackageKind, &str, &access::Package)| PackageDocument {
            id: package.id.to_string(),
            kind: kind.as_str(),
            name: (*name).to_owned(),
            private: package.private,
            level: table.package_level(caller, room.id, *kind, name).map_or("none", Level::as_str),
        };
        let page: Vec<_> = packages[start..].iter().take(size).map(document).collect();
        let more = packages.len() - start > size;
        (page, packages.len(), more)
    });
    let next = page.last().filter(|_| more).map(|last| {
        let after =
            After { channel: room.id.0, caller: own, kind: last.kind.to_owned(), name: last.name.clone() };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&after).expect("texts and ids are JSON"))
    });
    Ok(axum::Json(json!({ "packages": page, "next_page_token": next, "total": total })).into_response())
}

fn read(
    token: &str,
    channel: uuid::Uuid,
    caller: Option<uuid::Uuid>,
) -> Result<Option<(PackageKind, String)>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let after: Option<After> =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let own = after.filter(|after| after.channel == channel && after.caller == caller);
    let place = own.and_then(|after| Some((after.kind.parse().ok()?, after.name)));
    let wrong = || Problem::invalid("this page_token is not of this list: start again without one");
    place.map(Some).ok_or_else(wrong)
}

/// `GET …/packages/{kind}/{name}`.
pub(crate) async fn show(given: Given<Place>) -> Result<Response, Problem> {
    let (kind, name) = given.path.package()?;
    may(&given, Action::ArtifactView)?;
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    let document = given.app.view.read(|table| {
        let package = table.package(room.id, kind, &name)?;
        Some(PackageDocument {
            id: package.id.to_string(),
            kind: kind.as_str(),
            name: name.clone(),
            private: package.private,
            level: table.package_level(caller, room.id, kind, &name).map_or("none", Level::as_str),
        })
    });
    match document {
        Some(document) => Ok(axum::Json(document).into_response()),
        None => {
            Err(Problem::not_found(format!("there is no {kind} package {name} in channel {}", room.name)))
        }
    }
}

/// A package to be.
#[derive(Deserialize)]
pub(crate) struct NewPackage {
    kind: String,
    name: String,
    /// Unsaid, it is as the server's setting is.
    #[serde(default)]
    private: Option<bool>,
}

/// `POST …/packages`: before its first file; one that is there stays as it is.
pub(crate) async fn create(
    given: Given<super::channel::Named>,
    Json(body): Json<NewPackage>,
) -> Result<Response, Problem> {
    let place = Place {
        channel: given.path.channel.clone(),
        kind: body.kind,
        name: body.name,
        login: String::new(),
        organisation: String::new(),
        group: String::new(),
    };
    let message = CreatePackageRequest { package: Some(place.request()?), private: body.private };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().create_package(request).await?.into_inner();
    let status = if reply.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, changed(reply)).into_response())
}

/// Who is to see it.
#[derive(Deserialize)]
pub(crate) struct Changes {
    private: bool,
}

/// `PATCH …/packages/{kind}/{name}`: made private, it returns like a revocation.
pub(crate) async fn set(given: Given<Place>, Json(body): Json<Changes>) -> Result<Response, Problem> {
    let message = SetPackageRequest { package: Some(given.path.request()?), private: body.private };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().set_package(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// `DELETE …/packages/{kind}/{name}`: with all its files.
pub(crate) async fn delete(given: Given<Place>) -> Result<Response, Problem> {
    let request = upstream::request(&given.admitted.presented, given.path.request()?, WRITE_CALL);
    let reply = given.app.upstreams.catalog().delete_package(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// `GET …/packages/{kind}/{name}/grants`: all for those who manage it, one's own for others.
pub(crate) async fn grants(given: Given<Place>) -> Result<Response, Problem> {
    let (kind, name) = given.path.package()?;
    may(&given, Action::PackageGrantView)?;
    let shown = held(&given, (kind, &name));
    grant::answer(&given, shown).await
}

/// What was given on a package of the address's channel, as far as the caller sees it.
pub(crate) fn held<P>(given: &Given<P>, (kind, name): (PackageKind, &str)) -> Vec<grant::HeldDocument> {
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    given.app.view.read(|table: &Table| {
        let Some(package) = table.package(room.id, kind, name) else { return Vec::new() };
        let token = grant::live(table, caller);
        let below = table.channel(room.id).is_some_and(|channel| channel.parent.is_some());
        let all = table.package_level(caller, room.id, kind, name) == Some(Level::Manage)
            || grant::sees_all(table, token, below)
            || token.is_some_and(|token| {
                let owner = table.caller_of(given.app.ambient.clock.now(), token.id);
                table.package_level(&owner, room.id, kind, name) == Some(Level::Manage)
            });
        let own = |subject: &Subject| token.is_some_and(|token| grant::is_own(table, token.owner, subject));
        let held = package.grants.iter().filter(|(subject, _)| all || own(subject));
        held.map(|(subject, level)| grant::HeldDocument::of(table, *subject, *level)).collect()
    })
}

/// `PUT …/packages/{kind}/{name}/grants/{login}`: makes somebody a collaborator.
pub(crate) async fn give(given: Given<Place>, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    let to = (given.path.login.clone(), None);
    grant(&given, to, level(&body.level)?).await
}

/// `DELETE …/packages/{kind}/{name}/grants/{login}`: returns like a revocation.
pub(crate) async fn take(given: Given<Place>) -> Result<Response, Problem> {
    let to = (given.path.login.clone(), None);
    grant(&given, to, stored::Level::None).await
}

/// `PUT …/packages/{kind}/{name}/groups/{organisation}/{group}`.
pub(crate) async fn give_group(given: Given<Place>, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    let to = (String::new(), Some(group::named(&given.path.organisation, &given.path.group)));
    grant(&given, to, level(&body.level)?).await
}

/// `DELETE …/packages/{kind}/{name}/groups/{organisation}/{group}`: returns like a revocation.
pub(crate) async fn take_group(given: Given<Place>) -> Result<Response, Problem> {
    let to = (String::new(), Some(group::named(&given.path.organisation, &given.path.group)));
    grant(&given, to, stored::Level::None).await
}

async fn grant(
    given: &Given<Place>,
    (login, group): (String, Option<GroupRequest>),
    level: stored::Level,
) -> Result<Response, Problem> {
    let message = GrantPackageRequest {
        package: Some(given.path.request()?),
        account_id: String::new(),
        login,
        group,
        level: level.into(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().grant_package(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// Decides on the package itself: the gate has asked about its channel.
fn may(given: &Given<Place>, action: Action) -> Result<(), Problem> {
    let (kind, name) = given.path.package()?;
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    given.app.view.read(|table| {
        let object = Object::Package { channel: room.id, kind, name: &name };
        match table.decide(caller, action, &object) {
            Verdict::Allowed(_) => Ok(()),
            Verdict::Refused(refusal) => {
                let words = table.refusal_words(caller, &refusal, action, &object);
                Err(refuse::answer(Family::Api, given.admitted.presented.carrier(), &refusal, words))
            }
        }
    })
}

fn changed(reply: PackageReply) -> axum::Json<Value> {
    let package = reply.package.unwrap_or_default();
    let kind = package.kind().as_str_name().to_ascii_lowercase();
    let level = level_word(package.level());
    let grants: Vec<_> = package.grants.into_iter().map(HeldDocument::from).collect();
    axum::Json(json!({
        "id": package.id,
        "channel": package.channel,
        "kind": kind,
        "name": package.name,
        "private": package.private,
        "level": level,
        "grants": grants,
        "authz_seq": reply.authz_seq,
        "receipt": reply.receipt.map(Confirmed::from),
    }))
}
