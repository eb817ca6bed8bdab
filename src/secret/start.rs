//! Compares the secrets with the data file, when a server starts.

use std::fmt;

use serde_json::json;

use super::source::Loaded;
use super::store::{self, Known};
use super::{Keyring, SecretId, Source};
use crate::audit::{self, Action, By, NewEntry};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::failure::Failure;
use crate::base::shell::shell_word;
use crate::db::{self, Db, Reader, WriteTx};

/// How many seconds a secret verifies once another one signs, where nothing else was said: 30 days.
pub(crate) const KEEP_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The secrets of a server that starts.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The secrets.
    pub keyring: Keyring,
    /// What the person who starts the server has to know of them, a sentence each.
    pub notes: Vec<String>,
}

/// What is worthless without secrets that are missing.
#[derive(Clone, Copy, Debug)]
struct Loss {
    /// Links that can be answered now.
    links: u32,
    /// Webhooks whose signing secrets are derived from them.
    webhooks: u32,
}

/// How the secrets that were loaded fit to the data file.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// What the data file knows.
    known: Vec<Known>,
    /// The secrets of these that it needs and that were not loaded. Where none of its own was
    /// loaded, these are all that it knows.
    missing: Vec<Known>,
    /// What is worthless without them.
    loss: Loss,
}

/// Gets the secrets of the data file, and makes sure that they are its own. With `may_replace` the
/// server goes on without secrets that are missing.
///
/// # Errors
/// When they cannot be read, or others are needed.
pub(crate) async fn open(
    db: &Db,
    source: &Source,
    may_replace: bool,
) -> std::result::Result<Opened, Failure> {
    let is_new = db.read(store::list).map_err(failed)?.is_empty();
    let loaded = source.load(is_new || may_replace)?;
    let compared = db
        .read(|reader| Comparison::of(reader, loaded.as_ref()))
        .map_err(failed)?;
    let loaded = match loaded {
        Some(loaded) if may_replace || compared.missing.is_empty() => loaded,
        loaded => return Err(compared.refusal(loaded.as_ref(), source)),
    };
    let signing = loaded.signing.id();
    if !compared.is_settled(signing) {
        let missing: Vec<_> = compared.missing.iter().map(|known| known.id).collect();
        let loss = compared.loss;
        db.write(move |tx| record_signing(tx, signing, &missing, loss))
            .await
            .map_err(failed)?;
    }
    let known = db.read(store::list).map_err(failed)?;
    let loss = Some(compared.loss).filter(|_| !compared.missing.is_empty());
    let notes = notes(&loaded, loss, &known, db.now());
    Ok(Opened {
        keyring: Keyring::new(loaded.signing, loaded.earlier, &known),
        notes,
    })
}

/// The text of the secrets in `secrets`, which must be those of the data file `source`.
///
/// # Errors
/// When they cannot be read, or others are needed.
pub(crate) fn text_of(
    source: &db::Source,
    secrets: &Source,
) -> std::result::Result<String, Failure> {
    let loaded = secrets.load(false)?;
    let compared = source.at_one_moment(|reader| Comparison::of(reader, loaded.as_ref()));
    let compared = compared.map_err(failed)?;
    match loaded {
        Some(loaded) => compared.check(&loaded, secrets)?,
        None => return Err(compared.refusal(None, secrets)),
    }
    secrets.text()
}

/// Notes which secret signs from now on, that those before it end, and that `missing` are gone.
fn record_signing(
    tx: &WriteTx<'_>,
    signing: SecretId,
    missing: &[SecretId],
    loss: Loss,
) -> Result<()> {
    store::insert_signing(tx, signing)?;
    store::end_earlier(tx, signing, tx.now.plus_seconds(KEEP_SECONDS))?;
    for &id in missing {
        store::move_webhooks(tx, id, signing)?;
        store::delete(tx, id)?;
    }
    if !missing.is_empty() {
        let details = json!({ "links": loss.links, "webhooks": loss.webhooks });
        let (action, by) = (Action::SecretLost, By::SERVER);
        audit::store::append(
            tx,
            &NewEntry {
                action,
                by,
                subject: None,
                organizations: None,
                details,
            },
        )?;
    }
    Ok(())
}

