//! Cursors: each leads on in its own list, and is refused by every other.

use invited::base::email::Hosts;
use invited::base::error::{Code, Error};
use invited::base::organization_id::OrganizationId;
use invited::event::query::EventQuery;
use invited::http::query::Query;
use invited::invitation::query::ListQuery;
use invited::organization;
use invited::webhook::delivery::query::DeliveryQuery;
use serde::de::DeserializeOwned;
use url::form_urlencoded;
use uuid::Uuid;

/// Checks `data` as the text of a cursor, and as the last entry of a page and what alters its
/// cursor.
pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check_text(text);
        check_organization(text);
    }
    if let Some((id, rest)) = data.split_first_chunk() {
        check_made(Uuid::from_bytes(*id), rest);
    }
}

/// Where the server is.
const PUBLIC_URL: &str = "https://invites.example.com";

/// The lists that cursors are tried in: by organization, path, filter and order.
const LISTS: [(&str, &[(&str, &str)]); 5] = [
    ("acme", &[]),
    ("acmf", &[]),
    ("another.organization", &[]),
    ("acme", &[("status", "pending")]),
    ("acme", &[("order", "asc")]),
];

/// Reads `cursor` in the list of invitations that is the `number`th of [`LISTS`].
fn read(number: usize, cursor: &str) -> Result<Option<Uuid>, Error> {
    let (id, filters) = LISTS[number];
    let filters = filters.iter().copied().chain([("cursor", cursor)]);
    let parse = |params| ListQuery::parse(params, &organization(id), Hosts::Dotted);
    query(filters).check(parse).map(|query| query.after)
}

/// Reads `cursor` in the lists that have no invitations.
fn read_elsewhere(cursor: &str) -> [Result<Option<Uuid>, Error>; 2] {
    let of_events = |params| EventQuery::parse(params, &organization("acme"));
    let of_deliveries = |params| DeliveryQuery::parse(params, Uuid::nil());
    let events = query([("cursor", cursor)]).check(of_events);
    let deliveries = query([("cursor", cursor)]).check(of_deliveries);
    [
        events.map(|query| query.page.after),
        deliveries.map(|query| query.page.after),
    ]
}

/// Checks that no text is a cursor of two lists.
fn check_text(text: &str) {
    let read = (0..LISTS.len())
        .map(|number| read(number, text))
        .chain(read_elsewhere(text));
    let accepted =
        read.map(|outcome| outcome.map_err(|error| assert_eq!(error.code, Code::InvalidCursor)));
    assert!(accepted.filter(Result::is_ok).count() <= 1, "{text}");
}

/// Checks the cursor behind the entry `last`, and one that `rest` alters.
fn check_made(last: Uuid, rest: &[u8]) {
    let organization = organization("acme");
    let list = query([])
        .check(|params| ListQuery::parse(params, &organization, Hosts::Dotted))
        .expect("a list")
        .paged(&organization);
    let link = list.next_link(PUBLIC_URL, 7, last.simple());
    let cursor = &*cursor_in(&link);
    assert_eq!(read(0, cursor).ok(), Some(Some(last)), "{cursor}");
    assert!(
        (1..LISTS.len()).all(|number| read(number, cursor).is_err()),
        "{cursor}"
    );
    assert!(
        read_elsewhere(cursor).iter().all(Result::is_err),
        "{cursor}"
    );
    let mut altered = cursor.as_bytes().to_vec();
    if let [place, other, ..] = rest {
        altered[usize::from(*place) % cursor.len()] = if other.is_ascii() { *other } else { b'x' };
    }
    let altered = String::from_utf8(altered).expect("ASCII");
    assert!(altered == cursor || read(0, &altered).is_err(), "{altered}");
}

/// Checks the cursors of the list of organizations.
fn check_organization(text: &str) {
    let read =
        |cursor: &str| query([("cursor", cursor)]).check(organization::list::ListQuery::parse);
    match read(text) {
        Ok(query) => assert!(OrganizationId::parse(&query.after).is_some(), "{text}"),
        Err(error) => assert_eq!(error.code, Code::InvalidCursor),
    }
    let Some(last) = OrganizationId::parse(text) else {
        return;
    };
    let link = organization::list::paged().next_link(PUBLIC_URL, 7, &last);
    let cursor = &*cursor_in(&link);
    assert!(
        read(cursor).is_ok_and(|query| query.after == text),
        "{cursor}"
    );
    assert!(read(&format!("{cursor}x")).is_err(), "{cursor}");
}

/// The cursor of the page that `link` leads to.
fn cursor_in(link: &str) -> String {
    let (_, query) = link.split_once('?').expect("a query");
    let (query, _) = query.split_once('>').expect("its end");
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let cursor = pairs.find(|(key, _)| key == "cursor");
    cursor.expect("a cursor").1.into_owned()
}

/// The query with these keys and values.
fn query<'a, T: DeserializeOwned>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Query<T> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    Query::parse(&query.extend_pairs(pairs).finish()).expect("keys of the list")
}

/// An organization.
fn organization(id: &str) -> OrganizationId {
    OrganizationId::parse(id).expect("an id")
}
