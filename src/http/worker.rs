//! What a worker thread keeps from one request to the next.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;

use crate::base::error::{Error, Result};
use crate::db::{Db, LatestSnapshot, Snapshot};
use crate::key::Rights;
use crate::key::known::KnownKeys;
use crate::key::token::PlainKey;

/// What a worker thread keeps from one request to the next. It is data of the application, made by
/// each thread for itself.
pub(crate) struct Worker {
    /// The snapshot that its requests share.
    pub latest: LatestSnapshot,
    /// The keys that were found in it.
    known: RefCell<KnownKeys>,
}

impl Worker {
    /// Keeps nothing yet.
    pub(crate) fn new(db: Db) -> Rc<Self> {
        Rc::new(Self {
            latest: LatestSnapshot::new(db),
            known: RefCell::default(),
        })
    }

    /// The worker that has `request`.
    ///
    /// # Errors
    /// When the server was built without one.
    pub(crate) fn of(request: &HttpRequest) -> Result<&Self> {
        let worker = request.app_data::<Rc<Self>>().map(|worker| &**worker);
        worker.ok_or_else(|| Error::internal("no worker"))
    }

    /// What `key` may do, if it is a live key of the file that `snapshot` is of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn find_rights(
        &self,
        snapshot: &Snapshot,
        key: &PlainKey,
    ) -> Result<Option<Arc<Rights>>> {
        self.known.borrow_mut().find_rights(snapshot, key)
    }
}
