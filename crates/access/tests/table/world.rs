//! Builds logs for the tests of the table: short names for events, one sequence after the other.

use access::{Caller, Credential, SecretHash, Service, Table};
use names::{AccountId, ChannelId, GroupId, PackageId, RoleId, TokenId};
use proto::event::v1::{
    Access, AccessChanged, AccountCreated, AccountDisabled, AccountKind, Actor, ChannelCreated,
    ChannelDeleted, Envelope, Event, Everyone, GroupCreated, GroupDeleted, GroupMembersChanged, Indexing,
    IndexingChanged, Level, PackageCreated, PackageDeleted, PackageKind, Privacy, RoleAssigned, RoleCategory,
    RoleChanged, RoleCreated, RoleDeleted, RoleHolder, RoleLevel, RoleUnassigned, TokenGrant, TokenIssued,
    TokenKind, TokenReissued, TokenRevoked, TokenSecret, access::Access as Value, access_changed, event,
    role_holder,
};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

pub(crate) const NOON: OffsetDateTime = datetime!(2027-01-01 12:00 UTC);
pub(crate) const SERVICE: &str = "lkv-service";

pub(crate) struct World {
    pub(crate) table: Table,
    pub(crate) log: Vec<Envelope>,
}

pub(crate) fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap()
}

pub(crate) fn account(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(1_000_000 + n))
}

pub(crate) fn token(n: u128) -> TokenId {
    TokenId(Uuid::from_u128(2_000_000 + n))
}

pub(crate) fn channel(n: u128) -> ChannelId {
    ChannelId(Uuid::from_u128(3_000_000 + n))
}

pub(crate) fn secret(n: u128) -> Credential {
    Credential::Secret(SecretHash::of(&format!("secret {n}")))
}

pub(crate) fn services() -> std::collections::HashMap<SecretHash, Service> {
    [(SecretHash::of(SERVICE), Service::Gateway)].into()
}

pub(crate) fn issue(
    n: u128,
    owner: AccountId,
    kind: TokenKind,
    grants: &[(ChannelId, Level)],
) -> event::Event {
    let expires_at_us = micros(NOON) + 3_600_000_000;
    event::Event::TokenIssued(TokenIssued {
        token_id: token(n).to_bytes(),
        owner_id: owner.to_bytes(),
        kind: kind.into(),
        name: format!("token {n}"),
        expires_at_us,
        secrets: vec![TokenSecret {
            sha256: SecretHash::of(&format!("secret {n}")).0.to_vec(),
            ends_at_us: expires_at_us,
        }],
        grants: grants
            .iter()
            .map(|(id, level)| TokenGrant { channel_id: id.to_bytes(), level: (*level).into() })
            .collect(),
        ..TokenIssued::default()
    })
}

pub(crate) fn scoped(n: u128, owner: AccountId, scope: &str) -> event::Event {
    let event::Event::TokenIssued(issued) = issue(n, owner, TokenKind::Scoped, &[]) else {
        unreachable!("that is what it makes")
    };
    event::Event::TokenIssued(TokenIssued { scopes: vec![scope.into()], ..issued })
}

pub(crate) fn reissue(n: u128) -> event::Event {
    event::Event::TokenReissued(TokenReissued {
        token_id: token(n).to_bytes(),
        secret: Some(TokenSecret {
            sha256: SecretHash::of(&format!("new secret {n}")).0.to_vec(),
            ends_at_us: micros(NOON) + 3_600_000_000,
        }),
        older_end_at_us: micros(NOON),
        expires_at_us: micros(NOON) + 3_600_000_000,
        from_address: None,
    })
}

pub(crate) fn group_id(n: u128) -> GroupId {
    GroupId(Uuid::from_u128(4_000_000 + n))
}

pub(crate) fn package_id(n: u128) -> PackageId {
    PackageId(Uuid::from_u128(5_000_000 + n))
}

/// Who is given something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whom {
    Account(u128),
    Group(u128),
}

