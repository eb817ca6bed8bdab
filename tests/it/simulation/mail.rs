//! Mail: domains that stall and defer, a mail server that goes away, and organizations of which one
//! sends a batch.

use std::sync::Arc;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use invited::base::organization_id::OrganizationId;
use invited::db::WriteTx;
use invited::invitation::create::create;
use invited::invitation::new::{CreateBody, NewInvitation};
use invited::mail::message::{Composer, Sender};
use invited::mail::sender::{Item, Mail, Outcome};
use invited::mail::template::Templates;
use invited::mail::transport::Transport;
use invited::outbox::faults::Faults;
use invited::policy::{Rules, Sending};
use invited::secret::{Keyring, Secret};
use uuid::Uuid;

use super::FAULTS_END;
use super::chance::Chance;
use super::world::{Reply, World};
use crate::support::{anybody, rules};

/// How long after the last fault all mail must be out: a probe after a refused login, a lease that
/// is over, a further try.
const BOUND: i64 = 420_000;
/// The domain that never fails, and by when its mail must be out while the mail server is there.
const HEALTHY: (&str, i64) = ("healthy.test", 5_000);
/// The others.
const DOMAINS: [&str; 3] = ["stall.test", "defer.test", "both.test"];

/// What happens in one seed.
struct Story {
    /// When the mail server is away, or refuses us.
    outage: Option<(i64, i64, bool)>,
    /// Who must not be written to any more.
    gone: HashSet<Uuid>,
    /// When mail that must be quick was queued, and when it went out.
    quick: HashMap<Uuid, (i64, Option<i64>)>,
    /// What went out though it was gone.
    wrong: Vec<Uuid>,
    /// Whether deliveries are lost.
    loses: bool,
}

/// Invites somebody; returns the invitation.
pub fn invite(
    tx: &WriteTx<'_>,
    organization: &str,
    email: &str,
) -> invited::base::error::Result<Uuid> {
    let rules = Rules {
        sending: Sending {
            has_mail: true,
            ..rules().sending
        },
        ..rules()
    };
    let body = CreateBody {
        email: Some(email.to_owned()),
        role: Some("developer".to_owned()),
        expires_in: Some(31_536_000),
        ..CreateBody::default()
    };
    let organization = OrganizationId::parse(organization).expect("an id");
    let new = NewInvitation::parse(organization, body, &rules, tx.now)?;
    Ok(create(tx, &new, &anybody(), |invitation, _| Ok(invitation.id))?.1)
}

impl Story {
    /// What the mail server does with a mail that begins at `passed`.
    fn reply(&mut self, chance: &mut Chance, item: &Item, passed: i64) -> Reply<Outcome> {
        let (id, domain) = (item.invitation(), item.domain().to_owned());
        if self.gone.contains(&id) {
            self.wrong.push(id);
        }
        let text = || "made up".to_owned();
        let ended = |after_ms, outcome| Reply {
            after_ms,
            outcome: Some(outcome),
        };
        if let Some((_, _, is_barred)) = self
            .outage
            .filter(|(from, to, _)| (*from..*to).contains(&passed))
        {
            return if is_barred {
                ended(30, Outcome::Barred(text()))
            } else {
                ended(20, Outcome::Unreachable(text()))
            };
        }
        let is_faulty = passed < FAULTS_END && domain != HEALTHY.0;
        if self.loses && is_faulty && chance.percent(2) {
            return Reply {
                after_ms: 50,
                outcome: None,
            };
        }
        match domain.as_str() {
            "stall.test" if is_faulty => ended(10_000, Outcome::Stalled(text())),
            "defer.test" if is_faulty => ended(40, Outcome::Deferred(text())),
            "both.test" if is_faulty && chance.percent(50) => {
                ended(10_000, Outcome::Stalled(text()))
            }
            _ => {
                let after_ms = chance.number(10, 200);
                if let Some((_, out_at)) = self.quick.get_mut(&id) {
                    *out_at = Some(passed + after_ms);
                }
                ended(after_ms, Outcome::Sent)
            }
        }
    }
}

