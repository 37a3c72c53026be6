//! Packages: made before their first file, hidden and shown, given to accounts and groups one by one, deleted.

use access::{Action, Caller, Object, Table};
use eventlog::subject;
use names::{ChannelId, Level, PackageId, PackageKind};
use proto::feed::v1::Receipt;
use runtime::{Code, Failure};

use super::{Asker, Catalog, Given, Grantee, failures};
use crate::domain::artifacts::{self, Artifacts};
use crate::domain::package::{self, Command, Event, Package};

/// Files removed in one decision: an envelope holds some 2,000.
const REMOVED_AT_ONCE: usize = 1_000;

/// Which package is meant.
#[derive(Debug, Clone)]
pub struct PackageRef {
    pub channel: String,
    pub kind: PackageKind,
    /// As its kind normalises it.
    pub name: String,
}

/// A package as a caller sees it.
#[derive(Debug, Clone)]
pub struct PackageView {
    pub id: PackageId,
    pub which: PackageRef,
    pub private: bool,
    pub level: Option<Level>,
    /// Who was given which level on it alone; for those who may manage it.
    pub grants: Vec<Given>,
}

/// What came of a change.
#[derive(Debug, Clone)]
pub struct PackageChange {
    pub package: PackageView,
    pub authz_seq: u64,
    pub receipt: Receipt,
    /// False where it was there already.
    pub created: bool,
}

impl Catalog {
    /// Makes a package, as private as is said or else as the server's setting is. One that is there stays as it is.
    pub async fn create_package(
        &self,
        asker: &Asker,
        which: &PackageRef,
        private: Option<bool>,
    ) -> Result<PackageChange, Failure> {
        let (caller, channel) = self.check_package(asker, Action::PackageCreate, which)?;
        let id = PackageId(self.parts.ambient.ids.uuid());
        let private = private.unwrap_or(self.parts.packages_private);
        let (kind, name) = (which.kind, which.name.clone());
        let command = Command::Ensure { id, channel, kind, name, private };
        self.change_package(asker, Action::PackageCreate, (&caller, channel), which, command).await
    }

    /// Makes a package private on its own, or as open as its channel. Made private, it returns like a revocation.
    pub async fn set_package(
        &self,
        asker: &Asker,
        which: &PackageRef,
        private: bool,
    ) -> Result<PackageChange, Failure> {
        let (caller, channel) = self.check_package(asker, Action::PackageEdit, which)?;
        let command = Command::Set { private };
        self.change_package(asker, Action::PackageEdit, (&caller, channel), which, command).await
    }

    /// Gives an account or a group a level on one package, or takes it away. Where less is left, it returns like a
    /// revocation.
    pub async fn grant_package(
        &self,
        asker: &Asker,
        which: &PackageRef,
        grantee: Grantee,
        level: Option<Level>,
    ) -> Result<PackageChange, Failure> {
        let (caller, channel) = self.check_package(asker, Action::PackageGrantEdit, which)?;
        let subject = self.subject_of(&caller, channel, &grantee, level.is_some()).await?;
        let command = Command::Grant { subject, level };
        self.change_package(asker, Action::PackageGrantEdit, (&caller, channel), which, command).await
    }

    /// Removes a package's files and then the package itself; returns like a revocation.
    pub async fn delete_package(&self, asker: &Asker, which: &PackageRef) -> Result<PackageChange, Failure> {
        let (caller, channel) = self.check_package(asker, Action::PackageDelete, which)?;
        let place = (&caller, channel);
        self.remove_files(asker, place, which).await?;
        let done = self.change_package(asker, Action::PackageDelete, place, which, Command::Delete).await?;
        // Whoever uploaded between the two decided before the package was gone.
        self.known(done.authz_seq).await?;
        self.remove_files(asker, place, which).await?;
        Ok(done)
    }

    async fn remove_files(
        &self,
        asker: &Asker,
        (caller, channel): (&Caller, ChannelId),
        which: &PackageRef,
    ) -> Result<(), Failure> {
        let subject = subject::artifacts(channel, which.kind, &which.name);
        loop {
            let decide = |state: Option<&Artifacts>| {
                Ok::<_, Failure>(artifacts::remove_all(state, REMOVED_AT_ONCE, &self.locked(channel))?)
            };
            let done = self.artifacts.execute(&subject, &self.meta(caller), decide).await;
            let done = done.map_err(failures::of_decision)?;
            if done.appended {
                self.content_receipt(done.seq, asker).await;
            }
            if !done.state.is_some_and(|state| state.has_files()) {
                return Ok(());
            }
        }
    }

    async fn change_package(
        &self,
        asker: &Asker,
        action: Action,
        (caller, channel): (&Caller, ChannelId),
        which: &PackageRef,
        command: Command,
    ) -> Result<PackageChange, Failure> {
        let mut restricts = false;
        let decide = |package: Option<&Package>| {
            let object = Object::Package { channel, kind: which.kind, name: &which.name };
            self.check(&asker.credential, action, &object)?;
            let events = package::decide(package, command.clone())?;
            // A repeat finds its effect present, and its first try may never have got its receipt.
            restricts = events.is_empty() && command.may_restrict() || events.iter().any(Event::restricts);
            Ok::<_, Failure>(events)
        };
        let subject = subject::package(channel, which.kind, &which.name);
        let done = self.packages.execute(&subject, &self.meta(caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let state = done.state.ok_or_else(|| Failure::from(package::Refusal::Gone))?;
        let receipt = self.sight_receipt(done.seq, restricts, asker).await;
        let package = self.seen_package(&state, which, caller, channel);
        Ok(PackageChange { package, authz_seq: done.seq, receipt, created: done.appended })
    }

    fn seen_package(
        &self,
        package: &Package,
        which: &PackageRef,
        caller: &Caller,
        channel: ChannelId,
    ) -> PackageView {
        self.parts.access.read(|table: &Table| {
            let level = table.package_level(caller, channel, which.kind, &which.name);
            let all = package.grants.iter().filter(|_| level == Some(Level::Manage));
            PackageView {
                id: package.id,
                which: which.clone(),
                private: package.private,
                level,
                grants: all.map(|(subject, level)| Given::of(table, (*subject, *level))).collect(),
            }
        })
    }

    fn check_package(
        &self,
        asker: &Asker,
        action: Action,
        which: &PackageRef,
    ) -> Result<(Caller, ChannelId), Failure> {
        let PackageRef { channel, kind, name } = which;
        let object = Object::PackageNamed { channel, kind: *kind, name };
        let caller = self.check(&asker.credential, action, &object)?;
        let id = self.parts.access.read(|table| table.channel_named(channel).map(|channel| channel.id));
        // It was there a moment ago, and this caller may know so.
        let id = id.ok_or_else(|| Failure::new(Code::NotFound, format!("the channel {channel} is gone")))?;
        Ok((caller, id))
    }
}
