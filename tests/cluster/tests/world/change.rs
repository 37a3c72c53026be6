//! Random changes of who may see what, made by a call and noted in the facts; and whom and what each of them touches.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::fact::{Facts, Group, Level, Opens, Privacy, Sort, Token, Who};
use crate::generate::{Maker, members};
use crate::make::{Hands, package_path, segment};

/// What a change concerns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// For people who read what went wrong.
    pub(crate) what: String,
    pub(crate) accounts: BTreeSet<usize>,
    pub(crate) tokens: BTreeSet<usize>,
    pub(crate) channels: BTreeSet<usize>,
    pub(crate) packages: BTreeSet<usize>,
}

impl Touched {
    fn new(what: String) -> Self {
        Self { what, ..Self::default() }
    }

    fn who(mut self, facts: &Facts, who: Who) -> Self {
        match who {
            Who::Account(at) => drop(self.accounts.insert(at)),
            Who::Group(at) => self.accounts.extend(&facts.groups[at].members),
        }
        self
    }

    fn account(mut self, at: usize) -> Self {
        self.accounts.insert(at);
        self
    }

    fn token(mut self, at: usize) -> Self {
        self.tokens.insert(at);
        self
    }

    fn channel(mut self, at: usize) -> Self {
        self.channels.insert(at);
        self
    }

    fn package(mut self, at: usize) -> Self {
        self.packages.insert(at);
        self
    }
}

/// Makes changes.
pub(crate) struct Changer<'a> {
    pub(crate) maker: &'a mut Maker,
    pub(crate) hands: &'a Hands,
    pub(crate) facts: &'a mut Facts,
}

