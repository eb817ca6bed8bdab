//! Bodies: JSON that is none, fields that are missing, unknown or of another type, and values.

use invited::base::mode::Mode;

use super::Record;
use crate::support::{TestApp, invitations};

/// Fields of a body that is fine.
const GOOD: &str = r#""email":"n@b.co","role":"dev""#;

#[test]
fn a_body_that_is_no_json_is_told_what_it_lacks() {
    let mut record = Record::of(TestApp::serve());
    for (body, says) in [
        ("", "The body is empty: a JSON object is needed."),
        ("  \n", "The body is empty: a JSON object is needed."),
        (
            r#"{"email":"a@b.co""#,
            "it ends before everything in it is closed (line 1, column 17)",
        ),
        (
            r#"{"email":"a@b.co",}"#,
            "trailing comma (line 1, column 19)",
        ),
        ("{'email':'a@b.co'}", "a name must stand in double quotes"),
        (
            r#"{"email":nobody}"#,
            "a word that is none of true, false and null",
        ),
        (
            r#"{"email":undefined}"#,
            "a value is missing, or is a word without double quotes",
        ),
        (r#"{} {}"#, "something stands behind its end"),
        (
            "{\"email\":\"a\tb\"}",
            "a control character in a text must be escaped, as \\n",
        ),
        ("[1]", "The body must be a JSON object, and is an array"),
        (r#""x""#, "The body must be a JSON object, and is a string"),
        ("null", "The body must be a JSON object, and is null"),
        (
            r#"{"email":"a@b.co","email":"b@b.co"}"#,
            "The body has the field email twice",
        ),
    ] {
        let request = record.app.request("POST", &invitations("acme")).json(body);
        record.says(request, 400, "invalid_json", says);
    }
    let request = record.app.request("POST", &invitations("acme"));
    let request = request.header("Content-Type", "text/plain").body("{}");
    let says = "The body must be Content-Type: application/json";
    record.says(request, 415, "unsupported_media_type", says);
}

#[test]
fn a_value_of_another_type_is_told_which_one_is_meant_in_words_of_json() {
    let mut record = Record::of(TestApp::serve());
    let seconds = "expiresIn must be a whole number of seconds, as 604800 for 7 days, and is";
    for (field, says) in [
        (
            r#""expiresIn":"7d""#,
            &*format!("{seconds} a string (line 1, column "),
        ),
        (
            r#""expiresIn":1.5"#,
            &format!("{seconds} a number with a fraction or an exponent"),
        ),
        (r#""expiresIn":[60]"#, &format!("{seconds} an array")),
        (
            r#""expiresIn":9223372036854775808"#,
            &format!("{seconds} out of range"),
        ),
        (r#""role":["a"]"#, "role must be a string, and is an array"),
        (
            r#""role":5"#,
            "role must be a string, and is a whole number",
        ),
        (
            r#""role":true"#,
            "role must be a string, and is true or false",
        ),
        (r#""role":{}"#, "role must be a string, and is an object"),
        (
            r#""notify":"yes""#,
            "notify must be true or false, and is a string",
        ),
        (
            r#""metadata":[1]"#,
            "metadata must be an object, and is an array",
        ),
        (
            r#""inviter":"Ada""#,
            "inviter must be a JSON object, and is a string",
        ),
        (
            r#""inviter":{"name":1}"#,
            "inviter/name must be a string, and is a whole number",
        ),
    ] {
        let body = format!(r#"{{"email":"n@b.co",{field}}}"#);
        let request = record.app.request("POST", &invitations("acme")).json(body);
        let answer = record.says(request, 400, "invalid_json", says);
        assert_eq!(answer.json()["errors"][0]["code"], "wrong_type", "{field}");
    }
    let batch = format!("{}/batch", invitations("acme"));
    for (body, says) in [
        (
            r#"{"invitations":{}}"#,
            "invitations must be an array, and is an object",
        ),
        (
            r#"{"invitations":["a@b.co"]}"#,
            "invitations/0 must be a JSON object, and is a string",
        ),
    ] {
        let request = record.app.request("POST", &batch).json(body);
        record.says(request, 400, "invalid_json", says);
    }
}

#[test]
fn an_unknown_field_is_told_which_one_was_meant_or_which_there_are() {
    let mut record = Record::of(TestApp::start(Mode::Dev, &[]));
    let (one, batch) = (
        invitations("acme"),
        format!("{}/batch", invitations("acme")),
    );
    for (path, body, says) in [
        (
            &*one,
            r#"{"expires_in":60}"#,
            "unknown field: expires_in (did you mean expiresIn?)",
        ),
        (
            &one,
            r#"{"redirect_url":""}"#,
            "redirect_url (did you mean redirectUrl?)",
        ),
        (&one, r#"{"rol":"x"}"#, "rol (did you mean role?)"),
        (&one, r#"{"Email":"x"}"#, "Email (did you mean email?)"),
        (
            &one,
            r#"{"xyzzy":1}"#,
            "xyzzy (there are email, role, expiresIn, expiresAt, ",
        ),
        (
            &one,
            r#"{"rol":1,"xyzzy":1}"#,
            "unknown fields: rol (did you mean role?), xyzzy.",
        ),
        (
            &one,
            r#"{"inviter":{"nme":"x"}}"#,
            "inviter/nme (did you mean name?)",
        ),
        (
            &one,
            r#"{"inviter":{"a/b~c":"x"}}"#,
            "inviter/a~1b~0c (there are id, name, email",
        ),
        (
            &batch,
            r#"{"invitations":[{},{"expires_in":60}]}"#,
            "invitations/1/expires_in (did you mean expiresIn?)",
        ),
        (
            "/dev/seed",
            r#"{"organizations":[{"id":"a","settings":{"maxPendings":1}}]}"#,
            "organizations/0/settings/maxPendings (did you mean maxPending?)",
        ),
        ("/v1/webhooks", r#"{"URL":"x"}"#, "URL (did you mean url?)"),
    ] {
        let request = record.app.request("POST", path).json(body);
        record.says(request, 400, "unknown_field", says);
    }
}

#[test]
fn a_value_that_is_missing_is_said_to_be_required() {
    let mut record = Record::of(TestApp::serve());
    let role = "role is required: the role that the person gets, as developer";
    let email = "email is required: an address, as a@b.co";
    for (path, body, says) in [
        (&*invitations("acme"), r#"{"email":"n@b.co"}"#, role),
        (&invitations("acme"), r#"{"role":"dev"}"#, email),
        (
            &invitations("acme"),
            "{}",
            &format!("2 values are not acceptable: {email}; {role}."),
        ),
        (
            "/v1/invitations/lookup",
            "{}",
            "token is required: the token of the invitation's link",
        ),
        (
            "/v1/keys",
            r#"{"name":"a"}"#,
            "scopes is required: what it may do",
        ),
        ("/v1/webhooks", "{}", "url is required: where events go"),
    ] {
        let request = record.app.request("POST", path).json(body);
        record.says(request, 422, "validation_failed", says);
    }
}

#[test]
fn a_value_that_is_not_acceptable_is_told_what_would_be() {
    let settings = ["--redirect-origins", "https://app.test,https://other.test"];
    let mut record = Record::of(TestApp::start(Mode::Serve, &settings));
    let alone = "email: the address alone, without a name and angle brackets, as a@b.co";
    for (body, says) in [
        (
            r#""email":"ab.co","role":"dev""#,
            "email: an address needs an @",
        ),
        (
            r#""email":"a@b","role":"dev""#,
            "email: the domain needs a dot",
        ),
        (
            r#""email":"ü@b.co","role":"dev""#,
            "email: only ASCII is allowed before the @",
        ),
        (r#""email":"Ada <a@b.co>","role":"dev""#, alone),
        (r#""email":"<a@b.co>","role":"dev""#, alone),
        (
            r#""email":"a b@c.co","role":"dev""#,
            "without spaces and quotes",
        ),
        (
            r#""email":"n@b.co","role":"Team Lead""#,
            "role: 1 to 64 characters: a letter, then letters",
        ),
        (
            &format!(r#"{GOOD},"expiresIn":5"#),
            "expiresIn: 60 to 31536000 seconds (a minute to 365 days)",
        ),
        (
            &format!(r#"{GOOD},"expiresAt":"2020-01-01T00:00:00Z""#),
            "expiresAt: a minute to 365 days from now",
        ),
        (
            &format!(r#"{GOOD},"expiresAt":"2030-01-01""#),
            "expiresAt: an RFC 3339 time from 1970 to 9999, as 2026-",
        ),
        (
            &format!(r#"{GOOD},"redirectUrl":"https://evil.test/""#),
            "--redirect-origins (https://app.test, https://other.test)",
        ),
        (
            &format!(r#"{GOOD},"onConflict":"skip""#),
            "onConflict: one of: error, return, replace, resend",
        ),
    ] {
        let body = format!("{{{body}}}");
        let request = record.app.request("POST", &invitations("acme")).json(body);
        record.says(request, 422, "validation_failed", says);
    }
    for (path, body, says) in [
        (
            "/v1/keys",
            r#"{"name":"a","scopes":["read"]}"#,
            "scopes/0: one of: invitations:read, ",
        ),
        (
            "/v1/webhooks",
            r#"{"url":"http://10.0.0.1/","types":["nope"]}"#,
            "2 values are not acceptable: types/0: ",
        ),
    ] {
        let request = record.app.request("POST", path).json(body);
        record.says(request, 422, "validation_failed", says);
    }
}
