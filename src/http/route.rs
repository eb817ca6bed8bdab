//! One path with its methods: HEAD wherever there is GET, OPTIONS everywhere, 405 with `Allow` for
//! the rest.

use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, guard};

use super::auth::Caller;
use crate::base::error::{Code, Error};

/// A path and the handlers of its methods.
pub struct Route {
    /// The path, with `{names}` for its parameters.
    pub path: String,
    /// The methods that have a handler.
    pub methods: Vec<Method>,
    /// Whether it can be asked without a key.
    is_public: bool,
    /// The handlers.
    handlers: Vec<actix_web::Route>,
}

impl Route {
    /// A path for callers with a key, without methods yet.
    pub(crate) fn new(path: String) -> Self {
        Self {
            path,
            methods: Vec::new(),
            is_public: false,
            handlers: Vec::new(),
        }
    }

    /// A path for everybody, without methods yet.
    pub(crate) fn public(path: String) -> Self {
        Self {
            is_public: true,
            ..Self::new(path)
        }
    }

    /// The same path with a handler for `method`.
    #[must_use]
    pub(crate) fn with(mut self, method: Method, handler: actix_web::Route) -> Self {
        self.add(method, handler);
        self
    }

    /// Adds the handler for `method`. That of GET has HEAD, too: the framework leaves the body of a
    /// HEAD away.
    pub(crate) fn add(&mut self, method: Method, handler: actix_web::Route) {
        let handler = if method == Method::GET {
            handler.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            handler.method(method.clone())
        };
        self.methods.push(method);
        self.handlers.push(handler);
    }

    /// The value of `Allow`.
    fn allow(&self) -> String {
        let given = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter();
        let mut methods: Vec<_> = given
            .filter(|name| self.methods.iter().any(|method| method == name))
            .collect();
        if self.methods.contains(&Method::GET) {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// Registers the path, with OPTIONS and the answer to every other method.
    pub(crate) fn register(self, config: &mut ServiceConfig) {
        let (allow, allow_other, is_public) = (self.allow(), self.allow(), self.is_public);
        let options = move || {
            let response = HttpResponse::NoContent()
                .insert_header((header::ALLOW, allow.clone()))
                .finish();
            async { response }
        };
        let other = move |request: HttpRequest| {
            // Who may not ask is not told either which methods there are.
            let allowed = if is_public {
                Ok(())
            } else {
                Caller::check(&request)
            };
            let refused = Error::new(
                Code::MethodNotAllowed,
                format!("This path answers {allow_other}."),
            );
            let error = allowed
                .err()
                .unwrap_or_else(|| refused.with_allow(allow_other.clone()));
            async { Err::<HttpResponse, _>(error) }
        };
        let resource = self
            .handlers
            .into_iter()
            .fold(web::resource(self.path), Resource::route);
        config.service(
            resource
                .route(web::method(Method::OPTIONS).to(options))
                .default_service(web::to(other)),
        );
    }
}
