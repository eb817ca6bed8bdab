//! The steps of the page that links lead to: what is shown, and what is said at each.

use crate::base::error::{Code, Error};
use crate::invitation::transition::Change;
use crate::policy::acceptance::Acceptance;
use crate::redemption::Preview;

/// What the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing yet: the script asks for what is next, and without one the link is pasted.
    Start,
    /// A field for the link.
    Paste,
    /// A field for the link of who has signed in.
    SignedIn,
    /// The invitation, with a button that joins.
    Join,
    /// Whether it is really to be declined.
    Refuse,
    /// A button that sends the code to the invited address.
    Send,
    /// A field for the address.
    Ask,
    /// A field for the code.
    Answer,
    /// That no code can come.
    NoMail,
    /// That the person has joined.
    Joined,
    /// That the person has declined.
    Left,
    /// That it was accepted before.
    Accepted,
    /// That it was declined before.
    Declined,
    /// That it was withdrawn.
    Revoked,
    /// That it has expired.
    Expired,
    /// That the link opens nothing.
    Gone,
    /// That something is wrong that has nothing to do with the link.
    Retry,
}

/// How a step looks: its name, its tone, its icon, and its title as a sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// What it is called on the page.
    pub name: &'static str,
    /// What its colour says.
    pub tone: &'static str,
    /// What its icon is.
    pub icon: &'static str,
    /// The sentence that is its title.
    pub title: &'static str,
    /// The sentence below the title.
    pub message: &'static str,
}

impl Step {
    /// The first step for whoever opens the link of an invitation. `is_mailed` is whether the link
    /// came by mail, and `is_signed_in` whether an ID token came along.
    pub(super) fn first(
        preview: &Preview,
        is_mailed: bool,
        has_mail: bool,
        is_signed_in: bool,
    ) -> Self {
        match (preview.status, preview.acceptance) {
            ("accepted", _) => Self::Accepted,
            ("declined", _) => Self::Declined,
            ("revoked", _) => Self::Revoked,
            ("expired", _) => Self::Expired,
            (_, Some(Acceptance::MailedLink)) => Self::Join,
            _ if is_signed_in => Self::Join,
            _ if !has_mail => Self::NoMail,
            _ if is_mailed => Self::Send,
            _ => Self::Ask,
        }
    }

    /// This step, where an invitation whose first one is `first` can have it: what proves the
    /// address may have changed meanwhile.
    pub(super) fn within(self, first: Self) -> Self {
        let is_of = match first {
            Self::Join => matches!(self, Self::Join | Self::Refuse),
            Self::Send | Self::Ask => matches!(self, Self::Send | Self::Ask | Self::Answer),
            Self::Accepted => self == Self::Joined,
            Self::Declined => self == Self::Left,
            _ => false,
        };
        if is_of { self } else { first }
    }

    /// Whether there is nothing more to do with the link.
    pub(super) fn is_over(self) -> bool {
        matches!(
            self,
            Self::Joined
                | Self::Left
                | Self::Accepted
                | Self::Declined
                | Self::Revoked
                | Self::Expired
                | Self::Gone
        )
    }

    /// Whether the invitation itself is shown.
    pub(super) fn is_open(self) -> bool {
        matches!(
            self,
            Self::Join | Self::Refuse | Self::Send | Self::Ask | Self::Answer | Self::NoMail
        )
    }

    /// How it looks.
    pub(super) fn look(self) -> Look {
        let look = |name, tone, icon, title, message| Look {
            name,
            tone,
            icon,
            title,
            message,
        };
        let open = |name, message| look(name, "plain", "", "join_title", message);
        match self {
            Self::Start => look("start", "plain", "mail", "start_title", "paste_message"),
            Self::Paste => look("paste", "plain", "mail", "start_title", "paste_message"),
            Self::SignedIn => look(
                "signed-in",
                "good",
                "check",
                "signed_in_title",
                "signed_in_message",
            ),
            Self::Join => open("join", ""),
            Self::Refuse => look("refuse", "plain", "", "refuse_title", "refuse_message"),
            Self::Send => open("send", "send_message"),
            Self::Ask => open("ask", "ask_message"),
            Self::Answer => open("answer", "sent_message"),
            Self::NoMail => open("no-mail", "no_mail_message"),
            Self::Joined => look("joined", "good", "check", "joined_title", "joined_message"),
            Self::Left => look("left", "calm", "check", "left_title", "left_message"),
            Self::Accepted => look(
                "accepted",
                "good",
                "check",
                "accepted_title",
                "accepted_message",
            ),
            Self::Declined => look(
                "declined",
                "calm",
                "minus",
                "declined_title",
                "declined_message",
            ),
            Self::Revoked => look(
                "revoked",
                "bad",
                "minus",
                "revoked_title",
                "revoked_message",
            ),
            Self::Expired => look(
                "expired",
                "warn",
                "clock",
                "expired_title",
                "expired_message",
            ),
            Self::Gone => look("gone", "bad", "alert", "gone_title", "gone_message"),
            Self::Retry => look("retry", "warn", "alert", "retry_title", ""),
        }
    }
}

