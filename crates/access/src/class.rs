//! Access classes: packages of a channel that the same callers see. What a caller sees of a channel is a set of classes,
//! and few distinct sets exist, so what is cut for one of them serves many callers.
//!
//! A class is named by what decides who sees its packages. So a package whose visibility changes is in another class at
//! once, and [`View::cut_at`] says from which moment on: what was cut earlier is of no use. A package that the table does
//! not know is in no class.

mod sight;

use std::collections::HashMap;
use std::sync::Arc;

use names::{ChannelId, Level, PackageId, PackageKind};
use ring::digest::{Context, SHA256};

use crate::shelf::Shelf;
use crate::table::Table;
use crate::{Action, Caller, Package, Subject};
pub(crate) use sight::Sights;

/// What makes packages of one channel look alike to everyone: whether they are private, and what was given on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId([u8; 16]);

impl ClassId {
    fn of(package: &Package) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(&[u8::from(package.private)]);
        for (subject, level) in package.grants.iter() {
            let (tag, id) = match subject {
                Subject::Account(id) => (0, id.0),
                Subject::Group(id) => (1, id.0),
            };
            let level = match level {
                Level::Read => 1,
                Level::Write => 2,
                Level::Manage => 3,
            };
            digest.update(&[tag, level]);
            digest.update(id.as_bytes());
        }
        let digest = digest.finish();
        Self(*digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes"))
    }
}

/// What somebody sees of a channel. Equal for all who see the same of the same channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Every package.
    All,
    /// The packages that are not private on their own.
    Open,
    /// The packages of these classes, which are in order.
    Classes {
        /// And those that are not private on their own.
        open: bool,
        /// Never empty.
        classes: Arc<[ClassId]>,
    },
    /// No package.
    Nothing,
}

impl Sight {
    fn shows(&self, package: &Package) -> bool {
        match self {
            Self::All => true,
            Self::Open => !package.private,
            Self::Classes { open: true, .. } if !package.private => true,
            Self::Classes { classes, .. } => {
                package.is_special() && classes.binary_search(&ClassId::of(package)).is_ok()
            }
            Self::Nothing => false,
        }
    }
}

/// What one caller sees of one channel, as of one moment of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    channel: ChannelId,
    sight: Sight,
    cut_at: u64,
}

impl View {
    /// The channel.
    pub fn channel(&self) -> ChannelId {
        self.channel
    }

    /// What is seen of it: what is kept for viewers is kept by this.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// The AUTHZ sequence at which the channel's packages last came, went, or changed class.
    pub fn cut_at(&self) -> u64 {
        self.cut_at
    }
}

/// Answers for packages one by one what a view holds, as the table is now.
pub struct Shown<'a> {
    shelf: Option<&'a Shelf>,
    sight: &'a Sight,
}

impl Shown<'_> {
    /// Whether this package is in the view. One that was deleted and made again under its name is another.
    pub fn has(&self, kind: PackageKind, name: &str, id: PackageId) -> bool {
        let package = self.shelf.and_then(|shelf| shelf.get(kind, name)).filter(|package| package.id == id);
        package.is_some_and(|package| self.sight.shows(package))
    }

    /// [`View::cut_at`] of the table that answers.
    pub fn cut_at(&self) -> u64 {
        self.shelf.map_or(0, |shelf| shelf.classes().cut_at)
    }
}

/// The packages of a view by their ids: these, or all but these, whichever are the fewer to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These.
    Only(Vec<PackageId>),
    /// All that are known at this AUTHZ sequence, but these.
    Except(Vec<PackageId>, u64),
}

/// The classes of one channel, but for the one of all packages that are seen like their channel.
#[derive(Default)]
pub(crate) struct Classes {
    /// Each with one of its packages and how many there are.
    of: HashMap<ClassId, (Package, u32)>,
    cut_at: u64,
}

impl Classes {
    /// One package takes the place of another at this sequence.
    pub(crate) fn changed(&mut self, before: Option<&Package>, after: Option<&Package>, at: u64) {
        self.cut_at = at;
        if let Some(after) = after.filter(|package| package.is_special()) {
            self.of.entry(ClassId::of(after)).or_insert_with(|| (after.clone(), 0)).1 += 1;
        }
        if let Some(before) = before.filter(|package| package.is_special()) {
            let id = ClassId::of(before);
            if let Some((_, count)) = self.of.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    self.of.remove(&id);
                }
            }
        }
    }
}

impl Table {
    /// What the caller sees of a channel when it does this. Nothing of a channel that is not there.
    pub fn view(&self, caller: &Caller, action: Action, id: ChannelId) -> View {
        let sight = self.channel(id).map_or(Sight::Nothing, |channel| self.sight(caller, action, channel));
        let cut_at = self.shelf(id).map_or(0, |shelf| shelf.classes().cut_at);
        View { channel: id, sight, cut_at }
    }

    /// What a view holds of the table as it is now, which may be newer than the view.
    pub fn shown<'a>(&'a self, view: &'a View) -> Shown<'a> {
        Shown { shelf: self.shelf(view.channel), sight: &view.sight }
    }

    /// The packages of a view, as the table is now.
    pub fn selection(&self, view: &View) -> Selection {
        let special = self.special_packages(view.channel);
        let those = |shown: bool| {
            let those = special.filter(|(_, _, package)| view.sight.shows(package) == shown);
            those.map(|(_, _, package)| package.id).collect()
        };
        match view.sight {
            Sight::All | Sight::Open | Sight::Classes { open: true, .. } => {
                Selection::Except(those(false), self.seq())
            }
            Sight::Classes { open: false, .. } => Selection::Only(those(true)),
            Sight::Nothing => Selection::Only(Vec::new()),
        }
    }
}
