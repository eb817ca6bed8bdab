//! What was committed, told to those who wait for it: workers and streams need not ask the file
//! again and again.

use tokio::sync::watch;

/// Something that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// There are new events, or somebody may see them no more.
    Events,
    /// Mail that waits is to be tried now, whoever asked to be left alone. It stands before the
    /// next one, so that who is woken by that knows.
    MailRetry,
    /// There is mail to send.
    Mail,
    /// There is something for webhooks.
    Webhooks,
    /// Mail has left the queue: in development the mailbox may have it.
    Mailbox,
    /// What is to leave the file has come a stage further.
    Purge,
    /// Settings of an organization were changed, or went with it.
    Organizations,
}

impl Topic {
    /// Every topic.
    pub(crate) const ALL: [Self; 7] = [
        Self::Events,
        Self::MailRetry,
        Self::Mail,
        Self::Webhooks,
        Self::Mailbox,
        Self::Purge,
        Self::Organizations,
    ];

    /// The topic's bit in a set of them.
    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// One channel a topic. Its value counts commits that were about the topic.
#[derive(Debug)]
pub(super) struct Notifier([watch::Sender<u64>; Topic::ALL.len()]);

impl Notifier {
    /// A notifier on which nothing was told yet.
    pub(crate) fn new() -> Self {
        Self(Topic::ALL.map(|_| watch::Sender::new(0)))
    }

    /// Tells those who follow one of the topics whose bits are set. Costs next to nothing where
    /// nobody does.
    pub(crate) fn tell(&self, topics: u8) {
        for topic in Topic::ALL {
            if topics & topic.bit() != 0 {
                self.0[topic as usize].send_modify(|commits| *commits += 1);
            }
        }
    }

    /// What follows a topic from now on.
    pub(crate) fn follow(&self, topic: Topic) -> watch::Receiver<u64> {
        self.0[topic as usize].subscribe()
    }
}
