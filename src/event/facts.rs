//! The facts of an event, member by member, as an erasure and the chain of its history need them.
//!
//! A member that names a person can be taken out. So the chain holds, in its place, a hash of it
//! and a random salt. The row keeps the salt for as long as the member is there. An erasure leaves
//! the hash in the place of the salt: the chain can still be checked, and without the salt nobody
//! can try addresses against the hash.
//!
//! # Seals
//! The salts and hashes of a row are its seals, one after the other in the order of the private
//! members, those of `before` first: a byte 0 and the salt of a member that is there, or a byte 1
//! and the hash of one that was erased.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::base::error::{Error, Result};

/// The members that the application or the person filled.
const PRIVATE: [&str; 3] = ["email", "acceptedBy", "redirectUrl"];
/// Bytes of a salt: nobody can try all of them.
const SALT_LEN: usize = 16;
/// Bytes of a hash.
pub(crate) const HASH_LEN: usize = 32;
/// Stands before the salt of a member that is there.
const IS_THERE: u8 = 0;
/// Stands before the hash of a member that was erased.
const IS_ERASED: u8 = 1;
/// Stands in the place of a length that is none.
const NO_LEN: u8 = 255;
/// Stands before a length of eight bytes; whatever is less is a length itself.
const LONG_LEN: u8 = 254;
/// Keeps these hashes apart from all others: see [`blake3::keyed_hash`].
const MEMBER_HASH: &[u8; HASH_LEN] = b"invited: a member of an event  1";

/// A hash as the chain holds it.
pub(crate) type Hash = [u8; HASH_LEN];

/// A member of a JSON object, with its value as it is written.
struct Member<'a> {
    /// Its name.
    name: Cow<'a, str>,
    /// Its value.
    value: &'a RawValue,
}

impl Member<'_> {
    /// Whether an erasure can take it out.
    fn is_private(&self) -> bool {
        PRIVATE.contains(&self.name.as_ref())
    }

    /// Whether it is a private text of which `is_meant` is true.
    fn is_private_text(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let text = || serde_json::from_str::<String>(self.value.get());
        self.is_private() && text().is_ok_and(|text| is_meant(&text))
    }

    /// Its hash with a salt, as a member of the object with this number.
    fn hash(&self, salt: &[u8], object: u8) -> Hash {
        let (name, value) = (self.name.as_bytes(), self.value.get().as_bytes());
        // No name holds the byte 0.
        let parts = [salt, &[object], name, &[0], value];
        *blake3::keyed_hash(MEMBER_HASH, &parts.concat()).as_bytes()
    }
}

/// The members of a JSON object, in their order.
struct Members<'a>(Vec<Member<'a>>);

/// What was before an event, and what is since then, as far as there is any.
pub(crate) struct Facts<'a>([Option<Members<'a>>; 2]);

impl<'a> Facts<'a> {
    /// Reads the facts of a row.
    ///
    /// # Errors
    /// When they are no JSON objects.
    pub(crate) fn parse(before: Option<&'a str>, after: Option<&'a str>) -> Result<Self> {
        let read = |text: Option<&'a str>| text.map(serde_json::from_str).transpose();
        let both = read(before).and_then(|before| Ok([before, read(after)?]));
        both.map(Self).map_err(Error::corrupt)
    }

