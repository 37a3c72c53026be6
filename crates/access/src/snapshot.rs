//! The table as rows and back, so that a follower need not replay the whole log.

use std::collections::HashMap;

use proto::event::v1::{
    ChannelCreated, Level as StoredLevel, PackageCreated, PackageKind as StoredKind,
    Privacy as StoredPrivacy, TokenGrant, TokenIssued, TokenKind as StoredTokenKind, TokenSecret,
};
use proto::feed::v1::{
    AccountEntry, AccountLevel, ChannelEntry, PackageEntry, SnapshotEntry, TokenEntry, snapshot_entry::Entry,
};

use names::{AccountId, ChannelId, Level, PackageKind, Privacy};

use crate::fold::level;
use crate::table::{Account, Channel, Package, Table, Token, TokenKind};
use crate::{FoldError, SecretHash, Service};

impl Table {
    /// Every row, accounts and channels before what refers to them. Services are not in it: they are configuration.
    pub fn entries(&self) -> impl Iterator<Item = SnapshotEntry> + '_ {
        let accounts = self.accounts.values().map(|account| Entry::Account(account_entry(account)));
        let tokens = self.tokens.iter().map(|token| Entry::Token(token_entry(token)));
        let channels = self.channels.values().map(|channel| Entry::Channel(channel_entry(channel)));
        let packages = self.packages.iter().flat_map(|(channel, packages)| {
            packages.iter().map(move |((kind, name), package)| {
                Entry::Package(package_entry(*channel, *kind, name, package))
            })
        });
        let voids = self.voids.iter().map(|seq| Entry::VoidSeq(*seq));
        accounts
            .chain(channels)
            .chain(tokens)
            .chain(packages)
            .chain(voids)
            .map(|entry| SnapshotEntry { entry: Some(entry) })
    }

    /// The table that [`Table::entries`] was taken from at `seq`.
    pub fn restore(
        services: HashMap<SecretHash, Service>,
        seq: u64,
        entries: impl IntoIterator<Item = SnapshotEntry>,
    ) -> Result<Self, FoldError> {
        let mut table = Self::new(services);
        for entry in entries {
            table.restore_entry(entry).map_err(|reason| FoldError::at(seq, format!("snapshot: {reason}")))?;
        }
        table.seq = seq;
        Ok(table)
    }

    fn restore_entry(&mut self, entry: SnapshotEntry) -> Result<(), String> {
        match entry.entry.ok_or("a row of a kind unknown to this version")? {
            Entry::Account(entry) => self.restore_account(entry),
            Entry::Token(entry) => {
                let issued = entry.issued.ok_or("a token without its facts")?;
                self.fold_token(&issued, entry.revoked_at_us)
            }
            Entry::Channel(entry) => self.restore_channel(&entry),
            Entry::Package(entry) => self.fold_package(&entry.package.ok_or("a package without its facts")?),
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
        for label in &entry.locked_labels {
            self.channels.entry(id).and_modify(|channel| channel.lock(label, true));
        }
        for grant in &entry.grants {
            let account = AccountId::from_bytes(&grant.account_id).map_err(|reason| reason.to_string())?;
            let level = level(grant.level)?;
            self.channels.entry(id).and_modify(|channel| channel.grant(account, Some(level)));
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
        name: channel.name.to_string(),
        owner_id: channel.owner.to_bytes(),
        privacy: match channel.privacy {
            Privacy::Public => StoredPrivacy::Public,
            Privacy::Authenticated => StoredPrivacy::Authenticated,
            Privacy::Private => StoredPrivacy::Private,
        }
        .into(),
        description: channel.description.to_string(),
    };
    let grant = |(account, level): &(AccountId, Level)| AccountLevel {
        account_id: account.to_bytes(),
        level: stored_level(*level),
    };
    ChannelEntry {
        channel: Some(created),
        grants: channel.grants.iter().map(grant).collect(),
        locked_labels: channel.locked_labels.iter().map(ToString::to_string).collect(),
    }
}

fn stored_level(level: Level) -> i32 {
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
        }
        .into(),
        name: name.to_owned(),
        private: package.private,
    };
    PackageEntry { package: Some(created) }
}
