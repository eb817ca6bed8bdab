//! What each document says of itself: its title, its tags, who is let in.

use std::collections::BTreeSet;

use utoipa::OpenApi as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, Server};

use super::Part;
use crate::api::clickhouse;
use crate::base::error::problem::Problem;
use crate::base::page::Order;
use crate::invitation::Status;

/// What all documents say.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "invited",
        description = "Organization invitations, from the invite to the joined user. The address \
            is stored in lowercase, \
            and only a user with that address can join.\n\nEvery error is a problem document \
            (RFC 9457) whose `code` is \
            explained at `/problems/{code}`. HEAD works wherever GET does, and OPTIONS answers \
            `Allow`.\n\nScripts of web pages may use the operations under *Answers* (CORS), from the \
            origins that links lead to and those of `--cors-origins`, without a key.\n\nObjects in responses may get more fields in later versions, and closed sets \
            of texts more members.",
        contact(name = "The invited developers"),
    ),
    components(schemas(Status, Order, Part, Problem<'_>, clickhouse::Failed)),
    tags(
        (name = "Invitations", description = "The invitations of an organization."),
        (name = "Answers", description = "What the invited person does with the link, by proof \
            of the address."),
        (name = "Organizations", description = "What an organization is called, and what it asks \
            of its invitations."),
        (name = "Events", description = "What happened in an organization, who did it, and what \
            changed."),
        (name = "Keys", description = "API keys: who may do what, to which organizations, until \
            when."),
        (name = "Mail", description = "Mail that has not gone out yet."),
        (name = "Audit", description = "What was done to the server as a whole, by whom."),
        (name = "Webhooks", description = "Endpoints that are told of events, and what became of \
            each delivery."),
        (name = "ClickHouse Cloud", description = "The same invitations in the shape of the \
            ClickHouse Cloud API, for its clients: use `/clickhouse` as the base URL."),
        (name = "Development", description = "Only in `invited dev`: in `invited serve` these \
            paths do not exist. A web page of another origin is refused."),
        (name = "Pages", description = "For people, in a browser: where links lead when the \
            operator has no page of his own."),
        (name = "Operation", description = "Public: health, this document, and what the errors \
            mean."),
    ),
    security(("key" = []), ("basic" = [])),
)]
struct Document;

/// The document of `part` without operations.
pub(super) fn of(part: Part) -> OpenApi {
    let mut document = Document::openapi();
    let title = match part {
        Part::Api => None,
        Part::Dev => Some(("development", "What only `invited dev` has, for tests.")),
        Part::Pages => Some((
            "pages",
            "The pages for people who are invited, and the reference.",
        )),
        Part::Dialect => Some((
            "ClickHouse Cloud dialect",
            "The same invitations in the shape of the ClickHouse Cloud API, for its clients.",
        )),
    };
    if let Some((title, description)) = title {
        document.info.title = format!("invited: {title}");
        document.info.description = Some(description.to_owned());
    }
    let mut local = Server::new("http://127.0.0.1:8080");
    local.description = Some("`invited dev` and `invited serve` as they start.".to_owned());
    document.servers = Some(vec![local]);
    if part == Part::Dev {
        let with_key = document.security.take().unwrap_or_default();
        let open = std::iter::once(SecurityRequirement::default());
        document.security = Some(open.chain(with_key).collect());
    }
    add_schemes(&mut document);
    document
}

/// Adds how a key is sent.
fn add_schemes(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("ivk_<id>_<secret>")
        .description(Some("An API key, as `invited key create` prints it."));
    components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    let basic = Http::builder()
        .scheme(HttpAuthScheme::Basic)
        .description(Some(
            "The same key: its id as the user name, its secret as the password.",
        ));
    components.add_security_scheme("basic", SecurityScheme::Http(basic.build()));
}

/// Removes the tags that no operation of the document has.
pub(super) fn keep_used_tags(document: &mut OpenApi) {
    let mut used = BTreeSet::new();
    for path in document.paths.paths.values() {
        let operations = [&path.get, &path.post, &path.put, &path.patch, &path.delete];
        let operations = operations.into_iter().flatten();
        used.extend(operations.flat_map(|operation| operation.tags.iter().flatten().cloned()));
    }
    if let Some(tags) = &mut document.tags {
        tags.retain(|tag| used.contains(&tag.name));
    }
}
