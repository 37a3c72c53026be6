//! A token that mints tokens while it is being revoked, through every gateway and both replicas of auth: what it is answered
//! with stands in the log before its end, and nothing else is there.

use serde_json::{Value, json};
use testkit::{Cluster, Issued, Options, Session, Size, is_long};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Callers that mint at each gateway.
const MINTERS: usize = 4;
const PASSWORD: &str = "correct horse battery staple";

/// Why a minter ended, and what it has made: its own tokens and the organisation's.
#[derive(Debug)]
struct Minted {
    status: u16,
    own: Vec<Issued>,
    theirs: Vec<Issued>,
}

fn issued(answer: &Value) -> Option<Issued> {
    let text = |field: &str| answer[field].as_str().map(str::to_owned);
    Some(Issued { id: text("id")?, token: text("token")?, authz_seq: answer["authz_seq"].as_u64()? })
}

/// Mints until it is refused. An account's tokens have one place in the log, an organisation's another: no expectation
/// stands between the latter and the end of the session.
async fn mint(
    thief: Session,
    wish: [Value; 2],
    prefix: String,
    begun: mpsc::UnboundedSender<()>,
) -> anyhow::Result<Minted> {
    let mut minted = Minted { status: 0, own: vec![], theirs: vec![] };
    for number in 0.. {
        let ours = number % 2 == 0;
        let mut body = wish[number % 2].clone();
        body["name"] = json!(format!("{prefix}-{number}"));
        let answer = thief.post("/api/v1/tokens", &body).await?;
        match (answer.status, issued(&answer.json())) {
            (200..300, Some(issued)) if ours => minted.own.push(issued),
            (200..300, Some(issued)) => minted.theirs.push(issued),
            // Too many race for one place: the next one may win.
            (409 | 503, _) => continue,
            (status, _) => {
                minted.status = status;
                return Ok(minted);
            }
        }
        begun.send(()).ok();
    }
    unreachable!("it ends with a refusal")
}

/// Ids of all tokens of an account that are no sessions.
async fn all_of(ada: &Session, owner: &str) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut page = String::new();
    loop {
        let path = format!("/api/v1/tokens?owner={owner}&page_size=200&sessions=false&page_token={page}");
        let listed = ada.get(&path).await?.good()?.json();
        let tokens = listed["tokens"].as_array().into_iter().flatten();
        ids.extend(tokens.filter_map(|token| token["id"].as_str().map(str::to_owned)));
        match listed["next_page_token"].as_str() {
            Some(next) => next.clone_into(&mut page),
            None => return Ok(ids),
        }
    }
}

/// So many rounds fit into what one account may hold.
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_mints_while_it_is_revoked_leaves_no_survivor() -> anyhow::Result<()> {
    let size = Size { auth: 2, gateway: 2, ..Size::default() };
    let cluster = Cluster::start(Options { separate_processes: true, size, ..Options::default() }).await?;
    for crew in 0..if is_long() { 12 } else { 1 } {
        Crew::found(&cluster, crew).await?.is_robbed(&cluster).await?;
    }
    cluster.stop().await
}

/// Somebody, and an organisation and its channel, which are theirs.
struct Crew {
    login: String,
    guild: String,
    acme: String,
    ada: Session,
}

impl Crew {
    async fn found(cluster: &Cluster, number: usize) -> anyhow::Result<Self> {
        let name = |what: &str| format!("{what}{number}");
        let (login, guild, acme) = (name("ada"), name("guild"), name("acme"));
        let person = json!({ "login": login, "kind": "person", "password": PASSWORD });
        cluster.admin().post("/api/v1/accounts", &person).await?.good()?;
        let ada = cluster.admin().sign_in(&login, PASSWORD).await?;
        let organisation = json!({ "login": guild, "kind": "organisation", "owners": [login] });
        let made = cluster.admin().post("/api/v1/accounts", &organisation).await?.good()?.json();
        let channel = json!({ "name": acme, "privacy": "private", "owner_id": made["id"] });
        ada.post("/api/v1/channels", &channel).await?.good()?;
        Ok(Self { login, guild, acme, ada })
    }

    /// Thieves mint with one session after the other until each is revoked.
    async fn is_robbed(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let (mut own, mut theirs, mut late) = (Vec::new(), Vec::new(), 0);
        for round in 0..ROUNDS {
            let thief = cluster.admin().sign_in(&self.login, PASSWORD).await?;
            let id = thief.get("/api/v1/whoami").await?.good()?.json()["token"]["id"].clone();
            let (begun, mut begins) = mpsc::unbounded_channel();
            let mut minting = JoinSet::new();
            for (index, gateway) in cluster.gateways().iter().cycle().take(MINTERS * 2).enumerate() {
                let thief = Session::new(gateway, Some(thief.token()));
                minting.spawn(mint(thief, self.wish(), format!("t{round}-{index}"), begun.clone()));
            }
            drop(begun);
            for _ in 0..=2 * MINTERS {
                begins.recv().await;
            }
            let path = format!("/api/v1/tokens/{}", id.as_str().unwrap_or_default());
            let revoked = self.ada.delete(&path).await?.good()?.json();
            let end = revoked["authz_seq"].as_u64().expect("it stands somewhere");
            let after = thief.issue_token("after", &[(&self.acme, "read")]).await;
            assert!(after.is_err(), "a request that begins after the revocation has returned mints a token");
            while let Some(minted) = minting.join_next().await {
                let minted = minted??;
                assert_eq!(minted.status, 401, "{minted:?}");
                late += usize::from(minted.own.is_empty() && minted.theirs.is_empty());
                for issued in minted.own.iter().chain(&minted.theirs) {
                    assert!(issued.authz_seq < end, "minted at {}, revoked at {end}", issued.authz_seq);
                }
                own.extend(minted.own.into_iter().map(|issued| issued.id));
                theirs.extend(minted.theirs.into_iter().map(|issued| issued.id));
            }
        }
        println!(
            "{} own tokens and {} of an organisation; {late} minters made none",
            own.len(),
            theirs.len()
        );
        for (owner, mut made) in [(&self.login, own), (&self.guild, theirs)] {
            assert!(!made.is_empty(), "{owner}");
            let mut there = all_of(&self.ada, owner).await?;
            there.sort_unstable();
            made.sort_unstable();
            assert_eq!(there, made, "{owner}: what was answered with a token, and nothing else, is there");
        }
        Ok(())
    }

    /// What is asked for: a token of one's own, and one of the organisation's.
    fn wish(&self) -> [Value; 2] {
        let own = json!({ "grants": [{ "channel": self.acme, "level": "read" }] });
        let mut theirs = own.clone();
        theirs["owner"] = json!(self.guild);
        [own, theirs]
    }
}
