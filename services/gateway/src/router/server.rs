//! Anaconda Server's interface, as `conda repo` speaks it: the account and its tokens, channels and what is in them.

use access::Action;
use axum::routing::{delete, get, post, put};
use http::Method;

use super::{Line, line};
use crate::gate::Gate;
use crate::routes::rest::group as organisation;
use crate::routes::{pypi, server, upload};

const SHOW: Gate = Gate::Channel(Action::ChannelView);
const EDIT: Gate = Gate::Channel(Action::ChannelEdit);
const DELETE: Gate = Gate::Channel(Action::ChannelDelete);
const LIST: Gate = Gate::Channel(Action::ArtifactView);

pub(super) static SERVER: [Line; 13] = {
    use server::{account, artifact, channel, login, scope};
    const WHO: Gate = Gate::Server(Action::WhoAmI);
    const ACCOUNTS: Gate = Gate::Account(Action::AccountView);
    [
        line(Method::POST, "/auth/login", Gate::SignIn, || post(login::login)),
        line(Method::GET, "/account", WHO, || get(account::show)),
        line(Method::PUT, "/account", Gate::Account(Action::DefaultChannelEdit), || put(account::change)),
        line(Method::GET, "/account/me", WHO, || get(account::show)),
        line(Method::GET, "/account/token-info", WHO, || get(account::token_info)),
        line(Method::GET, "/account/scopes", WHO, || get(scope::listed)),
        line(Method::GET, "/system/scopes", WHO, || get(scope::bare)),
        line(Method::GET, "/system/tokens", WHO, || get(scope::bare)),
        line(Method::GET, "/account/channels", WHO, || get(channel::own)),
        line(Method::GET, "/organizations/my", ACCOUNTS, || get(account::organizations)),
        line(Method::GET, "/artifacts", Gate::Listed, || get(artifact::search)),
        line(Method::GET, "/channels", Gate::Listed, || get(channel::list)),
        line(Method::POST, "/channels", Gate::Account(Action::ChannelCreate), || post(channel::create)),
    ]
};

/// Its tokens, in the spellings of the clients and of the documents.
pub(super) static SERVER_TOKENS: [Line; 5] = {
    use server::token;
    const VIEW: Gate = Gate::Account(Action::TokenView);
    const EDIT: Gate = Gate::Account(Action::TokenEdit);
    [
        line(Method::GET, "", VIEW, || get(token::list)),
        line(Method::POST, "", EDIT, || post(token::create)),
        line(Method::GET, "/{token}", VIEW, || get(token::show)),
        line(Method::PUT, "/{token}", EDIT, || put(token::change)),
        line(Method::DELETE, "/{token}", EDIT, || delete(token::remove)),
    ]
};
pub(super) static SERVER_TOKENS_MOUNTS: [&str; 2] = ["/api/account/tokens", "/api/account/token"];

/// A channel. Clients of Anaconda Repository read its labels at the same address.
pub(super) static SERVER_CHANNEL: [Line; 5] = {
    use server::channel;
    [
        line(Method::GET, "", Gate::Channel(Action::AnyView), || get(channel::show)),
        line(Method::PUT, "", EDIT, || put(channel::change)),
        line(Method::DELETE, "", DELETE, || delete(channel::remove)),
        line(Method::GET, "/subchannels", SHOW, || get(channel::list_below)),
        line(Method::POST, "/subchannels", Gate::Channel(Action::SubchannelCreate), || {
            post(channel::create_below)
        }),
    ]
};

/// A channel below another.
pub(super) static SERVER_BELOW: [Line; 3] = {
    use server::channel;
    [
        line(Method::GET, "", SHOW, || get(channel::show_below)),
        line(Method::PUT, "", EDIT, || put(channel::change)),
        line(Method::DELETE, "", DELETE, || delete(channel::remove)),
    ]
};

