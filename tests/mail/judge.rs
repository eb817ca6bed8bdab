//! Which mails there must be, and which there must not.
//!
//! # The rules
//! Every invitation that is pending has got its present link, and is shown as sent. A mail is for
//! an invitation that was committed, to its own address; none is to an address whose create was
//! refused or rolled back. Of invitations that nobody touched but while the mail server was down,
//! only those that are still pending have got mail, and only with the present link. A mail may come
//! more than once; then it has the same Message-ID each time, and no other mail has that.

use std::collections::{BTreeMap, BTreeSet};

use crate::Outcome;
use crate::check::none;
use crate::peer::Mail;

/// What is so once everything has been sent.
#[derive(Default)]
pub struct Truth {
    /// The pending invitations: the token of the present link, and how far its mail has come.
    pub pending: BTreeMap<String, String>,
    /// Every invitation that was ever committed, as 32 hex digits, and its address.
    pub made: BTreeMap<String, String>,
    /// Addresses of which no create can have been committed.
    pub refused: BTreeSet<String>,
    /// The invitations that were made, and touched for the last time, while the mail server was
    /// down.
    pub unseen: BTreeSet<String>,
}

/// What contradicts the rules.
#[derive(Debug, Default)]
pub struct Findings {
    /// Pending invitations without a mail that brings their present link.
    pub missing: Vec<String>,
    /// Pending invitations that are not shown as sent.
    pub unsettled: Vec<String>,
    /// Mails for what was not committed.
    pub unasked: Vec<String>,
    /// Mails whose link was dead before they could be handed over.
    pub dead: Vec<String>,
    /// Mails with the Message-ID of another mail, or with a second one.
    pub mixed: Vec<String>,
    /// Mails that came once more.
    pub duplicates: usize,
}

impl Findings {
    /// Fails when there is any but duplicates.
    pub fn are_fine(&self) -> Outcome {
        none("mails missing", &self.missing)?;
        none("not shown as sent", &self.unsettled)?;
        none("mails for what was not committed", &self.unasked)?;
        none("mails that should not have been handed over", &self.dead)?;
        none("mails with a wrong Message-ID", &self.mixed)
    }
}

/// Compares the mails with what is so.
pub fn judge(mails: &[Mail], truth: &Truth) -> Findings {
    let mut findings = Findings::default();
    let (mut by_token, mut by_message_id) = (BTreeMap::new(), BTreeMap::new());
    for mail in mails {
        let (token, invitation) = (mail.token(), mail.invitation());
        let show = || format!("{} {token}", mail.message_id);
        let is_asked = truth.made.get(invitation) == Some(&mail.recipient)
            && !truth.refused.contains(&mail.recipient);
        if !is_asked {
            findings.unasked.push(show());
        }
        if truth.unseen.contains(invitation) && !truth.pending.contains_key(token) {
            findings.dead.push(show());
        }
        let message_id = mail.message_id.as_str();
        let first = (
            *by_token.entry(token).or_insert(message_id),
            *by_message_id.entry(message_id).or_insert(token),
        );
        if first != (message_id, token) {
            findings.mixed.push(show());
        }
    }
    for (token, delivery) in &truth.pending {
        if !by_token.contains_key(token.as_str()) {
            findings.missing.push(token.clone());
        }
        if delivery != "sent" {
            findings.unsettled.push(format!("{token}: {delivery}"));
        }
    }
    findings.duplicates = mails.len() - by_token.len();
    findings
}
