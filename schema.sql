-- What a new data file gets: every table, column and index of the newest schema, with its unit and meaning.
--
-- Conventions
--   * Times are integers: milliseconds since 1970-01-01T00:00:00Z.
--   * Ids are UUIDv7 as 16-byte blobs. The writer mints them in commit order, so sorting by id sorts by age.
--   * Invitations are clustered by (organization_id, id) and have no rowid: a page of a list is one contiguous scan.
--   * An index exists only where a query below it needs it: each one costs a create a random page.
--   * `pragma user_version` is the schema version; a file of a released version is brought up to date by `migrations/`.

-- "invd": tells this program's files from other SQLite files.
pragma application_id = 0x696e7664;

-- The server's secrets that this file belongs to (src/secret/mod.rs). None lies in here:
-- a row opens nothing.
create table secret (
  -- The check value by which a secret is known: the first 16 bytes of an HMAC that is used for
  -- nothing else.
  id             blob    not null primary key check (length(id) = 16),
  -- When a server first signed with it.
  created_at     integer not null,
  -- The first millisecond at which links and codes that it signed are worthless.
  -- Null: it has no end yet.
  verifies_until integer
) strict, without rowid;

-- An organization, known from its first invitation on, or since it was put. Never holds rights: those are the keys'.
-- Deleting one deletes its invitations, its events and its stored answers before it, in small jobs: see `purge`.
create table organization (
  -- The caller's own id: 1 to 128 characters, [A-Za-z0-9][A-Za-z0-9._~-]*.
  id         text    not null primary key,
  -- What it asks of its invitations (src/organization/settings.rs), as a JSON object with only what is set; null: nothing.
  settings   text,
  -- When its first invitation was made, or it was put for the first time.
  created_at integer not null,
  -- When it was last put. Its invitations do not count.
  updated_at integer not null
) strict, without rowid;

-- One invitation of one address to one organization. Deleting an invitation deletes its row; its events stay.
create table invitation (
  organization_id text    not null references organization (id),
  -- UUIDv7, unique in the file. Never a secret.
  id              blob    not null check (length(id) = 16),
  -- The address in its one normal form (src/base/email.rs): lowercase, domain as A-labels.
  email           text    not null,
  -- The role the person gets on joining: 1 to 64 characters, [A-Za-z][A-Za-z0-9_.:-]*.
  role            text    not null,
  -- 0 pending, 1 accepted, 2 declined, 3 revoked, 4 expired. A pending row whose expires_at has passed *is* expired:
  -- readers decide that by the clock. The row is flipped to 4 only when a new invitation needs its place.
  state           integer not null check (state between 0 and 4),
  created_at      integer not null,
  -- The first millisecond at which the invitation can no longer be accepted.
  expires_at      integer not null,
  -- The last change of this row.
  updated_at      integer not null,
  -- When it was accepted, declined or revoked; null in the other states.
  closed_at       integer,
  -- Who accepted: the user id that the application gave. Null unless accepted.
  accepted_by     text,
  -- Who invites, as the application names them, and the address for a notice of the answer. Each may be null.
  inviter_id      text,
  inviter_name    text,
  inviter_email   text,
  -- The inviter's own words for the mail, at most 500 characters with line breaks. No answer shows it.
  note            text,
  -- The application's own data: a JSON object as text, at most 4,096 bytes.
  metadata        text,
  -- Where the person goes after joining; its origin is on the server's list.
  redirect_url    text,
  -- The language of its mail, as a language tag (BCP 47) of at most 35 characters; null: the organization's.
  locale          text,
  -- How often it was sent again, and when last. Null while it was sent only once.
  -- The tokens of links are HMACs over their kind, the id and this count: sending it again makes the links before it
  -- worthless.
  send_count      integer,
  last_sent_at    integer,
  -- 1 in an organization that has a cap on pending invitations, or had one, where this one is pending or can be again; else null.
  capped          integer check (capped = 1),
  -- 0 once its end is near, 1 once the history says that the time of this sending has passed; null before.
  lapse           integer check (lapse in (0, 1)),
  -- How far the mail of its last sending has come: 0 nothing is sent, 1 queued, 2 sent, 3 failed, 4 it came back.
  delivery          integer not null default 0 check (delivery between 0 and 4),
  -- How often that mail was tried, and why the last try failed. Null before the first one, and while none failed.
  delivery_attempts integer,
  delivery_error    text,
  -- Whether any column is set that most invitations have no value for, so that a list need not read each of them.
  -- The database keeps it.
  is_extended integer not null generated always as
    (coalesce(closed_at, inviter_id, inviter_name, inviter_email, metadata, redirect_url, locale,
     send_count, delivery_attempts) is not null) stored,
  -- Serves: the list of an organization (newest first, page by id), one invitation by its id.
  primary key (organization_id, id)
) strict, without rowid;

