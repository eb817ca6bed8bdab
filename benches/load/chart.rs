//! The picture of `docs/performance.md`: what a second of one core does, next to the limit and to
//! other servers, and how that changes as the file grows.
//!
//! It is one SVG without script or font of its own, light or dark as its reader's system is.

use std::fmt::Write;
use std::fs;

use crate::Result;
use crate::contest::{Results, Run};
use crate::figure::median;
use crate::machine;
use crate::peers::Peer;
use crate::table::thousands;
use crate::wrk::Kind;

/// Where it goes.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.svg");
/// What it shows.
const NAME: &str = "Requests for each second of processor time";
/// Width of the picture, in pixels as all lengths here.
const WIDTH: u32 = 840;
/// Space around everything.
const MARGIN: u32 = 28;
/// Width of a panel, of which there are three in a row.
const PANEL: u32 = 240;
/// Space between two panels.
const GAP: u32 = 32;
/// Height of a bar with its words.
const ROW: u32 = 38;
/// Height of what stands above the bars of a panel.
const HEAD: u32 = 28;
/// Height of the title of a row of panels.
const TITLE: u32 = 58;

/// Colours and fonts.
const STYLE: &str = "\
    text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; \
    fill: #1f2328 }\n\
    .title { font-size: 17px; font-weight: 600 }\n\
    .panel { font-size: 14px; font-weight: 600 }\n\
    .soft { fill: #59636e }\n\
    .value { text-anchor: end; font-variant-numeric: tabular-nums }\n\
    .strong { font-weight: 600 }\n\
    .card { fill: #ffffff; stroke: #d1d9e0 }\n\
    .limit { fill: #d1d9e0 }\n\
    .ours { fill: #1a7f5a }\n\
    .peer { fill: #8c96a1 }\n\
    @media (prefers-color-scheme: dark) {\n\
    text { fill: #f0f6fc }\n\
    .soft { fill: #9198a1 }\n\
    .card { fill: #0d1117; stroke: #3d444d }\n\
    .limit { fill: #3d444d }\n\
    .ours { fill: #3fb98a }\n\
    .peer { fill: #6b7681 }\n\
    }\n";

/// Whose bar it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// What no server can pass.
    Limit,
    /// Ours.
    Ours,
    /// Ours, where there is no other.
    OursAlone,
    /// Another server's.
    Peer,
}

/// One bar.
struct Bar {
    /// What stands above it.
    label: String,
    /// Its length: requests for each second of processor time.
    value: f64,
    /// Whose it is.
    whose: Whose,
}

/// Bars that are compared with each other.
struct Panel {
    /// What stands above them.
    title: &'static str,
    /// From the top to the bottom.
    bars: Vec<Bar>,
}

/// The requests that are shown, each with the run that is its limit.
const SHOWN: [(&str, Run, Run, Kind); 3] = [
    ("Get one", Run::GetOne, Run::Probe, Kind::Get),
    ("List 20", Run::List20, Run::Probe, Kind::List20),
    (
        "Durable create",
        Run::Create(64),
        Run::InsertLoop,
        Kind::Create,
    ),
];

/// Draws what was measured, the smallest file first.
///
/// # Errors
/// When nothing was measured that it shows, or the file cannot be written.
pub fn write(measured: &[Results]) -> Result<()> {
    let small = measured.first().ok_or("nothing was measured")?;
    let beside = SHOWN.map(|(title, ours, limit, kind)| Panel {
        title,
        bars: beside_others(small, ours, limit, kind),
    });
    let grown = SHOWN.map(|(title, ours, ..)| Panel {
        title,
        bars: by_size(measured, ours),
    });
    let rows = thousands(small.rows);
    let mut body = String::new();
    let mut y = MARGIN;
    for (title, note, panels) in [
        (
            NAME,
            format!(
                "more is better; {rows} invitations in the file, 64 connections, one core, and a \
                 key check in all but the limits"
            ),
            &beside,
        ),
        (
            "The same as the file grows",
            "invitations in the file, each with its event".to_owned(),
            &grown,
        ),
    ] {
        words(&mut body, (MARGIN, y + 16), "title", title)?;
        words(&mut body, (MARGIN, y + 36), "soft", &note)?;
        y = draw_panels(&mut body, y + TITLE, panels)? + 16;
    }
    let limits = "Limits: a fixed answer from the same HTTP stack; SQLite alone, 64 rows a commit.";
    words(&mut body, (MARGIN, y + 4), "soft", limits)?;
    let processor = format!("Processor: {}.", machine::model()?);
    words(&mut body, (MARGIN, y + 24), "soft", &processor)?;
    Ok(fs::write(FILE, picture(y + 24 + MARGIN, &body))?)
}

