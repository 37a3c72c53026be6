//! Every address on one page, with what it asks of its caller. Front and router are made from this list and from nothing
//! else, so a route that is not in it does not exist.

mod repository;
mod server;

use access::Action;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use http::{Method, StatusCode};

use crate::gate::{self, Door, Gate};
use crate::problem::Problem;
use crate::refuse::Family;
use crate::routes::conda::{Document, Reading};
use crate::routes::quick::Quick;
use crate::routes::{default_channel, oauth, page, rest, upload};
use crate::state::App;
use repository::{ANACONDA, ANACONDA_GROUPS, ANACONDA_PACKAGES};
use server::{
    SERVER, SERVER_ARTIFACTS, SERVER_ARTIFACTS_MOUNTS, SERVER_BELOW, SERVER_CHANGES, SERVER_CHANGES_MOUNTS,
    SERVER_CHANNEL, SERVER_GROUPS, SERVER_GROUPS_MOUNTS, SERVER_PYTHON, SERVER_PYTHON_MOUNTS, SERVER_TOKENS,
    SERVER_TOKENS_MOUNTS,
};

/// One method on one pattern of addresses. Where it says GET it means HEAD too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// As the router takes it: `{name}` is one segment, `{*rest}` all that follow.
    pub pattern: String,
    /// What it asks of its caller.
    pub gate: Gate,
    /// Who speaks there.
    pub family: Family,
}

/// A line of the list: its pattern follows each of its family's mounts.
struct Line {
    tail: &'static str,
    gate: Gate,
    method: Method,
    serve: Serve,
}

/// How a route is answered.
#[derive(Clone, Copy)]
pub(crate) enum Serve {
    /// By a handler, for which the router reads the request.
    Routed(fn() -> MethodRouter<App>),
    /// From its address alone.
    Quick(Quick),
}

const CONDA_READ: Gate = Gate::Channel(Action::CondaDownload);
const PYTHON_READ: Gate = Gate::Channel(Action::PypiDownload);
const CONDA_WRITE: Gate = Gate::Channel(Action::CondaUpload);
const PYTHON_WRITE: Gate = Gate::Channel(Action::PypiUpload);
/// Uploads to addresses of the API.
const PUBLISH: Gate = Gate::Channel(Action::CondaPublish);

/// Indexes and files, after `/{channel}`, `/{channel}/{subchannel}` or one of the two and `/label/{label}`, of each conda
/// mount.
static CONDA: [Line; 11] = [
    reads("/notices.json", Reading::Notices),
    reads("/channeldata.json", Reading::Channeldata),
    reads("/{subdir}/repodata.json", Reading::Document(Document::Repodata)),
    reads("/{subdir}/repodata.json.zst", Reading::Document(Document::RepodataZst)),
    reads("/{subdir}/repodata_shards.msgpack.zst", Reading::Document(Document::Shards)),
    reads("/{subdir}/run_exports.json", Reading::Document(Document::RunExports)),
    reads("/{subdir}/run_exports.json.zst", Reading::Document(Document::RunExportsZst)),
    reads("/{subdir}/current_repodata.json", Reading::Absent),
    reads("/{subdir}/current_repodata.json.zst", Reading::Absent),
    reads("/{subdir}/repodata.json.bz2", Reading::Absent),
    reads("/{subdir}/{file}", Reading::File),
];
static CONDA_MOUNTS: [&str; 12] = [
    "/{channel}",
    "/{channel}/label/{label}",
    "/{channel}/{subchannel}",
    "/{channel}/{subchannel}/label/{label}",
    "/conda/{channel}",
    "/conda/{channel}/label/{label}",
    "/conda/{channel}/{subchannel}",
    "/conda/{channel}/{subchannel}/label/{label}",
    "/api/repo/{channel}",
    "/api/repo/{channel}/label/{label}",
    "/api/repo/{channel}/{subchannel}",
    "/api/repo/{channel}/{subchannel}/label/{label}",
];
/// Where `conda token set` looks whether a token is good: nothing is open to all there.
static KEYED_MOUNTS: [&str; 4] = [
    "/repo/{channel}",
    "/repo/{channel}/label/{label}",
    "/repo/{channel}/{subchannel}",
    "/repo/{channel}/{subchannel}/label/{label}",
];

