//! `invited doctor`: what is wrong with a server, or soon will be, beside a running one or without.

use std::path::Path;

use clap::Args;

use super::format::OutputArgs;
use crate::backup::finding;
use crate::base::clock::Clock;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::config::sources::Sources;
use crate::config::{Config, Settings};
use crate::db::{Source, find_holder, read_file};
use crate::doctor::{self, Finding, Severity, network};
use crate::secret;

/// The name of the finding about the secret.
const SECRET: &str = "secret";

/// What to look at, and how to say it.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// The settings of the server.
    #[command(flatten)]
    settings: Settings,
    /// Reach for nothing: neither the public URL nor the mail server
    #[arg(long)]
    offline: bool,
    /// How to print what was found.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs all checks and prints what they found.
pub(crate) fn run(args: DoctorArgs, sources: &Sources) -> Result<(), Failure> {
    let database = super::database(args.settings.database.clone());
    let findings = match Config::new(args.settings, &database, Mode::Serve) {
        Ok(config) if args.offline => examine(&config)?,
        Ok(config) => reach(&config, examine(&config)?)?,
        // What the file itself tells needs no settings.
        Err(failure) => {
            let settings = Finding::of_failure("settings", &sources.explain(failure));
            let is_served = doctor::check_served(find_holder(&database).is_some());
            let contents = examine_contents(&database);
            [vec![settings, is_served], contents].concat()
        }
    };
    let text = || findings.iter().map(line).collect();
    args.output.print(text, &findings)?;
    let bad = findings.iter().filter(|one| one.state == Severity::Bad);
    match bad.count() {
        0 => Ok(()),
        count => Err(Failure::runtime(
            format!("{count} of {} findings are bad", findings.len()),
            "each says what to do",
        )),
    }
}

/// What the checks find.
pub(super) fn examine(config: &Config) -> Result<Vec<Finding>, Failure> {
    let mut findings = doctor::examine_outside(&config.doctor_setup()?);
    for finding in &mut findings {
        // What is wrong with the file itself is the first thing to mend.
        if finding.name == SECRET && finding.state != Severity::Bad {
            *finding = check_secret(config).unwrap_or_else(|| finding.clone());
        }
    }
    let (plan, now) = (config.backups.as_ref(), Clock::System.now());
    findings.push(finding::of_folder(plan, None, now));
    findings.extend(examine_contents(&config.database));
    Ok(findings)
}

/// Why the server would not start with its secret, if so. Where the data file cannot be opened, which
/// is a finding of its own, it is only looked whether the secret is one.
fn check_secret(config: &Config) -> Option<Finding> {
    let refused = match Source::open(&config.database) {
        Ok(source) => secret::start::text_of(&source, &config.secret).err(),
        Err(_) => config.secret.check().err(),
    };
    refused.map(|failure| Finding::of_failure(SECRET, &failure))
}

/// What the checks find in the file `database`. Nothing is said of one that is missing.
fn examine_contents(database: &Path) -> Vec<Finding> {
    if !database.exists() {
        return Vec::new();
    }
    let read = read_file(database, |reader| {
        let mut findings = doctor::examine_file(reader);
        findings.push(doctor::check_counts(reader));
        Ok(findings)
    });
    read.unwrap_or_else(|failure| vec![Finding::of_failure("contents", &failure)])
}

/// `findings` with what the network tells, which knows more than the settings do.
fn reach(config: &Config, mut findings: Vec<Finding>) -> Result<Vec<Finding>, Failure> {
    let is_served = find_holder(&config.database).is_some();
    let reached = network::examine(&config.doctor_reach()?, is_served);
    findings.retain(|known| !reached.iter().any(|found| found.name == known.name));
    findings.push(doctor::check_served(is_served));
    findings.extend(reached);
    Ok(findings)
}

/// A finding as a person reads it.
fn line(finding: &Finding) -> String {
    let state = match finding.state {
        Severity::Ok => "ok",
        Severity::Warn => "warn",
        Severity::Bad => "BAD",
    };
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| format!("{:18}fix: {fix}\n", ""))
        .unwrap_or_default();
    format!("{state:5}{:13}{}\n{fix}", finding.name, finding.detail)
}
