//! Who is at the console: the first argument of every handler of its pages.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use url::Url;

use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::base::mode::Mode;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::http::auth::{Caller, DEV_ACTOR};
use crate::http::context::Context;
use crate::http::request_id::RequestId;
use crate::http::router::read_param;
use crate::http::{form, host};
use crate::invitation::actor::Actor;
use crate::key::{Author, Rights, Scope};
use crate::policy::limits::Share;
use crate::session::{self, Session, Token};

/// Whoever is signed in; in development everybody.
pub(crate) struct Visitor {
    /// Who it is, and what they may do.
    pub caller: Caller,
    /// Their session; none: development asks for none.
    pub session: Option<Session>,
    /// What they asked for.
    pub request: HttpRequest,
    /// What handlers share.
    pub state: Data<State>,
}

impl Visitor {
    /// Finds out who sent `request`.
    ///
    /// # Errors
    /// [`Code::Unauthorized`], [`Code::RateLimited`].
    fn of(request: &HttpRequest) -> Result<Self> {
        let context = Context::of(request)?;
        let state = request.app_data::<Data<State>>();
        let state = state.ok_or_else(|| Error::internal("no state"))?.clone();
        let (caller, session) = if context.mode == Mode::Dev {
            host::check_embedding(request.headers())?;
            (Caller::admit(request, DEV_ACTOR, Rights::ALL)?, None)
        } else {
            let token = token_of(request, &state.public_url).ok_or_else(unknown)?;
            let (session, rights) = state.db.read(|reader| session::get(reader, &token))?;
            context.last_uses.record(&session.key, state.db.now());
            let caller = Caller::admit(request, session.key.as_str(), rights)?;
            (caller, Some(session))
        };
        Ok(Self {
            caller,
            session,
            request: request.clone(),
            state,
        })
    }

    /// Checks that the visitor has `scope`.
    ///
    /// # Errors
    /// [`Code::InsufficientScope`].
    pub(super) fn require(&self, scope: Scope) -> Result<()> {
        self.caller.require(scope)
    }

    /// Whether the visitor has `scope`.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.caller.rights.scopes.contain(scope)
    }

    /// Whether the server is a development server.
    pub(super) fn is_dev(&self) -> bool {
        self.session.is_none()
    }

    /// The organization in the path.
    ///
    /// # Errors
    /// [`Code::NotFound`] where there can be none, or the visitor may not know of it.
    pub(super) fn organization(&self) -> Result<OrganizationId> {
        let organization = read_param(&self.request, "organizationId", OrganizationId::parse);
        let organization = organization.ok_or_else(Error::not_found)?;
        if !self.caller.rights.see(organization.as_str()) {
            return Err(Error::foreign());
        }
        Ok(organization)
    }

    /// The `X-Request-Id` of the response.
    pub(super) fn request_id(&self) -> String {
        RequestId::of(&self.request)
    }

    /// Where a change by this request comes from.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            actor: self.caller.actor.clone(),
            request_id: self.request_id(),
        }
    }

    /// Who makes the changes of this request.
    pub(super) fn author(&self) -> Author {
        self.caller.author()
    }

    /// Who changes invitations by this request.
    pub(super) fn by(&self) -> Actor {
        Actor {
            origin: self.origin(),
            rights: self.caller.rights.clone(),
        }
    }

    /// The form that is the body of the request, which a page of this server must have sent.
    ///
    /// # Errors
    /// [`Code::OriginNotAllowed`], and those of a body that does not arrive.
    pub(super) async fn form(&self) -> Result<Sent> {
        check_origin(&self.request, &self.state.public_url)?;
        let sent = form::read_pairs(&self.request, &self.caller.actor).await?;
        Ok(Sent {
            fields: Fields::new(sent.pairs),
            _room: sent.room,
        })
    }

    /// The query of the request. What is empty counts as not there, as a form sends it.
    pub(super) fn query(&self) -> Fields {
        let pairs = url::form_urlencoded::parse(self.request.query_string().as_bytes());
        Fields::new(pairs.into_owned().collect())
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// Checks that a page of this server has sent the form in `request`.
///
/// # Errors
/// [`Code::OriginNotAllowed`].
pub(super) fn check_origin(request: &HttpRequest, public_url: &str) -> Result<()> {
    let public_url = Url::parse(public_url).map_err(Error::internal)?;
    let public_origin = public_url.origin().ascii_serialization();
    host::check_form(request.headers(), &public_origin)
}

/// 401 for who was never signed in.
fn unknown() -> Error {
    Error::new(Code::Unauthorized, "Sign in to use the console.")
}

/// The name of the cookie of a server that people reach under `public_url`. A browser takes the one
/// that begins with `__Host-` over https only, and from this very host. Over http it bears the
/// port, since browsers do not tell the ports of a machine apart.
pub(super) fn cookie_name(public_url: &str) -> String {
    if is_https(public_url) {
        return "__Host-invited".to_owned();
    }
    let port = Url::parse(public_url)
        .ok()
        .and_then(|url| url.port_or_known_default());
    format!("invited-{}", port.unwrap_or_default())
}

/// Whether people reach the server over https.
pub(super) fn is_https(public_url: &str) -> bool {
    public_url.starts_with("https://")
}

/// The token in the cookie of `request`; none where there is no such cookie, or more than one.
pub(super) fn token_of(request: &HttpRequest, public_url: &str) -> Option<Token> {
    let name = cookie_name(public_url);
    let lines = request.headers().get_all(header::COOKIE);
    let mut values = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(&*name)?.strip_prefix('='));
    let (token, another) = (values.next(), values.next());
    token.filter(|_| another.is_none()).and_then(Token::parse)
}

/// The names and values of a query or of a form, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields with these names and values, without those that are empty.
    fn new(pairs: Vec<(String, String)>) -> Self {
        let is_filled = |(_, value): &(String, String)| !value.trim().is_empty();
        Self(pairs.into_iter().filter(is_filled).collect())
    }

    /// The first value of `name`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The same without the space around it.
    pub(super) fn trimmed(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.trim().to_owned())
    }

    /// Every value of `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.iter().filter(move |(known, _)| known == name);
        pairs.map(|(_, value)| value.as_str())
    }

    /// The query that has the first value of each of `names`, in the order of `names`.
    pub(super) fn to_query(&self, names: &[&str]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in names {
            if let Some(value) = self.get(name) {
                query.append_pair(name, value.trim());
            }
        }
        query.finish()
    }
}

/// A form that a page of this server has sent.
pub(super) struct Sent {
    /// What is in the form.
    pub fields: Fields,
    /// The memory of the form, to be held for as long as what was in it.
    _room: Share,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_over_https_is_bound_to_its_host_and_each_port_has_its_own() {
        assert_eq!(cookie_name("https://id.example.com"), "__Host-invited");
        assert_eq!(cookie_name("http://127.0.0.1:8080"), "invited-8080");
        assert_eq!(cookie_name("http://invites.lan"), "invited-80");
    }

    #[test]
    fn empty_fields_are_not_there_and_several_values_stay_apart() {
        let pairs = [("id", "a"), ("q", " "), ("id", "b"), ("n", " x ")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = Fields::new(pairs.to_vec());
        assert_eq!(fields.all("id").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(fields.get("q"), None);
        assert_eq!(fields.to_query(&["q", "n", "id"]), "n=x&id=a");
    }
}