/// What the person pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Press {
    /// Nothing: the link was opened.
    Open,
    /// The button that joins by the link.
    Join,
    /// The one that asks whether to decline by the link.
    AskToDecline,
    /// The one that declines by the link.
    Refuse,
    /// The one that leads back from there.
    Back,
    /// The one that sends a code.
    Send,
    /// The one that sends another.
    Resend,
    /// The one of who has a code.
    Have,
    /// The one that accepts by a code.
    Accept,
    /// The one that declines by a code.
    Reject,
    /// The one that leads to another address.
    Again,
}

impl Press {
    /// The button whose value this is.
    pub(super) fn parse(value: &str) -> Self {
        match value {
            "join" => Self::Join,
            "decline" => Self::AskToDecline,
            "refuse" => Self::Refuse,
            "back" => Self::Back,
            "send" => Self::Send,
            "resend" => Self::Resend,
            "have" => Self::Have,
            "accept" => Self::Accept,
            "reject" => Self::Reject,
            "again" => Self::Again,
            _ => Self::Open,
        }
    }

    /// The step that has the button.
    pub(super) fn step(self, is_mailed: bool) -> Step {
        match self {
            Self::Open | Self::Join | Self::AskToDecline => Step::Join,
            Self::Refuse | Self::Back => Step::Refuse,
            Self::Accept | Self::Reject | Self::Again | Self::Resend => Step::Answer,
            Self::Send | Self::Have if is_mailed => Step::Send,
            Self::Send | Self::Have => Step::Ask,
        }
    }

    /// Where the button leads, and what has the focus there.
    pub(super) fn leads_to(self, is_mailed: bool) -> (Step, &'static str) {
        match self {
            Self::Open => (Step::Join, ""),
            Self::Join | Self::Accept => (Step::Joined, "title"),
            Self::Refuse | Self::Reject => (Step::Left, "title"),
            Self::AskToDecline => (Step::Refuse, "title"),
            Self::Back => (Step::Join, "decline"),
            Self::Send | Self::Resend | Self::Have => (Step::Answer, "code"),
            Self::Again if is_mailed => (Step::Send, "send"),
            Self::Again => (Step::Ask, "email"),
        }
    }

    /// What the button does to the invitation, if it answers it.
    pub(super) fn change(self) -> Option<Change> {
        match self {
            Self::Join | Self::Accept => Some(Change::Accept),
            Self::Refuse | Self::Reject => Some(Change::Decline),
            _ => None,
        }
    }
}

/// What is wrong, as the page says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The field that it is about; empty: none.
    pub field: &'static str,
    /// The sentence that says it.
    pub sentence: &'static str,
}

impl Trouble {
    /// What `error` means to the person who pressed `press`.
    pub(super) fn of(error: &Error, press: Press, is_mailed: bool) -> Self {
        let about = |field, sentence| Self { field, sentence };
        let is_of = |pointer| error.fields.iter().any(|field| field.pointer == pointer);
        match error.code {
            Code::ValidationFailed if is_of("/email") && press == Press::Have => {
                about("email", "address_first")
            }
            Code::ValidationFailed if is_of("/email") => about("email", "email_wrong"),
            Code::ValidationFailed if is_of("/code") => about("code", "code_wrong"),
            Code::ProofRejected if is_mailed => about("code", "code_rejected_mailed"),
            Code::ProofRejected => about("code", "code_rejected"),
            Code::EmailMismatch => about("", "sign_in_other"),
            Code::IdTokenRejected => about("", "sign_in_failed"),
            Code::ValidationFailed if is_of("/idToken") => about("", "sign_in_failed"),
            Code::RateLimited => about("", "too_many"),
            code if code.meaning().status >= 500 => about("", "not_now"),
            _ => about("", "failed"),
        }
    }
}
