//! Inviting a list of people: first what would become of each row, then those rows that can be
//! invited.

mod table;

use std::collections::HashMap;

use actix_web::HttpResponse;
use minijinja::{Value, context};
use serde_json::{Map, json};

use super::batch::{self, MOST_ROWS};
use super::invite;
use crate::api::console::sheet::Place;
use crate::api::console::visitor::{Fields, Visitor};
use crate::base::email::Email;
use crate::base::error::{FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::invitation::batch::report::{Report, RowResult};
use crate::invitation::new::CreateBody;
use crate::key::Scope;
use crate::organization::settings::Settings;

use table::{Row, Table};

/// The template of the form.
const TEMPLATE: &str = "organization_import.html";
/// The template of what would become of the rows.
const CHECKED: &str = "organization_import_check.html";
/// The fields of the form beside the list.
const OPTIONS: [&str; 4] = ["role", "note", "expiresIn", "mail"];

/// `GET /console/organizations/{organizationId}/import` with `invitations:write`: the form.
///
/// # Errors
/// 404 where the organization is not known.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Write)?;
    let (organization, record) = super::find(&visitor)?;
    let values = values(&visitor, &organization, &record.settings, &visitor.query());
    visitor.show(Place::Organizations, TEMPLATE, values).await
}

/// `POST /console/organizations/{organizationId}/import` with `invitations:write`: says what would
/// become of each row; with `step=send` invites, with `step=edit` shows the form again.
///
/// # Errors
/// 404 where the organization is not known, 422 for a list that cannot be read or is too long.
pub(super) async fn send(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    visitor.require(Scope::Write)?;
    let (organization, record) = super::find(&visitor)?;
    let (fields, settings) = (&sent.fields, &record.settings);
    let outcome = match fields.get("step") {
        Some("edit") => {
            let values = values(&visitor, &organization, settings, fields);
            return visitor.show(Place::Organizations, TEMPLATE, values).await;
        }
        Some("send") => invite_rows(&visitor, &organization, settings, fields).await,
        _ => check(&visitor, &organization, settings, fields).await,
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(error) => {
            let values = values(&visitor, &organization, settings, fields);
            visitor
                .show_refused(error, Place::Organizations, TEMPLATE, values)
                .await
        }
    }
}

/// What the form shows, with `fields` filled in.
fn values(
    visitor: &Visitor,
    organization: &OrganizationId,
    settings: &Settings,
    fields: &Fields,
) -> Value {
    let value = |name: &'static str| (name, fields.get(name).unwrap_or_default().to_owned());
    let filled: Value = OPTIONS.into_iter().chain(["list"]).map(value).collect();
    context! {
        organization => super::head(organization, settings),
        roles => invite::roles(visitor, settings),
        default_seconds => invite::default_seconds(visitor, settings),
        has_mail => visitor.state.rules.sending.has_mail,
        filled,
    }
}

/// Reads the list in the field `name`.
fn read(fields: &Fields, name: &'static str) -> Result<Table> {
    let wrong = |code, detail: String| FieldError::new("/list", code, detail).into();
    let text = fields.get(name).unwrap_or_default();
    if text.contains(['\u{fffd}', '\0']) {
        let detail = "some letters could not be read; save it as CSV UTF-8".to_owned();
        return Err(wrong(FieldCode::ForbiddenCharacter, detail));
    }
    let table = Table::parse(text).map_err(|why| wrong(FieldCode::InvalidFormat, why))?;
    match table.rows.len() {
        0 => {
            let detail = "addresses, one a line, or a CSV with a column for them".to_owned();
            Err(wrong(FieldCode::Required, detail))
        }
        count if count > MOST_ROWS => {
            let detail = "one import takes 1,000 rows, and this list has more; split it".to_owned();
            Err(wrong(FieldCode::OutOfRange, detail))
        }
        _ => Ok(table),
    }
}

/// The invitations that `rows` ask for, with what the form says of all of them.
fn bodies<'a>(
    rows: impl ExactSizeIterator<Item = &'a Row>,
    fields: &'a Fields,
) -> Result<impl ExactSizeIterator<Item = CreateBody>> {
    batch::check_options(fields, OPTIONS.into_iter())?;
    let expires_in = invite::expires_in(fields)?;
    Ok(rows.map(move |row| {
        let name = |name: &String| Map::from_iter([("name".to_owned(), json!(name))]);
        CreateBody {
            email: Some(row.email.clone()),
            role: row.role.clone().or_else(|| fields.trimmed("role")),
            expires_in,
            metadata: row.name.as_ref().map(name),
            note: fields.get("note").map(str::to_owned),
            notify: Some(fields.get("mail") != Some("no")),
            ..CreateBody::default()
        }
    }))
}

