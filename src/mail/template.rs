//! The words of mail: templates in the program, each of which a file of the operator can take the
//! place of.
//!
//! Every template is tried at the start, so a mistake in one is found before there is mail.

use std::path::Path;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use super::context::MailContext;
use super::text::{defang, defang_lines, in_subject, subject};
use crate::base::clock::Timestamp;
use crate::base::email::Email;
use crate::base::failure::Failure;
use crate::base::html;
use crate::base::organization_id::OrganizationId;
use crate::invitation::Status;
use crate::outbox::mail::Kind;

/// The templates, by the names that files take their places with.
const TEMPLATES: [(&str, &str); 16] = [
    ("layout.txt", include_str!("templates/layout.txt")),
    ("layout.html", include_str!("templates/layout.html")),
    ("answer.txt", include_str!("templates/answer.txt")),
    ("answer.html", include_str!("templates/answer.html")),
    (
        "invitation.subject.txt",
        include_str!("templates/invitation.subject.txt"),
    ),
    ("invitation.txt", include_str!("templates/invitation.txt")),
    ("invitation.html", include_str!("templates/invitation.html")),
    (
        "code.subject.txt",
        include_str!("templates/code.subject.txt"),
    ),
    ("code.txt", include_str!("templates/code.txt")),
    ("code.html", include_str!("templates/code.html")),
    (
        "reminder.subject.txt",
        include_str!("templates/reminder.subject.txt"),
    ),
    ("reminder.txt", include_str!("templates/reminder.txt")),
    ("reminder.html", include_str!("templates/reminder.html")),
    (
        "notice.subject.txt",
        include_str!("templates/notice.subject.txt"),
    ),
    ("notice.txt", include_str!("templates/notice.txt")),
    ("notice.html", include_str!("templates/notice.html")),
];
/// What to do about a template that cannot be used.
const HINT: &str = "docs/mail.md lists the templates and what they may name; correct the file, \
    or start without --templates-dir";

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
}

impl<'a> Names<'a> {
    /// Those of the bodies of a letter. What users wrote is made harmless here, so that no template
    /// has to. The invited address has our normal form, and can be copied.
    fn of(letter: &'a MailContext, subject: String) -> Self {
        let organization = letter
            .organization_name
            .as_deref()
            .unwrap_or(letter.organization.as_str());
        Self {
            organization: defang(organization),
            inviter: letter.inviter_name.as_deref().map(defang),
            role: defang(&letter.role),
            email: letter.email.as_str().to_owned(),
            expires: long(letter.expires_at),
            link: letter.link.as_deref(),
            code: letter.code.as_deref(),
            note: letter.note.as_deref().map(defang_lines),
            status: letter.status.name(),
            subject,
        }
    }

    /// Those of its subject, where nothing is a link, and names are short enough for all of it.
    fn of_subject(letter: &'a MailContext) -> Self {
        let organization = letter
            .organization_name
            .as_deref()
            .unwrap_or(letter.organization.as_str());
        Self {
            organization: in_subject(organization),
            inviter: letter.inviter_name.as_deref().map(in_subject),
            role: in_subject(&letter.role),
            email: in_subject(letter.email.as_str()),
            note: letter
                .note
                .as_deref()
                .map(|note| note.lines().map(in_subject).collect()),
            ..Self::of(letter, String::new())
        }
    }
}

