//! How mail is laid out: templates in the program, each of which a file of the operator can take
//! the place of. Their sentences are those of [`super::words`], in the language of whom a mail goes
//! to.
//!
//! * [`folder`] reads the operator's files; [`samples`] are letters to try templates with.
//!
//! Every template is tried at the start, so a mistake in one is found before there is mail.

mod folder;
mod samples;

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::button::Button;
use super::context::MailContext;
use super::text::{defang, in_subject, subject};
use super::words::{Catalogues, Form, Parts, Words};
use crate::base::failure::Failure;
use crate::base::html;

/// The templates, by the names that files take their places with.
const TEMPLATES: [(&str, &str); 16] = [
    ("layout.txt", include_str!("../templates/layout.txt")),
    ("layout.html", include_str!("../templates/layout.html")),
    ("answer.txt", include_str!("../templates/answer.txt")),
    ("answer.html", include_str!("../templates/answer.html")),
    (
        "invitation.subject.txt",
        include_str!("../templates/invitation.subject.txt"),
    ),
    (
        "invitation.txt",
        include_str!("../templates/invitation.txt"),
    ),
    (
        "invitation.html",
        include_str!("../templates/invitation.html"),
    ),
    (
        "code.subject.txt",
        include_str!("../templates/code.subject.txt"),
    ),
    ("code.txt", include_str!("../templates/code.txt")),
    ("code.html", include_str!("../templates/code.html")),
    (
        "reminder.subject.txt",
        include_str!("../templates/reminder.subject.txt"),
    ),
    ("reminder.txt", include_str!("../templates/reminder.txt")),
    ("reminder.html", include_str!("../templates/reminder.html")),
    (
        "notice.subject.txt",
        include_str!("../templates/notice.subject.txt"),
    ),
    ("notice.txt", include_str!("../templates/notice.txt")),
    ("notice.html", include_str!("../templates/notice.html")),
];
/// What to do about a file that cannot be used.
const HINT: &str = "docs/mail.md lists the templates, what they may name, and the words; correct \
    the file, or start without --templates-dir";

/// What a mail says.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// What templates may name. What a letter does not have is `none`.
#[derive(Serialize)]
struct Names<'a> {
    /// What people call the organization; its id, where it has no name.
    organization: String,
    /// The name of who invites.
    inviter: Option<String>,
    /// The role.
    role: String,
    /// The invited address.
    email: String,
    /// When the invitation or the code ends.
    expires: String,
    /// The secret link.
    link: Option<&'a str>,
    /// The code.
    code: Option<&'a str>,
    /// The lines of the personal note.
    note: Option<Vec<String>>,
    /// Where the invitation stands.
    status: &'static str,
    /// The subject, as the title of a body; in the subject itself it is empty.
    subject: String,
    /// The colours of the button.
    button: Button,
    /// The tag of the language.
    language: &'a str,
    /// Which way the language is written: `ltr` or `rtl`.
    direction: &'static str,
    /// What stands between two sentences.
    space: &'a str,
    /// The sentences, with their parts filled in.
    words: BTreeMap<&'a str, Value>,
}

impl<'a> Names<'a> {
    /// Those of `form` of a letter. What users wrote is made harmless here, so that no template has
    /// to; in a subject nothing is a link. The invited address has our normal form, and can be
    /// copied from a body.
    fn of(letter: &'a MailContext, words: &'a Words, form: Form, subject: String) -> Self {
        let shown = |text: &str| match form {
            Form::Subject => in_subject(text),
            Form::Text | Form::Html => defang(text),
        };
        let email = letter.email.as_str();
        let names = Self {
            organization: shown(letter.organization_name()),
            inviter: letter.inviter_name.as_deref().map(shown),
            role: shown(&letter.role),
            email: match form {
                Form::Subject => in_subject(email),
                Form::Text | Form::Html => email.to_owned(),
            },
            expires: words.long(letter.expires_at),
            link: letter.link.as_deref(),
            code: letter.code.as_deref(),
            note: letter
                .note
                .as_deref()
                .map(|note| note.lines().map(shown).collect()),
            status: letter.status.name(),
            subject,
            button: Button::of(letter.color),
            language: &words.language,
            direction: words.direction,
            space: &words.space,
            words: BTreeMap::new(),
        };
        Self {
            words: names.sentences(words, form),
            ..names
        }
    }