/// Uploads of raw bytes, after `/{channel}` of each conda mount; a label takes none.
static CONDA_PUT: [Line; 1] = [line(Method::PUT, "/{subdir}/{file}", CONDA_WRITE, || put(upload::raw))];
static CONDA_PUT_MOUNTS: [&str; 6] = [
    "/{channel}",
    "/{channel}/{subchannel}",
    "/conda/{channel}",
    "/conda/{channel}/{subchannel}",
    "/api/repo/{channel}",
    "/api/repo/{channel}/{subchannel}",
];

/// Everything below a Python channel: what an address means is read in `routes/pypi/address.rs`.
static PYTHON: [Line; 6] = [
    quick("", PYTHON_READ, Quick::Python),
    quick("/", PYTHON_READ, Quick::Python),
    quick("/{*rest}", PYTHON_READ, Quick::Python),
    line(Method::POST, "", PYTHON_WRITE, || post(upload::python)),
    line(Method::POST, "/", PYTHON_WRITE, || post(upload::python)),
    line(Method::POST, "/{*rest}", PYTHON_WRITE, || post(upload::python)),
];
static PYTHON_MOUNTS: [&str; 1] = ["/pypi/{channel}"];

/// conda's two other ways to upload.
static CONDA_UPLOADS: [Line; 2] = [
    line(Method::POST, "/channels/{channel}/upload/{file}", PUBLISH, || post(upload::raw)),
    line(Method::POST, "/v1/upload/{channel}", PUBLISH, || post(upload::prefix)),
];

