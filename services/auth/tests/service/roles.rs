//! Roles: given, taken, and nobody gives what they do not hold.

use eventlog::subject;
use names::{AccountId, GroupId};
use proto::auth::v1::{
    AccountRequest, ChangeRoleRequest, CreateAccountRequest, CreateRoleRequest, ListRolesRequest, Role,
    RoleHolderRequest, RoleLevels, RoleReply, RoleRequest, WhoAmIRequest,
};
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{AccountKind, GroupCreated, GroupMembersChanged, Level, RoleCategory, RoleLevel};
use tonic::{Code, Status};

use crate::lab::{Client, LOGIN, Lab, PASSWORD, code, system};

fn level(category: RoleCategory, level: Level) -> RoleLevel {
    RoleLevel { category: category.into(), level: level.into() }
}

fn held(role: &str, login: &str) -> RoleHolderRequest {
    RoleHolderRequest { role: role.into(), login: login.into(), ..RoleHolderRequest::default() }
}

fn held_by_group(role: &str, organisation: &str, group: &str) -> RoleHolderRequest {
    RoleHolderRequest {
        role: role.into(),
        organisation: organisation.into(),
        group: group.into(),
        ..RoleHolderRequest::default()
    }
}

async fn make(client: &mut Client, name: &str, levels: &[RoleLevel]) -> Result<Role, Status> {
    let request = CreateRoleRequest { name: name.into(), levels: levels.to_vec(), ..Default::default() };
    Ok(client.create_role(request).await?.into_inner().role.unwrap())
}

async fn assign(client: &mut Client, request: RoleHolderRequest) -> Result<RoleReply, Status> {
    Ok(client.assign_role(request).await?.into_inner())
}

async fn unassign(client: &mut Client, request: RoleHolderRequest) -> Result<RoleReply, Status> {
    Ok(client.unassign_role(request).await?.into_inner())
}

async fn roles(lab: &Lab, secret: &str) -> Vec<String> {
    lab.client(secret).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().roles
}

async fn ben(lab: &Lab, admin: &str) -> String {
    crate::account::make(lab, admin, "ben").await;
    lab.sign_in("ben", "ben has a password").await.unwrap().secret
}

#[tokio::test]
async fn a_role_opens_what_it_gives_and_taken_away_it_is_gone_from_every_replica() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let session = ben(&lab, &admin).await;
    let elsewhere = lab.another_auth().await;
    let mut admin = lab.client(&admin);
    assert_eq!(code(lab.client(&session).list_roles(ListRolesRequest {}).await), Code::PermissionDenied);
    let made = make(&mut admin, "Viewers", &[level(RoleCategory::Roles, Level::Read)]).await.unwrap();
    assert!(!made.id.is_empty() && !made.shipped);
    let given = assign(&mut admin, held("viewers", "ben")).await.unwrap();
    assert_eq!(given.role.unwrap().accounts, 1);
    assert_eq!(roles(&lab, &session).await, ["author", "Viewers"]);
    let again = assign(&mut admin, held("Viewers", "ben")).await.unwrap();
    assert_eq!(again.authz_seq, given.authz_seq, "said again, it records nothing");

    let listed = Lab::client_of(elsewhere, &session).list_roles(ListRolesRequest {}).await.unwrap();
    let listed = listed.into_inner().roles;
    let names: Vec<&str> = listed.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["everyone", "author", "admin", "Viewers"]);
    let shown = lab.client(&session).show_role(RoleRequest { role: "admin".into() }).await.unwrap();
    assert_eq!(shown.into_inner().holders[0].login, LOGIN);
    let shown = lab.client(&session).show_role(RoleRequest { role: made.id }).await.unwrap().into_inner();
    assert_eq!(shown.holders[0].login, "ben");
    assert_eq!(code(make(&mut lab.client(&session), "mine", &[]).await), Code::PermissionDenied);

    let taken = unassign(&mut admin, held("Viewers", "ben")).await.unwrap();
    assert!(taken.receipt.unwrap().silent.is_empty());
    for addr in [lab.addr(), elsewhere] {
        let refused = Lab::client_of(addr, &session).list_roles(ListRolesRequest {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains("role:view"), "{}", refused.message());
    }
}

