//! What an answer by the link is responded with, as the OpenAPI document has it.

use std::borrow::Cow;

use utoipa::openapi::schema::AnyOf;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Preview;
use crate::invitation::Invitation;

/// The invitation, or what may be seen of it.
pub(crate) enum Answered {}

impl ToSchema for Answered {
    fn name() -> Cow<'static, str> {
        "AnsweredInvitation".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Invitation::name().into(), Invitation::schema()));
        schemas.push((Preview::name().into(), Preview::schema()));
        Invitation::schemas(schemas);
        Preview::schemas(schemas);
    }
}

impl PartialSchema for Answered {
    fn schema() -> RefOr<Schema> {
        AnyOf::builder()
            .description(Some(
                "To a key that vouches the invitation, to everybody else what a lookup shows.",
            ))
            .item(Ref::from_schema_name(Invitation::name()))
            .item(Ref::from_schema_name(Preview::name()))
            .into()
    }
}
