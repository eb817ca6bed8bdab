//! `invited openapi`: prints the OpenAPI document.

use crate::base::failure::Failure;
use crate::http::openapi;

/// Prints the document.
pub fn run() -> Result<(), Failure> {
    super::print(&openapi::document_text())
}