-- The standing rule: at most one pending or accepted invitation for an address in an organization.
-- Serves: the conflict check of a create. The address comes first, so that it also finds the open invitations
-- of one address over all organizations.
create unique index invitation_standing
  on invitation (email, organization_id)
  where state in (0, 1);

-- Serves: the invitation of a link. Ids grow, so a create changes only the last page.
create unique index invitation_id
  on invitation (id);

-- The pending invitations whose end is near and was not told yet; all others are kept out of it, so that a create pays
-- nothing for it: most are answered long before their end.
-- Serves: whose time has passed, and was not told.
create index invitation_lapse
  on invitation (expires_at)
  where state = 0 and lapse = 0;

-- A 6-digit code that somebody asked for, to prove that mail to an address reaches them. The code itself is derived from the
-- server's secret, so nothing here opens anything. Rows go with their invitation.
create table code (
  invitation_id blob    not null references invitation (id) on delete cascade,
  -- HMAC of the address that was given, whether or not it is the invited one: both look and cost the same.
  address_mac   blob    not null check (length(address_mac) = 32),
  -- When the code was asked for; 0: never, the address was only tried.
  issued_at     integer not null,
  -- Wrong answers since then.
  tries         integer not null,
  -- Serves: the code of an address, and the codes of an invitation that goes.
  primary key (invitation_id, address_mac)
) strict, without rowid;

-- Mail that is to be sent: written in the transaction of its cause, deleted once the mail server has taken it or it was given up.
-- What it says, its link and its code are put together when it is sent, so nothing in here opens anything.
create table mail (
  invitation_id   blob    not null references invitation (id) on delete cascade,
  -- 0 the invitation, 1 a code, 2 a reminder, 3 a notice to the inviter that it was answered.
  kind            integer not null check (kind between 0 and 3),
  -- Of a code: the HMAC of the address that was given; it goes out only if that is the invited one. Else empty.
  address_mac     blob    not null,
  -- Whose turn it is: the organization's, and there the mail domain's that it goes to.
  organization_id text    not null,
  domain          text    not null,
  -- While it is ready to go out: 0 a code, 1 it was not tried yet, 2 it was. Null while it waits for due_at, or is under way.
  lane            integer check (lane between 0 and 2),
  -- When to try next; of a row that is under way: when it counts as lost, and is tried again.
  due_at          integer not null,
  -- How often it was tried.
  attempts        integer not null,
  -- While a try is under way: a random number that only its claim knows, so that a mail that was queued again meanwhile is not taken
  -- for done. Else null. A server that starts takes all of them back: there is only one.
  lease           integer check (lease > 0),
  -- Why the last try failed.
  error           text,
  -- When it was queued, or queued again.
  queued_at       integer not null,
  -- Serves: a further sending takes the place of one that waits.
  primary key (invitation_id, kind, address_mac)
) strict, without rowid;

-- Serves: whose turn is next, the oldest mail of one organization to one domain.
create index mail_ready
  on mail (lane, organization_id, domain, due_at)
  where lane is not null;

-- Serves: what has come due.
create index mail_due
  on mail (due_at)
  where lane is null;

-- Only in development: mail that was kept instead of sent, the newest 1,000.
create table mailbox (
  -- UUIDv7.
  id         blob    not null primary key check (length(id) = 16),
  -- The address it went to.
  recipient  text    not null,
  -- invitation, code, reminder or notice.
  kind       text    not null,
  -- When it was kept.
  sent_at    integer not null,
  subject    text    not null,
  -- The link or the code that it brings; null: it brings none.
  link       text,
  code       text,
  -- What a mail server would have got (RFC 5322), and its two bodies.
  raw        text    not null,
  text       text    not null,
  html       text    not null
) strict, without rowid;