/// The REST interface.
static REST: [Line; 80] = {
    use rest::{
        account, artifact, carry, channel, event, explain, file, grant, group, history, label, leaked,
    };
    use rest::{package, role, scope, search, session, status, token};
    const SHOW: Gate = Gate::Channel(Action::ChannelView);
    const FILES: Gate = Gate::Channel(Action::ArtifactView);
    const CONDA_REMOVE: Gate = Gate::Channel(Action::CondaDelete);
    const PYTHON_REMOVE: Gate = Gate::Channel(Action::PypiDelete);
    const FILE_READ: Gate = Gate::Channel(Action::FileDownload);
    const FILE_PUBLISH: Gate = Gate::Channel(Action::FilePublish);
    const FILE_REMOVE: Gate = Gate::Channel(Action::FileDelete);
    // Of which kind they are, catalog finds out.
    const ANY_READ: Gate = Gate::Channel(Action::AnyDownload);
    const ANY_REMOVE: Gate = Gate::Channel(Action::AnyDelete);
    const PLAIN_FILE: &str = "/channels/{channel}/artifacts/{kind}/{name}/{version}/{file}";
    const LOCK: Gate = Gate::Channel(Action::LabelLock);
    const LABEL: Gate = Gate::Channel(Action::LabelEdit);
    const GRANT: Gate = Gate::Channel(Action::GrantEdit);
    const PACKAGE_GRANT: Gate = Gate::Channel(Action::PackageGrantEdit);
    // Of which organisation, auth and catalog find out: the gateway does not know logins.
    const GROUPS: Gate = Gate::Account(Action::GroupView);
    const GROUP_EDIT: Gate = Gate::Account(Action::GroupEdit);
    const TOKENS: Gate = Gate::Account(Action::TokenView);
    const TOKEN_EDIT: Gate = Gate::Account(Action::TokenEdit);
    const ROLES: Gate = Gate::Server(Action::RoleView);
    const ROLE_EDIT: Gate = Gate::Server(Action::RoleEdit);
    const ROLE_ACCOUNT: &str = "/roles/{role}/accounts/{login}";
    const ROLE_GROUP: &str = "/roles/{role}/groups/{organisation}/{group}";
    const DISABLE: Gate = Gate::Server(Action::AccountDisable);
    [
        line(Method::POST, "/session", Gate::SignIn, || post(session::sign_in)),
        line(Method::DELETE, "/session", TOKEN_EDIT, || delete(session::sign_out)),
        line(Method::GET, "/whoami", Gate::Server(Action::WhoAmI), || get(session::whoami)),
        line(Method::PUT, "/default-channel", Gate::Account(Action::DefaultChannelEdit), || {
            put(default_channel::choose)
        }),
        line(Method::GET, "/roles", ROLES, || get(role::list)),
        line(Method::POST, "/roles", ROLE_EDIT, || post(role::create)),
        line(Method::GET, "/roles/{role}", ROLES, || get(role::show)),
        line(Method::PATCH, "/roles/{role}", ROLE_EDIT, || patch(role::change)),
        line(Method::DELETE, "/roles/{role}", ROLE_EDIT, || delete(role::delete)),
        line(Method::PUT, ROLE_ACCOUNT, ROLE_EDIT, || put(role::assign)),
        line(Method::DELETE, ROLE_ACCOUNT, ROLE_EDIT, || delete(role::unassign)),
        line(Method::PUT, ROLE_GROUP, ROLE_EDIT, || put(role::assign)),
        line(Method::DELETE, ROLE_GROUP, ROLE_EDIT, || delete(role::unassign)),
        line(Method::GET, "/channels", Gate::Listed, || get(channel::list)),
        line(Method::POST, "/channels", Gate::Account(Action::ChannelCreate), || post(channel::create)),
        line(Method::GET, "/channels/{channel}", SHOW, || get(channel::show)),
        line(Method::PATCH, "/channels/{channel}", Gate::Channel(Action::ChannelEdit), || {
            patch(channel::set)
        }),
        line(Method::DELETE, "/channels/{channel}", Gate::Channel(Action::ChannelDelete), || {
            delete(channel::delete)
        }),
        line(Method::GET, "/channels/{channel}/artifacts", FILES, || get(artifact::list)),
        line(Method::DELETE, "/channels/{channel}/artifacts/conda/{subdir}/{file}", CONDA_REMOVE, || {
            delete(artifact::remove_conda)
        }),
        line(Method::DELETE, "/channels/{channel}/artifacts/pypi/{file}", PYTHON_REMOVE, || {
            delete(artifact::remove_python)
        }),
        line(Method::GET, "/channels/{channel}/artifacts/conda/{subdir}/{file}", CONDA_READ, || {
            get(file::conda)
        }),
        line(Method::GET, "/channels/{channel}/artifacts/pypi/{file}", PYTHON_READ, || get(file::python)),
        line(Method::PUT, "/channels/{channel}/artifacts/{kind}/{file}", FILE_PUBLISH, || put(upload::plain)),
        line(Method::GET, PLAIN_FILE, FILE_READ, || get(file::plain)),
        line(Method::DELETE, PLAIN_FILE, FILE_REMOVE, || delete(file::remove_plain)),
        line(Method::POST, "/channels/{channel}/artifacts/copy", ANY_READ, || post(carry::copy)),
        line(Method::POST, "/channels/{channel}/artifacts/move", ANY_REMOVE, || post(carry::relocate)),
        line(Method::POST, "/channels/{channel}/artifacts/remove", ANY_REMOVE, || post(carry::remove)),
        line(Method::GET, "/search", Gate::Listed, || get(search::search)),
        line(Method::GET, "/channels/{channel}/labels", FILES, || get(label::list)),
        line(Method::POST, "/channels/{channel}/labels/{label}/files", LABEL, || post(label::add)),
        line(Method::DELETE, "/channels/{channel}/labels/{label}/files", LABEL, || delete(label::remove)),
        line(Method::POST, "/channels/{channel}/labels/{label}/copy", LABEL, || post(label::copy)),
        line(Method::POST, "/channels/{channel}/labels/{label}/move", LABEL, || post(label::relocate)),
        line(Method::PUT, "/channels/{channel}/labels/{label}/lock", LOCK, || put(label::lock)),
        line(Method::DELETE, "/channels/{channel}/labels/{label}/lock", LOCK, || delete(label::unlock)),
        line(Method::GET, "/channels/{channel}/grants", Gate::Channel(Action::GrantView), || {
            get(grant::list)
        }),
        line(Method::PUT, "/channels/{channel}/grants/{login}", GRANT, || put(grant::give)),
        line(Method::DELETE, "/channels/{channel}/grants/{login}", GRANT, || delete(grant::take)),
        line(Method::PUT, "/channels/{channel}/groups/{organisation}/{group}", GRANT, || {
            put(grant::give_group)
        }),
        line(Method::DELETE, "/channels/{channel}/groups/{organisation}/{group}", GRANT, || {
            delete(grant::take_group)
        }),
        line(Method::GET, "/channels/{channel}/history", Gate::Channel(Action::ChannelHistory), || {
            get(history::list)
        }),
        line(Method::GET, "/channels/{channel}/subchannels", SHOW, || get(channel::list_below)),
        line(
            Method::POST,
            "/channels/{channel}/subchannels",
            Gate::Channel(Action::SubchannelCreate),
            || post(channel::create_below),
        ),
        line(Method::GET, "/channels/{channel}/packages", FILES, || get(package::list)),
        line(Method::POST, "/channels/{channel}/packages", Gate::Channel(Action::PackageCreate), || {
            post(package::create)
        }),
        line(Method::GET, "/channels/{channel}/packages/{kind}/{name}", FILES, || get(package::show)),
        line(
            Method::PATCH,
            "/channels/{channel}/packages/{kind}/{name}",
            Gate::Channel(Action::PackageEdit),
            || patch(package::set),
        ),
        line(
            Method::DELETE,
            "/channels/{channel}/packages/{kind}/{name}",
            Gate::Channel(Action::PackageDelete),
            || delete(package::delete),
        ),
        line(
            Method::GET,
            "/channels/{channel}/packages/{kind}/{name}/grants",
            Gate::Channel(Action::PackageGrantView),
            || get(package::grants),
        ),
        line(Method::PUT, "/channels/{channel}/packages/{kind}/{name}/grants/{login}", PACKAGE_GRANT, || {
            put(package::give)
        }),
        line(
            Method::DELETE,
            "/channels/{channel}/packages/{kind}/{name}/grants/{login}",
            PACKAGE_GRANT,
            || delete(package::take),
        ),
        line(
            Method::PUT,
            "/channels/{channel}/packages/{kind}/{name}/groups/{organisation}/{group}",
            PACKAGE_GRANT,
            || put(package::give_group),
        ),
        line(
            Method::DELETE,
            "/channels/{channel}/packages/{kind}/{name}/groups/{organisation}/{group}",
            PACKAGE_GRANT,
            || delete(package::take_group),
        ),
        line(Method::GET, "/organisations/{organisation}/groups", GROUPS, || get(group::list)),
        line(Method::POST, "/organisations/{organisation}/groups", GROUP_EDIT, || post(group::create)),
        line(Method::GET, "/organisations/{organisation}/groups/{group}", GROUPS, || get(group::show)),
        line(Method::PATCH, "/organisations/{organisation}/groups/{group}", GROUP_EDIT, || patch(group::set)),
        line(Method::DELETE, "/organisations/{organisation}/groups/{group}", GROUP_EDIT, || {
            delete(group::delete)
        }),
        line(Method::PUT, "/organisations/{organisation}/groups/{group}/members/{login}", GROUP_EDIT, || {
            put(group::add)
        }),
        line(
            Method::DELETE,
            "/organisations/{organisation}/groups/{group}/members/{login}",
            GROUP_EDIT,
            || delete(group::remove),
        ),
        line(Method::GET, "/scopes", Gate::Open, || get(scope::list)),
        line(Method::GET, "/tokens", TOKENS, || get(token::list)),
        line(Method::POST, "/tokens", TOKEN_EDIT, || post(token::issue)),
        line(Method::POST, "/tokens/leaked", TOKENS, || post(leaked::leaked)),
        line(Method::GET, "/tokens/{token}", TOKENS, || get(token::show)),
        line(Method::PATCH, "/tokens/{token}", TOKEN_EDIT, || patch(token::edit)),
        line(Method::POST, "/tokens/{token}/reissue", TOKEN_EDIT, || post(token::reissue)),
        line(Method::DELETE, "/tokens/{token}/overlap", TOKEN_EDIT, || delete(token::end_overlap)),
        line(Method::DELETE, "/tokens/{token}", TOKEN_EDIT, || delete(token::revoke)),
        line(Method::POST, "/explain", Gate::Server(Action::WhoAmI), || post(explain::explain)),
        line(Method::GET, "/events/{log}", Gate::Server(Action::EventsSubscribe), || get(event::subscribe)),
        line(Method::GET, "/status", Gate::Server(Action::StatusView), || get(status::show)),
        line(Method::POST, "/accounts", Gate::Server(Action::AccountCreate), || post(account::create)),
        line(Method::POST, "/accounts/{login}/disable", DISABLE, || post(account::disable)),
        line(Method::POST, "/accounts/{login}/enable", DISABLE, || post(account::enable)),
        // Whose owners they are, auth decides: the gateway does not know logins.
        line(Method::PUT, "/accounts/{login}/owners", Gate::Account(Action::AccountOwners), || {
            put(account::set_owners)
        }),
        line(Method::GET, "", Gate::Open, || get(page::root)),
        line(Method::GET, "/openapi.json", Gate::Open, || get(page::openapi)),
    ]
};

