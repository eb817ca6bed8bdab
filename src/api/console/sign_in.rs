//! Signing in to the console, and out of it.

use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use minijinja::context;
use serde::Deserialize;

use super::sheet::{self, cookie, see_other};
use super::visitor::{Visitor, check_origin};
use super::{get, post};
use crate::api::state::State;
use crate::audit::By;
use crate::base::error::{Error, Result};
use crate::base::mode::Mode;
use crate::db::WriteTx;
use crate::http::anonymous::Anonymous;
use crate::http::context::Context;
use crate::http::envelope::RequestId;
use crate::http::form;
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

/// `GET /console/sign-in` without a session: the form, or in development the console itself.
async fn page(_: Anonymous, request: HttpRequest) -> Result<HttpResponse> {
    if Context::of(&request)?.mode == Mode::Dev {
        return Ok(see_other("../console"));
    }
    let values = context! { detail => (), next => "" };
    let html = sheet::bare(request.path(), "sign_in.html", values)?;
    Ok(sheet::send(&request, HttpResponse::Ok(), html))
}

/// `POST /console/sign-in` with a key or a sign-in link: opens a session.
///
/// # Errors
/// 401 for what opens nothing, 403 for a key that cannot read, and for a form of another origin.
async fn sign_in(_: Anonymous, request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    check_origin(&request, &state.public_url)?;
    let sent: SignIn = form::read(&request).await?;
    let request_id = RequestId::of(&request);
    let token = match Proof::parse(&sent.key).ok_or_else(no_proof)? {
        Proof::Key(key) => open_with_key(&state, &key, request_id).await?,
        Proof::Link(link) => open_with_link(&state, link, request_id).await?,
    };
    let way = Some(&*sent.next).filter(|next| is_way(next));
    let way = way.unwrap_or("/console?did=signed-in");
    let mut response = see_other(&format!("..{way}"));
    let cookie = cookie(&state.public_url, Some(&token))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Opens a session for a person who holds `key`.
async fn open_with_key(state: &State, key: &PlainKey, request_id: String) -> Result<Token> {
    let hashed = key.hashed();
    let is_known = state
        .db
        .read(|reader| crate::key::store::find_rights(reader, &key.id, &hashed))?;
    is_known
        .ok_or_else(|| unauthorized("This key opens nothing: it is unknown, revoked or over."))?;
    let id = key.id.clone();
    let job = move |tx: &WriteTx<'_>| open(tx, &id, &request_id);
    state
        .db
        .write_as(key.id.as_str(), crate::db::Load::ONE, job)
        .await
}

/// Opens the session that `link` is good for.
async fn open_with_link(state: &State, link: Token, request_id: String) -> Result<Token> {
    let job = move |tx: &WriteTx<'_>| {
        let key = session::take_link(tx, &link)?;
        open(tx, &key, &request_id)
    };
    state.db.write(job).await
}

/// Opens a session for `key` by the request with this id.
fn open(tx: &WriteTx<'_>, key: &KeyId, request_id: &str) -> Result<Token> {
    let by = By {
        actor: key.as_str(),
        request_id: Some(request_id),
    };
    session::open(tx, key, by)
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

/// Whether `path` is one of the console, as this server writes it.
fn is_way(path: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-".contains(&byte);
    path.strip_prefix("/console")
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
        for way in ["/console", "/console/organizations/acme", "/console/keys"] {
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