-- An endpoint that is told of events as they are committed.
-- Its signing secret is derived from one of the server's (src/webhook/sign.rs).
-- One of an organization goes with the organization.
create table webhook (
  -- UUIDv7.
  id                blob    not null primary key check (length(id) = 16),
  -- Whose events it is told of; null: everybody's. No foreign key: it may be there before the first invitation.
  organization_id   text,
  -- Where they go: an http or https URL in its normal form, at most 2,048 bytes.
  url               text    not null,
  -- JSON array of the types of events it is told of; null: all.
  types             text,
  -- What its maker calls it. May be null.
  description       text,
  -- How often its secret was rotated.
  generation        integer not null,
  -- The server's secret from which it is derived, since it was made or rotated.
  secret_id         blob    not null references secret (id),
  -- Until when the secret before is used, too, and from which it is derived; null: there is none.
  previous_until     integer,
  previous_secret_id blob references secret (id) on delete set null,
  -- Since when nothing is sent to it, and why: gone, exhausted, paused (src/webhook/mod.rs). Null while it is enabled.
  disabled_at       integer,
  disabled_reason   text,
  created_at        integer not null,
  updated_at        integer not null
) strict, without rowid;

-- One event on its way to one webhook, and what became of it. What is sent is the event as it is then. Kept for 30 days.
create table webhook_delivery (
  webhook_id      blob    not null references webhook (id) on delete cascade,
  -- The id of the event; of a test, which has none, an id of its own.
  id              blob    not null check (length(id) = 16),
  -- Whose event it is; null: it is a test.
  organization_id text,
  -- 0 waiting, 1 delivered, 2 failed.
  state           integer not null check (state between 0 and 2),
  -- While it waits: 1 it was not tried yet, 2 it was. Null while it is under way, and once it has ended.
  lane            integer check (lane in (1, 2)),
  -- When it is due; while it is under way, when it counts as lost; once it has ended, when that was.
  due_at          integer not null,
  -- While a try is under way: a random number that only its claim knows, so that a delivery that was asked for again meanwhile is
  -- not taken for done. Else null. A server that starts takes all of them back: there is only one.
  lease           integer check (lease > 0),
  -- How often it was tried since it was made, or last asked for.
  attempts        integer not null,
  created_at      integer not null,
  -- Of the last try: when it began, how many milliseconds it took, the status of its answer, and in a few words what went wrong.
  last_attempt_at integer,
  duration_ms     integer,
  status          integer,
  error           text,
  -- Serves: the log of a webhook, newest first, page by id.
  primary key (webhook_id, id)
) strict, without rowid;

-- Serves: what is due next at a webhook, first tries and others apart, and whose lease there is over.
create index webhook_delivery_due
  on webhook_delivery (webhook_id, lane, due_at)
  where state = 0;

-- The pending invitations of organizations that cap them; all other rows are kept out of it, so they pay nothing for it.
-- Serves: the first count of them since a start, and from then on of those that have lapsed since the count before.
create index invitation_capped
  on invitation (organization_id, expires_at)
  where state = 0 and capped = 1;

-- What happened, append-only, written in the transaction of the change.
create table event (
  organization_id text    not null references organization (id),
  -- UUIDv7: the order of events is the order of commits.
  id              blob    not null check (length(id) = 16),
  -- Its place in the history of the organization: 1, 2, 3 and so on.
  position        integer not null check (position > 0),
  -- The hash of all else in this row and of the chain of the event before (src/event/chain.rs), so
  -- that a history of which anything was changed, put in or taken out does not fit.
  -- Read by the event after it, and by `invited verify`.
  chain           blob    not null check (length(chain) = 32),
  -- One of those in src/event/mod.rs: invitation.created, .updated, .renewed, .accepted, .declined, .revoked, .expired, .deleted, .erased, .delivery_failed, .bounced;
  -- organization.updated
  type            text    not null,
  -- Which invitation; null where it is the organization itself. No foreign key: events outlive invitations.
  invitation_id   blob    check (length(invitation_id) = 16),
  -- Who did it: an API key's id, `dev`, `person` for the invited one without a key, `clock`, `retention`, or `mail`.
  actor           text    not null,
  -- The X-Request-Id of the request that did it; of the clock and of retention a UUID for each of their passes, of mail one
  -- for each mail.
  request_id      text    not null,
  created_at      integer not null,
  -- For each member of `before` and `after` that an erasure can take out: a random salt while it is
  -- there, and once it was erased the hash of both, which the chain holds (src/event/facts.rs).
  seals           blob    not null,
  -- The fields that changed, of an organization all its settings, as JSON objects, without the members that
  -- held an address that was erased. Null where there is no before or after.
  before          text,
  after           text,
  -- Serves: the history of an organization, page by id. An index over rows in the order of their making, not a cluster:
  -- a clustered tree holds whole rows in its inner pages too, and these are long, so each create would change more pages.
  unique (organization_id, id)
) strict;