    /// New seals for all private members.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn seal(&self) -> Result<Vec<u8>> {
        let mut seals = vec![0; self.private().count() * (1 + SALT_LEN)];
        getrandom::fill(&mut seals).map_err(Error::internal)?;
        for seal in seals.chunks_mut(1 + SALT_LEN) {
            seal[0] = IS_THERE;
        }
        Ok(seals)
    }

    /// Adds to `bytes` what the chain holds of the facts: the hashes of the private members, those
    /// that were erased too, and then the others as they are. Returns whether the seals are those
    /// of these facts.
    pub(crate) fn put(&self, seals: &[u8], bytes: &mut Vec<u8>) -> bool {
        let Some(seals) = Seal::read(seals) else {
            return false;
        };
        let mut private = self.private();
        put_len(bytes, Some(seals.len()));
        for seal in seals {
            match seal {
                Seal::Hash(hash) => bytes.extend_from_slice(hash),
                Seal::Salt(salt) => match private.next() {
                    Some((object, member)) => bytes.extend_from_slice(&member.hash(salt, object)),
                    None => return false,
                },
            }
        }
        let has_more = private.next().is_some();
        for members in &self.0 {
            put_public(members.as_ref(), bytes);
        }
        !has_more
    }

    /// Whether there is a private member whose text `is_meant`.
    pub(crate) fn holds(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let mut members = self.private();
        members.any(|(_, member)| member.is_private_text(&is_meant))
    }

    /// Takes out the private members whose text `is_erased`. Returns the seals from then on; none:
    /// there is no such member. Where the seals are damaged, the members go all the same.
    pub(crate) fn erase(
        &mut self,
        seals: &[u8],
        is_erased: impl Fn(&str) -> bool,
    ) -> Option<Vec<u8>> {
        if !self.holds(&is_erased) {
            return None;
        }
        let is_erased = |member: &Member<'_>| member.is_private_text(&is_erased);
        let (mut private, mut left) = (self.private(), Vec::with_capacity(2 * seals.len()));
        for seal in Seal::read(seals).unwrap_or_default() {
            match seal {
                Seal::Hash(hash) => put_seal(&mut left, IS_ERASED, hash),
                Seal::Salt(salt) => match private.next().filter(|(_, member)| is_erased(member)) {
                    Some((object, member)) => {
                        put_seal(&mut left, IS_ERASED, &member.hash(salt, object));
                    }
                    None => put_seal(&mut left, IS_THERE, salt),
                },
            }
        }
        drop(private);
        for members in self.0.iter_mut().flatten() {
            members.0.retain(|member| !is_erased(member));
        }
        Some(left)
    }

    /// Both as a row holds them.
    ///
    /// # Errors
    /// None that is known: they were read from texts.
    pub(crate) fn texts(&self) -> Result<[Option<String>; 2]> {
        let text = |members: Option<&Members<'_>>| members.map(serde_json::to_string).transpose();
        let [before, after] = self.0.each_ref().map(|members| text(members.as_ref()));
        before
            .and_then(|before| Ok([before, after?]))
            .map_err(Error::internal)
    }

    /// The private members, each with the number of its object.
    fn private(&self) -> impl Iterator<Item = (u8, &Member<'a>)> {
        [0_u8, 1]
            .into_iter()
            .zip(&self.0)
            .flat_map(|(object, members)| {
                let members = members.iter().flat_map(|members| &members.0);
                members
                    .filter(|member| member.is_private())
                    .map(move |member| (object, member))
            })
    }
}

/// Adds the members of an object that are not private.
fn put_public(members: Option<&Members<'_>>, bytes: &mut Vec<u8>) {
    let public = || {
        members
            .iter()
            .flat_map(|members| &members.0)
            .filter(|member| !member.is_private())
    };
    put_len(bytes, members.map(|_| public().count()));
    for member in public() {
        put_text(bytes, &member.name);
        put_text(bytes, member.value.get());
    }
}

/// Adds how much follows, mostly in one byte; none: nothing does, which is not the same as nothing
/// of it.
pub(crate) fn put_len(bytes: &mut Vec<u8>, len: Option<usize>) {
    match len.map(u8::try_from) {
        None => bytes.push(NO_LEN),
        Some(Ok(len)) if len < LONG_LEN => bytes.push(len),
        Some(_) => {
            bytes.push(LONG_LEN);
            bytes.extend_from_slice(&(len.unwrap_or_default() as u64).to_le_bytes());
        }
    }
}

/// Adds a text behind its length.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_len(bytes, Some(text.len()));
    bytes.extend_from_slice(text.as_bytes());
}

