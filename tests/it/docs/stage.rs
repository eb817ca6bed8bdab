//! A machine of its own for the lines of a page: a folder in the place of `/`, a server on its data
//! file, and what pages take for granted.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::readme::words;
use crate::support::client::Answer;
use crate::support::process::{Server, invited};

/// The address that pages show.
const SHOWN: &str = "127.0.0.1:8080";
/// The id of a key that pages show.
const SHOWN_KEY: &str = "0123456789abcdef";
/// The machine that pages show.
const SHOWN_HOST: &str = "mail-1";
/// The folders of a machine that pages name.
const FOLDERS: [&str; 3] = ["/var/lib/invited", "/srv/backups", "/etc/invited"];

/// The machine of one page.
pub(super) struct Stage {
    /// What stands in the place of `/`, and where lines are run.
    folder: tempfile::TempDir,
    /// The server beside which lines are run; none: it was stopped.
    server: Option<Server>,
    /// The first key, whole.
    key: String,
    /// The id of a key that may be revoked.
    spare_key: String,
}

impl Stage {
    /// A machine with a server, its backups, an invitation, a key that was used and one that was not.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in FOLDERS {
            let path = folder.path().join(&name[1..]);
            std::fs::create_dir_all(path).expect("a folder");
        }
        let mut stage = Self {
            folder,
            server: None,
            key: String::new(),
            spare_key: String::new(),
        };
        stage.serve();
        let file = stage.place("/var/lib/invited/invited.db.admin-key");
        let key = std::fs::read_to_string(file).expect("a key");
        key.trim().clone_into(&mut stage.key);
        stage.curl("curl http://a/v1/keys -H 'Authorization: Bearer ivk_...'");
        // Without an organization there are no heads to compare.
        let invited = stage.curl(
            "curl http://a/v1/organizations/acme/invitations -H 'Authorization: Bearer ivk_...' -H \
             'Content-Type: application/json' -d '{\"email\":\"a@b.co\",\"role\":\"x\"}'",
        );
        assert_eq!(invited.status, 201, "{}", invited.text());
        // It is written at the end when a key was last used.
        stage.stop();
        stage.serve();
        let made = stage.run("invited key create --name spare");
        let made = String::from_utf8_lossy(&made.stdout).into_owned();
        let id = made.split("ivk_").nth(1).and_then(|rest| rest.get(..16));
        id.expect("an id").clone_into(&mut stage.spare_key);
        for name in ["copy.db", "invited.db.before-schema-2"] {
            assert!(
                stage
                    .run(&format!("invited backup {name}"))
                    .status
                    .success()
            );
        }
        let secret = stage.place("/var/lib/invited/invited.db.secret");
        let copied = std::fs::copy(secret, stage.folder.path().join("invited.db.secret"));
        copied.expect("a copy of the secret");
        stage
    }

    /// Where a path of a page is.
    fn place(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// Starts the server, unless it runs.
    pub(super) fn serve(&mut self) {
        if self.server.is_none() {
            let database = self.place("/var/lib/invited/invited.db");
            self.server = Some(Server::serve(&database));
        }
    }

    /// Stops the server.
    pub(super) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("TERM");
            assert!(server.wait().0.success());
        }
    }

    /// A line of a page with the paths and the key of this machine.
    fn real(&self, line: &str) -> String {
        let line = line.replace(SHOWN_KEY, &self.spare_key);
        FOLDERS.iter().fold(line, |line, folder| {
            line.replace(folder, &self.place(folder).to_string_lossy())
        })
    }

    /// An output with the paths and the address that pages show.
    pub(super) fn shown(&self, output: &[u8]) -> String {
        let text = String::from_utf8_lossy(output);
        let text = text.replace(&*self.folder.path().to_string_lossy(), "");
        let name = rustix::system::uname();
        let host = name.nodename().to_string_lossy();
        let text = text.replace(&format!("on {host},"), &format!("on {SHOWN_HOST},"));
        match &self.server {
            Some(server) => text.replace(&server.address.to_string(), SHOWN),
            None => text,
        }
    }

    /// A shell that runs `line` with the program in its path.
    fn shell(&self, line: &str) -> Command {
        let program = invited();
        let folder = PathBuf::from(program.get_program());
        let folder = folder.parent().expect("a folder").to_owned();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        for (name, _) in program.get_envs() {
            shell.env_remove(name);
        }
        let listen = self.server.as_ref().map(|server| server.address);
        let listen = listen.map_or("127.0.0.1:0".to_owned(), |address| address.to_string());
        shell
            .args(["-c", &self.real(line)])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("INVITED_LISTEN", listen)
            .env(
                "INVITED_DATABASE",
                self.place("/var/lib/invited/invited.db"),
            )
            .stdin(Stdio::null());
        shell
    }

    /// Runs a line to its end.
    pub(super) fn run(&self, line: &str) -> Output {
        self.shell(line).output().expect("a shell")
    }

    /// Starts the server that a line starts, and stops it. Returns what it says where that fails.
    pub(super) fn start(&mut self, line: &str) -> Result<(), String> {
        self.stop();
        let server = Server::spawn(&mut self.shell(&format!("exec env {line}")));
        server.signal("TERM");
        let (status, _, log) = server.wait();
        if status.success() { Ok(()) } else { Err(log) }
    }

    /// Sends what a line with `curl` says to the server, with its first key.
    pub(super) fn curl(&self, line: &str) -> Answer {
        let words = words(&line.replace("ivk_...", &self.key));
        let behind = |flag: &'static str| {
            let pairs = words.windows(2).filter(move |pair| pair[0] == flag);
            pairs.map(|pair| pair[1].clone())
        };
        let url = words.iter().find(|word| word.starts_with("http"));
        let path = url.and_then(|url| url.splitn(4, '/').nth(3));
        let path = format!("/{}", path.expect("a URL with a path"));
        let body = behind("-d").next();
        let method = if body.is_some() { "POST" } else { "GET" };
        let method = behind("-X").next().unwrap_or_else(|| method.to_owned());
        let server = self.server.as_ref().expect("a server");
        let mut request = server.request(&method, &path);
        for header in behind("-H") {
            let (name, value) = header.split_once(": ").expect("a header");
            request = request.header(name, value);
        }
        body.map_or(request.clone(), |body| request.body(body))
            .send()
    }
}
