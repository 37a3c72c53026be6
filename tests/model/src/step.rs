//! What can happen next, and what comes of it.

use crate::state::{Gateway, State, UNASKED};
use crate::{Entry, Lease, Return, Rules, Seen};

/// One step of one process, of the network, or of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A tick of every clock.
    Tick,
    /// The same, but this gateway's clock misses it.
    GatewaySlow(usize),
    /// The same, but this replica's clock counts two.
    ReplicaFast(usize),
    /// G2: the gateway notes t0 and sends its ask.
    Ask(usize, usize),
    /// A replica appends the ask; which one makes no difference.
    Grant(usize, usize),
    /// The next message reaches the gateway through this replica: G3.
    Apply(usize, usize),
    /// The gateway takes this replica's snapshot.
    Snapshot(usize, usize),
    /// G5: the gateway sends its watermark.
    Report(usize),
    /// The gateway's watermark reaches a replica, from itself or relayed by another.
    Hear(usize, usize),
    /// G6: the gateway stops answering and sends its leave.
    Leave(usize),
    /// A replica appends the leave.
    AppendLeave(usize),
    /// The gateway dies; its next incarnation starts.
    Crash(usize),
    /// A replica folds the next message.
    Fold(usize),
    /// A replica dies and starts again from the log.
    Restart(usize),
    /// R1: the revocation is appended by this replica.
    Revoke(usize),
    /// A retry, or catalog, makes this replica wait for a revocation that stands.
    Await(usize),
    /// R2 and R3.
    ReturnByReports(usize),
    /// R4.
    ReturnByLapse(usize),
    /// R4 of each process that has not reported.
    ReturnByEnd(usize),
}

impl State {
    pub(crate) fn steps(&self, rules: &Rules, steps: &mut Vec<Step>) {
        steps.push(Step::Tick);
        for (index, gateway) in self.gateways.iter().enumerate() {
            self.steps_of_gateway(rules, index, gateway, steps);
        }
        for (index, replica) in self.replicas.iter().enumerate() {
            if self.drift > 0 && self.returned.is_none() {
                steps.push(Step::ReplicaFast(index));
            }
            if replica.folded < self.log.len() {
                steps.push(Step::Fold(index));
            }
            if self.restarts > 0 {
                steps.push(Step::Restart(index));
            }
            match (self.revoked(), replica.wait) {
                _ if self.returned.is_some() => {}
                (None, _) => steps.push(Step::Revoke(index)),
                (Some(_), None) => steps.push(Step::Await(index)),
                (Some(seq), Some(left)) => {
                    if self.nobody_is_left(rules, index, seq, false) {
                        steps.push(Step::ReturnByReports(index));
                    } else if self.nobody_is_left(rules, index, seq, true) {
                        steps.push(Step::ReturnByEnd(index));
                    }
                    if left == 0 {
                        steps.push(Step::ReturnByLapse(index));
                    }
                }
            }
        }
    }

    fn steps_of_gateway(&self, rules: &Rules, index: usize, gateway: &Gateway, steps: &mut Vec<Step>) {
        if self.drift > 0 && (gateway.lease > 0 || gateway.asked.iter().any(|age| *age != UNASKED)) {
            steps.push(Step::GatewaySlow(index));
        }
        if self.crashes > 0 {
            steps.push(Step::Crash(index));
        }
        if gateway.leaving {
            steps.push(Step::AppendLeave(index));
        }
        for (nonce, underway) in gateway.underway.iter().enumerate() {
            if *underway {
                steps.push(Step::Grant(index, nonce));
            }
        }
        for (replica, it) in self.replicas.iter().enumerate() {
            if gateway.reported && self.returned.is_none() {
                steps.push(Step::Hear(replica, index));
            }
            if !gateway.left && it.folded > gateway.applied {
                steps.push(Step::Apply(index, replica));
            }
            if !gateway.left && (it.folded > gateway.applied || !rules.keeps_position) {
                steps.push(Step::Snapshot(index, replica));
            }
        }
        if gateway.left {
            return;
        }
        if let Some(nonce) = gateway.asked.iter().position(|age| *age == UNASKED) {
            steps.push(Step::Ask(index, nonce));
        }
        if !gateway.reported && self.revoked().is_some_and(|seq| gateway.applied >= seq) {
            steps.push(Step::Report(index));
        }
        if rules.leaves {
            steps.push(Step::Leave(index));
        }
    }

    /// R2: everybody granted before q, without leave, whose grant this replica saw within D(1+3r) and a bit, has reported; or,
    /// if it counts who must have `ended`, has a grant so old that its lease has.
    fn nobody_is_left(&self, rules: &Rules, replica: usize, seq: usize, ended: bool) -> bool {
        let replica = &self.replicas[replica];
        if replica.folded < seq {
            return false;
        }
        let folded = &self.log[..replica.folded];
        let before = || folded[..seq].iter().zip(&replica.seen);
        before().all(|(entry, seen)| match *entry {
            Entry::Granted(gateway, incarnation, _) => {
                let same = |other: &Entry| {
                    matches!(*other, Entry::Granted(of, life, _) if (of, life) == (gateway, incarnation))
                };
                let since = match rules.ended_since {
                    Seen::Newest => *seen,
                    Seen::First => before()
                        .filter_map(|(other, seen)| same(other).then_some(*seen))
                        .max()
                        .unwrap_or(*seen),
                };
                !rules.confirmations
                    || !rules.counts(*seen)
                    || folded.contains(&Entry::Left(gateway, incarnation))
                    || replica.heard[gateway] == Some(incarnation)
                    || ended && since >= rules.ended
            }
            Entry::Left(..) | Entry::Revoked => true,
        })
    }

