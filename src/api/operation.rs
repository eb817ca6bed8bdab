//! One operation of the API, declared once: its path and its document, what it can fail with, and
//! its handler.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, web};
use utoipa::Path;

// What the derive of a whole document takes of an operation besides; the bindings to other
// frameworks take it, too.
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::openapi::path::{HttpMethod, Operation as Documented};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use super::error_responses;
use crate::base::error::Code;
use crate::http::route::Route;

/// An operation of the API.
pub(crate) struct Operation {
    /// Its path, with `{names}` for its parameters.
    pub path: String,
    /// Whether it can be asked without a key.
    is_public: bool,
    /// What it can respond besides a success, in groups.
    errors: &'static [&'static [Code]],
    /// Its method, as its document names it.
    methods: fn() -> Vec<HttpMethod>,
    /// What its document says of it.
    document: fn() -> Documented,
    /// The schemas that its document names.
    schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
    /// What handles it.
    handler: actix_web::Route,
}

impl Operation {
    /// The operation that `P` documents: `handler` handles it, and can fail with `errors`. It needs
    /// a key.
    pub(crate) fn new<P, F, Args>(_: P, handler: F, errors: &'static [&'static [Code]]) -> Self
    where
        P: Path + SchemaReferences + for<'t> Tags<'t>,
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self {
            path: P::path(),
            methods: P::methods,
            is_public: false,
            errors,
            document: document_of::<P>,
            schemas: P::schemas,
            handler: web::to(handler),
        }
    }

    /// The same, for everybody.
    pub(crate) fn public(self) -> Self {
        Self {
            is_public: true,
            ..self
        }
    }

    /// The path with this operation only.
    pub(crate) fn into_route(self) -> Route {
        let route = if self.is_public {
            Route::public(self.path)
        } else {
            Route::new(self.path)
        };
        route.with(method_of(self.methods), self.handler)
    }

    /// Adds the operation to the others of its path.
    pub(crate) fn join(self, route: &mut Route) {
        route.add(method_of(self.methods), self.handler);
    }

    /// Adds the operation to a document.
    pub(crate) fn add_to(&self, document: &mut OpenApi) {
        let mut operation = (self.document)();
        let components = document.components.get_or_insert_default();
        error_responses::add(&mut operation, components, &self.path, self.errors);
        document
            .paths
            .add_path_operation(&self.path, (self.methods)(), operation);
        let mut schemas = Vec::new();
        (self.schemas)(&mut schemas);
        document
            .components
            .get_or_insert_default()
            .schemas
            .extend(schemas);
    }
}

/// What the document of `P` says, with its tags.
fn document_of<P: Path + for<'t> Tags<'t>>() -> Documented {
    let mut operation = P::operation();
    operation
        .tags
        .get_or_insert_default()
        .extend(P::tags().into_iter().map(str::to_owned));
    operation
}

/// The method of an operation: a document names one for each.
fn method_of(methods: fn() -> Vec<HttpMethod>) -> Method {
    match methods().first().unwrap_or(&HttpMethod::Get) {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
