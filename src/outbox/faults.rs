//! Deliveries that fail on purpose: the next mails or webhooks, as many as a test says.
//!
//! They are kept in memory only. In `invited serve` there is no way to ask for one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};

use crate::base::error::{Errors, FieldCode, FieldError, Result};

/// How long a stalled delivery hangs, unless the faults are taken back before. As long as a webhook
/// may take.
const STALL: Duration = Duration::from_secs(10);
/// The most deliveries that can be told to fail.
const MAX_NEXT: u32 = 1000;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Mail.
    Mail,
    /// Webhooks.
    Webhooks,
}

/// How a delivery fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody can be reached.
    Fail,
    /// Nobody answers, until time is up.
    Stall,
    /// The peer answers with this code.
    Code(u16),
}

/// What is done to the next deliveries.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = FaultInput)]
pub(crate) struct PlanBody {
    /// How many deliveries.
    #[schema(value_type = u32, required = true, minimum = 1, maximum = 1000)]
    pub next: Option<i64>,
    /// What happens to them.
    #[serde(rename = "do")]
    #[schema(schema_with = do_schema, required = true)]
    pub fault: Option<Do>,
}

/// What happens to a delivery, as it is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "\"fail\", \"stall\", or a code as 451")]
pub(crate) enum Do {
    /// A code.
    Code(i64),
    /// `fail` or `stall`.
    Word(String),
}

/// The schema of `do`.
fn do_schema() -> utoipa::openapi::Schema {
    let word = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["fail", "stall"]));
    let code = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(400))
        .maximum(Some(599));
    let text = "`fail`: nobody can be reached. `stall`: nobody answers, for 10 seconds. A number: \
        the peer answers with this code, of SMTP or of HTTP.";
    OneOfBuilder::new()
        .item(word)
        .item(code)
        .description(Some(text))
        .into()
}

/// Faults to come. What is absent stays as it is; `null` counts as absent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FaultsInput)]
pub(crate) struct FaultsBody {
    /// The next mails.
    pub mail: Option<PlanBody>,
    /// The next webhooks.
    pub webhooks: Option<PlanBody>,
}

/// Faults that are still to come, of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct Plan {
    /// How many deliveries.
    #[schema(minimum = 1, maximum = 1000)]
    pub next: u32,
    /// What happens to them.
    #[serde(rename = "do", serialize_with = "write_fault")]
    #[schema(schema_with = do_schema)]
    pub fault: Fault,
}

/// Writes a fault as it was asked for.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn write_fault<S: serde::Serializer>(
    fault: &Fault,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match fault {
        Fault::Fail => serializer.serialize_str("fail"),
        Fault::Stall => serializer.serialize_str("stall"),
        Fault::Code(code) => serializer.serialize_u16(*code),
    }
}

/// Faults that are still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Faults)]
pub(crate) struct Plans {
    /// Those of mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Plan, required = false)]
    pub mail: Option<Plan>,
    /// Those of webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Plan, required = false)]
    pub webhooks: Option<Plan>,
}

impl Plans {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable.
    pub(crate) fn parse(body: &FaultsBody) -> Result<Self> {
        let mut errors = Errors::default();
        let mut parse = |plan: &Option<PlanBody>, pointer: &str| {
            let plan = plan.as_ref()?;
            Plan::parse(plan, pointer, &mut errors)
        };
        let plans = Self {
            mail: parse(&body.mail, "/mail"),
            webhooks: parse(&body.webhooks, "/webhooks"),
        };
        if body.mail.is_none() && body.webhooks.is_none() {
            errors.push(FieldError::new(
                "/mail",
                FieldCode::Required,
                "mail, webhooks, or both",
            ));
        }
        errors.check().map(|()| plans)
    }
}

impl Plan {
    /// Reads the faults at `pointer`; what is wrong goes to `errors`.
    fn parse(body: &PlanBody, pointer: &str, errors: &mut Errors) -> Option<Self> {
        let next = body
            .next
            .and_then(|next| u32::try_from(next).ok())
            .filter(|next| (1..=MAX_NEXT).contains(next));
        if next.is_none() {
            let code = if body.next.is_none() {
                FieldCode::Required
            } else {
                FieldCode::OutOfRange
            };
            errors.push(FieldError::new(
                format!("{pointer}/next"),
                code,
                "from 1 to 1000",
            ));
        }
        let fault = match &body.fault {
            None => Err((
                FieldCode::Required,
                "fail, stall, or a code from 400 to 599",
            )),
            Some(Do::Word(word)) if word == "fail" => Ok(Fault::Fail),
            Some(Do::Word(word)) if word == "stall" => Ok(Fault::Stall),
            Some(Do::Word(_)) => Err((
                FieldCode::UnknownValue,
                "fail, stall, or a code from 400 to 599",
            )),
            Some(Do::Code(code)) => u16::try_from(*code)
                .ok()
                .filter(|code| (400..=599).contains(code))
                .map(Fault::Code)
                .ok_or((FieldCode::OutOfRange, "a code from 400 to 599")),
        };
        let wrong = |(code, detail)| FieldError::new(format!("{pointer}/do"), code, detail);
        let fault = errors.take(fault.map_err(wrong));
        Some(Self {
            next: next?,
            fault: fault?,
        })
    }
}

/// The faults of a server. Clones are handles to the same ones.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Shared>);

/// What the handles share.
#[derive(Debug, Default)]
struct Shared {
    /// The faults.
    state: Mutex<Present>,
    /// Told when stalls are to end.
    ended: Condvar,
}

/// The faults as they stand.
#[derive(Debug, Default)]
struct Present {
    /// Those to come.
    plans: Plans,
    /// How often they were taken back: that ends the stalls under way.
    clears: u64,
    /// Whether the server stops: no delivery stalls then.
    is_stopping: bool,
}

impl Faults {
    /// Sets the faults of the targets that `plans` names.
    pub(crate) fn set(&self, plans: Plans) -> Plans {
        let mut present = self.lock();
        present.plans = Plans {
            mail: plans.mail.or(present.plans.mail),
            webhooks: plans.webhooks.or(present.plans.webhooks),
        };
        present.plans
    }

    /// The faults that are still to come.
    pub(crate) fn plans(&self) -> Plans {
        self.lock().plans
    }

    /// Takes all faults back, and ends the stalls under way.
    pub(crate) fn clear(&self) {
        let mut present = self.lock();
        (present.plans, present.clears) = (Plans::default(), present.clears + 1);
        self.0.ended.notify_all();
    }

    /// Ends the stalls under way, and lets none begin: the server stops.
    pub(crate) fn stop(&self) {
        self.lock().is_stopping = true;
        self.0.ended.notify_all();
    }

    /// Whether the next delivery to `target` is to fail, and how. Called once for each delivery, by
    /// a thread that may block: a stall has been waited for when this returns.
    pub(crate) fn take(&self, target: Target) -> Option<Fault> {
        let mut present = self.lock();
        let plan = match target {
            Target::Mail => &mut present.plans.mail,
            Target::Webhooks => &mut present.plans.webhooks,
        };
        let fault = plan.as_ref()?.fault;
        *plan = plan.filter(|plan| plan.next > 1).map(|plan| Plan {
            next: plan.next - 1,
            ..plan
        });
        if fault == Fault::Stall {
            let clears = present.clears;
            let is_on = |present: &mut Present| present.clears == clears && !present.is_stopping;
            drop(self.0.ended.wait_timeout_while(present, STALL, is_on));
        }
        Some(fault)
    }

    /// The faults as they stand. A thread that panicked leaves them whole.
    fn lock(&self) -> MutexGuard<'_, Present> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
