//! One path with its methods: HEAD wherever there is GET, OPTIONS everywhere, 405 with `Allow` for
//! the rest.

use actix_service::{Service, ServiceFactory};
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Caller;
use super::nothing;
use crate::base::error::{Code, Error};

/// A path and its methods.
type PathMethods = (String, Vec<Method>);

/// A path and the handlers of its methods.
pub struct Route {
    /// The path, with `{names}` for its parameters.
    pub path: String,
    /// The methods that have a handler.
    pub methods: Vec<Method>,
    /// Whether it can be asked without a key.
    is_public: bool,
    /// Their handlers, in the same order.
    handlers: Vec<actix_web::Route>,
}

/// What answers the requests of one method, on one thread.
type Handler = <actix_web::Route as ServiceFactory<ServiceRequest>>::Service;

/// The response to a request, on its way.
pub(super) type Response = <Handler as Service<ServiceRequest>>::Future;

/// What answers the requests of one path, on one thread.
pub(super) struct Handlers {
    /// Those of the methods that the path has.
    known: Vec<(Method, Handler)>,
    /// That of every other method.
    other: Handler,
}

impl Handlers {
    /// What answers every request in the same way.
    ///
    /// # Errors
    /// None that a handler of this program has.
    pub(super) async fn of_any_method(handler: actix_web::Route) -> Result<Self, ()> {
        let (known, other) = (Vec::new(), handler.new_service(()).await?);
        Ok(Self { known, other })
    }

    /// Responds to `request`. The handler of GET has HEAD, too: the framework leaves the body of a
    /// HEAD away.
    pub(super) fn call(&self, request: ServiceRequest) -> Response {
        let asked = match request.method() {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        let known = self.known.iter().find(|(method, _)| method == asked);
        known
            .map_or(&self.other, |(_, handler)| handler)
            .call(request)
    }
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

    /// Adds the handler for `method`.
    pub(crate) fn add(&mut self, method: Method, handler: actix_web::Route) {
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

    /// What answers the requests of this path on one thread, OPTIONS and methods that it does not
    /// have included. `all` are the paths of the server with their methods.
    ///
    /// # Errors
    /// None that a handler of this program has.
    pub(super) async fn into_handlers(self, all: &[PathMethods]) -> Result<Handlers, ()> {
        let (options, other) = (self.options(), self.method_not_allowed(all));
        let mut known = vec![(Method::OPTIONS, options.new_service(()).await?)];
        for (method, handler) in self.methods.into_iter().zip(self.handlers) {
            known.push((method, handler.new_service(()).await?));
        }
        let other = other.new_service(()).await?;
        Ok(Handlers { known, other })
    }

    /// The handler of OPTIONS.
    fn options(&self) -> actix_web::Route {
        let allow = self.allow();
        web::to(move || {
            let response = HttpResponse::NoContent()
                .insert_header((header::ALLOW, allow.clone()))
                .finish();
            async { response }
        })
    }

    /// Those of `all` that have a word in the place of the id with which this path ends.
    fn words_for_id(&self, all: &[PathMethods]) -> Vec<PathMethods> {
        let above = match self.path.rsplit_once('/') {
            Some((above, last)) if last.starts_with('{') => above,
            _ => return Vec::new(),
        };
        let is_one = |(path, _): &&PathMethods| {
            let parts = path.rsplit_once('/');
            parts.is_some_and(|(before, last)| before == above && !last.starts_with('{'))
        };
        all.iter().filter(is_one).cloned().collect()
    }

    /// The handler of methods that the path does not have.
    fn method_not_allowed(&self, all: &[PathMethods]) -> actix_web::Route {
        let (allow, is_public) = (self.allow(), self.is_public);
        let words = self.words_for_id(all);
        web::to(move |request: HttpRequest| {
            // Who may not ask is not told either which methods there are.
            let allowed = if is_public {
                Ok(())
            } else {
                Caller::check(&request)
            };
            let mut detail = format!("This path answers {allow}.");
            if let Some(broken) = nothing::malformed(&request) {
                detail += &format!(" {broken}{}", instead_of_id(request.method(), &words));
            }
            let refused = Error::new(Code::MethodNotAllowed, detail);
            let error = allowed
                .err()
                .unwrap_or_else(|| refused.with_allow(allow.clone()));
            async { Err::<HttpResponse, _>(error) }
        })
    }
}

/// Names those of `words` that have `method`, to whoever has a word in the place of an id.
fn instead_of_id(method: &Method, words: &[PathMethods]) -> String {
    let answering = words.iter().filter(|(_, methods)| methods.contains(method));
    let paths: Vec<_> = answering.map(|(path, _)| path.as_str()).collect();
    if paths.is_empty() {
        return String::new();
    }
    format!(" {method} is for {}.", paths.join(" and "))
}
