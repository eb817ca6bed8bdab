//! The one normal form of an e-mail address.
//!
//! Store, unique index, filter and comparison all use [`Email`], so two spellings of one address
//! can never be two invitations. Folding is ASCII lowercase for the local part and UTS 46 for the
//! domain; look-alike characters are refused instead of folded, so no other text can equal an ASCII
//! address.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::error::{Checked, FieldCode, FieldError};
use super::text::is_invisible;

/// Longest local part in bytes (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Longest address in bytes (RFC 5321's path of 256 less its angle brackets).
const MAX_ADDRESS: usize = 254;

/// An e-mail address in its normal form: lowercase, domain as IDNA A-labels, nothing around it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// Which domains count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Only domains with a dot: what a public service accepts.
    Dotted,
    /// `localhost` and the like too: for development.
    SingleLabelToo,
}

/// Why a text is no acceptable address: a stable code and a sentence for the caller.
type EmailError = (FieldCode, &'static str);

impl Email {
    /// Brings `text` to the normal form.
    ///
    /// ASCII spaces at the ends are dropped. The local part follows the WHATWG production for valid
    /// e-mail addresses without `!` and `%` (old routing syntax) and with dots only between other
    /// characters.
    ///
    /// # Errors
    /// A code and a sentence that says which rule `text` breaks.
    pub fn parse(text: &str, hosts: Hosts) -> Result<Self, EmailError> {
        let text = text.trim_matches(' ');
        if text.chars().any(is_invisible) {
            return Err((
                FieldCode::ForbiddenCharacter,
                "control, invisible and direction characters are not allowed",
            ));
        }
        let (local, domain) = text
            .split_once('@')
            .ok_or((FieldCode::InvalidEmail, "an address needs an @"))?;
        if text.ends_with('>') && local.contains('<') {
            return Err((
                FieldCode::InvalidEmail,
                "the address alone, without a name and angle brackets, as a@b.co",
            ));
        }
        check_local(local)?;
        let email = Self(format!(
            "{}@{}",
            local.to_ascii_lowercase(),
            normal_domain(domain, hosts)?
        ));
        if email.0.len() > MAX_ADDRESS {
            return Err((FieldCode::TooLong, "an address has at most 254 bytes"));
        }
        Ok(email)
    }

    /// An address that was in its normal form when it was stored.
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The normal form as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The mailbox that mail to this address lands in, as name and domain: without a plus-tag. Only
    /// to count what one recipient gets; everywhere else `a+x@b.co` and `a@b.co` are two addresses.
    pub fn mailbox(&self) -> (&str, &str) {
        let (local, domain) = self.0.split_once('@').unwrap_or((&self.0, ""));
        let name = local.split('+').next().filter(|name| !name.is_empty());
        (name.unwrap_or(local), domain)
    }
}

/// Addresses are personal data: a log shows only that there is one.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(hidden)")
    }
}

/// Brings a domain by itself to the form that it has in an address: lowercase A-labels. One label
/// is enough (`edu`).
///
/// # Errors
/// A code and a sentence that says which rule `text` breaks.
pub fn parse_domain(text: &str) -> Result<String, EmailError> {
    let text = text.trim_matches(' ');
    if text.chars().any(is_invisible) {
        return Err((
            FieldCode::ForbiddenCharacter,
            "control, invisible and direction characters are not allowed",
        ));
    }
    let form = "a domain name, as example.com: without @, wildcard, port and final dot";
    normal_domain(text, Hosts::SingleLabelToo).map_err(|_| (FieldCode::InvalidFormat, form))
}

/// What a part of an address is.
const PART: &str = "a part of an address: letters, digits and signs as @ . _ + -, without spaces; \
    write + as %2B";

/// Brings a part of an address to the form that it has in an address: lowercase, and a domain that
/// holds other than ASCII letters, from the `@` on or alone, as A-labels. Such a domain must be whole.
/// No space is dropped: in a query it was a plus sign.
///
/// # Errors
/// A code and a sentence that says which rule `text` breaks.
pub(crate) fn parse_part(text: &str) -> Result<String, EmailError> {
    if text.contains(' ') {
        return Err((FieldCode::InvalidFormat, PART));
    }
    let part = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        let at = text.rfind('@').map_or(0, |at| at + 1);
        let domain = parse_domain(&text[at..]).map_err(|(code, _)| (code, PART))?;
        text[..at].to_ascii_lowercase() + &domain
    };
    if !part.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err((FieldCode::InvalidFormat, PART));
    }
    if part.is_empty() || part.len() > MAX_ADDRESS {
        return Err((FieldCode::OutOfRange, "1 to 254 characters of an address"));
    }
    Ok(part)
}

