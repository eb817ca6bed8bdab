//! Signing in to the console, and out of it.

use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use minijinja::context;
use serde::Deserialize;

use super::sheet::{self, cookie, see_other};
use super::visitor::{Visitor, check_origin, token_of};
use super::{get, post};
use crate::api::state::State;
use crate::audit::By;
use crate::base::error::{Error, Result};
use crate::base::mode::Mode;
use crate::db::WriteTx;
use crate::http::anonymous::Anonymous;
use crate::http::context::Context;
use crate::http::form;
use crate::http::request_id::RequestId;
use crate::http::route::Route;
use crate::key::token::{KeyId, PlainKey};
use crate::session::{self, LINK_PREFIX, Token};

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/console/sign-in", web::to(page))
            .with(actix_web::http::Method::POST, web::to(sign_in)),
        post("/console/sign-out", web::to(sign_out)),
    ]
}

/// The form of the page.
#[derive(Deserialize)]
struct SignIn {
    /// An API key, or the token of a sign-in link, or the whole link.
    #[serde(default)]
    key: String,
    /// The path that the person wanted to see.
    #[serde(default)]
    next: String,
}

/// A request that opens a session.
struct Opening {
    /// Its id.
    request_id: String,
    /// The token of the session that the browser has.
    before: Option<Token>,
}

impl Opening {
    /// Opens a session for `key`.
    fn open(&self, tx: &WriteTx<'_>, key: &KeyId) -> Result<Token> {
        let by = By {
            actor: key.as_str(),
            request_id: Some(&self.request_id),
        };
        session::open(tx, key, self.before.as_ref(), by)
    }
}

/// What a person signs in with.
enum Proof {
    /// An API key.
    Key(PlainKey),
    /// A sign-in link.
    Link(Token),
}

impl Proof {
    /// Reads what was pasted: a key, a link, or what stands behind the `#` of a link.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((_, token)) = text.rsplit_once(LINK_PREFIX) {
            return Token::parse(token).map(Self::Link);
        }
        PlainKey::parse(text).map(Self::Key)
    }
}

/// `GET /console/sign-in?next=...`: the form, or the page that comes next where nobody has to sign
/// in. Without `next` there is the form in any case: a sign-in link may stand behind the `#`.
async fn page(_: Anonymous, request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let query: Vec<_> = url::form_urlencoded::parse(request.query_string().as_bytes()).collect();
    let next = query.iter().find(|(name, _)| name == "next");
    let next = next.map(|(_, next)| &**next).filter(|next| is_way(next));
    let token = token_of(&request, &state.public_url);
    let session = token.map(|token| state.db.read(|reader| session::get(reader, &token)));
    let is_signed_in = matches!(session, Some(Ok(_)));
    if Context::of(&request)?.mode == Mode::Dev || is_signed_in && next.is_some() {
        return Ok(see_other(&format!("..{}", next.unwrap_or("/console"))));
    }
    let ended = session.and_then(Result::err);
    let detail = ended.map(|error| error.detail.to_string());
    let values = context! { detail, next => next.unwrap_or_default(), is_signed_in };
    let html = sheet::bare(request.path(), "sign_in.html", values)?;
    Ok(sheet::send(&request, HttpResponse::Ok(), html))
}

