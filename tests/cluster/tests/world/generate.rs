//! The world to be made, from a seed.

use std::collections::BTreeSet;

use testkit::package::{Conda, wheel};

use crate::fact::{
    Account, Channel, Facts, Given, Group, Kind, Level, Opens, Package, Privacy, Sort, Stored, Token, Who,
};
use crate::mark::{Named, mark};
use crate::seed::Seed;

/// How much there is of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) organisations: usize,
    pub(crate) people: usize,
    pub(crate) groups: usize,
    /// Subchannels among them.
    pub(crate) channels: usize,
    pub(crate) packages: usize,
    pub(crate) resource_tokens: usize,
    pub(crate) scope_tokens: usize,
}

/// Service accounts.
const ROBOTS: usize = 2;

/// Sets of scopes that tokens are made with, one after the other; families do not mix.
const SCOPES: [&[&str]; 16] = [
    &["all"],
    &["channel:view"],
    &["artifact:view", "channel:view"],
    &["repos", "conda:download"],
    &["api:read"],
    &["artifact:download"],
    &["conda"],
    &["pypi:download"],
    &["channel:view", "channel:view-artifacts", "artifact:edit"],
    &["subchannel:view", "subchannel:view-artifacts", "artifact:download"],
    &["api"],
    &["conda:download"],
    &["pypi"],
    &["channel.group:view", "channel:history", "subchannel:history"],
    &["api:write"],
    &["subchannel:view"],
];

/// Numbers of names, which are never given twice.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    packages: usize,
    channels: usize,
    groups: usize,
    labels: usize,
    pub(crate) tokens: usize,
}

impl Numbers {
    fn next(count: &mut usize) -> usize {
        *count += 1;
        *count
    }

    pub(crate) fn group(&mut self) -> String {
        mark(Named::Group, Self::next(&mut self.groups))
    }
}

/// What makes new things.
#[derive(Debug)]
pub(crate) struct Maker {
    pub(crate) seed: Seed,
    pub(crate) numbers: Numbers,
}

/// The whole world; its tokens have no strings yet.
pub(crate) fn world(maker: &mut Maker, size: Size) -> Facts {
    let mut facts = Facts::default();
    let account =
        |login: String, sort, owners| Account { login, sort, admin: false, owners, disabled: false };
    facts.accounts.push(Account { admin: true, ..account("admin".into(), Sort::Person, BTreeSet::new()) });
    let people = (1..=size.people).map(|n| account(format!("person{n}"), Sort::Person, BTreeSet::new()));
    facts.accounts.extend(people);
    let people: Vec<usize> = (1..=size.people).collect();
    let made = [("guild", Sort::Organisation, size.organisations), ("robot", Sort::Service, ROBOTS)];
    for (login, sort, count) in made {
        for n in 1..=count {
            let owners = maker.seed.some(&people, 2).into_iter().collect();
            facts.accounts.push(account(format!("{login}{n}"), sort, owners));
        }
    }
    for _ in 0..size.groups {
        let organisations = facts.accounts_of(Sort::Organisation);
        let count = 1 + maker.seed.below(4);
        let members = maker.seed.some(&members(&facts), count).into_iter().collect();
        let (organisation, name) = (maker.seed.of(&organisations), maker.numbers.group());
        facts.groups.push(Group { organisation, name, members, gone: false });
    }
    for _ in 0..size.channels {
        let channel = maker.channel(&facts);
        facts.channels.push(channel);
    }
    for _ in 0..size.packages {
        let channels = facts.live_channels();
        let channel = maker.seed.of(&channels);
        let package = maker.package(&facts, channel);
        facts.packages.push(package);
    }
    let session = |owner| Token { owner, ..maker_token(Opens::All) };
    facts.tokens.extend([0].iter().chain(&people).map(|owner| session(*owner)));
    maker.tokens(&mut facts, size);
    facts
}

fn maker_token(opens: Opens) -> Token {
    Token { id: String::new(), string: String::new(), owner: 0, opens, revoked: false }
}

/// Accounts that can be in groups and be given something.
pub(crate) fn members(facts: &Facts) -> Vec<usize> {
    let able = |at: &usize| facts.accounts[*at].sort != Sort::Organisation && !facts.accounts[*at].disabled;
    (1..facts.accounts.len()).filter(able).collect()
}

impl Maker {
    /// Somebody something can be given to that is not theirs already.
    pub(crate) fn who(&mut self, facts: &Facts, owner: usize) -> Who {
        let groups = facts.live_groups();
        let others: Vec<usize> = members(facts).into_iter().filter(|at| *at != owner).collect();
        match self.seed.any(&groups).filter(|_| self.seed.percent(50)) {
            Some(group) => Who::Group(group),
            None => Who::Account(self.seed.of(&others)),
        }
    }

    fn given(&mut self, facts: &Facts, owner: usize, most: usize) -> Given {
        let count = self.seed.below(most + 1);
        (0..count).map(|_| (self.who(facts, owner), self.seed.of(&Level::ALL))).collect()
    }