-- An API key. The secret itself is never stored.
create table api_key (
  -- The public part of the key: 16 hex digits.
  id            text    not null primary key,
  -- SHA-256 of the secret part. A fast hash is enough for 256 random bits.
  secret_hash   blob    not null check (length(secret_hash) = 32),
  -- What the operator calls it.
  name          text    not null,
  -- Bits: 1 invitations:read, 2 invitations:write, 4 invitations:accept, 8 invitations:link, 16 admin, 32 deliveries:write, 64 metrics:read.
  scopes        integer not null check (scopes between 1 and 127),
  -- JSON array of the organization ids it is bound to; null: all.
  organizations text,
  -- JSON array of the roles it may grant; null: all.
  roles         text,
  -- Who made it: an API key's id, `dev`, `cli` for a command at the machine, or `server` for the first one.
  created_by    text    not null,
  created_at    integer not null,
  -- From when on it is refused; null: never.
  expires_at    integer,
  -- When it was last used, written at most once a minute; null: it was not yet, as far as that is written.
  last_used_at  integer,
  -- When it was revoked; null: it was not.
  revoked_at    integer
) strict, without rowid;

-- A browser that is signed in to the console. It may do what its key may, for as long as the key is live.
-- There are few rows: at most 50 of a key, and one that has ended goes when another person signs in.
create table session (
  -- SHA-256 of the token that the browser holds.
  token_hash    blob    not null primary key check (length(token_hash) = 32),
  -- The same of the token before, which is still taken: the browser may not have got the new one. Null: there was none, or the
  -- browser has used the new one since.
  replaced_hash blob    check (length(replaced_hash) = 32),
  key_id        text    not null references api_key (id),
  created_at    integer not null,
  -- When it got its token.
  renewed_at    integer not null
) strict, without rowid;

-- Serves: the session whose token was replaced.
create index session_replaced
  on session (replaced_hash)
  where replaced_hash is not null;

-- A link that signs in to the console, once. There are few rows: one whose time is over goes when another is made.
create table login (
  -- SHA-256 of its token.
  token_hash blob    not null primary key check (length(token_hash) = 32),
  key_id     text    not null references api_key (id),
  expires_at integer not null
) strict, without rowid;

-- The history of the server: who made and revoked keys, changed webhooks, deleted organizations and erased addresses.
-- Append-only, written in the transaction of the change. Rows name ids and no address, so nothing has to be taken out of
-- them; they stay for ever.
-- Serves: a page of it by id, newest first. There are few rows, so filters step over them.
create table audit (
  -- UUIDv7: the order of rows is the order of commits.
  id            blob    not null primary key check (length(id) = 16),
  -- One of those in src/audit/mod.rs: key.created, .revoked; webhook.created, .updated, .disabled, .secret_rotated, .deleted;
  -- organization.deleted; address.erased; secret.rotated, .lost; session.created, .ended
  action        text    not null,
  -- Who did it: an API key's id, `dev`, `cli` for a command at the machine, or `server`.
  actor         text    not null,
  -- The X-Request-Id of the request that did it; null: there was none.
  request_id    text,
  -- To what: the id of a key, a webhook or an organization; null: the address of an erasure is never kept, and the secret
  -- has no name. No foreign key: rows outlive what they are about.
  subject       text,
  -- JSON array of the organization ids that it concerns; null: the whole server.
  organizations text,
  -- What else there is to know, as a JSON object: of a key its scopes and the roles it may grant, of a webhook what changed,
  -- of an erasure how much went, once it has ended. No URL, no name.
  details       text,
  created_at    integer not null
) strict, without rowid;

