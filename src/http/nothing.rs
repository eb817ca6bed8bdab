//! What a 404 says, and a 405 about its path.
//!
//! It follows from the path alone, and from whether a key was sent: from nothing that the server
//! has. So what is missing and what belongs to somebody else get the same bytes, whoever found that.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::router::values_of;
use crate::base::alike::is_alike_in_paths;
use crate::base::id::parse_id;
use crate::base::organization_id::OrganizationId;
use crate::key::token::KeyId;

/// The longest path that is compared with others, in segments.
const MAX_SEGMENTS: usize = 16;
/// What ids of the server's own making look like.
const UUID: &str = "a UUID of version 7 in lowercase, as 019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";

/// A part of a path that names something.
struct Name {
    /// The name in the patterns of routes.
    name: &'static str,
    /// What it names.
    what: &'static str,
    /// Whether a text has the form.
    has_form: fn(&str) -> bool,
    /// The form.
    form: &'static str,
}

/// A part that names something by an id of the server's own making.
const fn by_uuid(name: &'static str, what: &'static str) -> Name {
    Name {
        name,
        what,
        has_form: |text| parse_id(text).is_some(),
        form: UUID,
    }
}

/// A part that names something by an id that others have made.
const fn by_any_text(name: &'static str, what: &'static str) -> Name {
    Name {
        name,
        what,
        has_form: |_| true,
        form: "any text",
    }
}

/// Every part of a path that names something with an id.
const NAMES: &[Name] = &[
    Name {
        name: "organizationId",
        what: "organization",
        has_form: |text| OrganizationId::parse(text).is_some(),
        form: "1 to 128 characters: a letter or digit, then letters, digits, . _ ~ -",
    },
    by_uuid("invitationId", "invitation"),
    by_uuid("webhookId", "webhook"),
    by_uuid("deliveryId", "delivery"),
    by_uuid("messageId", "mail"),
    by_any_text("userId", "member"),
    by_any_text("roleId", "role"),
    Name {
        name: "keyId",
        what: "key",
        has_form: |text| KeyId::parse(text).is_some(),
        form: "the 16 lowercase hex digits behind ivk_",
    },
];

/// Says that nothing is at the path of `request`, which has a route.
pub(super) fn at(request: &HttpRequest) -> Cow<'static, str> {
    if let Some(broken) = malformed(request) {
        return broken.into();
    }
    let values = values_of(request);
    let hidden = if request.headers().contains_key(AUTHORIZATION) {
        ", or this key may not see it"
    } else {
        ""
    };
    let last = values.iter().rev().find_map(|(name, _)| name_of(name));
    match last.map(|known| known.what) {
        Some(what) => format!("There is no such {what}{hidden}.").into(),
        None => format!("There is nothing here{hidden}.").into(),
    }
}

/// Says which id in the path of `request`, which has a route, has not the form of one; none: all
/// have.
pub(super) fn malformed(request: &HttpRequest) -> Option<String> {
    let values = values_of(request);
    let mut named = values
        .iter()
        .filter_map(|(name, value)| Some((name_of(name)?, value)));
    let (Name { what, form, .. }, _) = named.find(|(known, value)| !(known.has_form)(value))?;
    let broken = format!("The id of the {what} in the path is malformed: it must be {form}.");
    Some(broken)
}

/// The part of paths that routes call `name`.
fn name_of(name: &str) -> Option<&'static Name> {
    NAMES.iter().find(|known| known.name == name)
}

/// What may be said of `path`, which is none of `patterns`, behind another sentence. All of them are
/// below `root`, and shown with it.
pub(crate) fn hint(root: &str, path: &str, patterns: &[String]) -> String {
    if let Some((what, pattern)) = empty_id(path, patterns) {
        return format!(" The id of the {what} is empty in {root}{pattern}.");
    }
    let near = nearest(path, patterns);
    let meant = near.map(|near| format!(" Did you mean {root}{near}?"));
    meant.unwrap_or_default()
}

/// The one of `patterns` that `path` has with an empty id, and whose id that is: the variable of a
/// script was empty.
fn empty_id<'p>(path: &str, patterns: &'p [String]) -> Option<(&'static str, &'p str)> {
    let given = segments(path);
    let empty = given.iter().position(|part| part.is_empty())?;
    patterns.iter().find_map(|pattern| {
        let known = segments(pattern);
        let fits = |(given, known): (&&str, &&str)| given == known || known.starts_with('{');
        if given.len() != known.len() || !given.iter().zip(&known).all(fits) {
            return None;
        }
        let name = known.get(empty)?.trim_matches(['{', '}']);
        Some((name_of(name)?.what, pattern.as_str()))
    })
}

/// The one of `patterns`, which are the paths of routes, that `path` is most like. A version or a
/// prefix may be missing, too many, or another one, and there may be parts too many between others.
fn nearest<'p>(path: &str, patterns: &'p [String]) -> Option<&'p str> {
    let given = segments(path);
    if given.len() > MAX_SEGMENTS {
        return None;
    }
    let rest = given.get(1..).unwrap_or_default();
    let versioned = [&["v1"], &*given].concat();
    let elsewhere = [&["v1"], rest].concat();
    let below = below_organization(&given);
    let readings = [&below, &*given, &versioned, rest, &elsewhere];
    let like = |reading: &[&str]| best(patterns, |known| likeness(reading, known));
    let inside = |reading: &[&str]| best(patterns, |known| shortened(reading, known));
    let near = readings.into_iter().find_map(like);
    near.or_else(|| readings.into_iter().find_map(inside))
}

