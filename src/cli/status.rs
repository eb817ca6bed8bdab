//! `invited status`: what runs, on which file, and how much is in it.

use clap::Args;

use super::doctor::examine;
use super::format::OutputArgs;
use crate::base::clock::Timestamp;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::config::{Config, Settings};
use crate::db::read_file;
use crate::doctor::Sizes;
use crate::doctor::status::{Contents, Findings, Keys, Status};
use crate::outbox::mail::waiting::Counts;

/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;

/// Which server, and how to print it.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// The settings of the server.
    #[command(flatten)]
    settings: Settings,
    /// How to print it.
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints how the server is, whether it runs or not.
pub(crate) fn run(args: StatusArgs) -> Result<(), Failure> {
    let database = super::database(args.settings.database.clone());
    let config = Config::new(args.settings, &database, Mode::Serve)?;
    let contents = read_file(&config.database, Contents::count)?;
    let findings = examine(&config)?;
    let status = Status::new(&config.doctor_setup()?, contents, &findings);
    args.output.print(|| lines(&status), &status)
}

/// The status for people.
fn lines(status: &Status) -> String {
    let contents = &status.contents;
    let rows = [
        (
            "version",
            format!("{}, SQLite {}", status.version, status.sqlite),
        ),
        ("server", server(status)),
        (
            "data file",
            format!("{}, schema {}", status.data_file, contents.schema),
        ),
        ("size", sizes(status.sizes)),
        (
            "contents",
            format!(
                "organizations {}, invitations {}",
                contents.organizations, contents.invitations
            ),
        ),
        ("mail", mail(&contents.mail)),
        ("keys", keys(&contents.keys)),
        ("findings", findings(&status.findings)),
    ];
    rows.map(|(name, value)| format!("{name:<10} {value}\n"))
        .concat()
}

/// Who serves the file.
fn server(status: &Status) -> String {
    let Some(holder) = &status.server else {
        return "does not run".to_owned();
    };
    let since = moment(holder.since, "an unknown time");
    format!("{holder}, since {since}")
}

/// How large what grows is.
fn sizes(Sizes { file, log, free }: Sizes) -> String {
    format!("{}, log {}, free {}", mib(file), mib(log), mib(free))
}

/// The mail that waits.
fn mail(counts: &Counts) -> String {
    let (waiting, put_off) = (counts.waiting, counts.put_off);
    format!("{waiting} waiting, {put_off} of them tried in vain")
}

/// The keys that work.
fn keys(keys: &Keys) -> String {
    let used = moment(keys.last_used_at, "never");
    format!("{} live, last used {used}", keys.live)
}

/// What the checks found.
fn findings(Findings { bad, warn }: &Findings) -> String {
    format!("{bad} bad, {warn} warn (see `invited doctor`)")
}

/// A time for people; `otherwise` where there is none.
fn moment(time: Option<Timestamp>, otherwise: &str) -> String {
    time.map_or_else(|| otherwise.to_owned(), |time| time.to_string())
}

/// Bytes for people.
fn mib(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "unknown".to_owned(),
        |bytes| format!("{} MiB", bytes / MIB),
    )
}