/// On what.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    Channel(u128),
    Package(u128),
}

impl On {
    fn object(self) -> access_changed::Object {
        match self {
            Self::Channel(n) => access_changed::Object::ChannelId(channel(n).to_bytes()),
            Self::Package(n) => access_changed::Object::PackageId(package_id(n).to_bytes()),
        }
    }
}

pub(crate) fn grant_to(on: On, to: Whom, level: Level) -> event::Event {
    let subject = match to {
        Whom::Account(n) => access_changed::Subject::AccountId(account(n).to_bytes()),
        Whom::Group(n) => access_changed::Subject::GroupId(group_id(n).to_bytes()),
    };
    event::Event::AccessChanged(AccessChanged {
        object: Some(on.object()),
        subject: Some(subject),
        before: None,
        after: Some(Access { access: Some(Value::Level(level.into())) }),
    })
}

pub(crate) fn group(n: u128, organisation: u128) -> event::Event {
    event::Event::GroupCreated(GroupCreated {
        group_id: group_id(n).to_bytes(),
        organisation_id: account(organisation).to_bytes(),
        name: format!("group-{n}"),
        description: String::new(),
        level: Level::Read.into(),
    })
}

pub(crate) fn member(n: u128, who: u128, into: bool) -> event::Event {
    let ids = vec![account(who).to_bytes()];
    let (added_ids, removed_ids) = if into { (ids, vec![]) } else { (vec![], ids) };
    event::Event::GroupMembersChanged(GroupMembersChanged {
        group_id: group_id(n).to_bytes(),
        added_ids,
        removed_ids,
    })
}

pub(crate) fn delete_group(n: u128) -> event::Event {
    event::Event::GroupDeleted(GroupDeleted { group_id: group_id(n).to_bytes() })
}

pub(crate) fn new_package(n: u128, on: u128, name: &str, private: bool) -> event::Event {
    event::Event::PackageCreated(PackageCreated {
        package_id: package_id(n).to_bytes(),
        channel_id: channel(on).to_bytes(),
        kind: PackageKind::Conda.into(),
        name: name.into(),
        private,
    })
}

pub(crate) fn hide(n: u128, private: bool) -> event::Event {
    open_to_everyone(On::Package(n), if private { Privacy::Private } else { Privacy::Public })
}

pub(crate) fn delete_package(n: u128) -> event::Event {
    event::Event::PackageDeleted(PackageDeleted { package_id: package_id(n).to_bytes() })
}

pub(crate) fn revoke(n: u128) -> event::Event {
    event::Event::TokenRevoked(TokenRevoked {
        token_id: token(n).to_bytes(),
        reason: String::new(),
        ..Default::default()
    })
}

pub(crate) fn disable(n: u128) -> event::Event {
    event::Event::AccountDisabled(AccountDisabled {
        account_id: account(n).to_bytes(),
        reason: String::new(),
    })
}

pub(crate) fn person(n: u128, admin: bool) -> event::Event {
    event::Event::AccountCreated(AccountCreated {
        account_id: account(n).to_bytes(),
        kind: AccountKind::Person.into(),
        admin,
        ..AccountCreated::default()
    })
}

pub(crate) fn organisation(n: u128, owners: &[AccountId]) -> event::Event {
    event::Event::AccountCreated(AccountCreated {
        account_id: account(n).to_bytes(),
        kind: AccountKind::Organisation.into(),
        owner_ids: owners.iter().map(|owner| owner.to_bytes()).collect(),
        ..AccountCreated::default()
    })
}

pub(crate) fn create(n: u128, name: &str, owner: AccountId, privacy: Privacy) -> event::Event {
    event::Event::ChannelCreated(ChannelCreated {
        channel_id: channel(n).to_bytes(),
        name: name.into(),
        owner_id: owner.to_bytes(),
        privacy: privacy.into(),
        description: String::new(),
        ..Default::default()
    })
}

