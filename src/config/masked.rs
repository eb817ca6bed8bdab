//! Values of settings without the secrets in them.

use url::Url;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// `text` without its secrets: the password of a URL; of a setting that is a secret, all but the
/// scheme, the user and the host.
pub(super) fn masked(text: &str, is_secret: bool) -> String {
    match Url::parse(text) {
        Ok(url) if is_secret => masked_secret(url).unwrap_or_else(|| HIDDEN.to_owned()),
        Ok(url) if url.password().is_some() => {
            without_password(url).unwrap_or_else(|| HIDDEN.to_owned())
        }
        _ if is_secret => HIDDEN.to_owned(),
        _ => text.to_owned(),
    }
}

/// What may be shown of a URL that is a secret; none: nothing. Where a password has characters that
/// are not encoded, a part of it stands in another part of the URL.
fn masked_secret(url: Url) -> Option<String> {
    let has_path = !matches!(url.path(), "" | "/");
    match url.scheme() {
        "smtp" | "smtps" => {
            let query = url.query().unwrap_or_default();
            let is_plain = !has_path && url.fragment().is_none() && !query.contains('@');
            is_plain.then(|| without_password(url)).flatten()
        }
        "http" | "https" => {
            let end = if has_path || url.query().is_some() {
                "/***"
            } else {
                ""
            };
            Some(format!("{}{end}", url.origin().ascii_serialization()))
        }
        _ => None,
    }
}

/// A URL without its password.
fn without_password(mut url: Url) -> Option<String> {
    if url.password().is_some() {
        url.set_password(Some(HIDDEN)).ok()?;
    }
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_secret_shows_where_it_leads_and_no_part_of_a_password() {
        for (text, shown) in [
            (
                "smtp://user:hunter2@mail.test:25?tls=none",
                "smtp://user:***@mail.test:25?tls=none",
            ),
            ("smtp://mail.test?tls=none", "smtp://mail.test?tls=none"),
            ("smtp://user:12/hunter2@mail.test?tls=tls", "***"),
            ("smtp://user:12?hunter2@mail.test", "***"),
            ("smtp://user:12#hunter2@mail.test", "***"),
            ("smtp://user:12@hunter2/@mail.test?tls=tls", "***"),
            ("hunter2", "***"),
            (
                "https://app.test/mail?token=hunter2",
                "https://app.test/***",
            ),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ] {
            assert_eq!(masked(text, true), shown, "{text}");
        }
        let list = "https://a.test,https://b.test";
        assert_eq!(masked(list, false), list);
        assert_eq!(
            masked("https://u:hunter2@a.test/", false),
            "https://u:***@a.test/"
        );
    }
}
