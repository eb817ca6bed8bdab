//! `invited openapi`: prints the OpenAPI document.

use crate::api::openapi;
use crate::base::failure::Failure;

/// Prints the document.
pub(crate) fn run() -> Result<(), Failure> {
    super::print(&openapi::document_text())
}
