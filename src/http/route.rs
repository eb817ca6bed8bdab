//! One path with its methods: HEAD wherever there is GET, OPTIONS everywhere, 405 with `Allow` for the rest.

use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, guard};

use super::auth::Caller;
use crate::base::error::{Code, Error};

/// A path and the handlers of its methods.
pub struct Route {
    /// The path, with `{names}` for its parameters.
    pub path: &'static str,
    /// The methods that have a handler.
    pub methods: Vec<Method>,
    /// Whether it can be asked without a key.
    is_public: bool,
    /// The handlers.
    resource: Resource,
}

impl Route {
    /// A path for callers with a key, without methods yet.
    pub fn new(path: &'static str) -> Self {
        Self { path, methods: Vec::new(), is_public: false, resource: web::resource(path) }
    }

    /// A path for everybody, without methods yet.
    pub fn public(path: &'static str) -> Self {
        Self { is_public: true, ..Self::new(path) }
    }

    /// Answers GET, and HEAD, with `handler`. The framework leaves the body of a HEAD away.
    #[must_use]
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let guard = guard::Any(guard::Get()).or(guard::Head());
        self.with(Method::GET, web::route().guard(guard).to(handler))
    }

    /// Answers POST with `handler`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.with(Method::POST, web::post().to(handler))
    }

    /// Answers PUT with `handler`.
    #[must_use]
    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.with(Method::PUT, web::put().to(handler))
    }

    /// Answers PATCH with `handler`.
    #[must_use]
    pub fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.with(Method::PATCH, web::patch().to(handler))
    }

    /// Answers DELETE with `handler`.
    #[must_use]
    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.with(Method::DELETE, web::delete().to(handler))
    }

    /// Adds a method.
    fn with(mut self, method: Method, route: actix_web::Route) -> Self {
        self.methods.push(method);
        Self { resource: self.resource.route(route), ..self }
    }

    /// The value of `Allow`.
    fn allow(&self) -> String {
        let mut methods: Vec<_> = self.methods.iter().map(Method::as_str).collect();
        if self.methods.contains(&Method::GET) {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// Registers the path, with OPTIONS and the answer to every other method.
    pub fn register(self, config: &mut ServiceConfig) {
        let (allow, allow_other, is_public) = (self.allow(), self.allow(), self.is_public);
        let options = move || {
            let response = HttpResponse::NoContent().insert_header((header::ALLOW, allow.clone())).finish();
            async { response }
        };
        let other = move |request: HttpRequest| {
            // Who may not ask is not told either which methods there are.
            let allowed = if is_public { Ok(()) } else { Caller::check(&request) };
            let refused = Error::new(Code::MethodNotAllowed, format!("This path answers {allow_other}."));
            let error = allowed.err().unwrap_or_else(|| refused.allowing(allow_other.clone()));
            async { Err::<HttpResponse, _>(error) }
        };
        config.service(self.resource.route(web::method(Method::OPTIONS).to(options)).default_service(web::to(other)));
    }
}
