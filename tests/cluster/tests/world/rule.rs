//! The rules, read from the documents and applied to the plain facts by brute force. Nothing here knows the product's own
//! authoriser.

use crate::fact::{Channel, Facts, Given, Level, Opens, Package, Privacy, Sort, Who};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Viewer {
    /// Shows nothing.
    Nobody,
    /// Shows a string that was never issued.
    Unknown,
    /// Shows a token, alive or not.
    Token(usize),
}

/// What is done when something is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    ShowChannel,
    List,
    Conda,
    Python,
    Plain,
    /// A file of whatever kind.
    Any,
    SeeGrants,
    SeePackageGrants,
    History,
    /// Locking a label.
    Lock,
}

impl Deed {
    /// Those that show that a package is there.
    const LOOKS: [Self; 5] = [Self::ShowChannel, Self::List, Self::Conda, Self::Python, Self::Plain];

    /// Those by which a viewer learns of names, packages and channels alike.
    const TELLS: [Self; 8] = [
        Self::ShowChannel,
        Self::List,
        Self::Conda,
        Self::Python,
        Self::Plain,
        Self::SeeGrants,
        Self::SeePackageGrants,
        Self::History,
    ];

    fn needs(self) -> Level {
        if matches!(self, Self::History | Self::Lock) { Level::Manage } else { Level::Read }
    }

    /// Whether one package is enough to be let in where the channel is asked for.
    fn by_package(self) -> bool {
        !matches!(self, Self::SeeGrants | Self::History | Self::Lock)
    }

    /// The scopes that open it, of which some are called differently on a subchannel.
    fn scopes(self, below: bool) -> &'static [&'static str] {
        match (self, below) {
            (Self::ShowChannel, false) => &["channel:view", "api:read", "api", "all"],
            (Self::ShowChannel, true) => &["subchannel:view", "api:read", "api", "all"],
            (Self::List, false) => &["artifact:view", "channel:view-artifacts", "api:read", "api", "all"],
            (Self::List, true) => &["artifact:view", "subchannel:view-artifacts", "api:read", "api", "all"],
            (Self::Conda, _) => &["conda:download", "artifact:download", "conda", "repos", "all"],
            (Self::Python, _) => &["pypi:download", "artifact:download", "pypi", "repos", "all"],
            (Self::Plain, _) => &["artifact:download", "repos", "all"],
            (Self::Any, _) => {
                &["conda:download", "pypi:download", "artifact:download", "conda", "pypi", "repos", "all"]
            }
            (Self::SeeGrants | Self::SeePackageGrants, false) => {
                &["channel.group:view", "api:read", "api", "all"]
            }
            (Self::SeeGrants | Self::SeePackageGrants, true) => {
                &["subchannel.group:view", "api:read", "api", "all"]
            }
            (Self::History, false) => &["channel:history", "api:read", "api", "all"],
            (Self::Lock, _) => &["artifact:edit", "conda", "pypi", "api:write", "api", "all"],
            (Self::History, true) => &["subchannel:history", "api:read", "api", "all"],
        }
    }
}

/// The part of a channel that is asked about.
#[derive(Clone, Copy)]
enum Part<'a> {
    Whole,
    /// Whichever package gives the most.
    Best,
    One(&'a Package),
}

impl Facts {
    /// The token of a viewer that is good for something.
    pub(crate) fn live(&self, viewer: Viewer) -> Option<usize> {
        let Viewer::Token(at) = viewer else { return None };
        let token = &self.tokens[at];
        (!token.revoked && !self.accounts[token.owner].disabled).then_some(at)
    }

    /// The account that looks.
    pub(crate) fn owner(&self, viewer: Viewer) -> Option<usize> {
        self.live(viewer).map(|at| self.tokens[at].owner)
    }

    pub(crate) fn is_dead(&self, viewer: Viewer) -> bool {
        viewer != Viewer::Nobody && self.live(viewer).is_none()
    }

    fn most(&self, given: &Given, account: usize) -> Option<Level> {
        let holds = |who: &Who| match who {
            Who::Account(at) => *at == account,
            Who::Group(at) => !self.groups[*at].gone && self.groups[*at].members.contains(&account),
        };
        given.iter().filter(|(who, _)| holds(who)).map(|(_, level)| *level).max()
    }

    pub(crate) fn owns(&self, account: usize, other: usize) -> bool {
        let other = &self.accounts[other];
        other.sort != Sort::Person && other.owners.contains(&account)
    }

    /// What opens every package of a channel to an account.
    pub(crate) fn strong(&self, account: usize, channel: &Channel) -> Option<Level> {
        let is_admin = self.accounts[account].admin && !self.accounts[account].disabled;
        if channel.owner == account || self.owns(account, channel.owner) || is_admin {
            return Some(Level::Manage);
        }
        let above = channel.parent.and_then(|parent| self.most(&self.channels[parent].given, account));
        self.most(&channel.given, account).max(above.filter(|level| *level == Level::Manage))
    }

    fn account_on(&self, account: usize, at: usize, part: Part<'_>) -> Option<Level> {
        let channel = &self.channels[at];
        let open = (channel.privacy != Privacy::Private).then_some(Level::Read);
        match part {
            Part::Whole => self.strong(account, channel).or(open),
            Part::Best => self.inside(at).filter_map(|package| self.most(&package.given, account)).max(),
            Part::One(package) => {
                let open = open.filter(|_| !package.private);
                self.strong(account, channel).max(self.most(&package.given, account)).max(open)
            }
        }
    }

