//! Schemas that the OpenAPI document has of closed sets of texts.

use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, Schema, Type};

/// The schema of a text that is one of `names`.
pub(crate) fn one_of<'a>(
    description: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> RefOr<Schema> {
    Object::builder()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(names))
        .into()
}
