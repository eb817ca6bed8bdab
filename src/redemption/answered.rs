//! What an answer by the link is responded with, as the OpenAPI document has it.

use std::borrow::Cow;

use utoipa::openapi::schema::AllOf;
use utoipa::openapi::{Object, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Preview;
use crate::invitation::Invitation;

/// The invitation, or what may be seen of it: one shape for both, since generators make nothing
/// handy of a choice between two objects of which one is nearly a part of the other.
pub(crate) enum Answered {}

impl ToSchema for Answered {
    fn name() -> Cow<'static, str> {
        "AnsweredInvitation".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Preview::name().into(), Preview::schema()));
        Invitation::schemas(schemas);
        Preview::schemas(schemas);
    }
}

impl PartialSchema for Answered {
    fn schema() -> RefOr<Schema> {
        let (mut rest, shown) = (object(Invitation::schema()), object(Preview::schema()));
        rest.properties
            .retain(|name, _| !shown.properties.contains_key(name));
        rest.required.clear();
        rest.description = None;
        rest.properties.values_mut().for_each(leave_out_description);
        AllOf::builder()
            .description(Some(
                "What a lookup shows, and to a key that vouches all of the `Invitation`, `id` included.",
            ))
            .item(Ref::from_schema_name(Preview::name()))
            .item(rest)
            .into()
    }
}

/// Leaves out what a field is, which the schema of an invitation says.
fn leave_out_description(field: &mut RefOr<Schema>) {
    match field {
        RefOr::Ref(reference) => reference.description.clear(),
        RefOr::T(Schema::Object(object)) => object.description = None,
        RefOr::T(_) => {}
    }
}

/// The object that `schema` describes.
fn object(schema: RefOr<Schema>) -> Object {
    match schema {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::default(),
    }
}
