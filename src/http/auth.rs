//! Who calls, and may they: the first argument of every handler that is not public.
//!
//! Bearer is the way; Basic is another spelling of the same key, with the same checks, and is never asked for: browsers
//! would remember it. Missing, malformed, unknown, revoked and expired keys get the same bytes.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::State;
use super::envelope::RequestId;
use crate::config::Mode;
use crate::error::{Code, Error, Result};
use crate::event::Origin;
use crate::invitation::Role;
use crate::key::{self, Rights, Scope};
use crate::organization::OrganizationId;
use crate::token::PlainKey;

/// The actor of what is done in development without a key.
const DEV_ACTOR: &str = "dev";

/// Whoever carries a live key; in development everybody.
#[derive(Debug)]
pub struct Caller {
    /// The key's id, or `dev`.
    pub actor: String,
    /// What they may do.
    pub rights: Rights,
}

impl Caller {
    /// Checks that the caller has `scope`.
    ///
    /// # Errors
    /// [`Code::InsufficientScope`].
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.rights.scopes.contain(scope) {
            return Ok(());
        }
        Err(Error::new(Code::InsufficientScope, format!("This needs the scope {}.", scope.name())))
    }

    /// Checks that the caller may grant `role`.
    ///
    /// # Errors
    /// [`Code::RoleNotGrantable`].
    pub fn may_grant(&self, role: &Role) -> Result<()> {
        if self.rights.grant(role) {
            return Ok(());
        }
        Err(Error::new(Code::RoleNotGrantable, format!("This key may not grant the role {}.", role.as_str())))
    }

    /// Reads the key of `request` and looks it up.
    fn identify(request: &HttpRequest) -> Result<Self> {
        let state = request.app_data::<web::Data<State>>().ok_or_else(|| Error::internal("no state"))?;
        let refused = || Error::new(Code::Unauthorized, "The request carries no valid API key.");
        let Some(key) = carried_key(request)? else {
            let dev = || Self { actor: DEV_ACTOR.to_owned(), rights: Rights::ALL };
            return (state.mode == Mode::Dev).then(dev).ok_or_else(refused);
        };
        let rights = state.db.read(|reader| key::store::find_rights(reader, &key))?.ok_or_else(refused)?;
        Ok(Self { actor: key.id.as_str().to_owned(), rights })
    }
}

/// The key that `request` carries, if it has the form of one.
fn carried_key(request: &HttpRequest) -> Result<Option<PlainKey>> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (header, another) = (headers.next(), headers.next());
    if another.is_some() {
        return Err(Error::new(Code::BadRequest, "There are two Authorization headers."));
    }
    let parse = || {
        let (scheme, credentials) = header?.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return PlainKey::parse(credentials);
        }
        let decoded = BASE64_STANDARD.decode(credentials).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        PlainKey::from_parts(id, secret)
    };
    Ok(parse())
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::identify(request))
    }
}

/// A scope as a type, for the signature of a handler.
pub trait Right {
    /// The scope.
    const SCOPE: Scope;
}

/// The right to list and get invitations.
#[derive(Debug)]
pub struct Read;

impl Right for Read {
    const SCOPE: Scope = Scope::Read;
}

/// The right to create and delete invitations.
#[derive(Debug)]
pub struct Write;

impl Right for Write {
    const SCOPE: Scope = Scope::Write;
}

/// A caller who may do `R` to the organization in the path. One that the caller may not see is 404, as one that cannot be.
#[derive(Debug)]
pub struct Access<R> {
    /// Who calls.
    pub caller: Caller,
    /// The organization in the path.
    pub organization: OrganizationId,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// The right is only a type.
    right: PhantomData<R>,
}

impl<R: Right> Access<R> {
    /// Where a change by this request comes from.
    pub fn origin(&self) -> Origin {
        Origin { actor: self.caller.actor.clone(), request_id: self.request_id.clone() }
    }

    /// Checks all there is to check.
    fn check(request: &HttpRequest) -> Result<Self> {
        let caller = Caller::identify(request)?;
        let organization = request
            .match_info()
            .get("organizationId")
            .and_then(OrganizationId::parse)
            .filter(|organization| caller.rights.see(organization.as_str()))
            .ok_or_else(Error::not_found)?;
        caller.require(R::SCOPE)?;
        Ok(Self { caller, organization, request_id: RequestId::of(request), right: PhantomData })
    }
}

impl<R: Right> FromRequest for Access<R> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::check(request))
    }
}