impl Changer<'_> {
    /// One change; none where the world has nothing to do it to.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Touched>> {
        Ok(match self.maker.seed.below(100) {
            0..10 => self.channel_privacy().await?,
            10..25 => self.package_privacy().await?,
            25..37 => self.grant_channel().await?,
            37..52 => self.grant_package().await?,
            52..66 => self.member().await?,
            66..69 => self.group().await?,
            69..73 => self.owners().await?,
            73..77 => self.disabled().await?,
            77..83 => self.revoke().await?,
            83..88 => self.issue().await?,
            88..91 => self.reissue().await?,
            91..95 => self.label().await?,
            95..97 => self.lock().await?,
            97..99 => self.replace_package().await?,
            _ => self.replace_channel().await?,
        })
    }

    fn any(&mut self, all: &[usize]) -> Option<usize> {
        self.maker.seed.any(all)
    }

    async fn channel_privacy(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_channels()) else { return Ok(None) };
        let privacy = self.maker.seed.of(&Privacy::ALL);
        let name = self.facts.channels[at].name.clone();
        let path = format!("/api/v1/channels/{}", segment(&name));
        self.hands.call(Method::PATCH, &path, Some(json!({ "privacy": privacy.word() }))).await?;
        self.facts.channels[at].privacy = privacy;
        Ok(Some(Touched::new(format!("channel {name} is {privacy:?}")).channel(at)))
    }

    async fn package_privacy(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_packages()) else { return Ok(None) };
        let private = !self.facts.packages[at].private;
        let path = package_path(self.facts, &self.facts.packages[at]);
        self.hands.call(Method::PATCH, &path, Some(json!({ "private": private }))).await?;
        self.facts.packages[at].private = private;
        Ok(Some(Touched::new(format!("{path} private: {private}")).package(at)))
    }

    /// A level given anew, or one that was given taken away.
    fn gift(&mut self, given: &crate::fact::Given, owner: usize) -> (Who, Option<Level>) {
        let held: Vec<Who> = given.keys().copied().collect();
        match self.maker.seed.any(&held).filter(|_| self.maker.seed.percent(50)) {
            Some(who) => (who, None),
            None => (self.maker.who(self.facts, owner), Some(self.maker.seed.of(&Level::ALL))),
        }
    }

    async fn grant_channel(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_channels()) else { return Ok(None) };
        let (who, level) = self.gift(&self.facts.channels[at].given.clone(), self.facts.channels[at].owner);
        let path = format!("/api/v1/channels/{}", segment(&self.facts.channels[at].name));
        self.hands.give(self.facts, &path, who, level).await?;
        let given = &mut self.facts.channels[at].given;
        match level {
            Some(level) => given.insert(who, level),
            None => given.remove(&who),
        };
        let mut touched =
            Touched::new(format!("{path} gives {who:?} {level:?}")).who(self.facts, who).channel(at);
        touched
            .channels
            .extend((0..self.facts.channels.len()).filter(|it| self.facts.channels[*it].parent == Some(at)));
        Ok(Some(touched))
    }

    async fn grant_package(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_packages()) else { return Ok(None) };
        let owner = self.facts.channels[self.facts.packages[at].channel].owner;
        let (who, level) = self.gift(&self.facts.packages[at].given.clone(), owner);
        let path = package_path(self.facts, &self.facts.packages[at]);
        self.hands.give(self.facts, &path, who, level).await?;
        let given = &mut self.facts.packages[at].given;
        match level {
            Some(level) => given.insert(who, level),
            None => given.remove(&who),
        };
        let what = format!("{path} gives {who:?} {level:?}");
        Ok(Some(Touched::new(what).who(self.facts, who).package(at)))
    }

    /// What was given to a group.
    fn given_to(&self, group: usize, mut touched: Touched) -> Touched {
        let who = Who::Group(group);
        let channels = self.facts.live_channels().into_iter();
        touched
            .channels
            .extend(channels.filter(|at| self.facts.channels[*at].given.contains_key(&who)).take(2));
        let packages = self.facts.live_packages().into_iter();
        touched
            .packages
            .extend(packages.filter(|at| self.facts.packages[*at].given.contains_key(&who)).take(3));
        touched
    }

    async fn member(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_groups()) else { return Ok(None) };
        let group = &self.facts.groups[at];
        let inside: Vec<usize> = group.members.iter().copied().collect();
        let leaves = self.maker.seed.any(&inside).filter(|_| self.maker.seed.percent(50));
        let login = |account: usize| &self.facts.accounts[account].login;
        let path =
            format!("/api/v1/organisations/{}/groups/{}/members", login(group.organisation), group.name);
        let (account, what) = match leaves {
            Some(account) => {
                self.hands.delete(&format!("{path}/{}", login(account))).await?;
                self.facts.groups[at].members.remove(&account);
                (account, "leaves")
            }
            None => {
                let account = self.maker.seed.of(&members(self.facts));
                self.hands.call(Method::PUT, &format!("{path}/{}", login(account)), None).await?;
                self.facts.groups[at].members.insert(account);
                (account, "joins")
            }
        };
        let what = format!("{} {what} {}", self.facts.accounts[account].login, self.facts.groups[at].name);
        Ok(Some(self.given_to(at, Touched::new(what).account(account))))
    }

    /// A group goes and another comes.
    async fn group(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_groups()) else { return Ok(None) };
        let Group { organisation, name, members: inside, .. } = self.facts.groups[at].clone();
        let what = format!("group {name} is deleted");
        let touched = self.given_to(at, Touched::new(what).who(self.facts, Who::Group(at)));
        let login = &self.facts.accounts[organisation].login;
        self.hands.delete(&format!("/api/v1/organisations/{login}/groups/{name}")).await?;
        self.facts.groups[at].gone = true;
        let who = Who::Group(at);
        self.facts.channels.iter_mut().for_each(|channel| channel.given.retain(|held, _| *held != who));
        self.facts.packages.iter_mut().for_each(|package| package.given.retain(|held, _| *held != who));
        let able = members(self.facts);
        let members = inside.into_iter().filter(|member| able.contains(member)).collect();
        let group = Group { organisation, name: self.maker.numbers.group(), members, gone: false };
        self.hands.group(self.facts, &group).await?;
        self.facts.groups.push(group);
        Ok(Some(touched))
    }

    async fn owners(&mut self) -> anyhow::Result<Option<Touched>> {
        let owned = [Sort::Organisation, Sort::Service].map(|sort| self.facts.accounts_of(sort)).concat();
        let people: Vec<usize> = members(self.facts)
            .into_iter()
            .filter(|at| self.facts.accounts[*at].sort == Sort::Person)
            .collect();
        let Some(at) = self.any(&owned).filter(|_| !people.is_empty()) else { return Ok(None) };
        let owners: BTreeSet<usize> = self.maker.seed.some(&people, 2).into_iter().collect();
        let login = self.facts.accounts[at].login.clone();
        let logins: Vec<_> = owners.iter().map(|owner| &self.facts.accounts[*owner].login).collect();
        self.hands.put(&format!("/api/v1/accounts/{login}/owners"), json!({ "owners": logins })).await?;
        let mut touched = Touched::new(format!("{login} is owned by {logins:?}"));
        let before = std::mem::replace(&mut self.facts.accounts[at].owners, owners.clone());
        touched.accounts.extend(before.symmetric_difference(&owners));
        let channels = self.facts.live_channels().into_iter();
        touched.channels.extend(channels.filter(|it| self.facts.channels[*it].owner == at).take(2));
        Ok(Some(touched))
    }

    async fn disabled(&mut self) -> anyhow::Result<Option<Touched>> {
        let all = [Sort::Person, Sort::Service].map(|sort| self.facts.accounts_of(sort)).concat();
        let out: Vec<usize> = all.iter().copied().filter(|at| self.facts.accounts[*at].disabled).collect();
        let able = members(self.facts);
        // Few are out at a time.
        let back = self.maker.seed.any(&out).filter(|_| out.len() > 2 || self.maker.seed.percent(60));
        let (at, disable) = match back {
            Some(at) => (at, false),
            None => (self.maker.seed.of(&able), true),
        };
        let login = self.facts.accounts[at].login.clone();
        let word = if disable { "disable" } else { "enable" };
        self.hands.call(Method::POST, &format!("/api/v1/accounts/{login}/{word}"), Some(json!({}))).await?;
        self.facts.accounts[at].disabled = disable;
        let mut touched = Touched::new(format!("{login}: {word}")).account(at);
        let some = self.maker.seed.some(&self.facts.live_channels(), 2);
        touched.channels.extend(some);
        Ok(Some(touched))
    }

    /// Channels that a token is about.
    fn reach(&mut self, at: usize, touched: Touched) -> Touched {
        let mut touched = touched.token(at);
        match &self.facts.tokens[at].opens {
            Opens::Channels(grants) => {
                let named = grants.iter().map(|(channel, _)| *channel);
                touched.channels.extend(named.filter(|channel| !self.facts.channels[*channel].gone));
            }
            Opens::All | Opens::Scopes(_) => {
                let some = self.maker.seed.some(&self.facts.live_channels(), 1);
                touched.channels.extend(some);
            }
        }
        touched
    }

    fn live_tokens(&self) -> Vec<usize> {
        let live = |at: &usize| {
            let token = &self.facts.tokens[*at];
            !token.revoked && !self.facts.accounts[token.owner].disabled && token.owner != 0
        };
        (0..self.facts.tokens.len()).filter(live).collect()
    }

    async fn revoke(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.live_tokens()) else { return Ok(None) };
        let token = self.facts.tokens[at].clone();
        let login = &self.facts.accounts[token.owner].login;
        self.hands.delete(&format!("/api/v1/tokens/{}?owner={login}", token.id)).await?;
        self.facts.tokens[at].revoked = true;
        let touched = Touched::new(format!("a {:?} of {login} is revoked", token.opens));
        if token.opens == Opens::All {
            let again = Token { revoked: false, ..token };
            let again = self.hands.token(self.facts, again, 0).await?;
            self.facts.tokens.push(again);
        }
        Ok(Some(self.reach(at, touched)))
    }

    async fn issue(&mut self) -> anyhow::Result<Option<Touched>> {
        let token = match self.maker.seed.percent(60) {
            true => self.maker.resource_token(self.facts, None),
            false => Some(self.maker.scope_token(self.facts, None)),
        };
        let Some(token) = token else { return Ok(None) };
        let at = self.facts.tokens.len();
        let token = self.hands.token(self.facts, token, at).await?;
        let what = format!("{} gets {:?}", self.facts.accounts[token.owner].login, token.opens);
        self.facts.tokens.push(token);
        Ok(Some(self.reach(at, Touched::new(what))))
    }

    /// The older string is dead, a newer opens the same.
    async fn reissue(&mut self) -> anyhow::Result<Option<Touched>> {
        let mut live = self.live_tokens();
        live.retain(|at| self.facts.tokens[*at].opens != Opens::All);
        let Some(at) = self.any(&live) else { return Ok(None) };
        let token = self.facts.tokens[at].clone();
        let login = &self.facts.accounts[token.owner].login;
        let path = format!("/api/v1/tokens/{}/reissue?owner={login}", token.id);
        let made = self.hands.call(Method::POST, &path, Some(json!({}))).await?.json();
        let string = made["token"].as_str().unwrap_or_default().to_owned();
        anyhow::ensure!(!string.is_empty(), "a token reissued has no string");
        self.facts.tokens[at].revoked = true;
        let touched = Touched::new(format!("a {:?} of {login} is reissued", token.opens));
        let newer = self.facts.tokens.len();
        self.facts.tokens.push(Token { string, ..token });
        Ok(Some(self.reach(at, touched).token(newer)))
    }

    async fn label(&mut self) -> anyhow::Result<Option<Touched>> {
        let unlocked = |at: &usize| self.facts.channels[self.facts.packages[*at].channel].locked.is_empty();
        let packages: Vec<usize> = self.facts.live_packages().into_iter().filter(unlocked).collect();
        let Some(at) = self.any(&packages) else { return Ok(None) };
        let package = self.facts.packages[at].clone();
        let channel = &self.facts.channels[package.channel];
        let label = self.maker.seed.of(&[&channel.labels[0], &channel.labels[1]]).clone();
        let path = format!("/api/v1/channels/{}/labels/{label}/files", segment(&channel.name));
        let body = json!({ "name": package.name, "kind": package.kind.word() });
        let bears = package.files.iter().any(|file| file.labels.contains(&label));
        // A file without any label would be found under none.
        let only = package.files.iter().any(|file| file.labels.len() == 1 && file.labels.contains(&label));
        let takes = bears && !only;
        self.hands.call(if takes { Method::DELETE } else { Method::POST }, &path, Some(body)).await?;
        for file in &mut self.facts.packages[at].files {
            if takes {
                file.labels.remove(&label);
            } else {
                file.labels.insert(label.clone());
            }
        }
        let what = format!("{} {label}: taken {takes}", package.name);
        Ok(Some(Touched::new(what).package(at).channel(package.channel)))
    }

    async fn lock(&mut self) -> anyhow::Result<Option<Touched>> {
        let Some(at) = self.any(&self.facts.live_channels()) else { return Ok(None) };
        let channel = &self.facts.channels[at];
        let label = self.maker.seed.of(&[&channel.labels[0], &channel.labels[1]]).clone();
        let path = format!("/api/v1/channels/{}/labels/{label}/lock", segment(&channel.name));
        let locked = channel.locked.contains(&label);
        let what = format!("{path}: {}", !locked);
        if locked {
            self.hands.delete(&path).await?;
            self.facts.channels[at].locked.remove(&label);
        } else {
            self.hands.call(Method::PUT, &path, None).await?;
            self.facts.channels[at].locked.insert(label);
        }
        Ok(Some(Touched::new(what).channel(at)))
    }

    /// A package goes and another comes.
    async fn replace_package(&mut self) -> anyhow::Result<Option<Touched>> {
        let unlocked = |at: &usize| self.facts.channels[self.facts.packages[*at].channel].locked.is_empty();
        let packages: Vec<usize> = self.facts.live_packages().into_iter().filter(unlocked).collect();
        let Some(at) = self.any(&packages) else { return Ok(None) };
        let path = package_path(self.facts, &self.facts.packages[at]);
        self.hands.delete(&path).await?;
        self.facts.packages[at].gone = true;
        let channel = self.facts.packages[at].channel;
        let package = self.maker.package(self.facts, channel);
        self.hands.package(self.facts, &package).await?;
        let new = self.facts.packages.len();
        self.facts.packages.push(package);
        Ok(Some(Touched::new(format!("{path} is deleted")).package(at).package(new).channel(channel)))
    }

    /// A channel goes with all that is in it, and another comes.
    async fn replace_channel(&mut self) -> anyhow::Result<Option<Touched>> {
        let parents: BTreeSet<usize> =
            self.facts.channels.iter().filter_map(|channel| channel.parent).collect();
        let mut leaves = self.facts.live_channels();
        leaves.retain(|at| !parents.contains(at));
        let Some(at) = self.any(&leaves).filter(|_| leaves.len() > 2) else { return Ok(None) };
        let name = self.facts.channels[at].name.clone();
        self.hands.delete(&format!("/api/v1/channels/{}", segment(&name))).await?;
        self.facts.channels[at].gone = true;
        for package in self.facts.packages.iter_mut().filter(|package| package.channel == at) {
            package.gone = true;
        }
        let channel = self.maker.channel(self.facts);
        self.hands.channel(self.facts, &channel).await?;
        let new = self.facts.channels.len();
        self.facts.channels.push(channel);
        let mut touched = Touched::new(format!("channel {name} is deleted")).channel(at).channel(new);
        for _ in 0..2 {
            let package = self.maker.package(self.facts, new);
            self.hands.package(self.facts, &package).await?;
            touched.packages.insert(self.facts.packages.len());
            self.facts.packages.push(package);
        }
        Ok(Some(touched))
    }
}
