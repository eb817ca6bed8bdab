//! A connection whose peer may not take its time.
//!
//! The framework has no deadline for the heads after the first one or for answers that nobody takes,
//! and it looks at the clock before it looks at the socket, so that on a busy machine it refuses
//! heads that have come in time. So all deadlines stand here, between the socket and the framework:
//!
//! * The first head must be complete within [`Deadlines::head`].
//! * While no request is being answered, the next head must be complete within [`Deadlines::idle`],
//!   and within [`Deadlines::head`] of its first byte. What comes too late is answered 408 and read
//!   no further. What lies in the socket has come.
//! * While the socket takes no bytes, it must take some within [`Deadlines::write`]. Else the
//!   connection is cut off, and what was still in the system for it is thrown away. What waits
//!   inside of TLS was not taken by the socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::bare_post::{FirstHead, LAST_LINE, NO_BODY};
use super::descriptors::Connection;
use super::stream::Stream;
use crate::http::connection::{Deadlines, Progress};

/// The answer to a head that came too late.
const TOO_LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How long after an alarm whoever was woken is woken again, if the deadline that has passed is
/// still there.
const AGAIN: Duration = Duration::from_millis(10);

/// A connection with deadlines.
pub(crate) struct Timed {
    /// The socket.
    stream: Stream,
    /// How long its peer may take.
    deadlines: Deadlines,
    /// Its requests.
    pub progress: Progress,
    /// How many requests had begun when last looked.
    begun: u64,
    /// When the next head must be there.
    head_by: Option<Instant>,
    /// Whether bytes of the next head are there.
    has_head_begun: bool,
    /// Since when the next head is found late.
    late_since: Option<Instant>,
    /// Whether bytes of it were read after its deadline.
    was_read_late: bool,
    /// Whether nothing is read any more: a head came too late, or there is to be no other request.
    is_over: bool,
    /// Its first head.
    first_head: FirstHead,
    /// How many bytes the socket had taken when last looked.
    taken: u64,
    /// When some of the answer must be taken.
    taken_by: Option<Instant>,
    /// Wakes the connection when a deadline has passed; made when there is the first one.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Its place among all connections.
    _place: Connection,
}

impl Timed {
    /// The connection over `stream`.
    pub(crate) fn new(stream: Stream, deadlines: Deadlines, place: Connection) -> Self {
        Self {
            stream,
            deadlines,
            progress: Progress::default(),
            begun: 0,
            head_by: None,
            has_head_begun: false,
            late_since: None,
            was_read_late: false,
            is_over: false,
            first_head: FirstHead::default(),
            taken: 0,
            taken_by: None,
            alarm: None,
            _place: place,
        }
    }

    /// Looks how far the requests are: while one is being answered, no head has a deadline.
    fn probe(&mut self) {
        if self.begun != self.progress.begun() {
            self.begun = self.progress.begun();
            (self.head_by, self.has_head_begun) = (None, false);
            (self.late_since, self.was_read_late) = (None, false);
        }
        if self.head_by.is_none() && !self.progress.is_answering() {
            let time = if self.begun == 0 {
                self.deadlines.head
            } else {
                self.deadlines.idle
            };
            self.head_by = Some(Instant::now() + time);
        }
    }

    /// Notes that there are bytes in `buffer` from `start` on.
    fn record_arrival(&mut self, buffer: &mut ReadBuf<'_>, start: usize) {
        self.probe();
        if self.first_head.lacks_length(&buffer.filled()[start..])
            && buffer.remaining() >= NO_BODY.len()
        {
            buffer.set_filled(buffer.filled().len() - LAST_LINE);
            buffer.put_slice(NO_BODY);
            self.is_over = true;
        }
        if has_passed(self.head_by) && !self.was_read_late {
            // What lay in the socket may be the whole head: the framework looks at it first.
            (self.late_since, self.was_read_late) = (None, true);
        }
        if !self.has_head_begun && !self.progress.is_answering() {
            self.has_head_begun = true;
            if self.begun > 0 {
                self.head_by = Some(Instant::now() + self.deadlines.head);
            }
        }
    }

    /// Whether the next head comes too late, and still does after a turn of the event loop: where the
    /// thread could not run, it may hear of the time before it hears of what has come.
    fn is_head_late(&mut self) -> bool {
        self.probe();
        if self.progress.is_answering() || !has_passed(self.head_by) {
            return false;
        }
        let late_since = *self.late_since.get_or_insert_with(Instant::now);
        has_passed(Some(late_since + AGAIN))
    }

    /// Ends a connection whose next head came too late: the framework is told that nothing more
    /// comes.
    fn end_reading(&mut self, cx: &mut Context<'_>) {
        if (self.has_head_begun || self.begun == 0) && self.taken_by.is_none() {
            // A peer that does not get this is closed all the same.
            let _ = Pin::new(&mut self.stream).poll_write(cx, TOO_LATE);
            let _ = Pin::new(&mut self.stream).poll_flush(cx);
        }
        self.is_over = true;
    }

    /// Makes the connection wake up when the next deadline has passed. An alarm that is set too
    /// early is left alone until it goes off: most deadlines are only ever moved away.
    fn set_alarm(&mut self, cx: &mut Context<'_>) {
        self.probe();
        let head_by = self
            .head_by
            .filter(|_| !self.is_over && !self.progress.is_answering());
        let Some(at) = [head_by, self.taken_by].into_iter().flatten().min() else {
            return;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if alarm.deadline() > at {
            alarm.as_mut().reset(at);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            // It went off: for this deadline, which whoever is woken finds out, or for one that was
            // moved away.
            alarm.as_mut().reset(at.max(Instant::now() + AGAIN));
        }
    }

    /// Looks whether the socket takes what is there for it, after an attempt to give it some that
    /// `is_waiting` for room.
    ///
    /// # Errors
    /// When it has taken nothing for too long.
    fn check_taken(&mut self, cx: &mut Context<'_>, is_waiting: bool) -> io::Result<()> {
        if self.taken != self.stream.taken() {
            (self.taken, self.taken_by) = (self.stream.taken(), None);
        }
        if !is_waiting {
            return Ok(());
        }
        if has_passed(self.taken_by) {
            return Err(self.cut_off());
        }
        self.taken_by
            .get_or_insert_with(|| Instant::now() + self.deadlines.write);
        self.set_alarm(cx);
        Ok(())
    }

    /// Cuts the connection off: what the peer did not take is not kept for it.
    fn cut_off(&self) -> io::Error {
        // Where the system cannot do this, it keeps what it has for a while.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")
    }
}

/// Whether there is a deadline and it has passed.
fn has_passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

impl AsyncRead for Timed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Pending if this.is_head_late() => {
                this.end_reading(cx);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                this.record_arrival(buffer, before);
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.check_taken(cx, polled.is_pending())?;
        polled
    }

    /// The framework calls this at the end of whatever it does: so here it falls asleep.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.check_taken(cx, polled.is_pending())?;
        this.set_alarm(cx);
        polled
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
