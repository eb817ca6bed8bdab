//! Which URLs no webhook may have, and the longest that it may have.

use serde_json::json;

use super::bad_inputs::{check, serve};
use super::{WEBHOOKS, patch};

/// What is no URL that events could go to.
const NO_URLS: &[&str] = &[
    "",
    "hooks",
    "/hooks",
    "//app.example.com/hooks",
    "app.example.com/hooks",
    "https",
    "https:",
    "https://",
    "https://:443/",
    "https:///",
    "https://?a=b",
    "file:///etc/passwd",
    "file://app.example.com/etc/passwd",
    "gopher://app.example.com:11211/_stats",
    "javascript:alert(1)",
    "data:application/json,{}",
    "ftp://app.example.com/",
    "ws://app.example.com/",
    "wss://app.example.com/",
    "unix:/var/run/docker.sock",
    "dict://app.example.com:11211/",
    "ldap://app.example.com/",
    "jar:https://app.example.com!/",
    "blob:https://app.example.com/",
    "mailto:a@b.co",
    "about:blank",
    "https://user@app.example.com/",
    "https://user:password@app.example.com/",
    "https://:password@app.example.com/",
    "https://app.example.com:99999/",
    "https://app.example.com:65536/",
    "https://app.example.com:-1/",
    "https://app.example.com:port/",
    "https://app.example.com/#",
    "https://app.example.com/#part",
    "https://exa mple.com/",
    "https://%00/",
    "https://[::1/",
    "https://[nonsense]/",
    "https://app.exa^mple.com/",
    "https://app.exa<mple.com/",
    "https://1.2.3.4.5/",
    "https://256.256.256.256/",
    "https://xn--/",
];

#[test]
fn a_url_that_cannot_be_is_refused_when_made_and_when_changed() {
    let (app, made) = serve();
    let before = app.contents();
    let long = format!("https://app.example.com/{}", "a".repeat(5 * 1024));
    // Characters of three bytes each, which become nine.
    let grows = format!("https://app.example.com/{}", "\u{20ac}".repeat(600));
    let forbidden = [
        "\t", "\n", "\r\n", "\0", " ", "\u{a0}", "\u{7f}", "\u{85}", "\u{200b}", "\u{202e}",
        "\u{feff}",
    ];
    let forbidden = forbidden.map(|text| format!("https://app.example.com/{text}x"));
    let mut table: Vec<(&str, &str)> = NO_URLS
        .iter()
        .map(|url| {
            (
                *url,
                if url.contains(' ') {
                    "forbidden_character"
                } else {
                    "invalid_format"
                },
            )
        })
        .collect();
    table.extend(
        [
            "0", "1", "22", "25", "79", "81", "442", "444", "587", "1023",
        ]
        .map(|port| (port, "not_allowed")),
    );
    table.extend([(&*long, "too_long"), (&*grows, "invalid_format")]);
    table.extend(forbidden.iter().map(|url| (&**url, "forbidden_character")));
    for (url, code) in table {
        let url = if code == "not_allowed" {
            format!("https://app.example.com:{url}/")
        } else {
            url.to_owned()
        };
        let body = json!({ "url": url });
        let expected = format!("/url {code}");
        let refused = (422, "validation_failed");
        check(
            &app.post(WEBHOOKS, &body.to_string()),
            refused,
            &[&expected],
            &format!("made: {url:?}"),
        );
        check(
            &patch(&app, &made, &body),
            refused,
            &[&expected],
            &format!("changed: {url:?}"),
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn a_url_at_its_limits_is_taken() {
    let (app, _) = serve();
    let longest = format!("https://app.example.com/{}", "a".repeat(2048 - 24));
    for url in [
        &*longest,
        "https://app.example.com:443/",
        "https://app.example.com:1024/",
        "https://app.example.com:65535/",
    ] {
        assert_eq!(
            app.post(WEBHOOKS, &json!({ "url": url }).to_string())
                .status,
            201,
            "{url}"
        );
    }
    let over = format!("{longest}a");
    check(
        &app.post(WEBHOOKS, &json!({ "url": over }).to_string()),
        (422, "validation_failed"),
        &["/url too_long"],
        "2049 bytes",
    );
}
