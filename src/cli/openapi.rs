//! `invited openapi`: prints an OpenAPI document.

use crate::api::openapi::{self, Part};
use crate::base::failure::Failure;

/// Prints the document of `part`.
pub(crate) fn run(part: Part) -> Result<(), Failure> {
    super::print(&openapi::document_text(part))
}