-- Answers kept for 24 hours, so that a repeated POST with the same Idempotency-Key has one effect.
-- Rowids grow with time: the oldest rows are found, and dropped, at the front.
create table idempotency (
  -- Whose key it is: an API key's id, or `dev`.
  actor      text    not null,
  -- Method and path of the request, the path without percent-encodings that it does not need; behind it the invitation's id in 32
  -- hex digits, where a link names it.
  operation  text    not null,
  -- The Idempotency-Key, unquoted.
  key        text    not null,
  -- SHA-256 of the request body: the same key with another body is refused.
  body_hash  blob    not null check (length(body_hash) = 32),
  created_at integer not null,
  -- The answer: status, Location, body.
  status     integer not null,
  location   text,
  body       blob    not null,
  -- The organization that the answer is about, with which it is deleted; null: it is about no single one. No index: a deletion
  -- walks over a day's answers, and an index would cost each of them a page. No foreign key: what is deleted goes in parts.
  organization_id text,
  -- Serves: the look-up before each such POST.
  unique (actor, operation, key)
) strict;

-- How many bytes of stored answers each caller has added in an hour: what one has in 24 hours is bounded. Answers that
-- are deleted sooner stay counted. Rowids grow with time, as above.
create table idempotency_use (
  -- Whose: an API key's id, or `dev`; of people without a key the operation on the link.
  payer text    not null,
  -- The hour, since the epoch.
  hour  integer not null,
  bytes integer not null,
  -- Serves: the sum before each request with an Idempotency-Key.
  unique (payer, hour)
) strict;

-- What is still to leave the file: a row for each deletion of an organization, each erasure of an address, and each pass of
-- retention that deleted something. The row is written in the transaction that begins it, and goes when the log is empty.
create table purge (
  -- UUIDv7.
  id              blob    not null primary key check (length(id) = 16),
  -- What comes next: 0 the rows of an organization are deleted, 1 an erasure or a pass of retention goes on, 2 the pages
  -- are scrubbed, 3 the log is emptied. A start takes 1 for 2: whatever was under way has ended.
  stage           integer not null check (stage between 0 and 3),
  -- In stage 0 the organization, which nothing but the deletion finds any more; else null. No foreign key: it goes first.
  organization_id text,
  check ((stage = 0) = (organization_id is not null))
) strict, without rowid;

-- Serves: whether an organization is being deleted, which everything that finds something of one asks. Nearly always empty.
create unique index purge_organization
  on purge (organization_id)
  where organization_id is not null;

-- How many rows of which kind there are, so that nobody has to count them. Triggers of the connection that writes keep it
-- (src/db/tally.rs); what another program changes is not counted.
create table tally (
  -- 0 to 4 the invitations by what their history says, 10 to 25 the mail that is to be sent by kind and state, 30 to 32 the
  -- deliveries to webhooks that wait.
  id    integer not null primary key,
  -- invitation, mail or webhook.
  what  text    not null,
  -- Of mail as in `mail`, of webhooks `event`, of invitations empty.
  kind  text    not null,
  -- Of invitations their status; of what waits: scheduled, ready, sending or retrying.
  state text    not null,
  count integer not null
) strict;

insert into tally (id, what, kind, state, count) values
  (0, 'invitation', '', 'pending', 0),
  (1, 'invitation', '', 'accepted', 0),
  (2, 'invitation', '', 'declined', 0),
  (3, 'invitation', '', 'revoked', 0),
  (4, 'invitation', '', 'expired', 0),
  (10, 'mail', 'invitation', 'scheduled', 0),
  (11, 'mail', 'invitation', 'ready', 0),
  (12, 'mail', 'invitation', 'sending', 0),
  (13, 'mail', 'invitation', 'retrying', 0),
  (14, 'mail', 'code', 'scheduled', 0),
  (15, 'mail', 'code', 'ready', 0),
  (16, 'mail', 'code', 'sending', 0),
  (17, 'mail', 'code', 'retrying', 0),
  (18, 'mail', 'reminder', 'scheduled', 0),
  (19, 'mail', 'reminder', 'ready', 0),
  (20, 'mail', 'reminder', 'sending', 0),
  (21, 'mail', 'reminder', 'retrying', 0),
  (22, 'mail', 'notice', 'scheduled', 0),
  (23, 'mail', 'notice', 'ready', 0),
  (24, 'mail', 'notice', 'sending', 0),
  (25, 'mail', 'notice', 'retrying', 0),
  (30, 'webhook', 'event', 'ready', 0),
  (31, 'webhook', 'event', 'retrying', 0),
  (32, 'webhook', 'event', 'sending', 0);
