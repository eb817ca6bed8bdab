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
use invited::base::query::Keys;
use invited::event::query::{EventQuery, StreamQuery};
use invited::http::query::{NoQuery, Query};
use invited::invitation::query::{AddressQuery, ListQuery};
use invited::mail::mailbox::query::MailboxQuery;
use invited::organization;
use invited::webhook::delivery::query::DeliveryQuery;
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

/// The pairs of `query` where an operation has the keys of `K`.
fn pairs<K: Keys>(query: &str) -> Option<Vec<(String, String)>> {
    let request = TestRequest::default()
        .uri(&format!("/?{query}"))
        .to_http_request();
    match Query::<K>::from_request(&request, &mut Payload::None).into_inner() {
        Ok(Query { pairs, .. }) => {
            let is_known = |(key, _): &(String, String)| K::KEYS.contains(&key.as_str());
            let is_once = |(key, _): &(String, String)| {
                pairs.iter().filter(|(other, _)| other == key).count() == 1
            };
            assert!(
                pairs.iter().all(|pair| is_known(pair) && is_once(pair)),
                "{query}"
            );
            Some(pairs)
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

/// Checks that an error is about keys of `K`.
fn check_error<K: Keys>(error: &Error) {
    assert!(
        matches!(error.code, Code::ValidationFailed | Code::InvalidCursor),
        "{error:?}"
    );
    assert!(
        (error.code == Code::InvalidCursor) == error.fields.is_empty(),
        "{error:?}"
    );
    assert!(
        error
            .fields
            .iter()
            .all(|field| K::KEYS.contains(&&*field.pointer)),
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
    let parse = |pairs: &[(String, String)]| ListQuery::parse(pairs, organization, Hosts::Dotted);
    match pairs::<ListQuery>(query).map(|pairs| parse(&pairs)) {
        Some(Ok(list)) => {
            assert!(
                list.limit
                    .is_none_or(|limit| (1..=MAX_LIMIT).contains(&limit)),
                "{query}"
            );
            assert!((1..32).contains(&list.filter.status_bits()), "{query}");
            let link = list.paged(organization).next_link(PUBLIC_URL, 7, LAST);
            let again = pairs::<ListQuery>(&next(&link))
                .and_then(|pairs| parse(&pairs).ok())
                .expect("the next page");
            assert!(
                again.filter == list.filter
                    && again.order == list.order
                    && again.after == Some(LAST),
                "{query}"
            );
        }
        Some(Err(error)) => check_error::<ListQuery>(&error),
        None => {}
    }
}

/// Checks a history.
fn check_events(query: &str, organization: &OrganizationId) {
    let parse = |pairs: &[(String, String)]| EventQuery::parse(pairs, organization);
    match pairs::<EventQuery>(query).map(|pairs| parse(&pairs)) {
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
            let link = events.paged(organization).next_link(PUBLIC_URL, 7, LAST);
            let again = pairs::<EventQuery>(&next(&link))
                .and_then(|pairs| parse(&pairs).ok())
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
        Some(Err(error)) => check_error::<EventQuery>(&error),
        None => {}
    }
}

/// Checks the log of a webhook.
fn check_deliveries(query: &str) {
    let parse = |pairs: &[(String, String)]| DeliveryQuery::parse(pairs, Uuid::nil());
    match pairs::<DeliveryQuery>(query).map(|pairs| parse(&pairs)) {
        Some(Ok(log)) => {
            assert!((1..=MAX_LIMIT).contains(&log.page.limit), "{query}");
            let link = log.paged(Uuid::nil()).next_link(PUBLIC_URL, 7, LAST);
            let again = pairs::<DeliveryQuery>(&next(&link)).and_then(|pairs| parse(&pairs).ok());
            let again = again.expect("the next page");
            assert_eq!(
                format!("{:?}", again.state),
                format!("{:?}", log.state),
                "{query}"
            );
            assert_eq!(again.page.after, Some(LAST), "{query}");
        }
        Some(Err(error)) => check_error::<DeliveryQuery>(&error),
        None => {}
    }
}

/// Checks a list of organizations.
fn check_organizations(query: &str) {
    use organization::list::ListQuery;
    match pairs::<ListQuery>(query).map(|pairs| ListQuery::parse(&pairs)) {
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
        Some(Err(error)) => check_error::<ListQuery>(&error),
        None => {}
    }
}

/// Checks the queries that lead to no other page.
fn check_others(query: &str) {
    match pairs::<StreamQuery>(query).map(|pairs| StreamQuery::parse(&pairs)) {
        Some(Ok(stream)) => assert!(
            stream.filter.since.is_none() && stream.filter.until.is_none(),
            "{query}"
        ),
        Some(Err(error)) => check_error::<StreamQuery>(&error),
        None => {}
    }
    match pairs::<AddressQuery>(query).map(|pairs| AddressQuery::parse(&pairs, Hosts::Dotted)) {
        Some(Ok(email)) => {
            let mut same = form_urlencoded::Serializer::new(String::new());
            let same = same.append_pair("email", email.as_str()).finish();
            let again = pairs::<AddressQuery>(&same)
                .and_then(|pairs| AddressQuery::parse(&pairs, Hosts::Dotted).ok());
            assert!(again == Some(email), "{query}");
        }
        Some(Err(error)) => check_error::<AddressQuery>(&error),
        None => {}
    }
    match pairs::<MailboxQuery>(query)
        .map(|pairs| MailboxQuery::parse(&pairs, Hosts::SingleLabelToo))
    {
        Some(Ok(mailbox)) => {
            assert!(
                (1..=MAX_LIMIT).contains(&mailbox.filter.limit) && mailbox.wait.as_secs() <= 30,
                "{query}"
            );
        }
        Some(Err(error)) => check_error::<MailboxQuery>(&error),
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
