//! How the mail of an invitation looks.

use actix_web::HttpResponse;
use actix_web::http::header;
use minijinja::context;

use super::super::sheet::Place;
use super::super::visitor::Visitor;
use super::Target;
use crate::api::dev::mailbox::MAIL_POLICY;
use crate::base::error::{Code, Error, Result};
use crate::http::path::InvitationId;
use crate::key::Scope;
use crate::mail::context::preview;
use crate::organization;

/// What stands in a preview in place of the secret part of the link.
const NO_TOKEN: &str = "only-the-mail-itself-has-the-link";

/// The mail of the invitation, in the language that the query names.
fn letter(visitor: &Visitor, target: &Target) -> Result<(String, Letter)> {
    let composer = visitor.state.composer.as_ref();
    let composer = composer.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "This server sends no mail (see --smtp-url).",
        )
    })?;
    let asked = visitor.query().trimmed("language");
    let languages: Vec<_> = composer.templates.languages().map(str::to_owned).collect();
    let asked = asked.filter(|asked| languages.contains(asked));
    let found = visitor.state.db.read(|reader| {
        let settings = organization::store::get_settings(reader, &target.organization)?;
        let accept_url = settings.accept_url.as_ref();
        let link = accept_url.unwrap_or(&visitor.state.accept_url);
        let link = format!("{link}#{NO_TOKEN}");
        preview(reader, &target.organization, target.id, asked.clone(), link)
    })?;
    let mut letter = found.ok_or_else(Error::not_found)?;
    if !visitor.may(Scope::Write) {
        letter.note = None;
    }
    let rendered = composer
        .templates
        .render(&letter)
        .map_err(Error::internal)?;
    let shown = asked.or_else(|| letter.locales.into_iter().next());
    let letter = Letter {
        languages,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
    };
    Ok((shown.unwrap_or_else(|| "en".to_owned()), letter))
}

/// A mail as it would be sent.
struct Letter {
    /// The languages that it can be in.
    languages: Vec<String>,
    /// Its subject.
    subject: String,
    /// Its body as plain text.
    text: String,
    /// Its body as HTML.
    html: String,
}

/// `GET .../mail` with `invitations:read`: how the mail looks in each language.
pub(super) async fn page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Read)?;
    let (language, letter) = letter(&visitor, &target)?;
    let values = visitor.state.db.read(|reader| target.values(reader))?;
    let Letter {
        languages,
        subject,
        text,
        ..
    } = letter;
    let values = context! { language, languages, subject, text, ..values };
    visitor
        .show(Place::Organizations, "invitation_mail.html", values)
        .await
}

/// `GET .../mail/html` with `invitations:read`: the mail's HTML, which can run and load nothing.
pub(super) async fn html(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Read)?;
    let (_, letter) = letter(&visitor, &target)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(letter.html))
}
