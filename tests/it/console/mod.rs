//! The console, by plain requests: these tests follow its links and send its forms as a browser
//! without a script does.
//!
//! * [`sessions`]: signing in and out, and what ends a session. [`ways`]: where a person comes by
//!   signing in, and from which addresses. [`frame`]: what all pages share.
//! * [`desk`]: what only development has.
//! * [`invitation`]: the page of one invitation.
//! * [`mail`]: the queue of mail. [`health`]: what is wrong with the server, and its numbers.
//! * [`organizations`]: the place of organizations. [`settings`]: making one, its settings and its
//!   end. [`people`]: inviting people alone and by a list. [`several`]: what is done to several
//!   invitations, and their file.
//! * [`keys`], [`webhooks`], [`history`]: the places of API keys, of webhooks, and of what was done
//!   to the server.

mod desk;
mod frame;
mod health;
mod history;
mod invitation;
mod keys;
mod mail;
mod organizations;
mod people;
mod sessions;
mod settings;
mod several;
mod ways;
mod webhooks;

use invited::base::mode::Mode;

use crate::support::{Answer, Request, TestApp};

/// The origin of pages of a test server.
pub const ORIGIN: &str = "http://invited.test";

/// A person with a browser that is signed in; in development a person without a session.
pub struct Person<'a> {
    /// The server.
    app: &'a TestApp,
    /// The cookie of the session, as the browser sends it.
    pub cookie: Option<String>,
}

impl<'a> Person<'a> {
    /// Signs in with `key`.
    pub fn with_key(app: &'a TestApp, key: &str) -> Self {
        let answer = sign_in(app, key);
        assert_eq!(answer.status, 303, "{}", answer.text());
        Self {
            app,
            cookie: Some(cookie(&answer)),
        }
    }

    /// Somebody at a development server.
    pub fn of_development(app: &'a TestApp) -> Self {
        Self { app, cookie: None }
    }

    /// A request of the browser.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let request = self.app.anonymous(method, path);
        match &self.cookie {
            Some(cookie) => request.header("Cookie", cookie),
            None => request,
        }
    }

    /// Opens a page.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Opens a page that must be there; returns its HTML.
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// Sends a form of a page.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.request("POST", path)
            .header("Origin", &self.origin())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form(fields))
            .send()
    }

    /// Where the pages come from that the browser shows.
    fn origin(&self) -> String {
        match self.cookie {
            Some(_) => ORIGIN.to_owned(),
            None => format!("http://{}", self.app.address),
        }
    }
}

/// A development server.
pub fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// The body of a form.
pub fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

/// Sends the form of the sign-in page.
pub fn sign_in(app: &TestApp, key: &str) -> Answer {
    app.anonymous("POST", "/console/sign-in")
        .header("Origin", ORIGIN)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form(&[("key", key)]))
        .send()
}

/// The cookie that `answer` sets, as a browser sends it back.
pub fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}
