//! The HTTP of answers: what the invited person does with the link.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, REDEMPTION, WITH_KEY, WITHOUT_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::db::WriteTx;
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::Json;
use crate::http::optional_caller::OptionalCaller;
use crate::http::params::Once;
use crate::http::query::NoQuery;
use crate::idempotency::{self, StoredResponse};
use crate::invitation::accept::Subject;
use crate::invitation::link::{self, LinkToken};
use crate::invitation::transition::{Audience, Change, CurrentInvitation};
use crate::invitation::{self, Invitation, Status, code, json};
use crate::key::Scope;
use crate::oidc::Identity;
use crate::organization;
use crate::policy::Sending;
use crate::redemption::answered::Answered;
use crate::redemption::proof::{AnswerBody, CodeBody, LookupBody, Proof, parse_token, rejected};
use crate::redemption::{Attempt, Claim, Preview, acceptance_of, store};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_lookup,
            lookup,
            &[COMMON, WITHOUT_KEY, BODY, &[Code::Unauthorized]],
        )
        .public(),
        Operation::new(
            __path_request_code,
            request_code,
            &[
                COMMON,
                WITHOUT_KEY,
                WRITING,
                BODY,
                &[
                    Code::Unauthorized,
                    Code::StatusConflict,
                    Code::IdempotencyKeyReused,
                ],
            ],
        )
        .public(),
        Operation::new(
            __path_accept,
            accept,
            &[COMMON, WITH_KEY, WRITING, BODY, REDEMPTION],
        )
        .public(),
        Operation::new(
            __path_decline,
            decline,
            &[COMMON, WITH_KEY, WRITING, BODY, REDEMPTION],
        )
        .public(),
    ]
}

/// The answer to a request for a code: the same bytes, whether or not the address was invited.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CodeSent {
    /// For how many seconds a code can be answered, if one was sent.
    pub expires_in: i64,
}

/// `POST /v1/invitations/lookup` without a key: 200 with what may be seen of the invitation, never
/// its address.
///
/// # Errors
/// 404 for a token that is unknown, altered or superseded.
#[utoipa::path(
    post,
    path = "/v1/invitations/lookup",
    operation_id = "lookupInvitation",
    tag = "Answers",
    summary = "Look at the invitation of a link",
    description = "What a page shows to whoever follows the link: never the address. It changes \
        nothing.",
    request_body(content = LookupBody,
        example = json!({"token": crate::redemption::EXAMPLE_TOKEN})),
    responses(
        (status = 200, description = "What may be seen.", body = Preview,
            example = json!({"organizationId": "acme",
            "organizationName": "Acme Ltd.", "role": "developer", "inviterName": "Ada Lovelace",
            "status": "pending", "expiresAt": "2026-11-30T02:43:00.123Z",
            "acceptance": "code"})),
    ),
    security(())
)]
async fn lookup(
    _: OptionalCaller,
    _: NoQuery,
    state: Data<State>,
    body: Json<LookupBody>,
) -> Result<HttpResponse> {
    let token = parse_token(body.value.token.as_deref())?;
    Ok(HttpResponse::Ok().json(look_up(&state, &token)?))
}

/// What may be seen of the invitation that `token` opens.
///
/// # Errors
/// 404 for a token that is unknown, altered or superseded.
pub(super) fn look_up(state: &State, token: &LinkToken) -> Result<Preview> {
    let found = state.db.read(|reader| {
        let show = |invitation: &Invitation<'_>, organization: &_| {
            let settings = organization::store::get_settings(reader, organization)?;
            let acceptance = acceptance_of(token.kind, &settings, state.rules.acceptance);
            Ok(Preview {
                acceptance: (invitation.status == Status::Pending).then_some(acceptance),
                ..Preview::of(invitation, settings)
            })
        };
        store::open(reader, reader.now, &state.keyring, token, show)
    })?;
    found.ok_or_else(link::opens_nothing)
}