/// For people and orchestrators.
static PAGES: [Line; 3] = [
    line(Method::GET, "/", Gate::Open, || get(page::root)),
    line(Method::GET, "/healthz", Gate::Open, || get(page::healthz)),
    line(Method::GET, "/readyz", Gate::Open, || get(page::readyz)),
];

/// Signing in by browser, and what programs are told of it.
static OAUTH: [Line; 7] = {
    use oauth::{authorize, discovery, landing, token};
    [
        line(Method::GET, "/.well-known/openid-configuration", Gate::Open, || get(discovery::document)),
        line(Method::GET, "/.well-known/oauth-authorization-server", Gate::Open, || get(discovery::document)),
        line(Method::GET, "/-/oauth/authorize", Gate::Open, || get(authorize::show)),
        line(Method::POST, "/-/oauth/authorize", Gate::SignIn, || post(authorize::submit)),
        line(Method::POST, "/-/oauth/token", Gate::SignIn, || post(token::exchange)),
        line(Method::GET, "/app/local-login-success", Gate::Open, || get(landing::success)),
        line(Method::GET, "/app/local-login-error", Gate::Open, || get(landing::error)),
    ]
};

const fn line(method: Method, tail: &'static str, gate: Gate, handler: fn() -> MethodRouter<App>) -> Line {
    Line { tail, gate, method, serve: Serve::Routed(handler) }
}

