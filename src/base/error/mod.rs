//! The error type. What its codes mean stands in one closed table each: [`ERRORS`] with
//! [`REMEDIES`], and [`FIELD_ERRORS`].
//!
//! Everything that can go wrong in a request is an [`Error`] with a [`Code`]. Problem documents,
//! `/problems/{code}`, `docs/errors.md` and the OpenAPI document all come from the tables.

mod code;
mod codes;
mod errors;
pub(crate) mod fields;
pub mod problem;
mod remedies;

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

pub use code::Code;
pub use codes::{ERRORS, Meaning};
pub(crate) use errors::Errors;
pub use fields::{Checked, FIELD_ERRORS, FieldCode, FieldError};
pub(crate) use problem::Problem;
pub use remedies::REMEDIES;

/// What a 404 says where nobody knows the path.
const NOTHING: &str = "There is nothing here, or this key may not see it.";

/// How many values a sentence tells of that are not acceptable.
const TOLD: usize = 5;

/// A request that failed: one text for the caller, and where there is one, the cause for the log.
///
/// One pointer wide, so that the results which carry it stay small; its parts are those of
/// [`Parts`].
#[derive(Debug)]
pub struct Error(Box<Parts>);

/// What an [`Error`] consists of.
#[derive(Debug)]
pub struct Parts {
    /// What went wrong.
    pub code: Code,
    /// This occurrence in a sentence: never SQL, a path of this machine, or a cause.
    pub detail: Cow<'static, str>,
    /// All values that are not acceptable.
    pub fields: Vec<FieldError>,
    /// The invitation that stands in the way.
    pub invitation_id: Option<uuid::Uuid>,
    /// Where that invitation stands.
    pub invitation_status: Option<&'static str>,
    /// Seconds after which another try makes sense.
    pub retry_after_seconds: Option<u64>,
    /// The limit that is exceeded, for [`Code::RateLimited`].
    pub policy: Option<Policy>,
    /// The methods that the path has, for [`Code::MethodNotAllowed`].
    pub allow: Option<String>,
    /// Whether what the caller is told follows from the path that was asked for, which says more
    /// than `detail`.
    pub is_of_path: bool,
    /// Whether it is refused because it belongs to somebody else. Only the log is told.
    pub is_foreign: bool,
    /// What the log is told.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A limit as callers are told of it: so many in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name: stable, lowercase.
    pub name: &'static str,
    /// How many.
    pub quota: u32,
    /// The window in seconds.
    pub window_seconds: u64,
    /// What is counted, behind the quota in a sentence: `requests a minute by one API key`.
    pub what: &'static str,
}

impl Error {
    /// An error with a sentence about this occurrence.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after_seconds = (code.meaning().status == 503).then_some(1);
        let (detail, fields) = (detail.into(), Vec::new());
        Self(Box::new(Parts {
            code,
            detail,
            fields,
            invitation_id: None,
            invitation_status: None,
            retry_after_seconds,
            policy: None,
            allow: None,
            is_of_path: false,
            is_foreign: false,
            cause: None,
        }))
    }

    /// 404, with the same bytes for what is missing and for what is foreign: what it says follows
    /// from the path that was asked for.
    pub(crate) fn not_found() -> Self {
        let mut error = Self::new(Code::NotFound, NOTHING);
        error.0.is_of_path = true;
        error
    }

    /// 401, with the same bytes for every key that has the form of one and is not good.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            Code::Unauthorized,
            "This key is unknown, revoked or expired. Make another one: `invited key create` at the \
             server, or `POST /v1/keys` with an admin key.",
        )
    }

    /// 404 for a path that no route has; `more` is a sentence about it, or nothing.
    pub(crate) fn no_such_path(more: &str) -> Self {
        let detail = format!("No such path; the API starts at /v1, see /openapi.json.{more}");
        Self::new(Code::NotFound, detail)
    }

    /// The 404 of [`Self::not_found`] for what the key may not know of, because it is bound to others.
    pub(crate) fn foreign() -> Self {
        let mut error = Self::not_found();
        error.0.is_foreign = true;
        error
    }

    /// The same about the one value at `pointer`. What is said of a value ends with no period: more
    /// of them stand in one sentence.
    pub(crate) fn as_field(&self, pointer: String, code: FieldCode) -> FieldError {
        FieldError::new(pointer, code, self.detail.trim_end_matches('.').to_owned())
    }

    /// 422 with everything that is wrong.
    pub(crate) fn validation(fields: Vec<FieldError>) -> Self {
        let told: Vec<_> = fields
            .iter()
            .take(TOLD)
            .map(FieldError::to_string)
            .collect();
        let (count, told) = (fields.len(), told.join("; "));
        let detail = match count {
            1 => format!("{told}."),
            2..=TOLD => format!("{count} values are not acceptable: {told}."),
            _ => format!("{count} values are not acceptable: {told}; and more in `errors`."),
        };
        Self::new(Code::ValidationFailed, detail).with_fields(fields)
    }

    /// 500: `cause` goes to the log, the caller learns nothing of it.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "The cause is in the server's log.").with_cause(cause)
    }

    /// The same error for another one who waits, without its cause: that is logged once.
    #[must_use]
    pub(crate) fn repeat(&self) -> Self {
        let mut same = Self::new(self.code, self.detail.clone()).with_fields(self.fields.clone());
        same.0.invitation_id = self.invitation_id;
        same.0.invitation_status = self.invitation_status;
        same.0.retry_after_seconds = self.retry_after_seconds;
        same.0.policy = self.policy;
        same.0.allow.clone_from(&self.allow);
        same.0.is_of_path = self.is_of_path;
        same.0.is_foreign = self.is_foreign;
        same
    }

    /// 503 for a value in the file that cannot be there unless the file is damaged. `cause` goes to
    /// the log.
    pub(crate) fn corrupt(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::StorageCorrupt, "The data file is damaged.").with_cause(cause)
    }

    /// The same error in another sentence.
    #[must_use]
    pub(crate) fn with_detail(mut self, detail: &'static str) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The same error with the values that it is about.
    #[must_use]
    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// The same error with its values in the order of `key`.
    #[must_use]
    pub(crate) fn sorted_by_key<K: Ord>(mut self, key: impl FnMut(&FieldError) -> K) -> Self {
        self.0.fields.sort_by_key(key);
        self
    }

    /// The same error with a cause for the log.
    #[must_use]
    pub(crate) fn with_cause(
        mut self,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The same error naming the invitation that stands in the way.
    #[must_use]
    pub(crate) fn with_invitation(mut self, invitation_id: uuid::Uuid) -> Self {
        self.0.invitation_id = Some(invitation_id);
        self
    }

    /// The same error saying where the invitation that it names stands.
    #[must_use]
    pub(crate) fn with_status(mut self, status: &'static str) -> Self {
        self.0.invitation_status = Some(status);
        self
    }

    /// The same error saying when another try makes sense.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// The same error naming the limit that is exceeded.
    #[must_use]
    pub(crate) fn with_limit(mut self, policy: Policy) -> Self {
        self.0.policy = Some(policy);
        self
    }

    /// The same error listing the methods that the path has.
    #[must_use]
    pub(crate) fn with_allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }
}

/// One value that is not acceptable is all that is wrong.
impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::validation(vec![error])
    }
}

impl Deref for Error {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.meaning().name, self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// The answer of every operation.
pub type Result<T> = std::result::Result<T, Error>;