/// `POST /v1/invitations/code` without a key: 202, with the same bytes whether or not the address
/// was invited.
///
/// # Errors
/// 404 for a token that is unknown, altered or superseded, 409 where the invitation is not pending.
#[utoipa::path(
    post,
    path = "/v1/invitations/code",
    operation_id = "requestInvitationCode",
    tag = "Answers",
    summary = "Ask for a code",
    description = "Makes a 6-digit code for the address, if it is the invited one, in place of an \
        earlier one. The answer is the same either way. With a token that was mailed (`ivm_`) \
        the address can be left out. A code lives 10 minutes and dies with its fifth wrong \
        answer; the invitation stays. It is sent by mail; a server without mail sends none.",
    params(Once),
    request_body(content = CodeBody,
        example = json!({"token": crate::redemption::EXAMPLE_TOKEN,
            "email": "new.user@example.com"})),
    responses(
        (status = 202, description = "If the address was invited, a code is on its way to it.",
            body = CodeSent,
            headers(("Idempotency-Replayed" = String, description = "`true` where this is a \
                stored answer.")),
            example = json!({"expiresIn": 600})),
    ),
    security(())
)]
async fn request_code(
    visitor: OptionalCaller,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<CodeBody>,
) -> Result<HttpResponse> {
    let answer = send_code(&visitor, &state, body.value, key, body.hash).await?;
    Ok(stored::head(&answer).body(answer.body))
}

/// Sends a code where the address of `body` was invited. `key` and `hash` tell a repeated request.
///
/// # Errors
/// Those of `requestInvitationCode`.
pub(super) async fn send_code(
    visitor: &OptionalCaller,
    state: &State,
    body: CodeBody,
    key: IdempotencyKey,
    hash: Option<[u8; 32]>,
) -> Result<StoredResponse> {
    let (token, email) = body.parse(state.rules.hosts)?;
    let ticket = key.of_link(token.id).ticket_of(visitor.actor(), hash);
    let keyring = state.keyring.clone();
    let Sending {
        limits, has_mail, ..
    } = state.rules.sending.clone();
    let audience = Audience::by_link(visitor.has_key);
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            let show = |invitation: &Invitation<'_>, organization: &_| {
                Ok(CurrentInvitation::of(organization, invitation))
            };
            let present =
                store::open(tx, tx.now, &keyring, &token, show)?.ok_or_else(link::opens_nothing)?;
            Change::Accept.check_for(&present, audience)?;
            let email = email.as_ref().unwrap_or(&present.email);
            limits.count_code(present.id, email)?;
            // Only mail to the invited address is ever sent. That it is enough is told to nobody.
            let is_mailed = has_mail
                && (*email != present.email
                    || limits.count_mail(&present.organization, email).is_ok());
            code::request(tx, &keyring, &present, email, is_mailed)?;
            let body = serde_json::to_vec(&CodeSent {
                expires_in: code::LIFETIME_SECONDS,
            })
            .map_err(Error::internal)?;
            Ok(StoredResponse {
                status: 202,
                location: None,
                body,
                organization: Some(present.organization),
                replayed: false,
            })
        })
    };
    visitor.author().write(&state.db, job).await
}

/// `POST /v1/invitations/accept` with a proof: 200. With a key the invitation, else what may be
/// seen of it.
///
/// # Errors
/// 401 without any proof, 403 where another address was invited, 404 for a token or a code that
/// does not hold, 409 where the invitation is not pending.
#[utoipa::path(
    post,
    path = "/v1/invitations/accept",
    operation_id = "acceptInvitationByToken",
    tag = "Answers",
    summary = "Accept by the link",
    description = "With a key that has `invitations:accept`, the application vouches for `email`, \
        and the answer is the whole invitation. Without one, the person proves the address, by a \
        mailed token (`ivm_`) only where a lookup says `mailed-link`, and the answer is what a \
        lookup shows.",
    params(Once),
    request_body(content = AnswerBody,
        example = json!({"token": crate::redemption::EXAMPLE_TOKEN, "email": "new.user@example.com",
        "code": "123456"})),
    responses(
        (status = 200, description = "It is accepted.", body = Answered,
            headers(("Idempotency-Replayed" = String, description = "`true` where this is a \
                stored answer.")),
            example = json!({"organizationId": "acme", "role": "developer",
                "inviterName": "Ada Lovelace", "status": "accepted",
            "expiresAt": "2026-11-30T02:43:00.123Z"})),
    ),
    security((), ("key" = []), ("basic" = []))
)]
async fn accept(
    visitor: OptionalCaller,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<AnswerBody>,
) -> Result<HttpResponse> {
    let answered = answer(&visitor, &state, body.value, Change::Accept, key, body.hash).await?;
    Ok(stored::head(&answered).body(answered.body))
}