/// The templates, ready for use.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// The templates, those in `folder` instead of our own, each tried.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read, is none of the templates, or cannot be used:
    /// with file and line.
    pub fn load(folder: Option<&Path>) -> Result<Self, Failure> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_trim_blocks(true);
        templates.set_lstrip_blocks(true);
        html::set_escaper(&mut templates);
        let wrong = |error: &minijinja::Error| {
            // A file of the operator, or one of ours that does not fit one of theirs.
            let file = folder
                .map(|folder| folder.join(error.name().unwrap_or_default()))
                .filter(|file| file.exists());
            let file = file
                .map(|file| file.display().to_string())
                .or_else(|| error.name().map(str::to_owned));
            Failure::usage(
                format!(
                    "cannot use the template {}",
                    explain(&file.unwrap_or_default(), error)
                ),
                HINT,
            )
        };
        for (name, text) in TEMPLATES {
            templates
                .add_template(name, text)
                .map_err(|error| wrong(&error))?;
        }
        for (name, text) in folder.map(read).transpose()?.unwrap_or_default() {
            templates
                .add_template_owned(name, text)
                .map_err(|error| wrong(&error))?;
        }
        let templates = Self(templates);
        for letter in samples() {
            templates
                .try_render(&letter)
                .map_err(|error| wrong(&error))?;
        }
        Ok(templates)
    }

    /// What `letter` says.
    ///
    /// # Errors
    /// What is wrong with a template, and where.
    pub(crate) fn render(&self, letter: &MailContext) -> Result<Rendered, String> {
        let name = |error: &minijinja::Error| error.name().unwrap_or_default().to_owned();
        self.try_render(letter)
            .map_err(|error| explain(&format!("template {}", name(&error)), &error))
    }

    /// What `letter` says.
    fn try_render(&self, letter: &MailContext) -> Result<Rendered, minijinja::Error> {
        let render = |part: &str, names: &Names<'_>| {
            self.0
                .get_template(&format!("{}{part}", letter.kind.name()))?
                .render(names)
        };
        let subject = subject(&render(".subject.txt", &Names::of_subject(letter))?);
        let names = Names::of(letter, defang(&subject));
        Ok(Rendered {
            text: render(".txt", &names)?,
            html: render(".html", &names)?,
            subject,
        })
    }
}

/// Reads the files in `folder`, whose names begin with no dot.
fn read(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let failed = |path: &Path, why: &str| {
        Failure::usage(format!("cannot use {}: {why}", path.display()), HINT)
    };
    let unreadable = |error: std::io::Error| failed(folder, &error.to_string());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if !TEMPLATES.iter().any(|(known, _)| *known == name) {
            return Err(failed(&path, "there is no template of this name"));
        }
        let text =
            std::fs::read_to_string(&path).map_err(|error| failed(&path, &error.to_string()))?;
        files.push((name, text));
    }
    Ok(files)
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

/// A time as people read it, in UTC.
fn long(time: Timestamp) -> String {
    let form =
        format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
    let time = OffsetDateTime::from_unix_timestamp(time.as_millis().div_euclid(1000))
        .map(|time| time.format(form));
    time.ok().and_then(Result::ok).unwrap_or_default()
}

/// Letters of every kind, with all that they may have and with as little as possible, to try
/// templates with.
fn samples() -> Vec<MailContext> {
    let Some(organization) = OrganizationId::parse("acme") else {
        return Vec::new();
    };
    let full = |kind, status| MailContext {
        kind,
        to: Email::from_stored("new.user@example.com"),
        reply_to: None,
        email: Email::from_stored("new.user@example.com"),
        organization: organization.clone(),
        organization_name: Some("Acme Ltd.".to_owned()),
        inviter_name: Some("Ada Lovelace".to_owned()),
        note: Some("Welcome!\n\nAda".to_owned()),
        role: "developer".to_owned(),
        status,
        expires_at: Timestamp::from_millis(0),
        link: Some("https://invites.example.com/accept#ivm_".to_owned()),
        code: Some("123456".to_owned()),
        invitation: Uuid::nil(),
        number: 0,
        sent_at: Timestamp::from_millis(0),
    };
    let sparse = |letter: MailContext| MailContext {
        organization_name: None,
        inviter_name: None,
        note: None,
        link: letter
            .link
            .filter(|_| matches!(letter.kind, Kind::Invitation | Kind::Reminder)),
        code: letter.code.filter(|_| letter.kind == Kind::Code),
        ..letter
    };
    let statuses = |kind: Kind| match kind {
        Kind::Notice => vec![Status::Accepted, Status::Declined],
        _ => vec![Status::Pending],
    };
    let kinds = Kind::ALL
        .into_iter()
        .flat_map(|kind| statuses(kind).into_iter().map(move |status| (kind, status)));
    kinds
        .flat_map(|(kind, status)| [full(kind, status), sparse(full(kind, status))])
        .collect()
}
