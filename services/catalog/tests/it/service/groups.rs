//! Groups of an organisation, over gRPC.

use eventlog::Stream;
use proto::catalog::v1 as api;
use proto::event::v1::{self as stored, Privacy};
use tonic::{Code, Response, Status};

use crate::lab::Lab;

fn which(organisation: &str, group: &str) -> Option<api::GroupRequest> {
    Some(api::GroupRequest { organisation: organisation.into(), group: group.into() })
}

fn code<T: std::fmt::Debug>(result: Result<Response<T>, Status>) -> Code {
    result.unwrap_err().code()
}

fn members(add: &[&str], remove: &[&str]) -> api::ChangeMembersRequest {
    let logins = |logins: &[&str]| logins.iter().map(|login| (*login).to_owned()).collect();
    api::ChangeMembersRequest { group: which("acme", "Devs"), add: logins(add), remove: logins(remove) }
}

#[tokio::test]
async fn a_group_opens_a_channel_for_its_members_and_is_closed_to_those_who_leave() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    let acme = lab.authz.organisation(3, &[ann.account]).await;
    lab.authz.login(ben.account, "ben").await;
    lab.authz.login(acme, "acme").await;
    lab.channel(&ann, "lab", Privacy::Private).await;
    let mut owner = lab.client(&ann.session);
    let new = |name: &str| api::CreateGroupRequest {
        group: which("acme", name),
        description: "who writes".into(),
        level: stored::Level::Write.into(),
    };
    let made = owner.create_group(new("Devs")).await.unwrap().into_inner().group.unwrap();
    assert_eq!((made.name.as_str(), made.level()), ("Devs", stored::Level::Write));
    assert_eq!(code(owner.create_group(new("devs")).await), Code::AlreadyExists);
    assert_eq!(code(owner.create_group(new("no name")).await), Code::InvalidArgument);
    assert_eq!(code(lab.client(&ben.session).create_group(new("mine")).await), Code::PermissionDenied);

    let grant = |level: stored::Level| api::GrantChannelRequest {
        channel: "lab".into(),
        group: which("acme", "devs"),
        level: level.into(),
        ..Default::default()
    };
    let given = owner.grant_channel(grant(stored::Level::Read)).await.unwrap().into_inner();
    let held = &given.channel.unwrap().grants[0];
    assert_eq!((&held.group_id, held.group.as_str(), held.level()), (&made.id, "Devs", stored::Level::Read));
    let show = || api::ChannelRequest { channel: "lab".into() };
    assert_eq!(code(lab.client(&ben.session).show_channel(show()).await), Code::PermissionDenied);
    owner.change_members(members(&["ben"], &[])).await.unwrap();
    assert!(lab.client(&ben.session).show_channel(show()).await.is_ok());
    let events = lab.events(Stream::Authz).await.len();
    owner.change_members(members(&["ben"], &[])).await.unwrap();
    assert_eq!(lab.events(Stream::Authz).await.len(), events, "what is so already is not recorded");
    assert_eq!(code(owner.change_members(members(&["nobody"], &[])).await), Code::NotFound);

    let left = owner.change_members(members(&[], &["ben"])).await.unwrap().into_inner();
    assert!(left.receipt.is_some() && left.group.unwrap().member_ids.is_empty());
    assert_eq!(code(lab.client(&ben.session).show_channel(show()).await), Code::PermissionDenied);
    owner.change_members(members(&["ben"], &[])).await.unwrap();
    owner.delete_group(which("acme", "devs").unwrap()).await.unwrap();
    assert_eq!(code(lab.client(&ben.session).show_channel(show()).await), Code::PermissionDenied);
    // A group of that name again is another, and holds nothing.
    owner.create_group(new("devs")).await.unwrap();
    owner.change_members(members(&["ben"], &[])).await.unwrap();
    assert_eq!(code(lab.client(&ben.session).show_channel(show()).await), Code::PermissionDenied);
    let shown = owner.show_channel(show()).await.unwrap().into_inner();
    assert_eq!(shown.grants, []);
}

#[tokio::test]
async fn a_subchannel_stands_on_its_own_and_goes_with_its_channel() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    lab.authz.login(ben.account, "ben").await;
    lab.channel(&ann, "lab", Privacy::Private).await;
    let mut owner = lab.client(&ann.session);
    let new = |parent: &str, name: &str| api::CreateChannelRequest {
        name: name.into(),
        privacy: Privacy::Private.into(),
        parent: parent.into(),
        ..Default::default()
    };
    let made = owner.create_channel(new("lab", "dev")).await.unwrap().into_inner().channel.unwrap();
    assert_eq!((made.name.as_str(), made.level()), ("lab/dev", stored::Level::Manage));
    assert_eq!(code(owner.create_channel(new("lab", "dev")).await), Code::AlreadyExists);
    assert_eq!(code(owner.create_channel(new("lab/dev", "deep")).await), Code::InvalidArgument);
    assert_eq!(code(owner.create_channel(new("lab", "noarch")).await), Code::InvalidArgument);
    let grant = |level: stored::Level| api::GrantChannelRequest {
        channel: "lab".into(),
        login: "ben".into(),
        level: level.into(),
        ..Default::default()
    };
    let show = |channel: &str| api::ChannelRequest { channel: channel.into() };
    owner.grant_channel(grant(stored::Level::Write)).await.unwrap();
    let mut other = lab.client(&ben.session);
    assert_eq!(code(other.show_channel(show("lab/dev")).await), Code::PermissionDenied);
    assert_eq!(code(other.create_channel(new("lab", "mine")).await), Code::PermissionDenied);
    owner.grant_channel(grant(stored::Level::Manage)).await.unwrap();
    assert!(other.show_channel(show("lab/dev")).await.is_ok());
    owner.delete_channel(show("lab")).await.unwrap();
    assert_eq!(code(owner.show_channel(show("lab/dev")).await), Code::PermissionDenied);
    lab.channel(&ann, "lab", Privacy::Private).await;
    let again = owner.create_channel(new("lab", "dev")).await.unwrap().into_inner().channel.unwrap();
    assert_ne!(again.id, made.id);
    owner.delete_channel(show("lab/dev")).await.unwrap();
    assert!(owner.create_channel(new("lab", "dev")).await.is_ok());
}
