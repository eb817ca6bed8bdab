//! The HTTP of development: its routes are in the table of `invited dev` only, and no web page of
//! another origin is answered.

pub(crate) mod faults;
pub(crate) mod mailbox;
pub(crate) mod requests;
pub(crate) mod snapshots;

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::clock::{Clock, Timestamp};
use crate::base::error::{Code, Error, Result};
use crate::base::origin::Origin;
use crate::dev::seed::{Seed, Seeded, Start};
use crate::dev::{ClockBody, ClockChange, origin_of_start, own_key, store};
use crate::http::auth::Caller;
use crate::http::host;
use crate::http::json::{Json, LARGE_BODY, Lines, NoBody, OptionalJson};
use crate::http::query::{NoQuery, Query};
use crate::http::request_id::RequestId;
use crate::invitation::query::AddressParams;
use crate::invitation::transition::CurrentInvitation;
use crate::invitation::{self, Invitation, Status, code, lapse};
use crate::key::Scope;
use crate::retention;

/// What the paths of development start with.
pub(crate) const PREFIX: &str = "/dev/";

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_get_clock,
            get_clock,
            &[
                COMMON,
                WITH_KEY,
                &[Code::OriginNotAllowed, Code::ValidationFailed],
            ],
        ),
        Operation::new(
            __path_change_clock,
            change_clock,
            &[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_list_codes,
            list_codes,
            &[
                COMMON,
                WITH_KEY,
                &[Code::OriginNotAllowed, Code::ValidationFailed],
            ],
        ),
        Operation::new(
            __path_reset,
            reset,
            &[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_seed,
            seed,
            &[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]],
        ),
    ]
}

/// A caller who may do everything, in no web page of another origin.
pub(crate) struct Developer {
    /// Where a change by this request comes from.
    origin: Origin,
}

impl FromRequest for Developer {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let check = |caller: Caller| {
            host::check_origin(request.headers())?;
            if caller.rights.organizations.is_some() {
                return Err(Error::not_found());
            }
            caller.require(Scope::Admin)?;
            Ok(Self {
                origin: Origin {
                    actor: caller.actor,
                    request_id: RequestId::of(request),
                },
            })
        };
        ready(
            Caller::from_request(request, payload)
                .into_inner()
                .and_then(check),
        )
    }
}

/// What the clock shows.
#[derive(Serialize, ToSchema)]
#[schema(as = Clock)]
struct ClockView {
    /// The present time: every time, expiry and id goes by it.
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T00:00:00.000Z")]
    now: Timestamp,
    /// Whether it stands still.
    frozen: bool,
}

/// The answer to every operation on the clock.
fn show(clock: &Clock) -> HttpResponse {
    let stopped = clock.stopped_at();
    let now = stopped.unwrap_or_else(|| Clock::System.now());
    HttpResponse::Ok().json(ClockView {
        now,
        frozen: stopped.is_some(),
    })
}

/// `GET /dev/clock`, only in `invited dev`: 200 with what the clock shows.
#[utoipa::path(
    get,
    path = "/dev/clock",
    operation_id = "getClock",
    tag = "Development",
    summary = "What the clock shows",
    description = "Every time, expiry and id goes by it.",
    responses(
        (status = 200, description = "The present time, and whether it stands \
            still.", body = ClockView,
            example = json!({"now": "2026-12-01T00:00:00.000Z", "frozen": true})),
    )
)]
async fn get_clock(_: Developer, _: NoQuery, state: Data<State>) -> HttpResponse {
    show(state.db.clock())
}

/// `POST /dev/clock`, only in `invited dev`: 200 with what the clock shows then.
///
/// # Errors
/// 422 when it is not exactly one change, or one to a time that cannot be written.
#[utoipa::path(
    post,
    path = "/dev/clock",
    operation_id = "changeClock",
    tag = "Development",
    summary = "Set, advance or free the clock",
    description = "Exactly one of `set`, `advance` and `free`. A clock that was set or advanced \
        stands still.",
    request_body(content = ClockBody, example = json!({"advance": "8d"})),
    responses(
        (status = 200, description = "The present time, and whether it stands \
            still.", body = ClockView,
            example = json!({"now": "2026-12-01T00:00:00.000Z", "frozen": true})),
    )
)]
async fn change_clock(
    _: Developer,
    _: NoQuery,
    state: Data<State>,
    body: Json<ClockBody>,
) -> Result<HttpResponse> {
    set_clock(&state, &body.value).await?;
    Ok(show(state.db.clock()))
}

/// Changes the clock.
///
/// # Errors
/// [`Code::ValidationFailed`] when it is not exactly one change, or one to a time that cannot be
/// written.
pub(crate) async fn set_clock(state: &State, body: &ClockBody) -> Result<()> {
    let before = state.db.now();
    ClockChange::parse(body)?.apply(state.db.clock())?;
    let passed = state.db.now().as_millis() - before.as_millis();
    let passed = u64::try_from(passed).unwrap_or_default();
    state
        .rules
        .sending
        .limits
        .skip(Duration::from_millis(passed));
    lapse::look_at_all(&state.db).await?;
    // A pass by the timer would come within the hour: too late to be seen.
    if let Some(retention) = state.retention {
        retention::sweep(&state.db, retention).await?;
    }
    Ok(())
}

