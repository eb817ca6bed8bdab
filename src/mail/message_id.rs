//! The `Message-ID` of a mail (RFC 5322, 3.6.4): it says what the mail was about. The same letter
//! has the same one each time, so that whoever gets it twice can tell.

use std::fmt;

use uuid::Uuid;

use crate::base::id::parse_id;
use crate::outbox::mail::Kind;

/// What tells a mail from all others: its text is the part before the `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId {
    /// What the mail is for.
    pub kind: Kind,
    /// The invitation that it is about.
    pub invitation: Uuid,
    /// What tells it from others of its kind about the invitation.
    pub number: i64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            invitation,
            number,
        } = self;
        write!(f, "{}.{invitation}.{number}", kind.name())
    }
}

impl MessageId {
    /// Reads a `Message-ID` of this server, with or without angle brackets; others are none. The
    /// part behind the `@` does not count: the sender may be another one by now.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'))
            .unwrap_or(text);
        let (local, _) = bare.split_once('@')?;
        let (kind, rest) = local.split_once('.')?;
        let (invitation, number) = rest.split_once('.')?;
        let id = Self {
            kind: Kind::ALL.into_iter().find(|known| known.name() == kind)?,
            invitation: parse_id(invitation)?,
            number: number.parse().ok()?,
        };
        Some(id).filter(|id| id.to_string() == local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_read_as_it_is_written_and_no_other_is_taken_for_one() {
        let id = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
        for kind in Kind::ALL {
            let text = format!("{}.{id}.17", kind.name());
            for written in [
                format!("<{text}@example.com>"),
                format!(" {text}@xn--bcher-kva.de\r\n"),
            ] {
                let read = MessageId::parse(&written).map(|id| (id.kind, id.to_string()));
                assert_eq!(read, Some((kind, text.clone())), "{written:?}");
            }
        }
        for other in [
            "",
            "<>",
            "<@>",
            "<a@b.co>",
            &format!("<invitation.{id}.0>"),
            &format!("<invitation.{id}@b.co>"),
            &format!("<invitation.{id}.00@b.co>"),
            &format!("<invitation.{id}.+1@b.co>"),
            &format!("<invitation.{id}.x@b.co>"),
            &format!("<Invitation.{id}.0@b.co>"),
            &format!("<letter.{id}.0@b.co>"),
            &format!("<invitation.{}.0@b.co>", id.to_uppercase()),
            &format!("<invitation.{id}.0.0@b.co>"),
            "<invitation.019a0c5e-7b1c-4cc3-98c4-dc0c0c07398f.0@b.co>",
        ] {
            assert_eq!(MessageId::parse(other), None, "{other:?}");
        }
    }
}
