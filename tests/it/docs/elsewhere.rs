//! The command lines of pages that cannot run on the machine of a page: where they are run instead,
//! or why nowhere.

use super::{read, root};

/// The pages whose lines with `curl` are played as one story, with their answers, by
/// [`crate::readme`].
pub(super) const PLAYED: [&str; 3] = ["README.md", "docs/quickstart.md", "docs/dev.md"];

/// A line that is run elsewhere.
pub(super) struct Elsewhere {
    /// The page.
    pub page: &'static str,
    /// What the line begins with.
    pub begins: &'static str,
    /// Where it is run.
    pub place: Place,
}

/// Where a line is run.
pub(super) enum Place {
    /// By this step of `.ci/run`.
    Step(&'static str),
    /// By this test.
    Test(&'static str),
    /// Nowhere, since.
    Nowhere(&'static str),
}

impl Place {
    /// Checks that the place is there.
    pub(super) fn check(&self) {
        match self {
            Self::Step(name) => {
                let step = format!("step \"{name}\" ");
                assert!(read(".ci/run").contains(&step), "{name}");
            }
            Self::Test(path) => assert!(root().join(path).is_file(), "{path}"),
            Self::Nowhere(why) => assert!(why.len() > 20, "{why}"),
        }
    }
}

/// A line of `page` that `begins` so and is run at `place`.
const fn line(page: &'static str, begins: &'static str, place: Place) -> Elsewhere {
    Elsewhere {
        page,
        begins,
        place,
    }
}

/// The step with a real systemd, which reads from the page what stands behind `sudo`.
const PACKAGE: Place = Place::Step("Debian package");
/// The step with a real Litestream.
const LITESTREAM: Place = Place::Step("replication by Litestream");
/// The step that installs what was packed.
const PACKAGES: Place = Place::Step("wheel and npm packages");
/// The test of exports and imports.
const THERE_AND_BACK: Place = Place::Test("tests/it/transfer/there_and_back.rs");
/// The test of what a script wrote.
const SCRIPT: Place = Place::Test("tests/it/transfer/seeds.rs");
/// The step "release build" builds the same, with the profile `release`.
const DIST: Place = Place::Nowhere("what is tried is a release build, made in half of the time");
/// Long runs are made by hand.
const BY_HAND: Place = Place::Nowhere("it takes hours, and is made by hand now and then");

/// All such lines.
pub(super) const ELSEWHERE: &[Elsewhere] = &[
    line(
        "README.md",
        "cargo run -- dev",
        Place::Test("tests/it/readme.rs"),
    ),
    line("README.md", "cargo test", Place::Step("cargo test")),
    line("README.md", "pip install", PACKAGES),
    line("README.md", "invited dev", PACKAGES),
    line("README.md", "npm install", PACKAGES),
    line("README.md", "npx invited", PACKAGES),
    line("docs/quickstart.md", "cargo install", DIST),
    line(
        "CONTRIBUTING.md",
        "cargo run -- dev",
        Place::Test("tests/it/readme.rs"),
    ),
    line("CONTRIBUTING.md", "cargo test", Place::Step("cargo test")),
    line(
        "CONTRIBUTING.md",
        "bash .ci/run",
        Place::Nowhere("it is what runs all of this, so it cannot run itself"),
    ),
    line("docs/api.md", "curl -N", Place::Test("tests/it/sse/mod.rs")),
    line(
        "docs/clickhouse.md",
        "clickhousectl cloud",
        Place::Step("ClickHouse Cloud dialect with clients that others made"),
    ),
    line("docs/deploy.md", "cargo install", PACKAGE),
    line("docs/deploy.md", "deploy/package", PACKAGE),
    line("docs/deploy.md", "sudo ", PACKAGE),
    line(
        "docs/deploy.md",
        "docker compose",
        Place::Step("files for containers"),
    ),
    line(
        "docs/dev.md",
        "invited dev --port 0 -- npm test",
        Place::Test("tests/it/dev/programs.rs"),
    ),
    line(
        "docs/dev.md",
        "docker compose",
        Place::Step("files for containers"),
    ),
    line(
        "docs/dev.md",
        "invited webhook listen",
        Place::Test("tests/it/listen/mod.rs"),
    ),
    line(
        "docs/durability.md",
        "cargo test",
        Place::Step("cargo test"),
    ),
    line("docs/durability.md", "INVITED_DURABILITY=full", BY_HAND),
    line("docs/durability.md", "INVITED_BACKUPS=full", BY_HAND),
    line("docs/install.md", "cargo build", DIST),
    line("docs/install.md", "python3 deploy/packages", PACKAGES),
    line("docs/install.md", "pip install", PACKAGES),
    line("docs/install.md", "invited dev", PACKAGES),
    line("docs/install.md", "npm install", PACKAGES),
    line("docs/install.md", "npx invited", PACKAGES),
    line(
        "docs/install.md",
        "cargo run -- dev",
        Place::Test("tests/it/readme.rs"),
    ),
    line(
        "docs/mail.md",
        "INVITED_SMTP_URL='smtp://user:password@mail.example.com?tls=starttls' invited mail test",
        Place::Test("tests/it/mail/trial.rs"),
    ),
    line(
        "docs/mail.md",
        "curl -H 'Authorization: Bearer ivk_...' -H 'Content-Type: application/json' -d '{\"messageId\"",
        Place::Test("tests/it/mail/bounces.rs"),
    ),
    line("docs/move.md", "invited export acme.jsonl", THERE_AND_BACK),
    line("docs/move.md", "invited import acme.jsonl", THERE_AND_BACK),
    line("docs/move.md", "python3 seed.py", SCRIPT),
    line("docs/move.md", "invited import people.jsonl", SCRIPT),
    line(
        "docs/performance.md",
        "cargo bench",
        Place::Step("load bench"),
    ),
    line("docs/performance.md", "INVITED_NEIGHBOURS=full", BY_HAND),
    line(
        "docs/replica.md",
        "INVITED_DATABASE=/var/lib/invited/invited.db INVITED_REPLICA",
        LITESTREAM,
    ),
    line("docs/replica.md", "litestream restore", LITESTREAM),
    line("docs/replica.md", "deploy/drill", LITESTREAM),
    line("docs/testing.md", "cargo mutants", BY_HAND),
    line("docs/testing.md", "cargo tarpaulin", BY_HAND),
    line("docs/testing.md", "llvm-", BY_HAND),
    line(
        "docs/testing.md",
        "RUSTC_BOOTSTRAP=1 cargo fuzz",
        Place::Step("fuzzing"),
    ),
    line("docs/testing.md", "INVITED_SIMULATION=full", BY_HAND),
];

/// Where a line of `page` is run, if it is one of these.
pub(super) fn where_run(page: &str, typed: &str) -> Option<&'static Elsewhere> {
    let is_it = |line: &&Elsewhere| line.page == page && typed.starts_with(line.begins);
    ELSEWHERE.iter().find(is_it)
}
