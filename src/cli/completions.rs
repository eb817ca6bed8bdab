//! `invited completions`: what a shell needs to complete commands and flags.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::arguments::complete;
use crate::base::failure::Failure;

/// For which shell.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "bash|elvish|fish|powershell|zsh")]
    shell: Shell,
}

/// Prints the script of the shell.
pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    super::stdout::check("the script")?;
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut complete(Cli::command()),
        "invited",
        &mut script,
    );
    super::print(&String::from_utf8_lossy(&script))
}