#[tokio::test]
async fn a_role_is_changed_and_deleted_and_the_shipped_ones_stay() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let session = ben(&lab, &admin).await;
    let mut admin = lab.client(&admin);
    let read = [level(RoleCategory::Roles, Level::Read)];
    make(&mut admin, "viewers", &read).await.unwrap();
    assert_eq!(code(make(&mut admin, "VIEWERS", &[]).await), Code::AlreadyExists);
    assign(&mut admin, held("viewers", "ben")).await.unwrap();
    let change = ChangeRoleRequest {
        role: "viewers".into(),
        name: Some("nothing".into()),
        description: None,
        levels: Some(RoleLevels::default()),
    };
    let changed = admin.change_role(change).await.unwrap().into_inner().role.unwrap();
    assert_eq!((changed.name.as_str(), changed.levels.len(), changed.accounts), ("nothing", 0, 1));
    assert_eq!(code(lab.client(&session).list_roles(ListRolesRequest {}).await), Code::PermissionDenied);
    admin.delete_role(RoleRequest { role: "nothing".into() }).await.unwrap();
    assert_eq!(roles(&lab, &session).await, ["author"]);
    let gone = assign(&mut admin, held("nothing", "ben")).await;
    assert_eq!(code(gone), Code::NotFound);
    for shipped in ["everyone", "Author", "admin"] {
        let deleted = admin.delete_role(RoleRequest { role: shipped.into() }).await.unwrap_err();
        assert!(deleted.message().contains("comes with the server"), "{}", deleted.message());
        assert_eq!(code(make(&mut admin, shipped, &[]).await), Code::InvalidArgument);
    }
    let author = assign(&mut admin, held("author", "ben")).await.unwrap_err();
    assert!(author.message().contains("nobody's to give"), "{}", author.message());
}

#[tokio::test]
async fn nobody_gives_by_a_role_what_they_do_not_hold() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let session = ben(&lab, &admin).await;
    crate::account::make(&lab, &admin, "eve").await;
    let (mut admin, mut ben) = (lab.client(&admin), lab.client(&session));
    let write = level(RoleCategory::Artifacts, Level::Write);
    let manage = level(RoleCategory::Artifacts, Level::Manage);
    let roles = level(RoleCategory::Roles, Level::Manage);
    make(&mut admin, "keepers", &[write, roles]).await.unwrap();
    make(&mut admin, "big", &[manage]).await.unwrap();
    assign(&mut admin, held("keepers", "ben")).await.unwrap();
    make(&mut ben, "uploaders", &[write]).await.unwrap();
    assign(&mut ben, held("uploaders", "eve")).await.unwrap();
    let more = ChangeRoleRequest {
        role: "uploaders".into(),
        levels: Some(RoleLevels { levels: vec![manage] }),
        ..ChangeRoleRequest::default()
    };
    for refused in [
        make(&mut ben, "bigger", &[manage]).await.map(drop),
        ben.change_role(more).await.map(drop),
        assign(&mut ben, held("big", "eve")).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let words = "this needs artifacts=manage, and you hold artifacts=write";
        assert!(refused.message().contains(words), "{}", refused.message());
    }
    for refused in [
        assign(&mut ben, held("admin", "ben")).await.map(drop),
        unassign(&mut ben, held("admin", LOGIN)).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains("only administrators"), "{}", refused.message());
    }
    // Taking away is no gift.
    unassign(&mut ben, held("uploaders", "eve")).await.unwrap();
}

#[tokio::test]
async fn administrators_are_made_and_unmade_but_for_the_last() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let session = ben(&lab, &admin).await;
    let mut client = lab.client(&admin);
    let last = unassign(&mut client, held("admin", LOGIN)).await.unwrap_err();
    assert!(last.message().contains("last administrator"), "{}", last.message());
    // One that is disabled is none.
    crate::account::make(&lab, &admin, "gone").await;
    assign(&mut client, held("admin", "gone")).await.unwrap();
    client.disable_account(AccountRequest { login: "gone".into() }).await.unwrap();
    let last = unassign(&mut client, held("admin", LOGIN)).await.unwrap_err();
    assert!(last.message().contains("last administrator"), "{}", last.message());
    let disabled = assign(&mut client, held("admin", "gone")).await.unwrap_err();
    assert!(disabled.message().contains("disabled"), "{}", disabled.message());

    assert_eq!(assign(&mut client, held("admin", "ben")).await.unwrap().role.unwrap().accounts, 2);
    assert_eq!(roles(&lab, &session).await, ["author", "admin"]);
    let me = lab.client(&session).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    assert!(me.account.unwrap().admin);
    unassign(&mut lab.client(&session), held("admin", LOGIN)).await.unwrap();
    let create =
        CreateAccountRequest { login: "new".into(), password: PASSWORD.into(), ..Default::default() };
    assert_eq!(code(client.create_account(create).await), Code::PermissionDenied);
    let own = unassign(&mut lab.client(&session), held("admin", "ben")).await.unwrap_err();
    assert!(own.message().contains("last administrator"), "{}", own.message());
}

