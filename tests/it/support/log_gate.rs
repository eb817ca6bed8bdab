//! What the servers of all tests log, looked through as it is written: no line holds a secret or an
//! address, and each is one line of its format.
//!
//! Servers in this process log everything at the level `trace` as JSON into [`Gate`]; servers that
//! run as processes log as text, which [`super::process`] reads. Whoever ends a server fails where
//! any line was wrong by then.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};

use clap::Parser;
use env_logger::fmt::WriteStyle;
use invited::base::text::is_invisible;
use serde_json::Value;

use super::CommandLine;

/// What tokens of this program begin with.
const PREFIXES: [&str; 5] = ["ivk_", "ivt_", "ivm_", "ivl_", "whsec_"];
/// The shortest part of a secret that is looked for.
const MIN_SECRET: usize = 16;
/// The levels of a line.
const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
/// The target of lines that are wrong on purpose: they make no test fail.
pub const PLANTED: &str = "planted";

/// What was logged so far, and what must not be.
static SEEN: LazyLock<Mutex<Seen>> = LazyLock::new(Mutex::default);

/// What was logged so far, and what must not be.
#[derive(Default)]
struct Seen {
    /// Makes words short.
    hasher: RandomState,
    /// The long words of all lines.
    words: HashSet<u64>,
    /// The secrets of tests that have no prefix.
    secrets: HashSet<u64>,
    /// What was wrong with lines, since a test has failed for it.
    faults: Vec<String>,
    /// What was wrong with lines that are wrong on purpose.
    planted: Vec<String>,
}

impl Seen {
    /// Remembers a line, and what is wrong with it.
    fn add(&mut self, line: &str, mut faults: Vec<String>) {
        for word in long_words(line) {
            let word = self.hasher.hash_one(word);
            self.words.insert(word);
            if self.secrets.contains(&word) {
                faults.push(format!("a secret in {line}"));
            }
        }
        if line.contains(PLANTED) {
            self.planted.extend(faults);
        } else {
            self.faults.extend(faults);
        }
    }
}

/// What was logged so far.
fn seen() -> MutexGuard<'static, Seen> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the servers of this process log.
struct Gate;

impl Write for Gate {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(line);
        let faults = faults_of_json(line.strip_suffix('\n').unwrap_or("no line end"));
        seen().add(&line, faults);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has all servers of this process log into the gate from now on.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let words = ["invited", "--log", "trace", "--log-format", "json"];
        let settings = CommandLine::parse_from(words).settings.log;
        let is_first = invited::cli::start_logging(&settings, Box::new(Gate), WriteStyle::Never);
        assert!(is_first, "another logger is there");
    });
}

/// Has the gate look for `secret` in what is logged from now on, and in what was.
pub fn remember(secret: &str) {
    let mut seen = seen();
    for word in long_words(secret) {
        let word = seen.hasher.hash_one(word);
        seen.secrets.insert(word);
        if seen.words.contains(&word) {
            seen.faults.push(format!(
                "the secret {secret} was logged before it was known"
            ));
        }
    }
}

/// Has the gate look for the secret in the file at `path`.
pub fn remember_file(path: &Path) {
    if let Ok(secret) = std::fs::read_to_string(path) {
        remember(&secret);
    }
}

/// Looks through what a server said that runs as a process.
pub fn look_through(text: &str) {
    for line in text.lines() {
        let faults = faults_of_text(line);
        seen().add(line, faults);
    }
}

/// Fails where any line was wrong since the last time.
pub fn check() {
    let faults = std::mem::take(&mut seen().faults);
    if !std::thread::panicking() {
        assert!(
            faults.is_empty(),
            "the log holds what it must not: {faults:#?}"
        );
    }
}

/// What was wrong with the lines that hold `planted` and were wrong on purpose.
pub fn planted_faults(planted: &str) -> usize {
    let seen = seen();
    let own = seen.planted.iter().filter(|fault| fault.contains(planted));
    own.count()
}

/// The parts of `text` that are long enough for a secret.
fn long_words(text: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
    text.split(is_between)
        .filter(|word| word.len() >= MIN_SECRET)
}

/// What is wrong with a line of JSON.
pub fn faults_of_json(line: &str) -> Vec<String> {
    let mut faults = faults_of(line);
    let is_record = |record: Value| {
        let text = |name: &str| record[name].as_str().is_some_and(|text| !text.is_empty());
        let level = record["level"].as_str().unwrap_or_default();
        text("time") && text("target") && record["message"].is_string() && LEVELS.contains(&level)
    };
    if !serde_json::from_str(line).is_ok_and(is_record) {
        faults.push(format!("no record: {line}"));
    }
    faults
}

