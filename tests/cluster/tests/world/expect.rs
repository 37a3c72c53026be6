//! What the rules say that a viewer is shown at an address, as lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, By, What};
use crate::fact::{Facts, Kind, Level, Package, Stored, Who};
use crate::mark;
use crate::rule::{Deed, Viewer};

/// An answer as the rules want it.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// In order; nothing where only names are looked at.
    pub(crate) lines: Option<Vec<String>>,
    /// Names that may stand in the answer besides those of the lines.
    pub(crate) besides: BTreeSet<String>,
}

impl Expected {
    fn refused(status: u16) -> Self {
        Self { status, lines: None, besides: BTreeSet::new() }
    }

    pub(crate) fn lines(lines: impl IntoIterator<Item = String>) -> Self {
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort();
        Self { status: 200, lines: Some(lines), besides: BTreeSet::new() }
    }

    fn names(besides: impl IntoIterator<Item = String>) -> Self {
        Self { status: 200, lines: None, besides: besides.into_iter().collect() }
    }

    /// The names that may stand in it.
    pub(crate) fn allowed(&self) -> BTreeSet<String> {
        let lines = self.lines.iter().flatten().flat_map(|line| mark::found(line.as_bytes()));
        lines.chain(self.besides.iter().cloned()).collect()
    }
}

impl From<Result<Self, u16>> for Expected {
    fn from(found: Result<Self, u16>) -> Self {
        found.unwrap_or_else(Self::refused)
    }
}

pub(crate) type File<'a> = (&'a Package, &'a Stored);

fn bears(file: &Stored, label: Option<&str>) -> bool {
    file.labels.contains(label.unwrap_or("main"))
}

/// A kind and a file with its labels, as listings show them.
pub(crate) fn listed((package, file): File<'_>) -> String {
    let labels: Vec<&str> = file.labels.iter().map(String::as_str).collect();
    format!("{} {} {}", package.kind.word(), file.filename, labels.join(","))
}

/// One who looks at a channel of an address.
pub(crate) struct Look<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) viewer: Viewer,
    channel: Option<usize>,
}

/// What is to be shown.
pub(crate) fn expected(facts: &Facts, viewer: Viewer, address: &Address) -> Expected {
    let look = Look { facts, viewer, channel: address.channel };
    look.at(&address.what).into()
}

impl<'a> Look<'a> {
    pub(crate) fn enter(&self, deed: Deed) -> Result<usize, u16> {
        self.facts.door(self.viewer, deed, self.channel)?;
        Ok(self.channel.expect("only a channel that is there lets anybody in"))
    }

