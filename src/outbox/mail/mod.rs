//! The queue of mail: what waits to go out. [`store`] is its SQL, [`turns`] knows whose turn it is,
//! [`waiting`] is what an operator sees of it.

pub mod store;
pub(crate) mod turns;
pub(crate) mod waiting;

use utoipa::ToSchema;

/// How far the last sending of an invitation has come.
// The numbers are those of `invitation.delivery` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[repr(u8)]
#[schema(as = MailDelivery, rename_all = "lowercase")]
pub enum Delivery {
    /// Nothing is sent: mail is off, or was not asked for, or the invitation was closed before it
    /// went out.
    None = 0,
    /// A mail waits, or is under way.
    Queued = 1,
    /// The mail server has taken it.
    Sent = 2,
    /// It was refused, or given up.
    Failed = 3,
    /// It came back after a mail server had taken it.
    Bounced = 4,
}

impl Delivery {
    /// Every state, by number.
    pub(crate) const ALL: [Self; 5] = [
        Self::None,
        Self::Queued,
        Self::Sent,
        Self::Failed,
        Self::Bounced,
    ];

    /// The state as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
        }
    }
}

/// What a mail is for.
// The numbers are those of `mail.kind` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[repr(u8)]
#[schema(as = MailKind, rename_all = "lowercase")]
pub enum Kind {
    /// It brings the link of an invitation.
    Invitation = 0,
    /// It brings a code.
    Code = 1,
    /// It reminds of an invitation that ends soon.
    Reminder = 2,
    /// It tells the inviter that the invitation was answered.
    Notice = 3,
}

impl Kind {
    /// Every kind, by number.
    pub const ALL: [Self; 4] = [Self::Invitation, Self::Code, Self::Reminder, Self::Notice];

    /// The kind as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Code => "code",
            Self::Reminder => "reminder",
            Self::Notice => "notice",
        }
    }
}
