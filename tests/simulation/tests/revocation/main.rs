//! The real feed, lease and authoriser over a simulated network and a log that loses acks, refuses and delays: whatever
//! befalls them, no gateway lets in a request that begins after its token's Revoke has returned.
//!
//! One number decides everything that happens: `LATCHKEY_SEED=<number>` repeats it.

mod driver;
mod gateway;
mod line;
mod net;
mod replica;
mod seed;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use world::Counts;

const SEEDS: u64 = 200;
const SEEDS_LONG: u64 = 10_000;
/// Simulations at a time; each is one thread.
const AT_ONCE: usize = 2;

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

#[test]
fn nobody_lets_a_token_in_whose_revocation_has_returned() {
    if let Some(seed) = variable("LATCHKEY_SEED") {
        println!("{:?}", driver::run(seed.parse().expect("a seed is a number")));
        return;
    }
    let seeds = if variable("LATCHKEY_LONG").is_some() { SEEDS_LONG } else { SEEDS };
    let next = AtomicU64::new(0);
    let all: Vec<Counts> = std::thread::scope(|scope| {
        let worker = || {
            let mut sum = Counts::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return sum;
                }
                let counts = driver::run(seed);
                assert_eq!(counts.let_in_after, 0, "LATCHKEY_SEED={seed}: {counts:?}");
                assert!(counts.let_in_before > 0, "LATCHKEY_SEED={seed} shows nothing: {counts:?}");
                sum.add(&counts);
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker ends")).collect()
    });
    let mut sum = Counts::default();
    all.iter().for_each(|counts| sum.add(counts));
    println!("{seeds} seeds: {sum:?}");
    // Every way to return is taken, or zero would mean little.
    assert!(sum.by_reports > seeds && sum.by_lapse > 0 && sum.lapsed > 0, "{sum:?}");
}
