//! What is told of one thing: its name, what it means, and its values by labels; and how a page of
//! them is written.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet, prometheus_text,
    text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::base::metrics::Observed;

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Plain,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

/// The values of one name.
#[derive(Debug)]
pub(crate) struct Family {
    /// The name, of a counter without `_total`.
    name: &'static str,
    /// What it means.
    help: &'static str,
    /// What kind of number it is.
    kind: MetricType,
    /// The values.
    samples: Vec<Sample>,
}

/// A value with its labels.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The labels, each with its value.
    labels: Labels,
    /// The value.
    value: Value,
}

/// Labels, each with its value.
#[derive(Debug, Default)]
pub(crate) struct Labels(Vec<(&'static str, String)>);

/// A value.
#[derive(Debug)]
pub(crate) enum Value {
    /// A whole number.
    Whole(u64),
    /// Any number.
    Real(f64),
    /// A distribution, in units of which there are so many in one of the unit of its name.
    Spread(Observed, f64),
}

/// Microseconds in a second.
const MICROS: f64 = 1_000_000.0;

impl Value {
    /// A distribution of durations in microseconds.
    pub(crate) fn micros(observed: Observed) -> Self {
        Self::Spread(observed, MICROS)
    }
}

impl Family {
    /// Numbers that go up and down, by labels.
    pub(crate) fn gauges(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Self {
        Self::new(name, help, MetricType::Gauge, samples)
    }

    /// A number that goes up and down; none: it cannot be told now.
    pub(crate) fn gauge(name: &'static str, help: &'static str, value: Option<f64>) -> Self {
        let sample = value.map(|value| Sample::new([], Value::Real(value)));
        Self::gauges(name, help, sample.into_iter().collect())
    }

    /// Whether something is so.
    pub(crate) fn flag(name: &'static str, help: &'static str, is_so: bool) -> Self {
        Self::gauge(name, help, Some(f64::from(u8::from(is_so))))
    }

    /// Numbers that only grow, by labels.
    pub(crate) fn counters(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Self {
        Self::new(name, help, MetricType::Counter, samples)
    }

    /// A number that only grows.
    pub(crate) fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::counters(name, help, vec![Sample::new([], Value::Whole(value))])
    }

    /// Distributions, by labels.
    pub(crate) fn spreads(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Self {
        Self::new(name, help, MetricType::Histogram, samples)
    }

    /// A distribution.
    pub(crate) fn spread(name: &'static str, help: &'static str, value: Value) -> Self {
        Self::spreads(name, help, vec![Sample::new([], value)])
    }

    /// The values of `name`.
    fn new(name: &'static str, help: &'static str, kind: MetricType, samples: Vec<Sample>) -> Self {
        Self {
            name,
            help,
            kind,
            samples,
        }
    }

    /// Writes the values.
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        for sample in &self.samples {
            if sample.labels.0.is_empty() {
                sample.value.encode(&mut family, self.kind)?;
            } else {
                let mut labelled = family.encode_family(&sample.labels)?;
                sample.value.encode(&mut labelled, self.kind)?;
            }
        }
        Ok(())
    }
}

impl Sample {
    /// A value with these labels.
    pub(crate) fn new(labels: impl Into<Labels>, value: Value) -> Self {
        let labels = labels.into();
        Self { labels, value }
    }
}

impl<const N: usize> From<[(&'static str, &str); N]> for Labels {
    fn from(labels: [(&'static str, &str); N]) -> Self {
        Self(labels.map(|(name, value)| (name, value.to_owned())).into())
    }
}

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

impl Value {
    /// Writes the value, which is one of `kind`.
    fn encode(&self, encoder: &mut MetricEncoder<'_>, kind: MetricType) -> fmt::Result {
        match (self, kind) {
            (Self::Whole(number), MetricType::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(number, None)
            }
            (Self::Real(number), MetricType::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, f64>(number, None)
            }
            (Self::Whole(number), _) => encoder.encode_gauge(number),
            (Self::Real(number), _) => encoder.encode_gauge(number),
            (Self::Spread(observed, units), _) => encode_spread(encoder, observed, *units),
        }
    }
}

/// Writes a distribution.
#[allow(
    clippy::cast_precision_loss,
    reason = "a bound is a small number, and a sum need not be exact"
)]
fn encode_spread(encoder: &mut MetricEncoder<'_>, observed: &Observed, units: f64) -> fmt::Result {
    let bounds = observed.buckets.iter();
    let mut buckets: Vec<_> = bounds
        .map(|(bound, count)| (*bound as f64 / units, *count))
        .collect();
    buckets.push((f64::INFINITY, observed.above));
    let count = buckets.iter().map(|(_, count)| count).sum();
    let sum = observed.sum as f64 / units;
    encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
}

/// All that a page has.
#[derive(Debug)]
struct Page(Vec<Family>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|family| family.encode(&mut encoder))
    }
}

/// Writes a page.
///
/// # Errors
/// None: it is written into memory.
pub(super) fn write(families: Vec<Family>, format: Format) -> Result<String, fmt::Error> {
    let (mut registry, mut page) = (Registry::default(), String::new());
    registry.register_collector(Box::new(Page(families)));
    match format {
        Format::Plain => prometheus_text::encode(&mut page, &registry)?,
        Format::OpenMetrics => text::encode(&mut page, &registry)?,
    }
    Ok(page)
}

impl Format {
    /// The format that an `Accept` asks for. OpenMetrics is written to those who name it.
    pub(crate) fn choose(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Plain
        }
    }

    /// Its media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
