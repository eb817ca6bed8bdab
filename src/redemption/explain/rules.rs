//! The rules of an acceptance, each with what became of it and what to do.

use super::{Address, Case, Finding, difference};
use crate::base::error::{Error, Result};
use crate::invitation::code::{self, Standing};
use crate::invitation::{Status, store};
use crate::outbox::mail::Delivery;
use crate::policy::acceptance::Acceptance;

/// The names of the rules, in the order in which they are asked.
pub(super) const NAMES: [&str; 9] = [
    "address_form",
    "address",
    "status",
    "expiry",
    "link",
    "code_requests",
    "code_tries",
    "code",
    "mail",
];

/// What is said of rules that are not asked.
const NOT_REACHED: &str = "It is not asked: the invitation cannot be accepted with this address.";

/// The address can be one.
pub(super) fn address_form(address: &Address) -> Finding {
    const RULE: &str = "address_form";
    match address {
        Ok(email) => Finding::passes(RULE, format!("It is compared as {}.", email.as_str())),
        Err(why) => Finding::fails(
            RULE,
            format!("It is no address that can be invited: {why}. Correct its spelling."),
        ),
    }
}

/// The address is the invited one.
pub(super) fn address(case: &Case<'_>, address: &Address) -> Result<Finding> {
    const RULE: &str = "address";
    let invited = &case.present.email;
    let Ok(given) = address else {
        return Ok(Finding::is_open(
            RULE,
            format!("{} was invited.", invited.as_str()),
        ));
    };
    if case.present.is_for(given) {
        return Ok(Finding::passes(RULE, "It is the invited address."));
    }
    let difference = difference::describe(given, invited);
    let own = store::find_standing(case.reader, &case.present.organization, given)?;
    let advice = match own {
        Some(id) => format!("The given address has an invitation of its own here: {id}."),
        None => "Accept with the invited address, or invite the given one.".to_owned(),
    };
    let detail = format!("{} was invited. {difference} {advice}", invited.as_str());
    Ok(Finding::fails(RULE, detail))
}

/// The invitation was neither answered nor revoked.
pub(super) fn status(case: &Case<'_>) -> Finding {
    const RULE: &str = "status";
    let at = case.closed_at.map(|at| format!(" at {at}"));
    let at = at.unwrap_or_default();
    let again = case.unless_replaced("Invite the address again.");
    match case.present.status {
        Status::Pending | Status::Expired => {
            Finding::passes(RULE, "It was neither answered nor revoked.")
        }
        Status::Accepted => Finding::fails(
            RULE,
            format!(
                "It was accepted{at}, so the person has joined. If the person has left since, \
                 delete it and invite the address again."
            ),
        ),
        Status::Declined => Finding::fails(RULE, format!("It was declined{at}. {again}")),
        Status::Revoked => Finding::fails(RULE, format!("It was revoked{at}. {again}")),
    }
}

/// The time of the invitation has not passed.
pub(super) fn expiry(case: &Case<'_>) -> Finding {
    const RULE: &str = "expiry";
    let end = case.present.expires_at;
    match case.present.status {
        Status::Pending => Finding::passes(RULE, format!("It can be accepted until {end}.")),
        Status::Expired => {
            let again = case.unless_replaced("Send it again.");
            Finding::fails(RULE, format!("Its time ended at {end}. {again}"))
        }
        Status::Accepted | Status::Declined | Status::Revoked => {
            Finding::is_open(RULE, "It has been closed before.")
        }
    }
}

/// The link of the mail is proof enough.
pub(super) fn link(case: &Case<'_>) -> Finding {
    const RULE: &str = "link";
    if !case.can_be_accepted() {
        return Finding::is_open(RULE, "Its links accept nothing now.");
    }
    let latest = match case.present.send_count {
        0 => String::new(),
        _ => format!(
            " Links from before {}, when it was sent again, open nothing.",
            case.present.sent_at
        ),
    };
    match case.acceptance {
        Acceptance::MailedLink => Finding::passes(
            RULE,
            format!("The link in the mail is proof enough.{latest}"),
        ),
        Acceptance::Code => Finding::is_open(
            RULE,
            format!(
                "The link in the mail is not enough here: the page asks for a code as well.{latest}"
            ),
        ),
    }
}

