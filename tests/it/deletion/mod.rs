//! Deletions of organizations and erasures: gone for everybody at once, and out of the file in
//! steps that end.
//!
//! [`begin`] makes the first commit of a deletion beside the server, which does not hear of it: its
//! rows stay until something else wakes the server, or it starts again. So a test can look at what
//! is between.
//!
//! * [`gone`]: what everybody sees between the first commit and the last.
//! * [`steps`]: how rows, text and log go, what is pending, and what a start goes on with.
//! * [`parallel`]: several deletions, and other writes beside them.

mod gone;
mod parallel;
mod steps;

use std::time::{Duration, Instant};

use invited::audit::By;
use invited::base::organization_id::OrganizationId;
use invited::deletion;

use crate::support::TestApp;

/// The path of the organization that is deleted here.
const ACME: &str = "/v1/organizations/acme";

/// An id that is good.
fn id_of(organization: &str) -> OrganizationId {
    OrganizationId::parse(organization).expect("an id")
}

/// Begins to delete `organization` beside the server.
fn begin(app: &TestApp, organization: &str) {
    let id = id_of(organization);
    let job = move |tx: &invited::db::WriteTx<'_>| deletion::begin(tx, &id, By::SERVER, |_| Ok(()));
    invited::db::write_file(&app.database, job).expect("it begins");
}

/// What is still to leave the file, by stage.
fn stages(app: &TestApp) -> Vec<String> {
    app.db_rows("select cast(stage as text) from purge order by id")
        .concat()
}

/// Waits until nothing is to leave the file any more.
fn wait_until_purged(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !stages(app).is_empty() {
        assert!(Instant::now() < deadline, "still to do: {:?}", stages(app));
        std::thread::sleep(Duration::from_millis(5));
    }
}
