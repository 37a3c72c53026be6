//! The meters of one HTTP route. Each is looked up by its labels once and then kept: looking up costs more than counting.
//!
//! Methods and outcomes are closed lists, so what is kept is bounded.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

/// A route as it is named in spans and metrics, with its meters.
pub struct Route {
    name: Box<str>,
    meters: RwLock<Vec<Meter>>,
}

struct Meter {
    method: &'static str,
    outcome: &'static str,
    seconds: Histogram,
    requests: Counter,
}

impl Route {
    /// One of a closed list, never the address of a request.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), meters: RwLock::default() }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Counts one request.
    pub(super) fn record(&self, method: &'static str, outcome: &'static str, elapsed: Duration) {
        if !self.record_known(method, outcome, elapsed) {
            let meter = Meter::new(method, &self.name, outcome);
            self.meters.write().unwrap_or_else(PoisonError::into_inner).push(meter);
            self.record_known(method, outcome, elapsed);
        }
    }

    fn record_known(&self, method: &str, outcome: &str, elapsed: Duration) -> bool {
        let meters = self.meters.read().unwrap_or_else(PoisonError::into_inner);
        let meter = meters.iter().find(|meter| meter.method == method && meter.outcome == outcome);
        if let Some(meter) = meter {
            meter.seconds.record(elapsed.as_secs_f64());
            meter.requests.increment(1);
        }
        meter.is_some()
    }
}

impl Meter {
    fn new(method: &'static str, route: &str, outcome: &'static str) -> Self {
        let labels = [("method", method.to_owned()), ("route", route.to_owned())];
        let seconds = histogram!("latchkey_http_request_seconds", &labels);
        let [method_label, route_label] = labels;
        let labels = [method_label, route_label, ("code", outcome.to_owned())];
        let requests = counter!("latchkey_http_requests_total", &labels);
        Self { method, outcome, seconds, requests }
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}
