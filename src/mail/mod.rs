//! Mail: what is told to people.
//!
//! * [`store`] is the queue, [`channel`] works it off, [`turns`] knows whose turn it is.
//! * [`letter`] is what a mail is about, [`message`] how it reads; [`template`] has the words, [`text`] keeps those of users harmless.
//! * [`transport`] is how it leaves, [`server`] where to.

pub mod channel;
pub mod letter;
pub mod message;
pub mod server;
pub mod store;
pub mod template;
pub mod text;
pub mod transport;
pub mod turns;

/// What a mail is for. The numbers are those of `mail.kind` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
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
