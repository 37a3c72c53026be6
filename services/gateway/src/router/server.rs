//! Anaconda Server's interface, as `conda repo` speaks it: the account and its tokens, channels and what is in them.

use access::Action;
use axum::routing::{delete, get, post, put};
use http::Method;

use super::{Line, line};
use crate::gate::Gate;
use crate::routes::{server, upload};

const SHOW: Gate = Gate::Channel(Action::ChannelView);
const EDIT: Gate = Gate::Channel(Action::ChannelEdit);
const DELETE: Gate = Gate::Channel(Action::ChannelDelete);
const LIST: Gate = Gate::Channel(Action::ArtifactView);

pub(super) static SERVER: [Line; 11] = {
    use server::{account, artifact, channel, login, scope};
    const WHO: Gate = Gate::Server(Action::WhoAmI);
    [
        line(Method::POST, "/auth/login", Gate::SignIn, || post(login::login)),
        line(Method::GET, "/account", WHO, || get(account::show)),
        line(Method::GET, "/account/me", WHO, || get(account::show)),
        line(Method::GET, "/account/token-info", WHO, || get(account::token_info)),
        line(Method::GET, "/account/scopes", WHO, || get(scope::listed)),
        line(Method::GET, "/system/scopes", WHO, || get(scope::bare)),
        line(Method::GET, "/system/tokens", WHO, || get(scope::bare)),
        line(Method::GET, "/account/channels", WHO, || get(channel::own)),
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
