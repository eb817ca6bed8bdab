//! What everything stands on: plain values that know nothing of a file, of HTTP, or of a feature.

pub mod addresses;
pub mod certificate;
pub mod clock;
pub mod color;
pub(crate) mod current_request;
pub mod duration;
pub mod email;
pub mod error;
pub mod failure;
pub mod hex;
pub(crate) mod html;
pub(crate) mod id;
pub mod ids;
pub mod json;
pub mod locale;
pub(crate) mod metrics;
pub mod mode;
pub mod organization_id;
pub mod origin;
pub mod page;
pub(crate) mod query;
pub(crate) mod redacted;
pub mod role;
pub mod roots;
pub(crate) mod schema;
pub mod text;
