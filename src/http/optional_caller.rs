//! Who calls an operation that needs no key, but may have one.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest};

use super::anonymous::Anonymous;
use super::auth::Caller;
use super::context::Context;
use super::request_id::RequestId;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::base::origin::Origin;
use crate::idempotency::PERSON;
use crate::key::{Author, Scope};

/// A caller with a key, or the invited person. A key that is sent must be a good one.
#[derive(Debug)]
pub(crate) struct OptionalCaller {
    /// The caller, where there is a key; in development always.
    pub caller: Option<Caller>,
    /// Whether a key was sent.
    pub has_key: bool,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
}

impl OptionalCaller {
    /// The caller, who must have a key with `scope`.
    ///
    /// # Errors
    /// [`Code::Unauthorized`], [`Code::InsufficientScope`].
    pub(crate) fn require(&self, scope: Scope) -> Result<&Caller> {
        let without = || {
            Error::new(
                Code::Unauthorized,
                "This needs an API key, a mailed link, a code, or an ID token.",
            )
        };
        let caller = self.caller.as_ref().ok_or_else(without)?;
        caller.require(scope)?;
        Ok(caller)
    }

    /// Who it is, in stored answers and in the history.
    pub(crate) fn actor(&self) -> &str {
        self.caller.as_ref().map_or(PERSON, |caller| &caller.actor)
    }

    /// Who makes the changes of this request.
    pub(crate) fn author(&self) -> Author {
        Author::new(self.actor())
    }

    /// Where a change by this request comes from.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            actor: self.actor().to_owned(),
            request_id: self.request_id.clone(),
        }
    }

    /// The invited person on a page, whatever key came along.
    ///
    /// # Errors
    /// [`Code::RateLimited`].
    pub(crate) fn of_page(request: &HttpRequest) -> Result<Self> {
        Anonymous::count(request)?;
        Ok(Self {
            caller: None,
            has_key: false,
            request_id: RequestId::of(request),
        })
    }

    /// Looks whether there is a key.
    fn identify(request: &HttpRequest) -> Result<Self> {
        let is_dev = Context::find(request).is_some_and(|context| context.mode == Mode::Dev);
        let has_key = request.headers().contains_key(AUTHORIZATION);
        let caller = if has_key || is_dev {
            Some(Caller::of(request)?)
        } else {
            Anonymous::count(request)?;
            None
        };
        Ok(Self {
            caller,
            has_key,
            request_id: RequestId::of(request),
        })
    }
}

impl FromRequest for OptionalCaller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::identify(request))
    }
}
