//! Requests.

use super::family::{Family, Sample, Value};
use crate::http::metrics::RequestMetrics;

/// All of it.
pub(super) fn families(requests: &RequestMetrics) -> Vec<Family> {
    let (mut counts, mut durations) = (Vec::new(), Vec::new());
    for found in requests.get() {
        let (method, route) = (("method", found.method), ("route", &*found.route));
        for (status, count) in &found.statuses {
            let labels = [method, route, ("status", status)];
            counts.push(Sample::new(labels, Value::Whole(*count)));
        }
        durations.push(Sample::new([method, route], Value::micros(found.duration)));
    }
    vec![
        Family::counters(
            "invited_http_requests",
            "Requests that were answered.",
            counts,
        ),
        Family::spreads(
            "invited_http_request_duration_seconds",
            "How long it took from the head of a request to the head of its answer.",
            durations,
        ),
    ]
}