/// A seal of a private member.
enum Seal<'a> {
    /// The salt of one that is there.
    Salt(&'a [u8]),
    /// The hash of one that was erased.
    Hash(&'a [u8]),
}

impl<'a> Seal<'a> {
    /// Reads the seals of a row; none: they are damaged.
    fn read(mut bytes: &'a [u8]) -> Option<Vec<Self>> {
        let mut seals = Vec::new();
        while let Some((&kind, rest)) = bytes.split_first() {
            let (seal, rest) = match kind {
                IS_THERE => rest
                    .split_at_checked(SALT_LEN)
                    .map(|(salt, rest)| (Self::Salt(salt), rest)),
                IS_ERASED => rest
                    .split_at_checked(HASH_LEN)
                    .map(|(hash, rest)| (Self::Hash(hash), rest)),
                _ => None,
            }?;
            seals.push(seal);
            bytes = rest;
        }
        Some(seals)
    }
}

/// Adds a seal of this kind.
fn put_seal(seals: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    seals.push(kind);
    seals.extend_from_slice(bytes);
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Reads members in their order, whatever their names: no map does.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push(Member { name, value });
        }
        Ok(Members(members))
    }
}

/// A name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|member| (&member.name, member.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the chain holds of `facts`.
    fn bytes(facts: &Facts<'_>, seals: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        facts.put(seals, &mut bytes).then_some(bytes)
    }

    #[test]
    fn the_chain_holds_the_same_before_and_after_members_were_erased() {
        let before =
            r#"{"email":"a@b.co","role":"a@b.co","expiresAt":1.50,"acceptedBy":"u\u0031"}"#;
        let after = r#"{"redirectUrl":"https://x.y/?to=a@b.co","n":{"email":"a@b.co"}}"#;
        let mut facts = Facts::parse(Some(before), Some(after)).expect("objects");
        let mut seals = facts.seal().expect("random bytes");
        let held = bytes(&facts, &seals);
        assert!(held.is_some());
        for (erased, expected) in [
            (
                "a@b.co",
                [
                    r#"{"role":"a@b.co","expiresAt":1.50,"acceptedBy":"u\u0031"}"#,
                    after,
                ],
            ),
            ("u1", [r#"{"role":"a@b.co","expiresAt":1.50}"#, after]),
            (
                "https://x.y/?to=a@b.co",
                [
                    r#"{"role":"a@b.co","expiresAt":1.50}"#,
                    r#"{"n":{"email":"a@b.co"}}"#,
                ],
            ),
        ] {
            seals = facts
                .erase(&seals, |text| text == erased)
                .expect("it is there");
            let texts = facts.texts().expect("texts").map(Option::unwrap_or_default);
            assert_eq!(texts, expected, "{erased}");
            let read = Facts::parse(Some(&texts[0]), Some(&texts[1])).expect("objects");
            assert_eq!(bytes(&read, &seals), held, "{erased}");
        }
        assert_eq!(facts.erase(&seals, |_| true), None);
    }

    #[test]
    fn the_chain_does_not_hold_the_same_of_other_facts() {
        let text = r#"{"email":"a@b.co","role":"x"}"#;
        let facts = Facts::parse(None, Some(text)).expect("an object");
        let seals = facts.seal().expect("random bytes");
        let held = bytes(&facts, &seals).expect("its own seals");
        for (before, after) in [
            (None, Some(r#"{"email":"a@b.cp","role":"x"}"#)),
            (None, Some(r#"{"email":"a@b.co","role":"y"}"#)),
            (None, Some(r#"{"email":"a@b.co","rolf":"x"}"#)),
            (None, Some(r#"{"email":"a@b.co"}"#)),
            (None, Some(r#"{"acceptedBy":"a@b.co","role":"x"}"#)),
            (Some(text), None),
            (Some("{}"), Some(text)),
            (None, None),
        ] {
            let other = Facts::parse(before, after).expect("objects");
            assert_ne!(
                bytes(&other, &seals).as_ref(),
                Some(&held),
                "{before:?} {after:?}"
            );
        }
        for at in 0..seals.len() {
            let mut damaged = seals.clone();
            damaged[at] ^= 1;
            assert_ne!(bytes(&facts, &damaged).as_ref(), Some(&held), "{at}");
        }
    }

    #[test]
    fn a_member_goes_even_where_the_seals_are_damaged() {
        let mut facts = Facts::parse(None, Some(r#"{"email":"a@b.co"}"#)).expect("an object");
        for seals in [&[][..], &[7, 7], &[0; 5]] {
            assert_eq!(facts.erase(seals, |text| text == "x"), None);
        }
        assert_eq!(facts.erase(&[7], |_| true), Some(Vec::new()));
        assert_eq!(facts.texts().expect("texts"), [None, Some("{}".to_owned())]);
    }
}