    /// What an account holds in a whole channel.
    pub(crate) fn account_level(&self, account: usize, channel: usize) -> Option<Level> {
        self.account_on(account, channel, Part::Whole)
    }

    /// What a resource token names of a channel.
    fn named(&self, grants: &[(usize, Level)], channel: usize) -> Option<Level> {
        let of = |at: usize| grants.iter().filter(|(named, _)| *named == at).map(|(_, level)| *level).max();
        let above = self.channels[channel].parent.and_then(of).filter(|level| *level == Level::Manage);
        of(channel).max(above)
    }

    fn held(&self, viewer: Viewer, deed: Deed, channel: usize, part: Part<'_>) -> Option<Level> {
        let below = self.channels[channel].parent.is_some();
        let anyone = match part {
            Part::Whole => true,
            Part::Best => false,
            Part::One(package) => !package.private,
        };
        let anyone = anyone && self.channels[channel].privacy == Privacy::Public;
        let anyone = anyone.then_some(Level::Read);
        let Some(at) = self.live(viewer) else { return anyone };
        let token = &self.tokens[at];
        let own = self.account_on(token.owner, channel, part);
        match &token.opens {
            Opens::All => own,
            Opens::Scopes(scopes) => {
                let opens = scopes.iter().any(|scope| deed.scopes(below).contains(scope));
                if opens { own } else { anyone }
            }
            Opens::Channels(grants) => {
                let named = self.named(grants, channel);
                named.and_then(|named| own.map(|own| own.min(named))).or(anyone)
            }
        }
    }

    /// Whether a viewer sees a package by this deed: only then does it leave any trace.
    pub(crate) fn sees(&self, viewer: Viewer, deed: Deed, package: &Package) -> bool {
        self.held(viewer, deed, package.channel, Part::One(package)).is_some()
    }

    /// Whether a viewer sees by any deed that a package is there.
    pub(crate) fn knows(&self, viewer: Viewer, package: &Package) -> bool {
        Deed::LOOKS.into_iter().any(|deed| self.sees(viewer, deed, package))
    }

    /// Whether a viewer is told of a package in any way: by what shows it, or by who was given it and what happened to it.
    pub(crate) fn is_told_of(&self, viewer: Viewer, package: &Package) -> bool {
        let history = || self.door(viewer, Deed::History, Some(package.channel)).is_ok();
        let told = |deed: Deed| deed != Deed::History && self.sees(viewer, deed, package);
        Deed::TELLS.into_iter().any(told) || history()
    }

    /// Whether a dead string could read something of a channel that is not for everyone: half an index would be a lie.
    fn lost_something(&self, viewer: Viewer, channel: usize) -> bool {
        let Viewer::Token(at) = viewer else { return false };
        let token = &self.tokens[at];
        let named = match &token.opens {
            Opens::All | Opens::Scopes(_) => true,
            Opens::Channels(grants) => self.named(grants, channel).is_some(),
        };
        let all = self.strong(token.owner, &self.channels[channel]).is_some();
        let private = |package: &&Package| package.private;
        named
            && self
                .inside(channel)
                .filter(private)
                .any(|package| all || self.most(&package.given, token.owner).is_some())
    }

    /// Whether a viewer is let in where a channel is asked for, or with which status it is refused. `None` was never made.
    pub(crate) fn door(&self, viewer: Viewer, deed: Deed, channel: Option<usize>) -> Result<(), u16> {
        let channel = channel.filter(|at| !self.channels[*at].gone);
        if self.live(viewer).is_some() {
            let parts: &[Part<'_>] =
                if deed.by_package() { &[Part::Whole, Part::Best] } else { &[Part::Whole] };
            let enough =
                |at: usize| parts.iter().any(|part| self.held(viewer, deed, at, *part) >= Some(deed.needs()));
            return if channel.is_some_and(enough) { Ok(()) } else { Err(403) };
        }
        let open = channel.is_some_and(|at| {
            let public = self.channels[at].privacy == Privacy::Public && deed.needs() == Level::Read;
            public && !self.lost_something(viewer, at)
        });
        if open { Ok(()) } else { Err(401) }
    }

    /// Whether a viewer may know that a channel is there.
    pub(crate) fn knows_channel(&self, viewer: Viewer, channel: usize) -> bool {
        let any = || Deed::TELLS.into_iter().any(|deed| self.door(viewer, deed, Some(channel)).is_ok());
        !self.channels[channel].gone && any()
    }

    /// The organisation's groups that a viewer is shown, or how it is refused.
    pub(crate) fn groups_shown(&self, viewer: Viewer, organisation: usize) -> Result<Vec<usize>, u16> {
        let Some(at) = self.live(viewer) else { return Err(401) };
        let token = &self.tokens[at];
        let opens = match &token.opens {
            Opens::All => true,
            Opens::Scopes(scopes) => scopes.iter().any(|scope| ["api:read", "api", "all"].contains(scope)),
            Opens::Channels(_) => false,
        };
        let groups = self.live_groups();
        let of = |at: &usize| self.groups[*at].organisation == organisation;
        let all = self.owns(token.owner, organisation) || self.accounts[token.owner].admin;
        let own = |at: &usize| self.groups[*at].members.contains(&token.owner);
        let shown: Vec<_> = groups.into_iter().filter(of).filter(|at| all || own(at)).collect();
        if opens && (all || !shown.is_empty()) { Ok(shown) } else { Err(403) }
    }
}
