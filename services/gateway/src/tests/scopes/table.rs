//! Every route by what is done there. Written down from the documents, not from the authoriser: where the two differ,
//! one of them is wrong.

use names::Level;

use super::deed::Deed::{self, *};

/// Who may, besides holding a scope for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// Everybody, with whatever they show.
    Nothing,
    /// Any token that lives.
    LiveToken,
    /// Whoever has the level on the channel of the address.
    Channel(Level, Deed),
    /// The same where even what is public wants a token; refused with 401.
    Keyed(Level, Deed),
    /// The account itself.
    Own(Deed),
    /// Administrators.
    Server(Deed),
}

/// Routes that ask for the same: each method and tail below each mount.
pub(super) struct Row {
    pub(super) mounts: &'static [&'static str],
    pub(super) tails: &'static [(&'static str, &'static str)],
    pub(super) asks: Asks,
}

const CONDA: &[&str] = &[
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
const KEYED: &[&str] = &[
    "/repo/{channel}",
    "/repo/{channel}/label/{label}",
    "/repo/{channel}/{subchannel}",
    "/repo/{channel}/{subchannel}/label/{label}",
];
const CONDA_PUTS: &[&str] = &[
    "/{channel}",
    "/{channel}/{subchannel}",
    "/conda/{channel}",
    "/conda/{channel}/{subchannel}",
    "/api/repo/{channel}",
    "/api/repo/{channel}/{subchannel}",
];
const CONDA_READS: &[(&str, &str)] = &[
    ("GET", "/notices.json"),
    ("GET", "/channeldata.json"),
    ("GET", "/{subdir}/repodata.json"),
    ("GET", "/{subdir}/repodata.json.zst"),
    ("GET", "/{subdir}/repodata_shards.msgpack.zst"),
    ("GET", "/{subdir}/run_exports.json"),
    ("GET", "/{subdir}/run_exports.json.zst"),
    ("GET", "/{subdir}/current_repodata.json"),
    ("GET", "/{subdir}/current_repodata.json.zst"),
    ("GET", "/{subdir}/repodata.json.bz2"),
    ("GET", "/{subdir}/{file}"),
];
const PYTHON: &[&str] = &["/pypi/{channel}"];
const API: &[&str] = &["/api"];
const V1: &[&str] = &["/api/v1"];
const ONE_CHANNEL: &[&str] = &["/api/v1/channels/{channel}"];
const SERVER_CHANNEL: &[&str] = &["/api/channels/{channel}"];
const SERVER_BELOW: &[&str] = &["/api/channels/{channel}/subchannels/{subchannel}"];
const SERVER_ARTIFACTS: &[&str] = &[
    "/api/channels/{channel}",
    "/api/channels/{channel}/subchannels/{subchannel}",
    "/api/channels/{channel}/{subchannel}",
];
const SERVER_CHANGES: &[&str] =
    &["/api/channels/{channel}", "/api/channels/{channel}/subchannels/{subchannel}"];
const SERVER_GROUPS: &[&str] = &["/api/organizations/{organisation}"];
const SERVER_PYTHON: &[&str] = &["/api/repo/{channel}", "/api/repo/{channel}/{subchannel}"];
const SERVER_TOKENS: &[&str] = &["/api/account/tokens", "/api/account/token"];

const fn row(
    mounts: &'static [&'static str],
    tails: &'static [(&'static str, &'static str)],
    asks: Asks,
) -> Row {
    Row { mounts, tails, asks }
}

