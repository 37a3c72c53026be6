//! A whole world of organisations, people, groups, channels and packages, made and changed over HTTP, and looked at by
//! everybody at every address: what is shown equals what the rules say over the plain list of facts, no hidden name stands
//! in any byte, and what is hidden is answered like what never was.

#[path = "world/address.rs"]
mod address;
#[path = "world/ask.rs"]
mod ask;
#[path = "world/change.rs"]
mod change;
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of the addresses are not its own")]
#[path = "world/expect.rs"]
mod expect;
#[path = "world/fact.rs"]
mod fact;
#[path = "world/generate.rs"]
mod generate;
#[path = "world/make.rs"]
mod make;
#[path = "world/mark.rs"]
mod mark;
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of the addresses are not its own")]
#[path = "world/read.rs"]
mod read;
#[path = "world/rule.rs"]
mod rule;
#[path = "world/seed.rs"]
mod seed;
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of the addresses are not its own")]
#[path = "world/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use address::{Address, What};
use anyhow::Context as _;
use ask::Asker;
use change::{Changer, Touched};
use fact::{Facts, Kind, Opens};
use generate::{Maker, Numbers, Size};
use make::Hands;
use rule::Viewer;
use seed::Seed;
use testkit::{Cluster, Options, Session};

const SMALL: Size = Size {
    organisations: 2,
    people: 6,
    groups: 4,
    channels: 7,
    packages: 36,
    resource_tokens: 5,
    scope_tokens: 16,
};
const FULL: Size = Size {
    organisations: 3,
    people: 20,
    groups: 12,
    channels: 30,
    packages: 400,
    resource_tokens: 16,
    scope_tokens: 16,
};

/// Random changes between the making of the world and the last look at all of it.
fn changes() -> usize {
    if testkit::is_long() { 2_000 } else { 60 }
}

/// Addresses of a channel that are looked at after a change of it, and viewers who look.
const ADDRESSES_TOUCHED: usize = 14;
const VIEWERS_TOUCHED: usize = 4;

/// Tokens that look at everything at the end besides all live sessions: so many alive, so many dead.
const TOKENS_AT_THE_END: usize = 32;
const DEAD_AT_THE_END: usize = 8;

/// Everybody who can look: nobody, a string that was never issued, and all who hold a token, dead or alive.
fn viewers(facts: &Facts) -> Vec<Viewer> {
    let tokens = (0..facts.tokens.len()).map(Viewer::Token);
    [Viewer::Nobody, Viewer::Unknown].into_iter().chain(tokens).collect()
}

/// Nobody, an unknown string, every live session, and of the other tokens, alive and dead, as many as are looked with.
fn viewers_at_the_end(facts: &Facts, seed: &mut Seed) -> Vec<Viewer> {
    let all = viewers(facts);
    let is_session =
        |viewer: Viewer| matches!(viewer, Viewer::Token(at) if facts.tokens[at].opens == Opens::All);
    let (dead, alive): (Vec<_>, Vec<_>) = all.into_iter().partition(|viewer| facts.is_dead(*viewer));
    let (mut chosen, others): (Vec<_>, Vec<_>) =
        alive.into_iter().partition(|viewer| *viewer == Viewer::Nobody || is_session(*viewer));
    chosen.extend(seed.some(&others, TOKENS_AT_THE_END));
    chosen.extend(seed.some(&dead, DEAD_AT_THE_END));
    chosen
}

/// Every address there is, shards as the administrator's indexes name them now.
async fn addresses(asker: &Asker, facts: &Facts) -> anyhow::Result<Vec<Address>> {
    let mut all = address::of_all(facts);
    for at in 0..facts.channels.len() {
        all.extend(address::of_channel(facts, at));
        if !facts.channels[at].gone {
            all.extend(shards(asker, facts, at).await?);
        }
    }
    for at in 0..facts.packages.len() {
        all.extend(address::of_package(facts, at));
    }
    Ok(all)
}

async fn shards(asker: &Asker, facts: &Facts, at: usize) -> anyhow::Result<Vec<Address>> {
    let mut all = Vec::new();
    for (subdir, address) in address::shards(facts, at) {
        let answer = asker.fetch(facts, Viewer::Token(0), &address).await?.good()?;
        for (name, hash) in read::shards(&answer.body)? {
            let is = |it: &usize| {
                let package = &facts.packages[*it];
                package.channel == at && package.kind == Kind::Conda && package.name == name && !package.gone
            };
            let package = (0..facts.packages.len()).find(is).context("a shard of no package")?;
            all.push(address::of_shard(facts, package, subdir, &hash));
        }
    }
    Ok(all)
}

