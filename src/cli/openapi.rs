//! `invited openapi`: prints an OpenAPI document.

use crate::api::openapi::{self, Part};
use crate::base::failure::Failure;

/// Prints the document of `part`.
pub(crate) fn run(part: Part) -> Result<(), Failure> {
    super::stdout::check("the document")?;
    super::print(&openapi::document_text(part))
}
