//! The OpenAPI 3.1 document: made from the code, served at `/openapi.json`, committed as
//! `openapi.json`.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use utoipa::OpenApi;
use utoipa::openapi::path::Operation as Documented;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, SchemaType};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Required, Schema, Type};

use super::{Offer, clickhouse};
use crate::api::error_responses::COMMON;
use crate::api::operation::Operation;
use crate::base::error::Code;
use crate::base::error::problem::Problem;
use crate::base::mode::Mode;
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;
use crate::http::query::NoQuery;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(__path_serve, serve, &[COMMON, &[Code::RateLimited]]).public()]
}

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "invited",
        description = "Organization invitations, from the invite to the joined user. The address \
            is stored in lowercase, \
            and only a user with that address can join.\n\nEvery error is a problem document \
            (RFC 9457) whose `code` is \
            explained at `/problems/{code}`. HEAD works wherever GET does, and OPTIONS answers \
            `Allow`.",
    ),
    components(schemas(Problem<'_>, clickhouse::Failed)),
    tags(
        (name = "Invitations", description = "The invitations of an organization."),
        (name = "Answers", description = "What the invited person does with the link, by proof \
            of the address."),
        (name = "Organizations", description = "What an organization is called, and what it asks \
            of its invitations."),
        (name = "Events", description = "What happened in an organization, who did it, and what \
            changed."),
        (name = "Keys", description = "API keys: who may do what, to which organizations, until \
            when."),
        (name = "Mail", description = "Mail that has not gone out yet."),
        (name = "Audit", description = "What was done to the server as a whole, by whom."),
        (name = "Webhooks", description = "Endpoints that are told of events, and what became of \
            each delivery."),
        (name = "ClickHouse Cloud", description = "The same invitations in the shape of the \
            ClickHouse Cloud API, for its clients: use `/clickhouse` as the base URL."),
        (name = "Development", description = "Only in `invited dev`: in `invited serve` these \
            paths do not exist. A web page of another origin is refused."),
        (name = "Pages", description = "For people, in a browser: where links lead when the \
            operator has no page of his own."),
        (name = "Operation", description = "Public: health, this document, and what the errors \
            mean."),
    ),
    security(("key" = []), ("basic" = [])),
)]
struct Document;

/// The whole document: what is said of the server, and every operation.
fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for operation in super::operations(Offer::all(Mode::Dev)) {
        operation.add_to(&mut document);
    }
    let components = document.components.get_or_insert_default();
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("ivk_<id>_<secret>")
        .description(Some("An API key, as `invited key create` prints it."));
    components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    let basic = Http::builder()
        .scheme(HttpAuthScheme::Basic)
        .description(Some(
            "The same key: its id as the user name, its secret as the password.",
        ));
    components.add_security_scheme("basic", SecurityScheme::Http(basic.build()));
    components.schemas.values_mut().for_each(close);
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.post,
            &mut path.put,
            &mut path.patch,
            &mut path.delete,
        ];
        operations.into_iter().flatten().for_each(without_null);
    }
    document
}

/// Says of optional parameters and bodies that they are absent rather than null.
fn without_null(operation: &mut Documented) {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content
                && let Some(RefOr::T(Schema::OneOf(choice))) = &mut content.schema
                && let Some(present) = choice
                    .items
                    .iter()
                    .find(|item| matches!(item, RefOr::Ref(_)))
                    .cloned()
            {
                content.schema = Some(present);
                body.required = Some(Required::False);
            }
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
            && let SchemaType::Array(types) = &object.schema_type
            && let Some(kind) = types.iter().find(|kind| **kind != Type::Null)
        {
            object.schema_type = SchemaType::Type(kind.clone());
        }
    }
}

/// Says of an object that it has only the fields that are listed.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        object.properties.values_mut().for_each(close_inner);
    }
}

/// Says it of the objects inside of one, where they are not named. One without listed fields is the
/// caller's own.
fn close_inner(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => close(schema),
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                close_inner(items);
            }
        }
        _ => {}
    }
}

/// The document as text: what is printed and committed. The same is served without spaces.
pub fn document_text() -> String {
    let text = document().to_pretty_json().unwrap_or_default();
    text + "\n"
}

/// `GET /openapi.json`: this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapi",
    tag = "Operation",
    summary = "This document",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", content_type = "application/json",
            body = serde_json::Value,
            example = json!({"openapi": "3.1.0"})),
    ),
    security(())
)]
async fn serve(_: Anonymous, _: NoQuery, request: HttpRequest) -> HttpResponse {
    static DOCUMENT: LazyLock<Asset> =
        LazyLock::new(|| Asset::new("application/json", document().to_json().unwrap_or_default()));
    DOCUMENT.respond(&request)
}
