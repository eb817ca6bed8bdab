//! What is so once everything has been sent: from the server, and from the history in its file.

use std::collections::BTreeMap;

use invited::invitation::link::{self, TokenKind};
use invited::secret::Secret;
use serde_json::Value;
use uuid::Uuid;

use crate::Outcome;
use crate::check::ensure;
use crate::client::Client;
use crate::judge::Truth;
use crate::ledger::{Change, Entry, Reply};
use crate::site::{Site, list};

/// What is so after all these loads. The organizations of those in `unseen` were written to only
/// while the mail server was down.
pub fn find(
    site: &Site,
    client: &Client,
    (seen, unseen): (&[String], &[String]),
    entries: &[Entry],
) -> Outcome<Truth> {
    let mut truth = Truth {
        made: made(site)?,
        ..Truth::default()
    };
    let secret = Secret::new(&site.secret()?)?;
    for organization in seen.iter().chain(unseen) {
        truth
            .pending
            .extend(pending(client, organization, &secret)?);
    }
    let is_unseen = |email: &str| {
        let domain = email
            .split_once('@')
            .map(|(_, domain)| domain.trim_end_matches(".example"));
        domain.is_some_and(|domain| unseen.iter().any(|organization| organization == domain))
    };
    let of_unseen = truth.made.iter().filter(|(_, email)| is_unseen(email));
    truth.unseen = of_unseen.map(|(id, _)| id.clone()).collect();
    let refused = |entry: &Entry| match entry {
        Entry {
            change: Change::Create { email, .. },
            reply: Reply::Refused,
        } => Some(email.clone()),
        _ => None,
    };
    truth.refused = entries.iter().filter_map(refused).collect();
    Ok(truth)
}

/// The token that the mail of an invitation brings as it stands: no answer has it.
fn mailed_token(invitation: &Value, secret: &Secret) -> Outcome<String> {
    let id = Uuid::try_parse(invitation["id"].as_str().ok_or("no id")?)?;
    let sent = invitation["sendCount"].as_u64().unwrap_or_default();
    let kind = TokenKind::Mailed;
    Ok(link::token(secret, kind, id, u32::try_from(sent)?))
}

/// The tokens of an organization's pending invitations, and how far their mails have come.
fn pending(client: &Client, organization: &str, secret: &Secret) -> Outcome<Vec<(String, String)>> {
    let mut tokens = Vec::new();
    for item in list(client, organization)? {
        let delivery = item["delivery"].as_str().unwrap_or_default();
        if item["status"] == "pending" {
            tokens.push((mailed_token(&item, secret)?, delivery.to_owned()));
        }
        // What is over may have been sent before it was, but it must not wait any more.
        ensure(matches!(delivery, "sent" | "none"), || {
            format!("nothing is queued, but shown is {item}")
        })?;
    }
    Ok(tokens)
}

/// Every invitation of the history, deleted ones too, with its address.
fn made(site: &Site) -> Outcome<BTreeMap<String, String>> {
    let connection = site.look()?;
    let mut statement = connection.prepare(
        "select lower(hex(invitation_id)), after ->> '$.email'
         from event
         where type = 'invitation.created'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
