//! How many requests there were, of which route and method, with which status, and how long they
//! took.
//!
//! The routes are known at the start, so a request finds its numbers by place: nothing is looked up
//! by text, and nothing that a caller sends becomes a label.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::Method;

use crate::base::metrics::{Counter, DURATIONS, Histogram, Observed};

/// The route of whatever has none, and of what is refused before its route is looked for.
const UNKNOWN: &str = "unknown";
/// The methods that are told apart, and last all others.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];
/// The place of all other methods.
const OTHER: usize = METHODS.len() - 1;
/// The status of a method that the route does not have.
const METHOD_NOT_ALLOWED: u16 = 405;
/// The statuses that are told apart, and last all others.
const STATUSES: [u16; 32] = [
    200, 201, 202, 204, 206, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410,
    411, 412, 413, 414, 415, 421, 422, 428, 429, 431, 500, 501, 503,
];

/// The requests of a server.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    /// Those of each route, and last those without one.
    routes: Vec<RouteMetrics>,
}

/// The requests of a route.
#[derive(Debug)]
struct RouteMetrics {
    /// Its path, with `{names}` for its parameters.
    path: String,
    /// Those of each method, once there was one.
    methods: [OnceLock<MethodMetrics>; METHODS.len()],
}

/// The requests of a route by one method.
#[derive(Debug)]
struct MethodMetrics {
    /// How many were answered with each status.
    statuses: [Counter; STATUSES.len() + 1],
    /// How long they took, in microseconds.
    duration: Histogram,
}

/// What is known of the requests of a route by one method.
#[derive(Debug)]
pub(crate) struct Requests {
    /// The path of the route.
    pub route: String,
    /// The method.
    pub method: &'static str,
    /// How many were answered with which status.
    pub statuses: Vec<(String, u64)>,
    /// How long they took, in microseconds.
    pub duration: Observed,
}

impl RequestMetrics {
    /// No requests yet, of a server whose router has these paths, in their order.
    pub(crate) fn new(paths: Vec<String>) -> Self {
        let paths = paths.into_iter().chain([UNKNOWN.to_owned()]);
        let new = |path| RouteMetrics {
            path,
            methods: Default::default(),
        };
        Self {
            routes: paths.map(new).collect(),
        }
    }

    /// Counts a request by `method` to the route at `place`; none: it has no route. A method that the
    /// route does not have stands with the others: strangers would fill the page with all of them.
    pub(crate) fn record(
        &self,
        place: Option<usize>,
        method: usize,
        status: u16,
        duration: Duration,
    ) {
        let known = place.and_then(|place| self.routes.get(place));
        let Some(route) = known.or(self.routes.last()) else {
            return;
        };
        let is_refused = status == METHOD_NOT_ALLOWED;
        let method = if is_refused { OTHER } else { method };
        let metrics = route.methods[method].get_or_init(MethodMetrics::new);
        let slot = STATUSES.binary_search(&status).unwrap_or(STATUSES.len());
        metrics.statuses[slot].add_one();
        metrics.duration.observe_duration(duration);
    }

    /// What there was so far, of each route and method that was asked for.
    pub(crate) fn get(&self) -> Vec<Requests> {
        let mut requests = Vec::new();
        for route in &self.routes {
            for (method, metrics) in METHODS.into_iter().zip(&route.methods) {
                requests.extend(metrics.get().map(|metrics| Requests {
                    route: route.path.clone(),
                    method,
                    statuses: metrics.statuses(),
                    duration: metrics.duration.get(),
                }));
            }
        }
        requests
    }
}

impl MethodMetrics {
    /// No requests yet.
    fn new() -> Self {
        Self {
            statuses: std::array::from_fn(|_| Counter::default()),
            duration: Histogram::new(DURATIONS),
        }
    }

    /// How many requests were answered with which status.
    fn statuses(&self) -> Vec<(String, u64)> {
        let names = STATUSES.iter().map(ToString::to_string);
        let names = names.chain(["other".to_owned()]);
        let counts = names.zip(self.statuses.iter().map(Counter::get));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// The place of `method` among those that are told apart.
pub(crate) fn place_of(method: &Method) -> usize {
    let place = METHODS.iter().position(|name| method == *name);
    place.unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_caller_sends_the_labels_are_those_of_the_program() {
        let metrics = RequestMetrics::new(vec!["/a/{id}".to_owned()]);
        let brew = Method::from_bytes(b"BREW").expect("a method");
        metrics.record(Some(0), place_of(&Method::GET), 200, Duration::ZERO);
        metrics.record(None, place_of(&brew), 418, Duration::ZERO);
        metrics.record(Some(7), place_of(&Method::GET), 404, Duration::ZERO);
        metrics.record(Some(0), place_of(&Method::PUT), 405, Duration::ZERO);
        let found = metrics.get();
        let labels = found
            .iter()
            .map(|one| (&*one.route, one.method, &*one.statuses[0].0));
        assert_eq!(
            labels.collect::<Vec<_>>(),
            [
                ("/a/{id}", "GET", "200"),
                ("/a/{id}", "other", "405"),
                ("unknown", "GET", "404"),
                ("unknown", "other", "other")
            ]
        );
    }

    #[test]
    fn statuses_are_sorted_since_they_are_searched() {
        assert!(STATUSES.is_sorted());
    }
}
