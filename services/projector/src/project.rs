//! The fold of the log into rows. Pure: no clock, no randomness, no I/O; rows depend on the log alone.
//!
//! A batch is folded in three steps, so that the folds themselves are values in, values out: [`keys`] says which
//! rows it touches, the writer loads them, [`fold`] changes them, and the writer saves what differs.

mod account;
mod artifact;
mod channel;
mod context;
mod group;
mod package;
#[cfg(test)]
mod tests;
mod token;
mod touch;

use eventlog::Record;
use names::EventId;
use proto::event::v1::event::Event;
use readmodel::{
    ArtifactRow, FileKey,
    write::{Keys, ParkedRow, Rows},
};

use context::Context;
pub(crate) use context::stream_of;

/// Why an event was not folded, in words for the operator.
type Folded<T> = Result<T, String>;

/// One message of the log, judged.
pub(crate) struct Entry {
    pub(crate) stream: eventlog::Stream,
    pub(crate) record: Record,
    /// Its actor was dead at its position in AUTHZ: it stays in the ledger and changes nothing.
    pub(crate) void: bool,
    /// Why it is believed to be forged, if it is.
    pub(crate) forged: Option<String>,
    /// Part of the trace in which the decision was made; held until its rows are committed.
    pub(crate) span: tracing::Span,
}

/// An AUTHZ event that cannot be applied. Nothing after it may be.
#[derive(Debug, thiserror::Error)]
#[error("AUTHZ {seq} on {subject} cannot be applied: {reason}")]
pub(crate) struct Unapplicable {
    pub(crate) seq: u64,
    pub(crate) subject: String,
    pub(crate) reason: String,
}

/// The rows that a batch touches.
pub(crate) fn keys(entries: &[Entry]) -> Keys {
    let mut keys = Keys::default();
    for entry in entries.iter().filter(|entry| !entry.record.is_barrier()) {
        let envelope = &entry.record.envelope;
        if let Ok(id) = EventId::from_bytes(&envelope.event_id) {
            keys.events.insert((stream_of(entry.stream), id));
        }
        if entry.stream == eventlog::Stream::Catalog {
            keys.subjects.insert(entry.record.subject.clone());
        }
        for event in envelope.events.iter().filter_map(|event| event.event.as_ref()) {
            // What has no readable key touches nothing; the fold meets the same fault and says so.
            touch::touch(&mut keys, &entry.record.subject, event).ok();
        }
    }
    keys
}

/// Folds a batch into the rows it touches.
pub(crate) fn fold(rows: &mut Rows, entries: &[Entry]) -> Result<(), Unapplicable> {
    entries.iter().filter(|entry| !entry.record.is_barrier()).try_for_each(|entry| fold_entry(rows, entry))
}

fn fold_entry(rows: &mut Rows, entry: &Entry) -> Result<(), Unapplicable> {
    let (seq, subject) = (entry.record.seq, entry.record.subject.clone());
    if let Some(why) = &entry.forged {
        return refuse(rows, entry.stream, seq, subject, format!("it is forged: {why}"));
    }
    let context = match Context::of(entry) {
        Ok(context) => context,
        Err(reason) => return refuse(rows, entry.stream, seq, subject, reason),
    };
    // An event that was put back from the ledger, or appended twice, keeps its id.
    if rows.applied.insert((context.stream, context.event_id), context.seq).is_some() || entry.void {
        return Ok(());
    }
    if rows.parked.contains_key(&subject) {
        return Ok(());
    }
    let files = files_of(rows, entry);
    let lines = rows.history.len();
    let folded = entry.record.envelope.events.iter().enumerate().try_for_each(|(part, event)| {
        let event = event.event.as_ref().ok_or_else(|| unknown(&entry.record))?;
        apply(rows, &context, i32::try_from(part).map_err(|error| error.to_string())?, event)
    });
    let Err(reason) = folded else { return Ok(()) };
    // One decision, all of it or nothing.
    for (key, file) in files {
        match file {
            Some(file) => drop(rows.files.insert(key, file)),
            None => drop(rows.files.remove(&key)),
        }
    }
    rows.history.truncate(lines);
    refuse(rows, entry.stream, seq, subject, reason)
}

