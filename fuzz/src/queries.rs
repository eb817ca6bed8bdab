//! Query strings: known keys, each once; what is accepted is the same after it was written and read
//! again.

use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::http::Uri;
use actix_web::test::TestRequest;
use invited::base::clock::Timestamp;
use invited::base::email::Hosts;
use invited::base::error::{Code, Error};
use invited::base::organization_id::OrganizationId;
use invited::event::query::{EventParams, EventQuery, StreamParams, StreamQuery};
use invited::http::query::{NoQuery, Query};
use invited::invitation::query::{AddressParams, ListParams, ListQuery};
use invited::mail::mailbox::query::{MailboxParams, MailboxQuery};
use invited::organization;
use invited::webhook::delivery::query::{DeliveryParams, DeliveryQuery};
use serde::de::DeserializeOwned;
use url::form_urlencoded;
use uuid::Uuid;

/// The most entries of a page.
const MAX_LIMIT: u32 = 1000;
/// Where the server is.
const PUBLIC_URL: &str = "https://invites.example.com";
/// The last entry of a page.
const LAST: Uuid = Uuid::from_u128(0x019a_0c5e_7b1c_7cc3_98c4_dc0c_0c07_398f);

/// Checks `data` as the query of each operation.
pub fn check(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else {
        return;
    };
    // A fragment is cut off before a query is read.
    if query.contains('#') || Uri::try_from(format!("/?{query}")).is_err() {
        return;
    }
    let organization = OrganizationId::parse("acme").expect("an id");
    check_invitations(query, &organization);
    check_events(query, &organization);
    check_deliveries(query);
    check_organizations(query);
    check_others(query);
}

/// The query, where an operation has its keys: those of `T`, each once.
fn read<T: DeserializeOwned>(query: &str) -> Option<Query<T>> {
    let request = TestRequest::default()
        .uri(&format!("/?{query}"))
        .to_http_request();
    match Query::<T>::from_request(&request, &mut Payload::None).into_inner() {
        Ok(read) => {
            let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
            let is_once = |key: &str| pairs.iter().filter(|(other, _)| other == key).count() == 1;
            assert!(
                pairs
                    .iter()
                    .all(|(key, _)| is_key::<T>(key) && is_once(key)),
                "{query}"
            );
            Some(read)
        }
        Err(error) => {
            assert_eq!(error.code, Code::InvalidQuery, "{query}");
            assert!(
                error.fields.len() == 1 && error.fields[0].pointer.chars().count() <= 64,
                "{query}"
            );
            None
        }
    }
}

/// Whether an operation with the keys of `T` takes `key`.
fn is_key<T: DeserializeOwned>(key: &str) -> bool {
    let mut query = form_urlencoded::Serializer::new(String::new());
    Query::<T>::parse(&query.append_pair(key, "").finish()).is_ok()
}

/// Checks that an error is about keys of `T`.
fn check_error<T: DeserializeOwned>(error: &Error) {
    assert!(
        matches!(error.code, Code::ValidationFailed | Code::InvalidCursor),
        "{error:?}"
    );
    assert!(
        (error.code == Code::InvalidCursor) == error.fields.is_empty(),
        "{error:?}"
    );
    assert!(
        error.fields.iter().all(|field| is_key::<T>(&field.pointer)),
        "{error:?}"
    );
}

/// The query of the page that `link` leads to.
fn next(link: &str) -> String {
    link.split_once('?')
        .and_then(|(_, rest)| rest.split_once('>'))
        .expect("a link")
        .0
        .to_owned()
}

