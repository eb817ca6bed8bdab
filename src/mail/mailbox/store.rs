//! The SQL of the mailbox.

use rusqlite::{OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::query::Filter;
use super::{KeptMail, MailSummary};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx};
use crate::mail::mailbox::Topic;
use crate::mail::message::Message;
use crate::outbox::mail::Kind;

/// The mail that `filter` lets through, newest first.
pub(crate) fn list(reader: &Reader<'_>, filter: &Filter) -> Result<Vec<MailSummary>> {
    let mut statement = reader.prepare_cached(
        "select id, recipient, kind, subject, sent_at, link, code
         from mailbox
         where (:to is null or recipient = :to)
           and (:kind is null or kind = :kind)
         order by id desc
         limit :limit",
    )?;
    let bound = named_params! {
        ":to": filter.to.as_ref().map(|email| email.as_str()),
        ":kind": filter.kind.map(Kind::name),
        ":limit": filter.limit,
    };
    Ok(statement
        .query_map(bound, summary)?
        .collect::<rusqlite::Result<_>>()?)
}

/// Maps a row of a list.
fn summary(row: &Row<'_>) -> rusqlite::Result<MailSummary> {
    Ok(MailSummary {
        id: Uuid::from_bytes(row.get(0)?),
        to: row.get(1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        sent_at: Timestamp::from_millis(row.get(4)?),
        link: row.get(5)?,
        code: row.get(6)?,
    })
}

/// Whether mail that `filter` would let through is under way, or due by `until`. A notice does not
/// go to the invited address, so nobody who names one waits for it.
pub(crate) fn is_coming(reader: &Reader<'_>, filter: &Filter, until: Timestamp) -> Result<bool> {
    let mut statement = reader.prepare_cached(
        "select exists (
           select 1
           from mail
           where (lease is not null or due_at <= :until)
             and (:kind is null or kind = :kind)
             and (:to is null or kind <> :notice)
             and (:to is null or :to = (select email from invitation where id = mail.invitation_id))
         )",
    )?;
    let bound = named_params! {
        ":until": until.as_millis(),
        ":kind": filter.kind.map(|kind| kind as u8),
        ":to": filter.to.as_ref().map(|email| email.as_str()),
        ":notice": Kind::Notice as u8,
    };
    Ok(statement.query_row(bound, |row| row.get(0))?)
}

/// One mail.
pub(crate) fn find(reader: &Reader<'_>, id: Uuid) -> Result<Option<KeptMail>> {
    let mut statement = reader.prepare_cached(
        "select id, recipient, kind, subject, sent_at, link, code, text, html, raw
         from mailbox
         where id = ?1",
    )?;
    let mail = statement.query_row([id.as_bytes()], |row| {
        Ok(KeptMail {
            summary: summary(row)?,
            text: row.get(7)?,
            html: row.get(8)?,
            raw: row.get(9)?,
        })
    });
    Ok(mail.optional()?)
}

/// Deletes one mail. Returns whether it was there.
pub(crate) fn delete(tx: &WriteTx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx
        .prepare_cached("delete from mailbox where id = ?1")?
        .execute([id.as_bytes()])?
        > 0)
}

/// Deletes every mail.
pub(crate) fn delete_all(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached("delete from mailbox")?.execute([])?;
    Ok(())
}

/// How many mails the mailbox of development keeps: far more than a test looks at, and little
/// enough for any disk.
const MAILBOX_SIZE: u32 = 1000;

/// Keeps a mail in the mailbox of development, in place of the oldest where that is full.
pub(crate) fn insert(tx: &WriteTx<'_>, kind: Kind, message: &Message) -> Result<()> {
    tx.prepare_cached(
        "insert into mailbox (id, recipient, kind, sent_at, subject, link, code, raw, text, html)
         values (:id, :recipient, :kind, :now, :subject, :link, :code, :raw, :text, :html)",
    )?
    .execute(named_params! {
        ":id": tx.new_mail_id().as_bytes(),
        ":recipient": message.to.as_str(),
        ":kind": kind.name(),
        ":now": tx.now.as_millis(),
        ":subject": message.subject,
        ":link": message.link,
        ":code": message.code,
        ":raw": message.raw,
        ":text": message.text,
        ":html": message.html,
    })?;
    tx.prepare_cached(
        "delete from mailbox
         where id <= (select id from mailbox order by id desc limit 1 offset ?1)",
    )?
    .execute([MAILBOX_SIZE])?;
    tx.announce(Topic::Mailbox);
    Ok(())
}