/// Every route there is.
pub(super) const ROUTES: [Row; 87] = [
    row(CONDA, CONDA_READS, Asks::Channel(Level::Read, ReadConda)),
    row(KEYED, CONDA_READS, Asks::Keyed(Level::Read, ReadConda)),
    row(CONDA_PUTS, &[("PUT", "/{subdir}/{file}")], Asks::Channel(Level::Write, UploadConda)),
    row(PYTHON, &[("GET", ""), ("GET", "/"), ("GET", "/{*rest}")], Asks::Channel(Level::Read, ReadPython)),
    row(
        PYTHON,
        &[("POST", ""), ("POST", "/"), ("POST", "/{*rest}")],
        Asks::Channel(Level::Write, UploadPython),
    ),
    row(
        API,
        &[("POST", "/channels/{channel}/upload/{file}"), ("POST", "/v1/upload/{channel}")],
        Asks::Channel(Level::Write, PublishConda),
    ),
    row(ONE_CHANNEL, &[("GET", "")], Asks::Channel(Level::Read, SeeChannels)),
    row(ONE_CHANNEL, &[("PATCH", "")], Asks::Channel(Level::Manage, EditChannels)),
    row(ONE_CHANNEL, &[("DELETE", "")], Asks::Channel(Level::Manage, DeleteChannels)),
    row(
        ONE_CHANNEL,
        &[
            ("GET", "/artifacts"),
            ("GET", "/labels"),
            ("GET", "/packages"),
            ("GET", "/packages/{kind}/{name}"),
        ],
        Asks::Channel(Level::Read, ListFiles),
    ),
    row(ONE_CHANNEL, &[("GET", "/artifacts/conda/{subdir}/{file}")], Asks::Channel(Level::Read, ReadConda)),
    row(ONE_CHANNEL, &[("GET", "/artifacts/pypi/{file}")], Asks::Channel(Level::Read, ReadPython)),
    row(
        ONE_CHANNEL,
        &[("GET", "/artifacts/{kind}/{name}/{version}/{file}")],
        Asks::Channel(Level::Read, ReadFiles),
    ),
    row(ONE_CHANNEL, &[("POST", "/artifacts/copy")], Asks::Channel(Level::Read, ReadAny)),
    row(
        ONE_CHANNEL,
        &[("POST", "/artifacts/move"), ("POST", "/artifacts/remove")],
        Asks::Channel(Level::Manage, RemoveAny),
    ),
    row(ONE_CHANNEL, &[("PUT", "/artifacts/{kind}/{file}")], Asks::Channel(Level::Write, PublishFiles)),
    row(
        ONE_CHANNEL,
        &[("DELETE", "/artifacts/{kind}/{name}/{version}/{file}")],
        Asks::Channel(Level::Manage, RemoveFiles),
    ),
    row(
        ONE_CHANNEL,
        &[
            ("POST", "/labels/{label}/files"),
            ("DELETE", "/labels/{label}/files"),
            ("POST", "/labels/{label}/copy"),
            ("POST", "/labels/{label}/move"),
            ("PUT", "/labels/{label}/lock"),
            ("DELETE", "/labels/{label}/lock"),
        ],
        Asks::Channel(Level::Manage, EditLabels),
    ),
    row(
        ONE_CHANNEL,
        &[("DELETE", "/artifacts/conda/{subdir}/{file}")],
        Asks::Channel(Level::Manage, RemoveConda),
    ),
    row(ONE_CHANNEL, &[("DELETE", "/artifacts/pypi/{file}")], Asks::Channel(Level::Manage, RemovePython)),
    row(
        ONE_CHANNEL,
        &[("GET", "/grants"), ("GET", "/packages/{kind}/{name}/grants")],
        Asks::Channel(Level::Read, SeeLevels),
    ),
    row(
        ONE_CHANNEL,
        &[
            ("PUT", "/grants/{login}"),
            ("DELETE", "/grants/{login}"),
            ("PUT", "/groups/{organisation}/{group}"),
            ("DELETE", "/groups/{organisation}/{group}"),
            ("PUT", "/packages/{kind}/{name}/grants/{login}"),
            ("DELETE", "/packages/{kind}/{name}/grants/{login}"),
            ("PUT", "/packages/{kind}/{name}/groups/{organisation}/{group}"),
            ("DELETE", "/packages/{kind}/{name}/groups/{organisation}/{group}"),
        ],
        Asks::Channel(Level::Manage, GiveLevels),
    ),
    row(ONE_CHANNEL, &[("POST", "/packages")], Asks::Channel(Level::Write, MakePackages)),
    row(ONE_CHANNEL, &[("PATCH", "/packages/{kind}/{name}")], Asks::Channel(Level::Manage, EditPackages)),
    row(ONE_CHANNEL, &[("DELETE", "/packages/{kind}/{name}")], Asks::Channel(Level::Manage, DeletePackages)),
    row(ONE_CHANNEL, &[("GET", "/history")], Asks::Channel(Level::Manage, SeeHistory)),
    row(ONE_CHANNEL, &[("GET", "/subchannels")], Asks::Channel(Level::Read, SeeChannels)),
    row(ONE_CHANNEL, &[("POST", "/subchannels")], Asks::Channel(Level::Manage, MakeSubchannels)),
    row(
        V1,
        &[
            ("GET", "/organisations/{organisation}/groups"),
            ("GET", "/organisations/{organisation}/groups/{group}"),
        ],
        Asks::Own(SeeGroups),
    ),
    row(
        V1,
        &[
            ("POST", "/organisations/{organisation}/groups"),
            ("PATCH", "/organisations/{organisation}/groups/{group}"),
            ("DELETE", "/organisations/{organisation}/groups/{group}"),
            ("PUT", "/organisations/{organisation}/groups/{group}/members/{login}"),
            ("DELETE", "/organisations/{organisation}/groups/{group}/members/{login}"),
        ],
        Asks::Own(ChangeGroups),
    ),
    row(V1, &[("POST", "/channels")], Asks::Own(MakeChannels)),
    row(V1, &[("PUT", "/default-channel")], Asks::Own(ChooseDefault)),
    row(API, &[("PUT", "/account")], Asks::Own(ChooseDefault)),
    row(
        V1,
        &[("GET", "/tokens"), ("GET", "/tokens/{token}"), ("POST", "/tokens/leaked")],
        Asks::Own(SeeTokens),
    ),
    row(
        V1,
        &[
            ("POST", "/tokens"),
            ("PATCH", "/tokens/{token}"),
            ("DELETE", "/tokens/{token}"),
            ("POST", "/tokens/{token}/reissue"),
            ("DELETE", "/tokens/{token}/overlap"),
            ("DELETE", "/session"),
        ],
        Asks::Own(EditTokens),
    ),
    row(SERVER_TOKENS, &[("GET", ""), ("GET", "/{token}")], Asks::Own(SeeTokens)),
    row(SERVER_TOKENS, &[("POST", ""), ("PUT", "/{token}"), ("DELETE", "/{token}")], Asks::Own(EditTokens)),
    row(API, &[("GET", "/account/channels"), ("GET", "/channels"), ("GET", "/artifacts")], Asks::LiveToken),
    row(
        SERVER_ARTIFACTS,
        &[
            ("GET", "/artifacts"),
            ("GET", "/artifacts/{family}/{name}"),
            ("GET", "/artifacts/{family}/{name}/files"),
        ],
        Asks::Channel(Level::Read, ListFiles),
    ),
    row(SERVER_ARTIFACTS, &[("POST", "/artifacts")], Asks::Channel(Level::Write, PublishAny)),
    row(SERVER_ARTIFACTS, &[("PUT", "/artifacts/bulk")], Asks::Channel(Level::Read, BulkAny)),
    row(
        SERVER_ARTIFACTS,
        &[("DELETE", "/artifacts/{family}/{name}")],
        Asks::Channel(Level::Manage, RemoveAny),
    ),
    row(API, &[("POST", "/channels")], Asks::Own(MakeChannels)),
    row(SERVER_CHANNEL, &[("GET", "")], Asks::Channel(Level::Read, SeeAny)),
    row(SERVER_CHANNEL, &[("PUT", "")], Asks::Channel(Level::Manage, EditChannels)),
    row(SERVER_CHANNEL, &[("DELETE", "")], Asks::Channel(Level::Manage, DeleteChannels)),
    row(SERVER_CHANNEL, &[("GET", "/subchannels")], Asks::Channel(Level::Read, SeeChannels)),
    row(SERVER_CHANNEL, &[("POST", "/subchannels")], Asks::Channel(Level::Manage, MakeSubchannels)),
    row(SERVER_BELOW, &[("GET", "")], Asks::Channel(Level::Read, SeeChannels)),
    row(SERVER_BELOW, &[("PUT", "")], Asks::Channel(Level::Manage, EditChannels)),
    row(SERVER_BELOW, &[("DELETE", "")], Asks::Channel(Level::Manage, DeleteChannels)),
    row(SERVER_CHANGES, &[("GET", "/history")], Asks::Channel(Level::Manage, SeeHistory)),
    row(SERVER_CHANGES, &[("GET", "/groups")], Asks::Channel(Level::Read, SeeLevels)),
    row(
        SERVER_CHANGES,
        &[("PUT", "/groups/{organisation}/{group}"), ("DELETE", "/groups/{organisation}/{group}")],
        Asks::Channel(Level::Manage, GiveLevels),
    ),
    row(SERVER_GROUPS, &[("GET", "/groups"), ("GET", "/groups/{group}")], Asks::Own(SeeGroups)),
    row(
        SERVER_GROUPS,
        &[
            ("POST", "/groups"),
            ("PUT", "/groups/{group}"),
            ("DELETE", "/groups/{group}"),
            ("PUT", "/groups/{group}/members/{login}"),
            ("DELETE", "/groups/{group}/members/{login}"),
        ],
        Asks::Own(ChangeGroups),
    ),
    row(API, &[("GET", "/organizations/my")], Asks::Own(SeeAccounts)),
    row(
        SERVER_PYTHON,
        &[("GET", "/simple"), ("GET", "/simple/"), ("GET", "/simple/{*project}")],
        Asks::Channel(Level::Read, ReadPython),
    ),
    row(SERVER_PYTHON, &[("POST", ""), ("POST", "/")], Asks::Channel(Level::Write, PublishAny)),
    row(API, &[("GET", "/authentications")], Asks::Own(SeeTokens)),
    row(
        API,
        &[
            ("DELETE", "/authentications"),
            ("DELETE", "/authentications/name/{*name}"),
            ("DELETE", "/authentications/org/{org}/name/{*name}"),
        ],
        Asks::Own(EditTokens),
    ),
    row(
        API,
        &[("GET", "/user/orgs"), ("GET", "/user/{login}"), ("GET", "/users/{login}/orgs")],
        Asks::Own(SeeAccounts),
    ),
    row(V1, &[("PUT", "/accounts/{login}/owners")], Asks::Own(ChangeOwners)),
    row(V1, &[("POST", "/accounts")], Asks::Server(MakeAccounts)),
    row(
        V1,
        &[("POST", "/accounts/{login}/disable"), ("POST", "/accounts/{login}/enable")],
        Asks::Server(DisableAccounts),
    ),
    row(V1, &[("GET", "/events/{log}")], Asks::Server(ReadLog)),
    row(V1, &[("GET", "/status")], Asks::Server(SeeStatus)),
    row(V1, &[("GET", "/roles"), ("GET", "/roles/{role}")], Asks::Server(SeeRoles)),
    row(
        V1,
        &[
            ("POST", "/roles"),
            ("PATCH", "/roles/{role}"),
            ("DELETE", "/roles/{role}"),
            ("PUT", "/roles/{role}/accounts/{login}"),
            ("DELETE", "/roles/{role}/accounts/{login}"),
            ("PUT", "/roles/{role}/groups/{organisation}/{group}"),
            ("DELETE", "/roles/{role}/groups/{organisation}/{group}"),
        ],
        Asks::Server(EditRoles),
    ),
    row(
        V1,
        &[("GET", "/whoami"), ("POST", "/explain"), ("GET", "/channels"), ("GET", "/search")],
        Asks::LiveToken,
    ),
    row(
        API,
        &[
            ("GET", "/account"),
            ("GET", "/account/me"),
            ("GET", "/account/token-info"),
            ("GET", "/account/scopes"),
            ("GET", "/system/scopes"),
            ("GET", "/system/tokens"),
            ("GET", "/authentication"),
            ("GET", "/user"),
        ],
        Asks::LiveToken,
    ),
    row(
        V1,
        &[("POST", "/session"), ("GET", "/scopes"), ("GET", ""), ("GET", "/openapi.json")],
        Asks::Nothing,
    ),
    row(
        API,
        &[
            ("GET", ""),
            ("GET", "/"),
            ("GET", "/authentication-type"),
            ("GET", "/scopes"),
            ("POST", "/authentications"),
        ],
        Asks::Nothing,
    ),
    row(API, &[("GET", "/search"), ("GET", "/packages")], Asks::LiveToken),
    row(
        API,
        &[
            ("GET", "/packages/{channel}"),
            ("GET", "/package/{channel}/{package}"),
            ("GET", "/release/{channel}/{package}/{version}"),
            ("GET", "/dist/{channel}/{package}/{version}/{*basename}"),
            ("GET", "/channels/{channel}/{label}"),
        ],
        Asks::Channel(Level::Read, ListFiles),
    ),
    row(
        API,
        &[
            ("GET", "/download/{channel}/{package}/{version}/{*basename}"),
            ("POST", "/copy/package/{channel}/{package}/{version}/{*basename}"),
            ("PUT", "/copy/package/{channel}/{package}/{version}/{*basename}"),
            ("PATCH", "/copy/package/{channel}/{package}/{version}/{*basename}"),
            ("POST", "/copy/package/{channel}/{package}/{version}/"),
            ("PUT", "/copy/package/{channel}/{package}/{version}/"),
            ("PATCH", "/copy/package/{channel}/{package}/{version}/"),
        ],
        Asks::Channel(Level::Read, ReadAny),
    ),
    row(
        API,
        &[
            ("POST", "/package/{channel}/{package}"),
            ("PATCH", "/package/{channel}/{package}"),
            ("POST", "/release/{channel}/{package}/{version}"),
            ("PATCH", "/release/{channel}/{package}/{version}"),
            ("POST", "/stage/{channel}/{package}/{version}/{*basename}"),
            ("POST", "/commit/{channel}/{package}/{version}/{*basename}"),
        ],
        Asks::Channel(Level::Write, PublishAny),
    ),
    row(
        API,
        &[
            ("DELETE", "/package/{channel}/{package}"),
            ("DELETE", "/release/{channel}/{package}/{version}"),
            ("DELETE", "/dist/{channel}/{package}/{version}/{*basename}"),
        ],
        Asks::Channel(Level::Manage, RemoveAny),
    ),
    row(
        API,
        &[
            ("POST", "/channels/{channel}/{label}"),
            ("DELETE", "/channels/{channel}/{label}"),
            ("POST", "/channels/{channel}/{label}/copy/{to}"),
            ("POST", "/channels/{channel}/{label}/lock"),
            ("DELETE", "/channels/{channel}/{label}/lock"),
        ],
        Asks::Channel(Level::Manage, EditLabels),
    ),
    row(
        API,
        &[
            ("GET", "/groups"),
            ("GET", "/groups/{organisation}"),
            ("GET", "/group/{organisation}/{group}"),
            ("GET", "/group/{organisation}/{group}/members"),
            ("GET", "/group/{organisation}/{group}/members/{login}"),
            ("GET", "/group/{organisation}/{group}/packages"),
        ],
        Asks::Own(SeeGroups),
    ),
    row(
        API,
        &[
            ("POST", "/group/{organisation}/{group}"),
            ("PUT", "/group/{organisation}/{group}/members/{login}"),
            ("DELETE", "/group/{organisation}/{group}/members/{login}"),
        ],
        Asks::Own(ChangeGroups),
    ),
    row(
        API,
        &[
            ("PUT", "/group/{channel}/{group}/packages/{package}"),
            ("DELETE", "/group/{channel}/{group}/packages/{package}"),
            ("PUT", "/packages/{channel}/{package}/collaborators/{login}"),
            ("DELETE", "/packages/{channel}/{package}/collaborators/{login}"),
        ],
        Asks::Channel(Level::Manage, GiveLevels),
    ),
    row(
        API,
        &[("GET", "/packages/{channel}/{package}/collaborators")],
        Asks::Channel(Level::Read, SeeLevels),
    ),
    row(API, &[("POST", "/stage")], Asks::Nothing),
    row(API, &[("POST", "/auth/login")], Asks::Nothing),
    row(&[""], &[("GET", "/"), ("GET", "/healthz"), ("GET", "/readyz")], Asks::Nothing),
    row(
        &[""],
        &[
            ("GET", "/.well-known/openid-configuration"),
            ("GET", "/.well-known/oauth-authorization-server"),
            ("GET", "/-/oauth/authorize"),
            ("POST", "/-/oauth/authorize"),
            ("POST", "/-/oauth/token"),
            ("GET", "/app/local-login-success"),
            ("GET", "/app/local-login-error"),
        ],
        Asks::Nothing,
    ),
];
