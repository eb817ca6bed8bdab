//! JSON bodies: what is accepted is within the limits and the same when it is sent again, and an
//! error names what is there.

use invited::base::clock::Timestamp;
use invited::base::email::Hosts;
use invited::base::error::problem::Problem;
use invited::base::error::{Code, Error, FieldCode, FieldError};
use invited::base::json;
use invited::base::organization_id::OrganizationId;
use invited::base::role::Role;
use invited::base::text::{hides_something, is_visible};
use invited::http::etag::EtagKey;
use invited::invitation;
use invited::invitation::batch::{Batch, BatchBody};
use invited::invitation::inviter::InviterBody;
use invited::invitation::new::{CreateBody, Expiry, NewInvitation};
use invited::invitation::update::{Patch, UpdateBody};
use invited::key::new::KeyBody;
use invited::key::{NewKey, Rights};
use invited::organization::settings::{Settings, SettingsBody};
use invited::policy::acceptance::Acceptance;
use invited::policy::{MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS, Rules, Sending};
use invited::webhook::guard::Guard;
use invited::webhook::new::{NewWebhook, WebhookBody, WebhookPatch, WebhookPatchBody};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

/// The most bytes of a URL.
const MAX_URL: usize = 2048;
/// The most characters of the parser's words and of the body's own names in an error.
const MAX_QUOTED: usize = 200;

/// Checks `data` as the body of each operation.
pub fn check(data: &[u8]) {
    let body = Body {
        bytes: data,
        document: serde_json::from_slice(data).ok(),
        rules: rules(),
    };
    body.check_create();
    body.check_batch();
    body.check_patch();
    body.check_settings();
    body.check_webhook();
    body.check_webhook_patch();
    body.check_key();
}

/// What a server allows whose people come from and go to one application.
fn rules() -> Rules {
    Rules {
        default_lifetime_seconds: 604_800,
        roles: Vec::new(),
        redirect_origins: Url::parse("https://app.example.com")
            .ok()
            .map(|url| vec![url.origin()]),
        hosts: Hosts::Dotted,
        sending: Sending::default(),
        acceptance: Acceptance::MailedLink,
    }
}

/// The time at which everything is read.
fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

/// The organization that everything is for.
fn organization() -> OrganizationId {
    OrganizationId::parse("acme").expect("an id")
}

/// A body, and what it is read by.
struct Body<'a> {
    /// As it came.
    bytes: &'a [u8],
    /// As any JSON, where it is that.
    document: Option<Value>,
    /// What the server allows.
    rules: Rules,
}

