//! Who calls, and may they: the first argument of every handler that is not public.
//!
//! Bearer is the way; Basic is another spelling of the same key, with the same checks, and is never
//! asked for: browsers would remember it. Unknown, revoked and expired keys get the same bytes;
//! [`credential`](super::credential) says what is wrong with the form of others.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::anonymous::Anonymous;
use super::context::Context;
use super::credential::Credential;
use super::request_id::RequestId;
use super::router::read_param;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{LatestSnapshot, Snapshot};
use crate::key::known::KnownKeys;
use crate::key::token::KeyId;
use crate::key::{Author, Rights, Scope};

/// What a worker thread keeps from one request to the next: a snapshot, and the keys that were
/// found in it. It is data of the application, made by each thread for itself.
pub(crate) type Latest = LatestSnapshot<KnownKeys>;

/// The actor of what is done in development without a key.
pub(crate) const DEV_ACTOR: &str = "dev";

/// The actor that the key of `request` names, whether or not the key is good: `dev` where there is
/// none. For those who share out what a caller may have, once the caller was let in.
pub(crate) fn actor_of(request: &HttpRequest) -> String {
    key_named_by(request).unwrap_or_else(|| DEV_ACTOR.to_owned())
}

/// The id of the key that `request` names, whether or not the key is good.
pub(crate) fn key_named_by(request: &HttpRequest) -> Option<String> {
    match Credential::of(request) {
        Ok(Credential::Key(key)) => Some(key.id.as_str().to_owned()),
        _ => None,
    }
}

/// Whoever carries a live key; in development everybody.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The key's id, or `dev`.
    pub actor: String,
    /// What they may do.
    pub rights: Arc<Rights>,
}

impl Caller {
    /// Who makes the changes of this caller.
    pub(crate) fn author(&self) -> Author {
        Author::new(&self.actor)
    }

    /// Checks that the caller has `scope`.
    ///
    /// # Errors
    /// [`Code::InsufficientScope`].
    pub(crate) fn require(&self, scope: Scope) -> Result<()> {
        if self.rights.scopes.contain(scope) {
            return Ok(());
        }
        Err(Error::new(
            Code::InsufficientScope,
            format!(
                "This needs the scope {}; use a key that has it.",
                scope.name()
            ),
        ))
    }

    /// The caller of `request`, who was found to be `actor` by other means than a key; counts the
    /// request.
    ///
    /// # Errors
    /// [`Code::RateLimited`].
    pub(crate) fn admit(request: &HttpRequest, actor: &str, rights: Rights) -> Result<Self> {
        Context::of(request)?.limits.count_request(actor)?;
        Ok(Self {
            actor: actor.to_owned(),
            rights: Arc::new(rights),
        })
    }

    /// Checks that `request` carries a live key.
    ///
    /// # Errors
    /// [`Code::Unauthorized`], [`Code::RateLimited`].
    pub(crate) fn check(request: &HttpRequest) -> Result<()> {
        Self::of(request).map(drop)
    }

    /// Whoever sent `request`.
    ///
    /// # Errors
    /// [`Code::Unauthorized`].
    pub(crate) fn of(request: &HttpRequest) -> Result<Self> {
        Self::identify(request).map(|(caller, _)| caller)
    }

    /// Reads the key of `request`, looks it up and counts the request. The snapshot that it was
    /// found in comes along, so that what is read next was allowed at that very moment.
    ///
    /// # Errors
    /// [`Code::Unauthorized`], [`Code::RateLimited`].
    pub(crate) fn identify(request: &HttpRequest) -> Result<(Self, Snapshot)> {
        let (caller, snapshot, key) = Self::look_up(request)?;
        let context = Context::of(request)?;
        context.limits.count_request(&caller.actor)?;
        if let Some(key) = &key {
            context.last_uses.record(key, snapshot.reader().now);
        }
        Ok((caller, snapshot))
    }

    /// Reads and looks up the key of a `request` that was counted before it waited: meanwhile the
    /// key may have been revoked.
    ///
    /// # Errors
    /// [`Code::Unauthorized`].
    pub(crate) fn identify_again(request: &HttpRequest) -> Result<(Self, Snapshot)> {
        let (caller, snapshot, _) = Self::look_up(request)?;
        Ok((caller, snapshot))
    }

    /// Reads the key of `request` and looks it up. The key's id comes along, where there is one.
    fn look_up(request: &HttpRequest) -> Result<(Self, Snapshot, Option<KeyId>)> {
        let context = Context::of(request)?;
        let latest = request.app_data::<Rc<Latest>>();
        let (snapshot, known) = latest.ok_or_else(|| Error::internal("no worker"))?.get()?;
        let (caller, key) = match Credential::of(request)? {
            Credential::Key(key) => {
                let rights = known
                    .borrow_mut()
                    .find_rights(&snapshot.reader(), &key)?
                    .ok_or_else(|| refuse(request, Error::unauthorized()))?;
                (
                    Self {
                        actor: key.id.as_str().to_owned(),
                        rights,
                    },
                    Some(key.id),
                )
            }
            Credential::NotOurs(_) if context.mode == Mode::Dev => (
                Self {
                    actor: DEV_ACTOR.to_owned(),
                    rights: Arc::new(Rights::ALL),
                },
                None,
            ),
            Credential::NotOurs(why) | Credential::Broken(why) => {
                return Err(refuse(request, Error::new(Code::Unauthorized, why)));
            }
        };
        Ok((caller, snapshot, key))
    }
}

