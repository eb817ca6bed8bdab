//! Inviting one person or a few.

use std::collections::HashSet;

use actix_web::HttpResponse;
use minijinja::{Value, context};

use super::batch::{self, MOST_ROWS};
use crate::api::console::sheet::Place;
use crate::api::console::visitor::{Fields, Visitor};
use crate::base::error::{FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::invitation::inviter::InviterBody;
use crate::invitation::new::{CreateBody, parse_metadata};
use crate::key::Scope;
use crate::organization::settings::Settings;

/// The template of the page.
const TEMPLATE: &str = "organization_invite.html";
/// The fields of the form that are texts, as the API names them.
const TEXTS: [&str; 12] = [
    "email",
    "role",
    "note",
    "expiresIn",
    "locale",
    "redirectUrl",
    "metadata",
    "inviterName",
    "inviterEmail",
    "inviterId",
    "onConflict",
    "mail",
];

/// `GET /console/organizations/{organizationId}/invite` with `invitations:write`: the form.
///
/// # Errors
/// 404 where the organization is not known.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Write)?;
    let (organization, record) = super::find(&visitor)?;
    let values = values(&visitor, &organization, &record.settings, &visitor.query());
    visitor.show(Place::Organizations, TEMPLATE, values).await
}

/// `POST /console/organizations/{organizationId}/invite` with `invitations:write`: invites all who
/// are named, or nobody.
///
/// # Errors
/// 404 where the organization is not known, 422 with everything that is not acceptable.
pub(super) async fn send(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    visitor.require(Scope::Write)?;
    let (organization, record) = super::find(&visitor)?;
    let fields = &sent.fields;
    let emails = addresses(fields.get("email").unwrap_or_default());
    match invite(&visitor, &organization, fields, &emails).await {
        Ok(made) => {
            let way = super::way(&organization);
            let did = match fields.get("onConflict") {
                Some("resend") => "invited-resend",
                _ => "invited-return",
            };
            Ok(match emails.len() - made {
                0 => visitor.go(&way, "invited", Some(made)),
                rest => visitor.go(&format!("{way}?rest={rest}"), did, Some(made)),
            })
        }
        Err(error) => {
            let values = values(&visitor, &organization, &record.settings, fields);
            visitor
                .show_refused(error, Place::Organizations, TEMPLATE, values)
                .await
        }
    }
}

/// Invites `emails` as the form says. Returns how many invitations are new.
async fn invite(
    visitor: &Visitor,
    organization: &OrganizationId,
    fields: &Fields,
    emails: &[String],
) -> Result<usize> {
    let rows = bodies(fields, emails)?;
    let report = batch::send(visitor, organization, rows, true).await?;
    batch::error_of(&report, emails).map_or_else(|| Ok(batch::count_made(&report)), Err)
}

/// What the form shows, with `fields` filled in.
fn values(
    visitor: &Visitor,
    organization: &OrganizationId,
    settings: &Settings,
    fields: &Fields,
) -> Value {
    let value = |name: &'static str| (name, fields.get(name).unwrap_or_default().to_owned());
    let filled: Value = TEXTS.into_iter().map(value).collect();
    context! {
        organization => super::head(organization, settings),
        roles => roles(visitor, settings),
        default_seconds => default_seconds(visitor, settings),
        has_mail => visitor.state.rules.sending.has_mail,
        filled,
    }
}

/// The roles that the visitor can give in an organization with `settings`; none: any.
pub(in crate::api::console) fn roles(
    visitor: &Visitor,
    settings: &Settings,
) -> Option<Vec<String>> {
    let of_server = &visitor.state.rules.roles;
    let of_server = || of_server.iter().map(|role| role.as_str().to_owned());
    let of_key = visitor.caller.rights.roles.as_ref();
    let of_key = || of_key.map(|roles| roles.iter().map(|role| role.as_str().to_owned()));
    let there = settings
        .roles
        .clone()
        .or_else(|| Some(of_server().collect()).filter(|roles: &Vec<_>| !roles.is_empty()))
        .or_else(|| of_key().map(Iterator::collect))?;
    let may_give = |role: &String| visitor.caller.rights.check_grant(role).is_ok();
    Some(there.into_iter().filter(may_give).collect())
}

/// How long an invitation lives that names no end, in seconds.
pub(super) fn default_seconds(visitor: &Visitor, settings: &Settings) -> i64 {
    let of_server = visitor.state.rules.default_lifetime_seconds;
    settings.default_expires_in.unwrap_or(of_server)
}

/// The addresses in a text, each once: by line, comma, semicolon or space, also as `Ada
/// <ada@example.com>`.
fn addresses(text: &str) -> Vec<String> {
    let in_part = |part| match address_in(part) {
        Some(address) => vec![address],
        None => str::split_whitespace(part).collect(),
    };
    let mut seen = HashSet::new();
    super::parts(text)
        .flat_map(in_part)
        .filter(|address| seen.insert(address.to_lowercase()))
        .map(str::to_owned)
        .collect()
}

/// The address of `Ada <ada@example.com>`.
pub(super) fn address_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('<')?;
    Some(rest.split_once('>')?.0.trim())
}

/// The invitations that the form asks for, one for each of `emails`.
fn bodies<'a>(
    fields: &'a Fields,
    emails: &'a [String],
) -> std::result::Result<impl ExactSizeIterator<Item = CreateBody>, FieldError> {
    if emails.is_empty() {
        let detail = "the addresses of those whom you invite";
        return Err(FieldError::new("/email", FieldCode::Required, detail));
    }
    if emails.len() > MOST_ROWS {
        let detail = "at most 1,000 addresses at a time";
        return Err(FieldError::new("/email", FieldCode::OutOfRange, detail));
    }
    let options = TEXTS.into_iter().filter(|name| *name != "email");
    batch::check_options(fields, options)?;
    let expires_in = expires_in(fields)?;
    let metadata = fields.get("metadata").map(serde_json::from_str).transpose();
    let metadata = metadata
        .map_err(|_| FieldError::new("/metadata", FieldCode::InvalidFormat, "a JSON object"))?;
    parse_metadata(metadata.as_ref())?;
    let body = move |email: &String| CreateBody {
        email: Some(email.clone()),
        role: fields.trimmed("role"),
        expires_in,
        expires_at: None,
        metadata: metadata.clone(),
        redirect_url: fields.trimmed("redirectUrl"),
        locale: fields.trimmed("locale"),
        inviter: Some(InviterBody {
            id: fields.trimmed("inviterId"),
            name: fields.trimmed("inviterName"),
            email: fields.trimmed("inviterEmail"),
        }),
        note: fields.get("note").map(str::to_owned),
        notify: Some(fields.get("mail") != Some("no")),
        on_conflict: fields.trimmed("onConflict"),
    };
    Ok(emails.iter().map(body))
}

/// How long the invitations are to live, in seconds.
pub(super) fn expires_in(fields: &Fields) -> std::result::Result<Option<i64>, FieldError> {
    let seconds = fields.trimmed("expiresIn").map(|text| text.parse());
    seconds.transpose().map_err(|_| {
        let detail = "a whole number of seconds";
        FieldError::new("/expiresIn", FieldCode::InvalidFormat, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parted_as_people_part_them() {
        let text = "ada@example.com, grace@example.com;\r\n Linus T <linus@example.org>\nADA@example.com\n a@b.c d@e.f";
        let found = addresses(text);
        assert_eq!(
            found,
            [
                "ada@example.com",
                "grace@example.com",
                "linus@example.org",
                "a@b.c",
                "d@e.f"
            ]
        );
        assert!(addresses(" ,;\n").is_empty());
    }
}