/// `POST /dev/reset`, only in `invited dev`: 204. Everything in the file goes, keys included; what
/// the server started with comes back, the clock runs again, and no delivery is to fail.
///
/// # Errors
/// 422 when what the server started with cannot be made any more; nothing is changed then.
#[utoipa::path(
    post,
    path = "/dev/reset",
    operation_id = "resetServer",
    tag = "Development",
    summary = "Go back to the start",
    description = "Empties the file of everything, keys and stored answers included, puts the \
        samples or the `--seed` document back, frees the clock, and takes faults back. Takes no \
        body, or `{}`.",
    responses((status = 204, description = "All is as it was at the start."))
)]
async fn reset(
    _: Developer,
    _: NoQuery,
    state: Data<State>,
    _: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    start_over(&state).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Puts back what the server started with.
///
/// # Errors
/// When that cannot be made any more; nothing is changed then.
pub(crate) async fn start_over(state: &State) -> Result<()> {
    let (start, ground) = (state.start.clone(), state.ground());
    let own_key = state.own_key.clone();
    // The ages of the seed count from the time to which the clock goes back.
    let now = state.starts_at.unwrap_or_else(|| Clock::System.now());
    let job = move |tx: &crate::db::WriteTx<'_>| {
        let tx = tx.at(now);
        store::replace(&tx, || {
            let mut own_key = own_key.iter();
            own_key.try_for_each(|key| own_key::put(&tx, key))?;
            start.fill(&tx, &ground, &origin_of_start())
        })
    };
    let (clock, faults) = (state.db.clock(), state.faults.plans());
    let set = |time: Option<Timestamp>| time.map_or_else(|| clock.free(), |time| clock.set(time));
    let stopped_at = clock.stopped_at();
    // Before the commit: mail of what comes back goes out right behind it.
    set(state.starts_at);
    state.faults.clear();
    if let Err(error) = state.db.write(job).await {
        set(stopped_at);
        state.faults.set(faults);
        return Err(error);
    }
    state.rules.sending.limits.forget();
    Ok(())
}

/// `POST /dev/seed`, only in `invited dev`: 200 with what was made. It takes the place of
/// everything in the file.
///
/// # Errors
/// 422 with everything that is not acceptable; nothing is changed then.
#[utoipa::path(
    post,
    path = "/dev/seed",
    operation_id = "seedServer",
    tag = "Development",
    summary = "Replace everything by a seed document",
    description = "Empties the file of everything, keys and stored answers included, and makes \
        what the document says, at most 1 MiB: all or nothing. Ages count from what the clock \
        shows. As `application/x-ndjson` it may be lines of JSON, of a seed or of an export.",
    request_body(content = Seed, example = json!({"organizations": [{"id": "acme", "invitations": [
        {"email": "ada@example.com", "role": "admin", "age": "30d", "status": "accepted",
            "acceptedBy": "user_7"},
        {"email": "grace@example.com", "role": "developer"},
    ]}]})),
    responses(
        (status = 200, description = "What is in the file now.", body = Seeded,
            example = json!({"organizations": 1, "invitations": 2})),
    )
)]
async fn seed(
    developer: Developer,
    _: NoQuery,
    state: Data<State>,
    body: Lines<LARGE_BODY>,
) -> Result<HttpResponse> {
    let seeded = plant(&state, Start::read(&body.bytes)?, developer.origin).await?;
    Ok(HttpResponse::Ok().json(seeded))
}

/// Replaces everything in the file by what `start` says.
///
/// # Errors
/// [`Code::ValidationFailed`] with everything that is not acceptable; nothing is changed then.
pub(crate) async fn plant(state: &State, start: Start, origin: Origin) -> Result<Seeded> {
    let (ground, own_key) = (state.ground(), state.own_key.clone());
    let job = move |tx: &crate::db::WriteTx<'_>| {
        store::replace(tx, || {
            let mut own_key = own_key.iter();
            own_key.try_for_each(|key| own_key::put(tx, key))?;
            start.fill(tx, &ground, &origin)
        })
    };
    let seeded = state.db.write(job).await?;
    state.rules.sending.limits.forget();
    Ok(seeded)
}

/// A code that an invited person could have been sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationCode)]
struct CodeView {
    /// The organization that invites.
    organization_id: String,
    /// The invitation.
    #[schema(value_type = String, format = Uuid)]
    invitation_id: Uuid,
    /// The six digits.
    #[schema(pattern = "^[0-9]{6}$")]
    code: String,
}

/// `GET /dev/codes?email=`, only in `invited dev`: 200 with the codes that were asked for and can
/// be answered.
///
/// # Errors
/// 422 where the address is missing or not acceptable.
#[utoipa::path(
    get,
    path = "/dev/codes",
    operation_id = "listCodes",
    tag = "Development",
    summary = "The live codes of an address",
    description = "What would have been sent to the address after `POST /v1/invitations/code`.",
    params(AddressParams),
    responses(
        (status = 200, description = "The codes.", body = Vec<CodeView>,
            example = json!([{"organizationId": "acme",
            "invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f", "code": "123456"}])),
    )
)]
async fn list_codes(
    _: Developer,
    state: Data<State>,
    query: Query<AddressParams>,
) -> Result<HttpResponse> {
    let email = query.check(|params| params.parse(state.rules.hosts))?;
    let codes = state.db.read(|reader| {
        let mut codes = Vec::new();
        for (organization, id) in invitation::store::list_standing(reader, &email)? {
            let present =
                |invitation: &Invitation<'_>| Ok(CurrentInvitation::of(&organization, invitation));
            let present = invitation::store::find(reader, reader.now, &organization, id, present)?;
            let present = present.filter(|present| present.status == Status::Pending);
            let Some(present) = present else { continue };
            let code = code::current(reader, &state.keyring, &present)?;
            let organization_id = organization.as_str().to_owned();
            codes.extend(code.map(|code| CodeView {
                organization_id,
                invitation_id: id,
                code: code.digits,
            }));
        }
        Ok(codes)
    })?;
    Ok(HttpResponse::Ok().json(codes))
}
