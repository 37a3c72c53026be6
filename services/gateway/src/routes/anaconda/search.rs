//! `/api/search` and `/api/packages`: packages of all kinds, those of one name and channel as one.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use names::{ChannelId, PackageKind, Privacy};
use readmodel::{ListedPackage, PAGE_LIMIT, Wanted};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::account::caller;
use super::files::{kind_of, word_of};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::reach;
use crate::routes::rest::json::query;
use crate::routes::rest::search::summary;

/// Packages in one answer: these clients know no pages.
const MOST: usize = 10_000;

#[derive(Debug, Default, Deserialize)]
struct Search {
    #[serde(default)]
    name: String,
    /// Search's word for the kind; in lists it is a kind of conda package that nobody makes any more.
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    package_type: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    access: Option<String>,
}

impl Search {
    fn wanted(&self, kind: Option<&str>) -> Result<Wanted, Problem> {
        let kind = kind.filter(|kind| !kind.is_empty()).map(kind_of).transpose()?;
        let subdir = self.platform.clone().filter(|platform| !platform.is_empty());
        Ok(Wanted { text: self.name.to_ascii_lowercase(), kind, subdir })
    }
}

/// `GET /api/search`.
pub(crate) async fn search(given: Given<()>) -> Result<Response, Problem> {
    let search: Search = query(&given.uri)?;
    let wanted = search.wanted(search.r#type.as_deref().or(search.package_type.as_deref()))?;
    let seen = reach::channels(&given.app, &given.admitted.caller);
    let channels = seen.into_iter().map(|channel| (channel.id, channel.name.to_string())).collect();
    answer(&given, channels, &wanted, search.access.as_deref()).await
}

/// An owner.
#[derive(Debug, Deserialize)]
pub(crate) struct Owner {
    channel: String,
}

/// `GET /api/packages/<owner>`.
pub(crate) async fn of_owner(given: Given<Owner>) -> Result<Response, Problem> {
    let search: Search = query(&given.uri)?;
    let wanted = search.wanted(search.package_type.as_deref())?;
    let channels = BTreeMap::from([(given.admitted.room().id, given.path.channel.clone())]);
    answer(&given, channels, &wanted, search.access.as_deref()).await
}

/// `GET /api/packages`: the caller's own.
pub(crate) async fn own(given: Given<()>) -> Result<Response, Problem> {
    let search: Search = query(&given.uri)?;
    let wanted = search.wanted(search.package_type.as_deref())?;
    let login = caller(&given).await?.login;
    let seen = reach::channels(&given.app, &given.admitted.caller);
    let own = seen.into_iter().filter(|channel| *channel.name == *login);
    let channels = own.map(|channel| (channel.id, channel.name.to_string())).collect();
    answer(&given, channels, &wanted, search.access.as_deref()).await
}

/// All packages of these channels that the caller may list, at most [`MOST`].
pub(super) async fn all<P>(
    given: &Given<P>,
    channels: &[ChannelId],
    wanted: &Wanted,
) -> Result<Vec<ListedPackage>, Problem> {
    let mut found: Vec<ListedPackage> = Vec::new();
    loop {
        let place = (found.last().map(ListedPackage::key), PAGE_LIMIT);
        let page = reach::packages(&given.app, &given.admitted.caller, channels, wanted, place).await?;
        let full = page.len() >= PAGE_LIMIT as usize;
        found.extend(page);
        if !full || found.len() >= MOST {
            return Ok(found);
        }
    }
}

async fn answer<P>(
    given: &Given<P>,
    channels: BTreeMap<ChannelId, String>,
    wanted: &Wanted,
    access: Option<&str>,
) -> Result<Response, Problem> {
    let ids: Vec<_> = channels.keys().copied().collect();
    let found = all(given, &ids, wanted).await?;
    let mut named: BTreeMap<(&str, &str), Vec<&ListedPackage>> = BTreeMap::new();
    for package in &found {
        let Some(owner) = channels.get(&package.channel_id) else { continue };
        named.entry((owner, &package.name)).or_default().push(package);
    }
    let documents = named.into_iter().map(|((owner, name), kinds)| document(given, owner, name, &kinds));
    let documents = documents.filter(|document| match access {
        Some("public") => document["public"] == json!(true),
        Some("private") => document["public"] == json!(false),
        Some(_) | None => true,
    });
    Ok(axum::Json(documents.collect::<Vec<_>>()).into_response())
}

fn document<P>(given: &Given<P>, owner: &str, name: &str, kinds: &[&ListedPackage]) -> Value {
    let newest = kinds.iter().max_by_key(|package| package.updated_at).expect("a name stands for a package");
    let conda = kinds.iter().filter(|package| package.kind == PackageKind::Conda);
    let platforms: Vec<_> = conda.flat_map(|package| &package.subdirs).collect();
    let versions: Vec<_> = kinds.iter().flat_map(|package| &package.versions).collect();
    let public = given.app.view.read(|table| {
        kinds.iter().all(|package| {
            let open = table.channel(package.channel_id).is_some_and(|it| it.privacy == Privacy::Public);
            let hidden = table.package(package.channel_id, package.kind, name).is_none_or(|it| it.private);
            open && !hidden
        })
    });
    json!({
        "full_name": format!("{owner}/{name}"),
        "name": name,
        "owner": owner,
        "public": public,
        "published": false,
        "latest_version": newest.latest_version,
        "versions": versions,
        "package_types": kinds.iter().map(|package| word_of(package.kind)).collect::<Vec<_>>(),
        "conda_platforms": platforms,
        "builds": [],
        "summary": summary(newest),
        "modified_at": newest.updated_at.format(&Rfc3339).unwrap_or_default(),
    })
}
