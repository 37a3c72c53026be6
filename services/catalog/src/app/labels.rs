//! Labels: what a file is found under. A locked one refuses every change, whoever asks; locks are facts of AUTHZ, so
//! that every replica knows of one as soon as whoever locked it is answered.

use std::collections::BTreeSet;

use access::{Action, Object};
use eventlog::subject;
use names::{ChannelId, LabelName, PackageKind};
use runtime::Failure;

use super::artifacts::by_package;
use super::{Asker, Catalog, ChannelChange, failures};
use crate::domain::artifacts::{self, Artifacts, Event, Labels, Place};
use crate::domain::channel::{self, Command};

/// Which labels to give to which files, and which to take from them.
#[derive(Debug, Clone)]
pub struct Labelling {
    pub channel: String,
    pub files: Vec<(PackageKind, Place)>,
    pub add: Labels,
    pub take: Labels,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Relabelled {
    pub catalog_seq: u64,
    /// Followers of the content feed that had not heard of it when the wait ended.
    pub silent: Vec<String>,
    /// Files that have other labels than before.
    pub changed: u64,
}

impl Catalog {
    /// The labels that are locked in a channel, as far as this process has heard.
    pub(super) fn locked(&self, channel: ChannelId) -> Labels {
        self.parts.access.read(|table| {
            let locked = table.channel(channel).map_or(&[][..], |channel| &channel.locked_labels);
            locked.iter().filter_map(|label| LabelName::parse(label).ok()).collect()
        })
    }

    /// Changes labels, one package after the other: each package's files all or none.
    pub async fn change_labels(&self, asker: &Asker, wish: &Labelling) -> Result<Relabelled, Failure> {
        let first = wish.files.first().map_or(Action::LabelEdit, |(kind, _)| editing(*kind));
        let (caller, channel) = self.check_channel(&asker.credential, first, &wish.channel)?;
        let mut relabelled = Relabelled::default();
        for ((kind, name), places) in by_package(&wish.files)? {
            let mut changed = 0;
            let decide = |state: Option<&Artifacts>| {
                self.check(
                    &asker.credential,
                    editing(kind),
                    &Object::Package { channel, kind, name: &name },
                )?;
                let events = relabel(state, &places, wish, &self.locked(channel))?;
                changed = events.len() as u64;
                Ok::<_, Failure>(events)
            };
            let subject = subject::artifacts(channel, kind, &name);
            let done = self.artifacts.execute(&subject, &self.meta(&caller), decide).await;
            relabelled.catalog_seq = relabelled.catalog_seq.max(done.map_err(failures::of_decision)?.seq);
            relabelled.changed += changed;
        }
        relabelled.silent = self.content_receipt(relabelled.catalog_seq, asker).await;
        Ok(relabelled)
    }

    /// Locks a label, or unlocks it.
    pub async fn lock_label(
        &self,
        asker: &Asker,
        name: &str,
        label: &LabelName,
        locked: bool,
    ) -> Result<ChannelChange, Failure> {
        let (caller, id) = self.check_channel(&asker.credential, Action::LabelLock, name)?;
        let decide = |channel: Option<&channel::Channel>| {
            self.check(&asker.credential, Action::LabelLock, &Object::Channel(id))?;
            Ok::<_, Failure>(channel::decide(channel, Command::LockLabel { label: label.clone(), locked })?)
        };
        let done = self.channels.execute(&subject::channel(id), &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let state = done.state.ok_or_else(|| Failure::from(channel::Refusal::Gone))?;
        let receipt = self.access_receipt(done.seq, locked, asker).await;
        Ok(ChannelChange { channel: self.seen(&state, &caller), authz_seq: done.seq, receipt })
    }
}

fn relabel(
    state: Option<&Artifacts>,
    places: &BTreeSet<&Place>,
    wish: &Labelling,
    locked: &Labels,
) -> Result<Vec<Event>, artifacts::Refusal> {
    let mut events = Vec::new();
    for place in places {
        events.extend(artifacts::label(state, place, (&wish.add, &wish.take), locked)?);
    }
    Ok(events)
}

fn editing(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaEdit,
        PackageKind::Pypi => Action::PypiEdit,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FileEdit,
    }
}
