//! The place of organizations: all of them, each with its invitations, and what is done there.
//!
//! * [`list`] shows all organizations, [`one`] shows one: its figures ([`chart`]) and its
//!   invitations ([`rows`]), as [`filter`] chooses them.
//! * [`invite`] invites a few people, [`import`] a list of them. Both send a [`batch`].
//! * [`chosen`] sends several invitations again, revokes or deletes them.
//! * [`export`] writes invitations as CSV, whose cells are those of [`cell`].
//! * [`settings`] makes an organization and changes it, [`removal`] deletes it.

mod batch;
mod cell;
mod chart;
mod chosen;
mod export;
mod filter;
mod import;
pub(super) mod invite;
mod list;
mod one;
mod removal;
mod rows;
mod settings;

use actix_web::http::Method;
use actix_web::web;
use minijinja::{Value, context};

use super::get;
use super::visitor::Visitor;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::http::route::Route;
use crate::organization::settings::Settings;
use crate::organization::{Record, store};

/// What the paths of one organization begin with.
const ONE: &str = "/console/organizations/{organizationId}";

/// The paths of this place.
///
/// No path that a name could have stands beside [`ONE`]: `new` is an organization's id, too.
pub(super) fn routes() -> Vec<Route> {
    let both = |path: &str, page: actix_web::Route, form| get(path, page).with(Method::POST, form);
    let of = |part: &str| format!("{ONE}/{part}");
    let making = web::to(settings::making);
    vec![
        get("/console", web::to(list::page)),
        both("/console/new-organization", making, web::to(settings::make)),
        get(ONE, web::to(one::page)),
        both(&of("invite"), web::to(invite::page), web::to(invite::send)),
        both(&of("import"), web::to(import::page), web::to(import::send)),
        both(&of("chosen"), web::to(chosen::back), web::to(chosen::form)),
        get(&of("export.csv"), web::to(export::file)),
        both(
            &of("settings"),
            web::to(settings::page),
            web::to(settings::save),
        ),
        both(
            &of("delete"),
            web::to(removal::page),
            web::to(removal::delete),
        ),
    ]
}

/// The organization in the path.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where it is not known, or the visitor may not know of it.
fn find(visitor: &Visitor) -> Result<(OrganizationId, Record)> {
    let id = visitor.organization()?;
    let record = visitor.state.db.read(|reader| store::find(reader, &id))?;
    record
        .map(|record| (id, record))
        .ok_or_else(Error::not_found)
}

/// The organization as the heads of its pages show it.
fn head(id: &OrganizationId, settings: &Settings) -> Value {
    let title = settings.name.as_deref().unwrap_or(id.as_str());
    context! { id, title }
}

/// The way to the organization from the console's first page.
fn way(id: &OrganizationId) -> String {
    format!("organizations/{id}")
}

/// The parts of a list that a person wrote, by line, comma or semicolon.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ',', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
}
