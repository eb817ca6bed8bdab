//! What went wrong, as a page of the console.

use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};
use minijinja::context;

use super::sheet::{self, Trouble};
use crate::base::error::{Code, Error};
use crate::http::context::Failed;
use crate::http::problem;

/// Responds with `error` as a page, with the same status and headers as a problem document. Who is
/// not signed in gets the form for that.
pub(crate) fn respond(error: &Error, failed: &Failed<'_>) -> HttpResponse {
    problem::log_cause(error, failed.request_id);
    let path = if failed.path.is_empty() {
        super::PREFIX
    } else {
        failed.path
    };
    let page = if error.code == Code::Unauthorized {
        let values = context! { detail => error.detail, next => path };
        sheet::bare(path, "sign_in.html", values)
    } else {
        let trouble = Trouble::of(error, failed.request_id);
        sheet::bare(path, "trouble.html", context! { trouble })
    };
    let html = page.unwrap_or_else(|cause| {
        problem::log_cause(&cause, failed.request_id);
        error.code.meaning().title.to_owned()
    });
    let mut response = HttpResponse::build(error.status_code());
    problem::add_headers(&mut response, error);
    sheet::add_headers(&mut response);
    response.insert_header((header::VARY, "Cookie"));
    response.body(html)
}
