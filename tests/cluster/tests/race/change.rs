//! Changes of access, each followed at once by requests through every gateway that must show it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use anyhow::Context as _;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::package::Conda;
use testkit::{Cluster, Session};

use crate::reader::named;

/// Everybody's changes are of things of their own.
pub(crate) struct World {
    gateways: [Session; 2],
    admin: Session,
    people: BTreeMap<&'static str, (String, Session)>,
    pub(crate) checks: AtomicU64,
}

/// What the log must hold of one object.
pub(crate) struct Told {
    /// `channel_id` or `package_id`, and which.
    object: (&'static str, String),
    subject: Value,
    /// Before and after.
    pub(crate) changes: Vec<(&'static str, &'static str)>,
}

/// What a request is to show.
enum Shows<'a> {
    Status(u16),
    Named(&'a str, bool),
}

const PEOPLE: [&str; 4] = ["ada", "ben", "cleo", "dora"];

async fn id(answer: testkit::Answer) -> anyhow::Result<String> {
    let json = answer.good()?.json();
    Ok(json["id"].as_str().context("no id")?.to_owned())
}

impl World {
    pub(crate) async fn make(cluster: &Cluster, gateways: [Session; 2]) -> anyhow::Result<Self> {
        let admin = cluster.admin().clone();
        let mut people = BTreeMap::new();
        for login in PEOPLE {
            let session = cluster.create_person(login).await?;
            let who = session.get("/api/v1/whoami").await?.good()?.json();
            people.insert(login, (who["account"]["id"].as_str().context("no id")?.to_owned(), session));
        }
        // What the background reads.
        admin.create_channel("lab", "public").await?;
        let checks = AtomicU64::new(0);
        Ok(Self { gateways, admin, people, checks })
    }

    /// Those who read beside the changes.
    pub(crate) fn background(&self) -> Vec<Session> {
        self.gateways.iter().map(Session::nobody).collect()
    }

    fn person(&self, login: &str) -> &(String, Session) {
        &self.people[login]
    }

    /// Asks through every gateway at once; each answer must show it.
    async fn holds(
        &self,
        token: Option<&str>,
        path: &str,
        shows: &Shows<'_>,
        what: &str,
    ) -> anyhow::Result<()> {
        let ask = |gateway: &Session| {
            let caller = token.map_or_else(|| gateway.nobody(), |token| gateway.with(token));
            async move { caller.get(path).await }
        };
        for answer in try_join_all(self.gateways.iter().map(ask)).await? {
            self.checks.fetch_add(1, SeqCst);
            let right = match shows {
                Shows::Status(status) => answer.status == *status,
                Shows::Named(name, shown) => answer.is_success() && named(&answer.body, name) == *shown,
            };
            anyhow::ensure!(right, "{what}: {path} says {} {}", answer.status, answer.text());
        }
        Ok(())
    }

    async fn channel(&self, name: &str, privacy: &str) -> anyhow::Result<String> {
        let made = self.admin.create_channel(name, privacy).await?;
        self.admin.upload(name, &Conda::new("tool", "1.0").conda()).await?.good()?;
        Ok(made["id"].as_str().context("no id")?.to_owned())
    }

    async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.admin.request(Method::PATCH, path).json(body);
        self.admin.send(request).await?.good().map(drop)
    }

    async fn put(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.admin.request(Method::PUT, path).json(body);
        self.admin.send(request).await?.good().map(drop)
    }

