-- The schema of 0.1.0, the first release. What each table, column and index is for: schema.sql.

pragma application_id = 0x696e7664;

create table secret (
  id             blob    not null primary key check (length(id) = 16),
  created_at     integer not null,
  verifies_until integer
) strict, without rowid;

create table organization (
  id         text    not null primary key,
  settings   text,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create table invitation (
  organization_id text    not null references organization (id),
  id              blob    not null check (length(id) = 16),
  email           text    not null,
  role            text    not null,
  state           integer not null check (state between 0 and 4),
  created_at      integer not null,
  expires_at      integer not null,
  updated_at      integer not null,
  closed_at       integer,
  accepted_by     text,
  inviter_id      text,
  inviter_name    text,
  inviter_email   text,
  note            text,
  metadata        text,
  redirect_url    text,
  locale          text,
  send_count      integer,
  last_sent_at    integer,
  capped          integer check (capped = 1),
  lapse           integer check (lapse in (0, 1)),
  delivery          integer not null default 0 check (delivery between 0 and 4),
  delivery_attempts integer,
  delivery_error    text,
  is_extended integer not null generated always as
    (coalesce(closed_at, inviter_id, inviter_name, inviter_email, metadata, redirect_url, locale,
     send_count, delivery_attempts) is not null) stored,
  primary key (organization_id, id)
) strict, without rowid;

create unique index invitation_standing
  on invitation (email, organization_id)
  where state in (0, 1);

create unique index invitation_id
  on invitation (id);

create index invitation_lapse
  on invitation (expires_at)
  where state = 0 and lapse = 0;

create table code (
  invitation_id blob    not null references invitation (id) on delete cascade,
  address_mac   blob    not null check (length(address_mac) = 32),
  issued_at     integer not null,
  tries         integer not null,
  primary key (invitation_id, address_mac)
) strict, without rowid;

create table mail (
  invitation_id   blob    not null references invitation (id) on delete cascade,
  kind            integer not null check (kind between 0 and 3),
  address_mac     blob    not null,
  organization_id text    not null,
  domain          text    not null,
  lane            integer check (lane between 0 and 2),
  due_at          integer not null,
  attempts        integer not null,
  lease           integer check (lease > 0),
  error           text,
  queued_at       integer not null,
  primary key (invitation_id, kind, address_mac)
) strict, without rowid;

create index mail_ready
  on mail (lane, organization_id, domain, due_at)
  where lane is not null;

create index mail_due
  on mail (due_at)
  where lane is null;

create table mailbox (
  id         blob    not null primary key check (length(id) = 16),
  recipient  text    not null,
  kind       text    not null,
  sent_at    integer not null,
  subject    text    not null,
  link       text,
  code       text,
  raw        text    not null,
  text       text    not null,
  html       text    not null
) strict, without rowid;

create table webhook (
  id                blob    not null primary key check (length(id) = 16),
  organization_id   text,
  url               text    not null,
  types             text,
  description       text,
  generation        integer not null,
  secret_id         blob    not null references secret (id),
  previous_until     integer,
  previous_secret_id blob references secret (id) on delete set null,
  disabled_at       integer,
  disabled_reason   text,
  created_at        integer not null,
  updated_at        integer not null
) strict, without rowid;

create table webhook_delivery (
  webhook_id      blob    not null references webhook (id) on delete cascade,
  id              blob    not null check (length(id) = 16),
  organization_id text,
  state           integer not null check (state between 0 and 2),
  lane            integer check (lane in (1, 2)),
  due_at          integer not null,
  lease           integer check (lease > 0),
  attempts        integer not null,
  created_at      integer not null,
  last_attempt_at integer,
  duration_ms     integer,
  status          integer,
  error           text,
  primary key (webhook_id, id)
) strict, without rowid;

create index webhook_delivery_due
  on webhook_delivery (webhook_id, lane, due_at)
  where state = 0;

create index invitation_capped
  on invitation (organization_id, expires_at)
  where state = 0 and capped = 1;

create table event (
  organization_id text    not null references organization (id),
  id              blob    not null check (length(id) = 16),
  position        integer not null check (position > 0),
  chain           blob    not null check (length(chain) = 32),
  type            text    not null,
  invitation_id   blob    check (length(invitation_id) = 16),
  actor           text    not null,
  request_id      text    not null,
  created_at      integer not null,
  seals           blob    not null,
  before          text,
  after           text,
  unique (organization_id, id)
) strict;

create table api_key (
  id            text    not null primary key,
  secret_hash   blob    not null check (length(secret_hash) = 32),
  name          text    not null,
  scopes        integer not null check (scopes between 1 and 127),
  organizations text,
  roles         text,
  created_by    text    not null,
  created_at    integer not null,
  expires_at    integer,
  last_used_at  integer,
  revoked_at    integer
) strict, without rowid;

create table session (
  token_hash    blob    not null primary key check (length(token_hash) = 32),
  replaced_hash blob    check (length(replaced_hash) = 32),
  key_id        text    not null references api_key (id),
  created_at    integer not null,
  renewed_at    integer not null
) strict, without rowid;

create index session_replaced
  on session (replaced_hash)
  where replaced_hash is not null;

create table login (
  token_hash blob    not null primary key check (length(token_hash) = 32),
  key_id     text    not null references api_key (id),
  expires_at integer not null
) strict, without rowid;

create table audit (
  id            blob    not null primary key check (length(id) = 16),
  action        text    not null,
  actor         text    not null,
  request_id    text,
  subject       text,
  organizations text,
  details       text,
  created_at    integer not null
) strict, without rowid;

create table idempotency (
  actor      text    not null,
  operation  text    not null,
  key        text    not null,
  body_hash  blob    not null check (length(body_hash) = 32),
  created_at integer not null,
  status     integer not null,
  location   text,
  body       blob    not null,
  organization_id text,
  unique (actor, operation, key)
) strict;

create table idempotency_use (
  payer text    not null,
  hour  integer not null,
  bytes integer not null,
  unique (payer, hour)
) strict;

create table purge (
  id              blob    not null primary key check (length(id) = 16),
  stage           integer not null check (stage between 0 and 3),
  organization_id text,
  check ((stage = 0) = (organization_id is not null))
) strict, without rowid;

create unique index purge_organization
  on purge (organization_id)
  where organization_id is not null;

create table tally (
  id    integer not null primary key,
  what  text    not null,
  kind  text    not null,
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