/// The whole file.
fn picture(height: u32, body: &str) -> String {
    let (inner_width, inner_height) = (WIDTH - 1, height - 1);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>{NAME}</title>\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{inner_width}\" \
         height=\"{inner_height}\" rx=\"8\"/>\n{body}</svg>\n"
    )
}

/// The median of a run, in requests for each second of processor time.
fn rate(results: &Results, run: Run) -> Option<f64> {
    let samples = results.samples.get(&run)?;
    Some(median(samples.iter().map(|sample| sample.per_cpu_second)))
}

/// The bars of a request next to its limit and to other servers, as far as they were measured.
fn beside_others(results: &Results, ours: Run, limit: Run, kind: Kind) -> Vec<Bar> {
    let limit_label = match limit {
        Run::InsertLoop => "limit: SQLite alone",
        _ => "limit: a fixed answer",
    };
    let pocketbase = match kind {
        Kind::Create => "PocketBase (not durable)",
        _ => "PocketBase",
    };
    [
        (limit_label, limit, Whose::Limit),
        ("invited", ours, Whose::Ours),
        (
            "Node, better-sqlite3",
            Run::Peer(Peer::Node, kind),
            Whose::Peer,
        ),
        (pocketbase, Run::Peer(Peer::PocketBase, kind), Whose::Peer),
    ]
    .into_iter()
    .filter_map(|(label, run, whose)| {
        Some(Bar {
            label: label.to_owned(),
            value: rate(results, run)?,
            whose,
        })
    })
    .collect()
}

/// The bars of a request by the size of the file.
fn by_size(measured: &[Results], run: Run) -> Vec<Bar> {
    let bar = |results: &Results| {
        Some(Bar {
            label: thousands(results.rows),
            value: rate(results, run)?,
            whose: Whose::OursAlone,
        })
    };
    measured.iter().filter_map(bar).collect()
}

/// Draws panels side by side; returns where they end.
fn draw_panels(body: &mut String, top: u32, panels: &[Panel]) -> Result<u32> {
    let mut end = top;
    let mut x = MARGIN;
    for panel in panels {
        let longest = panel.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        words(body, (x, top + 12), "panel", panel.title)?;
        let mut y = top + HEAD;
        for bar in &panel.bars {
            draw_bar(body, (x, y), bar, longest)?;
            y += ROW;
        }
        end = end.max(y);
        x += PANEL + GAP;
    }
    Ok(end)
}

/// Draws a bar below its words.
fn draw_bar(body: &mut String, (x, y): (u32, u32), bar: &Bar, longest: f64) -> Result<()> {
    let (words_class, value_class, class) = match bar.whose {
        Whose::Limit => ("soft", "soft value", "limit"),
        Whose::Ours => ("strong", "strong value", "ours"),
        Whose::OursAlone => ("", "value", "ours"),
        Whose::Peer => ("", "value", "peer"),
    };
    words(body, (x, y + 12), words_class, &bar.label)?;
    let value = thousands(rounded(bar.value));
    words(body, (x + PANEL, y + 12), value_class, &value)?;
    let width = (bar.value / longest * f64::from(PANEL)).max(2.0);
    let top = y + 18;
    Ok(writeln!(
        body,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{width:.1}\" height=\"10\" rx=\"2\"/>"
    )?)
}

/// A number with its first three digits: what comes behind them is noise.
fn rounded(value: f64) -> f64 {
    let unit = 10_f64.powf((value.log10().floor() - 2.0).max(0.0));
    (value / unit).round() * unit
}

/// Writes words. Nothing here has letters that XML reads as markup.
fn words(body: &mut String, (x, y): (u32, u32), class: &str, text: &str) -> Result<()> {
    Ok(writeln!(
        body,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>"
    )?)
}