    /// The sentences with these names in them.
    fn sentences(&self, words: &'a Words, form: Form) -> BTreeMap<&'a str, Value> {
        let parts = Parts::from([
            ("organization", self.organization.clone()),
            ("inviter", self.inviter.clone().unwrap_or_default()),
            ("role", self.role.clone()),
            ("email", self.email.clone()),
            ("expires", self.expires.clone()),
        ]);
        let filled = |sentence: &str| match (parts.fill(sentence, form), form) {
            (filled, Form::Html) => Value::from_safe_string(filled),
            (filled, _) => Value::from(filled),
        };
        let sentences = words.sentences.iter();
        sentences
            .map(|(name, sentence)| (name.as_str(), filled(sentence)))
            .collect()
    }
}

/// The templates and their words, ready for use.
#[derive(Debug)]
pub struct Templates {
    /// The templates.
    environment: Environment<'static>,
    /// The words.
    catalogues: Catalogues,
}

impl Templates {
    /// The templates and their words, those in `folder` instead of our own, each tried.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read, is none of the templates and no catalogue,
    /// or cannot be used: with file and line.
    pub fn load(folder: Option<&Path>) -> Result<Self, Failure> {
        let files = folder.map(folder::read).transpose()?.unwrap_or_default();
        let catalogues = Catalogues::load(files.catalogues).map_err(|(language, why)| {
            let name = format!("words.{language}.json");
            Failure::usage(
                format!("cannot use {}: {why}", folder::place(folder, &name)),
                HINT,
            )
        })?;
        let wrong = |error: &minijinja::Error| {
            let file = folder::place(folder, error.name().unwrap_or_default());
            Failure::usage(
                format!("cannot use the template {}", explain(&file, error)),
                HINT,
            )
        };
        let templates = Self {
            environment: environment(files.templates).map_err(|error| wrong(&error))?,
            catalogues,
        };
        templates
            .try_all(folder.is_some())
            .map_err(|error| wrong(&error))?;
        Ok(templates)
    }

    /// Tries every template, in English or in `each` language.
    fn try_all(&self, each: bool) -> Result<(), minijinja::Error> {
        let count = if each { usize::MAX } else { 1 };
        for words in self.catalogues.all().take(count) {
            for letter in samples::samples() {
                self.try_render(&letter, words)?;
            }
        }
        Ok(())
    }

    /// What `letter` says, in the language of whom it goes to.
    ///
    /// # Errors
    /// What is wrong with a template, and where.
    pub(crate) fn render(&self, letter: &MailContext) -> Result<Rendered, String> {
        let name = |error: &minijinja::Error| error.name().unwrap_or_default().to_owned();
        self.try_render(letter, self.catalogues.find(&letter.locales))
            .map_err(|error| explain(&format!("template {}", name(&error)), &error))
    }

    /// The tags of the languages that there are words in, English first.
    pub(crate) fn languages(&self) -> impl Iterator<Item = &str> {
        self.catalogues.all().map(|words| &*words.language)
    }

    /// What `letter` says in these words.
    fn try_render(
        &self,
        letter: &MailContext,
        words: &Words,
    ) -> Result<Rendered, minijinja::Error> {
        let render = |part: &str, form: Form, subject: String| {
            self.environment
                .get_template(&format!("{}{part}", letter.kind.name()))?
                .render(Names::of(letter, words, form, subject))
        };
        let subject = subject(&render(".subject.txt", Form::Subject, String::new())?);
        let title = defang(&subject);
        Ok(Rendered {
            text: render(".txt", Form::Text, title.clone())?,
            html: render(".html", Form::Html, title)?,
            subject,
        })
    }
}

/// Our templates, and `files` in place of those of the same name.
fn environment(files: Vec<(String, String)>) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    html::set_escaper(&mut environment);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    for (name, text) in files {
        environment.add_template_owned(name, text)?;
    }
    Ok(environment)
}

/// Where in the template `file` what is wrong, and what.
fn explain(file: &str, error: &minijinja::Error) -> String {
    let line = error
        .line()
        .map_or_else(String::new, |line| format!(", line {line}"));
    let detail = error
        .detail()
        .map_or_else(String::new, |detail| format!(": {detail}"));
    format!("{file}{line}: {}{detail}", error.kind())
}