    async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.admin.delete(path).await?.good().map(drop)
    }

    pub(crate) async fn package_hidden_and_shown(&self, rounds: usize) -> anyhow::Result<Told> {
        self.channel("first", "public").await?;
        let package = "/api/v1/channels/first/packages/conda/tool";
        let object = ("package_id", id(self.admin.get(package).await?).await?);
        let mut changes = Vec::new();
        for n in 0..rounds {
            let private = n % 2 == 0;
            self.patch(package, &json!({ "private": private })).await?;
            changes.push(if private { ("public", "private") } else { ("private", "public") });
            let shows = Shows::Named("tool", !private);
            let status = Shows::Status(if private { 404 } else { 200 });
            let what = format!("the package is private: {private}");
            for path in ["repodata.json", "repodata.json.zst", "repodata_shards.msgpack.zst"] {
                self.holds(None, &format!("/first/noarch/{path}"), &shows, &what).await?;
            }
            self.holds(None, "/first/channeldata.json", &shows, &what).await?;
            self.holds(None, "/first/noarch/tool-1.0-0.conda", &status, &what).await?;
        }
        Ok(Told { object, subject: json!("everyone"), changes })
    }

    pub(crate) async fn channel_closed_and_opened(&self, rounds: usize) -> anyhow::Result<Told> {
        let object = ("channel_id", self.channel("second", "public").await?);
        let (_, stranger) = self.person("dora");
        let words = ["public", "private", "authenticated"];
        let mut changes = Vec::new();
        for n in 0..rounds {
            let (before, after) = (words[n % 3], words[(n + 1) % 3]);
            self.patch("/api/v1/channels/second", &json!({ "privacy": after })).await?;
            changes.push((before, after));
            let anyone = Shows::Status(if after == "public" { 200 } else { 401 });
            let signed_in = Shows::Status(if after == "private" { 403 } else { 200 });
            for path in ["/second/noarch/repodata.json", "/pypi/second/simple/", "/api/v1/channels/second"] {
                self.holds(None, path, &anyone, after).await?;
                self.holds(Some(stranger.token()), path, &signed_in, after).await?;
            }
        }
        Ok(Told { object, subject: json!("everyone"), changes })
    }

    pub(crate) async fn account_given_and_taken(&self, rounds: usize) -> anyhow::Result<Told> {
        let object = ("channel_id", self.channel("third", "private").await?);
        let (account, ada) = self.person("ada");
        let mut changes = Vec::new();
        for n in 0..rounds {
            let given = n % 2 == 0;
            if given {
                self.put("/api/v1/channels/third/grants/ada", &json!({ "level": "read" })).await?;
            } else {
                self.delete("/api/v1/channels/third/grants/ada").await?;
            }
            changes.push(if given { ("none", "read") } else { ("read", "none") });
            let status = Shows::Status(if given { 200 } else { 403 });
            for path in
                ["/third/noarch/repodata.json.zst", "/third/noarch/tool-1.0-0.conda", "/api/packages/third"]
            {
                self.holds(Some(ada.token()), path, &status, "read on the channel").await?;
            }
            self.holds(Some(ada.token()), "/api/v1/channels", &Shows::Named("third", given), "list").await?;
        }
        Ok(Told { object, subject: json!(account), changes })
    }

    /// A group of an organisation of its own, with one member.
    async fn group(&self, organisation: &str, member: &str) -> anyhow::Result<String> {
        let body = json!({ "login": organisation, "kind": "organisation" });
        self.admin.post("/api/v1/accounts", &body).await?.good()?;
        let groups = format!("/api/v1/organisations/{organisation}/groups");
        let group = id(self.admin.post(&groups, &json!({ "name": "devs" })).await?).await?;
        self.put(&format!("{groups}/devs/members/{member}"), &json!({})).await?;
        Ok(group)
    }

    pub(crate) async fn group_given_a_package(&self, rounds: usize) -> anyhow::Result<Told> {
        self.channel("fourth", "public").await?;
        let group = self.group("guild", "ben").await?;
        let package = "/api/v1/channels/fourth/packages/conda/tool";
        self.patch(package, &json!({ "private": true })).await?;
        let object = ("package_id", id(self.admin.get(package).await?).await?);
        let (_, ben) = self.person("ben");
        let steps = [("none", "read"), ("read", "manage"), ("manage", "none")];
        let mut changes = Vec::new();
        for n in 0..rounds {
            let (before, after) = steps[n % 3];
            match after {
                "none" => self.delete(&format!("{package}/groups/guild/devs")).await?,
                level => {
                    self.put(&format!("{package}/groups/guild/devs"), &json!({ "level": level })).await?
                }
            }
            changes.push((before, after));
            let given = after != "none";
            for path in ["/fourth/noarch/repodata.json", "/api/v1/search?q=tool&channel=fourth"] {
                self.holds(Some(ben.token()), path, &Shows::Named("tool", given), after).await?;
            }
            let status = Shows::Status(if given { 200 } else { 404 });
            self.holds(Some(ben.token()), package, &status, after).await?;
        }
        Ok(Told { object, subject: json!({ "group_id": group }), changes })
    }

    pub(crate) async fn member_in_and_out(&self, rounds: usize) -> anyhow::Result<Told> {
        let object = ("channel_id", self.channel("fifth", "private").await?);
        let group = self.group("order", "cleo").await?;
        self.put("/api/v1/channels/fifth/groups/order/devs", &json!({ "level": "write" })).await?;
        let (_, cleo) = self.person("cleo");
        for n in 0..rounds {
            let inside = n % 2 == 1;
            let member = "/api/v1/organisations/order/groups/devs/members/cleo";
            match inside {
                true => self.put(member, &json!({})).await?,
                false => self.delete(member).await?,
            }
            let status = Shows::Status(if inside { 200 } else { 403 });
            for path in
                ["/fifth/noarch/repodata.json", "/fifth/noarch/tool-1.0-0.conda", "/pypi/fifth/simple/"]
            {
                self.holds(Some(cleo.token()), path, &status, "in the group").await?;
            }
        }
        Ok(Told { object, subject: json!({ "group_id": group }), changes: vec![("none", "write")] })
    }

    pub(crate) async fn token_issued_and_revoked(&self, rounds: usize) -> anyhow::Result<Told> {
        let object = ("channel_id", self.channel("sixth", "private").await?);
        let path = "/sixth/noarch/repodata.json";
        for n in 0..rounds {
            let token = self.admin.issue_token(&format!("sixth{n}"), &[("sixth", "read")]).await?;
            self.holds(Some(&token.token), path, &Shows::Status(200), "issued").await?;
            self.delete(&format!("/api/v1/tokens/{}", token.id)).await?;
            for path in [path, "/sixth/noarch/tool-1.0-0.conda", "/api/v1/channels/sixth"] {
                self.holds(Some(&token.token), path, &Shows::Status(401), "revoked").await?;
            }
        }
        Ok(Told { object, subject: json!("everyone"), changes: vec![] })
    }

    pub(crate) async fn account_disabled_and_enabled(&self, rounds: usize) -> anyhow::Result<Told> {
        let object = ("channel_id", self.channel("seventh", "authenticated").await?);
        let body = json!({ "login": "eve", "password": "correct horse battery staple" });
        self.admin.post("/api/v1/accounts", &body).await?.good()?;
        let eve = self.admin.sign_in("eve", "correct horse battery staple").await?;
        for n in 0..rounds {
            let out = n % 2 == 0;
            let word = if out { "disable" } else { "enable" };
            self.admin.post(&format!("/api/v1/accounts/eve/{word}"), &json!({})).await?.good()?;
            let status = Shows::Status(if out { 401 } else { 200 });
            for path in ["/seventh/noarch/repodata.json", "/api/v1/channels/seventh"] {
                self.holds(Some(eve.token()), path, &status, word).await?;
            }
        }
        Ok(Told { object, subject: json!("everyone"), changes: vec![] })
    }
}