    /// The files of the channel that are seen by a deed.
    fn files(&self, deed: Deed) -> Vec<File<'a>> {
        let facts = self.facts;
        let inside = self.channel.into_iter().flat_map(move |at| facts.inside(at));
        let seen = inside.filter(|package| facts.sees(self.viewer, deed, package));
        seen.flat_map(|package| package.files.iter().map(move |file| (package, file))).collect()
    }

    /// Whether the label is there as an index shows it.
    fn label(&self, deed: Deed, label: Option<&str>) -> Result<(), u16> {
        let indexed = |package: &Package| [Kind::Conda, Kind::Pypi].contains(&package.kind);
        let borne = || self.files(deed).iter().any(|(package, file)| indexed(package) && bears(file, label));
        if label.is_none_or(|label| label == "main") || borne() { Ok(()) } else { Err(404) }
    }

    fn conda(&self, label: Option<&str>, subdir: Option<&str>) -> Result<Vec<File<'a>>, u16> {
        self.enter(Deed::Conda)?;
        self.label(Deed::Conda, label)?;
        let mut files = self.files(Deed::Conda);
        files.retain(|(package, file)| {
            package.kind == Kind::Conda
                && bears(file, label)
                && subdir.is_none_or(|subdir| file.subdir == subdir)
        });
        Ok(files)
    }

    /// The package itself if it is seen by the deed; who knows of it in another way is told what is missing.
    pub(crate) fn package(&self, deed: Deed, at: usize) -> Result<&'a Package, u16> {
        self.enter(deed)?;
        let package = &self.facts.packages[at];
        let there = !package.gone;
        match there && self.facts.sees(self.viewer, deed, package) {
            true => Ok(package),
            false if there && self.facts.knows(self.viewer, package) => Err(403),
            false => Err(404),
        }
    }

    /// The listed files of a name, of whatever kinds.
    fn of_name(&self, name: &str) -> Result<Vec<File<'a>>, u16> {
        self.enter(Deed::List)?;
        let mut files = self.files(Deed::List);
        files.retain(|(package, _)| package.name == name);
        if files.is_empty() { Err(404) } else { Ok(files) }
    }

    fn at(&self, what: &What) -> Result<Expected, u16> {
        match what {
            What::Files { label, subdir } => {
                let files = self.conda(label.as_deref(), Some(subdir))?;
                Ok(Expected::lines(files.iter().map(|(_, file)| file.filename.clone())))
            }
            What::Shards { label, subdir } => {
                let files = self.conda(label.as_deref(), Some(subdir))?;
                Ok(Expected::lines(names(&files)))
            }
            What::Channeldata { label } => Ok(Expected::lines(names(&self.conda(label.as_deref(), None)?))),
            What::Notices { label } => {
                self.conda(label.as_deref(), None)?;
                Ok(Expected::lines([]))
            }
            What::Shard { package, subdir } => self.shard(*package, subdir),
            What::Projects { label } => self.projects(label.as_deref()),
            What::Project { package, label } => self.project(*package, label.as_deref()),
            What::File { package, file, by } => self.file(*package, *file, *by),
            What::Channel | What::Channels | What::Below | What::Packages | What::Package { .. } => {
                self.listing(what)
            }
            What::Artifacts | What::ArtifactsNamed { .. } | What::ArtifactsLabelled { .. } => {
                self.artifacts(what)
            }
            What::Labels | What::OwnedLabels | What::OwnedLabel { .. } => self.labels(what),
            What::Grants | What::PackageGrants { .. } | What::History => self.told(what),
            What::Search { text, channel } => self.search(text, *channel),
            What::OwnedSearch { text } => self.search_owned(text),
            What::Groups { organisation } => self.groups(*organisation),
            What::Group { group } => self.group(*group),
            What::Owned => {
                self.enter(Deed::List)?;
                Ok(Expected::lines(merged(&self.files(Deed::List))))
            }
            What::OwnedPackage { package } => {
                let files = self.of_name(&self.facts.packages[*package].name)?;
                Ok(Expected::lines(files.into_iter().map(listed)))
            }
            What::Release { package, version } => {
                let mut files = self.of_name(&self.facts.packages[*package].name)?;
                files.retain(|(_, file)| file.version == *version);
                if files.is_empty() { Err(404) } else { Ok(Expected::lines(files.into_iter().map(listed))) }
            }
            What::ServerChannel
            | What::ServerChannels
            | What::ServerArtifacts
            | What::ServerArtifact { .. }
            | What::ServerFiles { .. }
            | What::ServerSearch => self.server(what),
            What::Dist { package, file } => {
                let file = self.owned_file(*package, *file)?;
                Ok(Expected::lines([listed(file)]))
            }
        }
    }

    fn shard(&self, package: usize, subdir: &str) -> Result<Expected, u16> {
        let files = self.conda(None, Some(subdir))?;
        let name = &self.facts.packages[package].name;
        let own = files.iter().filter(|(package, _)| package.name == *name);
        let own: Vec<_> = own.map(|(_, file)| file.filename.clone()).collect();
        if own.is_empty() { Err(404) } else { Ok(Expected::lines(own)) }
    }

    fn python(&self, label: Option<&str>) -> Vec<File<'a>> {
        let mut files = self.files(Deed::Python);
        files.retain(|(package, file)| package.kind == Kind::Pypi && bears(file, label));
        files
    }

    fn projects(&self, label: Option<&str>) -> Result<Expected, u16> {
        self.enter(Deed::Python)?;
        self.label(Deed::Python, label)?;
        Ok(Expected::lines(names(&self.python(label))))
    }

    fn project(&self, package: usize, label: Option<&str>) -> Result<Expected, u16> {
        self.enter(Deed::Python)?;
        let mut files = self.python(label);
        files.retain(|(other, _)| other.name == self.facts.packages[package].name);
        if files.is_empty() {
            Err(404)
        } else {
            Ok(Expected::lines(files.iter().map(|(_, it)| it.filename.clone())))
        }
    }

    fn file(&self, at: usize, file: usize, by: By) -> Result<Expected, u16> {
        let package = &self.facts.packages[at];
        let deed = match package.kind {
            Kind::Conda => Deed::Conda,
            Kind::Pypi => Deed::Python,
            Kind::Notebook | Kind::Environment | Kind::File => Deed::Plain,
        };
        let seen = || !package.gone && self.facts.sees(self.viewer, deed, package);
        if by == By::Owned {
            self.enter(Deed::Any)?;
            // Found as listings find it, fetched as its kind is.
            let (_, stored) = self.listed_file(at, file)?;
            return if seen() { Ok(bytes(stored, by)) } else { Err(403) };
        }
        self.enter(deed)?;
        match package.files.get(file).filter(|_| seen()) {
            Some(stored) => Ok(bytes(stored, by)),
            None => Err(404),
        }
    }

    fn listed_file(&self, at: usize, file: usize) -> Result<File<'a>, u16> {
        let package = &self.facts.packages[at];
        let seen = !package.gone && self.facts.sees(self.viewer, Deed::List, package);
        package.files.get(file).filter(|_| seen).map(|file| (package, file)).ok_or(404)
    }

    fn owned_file(&self, at: usize, file: usize) -> Result<File<'a>, u16> {
        self.enter(Deed::List)?;
        self.listed_file(at, file)
    }

    fn listing(&self, what: &What) -> Result<Expected, u16> {
        let (facts, viewer) = (self.facts, self.viewer);
        let shown = |at: usize| facts.door(viewer, Deed::ShowChannel, Some(at)).is_ok();
        let line = |at: usize| {
            let channel = &facts.channels[at];
            format!("{} {}", channel.name, channel.privacy.word())
        };
        if *what == What::Channels {
            if facts.is_dead(viewer) {
                return Err(401);
            }
            let channels = facts.live_channels().into_iter().filter(|at| shown(*at));
            return Ok(self.with_grants(channels.clone().collect(), Expected::lines(channels.map(line))));
        }
        if let What::Package { package } = what {
            let package = self.package(Deed::List, *package)?;
            return Ok(Expected::lines([described(package)]));
        }
        if *what == What::Packages {
            let at = self.enter(Deed::List)?;
            let seen = facts.inside(at).filter(|package| facts.sees(viewer, Deed::List, package));
            return Ok(Expected::lines(seen.map(described)));
        }
        let at = self.enter(Deed::ShowChannel)?;
        if *what == What::Below {
            let below = facts.live_channels().into_iter().filter(|it| facts.channels[*it].parent == Some(at));
            return Ok(Expected::lines(below.filter(|at| shown(*at)).map(line)));
        }
        Ok(self.with_grants(vec![at], Expected::lines([line(at)])))
    }

    /// Whoever manages a channel is shown the groups that were given something there.
    fn with_grants(&self, channels: Vec<usize>, mut expected: Expected) -> Expected {
        for at in channels {
            let channel = &self.facts.channels[at];
            let manages = |account| self.facts.strong(account, channel) == Some(Level::Manage);
            if self.facts.owner(self.viewer).is_some_and(manages) {
                expected.besides.extend(self.group_names(channel.given.keys()));
            }
        }
        expected
    }

    fn group_names(&self, given: impl Iterator<Item = &'a Who>) -> Vec<String> {
        let groups = given.filter_map(|who| match who {
            Who::Group(at) => Some(self.facts.groups[*at].name.clone()),
            Who::Account(_) => None,
        });
        groups.collect()
    }

    fn artifacts(&self, what: &What) -> Result<Expected, u16> {
        self.enter(Deed::List)?;
        let mut files = self.files(Deed::List);
        files.retain(|(package, file)| match what {
            What::ArtifactsNamed { package: at } => {
                let wanted = &self.facts.packages[*at];
                (&package.name, package.kind) == (&wanted.name, wanted.kind)
            }
            What::ArtifactsLabelled { label } => file.labels.contains(label),
            _ => true,
        });
        Ok(Expected::lines(files.into_iter().map(listed)))
    }

    fn labels(&self, what: &What) -> Result<Expected, u16> {
        let at = self.enter(Deed::List)?;
        let files = self.files(Deed::List);
        let mut counts = BTreeMap::from([("main", 0)]);
        for (_, file) in &files {
            for label in &file.labels {
                *counts.entry(label.as_str()).or_insert(0) += 1;
            }
        }
        // A locked label that no seen file bears is shown to those who could unlock it.
        let channel = &self.facts.channels[at];
        if self.manages(at) {
            for label in &channel.locked {
                counts.entry(label).or_insert(0);
            }
        }
        let locked = |label: &str| channel.locked.contains(label);
        if let What::OwnedLabel { label } = what {
            if !counts.contains_key(label.as_str()) {
                return Err(404);
            }
            let bearing = files.into_iter().filter(|(_, file)| file.labels.contains(label));
            return Ok(Expected::lines(bearing.map(|(_, file)| file.filename.clone())));
        }
        let count = |files: i32| if *what == What::Labels { files } else { 0 };
        let lines =
            counts.into_iter().map(|(label, files)| format!("{label} {} {}", count(files), locked(label)));
        Ok(Expected::lines(lines))
    }

    /// Whether the viewer may unlock labels.
    fn manages(&self, at: usize) -> bool {
        self.facts.door(self.viewer, Deed::Lock, Some(at)).is_ok()
    }

    /// Answers of which only the names are looked at.
    fn told(&self, what: &What) -> Result<Expected, u16> {
        let facts = self.facts;
        match what {
            What::PackageGrants { package } => {
                let package = self.package(Deed::SeePackageGrants, *package)?;
                Ok(Expected::names(self.group_names(package.given.keys())))
            }
            What::Grants => {
                let at = self.enter(Deed::SeeGrants)?;
                Ok(Expected::names(self.group_names(facts.channels[at].given.keys())))
            }
            _ => {
                let at = self.enter(Deed::History)?;
                let inside = facts.packages.iter().filter(|package| package.channel == at);
                let names = inside.map(|package| package.name.clone());
                Ok(Expected::names(names.chain(facts.channels[at].labels.iter().cloned())))
            }
        }
    }

    fn searched(&self, text: &str, channel: Option<usize>) -> Result<Vec<(usize, File<'a>)>, u16> {
        if self.facts.is_dead(self.viewer) {
            return Err(401);
        }
        let rooms = self.facts.live_channels().into_iter();
        let rooms = rooms.filter(|at| channel.is_none_or(|wanted| wanted == *at));
        let open = rooms.filter(|at| self.facts.door(self.viewer, Deed::List, Some(*at)).is_ok());
        let files = open.flat_map(|at| {
            let look = Look { facts: self.facts, viewer: self.viewer, channel: Some(at) };
            look.files(Deed::List).into_iter().map(move |file| (at, file))
        });
        Ok(files.filter(|(_, (package, _))| package.name.contains(text)).collect())
    }

    fn search(&self, text: &str, channel: Option<usize>) -> Result<Expected, u16> {
        let mut counts = BTreeMap::new();
        for (at, (package, _)) in self.searched(text, channel)? {
            *counts
                .entry((&self.facts.channels[at].name, package.kind.word(), &package.name))
                .or_insert(0) += 1;
        }
        let line = |((channel, kind, name), files): ((&String, &str, &String), i32)| {
            format!("{channel} {kind} {name} {files}")
        };
        Ok(Expected::lines(counts.into_iter().map(line)))
    }

    fn search_owned(&self, text: &str) -> Result<Expected, u16> {
        let mut rooms: BTreeMap<usize, Vec<File<'a>>> = BTreeMap::new();
        for (at, file) in self.searched(text, None)? {
            rooms.entry(at).or_default().push(file);
        }
        let named = |(at, files): (usize, Vec<File<'a>>)| {
            let channel = &self.facts.channels[at].name;
            merged(&files).into_iter().map(move |name| format!("{channel}/{name}"))
        };
        Ok(Expected::lines(rooms.into_iter().flat_map(named)))
    }

    fn groups(&self, organisation: usize) -> Result<Expected, u16> {
        let shown = self.facts.groups_shown(self.viewer, organisation)?;
        let line = |at: usize| {
            let group = &self.facts.groups[at];
            format!("{} {}", group.name, group.members.len())
        };
        Ok(Expected::lines(shown.into_iter().map(line)))
    }

    fn group(&self, at: usize) -> Result<Expected, u16> {
        let facts = self.facts;
        let shown = facts.groups_shown(self.viewer, facts.groups[at].organisation)?;
        if !shown.contains(&at) {
            return Err(404);
        }
        let who = Who::Group(at);
        let known = |at: usize| facts.door(self.viewer, Deed::ShowChannel, Some(at)).is_ok();
        let rooms = facts.live_channels().into_iter().filter(|at| known(*at));
        let mut lines = Vec::new();
        for room in rooms {
            let channel = &facts.channels[room];
            let level = channel.given.get(&who).map(|level| format!("{} {}", channel.name, level.word()));
            lines.extend(level);
            for package in facts.inside(room) {
                if let Some(level) = package.given.get(&who).filter(|_| facts.knows(self.viewer, package)) {
                    lines.push(format!("{} {} {}", channel.name, package.name, level.word()));
                }
            }
        }
        Ok(Expected::lines(lines))
    }
}

fn described(package: &Package) -> String {
    format!("{} {} {}", package.kind.word(), package.name, package.private)
}

fn bytes(stored: &Stored, by: By) -> Expected {
    match by {
        By::Metadata => Expected::names(mark::found(stored.filename.as_bytes())),
        By::Client | By::Rest | By::Owned => {
            let mut expected =
                Expected::lines([format!("{} bytes of {}", stored.bytes.len(), stored.filename)]);
            expected.besides = mark::found(&stored.bytes);
            expected
        }
    }
}

/// Package names, each once.
fn names(files: &[File<'_>]) -> BTreeSet<String> {
    files.iter().map(|(package, _)| package.name.clone()).collect()
}

/// Names with the kinds that bear them.
fn merged(files: &[File<'_>]) -> Vec<String> {
    let mut named: BTreeMap<&str, BTreeSet<Kind>> = BTreeMap::new();
    for (package, _) in files {
        named.entry(&package.name).or_default().insert(package.kind);
    }
    named.into_iter().map(|(name, kinds)| format!("{name} {}", kinds.len())).collect()
}
