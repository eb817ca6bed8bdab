//! What can be done to invitations, and how it is chosen by chance.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

/// How many organizations a sequence has.
pub const ORGANIZATIONS: usize = 2;
/// How many addresses a sequence has: few, so that they meet.
pub const ADDRESSES: usize = 3;
/// The most operations of a sequence.
pub const LENGTH: usize = 50;
/// The roles.
pub const ROLES: [&str; 3] = ["developer", "admin", "owner"];
/// From here on, deleted invitations are picked, too.
pub const DELETED_TOO: usize = 100;
/// Milliseconds in a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// One step of a sequence.
#[derive(Clone, Debug)]
pub enum Operation {
    /// POST of an invitation.
    Create {
        organization: usize,
        address: usize,
        role: usize,
        lifetime: Lifetime,
        on_conflict: Option<&'static str>,
    },
    /// GET of one.
    Get(Pick),
    /// GET of an organization's, those of these statuses; none: all.
    List {
        organization: usize,
        statuses: Vec<&'static str>,
    },
    /// GET of the open ones of an address in all organizations.
    Open(usize),
    /// DELETE.
    Delete(Pick),
    /// PATCH. Inside `metadata` none: unset.
    Patch {
        pick: Pick,
        role: Option<usize>,
        lifetime: Lifetime,
        metadata: Option<Option<u8>>,
    },
    /// The invitation is sent again.
    Resend(Pick, Lifetime),
    /// It is taken back.
    Revoke(Pick),
    /// It is accepted by its id, with a key, for the invited address or another one.
    Accept { pick: Pick, is_invited: bool },
    /// Its link is asked for.
    Link(Pick),
    /// It is accepted or declined by a token, with a key, for the invited address or another one.
    Answer {
        back: usize,
        token: Token,
        accepts: bool,
        is_invited: bool,
    },
    /// It is looked at by a token, without a key.
    Lookup { back: usize, token: Token },
    /// The organization is put with a cap on pending invitations, or without one.
    Cap(usize, Option<usize>),
    /// The organization is deleted.
    Disband(usize),
    /// The clock is set.
    Clock(Jump),
    /// The server is stopped, and started again on the same file.
    Restart,
}

/// Which invitation is meant.
#[derive(Clone, Copy, Debug)]
pub struct Pick {
    /// How many of those that are there are younger; from [`DELETED_TOO`] on, of all that were ever
    /// made.
    pub back: usize,
    /// Whether the path names an organization that is not its own.
    pub is_foreign: bool,
}

/// How long an invitation is to live.
#[derive(Clone, Copy, Debug)]
pub enum Lifetime {
    /// Nothing is said.
    Default,
    /// So many seconds.
    In(i64),
    /// Until so many milliseconds from now.
    At(i64),
}

/// Which token is given.
#[derive(Clone, Copy, Debug)]
pub enum Token {
    /// That of the last sending.
    Current,
    /// That of an earlier sending; an altered one where there was none.
    Superseded(usize),
    /// That of the last sending with another digit at this place, modulo its length.
    Altered(usize),
}

/// Where the clock is set to.
#[derive(Clone, Copy, Debug)]
pub enum Jump {
    /// So many milliseconds from where it stands.
    By(i64),
    /// So many milliseconds from the end of an invitation.
    Expiry(usize, i64),
    /// So many milliseconds from the end of an invitation's cool-down.
    Cooldown(usize, i64),
}

impl Lifetime {
    /// When an invitation ends that is made at `now`, unless that is out of range.
    pub fn end(self, now: i64) -> Option<i64> {
        let millis = match self {
            Self::Default => 7 * DAY,
            Self::In(seconds) => seconds * 1000,
            Self::At(millis) => millis,
        };
        (60_000..=365 * DAY)
            .contains(&millis)
            .then_some(now + millis)
    }
}

/// Sequences of operations.
pub fn operations() -> impl Strategy<Value = Vec<Operation>> {
    vec(operation(), 1..=LENGTH)
}

