//! Invitations as rows of a table.
//!
//! A template would take twenty times as long for a thousand of them, so their HTML is put together
//! here.

use std::fmt::Write;

use crate::api::console::times;
use crate::base::clock::Timestamp;
use crate::base::html::escape;
use crate::invitation::{Invitation, Inviter, Status};
use crate::outbox::mail::Delivery;

/// Bytes of most rows.
const USUAL_LEN: usize = 900;

/// Rows of a table.
#[derive(Clone)]
pub(super) struct Rows {
    /// What they are in HTML.
    pub html: String,
    /// How many they are.
    pub count: u32,
    /// What the addresses of their pages begin with.
    base: String,
    /// The time of the page.
    now: Timestamp,
    /// Whether each has a box to choose it.
    is_choosable: bool,
}

impl Rows {
    /// No rows yet. Those to come lead to pages under `base`.
    pub(super) fn new(base: String, now: Timestamp, is_choosable: bool) -> Self {
        Self {
            html: String::new(),
            count: 0,
            base,
            now,
            is_choosable,
        }
    }

    /// Appends a row.
    pub(super) fn push(&mut self, invitation: &Invitation<'_>) {
        self.count += 1;
        self.html.reserve(USUAL_LEN);
        let email = escape(invitation.email);
        let (id, base) = (invitation.id, &self.base);
        let link = format!("<a class=\"row\" dir=\"auto\" href=\"{base}{id}\">{email}</a>");
        self.html.push_str("<tr>");
        if self.is_choosable {
            self.html.push_str("<td class=\"pick\">");
            self.put(format_args!(
                "<input type=\"checkbox\" name=\"id\" value=\"{id}\" aria-label=\"Choose {email}\">"
            ));
        }
        self.put(format_args!("<td class=\"lead\">{link}"));
        self.put_inviter(invitation.inviter);
        self.put(format_args!(
            "<td class=\"role\">{}<td class=\"state\">{}<td class=\"tight\">{}",
            escape(invitation.role),
            status(invitation.status),
            delivery(invitation.delivery),
        ));
        let ends = matches!(invitation.status, Status::Pending | Status::Expired);
        let expires = ends.then_some(invitation.expires_at);
        let is_over = invitation.status == Status::Expired;
        self.put_time("num", if is_over { "expired" } else { "expires" }, expires);
        self.put_time("num quiet", "created", Some(invitation.created_at));
        self.html.push('\n');
    }

    /// Appends who invites.
    fn put_inviter(&mut self, inviter: Option<Inviter<'_>>) {
        let name = inviter.and_then(|inviter| inviter.name.or(inviter.email).or(inviter.id));
        if let Some(name) = name {
            let name = escape(name);
            self.put(format_args!(
                "<span class=\"sub\">invited by <bdi>{name}</bdi></span>"
            ));
        }
    }

    /// Appends a cell with a time. A phone shows no heads of columns, so it says there `what` then
    /// was, or will be.
    fn put_time(&mut self, class: &str, what: &str, time: Option<Timestamp>) {
        let Some(time) = time else {
            self.put(format_args!("<td class=\"{class} no-phone\">—"));
            return;
        };
        let words = times::element(time, self.now);
        self.put(format_args!(
            "<td class=\"{class}\"><span class=\"on-phone\">{what} </span>{words}"
        ));
    }

    /// Appends a piece. Writing to a text cannot fail.
    fn put(&mut self, piece: std::fmt::Arguments<'_>) {
        let _ = self.html.write_fmt(piece);
    }
}

/// How an invitation stands, as the templates show it.
fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "<span class=\"chip accent\">Pending</span>",
        Status::Accepted => "<span class=\"chip good\">Accepted</span>",
        Status::Declined => "<span class=\"chip\">Declined</span>",
        Status::Revoked => "<span class=\"chip\">Revoked</span>",
        Status::Expired => "<span class=\"chip warn\">Expired</span>",
    }
}

/// How far a mail has come, as the templates show it.
fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::None => "<span class=\"quiet\">No mail</span>",
        Delivery::Queued => "Queued",
        Delivery::Sent => "Sent",
        Delivery::Failed => "<span class=\"chip bad\">Failed</span>",
        Delivery::Bounced => "<span class=\"chip bad\">Bounced</span>",
    }
}
