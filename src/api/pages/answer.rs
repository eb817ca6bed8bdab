//! The steps of the page as forms, which the server writes: with the page's script and without it.
//! They do what the operations of the API do, by the same rules.

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::POLICY;
use super::link::{NoToken, find_token};
use super::sheet::Sheet;
use super::step::{Press, Step, Trouble};
use super::unknown::prefers_html;
use crate::api::redemption::{answer, look_up, send_code};
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::http::idempotency::IdempotencyKey;
use crate::http::optional_caller::OptionalCaller;
use crate::http::request_id::RequestId;
use crate::http::{form, problem, refusal_log};
use crate::invitation::link::is_mailed;
use crate::oidc::nonce_of;
use crate::redemption::find_code;
use crate::redemption::proof::{AnswerBody, CodeBody, parse_token};

/// What a form of the page sends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct PageForm {
    /// The value of the button that was pressed.
    #[serde(rename = "do")]
    pub press: String,
    /// The link, or what became of it, where there is no token yet.
    pub link: String,
    /// The link's token.
    pub token: String,
    /// The address that the person says was invited.
    pub email: String,
    /// The code, as it was typed.
    pub code: String,
    /// What a sign-in page sends: an ID token of the operator's identity provider.
    pub id_token: String,
}

impl PageForm {
    /// The token, wherever it is.
    fn find_token(&self) -> std::result::Result<String, NoToken> {
        if self.token.is_empty() {
            find_token(&self.link)
        } else {
            find_token(&self.token)
        }
    }
}

/// One sending of a form by the invited person.
struct Visit<'a> {
    /// What the handlers share.
    state: &'a State,
    /// Who sends it.
    person: OptionalCaller,
    /// What tells a repeated request.
    key: IdempotencyKey,
    /// The button.
    press: Press,
    /// The link's token.
    token: String,
    /// Whether the token was mailed.
    is_mailed: bool,
    /// What was sent.
    form: PageForm,
}

/// Responds to a form of the page: by a page where a browser asks, else by a problem document where
/// something is wrong.
///
/// # Errors
/// Those of the operations that its buttons stand for.
pub(super) async fn respond(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let outcome = sheet_of(&request, &state).await;
    if !prefers_html(&request) {
        let (sheet, error) = outcome?;
        return error.map_or_else(|| page(&request, &sheet, None), Err);
    }
    let (sheet, error) = outcome.unwrap_or_else(|error| (Sheet::retry(&error), Some(error)));
    page(&request, &sheet, error.as_ref())
}

/// What is shown, with what went wrong.
async fn sheet_of(request: &HttpRequest, state: &State) -> Result<(Sheet, Option<Error>)> {
    let person = OptionalCaller::of_page(request)?;
    let key = IdempotencyKey::extract(request).await?;
    let form: PageForm = form::read(request).await?;
    let token = match form.find_token() {
        Ok(token) => token,
        Err(NoToken::Absent) if !form.id_token.is_empty() => {
            let sheet = Sheet {
                id_token: form.id_token,
                ..Sheet::bare(Step::SignedIn)
            };
            return Ok((sheet, None));
        }
        Err(why) => return Ok(without_token(why)),
    };
    let visit = Visit {
        state,
        person,
        key,
        press: Press::parse(&form.press),
        is_mailed: is_mailed(&token),
        token,
        form,
    };
    visit.answer().await
}

/// What is shown where there is no token.
fn without_token(why: NoToken) -> (Sheet, Option<Error>) {
    let sentence = match why {
        NoToken::Absent => return (Sheet::bare(Step::Paste), None),
        NoToken::Incomplete => "link_incomplete",
        NoToken::Wrong => "link_wrong",
    };
    let trouble = Trouble {
        field: "link",
        sentence,
    };
    let sheet = Sheet {
        trouble: Some(trouble),
        ..Sheet::bare(Step::Paste)
    };
    (sheet, Some(Error::not_found()))
}

