//! What everybody knows at one moment.

use crate::Rules;

/// One message of AUTHZ. A gateway's number and its incarnation name a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// `evt.lease` Granted: gateway, incarnation, nonce.
    Granted(usize, u8, u8),
    /// `evt.lease` Left.
    Left(usize, u8),
    /// The token's end.
    Revoked,
}

/// Age of an ask that was granted and seen, or of none yet.
pub(crate) const UNASKED: u8 = u8::MAX;

/// A process that authorises.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// Counts its lives.
    pub incarnation: u8,
    /// Stopped in order: it lets nobody in.
    pub left: bool,
    /// How much of the log it has applied.
    pub applied: usize,
    /// Ticks of its own clock until its lease ends.
    pub lease: u8,
    /// For each nonce, how long ago it was asked for.
    pub asked: Vec<u8>,
    /// Which asks are on their way to a replica.
    pub underway: Vec<bool>,
    /// Whether its leave is on its way.
    pub leaving: bool,
    /// Whether it has sent a watermark at or above the revocation. It may arrive late, again, or never; lower ones are
    /// as good as none.
    pub reported: bool,
}

/// A replica of auth.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replica {
    /// How much of the log it has folded.
    pub folded: usize,
    /// For each grant folded before the revocation, how long ago; nothing is asked of other messages.
    pub seen: Vec<u8>,
    /// For each gateway, the incarnation of which it has heard that the revocation is applied.
    pub heard: Vec<Option<u8>>,
    /// Of a Revoke, or an AwaitApplied, that has not returned: ticks until R4.
    pub wait: Option<u8>,
}

/// Why a Revoke has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Return {
    /// R3.
    Reports,
    /// R4, by the time since the revocation.
    Lapse,
    /// R4, sooner: whoever has not reported got its last grant too long ago.
    Ended,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// AUTHZ.
    pub log: Vec<Entry>,
    /// In order.
    pub gateways: Vec<Gateway>,
    /// In no order: which is which makes no difference.
    pub replicas: Vec<Replica>,
    /// Whether any Revoke has returned, and why the first one did.
    pub returned: Option<Return>,
    /// Faults left.
    pub drift: u8,
    /// Faults left.
    pub crashes: u8,
    /// Faults left.
    pub restarts: u8,
}

impl State {
    pub(crate) fn new(rules: &Rules) -> Self {
        let replica = Replica { folded: 0, seen: Vec::new(), heard: vec![None; rules.gateways], wait: None };
        Self {
            log: Vec::new(),
            gateways: vec![Gateway::new(rules, 0); rules.gateways],
            replicas: vec![replica; rules.replicas],
            returned: None,
            drift: rules.drift,
            crashes: rules.crashes,
            restarts: rules.restarts,
        }
    }

    /// The sequence of the revocation, counted from one.
    pub fn revoked(&self) -> Option<usize> {
        self.log.iter().position(|entry| *entry == Entry::Revoked).map(|index| index + 1)
    }
}

impl Gateway {
    /// Starts with nothing known.
    pub(crate) fn new(rules: &Rules, incarnation: u8) -> Self {
        Self {
            incarnation,
            left: false,
            applied: 0,
            lease: 0,
            asked: vec![UNASKED; rules.asks.into()],
            underway: vec![false; rules.asks.into()],
            leaving: false,
            reported: false,
        }
    }

    /// Whether a request with the token would be let in now: G4, then the table.
    pub fn lets_in(&self, rules: &Rules, state: &State) -> bool {
        let leased = self.lease > 0 || !rules.checks_lease;
        let knows = state.revoked().is_some_and(|seq| self.applied >= seq);
        // Without a snapshot it knows no token at all.
        leased && !self.left && self.applied > 0 && !knows
    }
}
