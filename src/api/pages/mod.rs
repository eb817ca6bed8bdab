//! Pages for people: the one that links lead to, and in development those of the mailbox.
//! [`routes`] is the HTTP; [`unknown`] is for addresses that nothing is at.
//!
//! The page that links lead to has steps. [`step`] says which there are, [`answer`] does what their
//! buttons say, [`sheet`] writes them in the [`words`] of a language. [`link`] finds the token in
//! what became of a link. The script only puts one step in the place of the other, and keeps the
//! token out of the address and of the page.
//!
//! What others wrote reaches a page as text: every template escapes it. No page has a script or a
//! style of its own in it, so that a policy can refuse all that stands in a page; [`POLICY`] does,
//! and lets nothing be loaded from elsewhere.

mod answer;
mod link;
pub(crate) mod routes;
mod sheet;
mod step;
pub(crate) mod unknown;
mod words;

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::base::html;
use crate::http::asset::Asset;

/// The page that links lead to.
const ACCEPT: &str = include_str!("assets/accept.html");
/// The text of its script.
const ACCEPT_SCRIPT: &str = include_str!("assets/accept.js");
/// The text of the style of every page.
const STYLE: &str = include_str!("assets/style.css");
/// The list of the mail that development has kept.
const MAILBOX: &str = include_str!("assets/mailbox.html");
/// One of these mails.
const MAIL: &str = include_str!("assets/mail.html");
/// What a browser gets for an address that nothing is at.
const UNKNOWN: &str = include_str!("assets/unknown.html");

/// What a page may load: only from this server, and nothing that stands in the page itself. It is
/// in no frame, and sends forms only to this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src \
    'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
/// What a page of the mailbox may load: no script, but a mail in a frame.
const MAILBOX_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri \
    'none'; frame-ancestors 'none'; form-action 'none'";
/// What a page may load that has neither.
pub(super) const PLAIN_POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; \
    frame-ancestors 'none'; form-action 'none'";

/// The script of the page that links lead to.
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/javascript; charset=utf-8", ACCEPT_SCRIPT));
/// The style of every page.
static SHEET: LazyLock<Asset> = LazyLock::new(|| Asset::new("text/css; charset=utf-8", STYLE));

/// Fills a template of HTML; every value is escaped. `script` and `style` are the names of what
/// pages load, with their versions.
pub(super) fn fill(template: &str, values: impl Serialize) -> Result<String> {
    environment()
        .render_named_str("page.html", template, values)
        .map_err(Error::internal)
}

/// What fills templates.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    html::set_escaper(&mut environment);
    environment.add_global("script", format!("accept/app.js?v={}", SCRIPT.version()));
    environment.add_global("style", format!("accept/style.css?v={}", SHEET.version()));
    environment
}

/// What leads from the page at `path` to the server's root: a proxy may have put a path before it.
pub(crate) fn root_from(path: &str) -> String {
    "../".repeat(path.matches('/').count().saturating_sub(1))
}

/// Whether a page may link to `url`.
pub(crate) fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_holds_is_text_on_the_page() {
        let page = fill(
            "<p title=\"{{ x }}\">{{ x }}</p>",
            minijinja::context! { x => "<b a='\"'>&" },
        );
        assert_eq!(
            page.expect("a page"),
            "<p title=\"&lt;b a=&#x27;&quot;&#x27;&gt;&amp;\">&lt;b \
             a=&#x27;&quot;&#x27;&gt;&amp;</p>"
        );
        assert!(fill("{{ missing }}", ()).is_err());
    }
}