impl Visit<'_> {
    /// Does what the button says, and shows what is next.
    async fn answer(self) -> Result<(Sheet, Option<Error>)> {
        let (press, is_mailed, state) = (self.press, self.is_mailed, self.state);
        let (token, email) = (self.token.clone(), self.form.email.clone());
        let mut id_token = self.form.id_token.clone();
        let error = self.act().await.err();
        let link = parse_token(Some(&token))?;
        let sign_in = state.sign_in_url.clone();
        let sign_in = sign_in.map(|url| sign_in_at(url, &token));
        let preview = match look_up(state, &link) {
            Ok(preview) => preview,
            Err(gone) if gone.code == Code::NotFound => {
                return Ok((Sheet::bare(Step::Gone), Some(gone)));
            }
            Err(failed) => return Err(failed),
        };
        if error.as_ref().is_some_and(is_about_id_token) {
            id_token.clear();
        }
        let has_mail = state.rules.sending.has_mail;
        let first = Step::first(&preview, is_mailed, has_mail, !id_token.is_empty());
        let (step, focus, trouble) = match &error {
            None => {
                let (step, focus) = press.leads_to(is_mailed);
                (step, focus, None)
            }
            Some(error) if is_about_id_token(error) => {
                (first, "title", Some(Trouble::of(error, press, is_mailed)))
            }
            Some(error) => next_after(error, press, is_mailed),
        };
        let shown = step.within(first);
        let sheet = Sheet {
            preview: Some(preview),
            token,
            email,
            id_token,
            sign_in,
            is_mailed,
            was_sent: press != Press::Have,
            focus,
            trouble: trouble.filter(|_| shown == step),
            retry_after_seconds: error.as_ref().and_then(|error| error.retry_after_seconds),
            ..Sheet::bare(shown)
        };
        Ok((sheet, error))
    }

    /// Does what the button says.
    async fn act(self) -> Result<()> {
        let email = (!self.is_mailed).then(|| self.form.email.trim().to_owned());
        let token = Some(self.token);
        let (person, state) = (&self.person, self.state);
        match (self.press, self.press.change()) {
            (Press::Send | Press::Resend, _) => {
                let body = CodeBody { token, email };
                send_code(person, state, body, self.key, None).await?;
            }
            (Press::Have, _) => drop(CodeBody { token, email }.parse(state.rules.hosts)?),
            (Press::Join | Press::Refuse, Some(change)) => {
                let id_token = Some(self.form.id_token).filter(|id_token| !id_token.is_empty());
                let body = AnswerBody {
                    token,
                    id_token,
                    ..AnswerBody::default()
                };
                answer(person, state, body, change, self.key, None).await?;
            }
            (Press::Accept | Press::Reject, Some(change)) => {
                let body = AnswerBody {
                    token,
                    email,
                    code: Some(find_code(&self.form.code)),
                    ..AnswerBody::default()
                };
                answer(person, state, body, change, self.key, None).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether `error` says that an ID token is no proof for this invitation.
fn is_about_id_token(error: &Error) -> bool {
    let is_refused = matches!(error.code, Code::IdTokenRejected | Code::EmailMismatch);
    is_refused || error.fields.iter().any(|field| field.pointer == "/idToken")
}

/// Where people sign in for the link with this token: what the provider issues can be bound to it.
fn sign_in_at(mut url: Url, link_text: &str) -> String {
    url.query_pairs_mut()
        .append_pair("nonce", &nonce_of(link_text));
    url.into()
}

/// Where the person goes on after `error`: the step, what has the focus, and what is said.
fn next_after(
    error: &Error,
    press: Press,
    is_mailed: bool,
) -> (Step, &'static str, Option<Trouble>) {
    // The link alone is no proof any more: what is asked now is shown.
    if error.code == Code::ProofRejected && matches!(press, Press::Join | Press::Refuse) {
        return (Step::Join, "title", None);
    }
    let trouble = Trouble::of(error, press, is_mailed);
    let step = match trouble.field {
        "email" => Step::Ask,
        "code" => Step::Answer,
        _ => press.step(is_mailed),
    };
    (step, trouble.field, Some(trouble))
}

/// The page with `sheet`, under the status of `error`.
fn page(request: &HttpRequest, sheet: &Sheet, error: Option<&Error>) -> Result<HttpResponse> {
    let html = sheet.html(request, "")?;
    let status = error.map_or(StatusCode::OK, ResponseError::status_code);
    let mut response = HttpResponse::build(status);
    if let Some(error) = error {
        let request_id = RequestId::of(request);
        refusal_log::log(request, error);
        problem::log_cause(error, &request_id);
        problem::add_headers(&mut response, error);
    }
    response.insert_header((header::VARY, "Accept, Accept-Language"));
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(response.content_type("text/html; charset=utf-8").body(html))
}