/// What is in a channel. These clients put a subchannel's name behind its channel's in three ways.
pub(super) static SERVER_ARTIFACTS: [Line; 6] = {
    use server::{artifact, bulk};
    const PUBLISH: Gate = Gate::Channel(Action::AnyPublish);
    const REMOVE: Gate = Gate::Channel(Action::AnyDelete);
    [
        line(Method::GET, "/artifacts", LIST, || get(artifact::list)),
        line(Method::POST, "/artifacts", PUBLISH, || post(upload::server)),
        line(Method::PUT, "/artifacts/bulk", Gate::Channel(Action::AnyBulk), || put(bulk::change)),
        line(Method::GET, "/artifacts/{family}/{name}", LIST, || get(artifact::show)),
        line(Method::GET, "/artifacts/{family}/{name}/files", LIST, || get(artifact::files)),
        line(Method::DELETE, "/artifacts/{family}/{name}", REMOVE, || delete(artifact::remove)),
    ]
};
pub(super) static SERVER_ARTIFACTS_MOUNTS: [&str; 3] = [
    "/api/channels/{channel}",
    "/api/channels/{channel}/subchannels/{subchannel}",
    "/api/channels/{channel}/{subchannel}",
];

/// Who holds what on a channel, and what happened in it.
pub(super) static SERVER_CHANGES: [Line; 4] = {
    use server::{group, history};
    const EDIT: Gate = Gate::Channel(Action::GrantEdit);
    [
        line(Method::GET, "/history", Gate::Channel(Action::ChannelHistory), || get(history::list)),
        line(Method::GET, "/groups", Gate::Channel(Action::GrantView), || get(group::list)),
        line(Method::PUT, "/groups/{organisation}/{group}", EDIT, || put(group::give)),
        line(Method::DELETE, "/groups/{organisation}/{group}", EDIT, || delete(group::take)),
    ]
};
pub(super) static SERVER_CHANGES_MOUNTS: [&str; 2] =
    ["/api/channels/{channel}", "/api/channels/{channel}/subchannels/{subchannel}"];

/// Groups of an organisation. Whose owners ask, auth and catalog find out: the gateway does not know logins.
pub(super) static SERVER_GROUPS: [Line; 7] = {
    const VIEW: Gate = Gate::Account(Action::GroupView);
    const EDIT: Gate = Gate::Account(Action::GroupEdit);
    [
        line(Method::GET, "/groups", VIEW, || get(server::group::of_organisation)),
        line(Method::POST, "/groups", EDIT, || post(organisation::create)),
        line(Method::GET, "/groups/{group}", VIEW, || get(organisation::show)),
        line(Method::PUT, "/groups/{group}", EDIT, || put(organisation::set)),
        line(Method::DELETE, "/groups/{group}", EDIT, || delete(organisation::delete)),
        line(Method::PUT, "/groups/{group}/members/{login}", EDIT, || put(organisation::add)),
        line(Method::DELETE, "/groups/{group}/members/{login}", EDIT, || delete(organisation::remove)),
    ]
};
pub(super) static SERVER_GROUPS_MOUNTS: [&str; 1] = ["/api/organizations/{organisation}"];

/// Python's index beside conda's, and uploads by form.
pub(super) static SERVER_PYTHON: [Line; 5] = {
    const READ: Gate = Gate::Channel(Action::PypiDownload);
    const PUBLISH: Gate = Gate::Channel(Action::AnyPublish);
    [
        line(Method::GET, "/simple", READ, || get(pypi::read_simple)),
        line(Method::GET, "/simple/", READ, || get(pypi::read_simple)),
        line(Method::GET, "/simple/{*project}", READ, || get(pypi::read_simple)),
        line(Method::POST, "", PUBLISH, || post(upload::any)),
        line(Method::POST, "/", PUBLISH, || post(upload::any)),
    ]
};
pub(super) static SERVER_PYTHON_MOUNTS: [&str; 2] =
    ["/api/repo/{channel}", "/api/repo/{channel}/{subchannel}"];