impl Comparison {
    /// Compares what was loaded with what the data file knows.
    ///
    /// # Errors
    /// When the data file cannot be read.
    pub(crate) fn of(reader: &Reader<'_>, loaded: Option<&Loaded>) -> Result<Self> {
        let known = store::list(reader)?;
        let is_loaded = |known: &Known| {
            loaded.is_some_and(|loaded| loaded.all().any(|one| one.id() == known.id))
        };
        let is_strange = !known.iter().any(is_loaded);
        let is_missing =
            |known: &&Known| !is_loaded(known) && (is_strange || known.is_needed(reader.now));
        let missing: Vec<_> = known.iter().filter(is_missing).copied().collect();
        // A secret whose date is over may have been the last one to sign all the same.
        let has_links = is_strange || missing.iter().any(|known| known.verifies(reader.now));
        let links = if has_links && !missing.is_empty() {
            store::count_pending(reader)?
        } else {
            0
        };
        let loss = Loss {
            links,
            webhooks: missing.iter().map(|known| known.webhooks).sum(),
        };
        Ok(Self {
            known,
            missing,
            loss,
        })
    }

    /// Makes sure that nothing is missing.
    ///
    /// # Errors
    /// What to bring back.
    pub(crate) fn check(
        &self,
        loaded: &Loaded,
        source: &Source,
    ) -> std::result::Result<(), Failure> {
        if self.missing.is_empty() {
            Ok(())
        } else {
            Err(self.refusal(Some(loaded), source))
        }
    }

    /// Whether the data file says all of this already.
    fn is_settled(&self, signing: SecretId) -> bool {
        let signs = |known: &Known| known.id == signing && known.verifies_until.is_none();
        self.missing.is_empty() && self.known.iter().any(signs)
    }

    /// The server does not start with these secrets.
    fn refusal(&self, loaded: Option<&Loaded>, source: &Source) -> Failure {
        let what = match loaded {
            None => format!("the secret of this data file is missing: there is no {source}"),
            Some(_) => format!("{source} holds {}", self.misfit()),
        };
        let remedy = match source.path() {
            None => "give what was there before".to_owned(),
            Some(_) => format!("bring back the copy of {source}"),
        };
        let rest = format!(
            "or give --new-secret once to go on without: then {}",
            self.loss
        );
        Failure::runtime(what, format!("{remedy}; {rest}"))
    }

    /// How the secrets do not fit.
    fn misfit(&self) -> &'static str {
        if self.missing.len() == self.known.len() {
            "another secret, which does not belong to this data file"
        } else if self
            .missing
            .iter()
            .any(|known| known.verifies_until.is_none())
        {
            "an earlier secret of this data file, but not the last one"
        } else {
            "the last secret of this data file, but not an earlier one that is needed"
        }
    }
}

/// What a person has to know of the secrets.
fn notes(loaded: &Loaded, loss: Option<Loss>, known: &[Known], now: Timestamp) -> Vec<String> {
    let readable = loaded.readable.as_ref();
    let readable = readable.map(|path| {
        format!(
            "others on this machine may read the secret file: chmod 600 {}",
            shell_word(&path.to_string_lossy())
        )
    });
    let lost = loss.map(|loss| {
        format!("the secret is another one: {loss}; send invitations again, and rotate webhooks")
    });
    let is_loaded = |known: &&Known| loaded.earlier.iter().any(|secret| secret.id() == known.id);
    let earlier: Vec<_> = known.iter().filter(is_loaded).collect();
    readable
        .into_iter()
        .chain(lost)
        .chain(notes_of_earlier(&earlier, now))
        .collect()
}

/// What a person has to know of the secrets that sign no more: who takes them out by hand has to
/// know when.
fn notes_of_earlier(earlier: &[&Known], now: Timestamp) -> Vec<String> {
    let until = earlier
        .iter()
        .filter(|known| known.verifies(now))
        .filter_map(|known| known.verifies_until)
        .max();
    let webhooks: u32 = earlier.iter().map(|known| known.webhooks).sum();
    let links = until.map(|until| format!("links by an earlier secret work until {until}"));
    let webhooks = (webhooks > 0).then(|| {
        format!("an earlier secret is needed for the signatures of webhooks ({webhooks})")
    });
    let unneeded = earlier.iter().filter(|known| !known.is_needed(now)).count();
    let unneeded =
        (unneeded > 0).then(|| format!("earlier secrets that nothing needs any more: {unneeded}"));
    links.into_iter().chain(webhooks).chain(unneeded).collect()
}

/// What dies, with its numbers.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = if self.links == 1 {
            "pending link opens"
        } else {
            "pending links open"
        };
        let webhooks = if self.webhooks == 1 {
            "webhook has"
        } else {
            "webhooks have"
        };
        write!(
            f,
            "{} {pending} nothing, {} {webhooks} another signing secret",
            self.links, self.webhooks
        )
    }
}

/// The data file cannot be read or written.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn failed(error: Error) -> Failure {
    Failure::runtime(error.to_string(), "see the log")
}