pub(crate) fn index(n: u128, after: Indexing) -> event::Event {
    event::Event::IndexingChanged(IndexingChanged {
        channel_id: channel(n).to_bytes(),
        before: Indexing::Default.into(),
        after: after.into(),
    })
}

pub(crate) fn delete(n: u128) -> event::Event {
    event::Event::ChannelDeleted(ChannelDeleted { channel_id: channel(n).to_bytes() })
}

pub(crate) fn set_privacy(n: u128, privacy: Privacy) -> event::Event {
    open_to_everyone(On::Channel(n), privacy)
}

fn open_to_everyone(on: On, privacy: Privacy) -> event::Event {
    event::Event::AccessChanged(AccessChanged {
        object: Some(on.object()),
        subject: Some(access_changed::Subject::Everyone(Everyone {})),
        before: None,
        after: Some(Access { access: Some(Value::Privacy(privacy.into())) }),
    })
}

pub(crate) fn below(n: u128, parent: u128, name: &str, owner: AccountId, privacy: Privacy) -> event::Event {
    let event::Event::ChannelCreated(created) = create(n, name, owner, privacy) else {
        unreachable!("that is what it makes")
    };
    event::Event::ChannelCreated(ChannelCreated { parent_id: channel(parent).to_bytes(), ..created })
}

impl World {
    pub(crate) fn new(events: impl IntoIterator<Item = event::Event>) -> Self {
        let mut world = Self { table: Table::new(services()), log: Vec::new() };
        for event in events {
            world.push(event);
        }
        world
    }

    pub(crate) fn push(&mut self, event: event::Event) -> access::Outcome {
        self.push_by(event, Actor { system: "test".into(), ..Actor::default() })
    }

    pub(crate) fn push_by(&mut self, event: event::Event, actor: Actor) -> access::Outcome {
        let envelope = Envelope {
            time_us: micros(NOON),
            actor: Some(actor),
            events: vec![Event { event: Some(event) }],
            ..Envelope::default()
        };
        let outcome = self.table.apply(self.table.seq() + 1, &envelope).unwrap();
        self.log.push(envelope);
        outcome
    }

    pub(crate) fn caller(&self, n: u128) -> Caller {
        self.table.caller(NOON, &secret(n))
    }
}

pub(crate) fn role_id(n: u128) -> RoleId {
    RoleId(Uuid::from_u128(6_000_000 + n))
}

pub(crate) fn role_levels(levels: &[(RoleCategory, Level)]) -> Vec<RoleLevel> {
    let level = |(category, level): &(RoleCategory, Level)| RoleLevel {
        category: (*category).into(),
        level: (*level).into(),
    };
    levels.iter().map(level).collect()
}

pub(crate) fn role(n: u128, levels: &[(RoleCategory, Level)]) -> event::Event {
    event::Event::RoleCreated(RoleCreated {
        role_id: role_id(n).to_bytes(),
        name: format!("role{n}"),
        description: String::new(),
        levels: role_levels(levels),
    })
}

pub(crate) fn change_role(n: u128, after: &[(RoleCategory, Level)]) -> event::Event {
    event::Event::RoleChanged(RoleChanged {
        role_id: role_id(n).to_bytes(),
        name: format!("role{n}"),
        after: role_levels(after),
        ..RoleChanged::default()
    })
}

pub(crate) fn assign(id: RoleId, to: Whom, held: bool) -> event::Event {
    let holder = match to {
        Whom::Account(n) => role_holder::Holder::AccountId(account(n).to_bytes()),
        Whom::Group(n) => role_holder::Holder::GroupId(group_id(n).to_bytes()),
    };
    let (role_id, holder) = (id.to_bytes(), Some(RoleHolder { holder: Some(holder) }));
    match held {
        true => event::Event::RoleAssigned(RoleAssigned { role_id, holder }),
        false => event::Event::RoleUnassigned(RoleUnassigned { role_id, holder }),
    }
}

pub(crate) fn delete_role(n: u128) -> event::Event {
    event::Event::RoleDeleted(RoleDeleted { role_id: role_id(n).to_bytes() })
}
