//! Behaviour, seen from outside: each test has a server or a process of its own, with its own file
//! and port.
//!
//! * [`base`]: the seed's four operations, to the byte. [`create`], [`batch`], [`list`]: their
//!   options and boundaries. [`list_search`]: what a list is searched for.
//!   [`summary`]: the figures of an organization.
//! * [`organizations`]: what an organization asks of its invitations, and how it comes and goes.
//! * [`keys`]: who may do what; foreign organizations. [`idempotency`]: repeated requests.
//!   [`races`]: parallel ones. [`group`]: changes that share a commit.
//! * [`audit`]: the history of the server, and who may read it.
//! * [`retention`]: what is deleted when it has been closed for long enough. [`erasure`]: what is
//!   left in the file of what was erased.
//! * [`deletion`]: how deleted organizations and erased addresses leave the file, and what
//!   everybody sees meanwhile.
//! * [`lifecycle`]: what is done to one invitation with a key. [`answer`]: what the person does
//!   with its link. [`explain`]: why somebody cannot accept.
//! * [`security`]: tenants, foreign fields, roles, guesses, ends, planted secrets.
//! * [`secret`]: which secret belongs to a data file, and how it is changed.
//! * [`accept_races`]: parallel answers to one invitation. [`model`]: the whole state machine under
//!   any order, against a model.
//! * [`lapse`]: what is told of an invitation whose time has passed.
//! * [`limits`]: how much one caller may do, and how much may be done to one recipient.
//! * [`caps`]: what one caller or organization leaves to the others of what all share.
//! * [`ca_file`]: authorities of the operator's own.
//! * `oidc`: id tokens of an identity provider (with the feature `oidc`).
//! * [`bad_inputs`]: the table of what must be refused, and how. [`queries`]: the query of every
//!   operation.
//! * [`messages`]: what is said to who does something wrong, on the wire and on the command line.
//! * [`events`]: the history of an organization; [`sse`]: its events as they happen. [`keys_http`]:
//!   keys made, listed and revoked over HTTP.
//! * [`dialect`]: the ClickHouse Cloud facade. [`openapi`]: the documents against the code.
//! * [`damage`]: a file with values or pages that cannot be. [`stepped_over`]: what goes on behind
//!   requests in spite of such a row.
//! * [`console`]: its pages, by plain requests.
//! * [`corpus`]: every input of the fuzzing corpus keeps its properties.
//!   [`cors`]: pages of other origins.
//! * [`cli`]: the binary: banner, exit codes, signals, commands. [`cost`]: what a request may cost.
//! * [`config`]: settings by flags, variables, files, and `invited config`.
//! * [`backup`]: copies of the data file, made beside a running server and put back.
//! * [`transfer`]: organizations as text, written here and read there.
//! * [`sockets`]: where a server listens, and what it tells systemd.
//! * [`ports`]: the port of a server. [`logs`]: its log of what happens. [`status`]: how it is,
//!   asked at its machine.
//! * [`log_size`]: how long its write-ahead log gets; [`log_readers`]: whoever reads gives way to
//!   it. [`writer_panic`]: a bug in a change.
//! * [`descriptors`]: a server among few descriptors. [`clock_back`]: a clock that is set back.
//! * [`connections`]: peers that take their time, and how many connections one may have.
//!   [`http_edges`]: what other programs and proxies do to HTTP.
//! * [`file`]: the data file is who it says it is: its names, its place, its schema, its rights.
//! * [`machine_clock`]: what the clock of the machine may show, and that it may jump.
//! * [`simulation`]: deliveries in virtual time, with peers that fail and clocks that jump.
//! * [`snapshot`]: what threads keep between requests, and that it hides nothing.
//! * [`output`]: what is said on stderr, whoever reads it. [`signals`]: what ends a server, and
//!   what becomes of its requests.
//! * [`refusal_log`]: what the log says of refused requests.
//! * [`folders`]: the temporary folders of development.
//! * [`locale`]: the language of invitations and organizations.
//! * [`listen`]: webhooks that are handed on to an application on the same machine.
//! * [`dev`]: what only development has: the clock, resets, snapshots, seeds, the log of
//!   requests.
//! * [`durations`]: one rule for lengths of time.
//! * [`doctor`]: what is wrong with a server, or soon will be. [`reach`]: by way of the network.
//! * [`metrics`]: what Prometheus and supervisors are told.
//! * [`mailbox`]: the mail that development keeps. [`faults`]: deliveries that fail on purpose.
//!   [`pages`]: what people see in a browser. [`reference`]: what developers read there.
//! * [`mail`]: what goes out by a mail server, what it says, and what becomes of it.
//! * [`webhooks`]: what endpoints are told, how it is signed, and what becomes of it.
//! * [`webhooks_api`]: webhooks made, seen and changed by those who may, and what they may reach.
//! * [`layout`]: the rules that the sources keep. [`readme`]: the README's and
//!   the quick start's commands and answers.
//!   [`docs`]: the command lines, links and messages of all pages.
//!
//! [`model`] and [`accept_races`] do a share of their figures; `INVITED_MODEL=full` and
//! `INVITED_RACES=full` do all of them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::too_many_lines,
    reason = "a table of cases is as long as it has cases"
)]

mod accept_races;
mod answer;
mod audit;
mod backup;
mod bad_inputs;
mod base;
mod batch;
mod ca_file;
mod caps;
mod cli;
mod clock_back;
mod config;
mod connections;
mod console;
mod corpus;
mod cors;
mod cost;
mod create;
mod damage;
mod deletion;
mod descriptors;
mod dev;
mod dialect;
mod docs;
mod doctor;
mod durations;
mod erasure;
mod events;
mod explain;
mod faults;
mod file;
mod folders;
mod group;
mod http_edges;
mod idempotency;
mod keys;
mod keys_http;
mod lapse;
mod layout;
mod lifecycle;
mod limits;
mod list;
mod list_search;
mod listen;
mod locale;
mod log_readers;
mod log_size;
mod logs;
mod machine_clock;
mod mail;
mod mailbox;
mod messages;
mod metrics;
mod model;
#[cfg(feature = "oidc")]
mod oidc;
mod openapi;
mod organizations;
mod output;
mod pages;
mod ports;
mod queries;
mod races;
mod reach;
mod readme;
mod reference;
mod refusal_log;
mod retention;
mod secret;
mod security;
mod signals;
mod simulation;
mod snapshot;
mod sockets;
mod sse;

mod status;
mod stepped_over;
mod summary;
mod support;
mod transfer;
mod webhooks;
mod webhooks_api;
mod writer_panic;
