//! What the model knows, and what it expects of an answer.

/// An organization.
#[derive(Debug, Default)]
pub struct Organization {
    /// Whether it exists.
    pub is_known: bool,
    /// The most pending invitations.
    pub cap: Option<usize>,
    /// Its history: type, invitation, time.
    pub events: Vec<(&'static str, Option<usize>, i64)>,
}

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// What the server calls it; empty until the server has said so.
    pub id: String,
    /// The links that there were: the one of the n-th further sending at place n.
    pub tokens: Vec<String>,
    /// Whose it is.
    pub organization: usize,
    /// Whom it invites.
    pub address: usize,
    /// As what.
    pub role: usize,
    /// Where it stands, but for the clock.
    pub state: &'static str,
    /// When it was made, in milliseconds since the epoch, as all times here.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// When it was accepted, declined or revoked.
    pub closed_at: Option<i64>,
    /// The application's data.
    pub metadata: Option<u8>,
    /// How often it was sent again.
    pub send_count: usize,
    /// When it was last sent again.
    pub last_sent_at: Option<i64>,
    /// Whether it was deleted.
    pub is_gone: bool,
}

/// What an answer shows.
#[derive(Debug, PartialEq, Eq)]
pub enum Shows {
    /// Nothing that is compared.
    Nothing,
    /// An invitation.
    Invitation(usize),
    /// Invitations in this order.
    Invitations(Vec<usize>),
    /// What whoever has the link may see.
    Preview(usize),
    /// The link of an invitation.
    Link(usize),
}

/// How a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status and the code.
    pub code: (u16, &'static str),
    /// The invitation that is named.
    pub names: Option<usize>,
    /// Where it is said to stand.
    pub standing: Option<&'static str>,
    /// When another try makes sense, in seconds.
    pub retry_after: Option<i64>,
}

/// What a request is answered: the status and what is shown, or why not.
pub type Answer = Result<(u16, Shows), Refusal>;

/// A refusal that only has a code.
pub fn refuse<T>(status: u16, code: &'static str) -> Result<T, Refusal> {
    Err(Refusal {
        code: (status, code),
        names: None,
        standing: None,
        retry_after: None,
    })
}

impl Invitation {
    /// Where it stands at `now`.
    pub fn status(&self, now: i64) -> &'static str {
        if self.state == "pending" && self.expires_at <= now {
            "expired"
        } else {
            self.state
        }
    }

    /// When it was last sent.
    pub fn sent_at(&self) -> i64 {
        self.last_sent_at.unwrap_or(self.created_at)
    }
}
