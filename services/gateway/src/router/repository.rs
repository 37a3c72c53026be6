//! The API of Anaconda Repository: accounts and tokens, and what is in channels.

use access::Action;
use axum::routing::{delete, get, patch, post, put};
use http::Method;

use super::{Line, line};
use crate::gate::Gate;
use crate::routes::anaconda;

/// The API of Anaconda Repository.
pub(super) static ANACONDA: [Line; 14] = {
    use anaconda::{account, sign_in, token};
    const ANYBODY: Gate = Gate::Server(Action::WhoAmI);
    const TOKENS: Gate = Gate::Account(Action::TokenView);
    const TOKEN_EDIT: Gate = Gate::Account(Action::TokenEdit);
    const ACCOUNTS: Gate = Gate::Account(Action::AccountView);
    [
        line(Method::GET, "", Gate::Open, || get(anaconda::root)),
        line(Method::GET, "/", Gate::Open, || get(anaconda::root)),
        line(Method::GET, "/authentication-type", Gate::Open, || get(anaconda::kind)),
        line(Method::GET, "/scopes", Gate::Open, || get(anaconda::scopes)),
        line(Method::POST, "/authentications", Gate::SignIn, || post(sign_in::issue)),
        line(Method::GET, "/authentications", TOKENS, || get(token::list)),
        line(Method::DELETE, "/authentications", TOKEN_EDIT, || delete(token::end)),
        line(Method::DELETE, "/authentications/name/{*name}", TOKEN_EDIT, || delete(token::end_named)),
        line(Method::DELETE, "/authentications/org/{org}/name/{*name}", TOKEN_EDIT, || {
            delete(token::end_of_organisation)
        }),
        line(Method::GET, "/authentication", ANYBODY, || get(token::current)),
        line(Method::GET, "/user", ANYBODY, || get(account::own)),
        line(Method::GET, "/user/orgs", ACCOUNTS, || get(account::own_organisations)),
        line(Method::GET, "/user/{login}", ACCOUNTS, || get(account::show)),
        line(Method::GET, "/users/{login}/orgs", ACCOUNTS, || get(account::organisations_of)),
    ]
};

