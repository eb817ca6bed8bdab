//! What the writers asked for and what they were told.

use crate::client::Answer;

/// A change that a writer asked for. Every address belongs to one organization only, and the name
/// of a key has the form of an address. Only one writer changes an invitation by its id.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new invitation.
    Create {
        /// The address in the request.
        email: String,
        /// The role in the request.
        role: String,
        /// Names the atomic batch of which this is a row.
        batch: Option<String>,
    },
    /// The end of an invitation.
    Delete {
        /// The id in the request.
        id: String,
        /// Its address.
        email: String,
    },
    /// The last status of an invitation.
    Close {
        /// The id in the request.
        id: String,
        /// `accepted` or `revoked`.
        status: &'static str,
    },
    /// One more mail.
    Resend {
        /// The id in the request.
        id: String,
    },
    /// Another role.
    Update {
        /// The id in the request.
        id: String,
        /// A role that no other request asks for.
        role: String,
    },
    /// A new API key.
    MakeKey {
        /// A name that no other request carries.
        name: String,
    },
    /// The end of an API key.
    RevokeKey {
        /// The name that it was made with.
        name: String,
    },
}

impl Change {
    /// How many kinds there are.
    pub const KINDS: usize = 9;

    /// What changes like this one are called in a report.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { batch: None, .. } => "creations",
            Self::Create { batch: Some(_), .. } => "creations in atomic batches",
            Self::Delete { .. } => "deletions",
            Self::Close {
                status: "accepted", ..
            } => "acceptances",
            Self::Close { .. } => "revocations",
            Self::Resend { .. } => "resends",
            Self::Update { .. } => "role changes",
            Self::MakeKey { .. } => "keys",
            Self::RevokeKey { .. } => "key revocations",
        }
    }
}

/// What the writer was told of its change.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is done. For a creation the id in the answer, for a new key the key, else nothing of use.
    Done(String),
    /// Refused for its own fault, or it would have been: it changed nothing.
    Refused,
    /// Answered 5xx, with this status and error code: it changed nothing.
    Failed(String),
    /// Not answered: it may be done.
    Unanswered,
    /// An answer that the request cannot have: status and error code.
    Unexpected(String),
}

impl Reply {
    /// Reads an answer by the statuses that the request may have. One that can only be refused
    /// changes nothing, answered or not.
    pub fn of(answer: Option<&Answer>, good: &[u16], refusals: &[u16]) -> Self {
        match answer {
            None if good.is_empty() => Self::Refused,
            None => Self::Unanswered,
            Some(answer) if good.contains(&answer.status) => Self::Done(answer.made().to_owned()),
            Some(answer) if refusals.contains(&answer.status) => Self::Refused,
            Some(answer) if answer.status >= 500 => Self::Failed(answer.brief()),
            Some(answer) => Self::Unexpected(answer.brief()),
        }
    }

    /// Whether the change was acknowledged.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// One change and the reply to it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What was asked for.
    pub change: Change,
    /// What was told.
    pub reply: Reply,
}

impl Entry {
    /// The same request if its answer never arrived. One that can only be refused changes nothing
    /// then either.
    pub fn unanswered(mut self) -> Self {
        if !matches!(self.reply, Reply::Refused) {
            self.reply = Reply::Unanswered;
        }
        self
    }

    /// The status and the error code of an answer 5xx.
    pub fn failure(&self) -> Option<&str> {
        match &self.reply {
            Reply::Failed(answer) => Some(answer),
            _ => None,
        }
    }
}
