//! The OpenAPI 3.1 documents: made from the code, served, and the one of the API committed as
//! `openapi.json`.
//!
//! The operations declare themselves with `utoipa`. What that crate cannot say is done to the
//! document as JSON: [`shared`] says once what many operations say, [`schemas`] what may be added to
//! an object and what excludes what, [`webhooks`] what is sent to the application.

mod info;
mod schemas;
mod shared;
mod webhooks;

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Offer, clickhouse, dev};
use crate::api::error_responses::COMMON;
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::http::anonymous::Anonymous;
use crate::http::asset::Asset;
use crate::http::query::NoQuery;
use crate::http::router::read_param;

/// One of the documents: each has the operations of one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, ToSchema)]
#[schema(as = DocumentPart, rename_all = "lowercase")]
pub enum Part {
    /// The API.
    Api,
    /// What only `invited dev` has.
    Dev,
    /// The pages for people.
    Pages,
    /// The dialect of ClickHouse Cloud.
    Dialect,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Api, Self::Dev, Self::Pages, Self::Dialect];

    /// The part that has the operations of `path`.
    fn of(path: &str) -> Self {
        if path.starts_with(dev::PREFIX) {
            Self::Dev
        } else if path.starts_with(clickhouse::PREFIX) {
            Self::Dialect
        } else if path.starts_with("/accept") || path.starts_with("/docs") {
            Self::Pages
        } else {
            Self::Api
        }
    }

    /// The name of the part in the path of its document.
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Dev => "dev",
            Self::Pages => "pages",
            Self::Dialect => "dialect",
        }
    }
}

/// The operations of this file, for a server in `mode`.
pub(crate) fn operations(mode: Mode) -> Vec<Operation> {
    const ERRORS: &[&[Code]] = &[COMMON, &[Code::RateLimited]];
    const PART_ERRORS: &[&[Code]] = &[COMMON, &[Code::NotFound, Code::RateLimited]];
    let part = match mode {
        Mode::Dev => Operation::new(__path_serve_part, serve_any_part, PART_ERRORS),
        Mode::Serve => Operation::new(__path_serve_part, serve_part, PART_ERRORS),
    };
    let whole = Operation::new(__path_serve, serve, ERRORS);
    vec![whole.public(), part.public()]
}

/// The document of `part`.
fn document(part: Part) -> Value {
    let mut document = info::of(part);
    for operation in super::operations(Offer::all(Mode::Dev)) {
        if Part::of(&operation.path) == part {
            operation.add_to(&mut document);
        }
    }
    info::keep_used_tags(&mut document);
    let mut document = serde_json::json!(document);
    if part == Part::Api {
        webhooks::add(&mut document);
    }
    schemas::finish(&mut document);
    shared::move_to_components(&mut document);
    document
}

/// The document of `part` as text: what is printed and committed. The same is served without
/// spaces.
pub fn document_text(part: Part) -> String {
    let text = serde_json::to_string_pretty(&document(part)).unwrap_or_default();
    text + "\n"
}

/// The document of `part` as it is served.
fn asset(part: Part) -> &'static Asset {
    static ASSETS: LazyLock<[Asset; Part::ALL.len()]> = LazyLock::new(|| {
        Part::ALL.map(|part| Asset::new("application/json", document(part).to_string()))
    });
    &ASSETS[part as usize]
}

/// `GET /openapi.json`: the document of the API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapi",
    tag = "Operation",
    summary = "This document",
    description = "The operations of the API. What else there is has documents of its own.",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", content_type = "application/json",
            body = Object,
            example = json!({"openapi": "3.1.0"})),
    ),
    security(())
)]
async fn serve(_: Anonymous, _: NoQuery, request: HttpRequest) -> HttpResponse {
    asset(Part::Api).respond(&request)
}

/// `GET /openapi/{part}.json` of a server for everybody: the document of the pages or of the
/// dialect.
///
/// # Errors
/// [`Code::NotFound`] where there is no such part.
#[utoipa::path(
    get,
    path = "/openapi/{part}.json",
    operation_id = "getOpenapiPart",
    tag = "Operation",
    summary = "The document of another part",
    description = "`dialect`: the ClickHouse Cloud dialect. `pages`: the pages for people. `dev`: what \
        only `invited dev` has, and only there. `api`: `/openapi.json`.",
    params(("part" = Part, Path, description = "Which part.")),
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", content_type = "application/json",
            body = Object,
            example = json!({"openapi": "3.1.0"})),
    ),
    security(())
)]
async fn serve_part(_: Anonymous, _: NoQuery, request: HttpRequest) -> Result<HttpResponse> {
    let part = read_part(&request)?;
    if part == Part::Dev {
        return Err(Error::not_found());
    }
    Ok(asset(part).respond(&request))
}

/// The same of `invited dev`, which has all parts.
///
/// # Errors
/// [`Code::NotFound`] where there is no such part.
async fn serve_any_part(_: Anonymous, _: NoQuery, request: HttpRequest) -> Result<HttpResponse> {
    Ok(asset(read_part(&request)?).respond(&request))
}

/// The part that the path of `request` names.
///
/// # Errors
/// [`Code::NotFound`] where there is no such part.
fn read_part(request: &HttpRequest) -> Result<Part> {
    let find = |name: &str| Part::ALL.into_iter().find(|part| part.name() == name);
    read_param(request, "part", find).ok_or_else(Error::not_found)
}
