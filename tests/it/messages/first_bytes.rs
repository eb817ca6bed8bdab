//! Bodies that are missing, that begin with what JSON does not begin with, or have a field twice.

use invited::base::mode::Mode;

use super::Record;
use crate::support::life::wrong;
use crate::support::{TestApp, invitations};

#[test]
fn a_body_that_is_missing_is_told_so_with_a_type_and_without_one() {
    let mut record = Record::of(TestApp::start(Mode::Dev, &[]));
    let batch = format!("{}/batch", invitations("acme"));
    for (method, path) in [
        ("POST", "/v1/invitations/accept"),
        ("PUT", "/v1/organizations/acme"),
        ("POST", "/dev/restore"),
        ("POST", "/dev/seed"),
        ("POST", &*batch),
    ] {
        let request = record.app.request(method, path);
        let of_length = record.app.request(method, path).body("");
        let typed = record.app.request(method, path).json("");
        for request in [request, of_length, typed] {
            let says = "The body is empty: a JSON object is needed.";
            record.says(request, 400, "invalid_json", says);
        }
        // Something that has no type, and nothing of another type, are refused for the type.
        let untyped = record.app.request(method, path).body("{}");
        let empty = record.app.request(method, path);
        let empty = empty.header("Content-Type", "text/plain").body("");
        for request in [untyped, empty] {
            let says = "The body must be Content-Type: application/json";
            record.says(request, 415, "unsupported_media_type", says);
        }
    }
}

#[test]
fn a_body_in_another_encoding_is_told_which_one() {
    let mut record = Record::of(TestApp::serve());
    let good = r#"{"email":"n@b.co","role":"dev"}"#;
    let wide = |mark: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = format!("{mark}{good}").encode_utf16().collect::<Vec<_>>();
        units.into_iter().flat_map(bytes).collect()
    };
    let (mark, of_two) = (
        "it begins with a byte order mark, which JSON must not have.",
        "it is UTF-16 or UTF-32, and must be UTF-8.",
    );
    for (body, says) in [
        (format!("\u{feff}{good}").into_bytes(), mark),
        ("\u{feff}".into(), mark),
        (wide("\u{feff}", u16::to_le_bytes), of_two),
        (wide("\u{feff}", u16::to_be_bytes), of_two),
        (wide("", u16::to_le_bytes), of_two),
        (wide("", u16::to_be_bytes), of_two),
    ] {
        let request = record.app.request("POST", &invitations("acme")).json(body);
        let says = format!("The body is not JSON: {says}");
        record.says(request, 400, "invalid_json", &says);
    }
}

#[test]
fn a_field_that_is_there_twice_is_named_in_errors() {
    let mut record = Record::of(TestApp::serve());
    let batch = format!("{}/batch", invitations("acme"));
    for (path, body, pointer, says) in [
        (
            &*invitations("acme"),
            r#"{"email":"a@b.co","email":"a@b.co","role":"a"}"#,
            "/email",
            "The body has the field email twice (line 1, column ",
        ),
        (
            &invitations("acme"),
            r#"{"email":"a@b.co","inviter":{"name":"x","name":"y"}}"#,
            "/inviter/name",
            "inviter has the field name twice",
        ),
        (
            &batch,
            r#"{"invitations":[{},{"role":"a","role":"a"}]}"#,
            "/invitations/1/role",
            "invitations/1 has the field role twice",
        ),
    ] {
        let request = record.app.request("POST", path).json(body);
        let answer = record.says(request, 400, "invalid_json", says);
        assert_eq!(
            wrong(&answer),
            [(pointer.to_owned(), "wrong_type".to_owned())]
        );
        let detail = answer.json()["errors"][0]["detail"].to_string();
        assert!(detail.starts_with("\"is there twice (line 1, "), "{detail}");
    }
}