/// One operation. The first ones are what a failing sequence is made simpler to.
fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        80 => create(),
        10 => pick().prop_map(Operation::Get),
        10 => list(),
        5 => address().prop_map(Operation::Open),
        10 => pick().prop_map(Operation::Delete),
        30 => patch(),
        40 => (pick(), lifetime()).prop_map(|(pick, lifetime)| Operation::Resend(pick, lifetime)),
        20 => pick().prop_map(Operation::Revoke),
        30 => (pick(), mostly(true)).prop_map(|(pick, is_invited)| Operation::Accept { pick,
            is_invited }),
        10 => pick().prop_map(Operation::Link),
        50 => answer(),
        15 => (back(), token()).prop_map(|(back, token)| Operation::Lookup { back, token }),
        12 => (organization(), option::weighted(0.7, 1..3usize)).prop_map(|(organization,
            cap)| Operation::Cap(organization, cap)),
        3 => organization().prop_map(Operation::Disband),
        70 => jump().prop_map(Operation::Clock),
        2 => Just(Operation::Restart),
    ]
}

/// A create.
fn create() -> impl Strategy<Value = Operation> {
    let on_conflict = option::of(select(&["error", "return", "replace", "resend"]));
    (
        organization(),
        address(),
        0..ROLES.len(),
        lifetime(),
        on_conflict,
    )
        .prop_map(
            |(organization, address, role, lifetime, on_conflict)| Operation::Create {
                organization,
                address,
                role,
                lifetime,
                on_conflict,
            },
        )
}

/// A list.
fn list() -> impl Strategy<Value = Operation> {
    let all = vec!["pending", "accepted", "declined", "revoked", "expired"];
    (0..ORGANIZATIONS, subsequence(all, 0..=5)).prop_map(|(organization, statuses)| {
        Operation::List {
            organization,
            statuses,
        }
    })
}

/// A change by PATCH.
fn patch() -> impl Strategy<Value = Operation> {
    (
        pick(),
        option::of(0..ROLES.len()),
        lifetime(),
        option::of(option::of(0..3u8)),
    )
        .prop_map(|(pick, role, lifetime, metadata)| Operation::Patch {
            pick,
            role,
            lifetime,
            metadata,
        })
}

/// An answer by a token.
fn answer() -> impl Strategy<Value = Operation> {
    (back(), token(), any::<bool>(), mostly(true)).prop_map(|(back, token, accepts, is_invited)| {
        Operation::Answer {
            back,
            token,
            accepts,
            is_invited,
        }
    })
}

/// One of the organizations, mostly the first.
fn organization() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0), 1 => 0..ORGANIZATIONS]
}

/// One of the addresses, mostly the first.
fn address() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0), 1 => 0..ADDRESSES]
}

/// How far back: mostly one of the latest invitations.
fn back() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0), 5 => Just(1), 8 => 0..8usize, 1 => DELETED_TOO..DELETED_TOO + 8]
}

/// An invitation, mostly by its right path.
fn pick() -> impl Strategy<Value = Pick> {
    (back(), mostly(false)).prop_map(|(back, is_foreign)| Pick { back, is_foreign })
}

/// A value that is another one time in eight.
fn mostly(usual: bool) -> impl Strategy<Value = bool> {
    prop_oneof![7 => Just(usual), 1 => Just(!usual)]
}

/// A lifetime, around the shortest and the longest.
fn lifetime() -> impl Strategy<Value = Lifetime> {
    let year = 365 * DAY;
    prop_oneof![
        8 => Just(Lifetime::Default),
        6 => select(&[60, 61, 3600, 31_536_000]).prop_map(Lifetime::In),
        6 => select(vec![60_000, 60_001, DAY, year]).prop_map(Lifetime::At),
        1 => select(&[59, 31_536_001]).prop_map(Lifetime::In),
        1 => select(vec![59_999, year + 1]).prop_map(Lifetime::At),
    ]
}

/// A token, mostly the right one.
fn token() -> impl Strategy<Value = Token> {
    prop_oneof![
        6 => Just(Token::Current),
        2 => (1..4usize).prop_map(Token::Superseded),
        1 => any::<usize>().prop_map(Token::Altered),
    ]
}

/// A jump of the clock: around the ends of invitations and cool-downs, and by days, back too.
fn jump() -> impl Strategy<Value = Jump> {
    let offset = || select(&[0, -1, 1]);
    let by = vec![
        1,
        1000,
        59_999,
        60_000,
        DAY / 24,
        DAY,
        8 * DAY,
        400 * DAY,
        -1,
        -60_000,
        -DAY,
        -30 * DAY,
    ];
    prop_oneof![
        3 => select(by).prop_map(Jump::By),
        4 => (back(), offset()).prop_map(|(back, offset)| Jump::Expiry(back, offset)),
        3 => (back(), offset()).prop_map(|(back, offset)| Jump::Cooldown(back, offset)),
    ]
}
