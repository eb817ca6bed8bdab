//! E-mail addresses and domains: one normal form, which mail can be sent to.

use invited::base::email::{Email, Hosts, parse_domain};

/// The longest address in bytes.
const MAX_ADDRESS: usize = 254;

/// Checks `data` as the text of an address, and as that of a domain.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let any = Email::parse(text, Hosts::SingleLabelToo);
    match Email::parse(text, Hosts::Dotted) {
        Ok(email) => {
            assert!(
                any.as_ref() == Ok(&email),
                "what production accepts development does, too"
            );
            assert!(
                email
                    .as_str()
                    .rsplit('@')
                    .next()
                    .is_some_and(|domain| domain.contains('.'))
            );
        }
        Err((_, detail)) => assert!(!detail.is_empty()),
    }
    if let Ok(email) = any {
        check_normal(text, &email);
    }
    if let Ok(domain) = parse_domain(text) {
        assert_eq!(
            parse_domain(&domain).as_ref(),
            Ok(&domain),
            "the normal form is a fixed point"
        );
        assert!(domain.is_ascii() && !domain.chars().any(|c| c.is_ascii_uppercase() || c == '@'));
        // A domain may have 253 bytes, which leaves no room for a name before it.
        let is_too_long = "a@".len() + domain.len() > MAX_ADDRESS;
        let email = Email::parse(&format!("a@{text}"), Hosts::SingleLabelToo);
        assert!(
            email.is_ok() || is_too_long || text.starts_with(' '),
            "a domain is one of an address: {text:?}"
        );
    }
}

/// Checks what was made of `text`.
fn check_normal(text: &str, email: &Email) {
    let normal = email.as_str();
    let again = |text: &str| Email::parse(text, Hosts::SingleLabelToo).ok();
    assert!(
        again(normal).as_ref() == Some(email),
        "the normal form is a fixed point: {normal:?}"
    );
    assert!(
        normal.len() <= MAX_ADDRESS && normal.bytes().all(|byte| byte.is_ascii_graphic()),
        "{normal:?}"
    );
    assert!(
        !normal.chars().any(|c| c.is_ascii_uppercase()) && normal.matches('@').count() == 1,
        "{normal:?}"
    );
    assert!(
        again(&text.to_ascii_uppercase()).as_ref() == Some(email),
        "case makes no other address: {text:?}"
    );
    let is_own_spelling = text.is_ascii() || normal.contains("xn--");
    assert!(
        is_own_spelling,
        "what is no ASCII never equals an ASCII address: {text:?}"
    );
    assert!(
        normal.parse::<lettre::Address>().is_ok(),
        "mail can be addressed to it: {normal:?}"
    );
    let (name, domain) = email.mailbox();
    assert!(
        !name.is_empty() && normal.starts_with(name) && normal.ends_with(domain),
        "{normal:?}"
    );
    // A name that begins with a plus is no tag of nobody.
    if let Some(tagged) = again(&format!("{name}+x@{domain}")).filter(|_| !name.starts_with('+')) {
        assert_eq!(
            tagged.mailbox(),
            (name, domain),
            "tags of one mailbox share it"
        );
    }
}
