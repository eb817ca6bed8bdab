//! What is so once everything has been sent: from the server, and from the history in its file.

use std::collections::BTreeMap;

use serde_json::json;

use crate::Outcome;
use crate::check::ensure;
use crate::client::{Client, invitations};
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
    for organization in seen.iter().chain(unseen) {
        truth.pending.extend(pending(client, organization)?);
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

/// The tokens of an organization's pending invitations, and how far their mails have come.
fn pending(client: &Client, organization: &str) -> Outcome<Vec<(String, String)>> {
    let mut tokens = Vec::new();
    for item in list(client, organization)? {
        let (id, delivery) = (
            item["id"].as_str().unwrap_or_default(),
            item["delivery"].as_str().unwrap_or_default(),
        );
        if item["status"] == "pending" {
            let path = format!("{}/{id}/link", invitations(organization));
            let answer = client.post(&path, &json!({})).ok_or("no answer")?;
            let token = answer.body["token"]
                .as_str()
                .ok_or_else(|| format!("no link: {}", answer.brief()))?;
            tokens.push((token.to_owned(), delivery.to_owned()));
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