/// The answer to a request without a valid key, which is `unauthorized`; it is counted as one
/// without a key.
fn refuse(request: &HttpRequest, unauthorized: Error) -> Error {
    Anonymous::count(request).err().unwrap_or(unauthorized)
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// A scope as a type, for the signature of a handler.
pub(crate) trait Right {
    /// The scope.
    const SCOPE: Scope;
    /// What a handler keeps of the snapshot in which the key was found.
    type Snapshot;

    /// Keeps it.
    fn keep(snapshot: Snapshot) -> Self::Snapshot;
}

/// The right to list and get invitations.
#[derive(Debug)]
pub(crate) struct Read;

/// A read goes on in the same snapshot: one transaction instead of two.
impl Right for Read {
    const SCOPE: Scope = Scope::Read;
    type Snapshot = Snapshot;

    fn keep(snapshot: Snapshot) -> Snapshot {
        snapshot
    }
}

/// The right to list and get invitations, for those who wait for a body first: they read in a
/// snapshot of their own.
#[derive(Debug)]
pub(crate) struct ReadLater;

impl Right for ReadLater {
    const SCOPE: Scope = Scope::Read;
    type Snapshot = ();

    fn keep(_: Snapshot) {}
}

/// Makes rights of those who need nothing of the snapshot: a write waits for its body and its
/// commit, and no snapshot may be held across an await.
macro_rules! rights {
    ($($(#[$doc:meta])+ $right:ident,)+) => {$(
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $right;

        impl Right for $right {
            const SCOPE: Scope = Scope::$right;
            type Snapshot = ();

            fn keep(_: Snapshot) {}
        }
    )+};
}

rights! {
    /// The right to create, change and delete invitations.
    Write,
    /// The right to vouch that a person owns an address.
    Accept,
    /// The right to get secret links.
    Link,
    /// The right to report mail that came back.
    Deliveries,
    /// The right to read the metrics of the server.
    Metrics,
    /// The right to manage organizations and keys.
    Admin,
}

/// A caller who may do `R` to the organization in the path. One that the caller may not see is 404,
/// as one that cannot be.
pub(crate) struct OrganizationAccess<R: Right> {
    /// Who calls.
    pub caller: Caller,
    /// The organization in the path.
    pub organization: OrganizationId,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// What is kept of the snapshot in which the key was found.
    pub snapshot: R::Snapshot,
}

impl<R: Right> OrganizationAccess<R> {
    /// Where a change by this request comes from.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            actor: self.caller.actor.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// The organization that the path of `request` names.
    ///
    /// # Errors
    /// [`Code::NotFound`] where no organization can have such an id.
    pub(crate) fn named(request: &HttpRequest) -> Result<OrganizationId> {
        let organization = read_param(request, "organizationId", OrganizationId::parse);
        organization.ok_or_else(Error::not_found)
    }

    /// Checks that `caller`, who sent `request` and was found in `snapshot`, may do `R` to
    /// `organization`.
    ///
    /// # Errors
    /// [`Code::NotFound`] where they may not see it, [`Code::InsufficientScope`].
    pub(crate) fn check(
        request: &HttpRequest,
        caller: Caller,
        snapshot: Snapshot,
        organization: OrganizationId,
    ) -> Result<Self> {
        if !caller.rights.see(organization.as_str()) {
            return Err(Error::foreign());
        }
        caller.require(R::SCOPE)?;
        Ok(Self {
            caller,
            organization,
            request_id: RequestId::of(request),
            snapshot: R::keep(snapshot),
        })
    }
}

impl<R: Right> FromRequest for OrganizationAccess<R> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = Caller::identify(request);
        ready(identified.and_then(|(caller, snapshot)| {
            let organization = Self::named(request)?;
            Self::check(request, caller, snapshot, organization)
        }))
    }
}

/// A caller who may do `R`, where the path names no organization.
pub(crate) struct Access<R: Right> {
    /// Who calls.
    pub caller: Caller,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// What is kept of the snapshot in which the key was found.
    pub snapshot: R::Snapshot,
}

impl<R: Right> Access<R> {
    /// Where a change by this request comes from.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            actor: self.caller.actor.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// Checks all there is to check.
    fn check(request: &HttpRequest) -> Result<Self> {
        let (caller, snapshot) = Caller::identify(request)?;
        caller.require(R::SCOPE)?;
        Ok(Self {
            caller,
            request_id: RequestId::of(request),
            snapshot: R::keep(snapshot),
        })
    }
}

impl<R: Right> FromRequest for Access<R> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::check(request))
    }
}
