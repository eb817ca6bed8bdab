//! `invited version`: which program this is.

use clap::Args;
use serde::Serialize;

use crate::base::failure::Failure;
use crate::db;

/// How the version is told.
#[derive(Args, Debug)]
pub(crate) struct VersionArgs {
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Which program this is.
#[derive(Serialize)]
struct Version {
    /// The version of the program.
    version: &'static str,
    /// The version of the tables in data files: a program opens files of its own and of older ones.
    schema: u32,
    /// The version of SQLite that is built in.
    sqlite: &'static str,
    /// For which machines it was built, as `x86_64-linux`.
    target: String,
    /// What it was built with.
    features: Vec<&'static str>,
}

/// Prints the version.
pub(crate) fn run(args: &VersionArgs) -> Result<(), Failure> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        schema: db::SCHEMA_VERSION,
        sqlite: db::sqlite_version(),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        features: if cfg!(feature = "oidc") {
            vec!["oidc"]
        } else {
            Vec::new()
        },
    };
    if args.json {
        let line = serde_json::to_string(&version).map_err(|error| {
            Failure::runtime(format!("cannot print the version ({error})"), "report this")
        })?;
        return super::print(&format!("{line}\n"));
    }
    super::print(&format!(
        "invited {}\nschema {}\nSQLite {}\n{}\n",
        version.version, version.schema, version.sqlite, version.target
    ))
}