impl Body<'_> {
    /// Reads the body, and then checks what it says by `parse`; an error of either is looked at.
    fn read<B: DeserializeOwned, T>(&self, parse: impl FnOnce(B) -> Result<T, Error>) -> Option<T> {
        let parsed = json::parse::<B>(self.bytes).and_then(parse);
        parsed.map_err(|error| self.check_error(&error)).ok()
    }

    /// Checks that an error is the caller's to mend, and that what it points to is there.
    fn check_error(&self, error: &Error) {
        let is_callers = matches!(
            error.code,
            Code::InvalidJson | Code::UnknownField | Code::ValidationFailed
        );
        assert!(is_callers && error.cause.is_none(), "{error:?}");
        assert!(
            error.code == Code::InvalidJson || !error.fields.is_empty(),
            "{error:?}"
        );
        let problem = serde_json::to_value(Problem::of(error, "id")).expect("a document");
        assert!(
            problem["status"]
                .as_u64()
                .is_some_and(|status| (400..500).contains(&status)),
            "{problem}"
        );
        error
            .fields
            .iter()
            .for_each(|field| self.check_field(field));
    }

    /// Checks that `field` points into the body.
    fn check_field(&self, field: &FieldError) {
        let pointer = &*field.pointer;
        assert!(
            pointer.starts_with('/') && pointer.chars().count() <= MAX_QUOTED,
            "{field:?}"
        );
        let is_whole = pointer.chars().count() < MAX_QUOTED && field.code != FieldCode::Required;
        if let Some(document) = self.document.as_ref().filter(|_| is_whole) {
            assert!(
                document.pointer(pointer).is_some(),
                "{field:?} is not in {document}"
            );
        }
    }

    /// Checks the body as an invitation to make.
    fn check_create(&self) {
        let parse = |body| NewInvitation::parse(organization(), body, &self.rules, now());
        let Some(new) = self.read(parse) else {
            return;
        };
        check_invitation(&new);
        let sent = self
            .document
            .as_ref()
            .and_then(|document| document.get("metadata"))
            .filter(|sent| !sent.is_null());
        assert_eq!(
            new.metadata.as_deref().map(map).map(Value::Object).as_ref(),
            sent,
            "metadata are kept as they came"
        );
        let again = parse(as_sent(&new)).expect("what is shown is accepted");
        assert_eq!(shown(&again), shown(&new), "what is shown is a fixed point");
        assert_eq!(again.note, new.note);
    }

    /// Checks the body as many invitations.
    fn check_batch(&self) {
        let parse = |body| Batch::parse(&organization(), body, &self.rules, now());
        if let Some(batch) = self.read::<BatchBody, _>(parse) {
            assert!((1..=1000).contains(&batch.row_count()));
            assert!(batch.emails().len() <= batch.row_count());
        }
    }

    /// Checks the body as a change of an invitation.
    fn check_patch(&self) {
        let parse = |body: UpdateBody| Patch::parse(body, &self.rules, now());
        let Some(patch) = self.read(parse) else {
            return;
        };
        patch.role.iter().for_each(check_role);
        patch.expiry.into_iter().for_each(check_expiry);
        patch
            .metadata
            .iter()
            .flatten()
            .for_each(|text| check_metadata(text));
        patch
            .redirect_url
            .iter()
            .flatten()
            .for_each(|url| check_url(url));
    }

    /// Checks the body as the settings of an organization.
    fn check_settings(&self) {
        let parse = |body: SettingsBody| Settings::parse(body, &self.rules);
        let Some(settings) = self.read(parse) else {
            return;
        };
        let stored = serde_json::to_string(&settings).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Settings>(&stored).ok().as_ref(),
            Some(&settings),
            "as it was stored"
        );
        let again = json::parse(stored.as_bytes())
            .and_then(parse)
            .expect("what is shown is accepted");
        assert_eq!(again, settings, "what is shown is a fixed point");
        settings.name.iter().for_each(|name| check_name(name, 100));
        let sender = settings.mail_from_name.iter();
        sender.for_each(|name| check_name(name, 100));
        settings.accept_url.iter().for_each(|url| check_url(url));
        assert!(
            settings
                .max_pending
                .is_none_or(|most| (1..=1_000_000).contains(&most))
        );
        assert!(
            settings
                .roles
                .is_none_or(|roles| (1..=100).contains(&roles.len()))
        );
    }

    /// Checks the body as a webhook.
    fn check_webhook(&self) {
        let guard = Guard::new(&[], false);
        let parse = |body: WebhookBody| NewWebhook::parse(&body, &Rights::ALL, &guard);
        if let Some(webhook) = self.read(parse) {
            check_endpoint(&webhook.url, &guard);
            assert!(webhook.types.is_none_or(|types| !types.is_empty()));
            webhook
                .description
                .iter()
                .for_each(|text| check_name(text, 200));
        }
    }

    /// Checks the body as a change of a webhook.
    fn check_webhook_patch(&self) {
        let guard = Guard::new(&[], false);
        let parse = |body: WebhookPatchBody| WebhookPatch::parse(&body, &guard);
        if let Some(patch) = self.read(parse) {
            patch.url.iter().for_each(|url| check_endpoint(url, &guard));
            assert!(patch.types.flatten().is_none_or(|types| !types.is_empty()));
            patch
                .description
                .iter()
                .flatten()
                .for_each(|text| check_name(text, 200));
        }
    }

    /// Checks the body as an API key.
    fn check_key(&self) {
        let parse = |body: KeyBody| NewKey::parse(&body, now());
        if let Some(key) = self.read(parse) {
            check_name(&key.name, 100);
            assert!(key.expires_at.is_none_or(|end| end > now()));
            assert!(key.rights.organizations.is_none_or(|list| !list.is_empty()));
            key.rights.roles.iter().flatten().for_each(check_role);
        }
    }
}

