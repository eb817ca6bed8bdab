//! Where the secret of a server comes from.

use std::path::Path;

use super::sources::variable;
use crate::base::failure::Failure;
use crate::secret::Source;

/// Where the secret comes from. The secret has no flag of its own, because command lines are seen
/// by everybody on the machine. An empty variable is as good as none.
///
/// # Errors
/// When the variable is not text, or a flag names a file besides.
pub(crate) fn secret_source(
    secret_file: Option<&Path>,
    database: &Path,
) -> Result<Source, Failure> {
    let given = variable("INVITED_SECRET");
    let Some(given) = given else {
        return Ok(secret_file.map_or_else(
            || own_secret(database),
            |path| Source::File(path.to_owned()),
        ));
    };
    // The environment and the configuration file name none beside the variable.
    if let Some(path) = secret_file {
        return Err(Failure::usage(
            format!(
                "both INVITED_SECRET and --secret-file {} give the secret",
                path.display()
            ),
            "unset INVITED_SECRET, or leave --secret-file out",
        ));
    }
    given.into_string().map(Source::Given).map_err(|_| {
        Failure::usage(
            "INVITED_SECRET is not text (UTF-8)",
            "give a random one, as `openssl rand -hex 32` prints it",
        )
    })
}

/// The file of the secret that goes with the data file.
fn own_secret(database: &Path) -> Source {
    let mut path = database.as_os_str().to_owned();
    path.push(".secret");
    Source::Own(path.into())
}
