//! The kinds of callers, and what each of them gets from an operation.

use invited::base::clock::Timestamp;
use invited::key::token::PlainKey;
use invited::key::{Scope, store};

use super::operations::{Needs, Operation};
use crate::support::{START, TestApp, forged};

/// What a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody: there is no key.
    None,
    /// A key that is no good.
    Dead,
    /// A good key of another organization.
    Foreign(&'static [Scope]),
    /// A good key of this organization.
    Own(&'static [Scope]),
    /// A good key of every organization.
    Everywhere(&'static [Scope]),
}

/// Everything but administration.
const ALL_BUT_ADMIN: &[Scope] = &[
    Scope::Read,
    Scope::Write,
    Scope::Accept,
    Scope::Link,
    Scope::Deliveries,
];

/// A caller: a name, a key, what it is.
pub type Caller = (&'static str, Option<String>, Kind);

/// The callers of the matrix.
pub fn callers(app: &TestApp) -> Vec<Caller> {
    let revoked = app.key(&Scope::ALL, &[], None);
    let id = PlainKey::parse(&revoked).expect("a key").id;
    assert_eq!(
        invited::db::write_file(&app.database, |tx| store::revoke(tx, &id)),
        Ok(true)
    );
    let expired = app.key(&Scope::ALL, &["acme"], Some(Timestamp::from_millis(START)));
    let own = |name, scopes: &'static [Scope]| {
        (
            name,
            Some(app.key(scopes, &["acme"], None)),
            Kind::Own(scopes),
        )
    };
    let foreign = |name, scopes: &'static [Scope]| {
        (
            name,
            Some(app.key(scopes, &["globex"], None)),
            Kind::Foreign(scopes),
        )
    };
    vec![
        ("nobody", None, Kind::None),
        (
            "malformed",
            Some(format!("ivk_{}_{}", "0".repeat(16), "0".repeat(72))),
            Kind::Dead,
        ),
        ("unknown", Some(forged(&"0".repeat(16))), Kind::Dead),
        (
            "the id of the admin with another secret",
            Some(forged(&app.key[4..20])),
            Kind::Dead,
        ),
        ("expired", Some(expired), Kind::Dead),
        ("revoked", Some(revoked), Kind::Dead),
        foreign("of another organization", ALL_BUT_ADMIN),
        foreign("for reading another organization", &[Scope::Read]),
        foreign("admin of another organization", &[Scope::Admin]),
        own("for reading", &[Scope::Read]),
        own("for writing", &[Scope::Write]),
        own("for accepting", &[Scope::Accept]),
        own("for links", &[Scope::Link]),
        own("for bounces", &[Scope::Deliveries]),
        own("for everything but administration", ALL_BUT_ADMIN),
        own("admin of the organization", &[Scope::Admin]),
        (
            "for everything but administration, everywhere",
            Some(app.key(ALL_BUT_ADMIN, &[], None)),
            Kind::Everywhere(ALL_BUT_ADMIN),
        ),
        (
            "admin",
            Some(app.key.clone()),
            Kind::Everywhere(&[Scope::Admin]),
        ),
    ]
}

/// Whether `scopes` have what is needed: `admin` is everything.
pub fn has(scopes: &[Scope], scope: Scope) -> bool {
    scopes.contains(&scope) || scopes.contains(&Scope::Admin)
}

/// The status that a caller gets, 200 for every success.
pub fn expected(operation: &Operation, kind: Kind) -> u16 {
    let by_scope = |scopes, scope| if has(scopes, scope) { 200 } else { 403 };
    match (operation.needs, kind) {
        (Needs::Nothing, _) => 200,
        (Needs::Development, Kind::None | Kind::Dead) | (_, Kind::Dead) => 401,
        (Needs::Development, _) => 404,
        // A link is for whoever has it, and the example's proof is a wrong code.
        (Needs::Token, _) if operation.id == "lookupInvitation" => 200,
        (Needs::Token, _) if operation.id == "requestInvitationCode" => 200,
        (Needs::Token, _) => 404,
        (_, Kind::None) => 401,
        // It is about the server as a whole.
        (_, Kind::Own(&[Scope::Admin])) if operation.id == "listFindings" => 404,
        (Needs::Anywhere(Scope::Metrics), Kind::Own(scopes) | Kind::Foreign(scopes))
            if has(scopes, Scope::Metrics) =>
        {
            404
        }
        (Needs::InOrganization(_), Kind::Foreign(_)) => 404,
        // Its body names an invitation of acme.
        (Needs::Anywhere(Scope::Deliveries), Kind::Foreign(scopes))
            if has(scopes, Scope::Deliveries) =>
        {
            404
        }
        // A key can make only keys that are bound as it is; the example names acme.
        (Needs::Anywhere(Scope::Admin), Kind::Foreign(scopes)) if has(scopes, Scope::Admin) => {
            match &*operation.id {
                "createKey" => 403,
                "createWebhook" => 422,
                "listAudit" | "listKeys" | "listWebhooks" | "eraseAddress" | "listMailQueue"
                | "retryMail" => 200,
                _ => 404,
            }
        }
        (
            Needs::InOrganization(scope) | Needs::Anywhere(scope),
            Kind::Own(scopes) | Kind::Foreign(scopes) | Kind::Everywhere(scopes),
        ) => by_scope(scopes, scope),
    }
}