/// Checks that an invitation is within the limits.
fn check_invitation(new: &NewInvitation) {
    check_address(new.email.as_str());
    check_role(&new.role);
    check_expiry(new.expiry);
    new.metadata.iter().for_each(|text| check_metadata(text));
    new.redirect_url.iter().for_each(|url| check_url(url));
    let (id, name) = (new.inviter.id.iter(), new.inviter.name.iter());
    id.chain(name).for_each(|text| check_name(text, 100));
    new.inviter
        .email
        .iter()
        .for_each(|email| check_address(email));
    let note = new.note.as_ref().map(|note| note.replace('\n', " "));
    note.iter().for_each(|note| check_name(note, 500));
    let bytes = shown(new);
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["email"], new.email.as_str());
    let etags = EtagKey::new([7; 16]);
    assert_eq!(etags.tag(&bytes), etags.tag(&bytes));
}

/// Checks that an address is in its normal form.
fn check_address(text: &str) {
    let again = invited::base::email::Email::parse(text, Hosts::Dotted);
    assert!(again.is_ok_and(|email| email.as_str() == text), "{text}");
}

/// Checks the form of a role.
fn check_role(role: &Role) {
    assert!(
        (1..=64).contains(&role.as_str().len()) && Role::is_valid(role.as_str()),
        "{role:?}"
    );
}

/// Checks that an invitation ends neither too soon nor too late.
fn check_expiry(expiry: Expiry) {
    let range = now().plus_seconds(MIN_LIFETIME_SECONDS)..=now().plus_seconds(MAX_LIFETIME_SECONDS);
    assert!(range.contains(&expiry.from(now())), "{expiry:?}");
}

/// Checks that metadata are small enough, and are the same when they are sent again.
fn check_metadata(text: &str) {
    assert!(text.len() <= 4096, "{}", text.len());
    assert_eq!(
        serde_json::to_string(&map(text)).ok().as_deref(),
        Some(text),
        "its text is a fixed point"
    );
}

/// The object that is written in `text`.
fn map(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).expect("an object")
}

/// Checks that a URL of the application is one of its origin, within the limit, in its normal form.
fn check_url(text: &str) {
    let url = Url::parse(text).expect("a URL");
    assert!(text.len() <= MAX_URL, "{} bytes", text.len());
    assert!(
        url.as_str() == text && rules().redirect_origins == Some(vec![url.origin()]),
        "{text}"
    );
}

/// Checks that a webhook's URL may be reached, within the limit, in its normal form.
fn check_endpoint(url: &Url, guard: &Guard) {
    let again = Url::parse(url.as_str()).expect("a URL");
    assert!(
        again == *url && url.as_str().len() <= MAX_URL && guard.check(url).is_ok(),
        "{url}"
    );
    assert!(
        url.scheme() == "https" && url.username().is_empty() && url.fragment().is_none(),
        "{url}"
    );
}

/// Checks a text that people read.
fn check_name(text: &str, max: usize) {
    assert!(
        text.chars().count() <= max && is_visible(text) && !hides_something(text),
        "{text:?}"
    );
}

/// The invitation as the API shows it.
fn shown(new: &NewInvitation) -> Vec<u8> {
    let end = new.expiry.from(now());
    invitation::json::to_bytes(&new.created(Uuid::nil(), now(), end)).expect("JSON")
}

/// The body that says what `new` is.
fn as_sent(new: &NewInvitation) -> CreateBody {
    let inviter = &new.inviter;
    CreateBody {
        email: Some(new.email.as_str().to_owned()),
        role: Some(new.role.as_str().to_owned()),
        expires_at: Some(new.expiry.from(now()).to_string()),
        metadata: new.metadata.as_deref().map(map),
        redirect_url: new.redirect_url.clone(),
        locale: new.locale.clone(),
        inviter: Some(InviterBody {
            id: inviter.id.clone(),
            name: inviter.name.clone(),
            email: inviter.email.clone(),
        }),
        note: new.note.clone(),
        ..CreateBody::default()
    }
}