const fn quick(tail: &'static str, gate: Gate, what: Quick) -> Line {
    Line { tail, gate, method: Method::GET, serve: Serve::Quick(what) }
}

const fn reads(tail: &'static str, reading: Reading) -> Line {
    quick(tail, CONDA_READ, Quick::Conda(reading))
}

/// Each route and how it is answered.
pub(crate) fn all() -> Vec<(Route, Serve)> {
    let groups: [(&[&str], &[Line], Family); 18] = [
        (&CONDA_MOUNTS, &CONDA, Family::Conda),
        (&CONDA_PUT_MOUNTS, &CONDA_PUT, Family::Conda),
        (&PYTHON_MOUNTS, &PYTHON, Family::Python),
        (&["/api"], &CONDA_UPLOADS, Family::Conda),
        (&["/api"], &ANACONDA, Family::Api),
        (&["/api"], &ANACONDA_PACKAGES, Family::Api),
        (&["/api"], &ANACONDA_GROUPS, Family::Api),
        (&["/api/v1"], &REST, Family::Api),
        (&["/api"], &SERVER, Family::Api),
        (&SERVER_TOKENS_MOUNTS, &SERVER_TOKENS, Family::Api),
        (&["/api/channels/{channel}"], &SERVER_CHANNEL, Family::Api),
        (&["/api/channels/{channel}/subchannels/{subchannel}"], &SERVER_BELOW, Family::Api),
        (&SERVER_ARTIFACTS_MOUNTS, &SERVER_ARTIFACTS, Family::Api),
        (&SERVER_CHANGES_MOUNTS, &SERVER_CHANGES, Family::Api),
        (&SERVER_GROUPS_MOUNTS, &SERVER_GROUPS, Family::Api),
        (&SERVER_PYTHON_MOUNTS, &SERVER_PYTHON, Family::Python),
        (&[""], &PAGES, Family::Page),
        (&[""], &OAUTH, Family::Page),
    ];
    let mut routes = Vec::new();
    for (mounts, lines, family) in groups {
        for mount in mounts {
            for Line { tail, gate, method, serve } in lines {
                let pattern = format!("{mount}{tail}");
                routes.push((Route { method: method.clone(), pattern, gate: *gate, family }, *serve));
            }
        }
    }
    for mount in KEYED_MOUNTS {
        for Line { tail, method, serve, .. } in &CONDA {
            let (method, pattern) = (method.clone(), format!("{mount}{tail}"));
            let gate = Gate::Keyed(Action::CondaDownload);
            routes.push((Route { method, pattern, gate, family: Family::Conda }, *serve));
        }
    }
    routes
}

