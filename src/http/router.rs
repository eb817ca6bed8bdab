//! From a path to its handlers, in one walk down a tree.
//!
//! The framework's own router tries one regular expression after the other, which is a fifth of
//! what reading an invitation takes. So it finds no route at all, and hands everything to this one.

use std::rc::Rc;

use actix_service::Service;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{HttpMessage, HttpRequest};

use super::request_id::RequestId;
use super::request_log::holds_token;
use super::route::{Handlers, Response, Route};

/// The longest id in a path, in bytes.
const MAX_ID: usize = 128;

/// Hands each request to the handlers of its path. Every thread has one of its own.
pub(crate) struct Router {
    /// The handlers of each path.
    routes: matchit::Router<(Rc<Pattern>, Handlers)>,
    /// What answers where no route is.
    unknown: Handlers,
}

/// The path of a route.
struct Pattern {
    /// Its place among all routes.
    place: usize,
    /// As the document has it: with `{names}`.
    path: String,
    /// The names in it, in their order.
    names: Vec<String>,
}

/// The route of a request, and what its path has in place of each name.
struct Matched {
    /// The path of the route.
    pattern: Rc<Pattern>,
    /// The values, in the order of the names.
    values: Vec<String>,
}

impl Router {
    /// A router for `routes`, each with its place among all routes of the server, and for every
    /// other path `unknown`.
    ///
    /// # Errors
    /// None with the routes of this program: two of them would have the same path.
    pub(crate) async fn build(
        routes: Vec<(usize, Route)>,
        unknown: actix_web::Route,
    ) -> Result<Self, String> {
        let failed = |()| "a handler cannot be made".to_owned();
        let mut tree = matchit::Router::new();
        let all: Vec<_> = routes
            .iter()
            .map(|(_, route)| (route.path.clone(), route.methods.clone()))
            .collect();
        for (place, route) in routes {
            let pattern = Rc::new(Pattern::new(place, &route.path));
            let handlers = route.into_handlers(&all).await.map_err(failed)?;
            tree.insert(pattern.path.clone(), (pattern, handlers))
                .map_err(|error| error.to_string())?;
        }
        let unknown = Handlers::of_any_method(unknown).await.map_err(failed)?;
        Ok(Self {
            routes: tree,
            unknown,
        })
    }
}

impl Service<ServiceRequest> for Router {
    type Response = ServiceResponse;
    type Error = actix_web::Error;
    type Future = Response;

    actix_service::always_ready!();

    fn call(&self, request: ServiceRequest) -> Response {
        // Without the percent-encodings that a path does not need: one path is one route.
        let Ok(found) = self.routes.at(request.match_info().as_str()) else {
            return self.unknown.call(request);
        };
        let (pattern, handlers) = found.value;
        RequestId::set_route(request.request(), pattern.place);
        let matched = Matched {
            pattern: Rc::clone(pattern),
            values: found
                .params
                .iter()
                .map(|(_, value)| value.to_owned())
                .collect(),
        };
        request.request().extensions_mut().insert(matched);
        handlers.call(request)
    }
}

impl Pattern {
    /// The pattern of the route at `place`, which the document writes as `path`.
    fn new(place: usize, path: &str) -> Self {
        let names = path.split('{').skip(1);
        let names = names.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
        Self {
            place,
            path: path.to_owned(),
            names: names.collect(),
        }
    }
}

/// What `read` makes of the part of the path that is called `name`; none: there is no such part.
pub(crate) fn read_param<T>(
    request: &HttpRequest,
    name: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let extensions = request.extensions();
    let matched = extensions.get::<Matched>()?;
    let mut names = matched.pattern.names.iter();
    let place = names.position(|known| known == name)?;
    read(matched.values.get(place)?)
}

/// The parts of the path of `request` that have a name, in their order, each with its name; none:
/// it has no route.
pub(super) fn values_of(request: &HttpRequest) -> Vec<(String, String)> {
    let extensions = request.extensions();
    let matched = extensions.get::<Matched>();
    let pairs = matched.iter().flat_map(|matched| {
        let names = matched.pattern.names.iter().cloned();
        names.zip(matched.values.iter().cloned())
    });
    pairs.collect()
}

/// The path of `request`, with names in place of what is no id; none: it has no route.
pub(crate) fn path_of_ids(request: &HttpRequest) -> Option<String> {
    let extensions = request.extensions();
    let matched = extensions.get::<Matched>()?;
    let mut path = matched.pattern.path.clone();
    for (name, value) in matched.pattern.names.iter().zip(&matched.values) {
        if is_id(value) {
            path = path.replace(&format!("{{{name}}}"), value);
        }
    }
    Some(path)
}

/// Whether a part of a path can be an id, and holds no token.
fn is_id(value: &str) -> bool {
    let has_form = value
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || b"._~-".contains(&c));
    has_form && value.len() <= MAX_ID && !holds_token(value)
}

/// The path of the route of `request`, with names in place of values; none: it has no route.
pub(crate) fn pattern_of(request: &HttpRequest) -> Option<String> {
    let extensions = request.extensions();
    let matched = extensions.get::<Matched>()?;
    Some(matched.pattern.path.clone())
}