    pub(crate) fn take(&mut self, rules: &Rules, step: Step) {
        match step {
            Step::Tick => self.tick(rules, None, None),
            Step::GatewaySlow(index) => {
                self.drift -= 1;
                self.tick(rules, Some(index), None);
            }
            Step::ReplicaFast(index) => {
                self.drift -= 1;
                self.tick(rules, None, Some(index));
            }
            Step::Ask(index, nonce) => {
                let gateway = &mut self.gateways[index];
                (gateway.asked[nonce], gateway.underway[nonce]) = (0, true);
            }
            Step::Grant(index, nonce) => {
                let gateway = &mut self.gateways[index];
                gateway.underway[nonce] = false;
                let nonce = u8::try_from(nonce).expect("few leases are asked for");
                self.log.push(Entry::Granted(index, gateway.incarnation, nonce));
            }
            Step::Apply(index, _) => self.apply(rules, index),
            Step::Snapshot(index, replica) => self.gateways[index].applied = self.replicas[replica].folded,
            Step::Report(index) => self.gateways[index].reported = true,
            Step::Hear(replica, index) => {
                self.replicas[replica].heard[index] = Some(self.gateways[index].incarnation);
            }
            Step::Leave(index) => {
                let gateway = &mut self.gateways[index];
                (gateway.left, gateway.leaving, gateway.lease) = (true, true, 0);
            }
            Step::AppendLeave(index) => {
                let gateway = &mut self.gateways[index];
                gateway.leaving = false;
                self.log.push(Entry::Left(index, gateway.incarnation));
            }
            Step::Crash(index) => {
                self.crashes -= 1;
                self.gateways[index] = Gateway::new(rules, self.gateways[index].incarnation + 1);
            }
            Step::Fold(index) => {
                let replica = &mut self.replicas[index];
                replica.folded += 1;
                replica.seen.push(0);
            }
            Step::Restart(index) => {
                self.restarts -= 1;
                let replica = &mut self.replicas[index];
                (replica.folded, replica.wait) = (0, None);
                replica.seen.clear();
                replica.heard.fill(None);
            }
            Step::Revoke(index) => {
                self.log.push(Entry::Revoked);
                self.replicas[index].wait = Some(rules.wait);
            }
            Step::Await(index) => self.replicas[index].wait = Some(rules.wait),
            Step::ReturnByReports(_) => self.returned = Some(Return::Reports),
            Step::ReturnByLapse(_) => self.returned = Some(Return::Lapse),
            Step::ReturnByEnd(_) => self.returned = Some(Return::Ended),
        }
    }

    fn tick(&mut self, rules: &Rules, slow: Option<usize>, fast: Option<usize>) {
        for (index, gateway) in self.gateways.iter_mut().enumerate() {
            if slow == Some(index) {
                continue;
            }
            gateway.lease = gateway.lease.saturating_sub(1);
            for age in gateway.asked.iter_mut().filter(|age| **age != UNASKED) {
                *age = (*age + 1).min(rules.lease);
            }
        }
        for (index, replica) in self.replicas.iter_mut().enumerate() {
            let ticks = if fast == Some(index) { 2 } else { 1 };
            for seen in &mut replica.seen {
                *seen = (*seen + ticks).min(rules.oldest());
            }
            if let Some(left) = &mut replica.wait {
                *left = left.saturating_sub(ticks);
            }
        }
    }

    /// Makes states equal that differ only in what nobody will ask for again.
    pub(crate) fn forget(&mut self, rules: &Rules) {
        let counted = self.revoked().unwrap_or(usize::MAX);
        for replica in &mut self.replicas {
            for (index, seen) in replica.seen.iter_mut().enumerate() {
                let grant = index < counted && matches!(self.log[index], Entry::Granted(..));
                if !grant {
                    *seen = 0;
                }
            }
            if self.returned.is_some() {
                replica.wait = None;
                replica.seen.fill(0);
                replica.heard.fill(None);
            }
        }
        for gateway in self.gateways.iter_mut().filter(|gateway| gateway.left) {
            gateway.asked.fill(rules.lease);
            gateway.applied = 0;
        }
        self.replicas.sort();
    }

    fn apply(&mut self, rules: &Rules, index: usize) {
        let gateway = &mut self.gateways[index];
        let entry = self.log[gateway.applied];
        gateway.applied += 1;
        if let Entry::Granted(of, incarnation, nonce) = entry
            && of == index
            && incarnation == gateway.incarnation
        {
            let lease = match rules.counted {
                Lease::FromAsking => rules.lease - gateway.asked[usize::from(nonce)],
                Lease::FromArrival => rules.lease,
            };
            gateway.lease = gateway.lease.max(lease);
            gateway.asked[usize::from(nonce)] = rules.lease;
        }
    }
}
