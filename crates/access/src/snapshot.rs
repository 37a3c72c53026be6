//! The table as rows and back, so that a follower need not replay the whole log.

use std::collections::HashMap;

use proto::event::v1::{
    ChannelCreated, GroupCreated, Level as StoredLevel, PackageCreated, PackageKind as StoredKind,
    Privacy as StoredPrivacy, RoleCreated, RoleHolder, TokenGrant, TokenIssued, TokenKind as StoredTokenKind,
    TokenSecret, role_holder as stored_holder,
};
use proto::feed::v1::{
    AccountEntry, AccountLevel, ChannelEntry, GroupEntry, PackageEntry, RoleEntry, SnapshotEntry, TokenEntry,
    snapshot_entry::Entry,
};

use names::{AccountId, ChannelId, GroupId, Level, PackageId, PackageKind, Privacy};

use crate::fold::{channel_or_none, level, levels_to_stored, role_holder, token};
use crate::table::{Account, Channel, Table, Token, TokenKind};
use crate::{FoldError, Group, Package, Role, SecretHash, Service, Subject, given};

/// A row that has been read as far as it can be without the others, which is most of the work for most of them: rows are
/// read beside each other.
#[derive(Debug)]
pub struct Row(Result<Read, String>);

#[derive(Debug)]
enum Read {
    Token(Token),
    Other(Entry),
}

impl From<SnapshotEntry> for Row {
    fn from(entry: SnapshotEntry) -> Self {
        Self(match entry.entry {
            None => Err("a row of a kind unknown to this version".into()),
            Some(Entry::Token(entry)) => read_token(entry).map(Read::Token),
            Some(
                other @ (Entry::Account(_)
                | Entry::Channel(_)
                | Entry::Package(_)
                | Entry::Group(_)
                | Entry::Role(_)
                | Entry::VoidSeq(_)),
            ) => Ok(Read::Other(other)),
        })
    }
}

fn read_token(entry: TokenEntry) -> Result<Token, String> {
    token(&entry.issued.ok_or("a token without its facts")?, entry.revoked_at_us)
}