/// Every `AccessChanged` of the log.
pub(crate) struct Recorded(Vec<Value>);

impl Recorded {
    pub(crate) async fn read(admin: &Session) -> anyhow::Result<Self> {
        let log = admin.get("/api/v1/events/authz?kind=AccessChanged").await?.good()?;
        let mut events = Vec::new();
        for line in log.text().lines() {
            let line: Value = serde_json::from_str(line)?;
            let all = line["envelope"]["events"].as_array().cloned().unwrap_or_default();
            events.extend(all.into_iter().filter(|event| event["type"] == "AccessChanged"));
        }
        Ok(Self(events))
    }

    /// The object's changes for this subject stand in the log as they were made, one after the other, and no others.
    pub(crate) fn hold(&self, told: &Told) -> anyhow::Result<()> {
        let (field, id) = &told.object;
        let of = self.0.iter().filter(|event| event[field] == **id && event["subject"] == told.subject);
        let found: Vec<_> = of.map(|event| (event["before"].clone(), event["after"].clone())).collect();
        let told = told.changes.iter();
        let expected: Vec<_> = told.map(|(before, after)| (json!(before), json!(after))).collect();
        anyhow::ensure!(found == expected, "{field} {id}: {found:?} and not {expected:?}");
        Ok(())
    }
}