/// The one of `patterns` that `rate` rates highest.
fn best(patterns: &[String], rate: impl Fn(&[&str]) -> Option<usize>) -> Option<&str> {
    let rated = patterns
        .iter()
        .filter_map(|pattern| Some((rate(&segments(pattern))?, pattern)));
    let best = rated.max_by_key(|(rating, _)| *rating);
    best.map(|(_, pattern)| pattern.as_str())
}

/// The path of what is meant by `given`, which has an invitation or all of them, and leaves out the
/// organization that they belong to; empty: it is another path.
fn below_organization<'g>(given: &[&'g str]) -> Vec<&'g str> {
    let at = given.iter().position(|part| *part == "invitations");
    let of_invitations = at.and_then(|at| given.get(at..)).unwrap_or_default();
    let (first, id) = (of_invitations.first(), of_invitations.get(1));
    let is_meant = first.is_some() && id.is_none_or(|id| parse_id(id).is_some());
    if !is_meant || given.contains(&"organizations") {
        return Vec::new();
    }
    [&["v1", "organizations", "{organizationId}"], of_invitations].concat()
}

/// The parts of a path, which may be empty. A slash behind it begins none.
fn segments(path: &str) -> Vec<&str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').skip(1).collect()
}

/// How like a path is to a pattern, in parts that are the same; none: not at all.
fn likeness(given: &[&str], pattern: &[&str]) -> Option<usize> {
    if given.len() != pattern.len() {
        return None;
    }
    let mut same = 0;
    for (given, known) in given.iter().zip(pattern) {
        if given == known {
            same += 1;
        } else if !known.starts_with('{') {
            is_alike_in_paths(given, known).then_some(())?;
        }
    }
    // What only has names in common with it is another path.
    (same > 0).then_some(same)
}

/// How many parts a pattern without names has, where a path has all of them and others between:
/// `/v1/invitations/decline` needs no organization and no id.
fn shortened(given: &[&str], pattern: &[&str]) -> Option<usize> {
    let mut left = given.iter();
    let is_inside = pattern.iter().all(|known| left.any(|given| given == known));
    let is_meant = is_inside && pattern.len() > 1 && given.last() == pattern.last();
    is_meant.then_some(pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_path_is_found_where_there_is_one() {
        let one = "/v1/organizations/{organizationId}";
        let list = "/v1/organizations/{organizationId}/invitations";
        let invitation = "/v1/organizations/{organizationId}/invitations/{invitationId}";
        let resend = "/v1/organizations/{organizationId}/invitations/{invitationId}/resend";
        let explain = "/v1/organizations/{organizationId}/invitations/{invitationId}/explain";
        let (look_up, decline) = ("/v1/invitations/lookup", "/v1/invitations/decline");
        let (keys, reset) = ("/v1/keys", "/dev/reset");
        let patterns = [
            one, list, invitation, resend, explain, look_up, decline, keys, reset, "/readyz",
        ];
        let patterns = patterns.map(str::to_owned);
        for (path, near) in [
            ("/v1/organization/acme/invitations", Some(list)),
            ("/organizations/acme/invitations", Some(list)),
            ("/v1/organizations/acme/invitations/", Some(list)),
            ("/v2/organizations/acme/invitations", Some(list)),
            ("/api/v1/organizations/acme/invitations", Some(list)),
            ("/api/organizations/acme", Some(one)),
            ("/v1/organizations/acme/invitations/x/resnd", Some(resend)),
            ("/v1/invitations", Some(list)),
            (
                "/v1/invitations/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
                Some(invitation),
            ),
            (
                "/invitations/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f/resend",
                Some(resend),
            ),
            ("/v1/invitations/lokup", Some(look_up)),
            ("/v1/Keys", Some(keys)),
            ("/v1/key", Some(keys)),
            ("//v1/keys", Some(keys)),
            ("/v1//keys", Some(keys)),
            ("/v1/organization//invitations", Some(list)),
            ("/organizations//invitations", Some(list)),
            ("/v1/organizations/acme/keys", Some(keys)),
            ("/v1/organizations/acme/invite", Some(list)),
            (
                "/v1/organizations/acme/invitations/x/decline",
                Some(decline),
            ),
            ("/organizations/acme/invitations/x/decline", Some(decline)),
            (
                "/v1/invitations/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f/decline",
                Some(decline),
            ),
            ("/v1/organizations/acme/invitations/x/cancel", None),
            ("/v1/invitations/verify", None),
            ("/dev/events", None),
            ("/dev/rest", Some(reset)),
            ("/foo/bar", None),
            ("/", None),
            ("//", None),
            ("/v1/organizations/acme/invitations/x/y/z", None),
        ] {
            assert_eq!(nearest(path, &patterns), near, "{path}");
        }
        assert_eq!(nearest(&"/a".repeat(4_000), &patterns), None);
    }
    #[test]
    fn an_id_that_is_empty_is_named() {
        let list = "/v1/organizations/{organizationId}/invitations";
        let resend = "/v1/organizations/{organizationId}/invitations/{invitationId}/resend";
        let patterns = [list, resend, "/v1/keys", "/openapi/{part}.json"].map(str::to_owned);
        for (path, expected) in [
            (
                "/v1/organizations//invitations",
                Some(("organization", list)),
            ),
            (
                "/v1/organizations//invitations/",
                Some(("organization", list)),
            ),
            (
                "/v1/organizations/acme/invitations//resend",
                Some(("invitation", resend)),
            ),
            (
                "/v1/organizations//invitations//resend",
                Some(("organization", resend)),
            ),
            ("/v1/organizations/acme/invitations/", None),
            ("/v1//keys", None),
            ("//v1/keys", None),
            ("//", None),
            ("/", None),
        ] {
            assert_eq!(empty_id(path, &patterns), expected, "{path}");
        }
    }
}