/// The channel as a server has it.
pub fn channel() -> Mail {
    let secret = Secret::new("a secret of the simulation, 0123456789").expect("a secret");
    Mail {
        transport: Transport::Mailbox,
        composer: Arc::new(Composer {
            sender: Sender::of_development(),
            templates: Templates::load(None).expect("ours"),
        }),
        faults: Faults::default(),
        keyring: Keyring::single(secret),
        accept_url: "http://invited.test/accept".to_owned(),
        remind_before_seconds: None,
        notifies_inviters: false,
        limits: Arc::default(),
    }
}

/// One seed.
pub fn story(tx: &WriteTx<'_>, chance: &mut Chance) -> Result<(), String> {
    let failed = |error: invited::base::error::Error| format!("{error:?}");
    let outage_from = chance.number(0, FAULTS_END - 60_000);
    let outage = chance.percent(50).then(|| {
        (
            outage_from,
            outage_from + chance.number(1_000, 60_000),
            chance.percent(30),
        )
    });
    let (loses, jumps, restarts) = (chance.percent(30), chance.percent(40), chance.percent(30));
    let (gone, quick) = (HashSet::new(), HashMap::new());
    let story = RefCell::new(Story {
        outage,
        gone,
        quick,
        wrong: Vec::new(),
        loses,
    });
    let is_calm = outage.is_none() && !jumps && !restarts;
    let mut world = World::new(tx, channel());
    let mut dice = Chance::new(chance.number(0, i64::MAX).unsigned_abs());
    let mut made = Vec::new();
    let mut run = |world: &mut World<'_, Mail>, until| {
        world
            .run(until, &mut |item, passed| {
                story.borrow_mut().reply(&mut dice, item, passed)
            })
            .map_err(failed)
    };
    // Of a domain that nothing is known of nobody can say whether it stalls.
    invite(&world.tx(), "acme", &format!("first@{}", HEALTHY.0)).map_err(failed)?;
    for number in 0..80 {
        let until = world.passed + chance.number(0, 2 * FAULTS_END / 80);
        run(&mut world, until.min(FAULTS_END))?;
        // Now and then a batch of one organization; else one mail of any.
        let (organization, count) = if chance.percent(5) {
            ("batch", 40)
        } else {
            (chance.one(&["acme", "globex", "o3"]), 1)
        };
        for part in 0..count {
            let domain = if count > 1 || chance.percent(60) {
                chance.one(&DOMAINS)
            } else {
                HEALTHY.0
            };
            let id = invite(
                &world.tx(),
                organization,
                &format!("p{number}-{part}@{domain}"),
            )
            .map_err(failed)?;
            if domain == HEALTHY.0 {
                story.borrow_mut().quick.insert(id, (world.passed, None));
            }
            made.push((organization, id));
        }
        if chance.percent(10) {
            let (organization, id) = chance.one(&made);
            end(&world.tx(), organization, id, chance.percent(50)).map_err(failed)?;
            let mut story = story.borrow_mut();
            story.gone.insert(id);
            story.quick.remove(&id);
        }
        if jumps && chance.percent(4) {
            let ms = chance.one(&[
                -40 * 86_400_000,
                -1_800_000,
                -30_000,
                30_000,
                3_600_000,
                20 * 86_400_000,
            ]);
            world.offset += ms;
        }
        if restarts && chance.percent(3) {
            world.restart().map_err(failed)?;
        }
    }
    run(&mut world, FAULTS_END + BOUND)?;
    let waiting = "select count(*) from mail";
    let waiting: i64 = tx
        .query_row(waiting, [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    let story = story.into_inner();
    let late: Vec<_> = story
        .quick
        .values()
        .filter(|(from, out)| out.is_none_or(|out| is_calm && out - from > HEALTHY.1))
        .collect();
    match (waiting, story.wrong.is_empty(), late.is_empty()) {
        (0, true, true) => Ok(()),
        _ => Err(format!(
            "{waiting} wait, {:?} are gone and were begun, late: {late:?}",
            story.wrong
        )),
    }
}

/// Revokes or deletes an invitation.
fn end(
    tx: &WriteTx<'_>,
    organization: &str,
    id: Uuid,
    is_deleted: bool,
) -> invited::base::error::Result<()> {
    if is_deleted {
        let organization = OrganizationId::parse(organization).expect("an id");
        invited::invitation::store::delete(tx, &organization, id)?;
    } else {
        tx.execute(
            "update invitation set state = 3, closed_at = ?2 where id = ?1",
            (id.as_bytes(), tx.now.as_millis()),
        )?;
    }
    Ok(())
}
