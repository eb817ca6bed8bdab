//! The HTTP of an invitation's life, for those who hold a key.

use actix_web::HttpResponse;
use actix_web::web::Data;
use uuid::Uuid;

use super::bodies::{AcceptBody, ResendBody, SecretLink};
use super::target::{Target, check_version};
use crate::api::error_responses::{BODY, CHANGING, COMMON, CREATING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::http::auth::{Accept, Link, OrganizationAccess, Write};
use crate::http::etag::Conditions;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::{Json, NoBody, OptionalJson};
use crate::http::params::{OfInvitation, Once, OnlyVersion};
use crate::http::path::InvitationId;
use crate::http::query::NoQuery;
use crate::invitation::accept::{self, Subject};
use crate::invitation::link::TokenKind;
use crate::invitation::transition::{self, Audience, Change, CurrentInvitation};
use crate::invitation::update::{self, Patch, UpdateBody};
use crate::invitation::{Invitation, link as links, new, renew, store};
use crate::organization;
use crate::redemption;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_update,
            update,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                CHANGING,
                &[Code::RoleNotGrantable],
            ],
        ),
        Operation::new(
            __path_resend,
            resend,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                CHANGING,
                CREATING,
                &[Code::ResendTooSoon],
            ],
        ),
        Operation::new(
            __path_revoke,
            revoke,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                CHANGING,
                &[Code::IdempotencyKeyReused, Code::RoleNotGrantable],
            ],
        ),
        Operation::new(
            __path_accept,
            accept,
            &[
                COMMON,
                WITH_KEY,
                WRITING,
                BODY,
                CHANGING,
                &[
                    Code::EmailMismatch,
                    Code::IdempotencyKeyReused,
                    Code::RoleNotGrantable,
                ],
            ],
        ),
        Operation::new(
            __path_link,
            link,
            &[COMMON, WITH_KEY, BODY, &[Code::StatusConflict]],
        ),
    ]
}

/// `PATCH /v1/organizations/{organizationId}/invitations/{invitationId}` with `invitations:write`:
/// 200 with the invitation.
///
/// # Errors
/// 403 for a role above the key's, 404 where there is none, 409 where it is not pending, 412 for
/// another version, 422 with everything that is not acceptable.
#[utoipa::path(
    patch,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}",
    operation_id = "updateInvitation",
    tag = "Invitations",
    summary = "Change a pending invitation",
    description = "Changes what is given: role, expiry, metadata, redirect URL, language; never \
        the address.",
    params(OfInvitation, OnlyVersion),
    request_body(content = UpdateBody, example = json!({"role": "admin", "expiresIn": 86400})),
    responses(
        (status = 200, description = "The invitation as it is now.", body = Invitation<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::invitation::example())),
    )
)]
async fn update(
    access: OrganizationAccess<Write>,
    id: InvitationId,
    _: NoQuery,
    conditions: Conditions,
    state: Data<State>,
    body: Result<Json<UpdateBody>>,
) -> Result<HttpResponse> {
    let body = body.map_err(update::with_reason)?;
    let patch = Patch::parse(body.value, &state.rules, state.db.now())?;
    let change = move |tx: &WriteTx<'_>, target: &Target| {
        let check = |invitation: &Invitation<'_>| check_version(&conditions, invitation);
        update::update(
            tx,
            &target.organization,
            target.id,
            &patch,
            &target.by,
            check,
        )
    };
    Target::new(access, id, None).change(&state, change).await
}

/// `POST /v1/organizations/{organizationId}/invitations/{invitationId}/resend` with
/// `invitations:write`: 200 with the invitation.
///
/// # Errors
/// 404 where there is none, 409 where it was answered or revoked, or another one stands for the
/// address, 429 within the cool-down.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}/resend",
    operation_id = "resendInvitation",
    tag = "Invitations",
    summary = "Send an invitation again",
    description = "The same id with a new link and a new expiry; the old link is worthless at \
        once. A pending or an expired one, not within the cool-down.",
    params(OfInvitation, OnlyVersion, Once),
    request_body(content = Option<ResendBody>, example = json!({"expiresIn": 604800})),
    responses(
        (status = 200, description = "The invitation as it is now.", body = Invitation<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::invitation::example())),
    )
)]
async fn resend(
    access: OrganizationAccess<Write>,
    id: InvitationId,
    _: NoQuery,
    conditions: Conditions,
    key: IdempotencyKey,
    state: Data<State>,
    body: OptionalJson<ResendBody>,
) -> Result<HttpResponse> {
    let OptionalJson(Json { value, hash, .. }) = body;
    let target = Target::new(access, id, Some((key, hash)));
    let expires_at = value.expires_at.as_deref();
    let (rules, now) = (&state.rules, state.db.now());
    let expiry = match new::check_expiry(value.expires_in, expires_at, rules, now) {
        Ok(expiry) => expiry,
        Err(error) => return target.answered(&state, error),
    };
    let (notify, sending) = (value.notify.unwrap_or(true), state.rules.sending.clone());
    let change = move |tx: &WriteTx<'_>, target: &Target| {
        renew::renew(
            tx,
            &target.present(tx, &conditions)?,
            expiry,
            notify,
            &sending,
            &target.by,
        )
    };
    target.change(&state, change).await
}

