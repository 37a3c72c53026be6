//! One simulation: revocations and faults as the seed says, then peace, in which everybody must recover.

use std::sync::Arc;
use std::time::Duration;

use eventlog::Fault;
use turmoil::Sim;

use crate::seed::Seed;
use crate::world::{Counts, GATEWAYS, REPLICAS, TOKENS, World};
use crate::{gateway, replica};

const TROUBLE: Duration = Duration::from_secs(40);
/// Longer than a lease and the longest pause between two connections.
const PEACE: Duration = Duration::from_secs(25);
const TICK: Duration = Duration::from_millis(10);
/// Faults at a time.
const MAX_FAULTS: usize = 2;
const LONGEST_FAULT_MS: u64 = 18_000;

/// What is wrong for a while.
#[derive(Debug, Clone)]
enum Trouble {
    /// Nothing goes through between two, and what is on its way is lost.
    Parted(String, String),
    /// What is sent between two comes when this is over.
    Held(String, String),
    /// A process is dead.
    Down(String),
    /// A replica does not reach the log.
    Cut(usize),
    /// Nobody reaches the log.
    Away,
}

/// Runs it and says what was seen.
pub(crate) fn run(seed: u64) -> Counts {
    let world = World::new(seed);
    let mut sim = network(seed, &world);
    let mut choices = Seed(seed);
    let mut troubles: Vec<(Duration, Trouble)> = Vec::new();
    let mut next = Duration::from_secs(1);
    let mut revoked = 0;
    while sim.elapsed() < TROUBLE {
        step(&mut sim, seed);
        let now = sim.elapsed();
        let (over, still): (Vec<_>, Vec<_>) = troubles.into_iter().partition(|(until, _)| *until <= now);
        over.into_iter().for_each(|(_, trouble)| end(&mut sim, &world, trouble));
        troubles = still;
        if now < next {
            continue;
        }
        next = now + Duration::from_millis(50 + choices.below(1_500));
        match choices.below(4) {
            0 if troubles.len() < MAX_FAULTS => {
                let trouble = begin(&mut sim, &world, &mut choices);
                world.fault();
                troubles.push((now + Duration::from_millis(choices.below(LONGEST_FAULT_MS)), trouble));
            }
            1 => {
                let fault = if choices.below(2) == 0 { Fault::LoseAck } else { Fault::Refuse };
                world.log.inject([fault]);
            }
            _ => {
                // Now and then one that was asked for before, maybe of another replica.
                let again = revoked > 0 && choices.below(5) == 0;
                let token = if again { choices.index(revoked) } else { revoked.min(TOKENS - 1) };
                revoked = (revoked + usize::from(!again)).min(TOKENS);
                let order = world.orders[choices.index(REPLICAS)].send(token);
                order.expect("the world holds the receivers");
            }
        }
    }
    world.log.clear_faults();
    troubles.into_iter().for_each(|(_, trouble)| end(&mut sim, &world, trouble));
    while sim.elapsed() < TROUBLE + PEACE {
        step(&mut sim, seed);
    }
    let recovering = world.counts().lapsed;
    while sim.elapsed() < TROUBLE + PEACE + Duration::from_secs(1) {
        step(&mut sim, seed);
    }
    let counts = world.counts();
    assert_eq!(counts.lapsed, recovering, "LATCHKEY_SEED={seed}: a gateway has not recovered by itself");
    counts
}

fn network(seed: u64, world: &Arc<World>) -> Sim<'static> {
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(TROUBLE + PEACE * 2)
        .tick_duration(TICK)
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::from_millis(20))
        .tcp_capacity(4_096)
        .udp_capacity(4_096)
        .build();
    for number in 0..REPLICAS {
        let world = world.clone();
        sim.host(format!("auth-{number}"), move || replica::run(world.clone(), number));
    }
    for number in 0..GATEWAYS {
        let world = world.clone();
        sim.host(format!("gateway-{number}"), move || gateway::run(world.clone(), number));
    }
    sim
}

fn step(sim: &mut Sim<'_>, seed: u64) {
    if let Err(error) = sim.step() {
        panic!("LATCHKEY_SEED={seed}: {error}");
    }
}

fn auth(choices: &mut Seed) -> String {
    format!("auth-{}", choices.index(REPLICAS))
}

fn anybody(choices: &mut Seed) -> String {
    match choices.index(REPLICAS + GATEWAYS) {
        number if number < REPLICAS => format!("auth-{number}"),
        number => format!("gateway-{}", number - REPLICAS),
    }
}

fn begin(sim: &mut Sim<'_>, world: &World, choices: &mut Seed) -> Trouble {
    let trouble = match choices.below(6) {
        0 | 1 => Trouble::Parted(auth(choices), format!("gateway-{}", choices.index(GATEWAYS))),
        2 => Trouble::Held(auth(choices), format!("gateway-{}", choices.index(GATEWAYS))),
        3 => Trouble::Down(anybody(choices)),
        4 => Trouble::Cut(choices.index(REPLICAS)),
        _ => Trouble::Away,
    };
    match &trouble {
        Trouble::Parted(one, other) => sim.partition(one.as_str(), other.as_str()),
        Trouble::Held(one, other) => sim.hold(one.as_str(), other.as_str()),
        Trouble::Down(host) => sim.crash(host.as_str()),
        Trouble::Cut(replica) => drop(world.cuts[*replica].send_replace(true)),
        Trouble::Away => world.log.set_away(true),
    }
    trouble
}

fn end(sim: &mut Sim<'_>, world: &World, trouble: Trouble) {
    match trouble {
        Trouble::Parted(one, other) => sim.repair(one.as_str(), other.as_str()),
        Trouble::Held(one, other) => sim.release(one.as_str(), other.as_str()),
        Trouble::Down(host) => sim.bounce(host.as_str()),
        Trouble::Cut(replica) => drop(world.cuts[replica].send_replace(false)),
        Trouble::Away => world.log.set_away(false),
    }
}