/// Those whom a change touches and some others, at the addresses that it touches.
async fn touched(
    asker: &Asker,
    facts: &Facts,
    seed: &mut Seed,
    change: &Touched,
) -> anyhow::Result<Vec<(Viewer, Address)>> {
    let mut of = change.tokens.clone();
    let owned = |at: &usize| change.accounts.contains(&facts.tokens[*at].owner);
    of.extend((0..facts.tokens.len()).filter(owned));
    let of: Vec<Viewer> = of.into_iter().map(Viewer::Token).collect();
    let mut look: BTreeSet<Viewer> = seed.some(&of, VIEWERS_TOUCHED).into_iter().collect();
    look.extend([Viewer::Nobody, seed.of(&viewers(facts)), seed.of(&viewers(facts))]);
    let mut at = Vec::new();
    let packages: Vec<usize> = change.packages.iter().copied().collect();
    let channels = packages.iter().map(|package| facts.packages[*package].channel);
    let channels: BTreeSet<usize> = channels.chain(change.channels.iter().copied()).collect();
    for channel in seed.some(&channels.into_iter().collect::<Vec<_>>(), 2) {
        let all = address::of_channel(facts, channel);
        at.extend(seed.some(&all.iter().collect::<Vec<_>>(), ADDRESSES_TOUCHED).into_iter().cloned());
        if !facts.channels[channel].gone {
            let all = shards(asker, facts, channel).await?;
            at.extend(seed.some(&all.iter().collect::<Vec<_>>(), 2).into_iter().cloned());
        }
    }
    for package in seed.some(&packages, 2) {
        at.extend(address::of_package(facts, package));
    }
    let all = address::of_all(facts);
    at.extend(seed.some(&all.iter().collect::<Vec<_>>(), 3).into_iter().cloned());
    Ok(look.into_iter().flat_map(|viewer| at.iter().map(move |it| (viewer, it.clone()))).collect())
}

/// The bytes of every index, to those who see most and least, through one gateway.
async fn indexes(asker: &Asker, facts: &Facts, addresses: &[Address]) -> anyhow::Result<Vec<Vec<u8>>> {
    let is = |address: &&Address| {
        let what = &address.what;
        matches!(
            what,
            What::Files { .. } | What::Shards { .. } | What::Shard { .. } | What::Channeldata { .. }
        ) || matches!(what, What::Projects { .. } | What::Project { .. })
    };
    let mut all = Vec::new();
    for address in addresses.iter().filter(is) {
        for viewer in [Viewer::Nobody, Viewer::Token(0), Viewer::Token(1)] {
            let answer = asker.fetch(facts, viewer, address).await?;
            let tag = answer.headers.get("etag").map(|tag| tag.as_bytes().to_vec()).unwrap_or_default();
            if answer.is_success() {
                all.extend([tag, answer.body]);
            }
        }
    }
    Ok(all)
}

/// A gateway that has read nothing before shows every index in the same bytes from the read model built anew.
async fn rebuilt(
    (cluster, third): (&Cluster, Session),
    asker: &Asker,
    facts: &Facts,
    addresses: &[Address],
) -> anyhow::Result<()> {
    let before = indexes(asker, facts, addresses).await?;
    cluster.rebuild().await.context("rebuilding")?;
    let after = indexes(&Asker::new(vec![third]), facts, addresses).await?;
    anyhow::ensure!(before == after, "a rebuild has changed an index");
    println!("{} indexes are the same bytes after a rebuild", before.len() / 2);
    cluster.verify().await.context("verifying what was rebuilt")
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_the_rules_say_and_no_trace_of_anything_else() -> anyhow::Result<()> {
    let size = if testkit::is_long() { FULL } else { SMALL };
    // The third is asked nothing until the read models are built anew.
    let size_of_cluster = testkit::Size { gateway: 3, ..testkit::Size::default() };
    let cluster = Cluster::start(Options { size: size_of_cluster, ..Options::default() }).await?;
    let [first, second, third] = [0, 1, 2].map(|at| Session::new(&cluster.gateways()[at], None));
    let mut maker = Maker { seed: Seed(20_261_125), numbers: Numbers::default() };
    let mut facts = generate::world(&mut maker, size);
    let mut hands = Hands { admin: cluster.admin().clone(), ids: Default::default() };
    hands.world(&mut facts).await.context("making the world")?;
    let asker = Asker::new(vec![first, second]);

    let mut made = 0;
    while made < changes() {
        let mut changer = Changer { maker: &mut maker, hands: &hands, facts: &mut facts };
        let Some(change) = changer.next().await? else { continue };
        made += 1;
        let looks = touched(&asker, &facts, &mut maker.seed, &change).await?;
        asker.walk(&facts, &format!("after change {made}, {}", change.what), &looks).await?;
    }
    let after_changes = asker.counts.compared.load(Relaxed);

    let viewers = viewers_at_the_end(&facts, &mut maker.seed);
    let addresses = addresses(&asker, &facts).await?;
    for viewer in &viewers {
        let looks: Vec<_> = addresses.iter().map(|address| (*viewer, address.clone())).collect();
        asker.walk(&facts, "at the end", &looks).await?;
    }
    println!(
        "{made} changes, {after_changes} answers compared after them; at the end {} viewers at {} addresses; in all {}",
        viewers.len(),
        addresses.len(),
        asker.counts
    );
    cluster.verify().await.context("verifying")?;
    rebuilt((&cluster, third), &asker, &facts, &addresses).await?;
    cluster.stop().await?;
    asker.right()
}