/// The files that one entry may change, as they are before it.
fn files_of(rows: &Rows, entry: &Entry) -> Vec<(FileKey, Option<ArtifactRow>)> {
    let keys = keys(std::slice::from_ref(entry));
    keys.files.into_iter().map(|key| (key.clone(), rows.files.get(&key).cloned())).collect()
}

/// In AUTHZ a skipped event could be a skipped revocation, so the fold stops; in CATALOG only its aggregate does.
fn refuse(
    rows: &mut Rows,
    stream: eventlog::Stream,
    seq: u64,
    subject: String,
    reason: String,
) -> Result<(), Unapplicable> {
    match stream {
        eventlog::Stream::Authz => Err(Unapplicable { seq, subject, reason }),
        eventlog::Stream::Catalog => {
            rows.parked.entry(subject).or_insert(ParkedRow { seq, reason: context::text(&reason) });
            Ok(())
        }
    }
}

fn unknown(record: &Record) -> String {
    let tag = eventlog::unknown_event(record).map(|tag| format!(" (field {tag})")).unwrap_or_default();
    format!("an event of a type that this release does not know{tag}; update the projector")
}

fn apply(rows: &mut Rows, context: &Context<'_>, part: i32, event: &Event) -> Folded<()> {
    let is_content =
        matches!(event, Event::ArtifactPublished(_) | Event::ArtifactRemoved(_) | Event::LabelsChanged(_));
    if is_content != (context.stream == readmodel::Stream::Catalog) {
        return Err("it stands in the wrong stream".into());
    }
    match event {
        Event::AccountCreated(event) => account::created(rows, context, event),
        Event::AccountDisabled(event) => account::disabled(rows, &event.account_id, true),
        Event::AccountEnabled(event) => account::disabled(rows, &event.account_id, false),
        Event::TokenIssued(event) => token::issued(rows, context, part, event),
        Event::OwnersChanged(event) => account::owners(rows, event),
        Event::TokenEdited(event) => token::edited(rows, event),
        Event::TokenReissued(event) => token::reissued(rows, context, event),
        Event::TokenRevoked(event) => token::revoked(rows, context, part, event),
        Event::ChannelCreated(event) => channel::created(rows, context, part, event),
        Event::ChannelDescribed(event) => channel::described(rows, context, part, event),
        Event::ChannelDeleted(event) => channel::deleted(rows, context, part, event),
        Event::AccessChanged(event) => channel::access_changed(rows, context, part, event),
        Event::PackageCreated(event) => package::created(rows, context, part, event),
        Event::PackageDeleted(event) => package::deleted(rows, context, part, event),
        Event::GroupCreated(event) => group::created(rows, context, event),
        Event::GroupChanged(event) => group::changed(rows, event),
        Event::GroupMembersChanged(event) => group::members_changed(rows, event),
        Event::GroupDeleted(event) => group::deleted(rows, context, &event.group_id),
        Event::ArtifactPublished(event) => artifact::published(rows, context, part, event),
        Event::ArtifactRemoved(event) => artifact::removed(rows, context, part, event),
        Event::LabelsChanged(event) => artifact::labelled(rows, context, part, event),
        Event::LabelLockChanged(event) => channel::label_lock(rows, context, part, event),
        Event::IndexingChanged(event) => channel::indexing(rows, context, part, event),
        Event::RoleAssigned(event) => account::role(rows, &event.role_id, event.holder.as_ref(), true),
        Event::RoleUnassigned(event) => account::role(rows, &event.role_id, event.holder.as_ref(), false),
        // They are auth's own: the read models hold no password, no string, no reservation, no choice of a channel and no
        // role but whether an account is an administrator.
        Event::PasswordChanged(_)
        | Event::RoleCreated(_)
        | Event::RoleChanged(_)
        | Event::RoleDeleted(_)
        | Event::DefaultChannelChanged(_)
        | Event::TokenOverlapEnded(_)
        | Event::TokenExpiryWarned(_)
        | Event::NameTaken(_)
        | Event::NameReleased(_) => Ok(()),
    }
}