impl Table {
    /// Every row, each after those that it refers to. Services are not in it: they are configuration.
    pub fn entries(&self) -> impl Iterator<Item = SnapshotEntry> + '_ {
        let accounts = self.accounts.values().map(|account| Entry::Account(account_entry(account)));
        let groups = self.groups.values().map(|group| Entry::Group(group_entry(group)));
        let roles = self.roles.values().map(|role| Entry::Role(role_entry(role)));
        let tokens = self.tokens.iter().map(|token| Entry::Token(token_entry(token)));
        let (above, below): (Vec<_>, Vec<_>) =
            self.channels.values().partition(|channel| channel.parent.is_none());
        let channels = above.into_iter().chain(below);
        let channels = channels.map(|channel| Entry::Channel(channel_entry(channel)));
        let packages = self.shelves.iter().flat_map(|(channel, shelf)| {
            shelf.iter().map(move |(kind, name, package)| {
                Entry::Package(package_entry(*channel, kind, name, package))
            })
        });
        let voids = self.voids.iter().map(|seq| Entry::VoidSeq(*seq));
        accounts
            .chain(groups)
            .chain(roles)
            .chain(channels)
            .chain(tokens)
            .chain(packages)
            .chain(voids)
            .map(|entry| SnapshotEntry { entry: Some(entry) })
    }

    /// The table that [`Table::entries`] was taken from at `seq`. Room is made for as many tokens as are `expected`.
    pub fn restore(
        services: HashMap<SecretHash, Service>,
        seq: u64,
        expected: usize,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<Self, FoldError> {
        let mut table = Self { at: seq, ..Self::new(services) };
        table.tokens.reserve_exact(expected);
        table.token_places.reserve(expected);
        table.secrets.reserve(expected);
        for Row(row) in rows {
            let restored = row.and_then(|row| match row {
                Read::Token(token) => {
                    table.put_token(token);
                    Ok(())
                }
                Read::Other(entry) => table.restore_entry(entry),
            });
            restored.map_err(|reason| FoldError::at(seq, format!("snapshot: {reason}")))?;
        }
        table.seq = seq;
        Ok(table)
    }

    fn restore_entry(&mut self, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Account(entry) => self.restore_account(entry),
            Entry::Token(entry) => {
                self.put_token(read_token(entry)?);
                Ok(())
            }
            Entry::Channel(entry) => self.restore_channel(&entry),
            Entry::Package(entry) => self.restore_package(&entry),
            Entry::Group(entry) => {
                let created = entry.group.ok_or("a group without its facts")?;
                self.fold_group(&created, &entry.member_ids)
            }
            Entry::Role(entry) => {
                let created = entry.role.ok_or("a role without its facts")?;
                let holders = entry.holders.iter().map(|holder| role_holder(Some(holder)));
                self.fold_role(&created, holders.collect::<Result<_, _>>()?)
            }
            Entry::VoidSeq(seq) => {
                self.voids.insert(seq);
                Ok(())
            }
        }
    }

    fn restore_channel(&mut self, entry: &ChannelEntry) -> Result<(), String> {
        let created = entry.channel.as_ref().ok_or("a channel without its facts")?;
        self.fold_channel(created)?;
        let id = ChannelId::from_bytes(&created.channel_id).map_err(|reason| reason.to_string())?;
        self.channels.entry(id).and_modify(|channel| channel.frozen = entry.frozen);
        for label in &entry.locked_labels {
            self.channels.entry(id).and_modify(|channel| channel.lock(label, true));
        }
        for grant in &entry.grants {
            let (subject, level) = grant_of(grant)?;
            self.channels
                .entry(id)
                .and_modify(|channel| given::set(&mut channel.grants, subject, Some(level)));
        }
        Ok(())
    }

    fn restore_package(&mut self, entry: &PackageEntry) -> Result<(), String> {
        let created = entry.package.as_ref().ok_or("a package without its facts")?;
        self.fold_package(created)?;
        let id = PackageId::from_bytes(&created.package_id).map_err(|reason| reason.to_string())?;
        let mut grants = entry.grants.iter().map(grant_of).collect::<Result<Vec<_>, _>>()?;
        grants.sort_unstable();
        if !grants.is_empty() {
            self.change_package(id, |package| package.grants = grants.into());
        }
        Ok(())
    }

    fn restore_account(&mut self, entry: AccountEntry) -> Result<(), String> {
        let id = AccountId::from_bytes(&entry.account_id).map_err(|reason| reason.to_string())?;
        let owners = entry.owner_ids.iter().map(|id| AccountId::from_bytes(id)).collect::<Result<_, _>>();
        let account = Account {
            id,
            kind: entry.kind(),
            admin: entry.admin,
            disabled: entry.disabled,
            owners: owners.map_err(|reason| reason.to_string())?,
            default_channel: channel_or_none(&entry.default_channel_id)?,
        };
        self.accounts.insert(id, account);
        Ok(())
    }
}

fn account_entry(account: &Account) -> AccountEntry {
    AccountEntry {
        account_id: account.id.to_bytes(),
        kind: account.kind.into(),
        admin: account.admin,
        disabled: account.disabled,
        owner_ids: account.owners.iter().map(|id| id.to_bytes()).collect(),
        default_channel_id: account.default_channel.map(ChannelId::to_bytes).unwrap_or_default(),
    }
}

fn token_entry(token: &Token) -> TokenEntry {
    let secret = |(hash, ends_at_us): &(SecretHash, i64)| TokenSecret {
        sha256: hash.0.to_vec(),
        ends_at_us: *ends_at_us,
    };
    let grant = |(channel, level): &(ChannelId, Level)| TokenGrant {
        channel_id: channel.to_bytes(),
        level: stored_level(*level),
    };
    let issued = TokenIssued {
        token_id: token.id.to_bytes(),
        owner_id: token.owner.to_bytes(),
        kind: match token.kind {
            TokenKind::Session => StoredTokenKind::Session,
            TokenKind::Resource => StoredTokenKind::Resource,
            TokenKind::Scoped => StoredTokenKind::Scoped,
        }
        .into(),
        name: token.name.to_string(),
        description: String::new(),
        expires_at_us: token.expires_at_us,
        secrets: token.secrets.iter().map(secret).collect(),
        grants: token.grants.iter().map(grant).collect(),
        maker_token_id: token.maker.map(|maker| maker.to_bytes()).unwrap_or_default(),
        scopes: token.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        from_address: None,
    };
    TokenEntry { issued: Some(issued), revoked_at_us: token.revoked_at_us }
}

