//! Who calls for which organization.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Either, LocalBoxFuture};
use percent_encoding::percent_decode_str;
use utoipa::IntoParams;
use uuid::Uuid;

use super::ids::{self, Meaning};
use super::uuids::Uuids;
use crate::api::state::State;
use crate::base::error::{Error, Result};
use crate::http::auth::{Caller, OrganizationAccess, Right};
use crate::http::router::read_param;

/// A caller who may do `R` to the organization in the path, which is named by its id or by the UUID
/// that the dialect shows for it.
pub(super) struct DialectAccess<R: Right>(pub OrganizationAccess<R>);

impl<R: Right + 'static> FromRequest for DialectAccess<R> {
    type Error = Error;
    type Future = Either<Ready<Result<Self>>, LocalBoxFuture<'static, Result<Self>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match look_up(request) {
            Ok(Looked::Done(access)) => Either::Left(ready(Ok(Self(access)))),
            Ok(Looked::Waits(uuid)) => Either::Right(Box::pin(wait(request.clone(), uuid))),
            Err(error) => Either::Left(ready(Err(error))),
        }
    }
}

/// What the first look at a request has found.
enum Looked<R: Right> {
    /// The caller, and the organization.
    Done(OrganizationAccess<R>),
    /// A caller who may do `R`. Which organization has this UUID takes a look at all of them.
    Waits(Uuid),
}

/// Looks who sent `request`, for which organization.
fn look_up<R: Right>(request: &HttpRequest) -> Result<Looked<R>> {
    let (caller, snapshot) = Caller::identify(request)?;
    let id = OrganizationAccess::<R>::named(request)?;
    match ids::meaning(&caller.rights, id, uuids(request)?) {
        Meaning::Organization(id) => {
            OrganizationAccess::check(request, caller, snapshot, id).map(Looked::Done)
        }
        Meaning::Derived(uuid) => {
            caller.require(R::SCOPE)?;
            Ok(Looked::Waits(uuid))
        }
    }
}

/// Finds the organization of `uuid` for the sender of `request`, without holding up other requests.
async fn wait<R: Right>(request: HttpRequest, uuid: Uuid) -> Result<DialectAccess<R>> {
    let found = uuids(&request)?.read(uuid).await?;
    let named = OrganizationAccess::<R>::named(&request)?;
    let (caller, snapshot) = Caller::identify_again(&request)?;
    OrganizationAccess::check(&request, caller, snapshot, found.unwrap_or(named)).map(DialectAccess)
}

/// The UUIDs that are known.
fn uuids(request: &HttpRequest) -> Result<&Uuids> {
    let state = request.app_data::<Data<State>>();
    let state = state.ok_or_else(|| Error::internal("no state"))?;
    Ok(&state.uuids)
}

/// The member in the path.
#[derive(Debug)]
pub(super) struct UserId(pub String);

impl FromRequest for UserId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // What a path may hold only in its encoding is still encoded.
        let decode = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
        let user = read_param(request, "userId", decode);
        ready(user.map(Self).ok_or_else(Error::not_found))
    }
}

/// A member in the path, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the document is made from it")]
pub(super) struct OfMember {
    /// The id of the organization, or its UUID.
    #[param(
        rename = "organizationId",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$",
        example = "acme"
    )]
    pub organization_id: String,
    /// The member's `userId`.
    #[param(rename = "userId")]
    pub user_id: String,
}
