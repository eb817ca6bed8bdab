//! The life of an invitation in tests: its links and codes, and everything that the file holds.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use invited::base::clock::{Clock, Timestamp};
use invited::base::email::Email;
use invited::base::mode::Mode;
use invited::base::organization_id::OrganizationId;
use invited::dev::seed::Ground;
use invited::invitation::link::{self, TokenKind};
use invited::invitation::transition::CurrentInvitation;
use invited::invitation::{Invitation, code, store};
use invited::secret::{Keyring, Source};
use rusqlite::types::ValueRef;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, TestApp, invitation, rules};

/// What a file holds: the rows of every table, by its name.
pub type Contents = BTreeMap<String, Vec<String>>;

/// Everything that the file at `database` holds, whatever its tables are called.
pub fn contents_of(database: &Path) -> Contents {
    let conn = rusqlite::Connection::open(database).expect("the file opens");
    let mut tables = conn
        .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        .expect("good SQL");
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .expect("it runs")
        .map(|name| name.expect("a name"))
        .collect();
    let rows_of = |name: String| {
        let mut rows = conn
            .prepare(&format!("select * from {name}"))
            .expect("a table");
        let columns = rows.column_count();
        let row_of = |row: &rusqlite::Row<'_>| {
            let value = |column| match row.get_ref(column)? {
                ValueRef::Text(text) => Ok(format!("{:?}", String::from_utf8_lossy(text))),
                other => Ok(format!("{other:?}")),
            };
            Ok((0..columns)
                .map(value)
                .collect::<rusqlite::Result<Vec<_>>>()?
                .join(" "))
        };
        let rows = rows
            .query_map([], row_of)
            .expect("it runs")
            .map(|row| row.expect("a row"))
            .collect();
        (name, rows)
    };
    let contents: Contents = names.into_iter().map(rows_of).collect();
    assert!(contents.len() >= 6, "{:?}", contents.keys());
    contents
}

impl TestApp {
    /// Stops the server, has `change` do something to its data file, and starts it again on another
    /// port; the clock stands where it stood.
    pub fn restart_after(&mut self, change: impl FnOnce(&Path)) {
        self.stop();
        // Its threads let go of the file a moment after it has ended.
        let lock =
            std::fs::File::open(self.database.with_added_extension("lock")).expect("a lock file");
        let deadline = Instant::now() + Duration::from_secs(10);
        while lock.try_lock().is_err() {
            assert!(Instant::now() < deadline, "the file is still held");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(lock);
        change(&self.database);
        self.run();
    }

    /// `invited serve` at `now` on a copy of the data file at `path`, whose secret is beside it.
    /// `key` is an admin key of it.
    pub fn serve_copy(path: &Path, key: String, now: Timestamp) -> Self {
        let mut app = Self::prepare(Mode::Serve, &[]);
        for (from, place) in [
            (path.to_owned(), app.database.clone()),
            (path.with_extension("secret"), app.secret_file()),
        ] {
            std::fs::copy(from, &place).expect("a copy");
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(place, private).expect("it is private");
        }
        app.clock.set(now);
        app.run();
        app.key = key;
        app
    }

    /// Everything that the file holds.
    pub fn contents(&self) -> Contents {
        contents_of(&self.database)
    }

    /// POSTs to what can be done with one invitation, as `resend`.
    pub fn change(&self, invitation: &Value, what: &str, body: &Value) -> Answer {
        self.post(
            &format!("{}/{what}", path_of(invitation)),
            &body.to_string(),
        )
    }

    /// The invitation as it is now.
    pub fn look(&self, invitation: &Value) -> Value {
        let answer = self.get(&path_of(invitation));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The token of the link of a pending invitation.
    pub fn token_of(&self, invitation: &Value) -> String {
        let answer = self.change(invitation, "link", &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// The token that the mail of an invitation brings as it stands: from its id, how often it was
    /// sent, and the server's secret, for no response has it.
    pub fn mailed_token_of(&self, invitation: &Value) -> String {
        let shown = self.look(invitation);
        let id = shown["id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
        let sent = shown["sendCount"].as_u64().unwrap_or_default();
        link::token(
            self.keyring().signing(),
            TokenKind::Mailed,
            id.expect("an id"),
            u32::try_from(sent).expect("a count"),
        )
    }

    /// POSTs to an operation of the invited person, without a key.
    pub fn person(&self, what: &str, body: &Value) -> Answer {
        self.anonymous("POST", &format!("/v1/invitations/{what}"))
            .json(body.to_string())
            .send()
    }

    /// Asks for a code for `email`; it must work.
    pub fn ask_code(&self, token: &str, email: &str) {
        let answer = self.person("code", &json!({ "token": token, "email": email }));
        assert_eq!(answer.status, 202, "{}", answer.text());
    }

    /// Sets the clock to that of the machine: by it [`TestApp::code_of`] decides which code is
    /// live.
    pub fn set_present(&self) {
        self.clock.set(Clock::System.now());
    }

    /// The live code of an invitation, as the server would send it: from its file and its secret.
    pub fn code_of(&self, invitation: &Value) -> Option<String> {
        self.code_for(
            invitation,
            invitation["email"].as_str().expect("an address"),
        )
    }

    /// The live code that was asked for with `email`, whether or not that was invited: nobody is
    /// ever sent it then.
    pub fn code_for(&self, invitation: &Value, email: &str) -> Option<String> {
        let keyring = self.keyring();
        let organization = invitation["organizationId"]
            .as_str()
            .and_then(OrganizationId::parse)
            .expect("an organization");
        let id = invitation["id"]
            .as_str()
            .and_then(|id| Uuid::try_parse(id).ok())
            .expect("an id");
        let current = |reader: &invited::db::Reader<'_>| {
            let show =
                |invitation: &Invitation<'_>| Ok(CurrentInvitation::of(&organization, invitation));
            let present =
                store::find(reader, reader.now, &organization, id, show)?.expect("an invitation");
            let code = code::current(
                reader,
                &keyring,
                &CurrentInvitation {
                    email: Email::from_stored(email),
                    ..present
                },
            )?;
            Ok(code.map(|code| code.digits))
        };
        invited::db::read_file(&self.database, current).expect("the file reads")
    }

    /// The file of the server's secret.
    pub fn secret_file(&self) -> PathBuf {
        self.database.with_added_extension("secret")
    }

    /// The secret that the server signs with, from its file.
    pub fn keyring(&self) -> Keyring {
        keyring_of(&self.secret_file())
    }
}

/// What samples are put in for.
pub fn ground() -> Ground {
    Ground {
        rules: rules(),
        access: None,
        keeps_mail: true,
    }
}

/// The first secret of a file.
pub fn keyring_of(secret_file: &Path) -> Keyring {
    let loaded = Source::File(secret_file.to_owned())
        .load(false)
        .expect("it reads");
    Keyring::single(loaded.expect("a secret").signing)
}

/// The path of an invitation.
pub fn path_of(shown: &Value) -> String {
    invitation(
        shown["organizationId"].as_str().expect("an organization"),
        &shown["id"],
    )
}

/// A code that is not `code`.
pub fn another_code(code: &str) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:06}", (number + 1) % 1_000_000)
}

/// The pointers of everything that a problem document finds wrong, with their codes.
pub fn wrong(answer: &Answer) -> Vec<(String, String)> {
    let errors = answer.json()["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

/// Status and code of a refusal.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let code = if answer.body.starts_with(b"{") {
        answer.code()
    } else {
        String::new()
    };
    (answer.status, code)
}