fn channel_entry(channel: &Channel) -> ChannelEntry {
    let created = ChannelCreated {
        channel_id: channel.id.to_bytes(),
        // A subchannel's own name is the last part.
        name: channel.name.rsplit('/').next().unwrap_or_default().to_owned(),
        parent_id: channel.parent.map(ChannelId::to_bytes).unwrap_or_default(),
        owner_id: channel.owner.to_bytes(),
        privacy: match channel.privacy {
            Privacy::Public => StoredPrivacy::Public,
            Privacy::Authenticated => StoredPrivacy::Authenticated,
            Privacy::Private => StoredPrivacy::Private,
        }
        .into(),
        description: channel.description.to_string(),
    };
    ChannelEntry {
        channel: Some(created),
        grants: channel.grants.iter().map(grant_entry).collect(),
        locked_labels: channel.locked_labels.iter().map(ToString::to_string).collect(),
        frozen: channel.frozen,
    }
}

fn grant_entry((subject, level): &(Subject, Level)) -> AccountLevel {
    let level = stored_level(*level);
    match subject {
        Subject::Account(id) => AccountLevel { account_id: id.to_bytes(), level, group_id: Vec::new() },
        Subject::Group(id) => AccountLevel { account_id: Vec::new(), level, group_id: id.to_bytes() },
    }
}

fn grant_of(entry: &AccountLevel) -> Result<(Subject, Level), String> {
    let subject = match entry.group_id.as_slice() {
        [] => AccountId::from_bytes(&entry.account_id).map(Subject::Account),
        id => GroupId::from_bytes(id).map(Subject::Group),
    };
    Ok((subject.map_err(|reason| reason.to_string())?, level(entry.level)?))
}

fn group_entry(group: &Group) -> GroupEntry {
    let created = GroupCreated {
        group_id: group.id.to_bytes(),
        organisation_id: group.organisation.to_bytes(),
        name: group.name.to_string(),
        description: group.description.to_string(),
        level: stored_level(group.level),
    };
    GroupEntry {
        group: Some(created),
        member_ids: group.members.iter().map(|member| member.to_bytes()).collect(),
    }
}

fn role_entry(role: &Role) -> RoleEntry {
    let created = RoleCreated {
        role_id: role.id.to_bytes(),
        name: role.name.to_string(),
        description: role.description.to_string(),
        levels: levels_to_stored(&role.levels),
    };
    let holder = |holder: &Subject| RoleHolder {
        holder: Some(match holder {
            Subject::Account(id) => stored_holder::Holder::AccountId(id.to_bytes()),
            Subject::Group(id) => stored_holder::Holder::GroupId(id.to_bytes()),
        }),
    };
    RoleEntry { role: Some(created), holders: role.holders.iter().map(holder).collect() }
}

pub(crate) fn stored_level(level: Level) -> i32 {
    match level {
        Level::Read => StoredLevel::Read,
        Level::Write => StoredLevel::Write,
        Level::Manage => StoredLevel::Manage,
    }
    .into()
}

fn package_entry(channel: ChannelId, kind: PackageKind, name: &str, package: &Package) -> PackageEntry {
    let created = PackageCreated {
        package_id: package.id.to_bytes(),
        channel_id: channel.to_bytes(),
        kind: match kind {
            PackageKind::Conda => StoredKind::Conda,
            PackageKind::Pypi => StoredKind::Pypi,
            PackageKind::Notebook => StoredKind::Notebook,
            PackageKind::Environment => StoredKind::Environment,
            PackageKind::File => StoredKind::File,
        }
        .into(),
        name: name.to_owned(),
        private: package.private,
    };
    PackageEntry { package: Some(created), grants: package.grants.iter().map(grant_entry).collect() }
}
