//! `invited man`: manual pages, made from the command line itself.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::Cli;
use super::arguments::complete;
use super::reference::reference;
use crate::base::failure::Failure;

/// Where the pages go.
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// Folder for the pages of all commands; none: the page of `invited` goes to stdout
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print the reference of all commands as Markdown instead
    #[arg(long, conflicts_with = "folder")]
    markdown: bool,
}

/// Prints the page of the program, or writes the pages of all commands.
pub(crate) fn run(args: ManArgs) -> Result<(), Failure> {
    if args.folder.is_none() {
        super::stdout::check("the page")?;
    }
    if args.markdown {
        return super::print(&reference());
    }
    let command = complete(Cli::command()).disable_help_subcommand(true);
    let Some(folder) = args.folder else {
        let mut page = Vec::new();
        let made = Man::new(command).render(&mut page);
        made.map_err(|error| cannot_write(Path::new("stdout"), &error))?;
        return super::print(&String::from_utf8_lossy(&page));
    };
    let written = clap_mangen::generate_to(command, &folder);
    written.map_err(|error| cannot_write(&folder, &error))
}

/// The pages could not be written.
fn cannot_write(place: &Path, error: &io::Error) -> Failure {
    Failure::runtime(
        format!("cannot write manual pages to {} ({error})", place.display()),
        "name a folder that is there and that this user may write",
    )
}
