//! The protocol holds in every state that small systems can reach, and each of its rules is needed: without it the
//! checker finds the way to a request that is let in after Revoke has returned.

use model::{Lease, Rules, Seen};
use stateright::{Checker as _, HasDiscoveries, Model as _};

const PROMISE: &str = "after Revoke returned nobody is let in";

fn is_long() -> bool {
    std::env::var_os("LATCHKEY_LONG").is_some_and(|value| !value.is_empty())
}

/// Small systems in every run, larger ones in a long one.
fn holds<const SMALL: usize, const LARGE: usize>(
    small: [(&str, Rules); SMALL],
    large: [(&str, Rules); LARGE],
) {
    for (what, rules) in small.into_iter().chain(large.into_iter().filter(|_| is_long())) {
        let checker = rules.checker().threads(2).spawn_bfs().join();
        println!("{what}: {} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
        checker.assert_properties();
    }
}

fn breaks(what: &str, rules: Rules) {
    let checker = rules.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let path = checker.discovery(PROMISE).unwrap_or_else(|| panic!("{what}: the promise held all the same"));
    println!("{what}: broken in {} steps", path.into_actions().len());
}

#[test]
fn the_promise_holds_while_a_lease_is_renewed() {
    let rules = |asks, replicas| Rules { asks, replicas, ..Rules::small() };
    holds(
        [("one gateway, two leases, one replica", rules(2, 1))],
        [("two leases, two replicas", rules(2, 2)), ("three leases, one replica", rules(3, 1))],
    );
}

#[test]
fn the_promise_holds_while_gateways_crash() {
    let rules = || Rules { crashes: 1, leaves: true, ..Rules::small() };
    holds(
        [("one gateway with two lives, one replica", Rules { replicas: 1, ..rules() })],
        [("two lives, a restart, two replicas", Rules { restarts: 1, ..rules() })],
    );
}

#[test]
fn the_promise_holds_while_replicas_restart() {
    holds([("two replicas that restart", Rules { restarts: 1, ..Rules::small() })], []);
}

#[test]
fn the_promise_holds_for_two_gateways() {
    let rules = |replicas| Rules { gateways: 2, replicas, drift: 0, ..Rules::small() };
    holds([("two gateways, one replica", rules(1))], [("two gateways, two replicas", rules(2))]);
}

#[test]
fn without_the_time_of_asking_it_breaks() {
    breaks("G3 counts from arrival", Rules { counted: Lease::FromArrival, ..Rules::small() });
}

#[test]
fn without_the_wait_it_breaks() {
    breaks("R4 waits for nothing", Rules { wait: 0, ..Rules::small() });
}

#[test]
fn without_the_margin_for_drift_it_breaks() {
    breaks("R4 waits for D alone", Rules { wait: 2, ..Rules::small() });
}

/// A death is waited for once: later revocations count from the last grant that was seen, with the same margin.
#[test]
fn without_the_margin_for_drift_after_the_last_grant_it_breaks() {
    breaks("R4 of a process waits for D alone", Rules { ended: 2, ..Rules::small() });
}

#[test]
fn counted_from_the_first_of_its_grants_it_breaks() {
    let rules = Rules { ended_since: Seen::First, asks: 2, replicas: 1, ..Rules::small() };
    breaks("R4 of a process counts from its first grant", rules);
}

#[test]
fn without_the_check_of_the_lease_it_breaks() {
    breaks("G4 asks for no lease", Rules { checks_lease: false, ..Rules::small() });
}

#[test]
fn without_reports_it_breaks() {
    breaks("R3 asks nobody", Rules { confirmations: false, ..Rules::small() });
}

#[test]
fn with_a_position_that_goes_back_it_breaks() {
    breaks("older snapshots are taken", Rules { keeps_position: false, ..Rules::small() });
}
