//! A page of metrics, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::TestApp;

/// A line with a value: its name, its labels, its value.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The name.
    pub name: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// What a page says.
#[derive(Debug, Default)]
pub struct Page {
    /// The names with their types.
    pub types: BTreeMap<String, String>,
    /// The names with what they mean.
    pub helps: BTreeMap<String, String>,
    /// The values.
    pub samples: Vec<Sample>,
}

impl Page {
    /// The page of `app`, with its own key.
    pub fn of(app: &TestApp) -> Self {
        let answer = app.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.text());
        Self::parse(&answer.text())
    }

    /// Reads a page in the format 0.0.4.
    pub fn parse(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(
                    page.types
                        .insert(name.to_owned(), kind.to_owned())
                        .is_none()
                );
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a meaning");
                page.helps.insert(name.to_owned(), help.to_owned());
            } else {
                page.samples.push(sample(line));
            }
        }
        page
    }

    /// The value of `name` with these labels, whatever others there are; none: there is no such
    /// value.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &Sample| {
            let mut labels = labels.iter();
            labels.all(|(label, value)| sample.labels.get(*label).is_some_and(|own| own == value))
        };
        let mut found = self.samples.iter().filter(|one| one.name == name);
        found.find(|one| has(one)).map(|one| one.value)
    }

    /// The value of `name` with these labels.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let value = self.find(name, labels);
        value.unwrap_or_else(|| panic!("there is no {name} with {labels:?}"))
    }

    /// The labels that the values of a name have; of a distribution without its bounds.
    pub fn labels_of(&self, name: &str) -> BTreeSet<String> {
        let parts = ["_bucket", "_sum", "_count"];
        let own = |sample: &&Sample| {
            sample.name == name
                || parts
                    .iter()
                    .any(|part| sample.name == format!("{name}{part}"))
        };
        let samples = self.samples.iter().filter(own);
        let labels = samples.flat_map(|sample| sample.labels.keys().cloned());
        labels.filter(|label| label != "le").collect()
    }
}

/// Reads a line with a value.
fn sample(line: &str) -> Sample {
    let (name, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = match name.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("an end")),
        None => (name, ""),
    };
    let labels = labels.split("\",").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (label, value) = label.split_once("=\"").expect("a label");
        (label.to_owned(), value.trim_end_matches('"').to_owned())
    });
    Sample {
        name: name.to_owned(),
        labels: labels.collect(),
        value: value.parse().expect("a number"),
    }
}
