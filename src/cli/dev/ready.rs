//! What a server for development says of itself to programs: a line of JSON, and the environment of
//! the command beside it.

use std::path::Path;

use serde::Serialize;

use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::server::Program;

/// Where a server that listens is, and what else a program needs to use it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready {
    /// The URL of the server, without a slash at its end; none, here and below: it has no port.
    url: Option<String>,
    /// Where the paths of the API begin.
    api_url: Option<String>,
    /// The console; none: it is switched off.
    console_url: Option<String>,
    /// The mail that was sent.
    mailbox_url: Option<String>,
    /// The port; none: it has unix sockets only.
    port: Option<u16>,
    /// A key that may do everything, for an application that sends one.
    key: Option<String>,
    /// The data file.
    data_file: String,
    /// The id of the process.
    pid: u32,
    /// The version of the program.
    version: &'static str,
}

impl Ready {
    /// What `program` is, on the data file `database`.
    pub(super) fn of(program: &Program, database: &Path) -> Self {
        let port = program.address().map(|address| address.port());
        let url = port.map(|_| program.local_url.clone());
        let at = |path: &str| url.as_ref().map(|url| format!("{url}{path}"));
        let console = program.offer().console;
        let file = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
        Self {
            api_url: at("/v1"),
            console_url: at("/console").filter(|_| console),
            mailbox_url: at("/dev/mailbox"),
            port,
            key: program.own_key().map(|key| key.reveal()),
            data_file: file.to_string_lossy().into_owned(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            url,
        }
    }

    /// The port.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn port(&self) -> Result<u16, Failure> {
        self.port.ok_or_else(|| {
            Failure::usage(
                "--port-file is for servers with a port, and --listen has none",
                "leave --port-file out, or listen on an address besides, as 127.0.0.1:0",
            )
        })
    }

    /// All of it as one line.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn line(&self) -> Result<String, Failure> {
        let json = serde_json::to_string(self)
            .map_err(|error| Failure::runtime(Error::internal(error).to_string(), "see the log"))?;
        Ok(json + "\n")
    }

    /// The variables of a command beside the server.
    pub(super) fn environment(&self) -> Vec<(&'static str, &str)> {
        let variables = [
            ("INVITED_URL", &self.url),
            ("INVITED_API_URL", &self.api_url),
            ("INVITED_CONSOLE_URL", &self.console_url),
            ("INVITED_MAILBOX_URL", &self.mailbox_url),
            ("INVITED_KEY", &self.key),
        ];
        let given = variables.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }
}
