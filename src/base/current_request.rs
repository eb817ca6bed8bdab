//! The request that is being worked on, for the lines of the log that belong to one.

use std::rc::Rc;

tokio::task_local! {
    /// The request that the running task works on.
    static CURRENT: CurrentRequest;
}

/// What the log says of the request to which a line belongs.
#[derive(Clone, Debug)]
pub(crate) struct CurrentRequest {
    /// The `X-Request-Id` of its response.
    pub id: Rc<str>,
    /// The trace that its sender has begun (W3C Trace Context), if the sender has.
    pub trace_id: Option<Rc<str>>,
}

impl CurrentRequest {
    /// Does `work`, whose lines in the log belong to this request.
    pub(crate) async fn run<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Does `work` at once, whose lines in the log belong to this request.
    pub(crate) fn run_now<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The request that the running task works on; none: the task works on none.
    pub(crate) fn get() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }
}
