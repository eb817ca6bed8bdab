//! How pages of the console are written.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;

use super::visitor::{Visitor, cookie_name, is_https};
use super::{APP, HTMX, STYLE, templates, times};
use crate::api::pages::root_from;
use crate::base::error::{Error, Result};
use crate::base::html;
use crate::db::WriteTx;
use crate::http::asset::send_once;
use crate::http::problem;
use crate::key::Scope;
use crate::session::{self, LONGEST_SECONDS, Token};

/// What a page may load: only from this server, and nothing that stands in the page itself. It is
/// in no frame but of its own server's pages, and sends forms only to this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action \
    'self'";
/// Whether htmx puts the address of a response into the browser's history.
pub(super) const HX_PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");

/// A place of the console: what its navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    /// Organizations and their invitations.
    Organizations,
    /// The queue of mail.
    Mail,
    /// Endpoints and their deliveries.
    Webhooks,
    /// API keys.
    Keys,
    /// The history of the server.
    History,
    /// How the server is.
    Health,
    /// What only development has.
    Desk,
}

/// The templates.
static TEMPLATES: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(environment);

/// Reads the templates.
fn environment() -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    html::set_escaper(&mut environment);
    environment.add_filter("when", times::when);
    environment.add_filter("exact", times::exact);
    environment.add_filter("length_of_time", times::length);
    environment.add_filter("thousands", times::thousands);
    environment.add_filter("bytes", times::bytes);
    environment.add_filter("pretty_json", pretty_json);
    environment.add_global("version", env!("CARGO_PKG_VERSION"));
    for (name, asset) in [("style", &STYLE), ("app", &APP), ("htmx", &HTMX)] {
        environment.add_global(name, asset.version());
    }
    for (name, text) in templates::ALL {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

/// The filter that writes a value as JSON on lines of its own, which the template escapes.
fn pretty_json(value: &Value) -> std::result::Result<String, minijinja::Error> {
    serde_json::to_string_pretty(value).map_err(|error| {
        let kind = minijinja::ErrorKind::BadSerialization;
        minijinja::Error::new(kind, "no JSON").with_source(error)
    })
}

/// Fills a template.
fn fill(template: &str, values: Value) -> Result<String> {
    let templates = TEMPLATES
        .as_ref()
        .map_err(|error| Error::internal(format!("{error:#}")))?;
    let page = templates
        .get_template(template)
        .and_then(|template| template.render(values));
    page.map_err(|error| Error::internal(format!("{error:#}")))
}

/// A page for who is not signed in, or that cannot know: nothing of the navigation is on it.
pub(super) fn bare(path: &str, template: &str, values: Value) -> Result<String> {
    let root = root_from(path);
    fill(template, context! { root, ..values })
}

/// An error as a page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Trouble {
    /// What kind of error it is.
    pub title: &'static str,
    /// Its code.
    pub code: &'static str,
    /// This occurrence in a sentence.
    pub detail: String,
    /// What is wrong with single fields: their names, and sentences.
    pub fields: Vec<(String, String)>,
    /// The `X-Request-Id` of the response.
    pub request_id: String,
}

impl Trouble {
    /// What a page shows of `error`.
    pub(super) fn of(error: &Error, request_id: &str) -> Self {
        let meaning = error.code.meaning();
        let field = |field: &crate::base::error::FieldError| {
            let name = field.pointer.trim_start_matches('/').to_owned();
            (name, field.detail.to_string())
        };
        Self {
            title: meaning.title,
            code: meaning.name,
            detail: error.detail.to_string(),
            fields: error.fields.iter().map(field).collect(),
            request_id: request_id.to_owned(),
        }
    }
}

impl Visitor {
    /// Shows a page of `place`: `template` with `values`.
    ///
    /// # Errors
    /// When the page cannot be written, or the file.
    pub(super) async fn show(
        &self,
        place: Place,
        template: &str,
        values: Value,
    ) -> Result<HttpResponse> {
        let response = HttpResponse::Ok();
        self.show_with(response, place, template, values).await
    }

    /// Shows the page again from which a form came that was refused for `error`: `values` have what
    /// was filled in.
    ///
    /// # Errors
    /// `error` where the server is to blame for it; those of [`Visitor::show`].
    pub(super) async fn show_refused(
        &self,
        error: Error,
        place: Place,
        template: &str,
        values: Value,
    ) -> Result<HttpResponse> {
        if error.status_code().is_server_error() || error.status_code() == StatusCode::UNAUTHORIZED
        {
            return Err(error);
        }
        let trouble = Trouble::of(&error, &self.request_id());
        let mut response = HttpResponse::build(error.status_code());
        problem::add_headers(&mut response, &error);
        let values = context! { trouble, ..values };
        self.show_with(response, place, template, values).await
    }

