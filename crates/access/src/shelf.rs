//! The packages of one channel: found by kind and name without allocating, counted by who holds something on them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use names::{AccountId, GroupId, Level, PackageId, PackageKind};

use crate::Subject;
use crate::class::Classes;
use crate::table::RandomMap;

/// A package: it exists from before its first file on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its id; made again under the same name it has another.
    pub id: PackageId,
    /// Private on its own: who may only read what is open in its channel does not see it.
    pub private: bool,
    /// What was given on this package alone, sorted by subject.
    pub grants: Arc<[(Subject, Level)]>,
}

impl Package {
    /// One on which nothing was given to anybody.
    pub(crate) fn plain(private: bool) -> Self {
        Self { id: PackageId(uuid::Uuid::nil()), private, grants: Arc::default() }
    }

    /// Whether it is seen by others than its channel is.
    pub(crate) fn is_special(&self) -> bool {
        self.private || !self.grants.is_empty()
    }
}

/// How many packages of a channel one subject holds something on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Held {
    read: u32,
    write: u32,
    manage: u32,
    /// Of all of these, the private ones.
    private: u32,
}

impl Held {
    fn of(&mut self, level: Level) -> &mut u32 {
        match level {
            Level::Read => &mut self.read,
            Level::Write => &mut self.write,
            Level::Manage => &mut self.manage,
        }
    }

    fn most(&self) -> Option<Level> {
        match (self.manage, self.write, self.read) {
            (1.., _, _) => Some(Level::Manage),
            (_, 1.., _) => Some(Level::Write),
            (_, _, 1..) => Some(Level::Read),
            (0, 0, 0) => None,
        }
    }
}

/// A package's place: its kind, and its name as that kind normalises it.
pub(crate) type Place = (PackageKind, Arc<str>);

/// The packages of one channel.
#[derive(Default)]
pub(crate) struct Shelf {
    kinds: Vec<(PackageKind, HashMap<Arc<str>, Package>)>,
    special: BTreeSet<Place>,
    private: u32,
    holders: RandomMap<Subject, Held>,
    classes: Classes,
}

impl Shelf {
    pub(crate) fn get(&self, kind: PackageKind, name: &str) -> Option<&Package> {
        self.kinds.iter().find(|(it, _)| *it == kind)?.1.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PackageKind, &Arc<str>, &Package)> {
        self.kinds
            .iter()
            .flat_map(|(kind, packages)| packages.iter().map(move |(name, package)| (*kind, name, package)))
    }

    /// Those that are seen by others than the channel is, by kind and name.
    pub(crate) fn special(&self) -> impl Iterator<Item = (PackageKind, &str, &Package)> {
        self.special.iter().filter_map(|(kind, name)| Some((*kind, &**name, self.get(*kind, name)?)))
    }

    /// How many are private on their own.
    pub(crate) fn private(&self) -> u32 {
        self.private
    }

    /// The most that an account holds on any single package.
    pub(crate) fn most(&self, account: AccountId, groups: &[GroupId]) -> Option<Level> {
        self.held(account, groups).filter_map(Held::most).max()
    }

    /// Whether an account was given something on a private package.
    pub(crate) fn holds_private(&self, account: AccountId, groups: &[GroupId]) -> bool {
        self.held(account, groups).any(|held| held.private > 0)
    }

    fn held<'a>(&'a self, account: AccountId, groups: &'a [GroupId]) -> impl Iterator<Item = &'a Held> {
        let subjects = groups.iter().map(|group| Subject::Group(*group));
        let subjects = std::iter::once(Subject::Account(account)).chain(subjects);
        subjects.filter(|_| !self.holders.is_empty()).filter_map(|subject| self.holders.get(&subject))
    }

    /// Whether something was given to somebody on a single package.
    pub(crate) fn gives(&self) -> bool {
        !self.holders.is_empty()
    }

    pub(crate) fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Puts a package in its place at this sequence, or with none takes it away; gives what stood there.
    pub(crate) fn put(&mut self, (kind, name): Place, package: Option<Package>, at: u64) -> Option<Package> {
        let place = match self.kinds.iter().position(|(it, _)| *it == kind) {
            Some(place) => place,
            None => {
                self.kinds.push((kind, HashMap::new()));
                self.kinds.len() - 1
            }
        };
        let special = package.as_ref().is_some_and(Package::is_special);
        if let Some(package) = &package {
            self.count(package, |count| *count += 1);
        }
        let packages = &mut self.kinds[place].1;
        self.classes.changed(packages.get(&*name), package.as_ref(), at);
        let before = match package {
            Some(package) => packages.insert(name.clone(), package),
            None => packages.remove(&*name),
        };
        if let Some(before) = &before {
            self.count(before, |count| *count -= 1);
            self.holders.retain(|_, held| *held != Held::default());
        }
        match special {
            true => self.special.insert((kind, name)),
            false => self.special.remove(&(kind, name)),
        };
        before
    }

    fn count(&mut self, package: &Package, change: impl Fn(&mut u32)) {
        if package.private {
            change(&mut self.private);
        }
        for (subject, level) in package.grants.iter() {
            let held = self.holders.entry(*subject).or_default();
            change(held.of(*level));
            if package.private {
                change(&mut held.private);
            }
        }
    }
}