/// `POST /v1/invitations/decline` with the same proofs as an acceptance: 200.
///
/// # Errors
/// Those of an acceptance.
#[utoipa::path(
    post,
    path = "/v1/invitations/decline",
    operation_id = "declineInvitationByToken",
    tag = "Answers",
    summary = "Decline by the link",
    description = "With the same proofs as an acceptance.",
    params(Once),
    request_body(content = AnswerBody,
        example = json!({"token": crate::redemption::EXAMPLE_TOKEN, "email": "new.user@example.com",
        "code": "123456"})),
    responses(
        (status = 200, description = "It is declined.", body = Answered,
            headers(("Idempotency-Replayed" = String, description = "`true` where this is a \
                stored answer.")),
            example = json!({"organizationId": "acme", "role": "developer", "status": "declined",
            "expiresAt": "2026-11-30T02:43:00.123Z"})),
    ),
    security((), ("key" = []), ("basic" = []))
)]
async fn decline(
    visitor: OptionalCaller,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<AnswerBody>,
) -> Result<HttpResponse> {
    let answered = answer(
        &visitor,
        &state,
        body.value,
        Change::Decline,
        key,
        body.hash,
    )
    .await?;
    Ok(stored::head(&answered).body(answered.body))
}

/// Answers an invitation by `change`. `key` and `hash` tell a repeated request.
///
/// # Errors
/// Those of `acceptInvitationByToken`.
pub(super) async fn answer(
    visitor: &OptionalCaller,
    state: &State,
    body: AnswerBody,
    change: Change,
    key: IdempotencyKey,
    hash: Option<[u8; 32]>,
) -> Result<StoredResponse> {
    body.check_form()?;
    // Who may not vouch is not told what is wrong with the rest.
    let rights = if body.is_by_application(visitor.has_key) {
        Some(visitor.require(Scope::Accept)?.rights.clone())
    } else {
        None
    };
    let link_text = body.token.clone().unwrap_or_default();
    let (token, proof) = body.parse(state.rules.hosts)?;
    let ticket = key.of_link(token.id).ticket_of(visitor.actor(), hash);
    let claim = match proof {
        Proof::Vouched(subject) => Claim::Proven(subject),
        Proof::MailedLink { subject } => Claim::MailedLink { subject },
        Proof::Code { email, code } => Claim::Code { email, code },
        Proof::IdToken(id_token) => match identify(state, &id_token, &link_text).await {
            Ok(subject) => Claim::Proven(subject),
            Err(error) => return idempotency::answered(&state.db, ticket.as_ref(), error),
        },
    };
    let author = visitor.author();
    let attempt = Attempt {
        token,
        change,
        claim,
        acceptance: state.rules.acceptance,
        rights,
        sending: state.rules.sending.clone(),
        origin: visitor.origin(),
    };
    let keyring = state.keyring.clone();
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once_if(tx, ticket.as_ref(), || {
            let answered = attempt.run(tx, &keyring)?;
            let is_vouched = attempt.rights.is_some();
            answered
                .map(|present| response(tx, present, is_vouched))
                .transpose()
        })
    };
    author.write(&state.db, job).await?.ok_or_else(rejected)
}

/// The person of an id token that is bound to the link with the token `link_text`.
async fn identify(state: &State, id_token: &str, link_text: &str) -> Result<Subject> {
    let (now, hosts) = (state.db.now(), state.rules.hosts);
    let identity = state.oidc.verify(id_token, now, hosts).await?;
    identity.check_nonce(&state.oidc, link_text)?;
    let Identity { subject, email, .. } = identity;
    Ok(Subject {
        email,
        id: Some(subject),
    })
}

/// The response about an invitation that was answered: all of it for an application that vouches.
fn response(
    tx: &WriteTx<'_>,
    present: CurrentInvitation,
    is_vouched: bool,
) -> Result<StoredResponse> {
    let CurrentInvitation {
        organization, id, ..
    } = present;
    let settings = organization::store::get_settings(tx, &organization)?;
    let show = |invitation: &Invitation<'_>| {
        if is_vouched {
            json::to_bytes(invitation)
        } else {
            serde_json::to_vec(&Preview::of(invitation, settings)).map_err(Error::internal)
        }
    };
    let body = invitation::store::find(tx, tx.now, &organization, id, show)?;
    Ok(StoredResponse {
        status: 200,
        location: None,
        body: body.ok_or_else(Error::not_found)?,
        organization: Some(organization),
        replayed: false,
    })
}