/// `POST /v1/organizations/{organizationId}/invitations/{invitationId}/revoke` with
/// `invitations:write`: 200 with the invitation.
///
/// # Errors
/// 403 for a role above the key's, 404 where there is none, 409 where it is not pending.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}/revoke",
    operation_id = "revokeInvitation",
    tag = "Invitations",
    summary = "Take a pending invitation back",
    description = "It stays in lists and in the history, unlike a deleted one. Its link is \
        worthless at once.",
    params(OfInvitation, OnlyVersion, Once),
    request_body(content = Option<NoBody>, example = json!({})),
    responses(
        (status = 200, description = "The revoked invitation.", body = Invitation<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::invitation::example())),
    )
)]
async fn revoke(
    access: OrganizationAccess<Write>,
    id: InvitationId,
    _: NoQuery,
    conditions: Conditions,
    key: IdempotencyKey,
    state: Data<State>,
    body: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    let change = move |tx: &WriteTx<'_>, target: &Target| {
        let present = target.present(tx, &conditions)?;
        target.by.rights.check_grant(&present.role)?;
        transition::close(tx, &present, Change::Revoke, None, &target.by.origin)
    };
    Target::new(access, id, Some((key, body.0.hash)))
        .change(&state, change)
        .await
}

/// `POST /v1/organizations/{organizationId}/invitations/{invitationId}/accept` with
/// `invitations:accept`: 200 with the invitation.
///
/// # Errors
/// 403 where another address was invited or for a role above the key's, 404 where there is none,
/// 409 where it is not pending.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}/accept",
    operation_id = "acceptInvitation",
    tag = "Invitations",
    summary = "Accept an invitation for a signed-in user",
    description = "The application vouches that its signed-in user owns `email`. Only the invited \
        address can join; another one uses nothing up.",
    params(OfInvitation, OnlyVersion, Once),
    request_body(content = AcceptBody,
        example = json!({"email": "new.user@example.com", "subject": "user_7"})),
    responses(
        (status = 200, description = "The accepted invitation.", body = Invitation<'_>,
            headers(("ETag" = String, description = "Its version.")),
            example = json!(crate::invitation::example())),
    )
)]
async fn accept(
    access: OrganizationAccess<Accept>,
    id: InvitationId,
    _: NoQuery,
    conditions: Conditions,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<AcceptBody>,
) -> Result<HttpResponse> {
    let sending = state.rules.sending.clone();
    let subject = Subject::parse(
        body.value.email.as_deref(),
        body.value.subject,
        state.rules.hosts,
    )?;
    let change = move |tx: &WriteTx<'_>, target: &Target| {
        let present = target.present(tx, &conditions)?;
        target.by.rights.check_grant(&present.role)?;
        accept::accept_or_decline(
            tx,
            &present,
            Change::Accept,
            &subject,
            &sending,
            &target.by.origin,
        )
    };
    Target::new(access, id, Some((key, body.hash)))
        .change(&state, change)
        .await
}

/// `POST /v1/organizations/{organizationId}/invitations/{invitationId}/link` with
/// `invitations:link`: 200 with the secret link.
///
/// # Errors
/// 404 where there is none, 409 where it is not pending.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/{invitationId}/link",
    operation_id = "getInvitationLink",
    tag = "Invitations",
    summary = "Get the secret link of a pending invitation",
    description = "The only response that holds a token. It proves no address, as the token of a \
        mail does. It changes nothing, and the link stays the same until the invitation is sent \
        again.",
    params(OfInvitation),
    request_body(content = Option<NoBody>, example = json!({})),
    responses(
        (status = 200, description = "The link.", body = SecretLink, example = json!({
            "token": redemption::EXAMPLE_TOKEN,
            "url": format!("http://127.0.0.1:8080/accept#{}", redemption::EXAMPLE_TOKEN),
            "expiresAt": "2026-11-30T02:43:00.123Z"
        })),
    )
)]
async fn link(
    access: OrganizationAccess<Link>,
    id: InvitationId,
    _: NoQuery,
    state: Data<State>,
    _: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    let link = find_link(&state, &access.organization, id.0)?;
    Ok(HttpResponse::Ok().json(link))
}

/// The secret link of an invitation, as whoever vouches for nobody may hand it out.
///
/// # Errors
/// [`Code::NotFound`], and [`Code::StatusConflict`] for what cannot be accepted: it has no link.
pub(crate) fn find_link(
    state: &State,
    organization: &OrganizationId,
    id: Uuid,
) -> Result<SecretLink> {
    let (present, accept_url) = state.db.read(|reader| {
        let show =
            |invitation: &Invitation<'_>| Ok(CurrentInvitation::of(organization, invitation));
        let present = store::find(reader, reader.now, organization, id, show)?;
        let settings = organization::store::get_settings(reader, organization)?;
        Ok((present, settings.accept_url))
    })?;
    let present = present.ok_or_else(Error::not_found)?;
    Change::Accept
        .check(&present)
        .map_err(|_| present.refusal("has no link", Change::Accept, Audience::Inviter))?;
    let (signing, kind) = (state.keyring.signing(), TokenKind::Given);
    let accept_url = accept_url.as_ref().unwrap_or(&state.accept_url);
    Ok(SecretLink {
        token: links::token(signing, kind, present.id, present.send_count),
        url: links::url(signing, kind, accept_url, &present),
        expires_at: present.expires_at,
    })
}