/// Every route there is, for the test that walks them.
pub fn routes_table() -> Vec<Route> {
    all().into_iter().map(|(route, _)| route).collect()
}

/// The router: each handler behind its gate.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for (route, serve) in all() {
        let door = Door { app: app.clone(), gate: route.gate, family: route.family };
        let handler = match serve {
            Serve::Routed(handler) => handler(),
            Serve::Quick(quick) => quick.routed(),
        };
        router = router.route(&route.pattern, handler.route_layer(from_fn_with_state(door, gate::enter)));
    }
    router.fallback(no_route).method_not_allowed_fallback(wrong_method).with_state(app)
}

/// The same for every address that is none: nothing is looked up.
async fn no_route() -> Response {
    gate::no_address().into_response()
}

async fn wrong_method() -> Response {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Needs;

    #[test]
    fn no_two_lines_are_the_same_route() {
        let mut seen = std::collections::HashSet::new();
        for route in routes_table() {
            assert!(
                seen.insert((route.method.clone(), route.pattern.clone())),
                "{} {}",
                route.method,
                route.pattern
            );
        }
    }

    #[test]
    fn only_pages_and_the_sign_in_ask_nothing() {
        for route in routes_table().iter().filter(|route| route.gate.needs() == Needs::Nothing) {
            let known = [
                "/",
                "/healthz",
                "/readyz",
                "/api/v1",
                "/api/v1/openapi.json",
                "/api/v1/session",
                "/api/v1/scopes",
                "/api",
                "/api/",
                "/api/authentication-type",
                "/api/authentications",
                "/api/scopes",
                "/api/stage",
                "/api/auth/login",
                "/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server",
                "/-/oauth/authorize",
                "/-/oauth/token",
                "/app/local-login-success",
                "/app/local-login-error",
            ];
            assert!(known.contains(&route.pattern.as_str()), "{}", route.pattern);
        }
    }

    #[test]
    fn a_route_asks_about_the_channel_it_names() {
        for route in routes_table() {
            let named = route.pattern.contains("{channel}");
            let asks = matches!(route.gate, Gate::Channel(_) | Gate::Keyed(_));
            assert_eq!(named, asks, "{} {}", route.method, route.pattern);
        }
    }

    #[test]
    fn the_router_takes_every_pattern() {
        let mut router = Router::<()>::new();
        for route in routes_table() {
            let handler = async || StatusCode::OK;
            let filter = axum::routing::MethodFilter::try_from(route.method).unwrap();
            router = router.route(&route.pattern, axum::routing::on(filter, handler));
        }
    }
}