/// What is wrong with a line of text.
pub fn faults_of_text(line: &str) -> Vec<String> {
    let mut faults = faults_of(line);
    if !is_line_of_log(line) && !is_line_of_command(line) {
        faults.push(format!("no line of the log: {line}"));
    }
    faults
}

/// Whether `line` is one of the log.
fn is_line_of_log(line: &str) -> bool {
    let rest = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let words: Vec<_> = rest
        .map(|(head, _)| head.split_whitespace().collect())
        .unwrap_or_default();
    matches!(&words[..], [time, level, _target]
        if time.len() == 24 && time.ends_with('Z') && LEVELS.contains(level))
        || serde_json::from_str::<Value>(line).is_ok_and(|record| record["level"].is_string())
}

/// Whether `line` is what a server prints that cannot start, or the end of a banner.
fn is_line_of_command(line: &str) -> bool {
    line.is_empty() || line.starts_with("invited: ") || line.starts_with("  ")
}

/// What is wrong with a line, whatever its format is.
fn faults_of(line: &str) -> Vec<String> {
    [
        ("something unseen", has_unseen(line)),
        (
            "a token",
            PREFIXES.iter().any(|prefix| has_token(line, prefix)),
        ),
        ("a mail address", has_mail_address(line)),
        ("an address of a client", has_address(line)),
    ]
    .into_iter()
    .filter(|(_, is_there)| *is_there)
    .map(|(what, _)| format!("{what} in {line}"))
    .collect()
}

/// Whether anything stands behind `prefix` that can be a token.
fn has_token(line: &str, prefix: &str) -> bool {
    line.split(prefix).skip(1).any(|rest| {
        let is_of_token = |c: &char| c.is_ascii_alphanumeric() || "_-+/=%".contains(*c);
        rest.chars().take_while(is_of_token).count() > 0
    })
}

/// Whether something is there that is not seen.
fn has_unseen(line: &str) -> bool {
    let is_plain = |byte: &u8| (b' '..=b'~').contains(byte);
    !line.as_bytes().iter().all(is_plain) && line.contains(is_invisible)
}

/// Whether a mail address is there with its name.
fn has_mail_address(line: &str) -> bool {
    if !line.contains('@') && !line.contains("%40") {
        return false;
    }
    line.replace("%40", "@")
        .split('@')
        .collect::<Vec<_>>()
        .windows(2)
        .any(|around| {
            around[0].ends_with(char::is_alphanumeric)
                && around[1].starts_with(char::is_alphanumeric)
        })
}

/// Whether an address is there that is neither masked nor one of this machine.
fn has_address(line: &str) -> bool {
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || ".:/_-".contains(c));
    line.split(is_between)
        .filter(|word| word.len() >= 7 && (word.contains('.') || word.contains("::")))
        .filter_map(|word| word.trim_matches(['.', ':']).parse::<IpAddr>().ok())
        .any(|address| !address.is_loopback() && !address.is_unspecified())
}

#[test]
fn the_gate_sees_whatever_is_planted_in_a_line_of_either_format() {
    let secret = format!("planted-{}", "5a".repeat(16));
    remember(&secret);
    install();
    for planted in [
        format!("ivk_{}_{}", "0a".repeat(8), "0b".repeat(32)),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        "ivl_0a".to_owned(),
        "ada@example.com".to_owned(),
        "ada%40example.com".to_owned(),
        "203.0.113.7".to_owned(),
        "2001:db8::7".to_owned(),
        "a\u{1b}[31m".to_owned(),
        "a\u{202e}b".to_owned(),
    ] {
        let time = "2026-11-29T22:15:03.120Z";
        let text = format!("[{time} INFO  invited] what {planted} is");
        assert_eq!(faults_of_text(&text).len(), 1, "{text:?}");
        let json = format!(
            r#"{{"time":"{time}","level":"INFO","target":"x","message":"what {planted} is"}}"#
        );
        assert!(!faults_of_json(&json).is_empty(), "{json:?}");
    }
    for line in [
        "half a line",
        "[2026 INFO invited] x",
        r#"{"level":"INFO"}"#,
    ] {
        assert!(!faults_of_text(line).is_empty() || !faults_of_json(line).is_empty());
        assert_eq!(faults_of_json(line).len(), 1, "{line}");
    }
    // All the way through the logger, which hides what it knows the form of.
    log::trace!(target: PLANTED, "{secret}");
    assert_eq!(
        planted_faults(&secret),
        1,
        "a secret without a form of its own"
    );
    log::trace!(target: PLANTED, "kept 203.0.113.9 as it is");
    assert_eq!(planted_faults("203.0.113.9"), 1);
    for hidden in ["ivk_0a_0b", "bob@example.com", "a\u{1b}b"] {
        log::trace!(target: PLANTED, "hidden-7 {hidden}");
    }
    assert_eq!(planted_faults("hidden-7"), 0, "what the logger hides");
}
