//! What is told besides packages themselves, where a name could slip out with it.

use std::collections::BTreeMap;

use ::access::{Caller as Asker, Credential, SecretHash, Table};
use feed::client::AccessView;
use names::{ChannelId, GroupId};
use proto::event::v1::{
    Access, AccessChanged, AccountCreated, AccountKind, GroupCreated, LabelLockChanged, Level,
    PackageCreated, PackageKind, TokenIssued, TokenKind, TokenSecret, access, access_changed, event::Event,
};

use super::facts::{NOW, OWNER, STRANGER, add, fill, id, string};
use super::table::Caller;
use crate::routes::reach;
use crate::routes::rest::{grant, group, label};

/// The public channel of the facts.
const PUBLIC: u8 = 11;
const ORGANISATION: u8 = 50;
const GROUP: u8 = 51;
const PACKAGE: u8 = 52;

fn caller(table: &Table, who: Caller) -> Asker {
    let credential = string(who).map_or(Credential::None, |it| Credential::Secret(SecretHash::of(&it)));
    table.caller(NOW, &credential)
}

fn secret() -> PackageCreated {
    PackageCreated {
        package_id: id(PACKAGE),
        channel_id: id(PUBLIC),
        kind: PackageKind::Conda.into(),
        name: "secret".into(),
        private: true,
    }
}

#[test]
fn a_token_that_shows_channels_and_no_artifacts_lists_what_anybody_does() {
    let view = AccessView::new(Default::default());
    fill(&view);
    add(&view, Event::PackageCreated(secret()));
    let show = |scope: &str| {
        let string = access_string(scope);
        let ends_at_us = i64::MAX;
        let secrets = vec![TokenSecret { sha256: SecretHash::of(&string).0.to_vec(), ends_at_us }];
        let (kind, expires_at_us) = (TokenKind::Scoped.into(), ends_at_us);
        let (token_id, owner_id) = (vec![scope.as_bytes()[0]; 16], id(OWNER));
        let scopes = vec![scope.to_owned()];
        let token = TokenIssued {
            token_id,
            owner_id,
            kind,
            expires_at_us,
            secrets,
            scopes,
            ..TokenIssued::default()
        };
        add(&view, Event::TokenIssued(token));
        view.read(|table| {
            let caller = table.caller(NOW, &Credential::Secret(SecretHash::of(&string)));
            let channel = ChannelId::from_bytes(&id(PUBLIC)).unwrap();
            format!("{:?}", reach::listable(table, &caller, channel))
        })
    };
    let nobody = view.read(|table| {
        let channel = ChannelId::from_bytes(&id(PUBLIC)).unwrap();
        format!("{:?}", reach::listable(table, &Asker::Nobody, channel))
    });
    let own = show("artifact:view");
    assert!(own != nobody && nobody.contains("34343434"), "{own} {nobody}");
    assert!(show("channel:view").contains("34343434"));
}

fn access_string(scope: &str) -> String {
    format!("a token for {scope}")
}

#[test]
fn a_locked_label_that_no_seen_file_bears_is_told_to_those_who_could_unlock_it() {
    let view = AccessView::new(Default::default());
    fill(&view);
    let lock = LabelLockChanged { channel_id: id(PUBLIC), label: "secret".into(), locked: true };
    add(&view, Event::LabelLockChanged(lock));
    let told = |who, seen: &[&str]| {
        view.read(|table| {
            let mut labels: BTreeMap<_, _> =
                seen.iter().map(|label| ((*label).to_owned(), (1, false))).collect();
            let channel = ChannelId::from_bytes(&id(PUBLIC)).unwrap();
            label::add_locks(table, &caller(table, who), channel, &mut labels);
            labels
        })
    };
    for who in [Caller::Nobody, Caller::Stranger, Caller::Reader, Caller::Writer] {
        assert_eq!(told(who, &["main"]), [("main".to_owned(), (1, false))].into(), "{who:?}");
        assert_eq!(told(who, &["secret"]), [("secret".to_owned(), (1, true))].into(), "{who:?}");
    }
    for who in [Caller::Owner, Caller::Manager, Caller::Admin] {
        assert_eq!(told(who, &[]), [("secret".to_owned(), (0, true))].into(), "{who:?}");
    }
}

#[test]
fn who_changes_a_group_is_told_of_the_packages_given_to_it_that_they_see() {
    let view = AccessView::new(Default::default());
    fill(&view);
    let organisation = AccountCreated {
        account_id: id(ORGANISATION),
        kind: AccountKind::Organisation.into(),
        owner_ids: vec![id(STRANGER)],
        ..AccountCreated::default()
    };
    let devs = GroupCreated {
        group_id: id(GROUP),
        organisation_id: id(ORGANISATION),
        name: "devs".into(),
        level: Level::Read.into(),
        ..GroupCreated::default()
    };
    let level = |level: Level| Some(Access { access: Some(access::Access::Level(level.into())) });
    let given = AccessChanged {
        object: Some(access_changed::Object::PackageId(id(PACKAGE))),
        subject: Some(access_changed::Subject::GroupId(id(GROUP))),
        before: level(Level::None),
        after: level(Level::Read),
    };
    add(&view, Event::AccountCreated(organisation));
    add(&view, Event::GroupCreated(devs));
    add(&view, Event::PackageCreated(secret()));
    add(&view, Event::AccessChanged(given));
    let told = |who| {
        view.read(|table| {
            let group = table.group(GroupId::from_bytes(&id(GROUP)).unwrap()).unwrap();
            group::held(table, &caller(table, who), group)
        })
    };
    assert!(told(Caller::Stranger).is_empty(), "the organisation's owner is not in the group");
    assert_eq!(told(Caller::Owner)[0]["package"], "secret");
}

#[test]
fn a_dead_token_is_not_told_what_its_owner_was_given() {
    let view = AccessView::new(Default::default());
    fill(&view);
    let lives = |who| view.read(|table| grant::live(table, &caller(table, who)).is_some());
    assert!(lives(Caller::Reader) && lives(Caller::Stranger));
    for who in [Caller::Revoked, Caller::Expired, Caller::Disabled, Caller::Nobody, Caller::Unknown] {
        assert!(!lives(who), "{who:?}");
    }
}
