//! Makes the world and changes it, by the calls that people make.

use std::collections::BTreeMap;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Session};

use crate::fact::{Account, Channel, Facts, Group, Kind, Level, Opens, Package, Sort, Stored, Token, Who};

const PASSWORD: &str = "correct horse battery staple";

/// Calls under way at once.
const AT_ONCE: usize = 8;

/// Makes things, as the administrator.
pub(crate) struct Hands {
    pub(crate) admin: Session,
    /// Ids of accounts by login.
    pub(crate) ids: BTreeMap<String, String>,
}

/// A channel's name as one segment.
pub(crate) fn segment(name: &str) -> String {
    name.replace('/', "%2F")
}

impl Hands {
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let request = self.admin.request(method, path);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        self.admin.send(request).await?.good().with_context(|| format!("{path} {body:?}"))
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.call(Method::DELETE, path, None).await
    }

    async fn account(&self, facts: &Facts, account: &Account) -> anyhow::Result<(String, String)> {
        let mut body = json!({ "login": account.login });
        match account.sort {
            Sort::Person => body["password"] = json!(PASSWORD),
            Sort::Organisation => body["kind"] = json!("organisation"),
            Sort::Service => body["kind"] = json!("service_account"),
        }
        let owners: Vec<_> = account.owners.iter().map(|at| &facts.accounts[*at].login).collect();
        body["owners"] = json!(owners);
        let made = self.call(Method::POST, "/api/v1/accounts", Some(body)).await?.json();
        Ok((account.login.clone(), made["id"].as_str().context("an account has no id")?.to_owned()))
    }

    /// Makes everything, and gives the tokens their strings.
    pub(crate) async fn world(&mut self, facts: &mut Facts) -> anyhow::Result<()> {
        for sort in [Sort::Person, Sort::Organisation, Sort::Service] {
            let new = facts.accounts.iter().filter(|account| account.sort == sort && !account.admin);
            let made = each(new.map(|account| self.account(facts, account))).await?;
            self.ids.extend(made);
        }
        for group in &facts.groups {
            self.group(facts, group).await?;
        }
        for below in [false, true] {
            let new = facts.channels.iter().filter(|channel| channel.parent.is_some() == below);
            each(new.map(|channel| self.channel(facts, channel))).await?;
        }
        each(facts.packages.iter().map(|package| self.package(facts, package))).await?;
        for at in 0..facts.tokens.len() {
            let token = facts.tokens[at].clone();
            facts.tokens[at] = self.token(facts, token, at).await?;
        }
        Ok(())
    }

    pub(crate) async fn group(&self, facts: &Facts, group: &Group) -> anyhow::Result<()> {
        let path = format!("/api/v1/organisations/{}/groups", facts.accounts[group.organisation].login);
        self.call(Method::POST, &path, Some(json!({ "name": group.name }))).await?;
        for member in &group.members {
            let path = format!("{path}/{}/members/{}", group.name, facts.accounts[*member].login);
            self.call(Method::PUT, &path, None).await?;
        }
        Ok(())
    }

    pub(crate) async fn channel(&self, facts: &Facts, channel: &Channel) -> anyhow::Result<()> {
        let mut body = json!({ "privacy": channel.privacy.word() });
        let path = match channel.name.split_once('/') {
            Some((above, own)) => {
                body["name"] = json!(own);
                format!("/api/v1/channels/{above}/subchannels")
            }
            None => {
                body["name"] = json!(channel.name);
                body["owner_id"] = json!(self.ids[&facts.accounts[channel.owner].login]);
                "/api/v1/channels".to_owned()
            }
        };
        self.call(Method::POST, &path, Some(body)).await?;
        let path = format!("/api/v1/channels/{}", segment(&channel.name));
        for (who, level) in &channel.given {
            self.give(facts, &path, *who, Some(*level)).await?;
        }
        Ok(())
    }

    /// Gives a level on what is at a path, or takes it away.
    pub(crate) async fn give(
        &self,
        facts: &Facts,
        path: &str,
        who: Who,
        level: Option<Level>,
    ) -> anyhow::Result<Answer> {
        let path = match who {
            Who::Account(at) => format!("{path}/grants/{}", facts.accounts[at].login),
            Who::Group(at) => {
                let group = &facts.groups[at];
                format!("{path}/groups/{}/{}", facts.accounts[group.organisation].login, group.name)
            }
        };
        match level {
            Some(level) => self.put(&path, json!({ "level": level.word() })).await,
            None => self.delete(&path).await,
        }
    }

    pub(crate) async fn package(&self, facts: &Facts, package: &Package) -> anyhow::Result<()> {
        let channel = &facts.channels[package.channel].name;
        for file in &package.files {
            self.upload(channel, package, file).await?;
        }
        let path = package_path(facts, package);
        for (who, level) in &package.given {
            self.give(facts, &path, *who, Some(*level)).await?;
        }
        Ok(())
    }

    /// Uploads a file by its kind's own way; the first makes the package, private or not from the first moment on.
    async fn upload(&self, channel: &str, package: &Package, file: &Stored) -> anyhow::Result<()> {
        let mut query = format!("private={}", package.private);
        for label in &file.labels {
            query.push_str(&format!("&label={label}"));
        }
        let (name, filename) = (&package.name, &file.filename);
        let request = match package.kind {
            Kind::Conda => {
                let path = format!("/api/channels/{}/upload/{filename}?{query}", segment(channel));
                self.admin.request(Method::POST, &path).body(file.bytes.clone())
            }
            Kind::Pypi => {
                let content = reqwest::multipart::Part::bytes(file.bytes.clone()).file_name(filename.clone());
                let form = reqwest::multipart::Form::new()
                    .text(":action", "file_upload")
                    .text("protocol_version", "1")
                    .text("filetype", "bdist_wheel")
                    .part("content", content);
                self.admin.request(Method::POST, &format!("/pypi/{channel}/legacy/?{query}")).multipart(form)
            }
            Kind::Notebook | Kind::Environment | Kind::File => {
                let (kind, version) = (package.kind.word(), &file.version);
                let path = format!(
                    "/api/v1/channels/{}/artifacts/{kind}/{filename}?name={name}&version={version}&{query}",
                    segment(channel)
                );
                self.admin.request(Method::PUT, &path).body(file.bytes.clone())
            }
        };
        let answer =
            self.admin.send(request).await?.good().with_context(|| format!("{filename} to {channel}"))?;
        anyhow::ensure!(!answer.headers.contains_key("latchkey-pending"), "{filename} is late");
        Ok(())
    }

    /// A session signed in anew, or a token issued: by its owner, or for a service account by the administrator.
    pub(crate) async fn token(&self, facts: &Facts, token: Token, number: usize) -> anyhow::Result<Token> {
        let owner = &facts.accounts[token.owner];
        let mut body = json!({ "name": format!("token{number}") });
        match &token.opens {
            Opens::All if owner.admin => {
                return Ok(Token { string: self.admin.token().to_owned(), ..token });
            }
            Opens::All => {
                let body = json!({ "login": owner.login, "password": PASSWORD, "note": "world" });
                let made = self.admin.nobody().post("/api/v1/session", &body).await?.good()?.json();
                return with_string(token, &made);
            }
            Opens::Channels(grants) => {
                let grant = |(at, level): &(usize, Level)| json!({ "channel": facts.channels[*at].name, "level": level.word() });
                body["grants"] = grants.iter().map(grant).collect();
            }
            Opens::Scopes(scopes) => body["scopes"] = json!(scopes),
        }
        let by = match owner.sort {
            Sort::Person => {
                let own = |it: &&Token| it.owner == token.owner && it.opens == Opens::All && !it.revoked;
                let session =
                    facts.tokens.iter().rfind(own).context("whoever issues a token has a session")?;
                self.admin.with(&session.string)
            }
            Sort::Organisation | Sort::Service => {
                body["owner"] = json!(owner.login);
                self.admin.clone()
            }
        };
        let answer = by.post("/api/v1/tokens", &body).await?.good().with_context(|| format!("{body}"))?;
        with_string(token, &answer.json())
    }
}

fn with_string(token: Token, made: &Value) -> anyhow::Result<Token> {
    let string = made["token"].as_str().context("an answer has no token")?.to_owned();
    let id = made["id"].as_str().context("an answer has no id")?.to_owned();
    Ok(Token { id, string, ..token })
}

/// Where a package is changed.
pub(crate) fn package_path(facts: &Facts, package: &Package) -> String {
    let channel = segment(&facts.channels[package.channel].name);
    format!("/api/v1/channels/{channel}/packages/{}/{}", package.kind.word(), package.name)
}

async fn each<T>(
    calls: impl Iterator<Item = impl Future<Output = anyhow::Result<T>>>,
) -> anyhow::Result<Vec<T>> {
    futures::stream::iter(calls).buffer_unordered(AT_ONCE).try_collect().await
}