#[tokio::test]
async fn a_group_holds_a_role_but_not_admin_and_an_organisation_none() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let session = ben(&lab, &admin).await;
    let ben: AccountId = lab.account_id(&session).await;
    let mut client = lab.client(&admin);
    let organisation = CreateAccountRequest {
        login: "acme".into(),
        kind: AccountKind::Organisation.into(),
        ..CreateAccountRequest::default()
    };
    let organisation = client.create_account(organisation).await.unwrap().into_inner().id;
    let organisation: AccountId = organisation.parse().unwrap();
    let id = GroupId(lab.ambient.ids.uuid());
    let created = Stored::GroupCreated(GroupCreated {
        group_id: id.to_bytes(),
        organisation_id: organisation.to_bytes(),
        name: "devs".into(),
        level: Level::Read.into(),
        ..GroupCreated::default()
    });
    let joined = Stored::GroupMembersChanged(GroupMembersChanged {
        group_id: id.to_bytes(),
        added_ids: vec![ben.to_bytes()],
        removed_ids: vec![],
    });
    lab.append(subject::groups(organisation), 0, system(), vec![created, joined]).await;
    // Whoever signs in now finds what was appended before.
    let admin = lab.sign_in(LOGIN, PASSWORD).await.unwrap().secret;
    let mut client = lab.client(&admin);
    make(&mut client, "viewers", &[level(RoleCategory::Roles, Level::Read)]).await.unwrap();
    let given = assign(&mut client, held_by_group("viewers", "acme", "devs")).await.unwrap();
    assert_eq!(given.role.unwrap().groups, 1);
    assert_eq!(roles(&lab, &session).await, ["author", "viewers"]);
    let shown = lab.client(&session).show_role(RoleRequest { role: "viewers".into() }).await.unwrap();
    let holders = shown.into_inner().holders;
    assert_eq!((holders[0].organisation.as_str(), holders[0].group.as_str()), ("acme", "devs"));
    for (wrong, expected) in [
        (held_by_group("admin", "acme", "devs"), Code::InvalidArgument),
        (held("viewers", "acme"), Code::InvalidArgument),
        (held_by_group("viewers", "acme", "none"), Code::NotFound),
        (held("viewers", "none"), Code::NotFound),
        (held("viewers", ""), Code::InvalidArgument),
    ] {
        assert_eq!(code(assign(&mut client, wrong.clone()).await), expected, "{wrong:?}");
    }
    unassign(&mut client, held_by_group("viewers", "acme", "devs")).await.unwrap();
    assert_eq!(roles(&lab, &session).await, ["author"]);
}

#[tokio::test]
async fn levels_that_no_role_can_have_are_refused() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let mut admin = lab.client(&admin);
    let read = level(RoleCategory::Artifacts, Level::Read);
    for wrong in [
        vec![level(RoleCategory::AuditLog, Level::Write)],
        vec![read, level(RoleCategory::Artifacts, Level::Write)],
        vec![level(RoleCategory::Unspecified, Level::Read)],
        vec![RoleLevel { category: 99, level: 1 }],
        vec![RoleLevel { category: RoleCategory::Artifacts.into(), level: 99 }],
    ] {
        assert_eq!(code(make(&mut admin, "wrong", &wrong).await), Code::InvalidArgument, "{wrong:?}");
    }
    let made = make(&mut admin, "right", &[read, level(RoleCategory::Roles, Level::None)]).await.unwrap();
    assert_eq!(made.levels, [read]);
}