/// Checks the part before the `@`.
fn check_local(local: &str) -> Result<(), EmailError> {
    if !local.is_ascii() {
        return Err((
            FieldCode::NonAsciiLocalPart,
            "only ASCII is allowed before the @",
        ));
    }
    if local.len() > MAX_LOCAL {
        return Err((
            FieldCode::TooLong,
            "the part before the @ has at most 64 bytes",
        ));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".#$&'*+/=?^_`{|}~-".contains(&byte);
    let dots_between = !local.split('.').any(str::is_empty);
    // `=?...?=` is how mail headers spell other characters (RFC 2047): some program would decode
    // it.
    if !local.bytes().all(allowed) || !dots_between || local.starts_with("=?") {
        return Err((
            FieldCode::InvalidEmail,
            "before the @ stand letters, digits and signs as . _ + - only, without spaces and quotes",
        ));
    }
    Ok(())
}

/// The domain as lowercase A-labels.
fn normal_domain(domain: &str, hosts: Hosts) -> Result<String, EmailError> {
    let invalid = (
        FieldCode::InvalidEmail,
        "the part after the @ is not a domain name",
    );
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| invalid)?;
    // UTS 46 folds full-width letters, the Kelvin sign, a long s or an ideographic dot to ASCII.
    // Such a spelling is refused: it would equal an address that the reader does not see.
    let folds_to_ascii =
        |(given, made): (&str, &str)| !given.is_ascii() && !made.starts_with("xn--");
    let same_cuts = domain.split('.').count() == ascii.split('.').count();
    if !same_cuts || domain.split('.').zip(ascii.split('.')).any(folds_to_ascii) {
        return Err((
            FieldCode::InvalidEmail,
            "the domain holds look-alikes of ASCII characters",
        ));
    }
    // Written as it is or as an A-label.
    let (shown, _) = Uts46::new().to_unicode(
        ascii.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
    );
    if shown
        .split('.')
        .any(|label| !label.chars().any(char::is_alphanumeric))
    {
        return Err((
            FieldCode::InvalidEmail,
            "each label of the domain needs a letter or a digit",
        ));
    }
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid);
    }
    if !ascii.contains('.') && hosts == Hosts::Dotted {
        return Err((FieldCode::InvalidEmail, "the domain needs a dot"));
    }
    Ok(ascii.into_owned())
}

/// Checks the address.
pub(crate) fn parse_email(text: Option<&str>, hosts: Hosts) -> Checked<Email> {
    let text = text
        .ok_or_else(|| FieldError::new("/email", FieldCode::Required, "an address, as a@b.co"))?;
    Email::parse(text, hosts).map_err(|(code, detail)| FieldError::new("/email", code, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Result<String, FieldCode> {
        Email::parse(text, Hosts::Dotted)
            .map(|email| email.0)
            .map_err(|(code, _)| code)
    }

    #[test]
    fn spellings_of_one_address_have_one_normal_form() {
        for text in [
            "a@xn--bcher-kva.de",
            "A@b\u{fc}cher.de",
            "a@BU\u{308}CHER.de",
            "  a@xn--bcher-kva.DE ",
        ] {
            assert_eq!(
                normal(text).as_deref(),
                Ok("a@xn--bcher-kva.de"),
                "{text:?}"
            );
        }
        assert_eq!(
            normal("First.Last+Tag@Example.COM").as_deref(),
            Ok("first.last+tag@example.com")
        );
    }

    #[test]
    fn look_alikes_never_equal_the_ascii_address() {
        for text in [
            "\u{ff41}@b.co",
            "a@\u{ff42}.co",
            "a@\u{212a}.co",
            "a@\u{17f}.co",
            "a@b\u{3002}co",
            "\u{430}@b.co",
        ] {
            assert!(normal(text).is_err(), "{text:?}");
        }
        assert_ne!(normal("a@\u{131}.co"), normal("a@i.co"));
    }

    #[test]
    fn lengths_are_accepted_up_to_their_limit_and_not_past_it() {
        let local = |n: usize| format!("{}@b.co", "a".repeat(n));
        assert!(normal(&local(64)).is_ok());
        assert_eq!(normal(&local(65)), Err(FieldCode::TooLong));
        let label = |n: usize| format!("a@{}.co", "b".repeat(n));
        assert!(normal(&label(63)).is_ok());
        assert!(normal(&label(64)).is_err());
        let whole = |n: usize| {
            let tail = format!("@{0}.{0}.{0}.co", "b".repeat(62));
            format!("{}{tail}", "a".repeat(n - tail.len()))
        };
        assert!(normal(&whole(253)).is_ok());
        assert_eq!(normal(&whole(254)).map(|email| email.len()), Ok(254));
        assert_eq!(normal(&whole(255)), Err(FieldCode::TooLong));
    }

    #[test]
    fn a_single_label_is_accepted_only_where_development_asks_for_it() {
        assert!(normal("a@localhost").is_err());
        assert!(Email::parse("a@localhost", Hosts::SingleLabelToo).is_ok());
    }

    #[test]
    fn tags_of_one_mailbox_share_it() {
        let mailbox =
            |text| Email::parse(text, Hosts::Dotted).map(|email| format!("{:?}", email.mailbox()));
        assert_eq!(mailbox("A+x+y@B.co"), mailbox("a@b.co"));
        assert_ne!(mailbox("a@b.co"), mailbox("a@c.co"));
        assert_ne!(
            mailbox("+a@b.co"),
            mailbox("+b@b.co"),
            "a name that begins with a plus is no tag of nobody"
        );
    }

    #[test]
    fn debug_output_hides_the_address() {
        let shown = format!("{:?}", Email::parse("a@b.co", Hosts::Dotted));
        assert!(!shown.contains("b.co"), "{shown}");
    }
}
