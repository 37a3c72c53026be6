//! How large the system is, which faults may befall it, and which rules it keeps: a test takes one away and must see the
//! promise broken.

use stateright::{Model, Property};

use crate::{Return, State, Step};

/// From when a lease counts: G3, or what it must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// The moment before it was asked for.
    FromAsking,
    /// The moment at which it was seen in the feed.
    FromArrival,
}

/// From which of a process's grants R4 counts, or must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The newest before the revocation.
    Newest,
    /// The first of them.
    First,
}

/// One system.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Processes that authorise.
    pub gateways: usize,
    /// Replicas of auth.
    pub replicas: usize,
    /// Leases that each incarnation asks for.
    pub asks: u8,
    /// D, in ticks.
    pub lease: u8,
    /// D(1+3r), in ticks.
    pub longest: u8,
    /// R4: how long a Revoke waits for whoever says nothing.
    pub wait: u8,
    /// R4 of one process: how long ago a replica must have seen its grant to wait for it no more.
    pub ended: u8,
    /// Which grant that is.
    pub ended_since: Seen,
    /// Ticks that the clocks may be wrong by, in all.
    pub drift: u8,
    /// Crashes of gateways, each followed by a new incarnation.
    pub crashes: u8,
    /// Restarts of replicas, which forget all they heard.
    pub restarts: u8,
    /// Whether gateways stop in order, too.
    pub leaves: bool,
    /// G3.
    pub counted: Lease,
    /// R2 and R3: whether Revoke asks for reports at all, or for nobody's.
    pub confirmations: bool,
    /// G4.
    pub checks_lease: bool,
    /// Whether a snapshot from before a gateway's position is refused.
    pub keeps_position: bool,
}

impl Rules {
    /// One gateway with one lease, and two replicas.
    pub fn small() -> Self {
        Self {
            gateways: 1,
            replicas: 2,
            asks: 1,
            lease: 2,
            longest: 5,
            wait: 5,
            ended: 5,
            ended_since: Seen::Newest,
            drift: 1,
            crashes: 0,
            restarts: 0,
            leaves: false,
            counted: Lease::FromAsking,
            confirmations: true,
            checks_lease: true,
            keeps_position: true,
        }
    }

    /// From this age on no rule tells one from another.
    pub(crate) fn oldest(&self) -> u8 {
        self.longest + 2
    }

    /// Whether a grant seen that long ago may still be held: R2.
    pub(crate) fn counts(&self, seen: u8) -> bool {
        seen <= self.longest + 1
    }
}

impl Model for Rules {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        state.steps(self, steps);
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        state.take(self, step);
        state.forget(self);
        // A step that changes nothing leads nowhere new.
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("after Revoke returned nobody is let in", |rules: &Self, state: &State| {
                state.returned.is_none()
                    || !state.gateways.iter().any(|gateway| gateway.lets_in(rules, state))
            }),
            Property::sometimes("a token is let in", |rules: &Self, state: &State| {
                state.gateways.iter().any(|gateway| gateway.lets_in(rules, state))
            }),
            Property::sometimes(
                "a token is let in while it is being revoked",
                |rules: &Self, state: &State| {
                    state.revoked().is_some()
                        && state.gateways.iter().any(|gateway| gateway.lets_in(rules, state))
                },
            ),
            Property::sometimes("Revoke returns because all have reported", |_: &Self, state: &State| {
                state.returned == Some(Return::Reports)
            }),
            Property::sometimes("Revoke returns because leases have lapsed", |_: &Self, state: &State| {
                state.returned == Some(Return::Lapse)
            }),
            Property::sometimes("Revoke returns because a lease ended before", |_: &Self, state: &State| {
                state.returned == Some(Return::Ended)
            }),
            Property::sometimes("a lease is held after the token was revoked", |_: &Self, state: &State| {
                state.returned.is_some() && state.gateways.iter().any(|gateway| gateway.lease > 0)
            }),
        ]
    }
}