/// Checks a list of invitations.
fn check_invitations(query: &str, organization: &OrganizationId) {
    let parse = |query: Query<ListParams>| {
        query.check(|params| ListQuery::parse(params, organization, Hosts::Dotted))
    };
    match read(query).map(parse) {
        Some(Ok(list)) => {
            assert!(
                list.limit
                    .is_none_or(|limit| (1..=MAX_LIMIT).contains(&limit)),
                "{query}"
            );
            assert!((1..32).contains(&list.filter.status_bits()), "{query}");
            let (begin, end) = (list.filter.created_after, list.filter.created_before);
            assert!(
                begin.zip(end).is_none_or(|(begin, end)| begin <= end),
                "{query}"
            );
            let search = list.filter.search.as_deref();
            let is_of_an_address = |text: &str| {
                (1..=254).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            assert!(search.is_none_or(is_of_an_address), "{query}");
            let link = list
                .paged(organization)
                .next_link(PUBLIC_URL, 7, LAST.simple());
            let again = read(&next(&link))
                .and_then(|query| parse(query).ok())
                .expect("the next page");
            assert!(
                again.filter == list.filter
                    && again.order == list.order
                    && again.after == Some(LAST),
                "{query}"
            );
        }
        Some(Err(error)) => check_error::<ListParams>(&error),
        None => {}
    }
}

/// Checks a history.
fn check_events(query: &str, organization: &OrganizationId) {
    let parse =
        |query: Query<EventParams>| query.check(|params| EventQuery::parse(params, organization));
    match read(query).map(parse) {
        Some(Ok(events)) => {
            let filter = &events.filter;
            assert!((1..=MAX_LIMIT).contains(&events.page.limit), "{query}");
            assert!(
                filter
                    .since
                    .zip(filter.until)
                    .is_none_or(|(since, until)| since <= until),
                "{query}"
            );
            filter
                .since
                .into_iter()
                .chain(filter.until)
                .for_each(check_time);
            let link = events
                .paged(organization)
                .next_link(PUBLIC_URL, 7, LAST.simple());
            let again = read(&next(&link))
                .and_then(|query| parse(query).ok())
                .expect("the next page");
            assert_eq!(
                format!("{:?}", again.filter),
                format!("{filter:?}"),
                "{query}"
            );
            assert!(
                again.page.order == events.page.order && again.page.after == Some(LAST),
                "{query}"
            );
        }
        Some(Err(error)) => check_error::<EventParams>(&error),
        None => {}
    }
}

/// Checks the log of a webhook.
fn check_deliveries(query: &str) {
    let parse = |query: Query<DeliveryParams>| {
        query.check(|params| DeliveryQuery::parse(params, Uuid::nil()))
    };
    match read(query).map(parse) {
        Some(Ok(log)) => {
            assert!((1..=MAX_LIMIT).contains(&log.page.limit), "{query}");
            let link = log
                .paged(Uuid::nil())
                .next_link(PUBLIC_URL, 7, LAST.simple());
            let again = read(&next(&link)).and_then(|query| parse(query).ok());
            let again = again.expect("the next page");
            assert_eq!(
                format!("{:?}", again.state),
                format!("{:?}", log.state),
                "{query}"
            );
            assert_eq!(again.page.after, Some(LAST), "{query}");
        }
        Some(Err(error)) => check_error::<DeliveryParams>(&error),
        None => {}
    }
}

/// Checks a list of organizations.
fn check_organizations(query: &str) {
    use organization::list::{ListParams, ListQuery};
    match read::<ListParams>(query).map(|query| query.check(ListQuery::parse)) {
        Some(Ok(list)) => {
            assert!(
                list.limit
                    .is_none_or(|limit| (1..=MAX_LIMIT).contains(&limit)),
                "{query}"
            );
            assert!(
                list.after.is_empty() || OrganizationId::parse(&list.after).is_some(),
                "{query}"
            );
        }
        Some(Err(error)) => check_error::<ListParams>(&error),
        None => {}
    }
}

/// Checks the queries that lead to no other page.
fn check_others(query: &str) {
    match read::<StreamParams>(query).map(|query| query.check(StreamQuery::parse)) {
        Some(Ok(stream)) => assert!(
            stream.filter.since.is_none() && stream.filter.until.is_none(),
            "{query}"
        ),
        Some(Err(error)) => check_error::<StreamParams>(&error),
        None => {}
    }
    let address = |query: Query<AddressParams>| query.check(|params| params.parse(Hosts::Dotted));
    match read(query).map(address) {
        Some(Ok(email)) => {
            let mut same = form_urlencoded::Serializer::new(String::new());
            let same = same.append_pair("email", email.as_str()).finish();
            let again = read(&same).and_then(|query| address(query).ok());
            assert!(again == Some(email), "{query}");
        }
        Some(Err(error)) => check_error::<AddressParams>(&error),
        None => {}
    }
    let mailbox = |params| MailboxQuery::parse(params, Hosts::SingleLabelToo);
    match read::<MailboxParams>(query).map(|query| query.check(mailbox)) {
        Some(Ok(mailbox)) => {
            assert!(
                (1..=MAX_LIMIT).contains(&mailbox.filter.limit) && mailbox.wait.as_secs() <= 30,
                "{query}"
            );
        }
        Some(Err(error)) => check_error::<MailboxParams>(&error),
        None => {}
    }
    let request = TestRequest::default()
        .uri(&format!("/?{query}"))
        .to_http_request();
    let nothing = NoQuery::from_request(&request, &mut Payload::None).into_inner();
    assert!(
        nothing.is_err() || query.bytes().all(|byte| byte == b'&'),
        "{query}"
    );
}

/// Checks that a time is the same after it was written and read again.
fn check_time(time: Timestamp) {
    let text = time.to_string();
    assert_eq!((Timestamp::parse(&text), text.len()), (Some(time), 24));
}