/// Its packages, releases, files and labels; an owner is the channel of that name. The list of its labels is read where
/// Anaconda Server's clients read the channel.
pub(super) static ANACONDA_PACKAGES: [Line; 29] = {
    use anaconda::{copy, label, package, release, search, stage};
    const LIST: Gate = Gate::Channel(Action::ArtifactView);
    const PUBLISH: Gate = Gate::Channel(Action::AnyPublish);
    const REMOVE: Gate = Gate::Channel(Action::AnyDelete);
    const FETCH: Gate = Gate::Channel(Action::AnyDownload);
    const LABEL: Gate = Gate::Channel(Action::LabelEdit);
    const LOCK: Gate = Gate::Channel(Action::LabelLock);
    const PACKAGE: &str = "/package/{channel}/{package}";
    const RELEASE: &str = "/release/{channel}/{package}/{version}";
    const DIST: &str = "/dist/{channel}/{package}/{version}/{*basename}";
    const COPY: &str = "/copy/package/{channel}/{package}/{version}/{*basename}";
    const COPY_ALL: &str = "/copy/package/{channel}/{package}/{version}/";
    const NAMED: &str = "/channels/{channel}/{label}";
    [
        line(Method::GET, "/search", Gate::Listed, || get(search::search)),
        line(Method::GET, "/packages", Gate::Server(Action::WhoAmI), || get(search::own)),
        line(Method::GET, "/packages/{channel}", LIST, || get(search::of_owner)),
        line(Method::GET, PACKAGE, LIST, || get(package::show)),
        line(Method::POST, PACKAGE, PUBLISH, || post(package::create)),
        line(Method::PATCH, PACKAGE, PUBLISH, || patch(package::update)),
        line(Method::DELETE, PACKAGE, REMOVE, || delete(package::remove)),
        line(Method::GET, RELEASE, LIST, || get(release::show)),
        line(Method::POST, RELEASE, PUBLISH, || post(release::accept)),
        line(Method::PATCH, RELEASE, PUBLISH, || patch(release::accept)),
        line(Method::DELETE, RELEASE, REMOVE, || delete(release::remove)),
        line(Method::GET, DIST, LIST, || get(release::dist)),
        line(Method::DELETE, DIST, REMOVE, || delete(release::remove_dist)),
        line(Method::GET, "/download/{channel}/{package}/{version}/{*basename}", FETCH, || {
            get(release::download)
        }),
        line(Method::POST, "/stage", Gate::Open, || post(stage::form)),
        line(Method::POST, "/stage/{channel}/{package}/{version}/{*basename}", PUBLISH, || {
            post(stage::stage)
        }),
        line(Method::POST, "/commit/{channel}/{package}/{version}/{*basename}", PUBLISH, || {
            post(stage::commit)
        }),
        line(Method::POST, COPY, FETCH, || post(copy::copy)),
        line(Method::PUT, COPY, FETCH, || put(copy::copy)),
        line(Method::PATCH, COPY, FETCH, || patch(copy::copy)),
        line(Method::POST, COPY_ALL, FETCH, || post(copy::copy)),
        line(Method::PUT, COPY_ALL, FETCH, || put(copy::copy)),
        line(Method::PATCH, COPY_ALL, FETCH, || patch(copy::copy)),
        line(Method::GET, NAMED, LIST, || get(label::show)),
        line(Method::POST, NAMED, LABEL, || post(label::add)),
        line(Method::DELETE, NAMED, LABEL, || delete(label::remove)),
        line(Method::POST, "/channels/{channel}/{label}/copy/{to}", LABEL, || post(label::copy)),
        line(Method::POST, "/channels/{channel}/{label}/lock", LOCK, || post(label::lock)),
        line(Method::DELETE, "/channels/{channel}/{label}/lock", LOCK, || delete(label::unlock)),
    ]
};

/// Its groups and collaborators. An organisation's packages stand in the channel of its name.
pub(super) static ANACONDA_GROUPS: [Line; 14] = {
    use anaconda::{collaborator, group};
    // Of which organisation, auth and catalog find out: the gateway does not know logins.
    const SEE: Gate = Gate::Account(Action::GroupView);
    const EDIT: Gate = Gate::Account(Action::GroupEdit);
    const GIVE: Gate = Gate::Channel(Action::PackageGrantEdit);
    const GROUP: &str = "/group/{organisation}/{group}";
    const MEMBER: &str = "/group/{organisation}/{group}/members/{login}";
    const HELD: &str = "/group/{channel}/{group}/packages/{package}";
    const COLLABORATOR: &str = "/packages/{channel}/{package}/collaborators/{login}";
    [
        line(Method::GET, "/groups", SEE, || get(group::own)),
        line(Method::GET, "/groups/{organisation}", SEE, || get(group::list)),
        line(Method::GET, GROUP, SEE, || get(group::show)),
        line(Method::POST, GROUP, EDIT, || post(group::create)),
        line(Method::GET, "/group/{organisation}/{group}/members", SEE, || get(group::members)),
        line(Method::GET, MEMBER, SEE, || get(group::member)),
        line(Method::PUT, MEMBER, EDIT, || put(group::add_member)),
        line(Method::DELETE, MEMBER, EDIT, || delete(group::remove_member)),
        line(Method::GET, "/group/{organisation}/{group}/packages", SEE, || get(group::packages)),
        line(Method::PUT, HELD, GIVE, || put(group::add_package)),
        line(Method::DELETE, HELD, GIVE, || delete(group::remove_package)),
        line(
            Method::GET,
            "/packages/{channel}/{package}/collaborators",
            Gate::Channel(Action::PackageGrantView),
            || get(collaborator::list),
        ),
        line(Method::PUT, COLLABORATOR, GIVE, || put(collaborator::add)),
        line(Method::DELETE, COLLABORATOR, GIVE, || delete(collaborator::remove)),
    ]
};