    /// Shows a page with the status and the headers of `response`.
    async fn show_with(
        &self,
        mut response: HttpResponseBuilder,
        place: Place,
        template: &str,
        values: Value,
    ) -> Result<HttpResponse> {
        let renewed = self.renewed().await.unwrap_or_else(|error| {
            // A page is wanted most where the server is in trouble. Some show a secret only once.
            log::warn!(
                "request {}: a session keeps its token: {error}",
                self.request_id()
            );
            None
        });
        if let Some(cookie) = renewed {
            response.insert_header((header::SET_COOKIE, cookie));
        }
        if self.request.method() == Method::POST {
            // The address of a form is no page to come back to.
            response.insert_header((HX_PUSH_URL, "false"));
        }
        let query = self.query();
        let frame = context! {
            place,
            root => root_from(self.request.path()),
            origin => self.state.public_url,
            now => self.state.db.now(),
            is_dev => self.is_dev(),
            standing => self.standing().await,
            actor => self.caller.actor,
            may => context! {
                write => self.may(Scope::Write),
                link => self.may(Scope::Link),
                admin => self.may(Scope::Admin),
                everywhere => self.caller.rights.organizations.is_none(),
            },
            did => query.get("did"),
            did_count => query.get("n").and_then(|count| count.parse::<u32>().ok()),
            did_rest => query.get("rest").and_then(|count| count.parse::<u32>().ok()),
        };
        let html = fill(template, context! { ..values, ..frame })?;
        Ok(send(&self.request, response, html))
    }

    /// The cookie of the session with a new token, where its token is old enough. Once the browser
    /// has that token, the one before opens nothing.
    async fn renewed(&self) -> Result<Option<HeaderValue>> {
        let now = self.state.db.now();
        let Some(session) = self.session.clone() else {
            return Ok(None);
        };
        if !session.is_due(now) {
            if session.is_settled(now) {
                let job = move |tx: &WriteTx<'_>| session::settle(tx, &session);
                self.author().write(&self.state.db, job).await?;
            }
            return Ok(None);
        }
        let job = move |tx: &WriteTx<'_>| session::renew(tx, &session);
        let token = self.author().write(&self.state.db, job).await?;
        token
            .map(|token| cookie(&self.state.public_url, Some(&token)))
            .transpose()
    }

    /// Sends the browser to another page of the console after a change, with what was done. A way
    /// is relative to `/console`; empty: the first page.
    pub(super) fn go(&self, way: &str, did: &str, count: Option<usize>) -> HttpResponse {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("did", did);
        if let Some(count) = count {
            query.append_pair("n", &count.to_string());
        }
        let mark = if way.contains('?') { '&' } else { '?' };
        let (root, query) = (root_from(self.request.path()), query.finish());
        let slash = if way.is_empty() { "" } else { "/" };
        see_other(&format!("{root}console{slash}{way}{mark}{query}"))
    }
}

/// Sends the browser to `location`.
pub(super) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .finish()
}

/// The cookie that a browser gets on a server that people reach under `public_url`: with a token,
/// or to forget the one it has.
///
/// # Errors
/// None that can happen: a token is hex digits.
pub(super) fn cookie(public_url: &str, token: Option<&Token>) -> Result<HeaderValue> {
    let (name, secure) = (cookie_name(public_url), is_https(public_url));
    let secure = if secure { "; Secure" } else { "" };
    let (value, seconds) = token.map_or((String::new(), 0), |token| {
        (token.reveal(), LONGEST_SECONDS)
    });
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// The response that is `html`, compressed where the browser takes that.
pub(super) fn send(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    html: String,
) -> HttpResponse {
    add_headers(&mut response);
    send_once(request, response, html)
}

/// The headers of a page.
pub(super) fn add_headers(response: &mut HttpResponseBuilder) {
    response.content_type("text/html; charset=utf-8");
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    response.insert_header((header::VARY, "Accept-Encoding, Cookie"));
    // With none at all a browser would not say where a form comes from.
    response.insert_header((header::REFERRER_POLICY, "same-origin"));
}
