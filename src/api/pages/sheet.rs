//! The page that links lead to, written for one step.

use actix_web::HttpRequest;
use minijinja::{Environment, Value, context};

use super::step::{Press, Step, Trouble};
use super::{ACCEPT, environment, is_link, words};
use crate::base::error::{Error, Result};
use crate::mail::words::{Form, Parts, Words};
use crate::redemption::Preview;

/// How many colours there are for the marks of organizations.
const TINTS: u32 = 6;

/// What the page shows.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The step.
    pub step: Step,
    /// What may be seen of the invitation.
    pub preview: Option<Preview>,
    /// The link's token; empty: there is none.
    pub token: String,
    /// The address that the person gave.
    pub email: String,
    /// The ID token that a sign-in page sent; empty: there is none.
    pub id_token: String,
    /// Where the person can sign in.
    pub sign_in: Option<String>,
    /// Whether the token was mailed.
    pub is_mailed: bool,
    /// Whether a code was asked for just now.
    pub was_sent: bool,
    /// What has the focus: a field, the value of a button, or the title; empty: nothing.
    pub focus: &'static str,
    /// What is wrong.
    pub trouble: Option<Trouble>,
    /// When it can be tried again.
    pub retry_after_seconds: Option<u64>,
}

impl Sheet {
    /// A step without an invitation.
    pub(super) fn bare(step: Step) -> Self {
        Self {
            step,
            preview: None,
            token: String::new(),
            email: String::new(),
            id_token: String::new(),
            sign_in: None,
            is_mailed: false,
            was_sent: false,
            focus: "",
            trouble: None,
            retry_after_seconds: None,
        }
    }

    /// That `error` has nothing to do with the link.
    pub(super) fn retry(error: &Error) -> Self {
        Self {
            trouble: Some(Trouble::of(error, Press::Open, false)),
            retry_after_seconds: error.retry_after_seconds,
            ..Self::bare(Step::Retry)
        }
    }

    /// The HTML, in the language of the invitation, else of the browser. `root` leads to the
    /// server's root.
    ///
    /// # Errors
    /// None that a request can cause.
    pub(super) fn html(&self, request: &HttpRequest, root: &str) -> Result<String> {
        let locale = self
            .preview
            .as_ref()
            .and_then(|preview| preview.locale.clone());
        let locales: Vec<_> = locale.into_iter().chain(words::wished(request)).collect();
        self.html_in(words::find(&locales)?, root)
    }

    /// The HTML in the language of `words`.
    ///
    /// # Errors
    /// None that a request can cause.
    pub(super) fn html_in(&self, words: &'static Words, root: &str) -> Result<String> {
        let look = self.step.look();
        let mut environment = environment();
        let title = self
            .parts(words)
            .fill(sentence(words, look.title), Form::Text);
        self.add_words(&mut environment, words);
        let page = context! {
            title,
            root,
            language => words.language,
            direction => words.direction,
            step => look.name,
            tone => look.tone,
            icon => look.icon,
            title_name => look.title,
            message_name => self.message(),
            is_over => self.step.is_over(),
            is_open => self.step.is_open(),
            has_inviter => self.preview.as_ref().is_some_and(|preview| preview.inviter_name.is_some()),
            letter => self.preview.as_ref().map(letter),
            tint => self.preview.as_ref().map_or(0, tint),
            expires_at => self.preview.as_ref().map(|preview| preview.expires_at.to_string()),
            expires => self.preview.as_ref().map(|preview| words.long(preview.expires_at)),
            way_on => self.way_on(),
            token => self.token,
            email => self.email,
            id_token => self.id_token,
            sign_in => self.sign_in,
            is_mailed => self.is_mailed,
            focus => self.focus,
            field => self.trouble.map_or("", |trouble| trouble.field),
            trouble_name => self.trouble.map_or("", |trouble| trouble.sentence),
        };
        environment
            .render_named_str("accept.html", ACCEPT, page)
            .map_err(Error::internal)
    }

    /// Lets the template name sentences by `say("name")`.
    fn add_words(&self, environment: &mut Environment<'_>, words: &'static Words) {
        let parts = self.parts(words);
        environment.add_function("say", move |name: &str| {
            let unknown = || minijinja::Error::from(minijinja::ErrorKind::UndefinedError);
            let sentence = words.sentences.get(name).ok_or_else(unknown)?;
            Ok(Value::from_safe_string(parts.fill(sentence, Form::Html)))
        });
    }

    /// What sentences may name.
    fn parts(&self, words: &Words) -> Parts<'static> {
        let preview = self.preview.as_ref();
        let minutes = self.retry_after_seconds.unwrap_or(60).div_ceil(60);
        let of = |part: fn(&Preview) -> String| preview.map(part).unwrap_or_default();
        Parts::from([
            ("organization", of(|preview| name_of(preview).to_owned())),
            ("role", of(|preview| preview.role.clone())),
            (
                "inviter",
                of(|preview| preview.inviter_name.clone().unwrap_or_default()),
            ),
            ("email", self.email.trim().to_owned()),
            ("minutes", minutes.to_string()),
            ("space", words.space.clone()),
        ])
    }

    /// The name of the sentence below the title; empty: there is none.
    fn message(&self) -> &'static str {
        match (self.step, self.was_sent, self.is_mailed) {
            (Step::NoMail, ..) if self.sign_in.is_some() => "sign_in_message",
            (Step::Answer, true, true) => "sent_message_mailed",
            (Step::Answer, false, true) => "have_message_mailed",
            (Step::Answer, false, false) => "have_message",
            (step, ..) => step.look().message,
        }
    }

    /// Where the application wants the person to go, once they have joined.
    fn way_on(&self) -> Option<&str> {
        let has_joined = matches!(self.step, Step::Joined | Step::Accepted);
        let url = self.preview.as_ref()?.redirect_url.as_deref()?;
        (has_joined && is_link(url)).then_some(url)
    }
}

/// The sentence of this name.
fn sentence<'a>(words: &'a Words, name: &str) -> &'a str {
    words.sentences.get(name).map_or("", |sentence| sentence)
}

/// What people call the organization; its id, where it has no name.
fn name_of(preview: &Preview) -> &str {
    let id = &preview.organization_id;
    preview.organization_name.as_ref().unwrap_or(id)
}

/// The letter that stands for the organization; empty: its name has none.
fn letter(preview: &Preview) -> String {
    let first = name_of(preview).chars().find(|c| c.is_alphanumeric());
    first.map_or_else(String::new, |c| c.to_uppercase().collect())
}

/// Which colour stands for the organization.
fn tint(preview: &Preview) -> u32 {
    crc32fast::hash(preview.organization_id.as_bytes()) % TINTS
}