/// `POST /console/sign-in` with a key or a sign-in link: opens a session. The one that the browser
/// had ends.
///
/// # Errors
/// 401 for what opens nothing, 403 for a key that cannot read, and for a form of another origin.
async fn sign_in(_: Anonymous, request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    check_origin(&request, &state.public_url)?;
    let sent: SignIn = form::read(&request).await?;
    let opening = Opening {
        request_id: RequestId::of(&request),
        before: token_of(&request, &state.public_url),
    };
    let token = match Proof::parse(&sent.key).ok_or_else(no_proof)? {
        Proof::Key(key) => open_with_key(&state, &key, opening).await?,
        Proof::Link(link) => open_with_link(&state, link, opening).await?,
    };
    let way = Some(&*sent.next).filter(|next| is_way(next));
    let way = way.unwrap_or("/console?did=signed-in");
    let mut response = see_other(&format!("..{way}"));
    let cookie = cookie(&state.public_url, Some(&token))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Opens a session for a person who holds `key`.
async fn open_with_key(state: &State, key: &PlainKey, opening: Opening) -> Result<Token> {
    let hashed = key.hashed();
    let is_known = state
        .db
        .read(|reader| crate::key::store::find_rights(reader, &key.id, &hashed))?;
    is_known
        .ok_or_else(|| unauthorized("This key opens nothing: it is unknown, revoked or over."))?;
    let id = key.id.clone();
    let job = move |tx: &WriteTx<'_>| opening.open(tx, &id);
    state
        .db
        .write_as(key.id.as_str(), crate::db::Load::ONE, job)
        .await
}

/// Opens the session that `link` is good for.
async fn open_with_link(state: &State, link: Token, opening: Opening) -> Result<Token> {
    let job = move |tx: &WriteTx<'_>| {
        let key = session::take_link(tx, &link)?;
        opening.open(tx, &key)
    };
    state.db.write(job).await
}

/// `POST /console/sign-out`: ends the session.
///
/// # Errors
/// 401 where there is none, 403 for a form of another origin.
async fn sign_out(visitor: Visitor) -> Result<HttpResponse> {
    let _ = visitor.form().await?;
    let origin = visitor.origin();
    if let Some(session) = visitor.session.clone() {
        let job = move |tx: &WriteTx<'_>| session::end(tx, &session, origin.by());
        visitor.author().write(&visitor.state.db, job).await?;
    }
    let mut response = see_other("sign-in");
    let cookie = cookie(&visitor.state.public_url, None)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Whether `way` is the path of a page of the console, as this server writes it, and perhaps a
/// query.
pub(super) fn is_way(way: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-".contains(&byte);
    let in_query = |byte: u8| byte.is_ascii_alphanumeric() || b"=&%+._~:@*-".contains(&byte);
    let (path, query) = way.split_once('?').unwrap_or((way, ""));
    query.bytes().all(in_query)
        && path
            .strip_prefix("/console")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && path.bytes().all(allowed)
        && !path.contains("//")
        && !path.contains("..")
        && !path.starts_with("/console/sign-")
}

/// 401 for what opens nothing.
fn unauthorized(detail: &'static str) -> Error {
    Error::new(crate::base::error::Code::Unauthorized, detail)
}

/// 401 for what is neither a key nor a link.
fn no_proof() -> Error {
    unauthorized(
        "This is neither a whole API key (ivk_…) nor a sign-in link (ivl_…). Copy all of it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_the_console_follows_a_sign_in() {
        for way in [
            "/console",
            "/console/organizations/acme",
            "/console/organizations/acme?q=ada%40b.co&status=pending",
            "/console?did=signed-in",
        ] {
            assert!(is_way(way), "{way}");
        }
        for way in [
            "",
            "/",
            "/consoles",
            "//evil.example",
            "/console//evil.example",
            "/console/../v1/keys",
            "/console\\evil",
            "https://evil.example/console",
            "/console/sign-out",
            "/console?a=\r\nb: c",
            "/console?next=//evil.example",
            "/console/../v1?a=b",
        ] {
            assert!(!is_way(way), "{way}");
        }
    }

    #[test]
    fn a_link_is_read_whole_and_by_its_token() {
        let token = "0".repeat(64);
        for text in [
            format!("ivl_{token}"),
            format!("http://127.0.0.1:8080/console/sign-in#ivl_{token}\n"),
        ] {
            assert!(
                matches!(Proof::parse(&text), Some(Proof::Link(_))),
                "{text}"
            );
        }
        for text in ["", "ivl_", "ivk_0_0", &token] {
            assert!(Proof::parse(text).is_none(), "{text}");
        }
    }
}
