//! What a caller may see of channels and packages, where a route shows more than the one its address names.

use std::sync::Arc;

use access::{Action, Caller, Object, Selection, Table, Verdict, View};
use names::{ChannelId, PackageKind};
use readmodel::{ArtifactRow, ListedPackage, PackageKey, Packages, Shelves, Wanted};

use crate::gate::Admitted;
use crate::problem::Problem;
use crate::refuse::{self, Family};
use crate::routes::given::Given;
use crate::state::{App, unread};

/// A channel that the caller may list.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: ChannelId,
    pub(crate) name: Arc<str>,
}

/// The channels whose packages the caller may list, by name.
pub(crate) fn channels(app: &App, caller: &Caller) -> Vec<Seen> {
    let mut seen: Vec<Seen> = app.view.read(|table| {
        let allowed = |id| {
            let verdict = table.decide(caller, Action::ArtifactView, &Object::Channel(id));
            matches!(verdict, Verdict::Allowed(_))
        };
        let listed = table.channels().filter(|channel| allowed(channel.id));
        let seen = listed.map(|channel| Seen { id: channel.id, name: channel.name.clone() });
        seen.collect()
    });
    seen.sort_unstable_by(|one, two| one.name.cmp(&two.name));
    seen
}

/// The packages of a view, for a statement.
pub(crate) fn selected(table: &Table, view: &View) -> Packages {
    match table.selection(view) {
        Selection::Only(ids) => Packages::only(ids),
        Selection::Except(ids, authz_seq) => Packages::except(ids, authz_seq),
    }
}

/// What the caller may list of these channels, for a statement across them.
pub(crate) fn shelves(
    table: &Table,
    caller: &Caller,
    channels: impl IntoIterator<Item = ChannelId>,
) -> Shelves {
    let mut shelves = Shelves::default();
    for channel in channels {
        shelves.add(channel, listable(table, caller, channel));
    }
    shelves
}

/// What the caller may list of a channel, whatever the gate of the address has asked for.
pub(crate) fn listable(table: &Table, caller: &Caller, channel: ChannelId) -> Packages {
    selected(table, &table.view(caller, Action::ArtifactView, channel))
}

/// What fetching a file of a kind asks for.
pub(crate) fn download(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaDownload,
        PackageKind::Pypi => Action::PypiDownload,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FileDownload,
    }
}

/// Whether the caller may do this to a package of a channel.
pub(crate) fn may(
    table: &Table,
    caller: &Caller,
    action: Action,
    channel: ChannelId,
    (kind, name): (PackageKind, &str),
) -> bool {
    let package = Object::Package { channel, kind, name };
    matches!(table.decide(caller, action, &package), Verdict::Allowed(_))
}

/// Refuses what the caller may not do to a package of the address's channel, in the words of the gate.
pub(crate) fn check<P>(
    given: &Given<P>,
    action: Action,
    (kind, name): (PackageKind, &str),
) -> Result<(), Problem> {
    allow(given, action, &Object::Package { channel: given.admitted.room().id, kind, name })
}

/// The same for the channel itself, where the gate has asked for less.
pub(crate) fn check_channel<P>(given: &Given<P>, action: Action) -> Result<(), Problem> {
    allow(given, action, &Object::Channel(given.admitted.room().id))
}

fn allow<P>(given: &Given<P>, action: Action, object: &Object<'_>) -> Result<(), Problem> {
    let admitted = &given.admitted;
    given.app.view.read(|table| match table.decide(&admitted.caller, action, object) {
        Verdict::Allowed(_) => Ok(()),
        Verdict::Refused(refusal) => {
            let words = table.refusal_words(&admitted.caller, &refusal, action, object);
            Err(refuse::answer(Family::Api, admitted.presented.carrier(), &refusal, words))
        }
    })
}

/// Those of the rows that the caller may list.
pub(crate) fn listed(app: &App, admitted: &Admitted, rows: Vec<ArtifactRow>) -> Vec<ArtifactRow> {
    app.view.read(|table| {
        let seen = |row: &ArtifactRow| {
            let package = (row.kind, row.name.as_str());
            may(table, &admitted.caller, Action::ArtifactView, row.channel_id, package)
        };
        rows.into_iter().filter(seen).collect()
    })
}

/// The packages of these channels that the caller may list, after a place; at most `limit`.
pub(crate) async fn packages(
    app: &App,
    caller: &Caller,
    channels: &[ChannelId],
    wanted: &Wanted,
    (mut after, limit): (Option<PackageKey>, u32),
) -> Result<Vec<ListedPackage>, Problem> {
    let wanted_count = limit as usize;
    let mut packages: Vec<ListedPackage> = Vec::new();
    app.caught_up().await?;
    loop {
        let page = app.reader.packages(channels, wanted, after.as_ref(), limit).await.map_err(unread)?;
        let is_last = page.len() < wanted_count;
        after = page.last().map(ListedPackage::key);
        app.view.read(|table| {
            let seen = |package: &ListedPackage| {
                let named = (package.kind, package.name.as_str());
                may(table, caller, Action::ArtifactView, package.channel_id, named)
            };
            packages.extend(page.into_iter().filter(seen));
        });
        if is_last || packages.len() >= wanted_count {
            packages.truncate(wanted_count);
            return Ok(packages);
        }
    }
}
