//! The command lines of pages that cannot run on the machine of a page: where they are run instead,
//! or why nowhere.

use std::path::PathBuf;

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
    /// By this step of `.ci/run`, in whose scripts this stands for it.
    Step(&'static str, &'static str),
    /// By this test.
    Test(&'static str),
    /// Nowhere, since.
    Nowhere(&'static str),
}

impl Place {
    /// Checks that the place is there.
    pub(super) fn check(&self) {
        match self {
            Self::Step(name, runs) => {
                assert!(scripts(name).contains(runs), "{name} does not run {runs}");
            }
            Self::Test(path) => assert!(root().join(path).is_file(), "{path}"),
            Self::Nowhere(why) => assert!(why.len() > 20, "{why}"),
        }
    }
}

/// What a step of `.ci/run` consists of: its line, the function that this names, and the scripts
/// that both name, each with all files of its folder.
fn scripts(step: &str) -> String {
    let run = read(".ci/run");
    let line = format!("\nstep \"{step}\" ");
    let (_, behind) = run
        .split_once(&line)
        .unwrap_or_else(|| panic!("{step} is no step"));
    let command = behind.lines().next().unwrap_or_default();
    let function = command.split(' ').next().unwrap_or_default();
    let body = run
        .split_once(&format!("\n{function}() {{\n"))
        .and_then(|(_, body)| body.split_once("\n}\n"));
    let mut text = format!("{command}\n{}", body.map_or("", |(body, _)| body));
    let words = text.replace(['"', '\'', ';'], " ");
    let named = words
        .split_whitespace()
        .filter(|word| word.starts_with(".ci/") || word.starts_with("deploy/"));
    for script in named
        .map(|word| root().join(word))
        .filter(|path| path.is_file())
    {
        let folder = script.parent().expect("a folder");
        let is_shared = [".ci", "deploy"]
            .iter()
            .any(|name| root().join(name) == folder);
        let files: Vec<PathBuf> = if is_shared {
            vec![script]
        } else {
            let entries = std::fs::read_dir(folder).expect("a folder");
            entries
                .map(|entry| entry.expect("an entry").path())
                .collect()
        };
        for file in files.iter().filter(|path| path.is_file()) {
            text += &std::fs::read_to_string(file).expect("text");
        }
    }
    text
}

/// A line of `page` that `begins` so and is run at `place`.
const fn line(page: &'static str, begins: &'static str, place: Place) -> Elsewhere {
    Elsewhere {
        page,
        begins,
        place,
    }
}

/// The step that makes the Debian package, and installs it on a machine with a real systemd.
const fn package(runs: &'static str) -> Place {
    Place::Step("Debian package", runs)
}
/// The step with a real Litestream.
const fn litestream(runs: &'static str) -> Place {
    Place::Step("replication by Litestream", runs)
}
/// The step that installs the helpers for tests by the commands of their pages.
const fn helpers(runs: &'static str) -> Place {
    Place::Step("helpers for tests", runs)
}
/// The step that plays the examples.
const fn examples(runs: &'static str) -> Place {
    Place::Step("examples", runs)
}
/// The step that packs a wheel and packages of npm, and installs them.
const fn packages(runs: &'static str) -> Place {
    Place::Step("wheel and npm packages", runs)
}
/// It installs by `pip`, and by `npm`, and starts what came of it in two ways.
const PIP: Place = packages("\"python/bin/pip\", \"install\", \"--no-index\"");
const NPM: Place = packages("\"npm\", \"install\", \"--offline\"");
const NPX: Place = packages("\"npx\", \"--offline\", \"invited\"");
const INSTALLED_DEV: Place = packages("*words, \"dev\"");
/// The tests of this crate.
const TESTS: Place = Place::Step("cargo test", "cargo test --locked");
/// What packages hold is built by the workflow of a release only.
const DIST: Place = Place::Nowhere(
    "it builds for minutes; the checks build the profile `release`, and the workflow of a release \
     builds `dist`",
);
/// The test of exports and imports.
const THERE_AND_BACK: Place = Place::Test("tests/it/transfer/there_and_back.rs");
/// The test of what a script wrote.
const SCRIPT: Place = Place::Test("tests/it/transfer/seeds.rs");
/// What the commands of an example have in common.
const SECRET: Place = examples("\"WEBHOOK_SECRET\": SECRET");
const SEEDED: Place = examples("json.dump(SEED, seed)");
/// Long runs are made by hand.
const BY_HAND: Place =
    Place::Nowhere("it takes long, up to hours, and is made by hand now and then");

/// All such lines.
pub(super) const ELSEWHERE: &[Elsewhere] = &[
    line(
        "README.md",
        "cargo run -- dev",
        Place::Test("tests/it/readme.rs"),
    ),
    line("README.md", "cargo test", TESTS),
    line("README.md", "pip install", PIP),
    line("README.md", "invited dev", INSTALLED_DEV),
    line("README.md", "npm install", NPM),
    line("README.md", "npx invited", NPX),
    line("docs/quickstart.md", "cargo install", DIST),
    line(
        "CONTRIBUTING.md",
        "cargo run -- dev",
        Place::Test("tests/it/readme.rs"),
    ),
    line("CONTRIBUTING.md", "cargo test", TESTS),
    line(
        "CONTRIBUTING.md",
        "bash .ci/run",
        Place::Nowhere("it is what runs all of this, so it cannot run itself"),
    ),
    line("docs/api.md", "curl -N", Place::Test("tests/it/sse/mod.rs")),
    line(
        "docs/clickhouse.md",
        "clickhousectl cloud",
        Place::Step(
            "ClickHouse Cloud dialect with clients that others made",
            "\"$client\" cloud --url \"$base\"",
        ),
    ),
    line(
        "docs/deploy.md",
        "cargo install",
        package("program cargo-deb"),
    ),
    line(
        "docs/deploy.md",
        "deploy/package",
        package("deploy/package release"),
    ),
    line(
        "docs/deploy.md",
        "sudo apt install",
        package("machine.type(\"apt install \")"),
    ),
    line(
        "docs/deploy.md",
        "sudo cat",
        package("machine.type(\"cat \")"),
    ),
    line(
        "docs/deploy.md",
        "sudo invited login",
        package("machine.type(\"invited login \")"),
    ),
    line(
        "docs/deploy.md",
        "sudo install",
        package("machine.type(\"install "),
    ),
    line(
        "docs/deploy.md",
        "sudo systemctl edit",
        package("sudo (systemctl edit .*)"),
    ),
    line(
        "docs/deploy.md",
        "docker compose",
        Place::Nowhere(
            "it needs an engine and goes on for ever; the step `files for containers` reads the files",
        ),
    ),
    line(
        "docs/dev.md",
        "invited dev --port 0 -- npm test",
        Place::Test("tests/it/dev/programs.rs"),
    ),
    line(
        "docs/dev.md",
        "docker compose",
        Place::Step("files for containers", "run_dev"),
    ),
    line(
        "docs/dev.md",
        "invited webhook listen",
        Place::Test("tests/it/listen/mod.rs"),
    ),
    line("docs/durability.md", "cargo test", TESTS),
    line("docs/durability.md", "INVITED_DURABILITY=full", BY_HAND),
    line("docs/durability.md", "INVITED_BACKUPS=full", BY_HAND),
    line("docs/install.md", "cargo build", DIST),
    line(
        "docs/install.md",
        "python3 deploy/packages",
        packages("\"packages\" / \"build.py\""),
    ),
    line("docs/install.md", "pip install", PIP),
    line("docs/install.md", "invited dev", INSTALLED_DEV),
    line("docs/install.md", "npm install", NPM),
    line("docs/install.md", "npx invited", NPX),
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
        Place::Step("load bench", "cargo bench --locked"),
    ),
    line("docs/performance.md", "INVITED_NEIGHBOURS=full", BY_HAND),
    line(
        "docs/replica.md",
        "INVITED_DATABASE=/var/lib/invited/invited.db INVITED_REPLICA",
        litestream("LITESTREAM, \"replicate\", \"-config\""),
    ),
    line(
        "docs/replica.md",
        "litestream restore",
        litestream("LITESTREAM, \"restore\", \"-config\""),
    ),
    line(
        "docs/replica.md",
        "deploy/drill",
        litestream("DEPLOY / \"drill\""),
    ),
    line("docs/testing.md", "cargo mutants", BY_HAND),
    line("docs/testing.md", "cargo tarpaulin", BY_HAND),
    line("docs/testing.md", "llvm-", BY_HAND),
    line(
        "docs/testing.md",
        "RUSTC_BOOTSTRAP=1 cargo fuzz",
        Place::Step("fuzzing", "RUSTC_BOOTSTRAP=1 \"$fuzz\""),
    ),
    line("docs/testing.md", "INVITED_SIMULATION=full", BY_HAND),
    line(
        "clients/python/README.md",
        "pip install",
        helpers("install_line 1 clients/python/README.md"),
    ),
    line(
        "clients/typescript/README.md",
        "(cd clients/typescript",
        helpers("install_line 1 \"$page\""),
    ),
    line(
        "clients/typescript/README.md",
        "npm install --save-dev",
        helpers("install_line 2 \"$page\""),
    ),
    line("examples/README.md", "curl ", examples("{url}/signup")),
    line(
        "examples/axum/README.md",
        "cargo build",
        examples("cargo build --quiet"),
    ),
    line("examples/axum/README.md", "export ", SECRET),
    line("examples/axum/README.md", "invited dev", SEEDED),
    line(
        "examples/express/README.md",
        "npm ci",
        examples("npm ci --silent"),
    ),
    line("examples/express/README.md", "export ", SECRET),
    line("examples/express/README.md", "invited dev", SEEDED),
    line(
        "examples/fastapi/README.md",
        "pip install",
        examples("venv examples \"$package\""),
    ),
    line("examples/fastapi/README.md", "export ", SECRET),
    line("examples/fastapi/README.md", "invited dev", SEEDED),
    line(
        "examples/static/README.md",
        "python3 -m http.server",
        examples("SimpleHTTPRequestHandler"),
    ),
    line(
        "examples/static/README.md",
        "invited dev",
        examples("\"--accept-url\""),
    ),
];

/// Where a line of `page` is run, if it is one of these.
pub(super) fn where_run(page: &str, typed: &str) -> Option<&'static Elsewhere> {
    let is_it = |line: &&Elsewhere| line.page == page && typed.starts_with(line.begins);
    ELSEWHERE.iter().find(is_it)
}