/// Shows what would become of each row.
async fn check(
    visitor: &Visitor,
    organization: &OrganizationId,
    settings: &Settings,
    fields: &Fields,
) -> Result<HttpResponse> {
    let table = read(fields, "list")?;
    let (first, again) = part_repeated(visitor, &table);
    let bodies = bodies(first.iter().copied(), fields)?;
    let report = batch::try_out(visitor, organization, bodies).await?;
    let is_good = |result: &RowResult| matches!(result, RowResult::Done { .. });
    let good: Vec<_> = first
        .iter()
        .zip(&report.rows)
        .filter_map(|(row, result)| is_good(result).then_some(*row))
        .collect();
    let mut fates: Vec<_> = first
        .iter()
        .zip(&report.rows)
        .map(|(row, result)| (row.line, fate(row, fields, &refusal(result))))
        .collect();
    fates.extend(again.iter().map(|(row, line)| {
        let why = format!("Stands in the list twice: in line {line}, too");
        (row.line, fate(row, fields, &Some(why)))
    }));
    fates.sort_by_key(|(line, _)| *line);
    let option = |name: &'static str| (name, fields.get(name).unwrap_or_default().to_owned());
    let values = context! {
        organization => super::head(organization, settings),
        good => good.len(),
        bad => table.rows.len() - good.len(),
        unused => table.unused,
        fates => fates.into_iter().map(|(_, fate)| fate).collect::<Vec<_>>(),
        rows => table::write(&good)?,
        list => fields.get("list").unwrap_or_default(),
        options => OPTIONS.into_iter().map(option).collect::<Value>(),
    };
    visitor.show(Place::Organizations, CHECKED, values).await
}

/// The rows of each address that come first, and the others with the line of the first one.
fn part_repeated<'a>(visitor: &Visitor, table: &'a Table) -> (Vec<&'a Row>, Vec<(&'a Row, u64)>) {
    let mut seen = HashMap::new();
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for row in &table.rows {
        let email = Email::parse(&row.email, visitor.state.rules.hosts);
        let email = email.map_or_else(|_| row.email.clone(), |email| email.as_str().to_owned());
        match seen.get(&email) {
            Some(line) => again.push((row, *line)),
            None => {
                seen.insert(email, row.line);
                first.push(row);
            }
        }
    }
    (first, again)
}

/// Why a row would be refused.
fn refusal(result: &RowResult) -> Option<String> {
    match result {
        RowResult::Done { .. } => None,
        RowResult::Failed(error) => Some(batch::reason(error)),
    }
}

/// What would become of a row, as the page shows it.
fn fate(row: &Row, fields: &Fields, why_not: &Option<String>) -> Value {
    let role = row.role.clone().or_else(|| fields.trimmed("role"));
    context! { line => row.line, email => row.email, role, name => row.name, why_not }
}

/// Invites the rows that the page before has found to be good.
async fn invite_rows(
    visitor: &Visitor,
    organization: &OrganizationId,
    settings: &Settings,
    fields: &Fields,
) -> Result<HttpResponse> {
    let table = read(fields, "rows")?;
    let bodies = bodies(table.rows.iter(), fields)?;
    let report = batch::send(visitor, organization, bodies, false).await?;
    let failed = failures(&table, &report);
    let made = table.rows.len() - failed.len();
    let left = fields.get("left").and_then(|left| left.parse().ok());
    let left: usize = left.unwrap_or_default();
    if failed.is_empty() {
        let way = super::way(organization);
        return Ok(match left {
            0 => visitor.go(&way, "invited", Some(made)),
            left => visitor.go(&format!("{way}?rest={left}"), "imported", Some(made)),
        });
    }
    let values = context! {
        organization => super::head(organization, settings),
        title => "Not all were invited",
        done => made,
        left,
        done_words => "invited",
        failed,
        back => "",
    };
    visitor
        .show(Place::Organizations, "organization_result.html", values)
        .await
}

/// The rows that were refused, as the page shows them.
fn failures(table: &Table, report: &Report) -> Vec<Value> {
    let rows = table.rows.iter().zip(&report.rows);
    rows.filter_map(|(row, result)| {
        let why = refusal(result)?;
        Some(context! { email => row.email, why })
    })
    .collect()
}