    /// A channel or a subchannel.
    pub(crate) fn channel(&mut self, facts: &Facts) -> Channel {
        let own = mark(Named::Channel, Numbers::next(&mut self.numbers.channels));
        let above: Vec<usize> =
            facts.live_channels().into_iter().filter(|at| facts.channels[*at].parent.is_none()).collect();
        let parent = self.seed.any(&above).filter(|_| above.len() > 1 && self.seed.percent(35));
        let owners: Vec<usize> =
            (1..facts.accounts.len()).filter(|at| !facts.accounts[*at].disabled).collect();
        let owner = parent.map_or_else(|| self.seed.of(&owners), |parent| facts.channels[parent].owner);
        let name = parent.map_or(own.clone(), |parent| format!("{}/{own}", facts.channels[parent].name));
        let labels = (0..2).map(|_| mark(Named::Label, Numbers::next(&mut self.numbers.labels))).collect();
        let privacy =
            self.seed.of(&[Privacy::Public, Privacy::Public, Privacy::Authenticated, Privacy::Private]);
        let (given, locked) = (self.given(facts, owner, 3), BTreeSet::new());
        Channel { name, parent, owner, privacy, given, labels, locked, gone: false }
    }

    /// A package of a channel, now and then under a name that another kind bears there.
    pub(crate) fn package(&mut self, facts: &Facts, channel: usize) -> Package {
        let mut kind = self.seed.of(&Kind::ALL);
        if self.seed.percent(40) {
            kind = self.seed.of(&[Kind::Conda, Kind::Pypi]);
        }
        let others: Vec<&str> = facts.inside(channel).map(|package| package.name.as_str()).collect();
        let taken = |name: &str| facts.inside(channel).any(|it| it.name == name && it.kind == kind);
        let other = self.seed.any(&others).filter(|name| !taken(name) && self.seed.percent(25));
        let name = match other {
            Some(name) => name.to_owned(),
            None => mark(Named::Package, Numbers::next(&mut self.numbers.packages)),
        };
        let given = if self.seed.percent(40) {
            self.given(facts, facts.channels[channel].owner, 2)
        } else {
            Given::new()
        };
        let private = self.seed.percent(40);
        let versions = 1 + self.seed.below(2);
        let files = (1..=versions).map(|n| self.file(&facts.channels[channel], (kind, &name), n)).collect();
        Package { channel, kind, name, private, given, files, gone: false }
    }

    fn file(&mut self, channel: &Channel, (kind, name): (Kind, &str), n: usize) -> Stored {
        let version = format!("{n}.0");
        let subdir = self.seed.of(&["noarch", "noarch", "linux-64"]);
        let file = match kind {
            Kind::Conda if self.seed.percent(30) => Conda::new(name, &version).subdir(subdir).tar_bz2(),
            Kind::Conda => Conda::new(name, &version).subdir(subdir).conda(),
            Kind::Pypi => wheel(name, &version),
            Kind::Notebook => {
                let text = r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}"#;
                plain(name, &version, "ipynb", text)
            }
            Kind::Environment => {
                plain(name, &version, "yml", &format!("name: {name}\ndependencies:\n  - python\n"))
            }
            Kind::File => plain(name, &version, "txt", &format!("{name} {version}")),
        };
        let mut labels = BTreeSet::from(["main".to_owned()]);
        if self.seed.percent(35) {
            labels.insert(self.seed.of(&[&channel.labels[0], &channel.labels[1]]).clone());
        }
        if labels.len() > 1 && self.seed.percent(50) {
            labels.remove("main");
        }
        let subdir = if kind == Kind::Conda { subdir.to_owned() } else { String::new() };
        Stored { version, subdir, filename: file.name, bytes: file.bytes, labels }
    }

    fn tokens(&mut self, facts: &mut Facts, size: Size) {
        let robots = facts.accounts_of(Sort::Service);
        for n in 0..size.resource_tokens {
            let owner = robots.get(n).copied();
            facts.tokens.extend(self.resource_token(facts, owner));
        }
        for n in 0..size.scope_tokens {
            let owner = robots.get(n).copied();
            facts.tokens.push(self.scope_token(facts, owner));
        }
    }

    /// A token for one to three channels, if its owner holds anything in some.
    pub(crate) fn resource_token(&mut self, facts: &Facts, owner: Option<usize>) -> Option<Token> {
        let owner = owner.unwrap_or_else(|| self.seed.of(&members(facts)));
        let held = facts.live_channels().into_iter();
        let held: Vec<_> = held.filter_map(|at| Some((at, facts.account_level(owner, at)?))).collect();
        let most = 1 + self.seed.below(3);
        let some = self.seed.some(&held, most);
        let mut grant = |(at, most): (usize, Level)| {
            let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| *level <= most).collect();
            (at, self.seed.of(&levels))
        };
        let grants: Vec<_> = some.into_iter().map(&mut grant).collect();
        (!grants.is_empty()).then(|| Token { owner, ..maker_token(Opens::Channels(grants)) })
    }

    pub(crate) fn scope_token(&mut self, facts: &Facts, owner: Option<usize>) -> Token {
        let owner = owner.unwrap_or_else(|| self.seed.of(&members(facts)));
        let scopes = SCOPES[self.numbers.tokens % SCOPES.len()];
        self.numbers.tokens += 1;
        Token { owner, ..maker_token(Opens::Scopes(scopes.to_vec())) }
    }
}

fn plain(name: &str, version: &str, ending: &str, text: &str) -> testkit::package::File {
    testkit::package::File { name: format!("{name}-{version}.{ending}"), bytes: text.as_bytes().to_vec() }
}