/// What is asked of codes: that they may be asked for, that they may be tried, and that there is
/// one. They matter where the invitation `can_be_accepted` with the address.
pub(super) fn codes(case: &Case<'_>, can_be_accepted: bool) -> Result<[Finding; 3]> {
    const RULES: [&str; 3] = ["code_requests", "code_tries", "code"];
    if !can_be_accepted {
        return Ok(RULES.map(|rule| Finding::is_open(rule, NOT_REACHED)));
    }
    let limits = &case.rules.sending.limits;
    let (invitation, email) = (case.present.id, &case.present.email);
    let tries = within_limit(
        RULES[1],
        limits.check_proofs(invitation, email),
        "Codes may be tried.",
    );
    Ok([code_requests(case, RULES[0]), tries, code(case, RULES[2])?])
}

/// A code may be asked for, and would be mailed.
fn code_requests(case: &Case<'_>, rule: &'static str) -> Finding {
    let limits = &case.rules.sending.limits;
    let (present, email) = (&case.present, &case.present.email);
    if !case.rules.sending.has_mail {
        return Finding::is_open(rule, "This server sends no mail, so no code comes.");
    }
    let may_ask = limits.check_code(present.id, email);
    let may_mail = || limits.check_mail(&present.organization, email);
    within_limit(
        rule,
        may_ask.and_then(|()| may_mail()),
        "A code may be asked for.",
    )
}

/// `rule` passes, as `detail` says, where `limit` is not reached.
fn within_limit(
    rule: &'static str,
    limit: std::result::Result<(), Error>,
    detail: &str,
) -> Finding {
    match limit {
        Ok(()) => Finding::passes(rule, detail),
        Err(reached) => Finding::fails(rule, reached.detail.clone()),
    }
}

/// A code can be answered.
fn code(case: &Case<'_>, rule: &'static str) -> Result<Finding> {
    let standing = code::standing(case.reader, case.keyring, &case.present)?;
    Ok(match standing {
        Standing::NeverAsked => Finding::is_open(rule, "No code was asked for."),
        Standing::Live(until) => Finding::passes(
            rule,
            format!("The latest code can be answered until {until}; earlier ones are worthless."),
        ),
        Standing::Superseded => Finding::fails(
            rule,
            "The invitation was sent again after the latest code. Ask for a new one.",
        ),
        Standing::UsedUp => Finding::fails(
            rule,
            "The latest code was answered wrongly too often. Ask for a new one.",
        ),
        Standing::Expired(at) => Finding::fails(
            rule,
            format!("The latest code ended at {at}. Ask for a new one."),
        ),
    })
}

/// The mail of the last sending has gone out.
pub(super) fn mail(case: &Case<'_>) -> Finding {
    const RULE: &str = "mail";
    let error = case.delivery_error.as_deref();
    let because = error.map(|error| format!(": {}", error.trim_end_matches('.')));
    let because = because.unwrap_or_default();
    let advice = match case.present.status {
        Status::Pending | Status::Expired => {
            case.unless_replaced("Check the address, and send it again.")
        }
        Status::Accepted | Status::Declined | Status::Revoked => "It has been closed.".to_owned(),
    };
    match case.delivery {
        Delivery::None if case.rules.sending.has_mail => {
            Finding::is_open(RULE, "No mail of its last sending goes out.")
        }
        Delivery::None => Finding::is_open(RULE, "This server sends no mail."),
        Delivery::Queued if error.is_some() => Finding::is_open(
            RULE,
            format!("Its mail waits for another try; the last one failed{because}"),
        ),
        Delivery::Queued => Finding::is_open(RULE, "Its mail waits, or is under way."),
        Delivery::Sent => Finding::passes(
            RULE,
            "The mail server has taken its mail. If it is not in the inbox, look in the spam.",
        ),
        Delivery::Failed => {
            Finding::fails(RULE, format!("Its mail was given up{because}. {advice}"))
        }
        Delivery::Bounced => Finding::fails(RULE, format!("Its mail came back{because}. {advice}")),
    }
}
