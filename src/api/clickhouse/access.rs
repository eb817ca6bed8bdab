//! Who calls for which organization.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use utoipa::IntoParams;

use super::ids;
use crate::base::error::{Error, Result};
use crate::http::auth::{OrganizationAccess, Right};
use crate::http::router::read_param;

/// A caller who may do `R` to the organization in the path, which is named by its id or by the UUID
/// that the dialect shows for it.
pub(super) struct DialectAccess<R: Right>(pub OrganizationAccess<R>);

impl<R: Right> FromRequest for DialectAccess<R> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(OrganizationAccess::check(request, ids::find_organization).map(Self))
    }
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
