//! The meters of HTTP routes. Each is looked up by its labels once and then kept: looking up costs more than counting.
//!
//! Methods, routes and outcomes are closed lists, so what is kept is bounded.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

/// The meters of all routes. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Meters(Arc<RwLock<HashMap<Box<str>, Vec<Meter>>>>);

struct Meter {
    method: &'static str,
    outcome: &'static str,
    seconds: Histogram,
    requests: Counter,
}

impl Meters {
    /// Counts one request.
    pub(super) fn record(&self, method: &'static str, route: &str, outcome: &'static str, elapsed: Duration) {
        if !self.record_known(method, route, outcome, elapsed) {
            let meter = Meter::new(method, route, outcome);
            self.0
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(route.into())
                .or_default()
                .push(meter);
            self.record_known(method, route, outcome, elapsed);
        }
    }

    fn record_known(&self, method: &str, route: &str, outcome: &str, elapsed: Duration) -> bool {
        let meters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut of_route = meters.get(route).into_iter().flatten();
        let meter = of_route.find(|meter| meter.method == method && meter.outcome == outcome);
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

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}
