//! Places at which a proof lets the process die as `kill -9` would, to see that what is found afterwards is right.
//!
//! Nothing in Pampero arms one: the program that proves it does, for the process it is about to become. Unarmed, a
//! place costs one comparison.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// A moment at which a death leaves something half done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KillPoint {
    /// An order is about to be written down.
    BeforeIntent = 1,
    /// It is written down, and nothing has been asked of the exchange.
    AfterIntent,
    /// Its request is about to leave.
    BeforePost,
    /// The exchange has answered it, and nobody but the thread that asked knows.
    AfterPost,
    /// The session knows the answer, and the journal does not.
    BeforeAnswer,
    /// The journal knows it too.
    AfterAnswer,
    /// Anything is about to be made durable.
    BeforeCommit,
    /// It is durable, and nothing has followed from it.
    AfterCommit,
    /// Between the reads of a comparison with the account.
    MidReconcile,
    /// The engine's state is in the journal, and not committed.
    MidCheckpoint,
    /// Some old records are in the archive, others are not.
    MidArchive,
    /// The stop is written down, and nothing has been cancelled.
    Halting,
    /// The exchange took the cancellation of everything, and nothing has been verified.
    Cancelling,
}

impl KillPoint {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::BeforeIntent,
        Self::AfterIntent,
        Self::BeforePost,
        Self::AfterPost,
        Self::BeforeAnswer,
        Self::AfterAnswer,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::MidReconcile,
        Self::MidCheckpoint,
        Self::MidArchive,
        Self::Halting,
        Self::Cancelling,
    ];

    /// Its name in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before_intent",
            Self::AfterIntent => "after_intent",
            Self::BeforePost => "before_post",
            Self::AfterPost => "after_post",
            Self::BeforeAnswer => "before_answer",
            Self::AfterAnswer => "after_answer",
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
            Self::MidReconcile => "mid_reconcile",
            Self::MidCheckpoint => "mid_checkpoint",
            Self::MidArchive => "mid_archive",
            Self::Halting => "halting",
            Self::Cancelling => "cancelling",
        }
    }

    /// The one of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.name() == name)
    }
}

/// The armed place; zero for none.
static ARMED: AtomicU8 = AtomicU8::new(0);
/// How many times it is still passed.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Lets this process die when it comes to a place for the `nth` time, counted from one.
pub fn arm(point: KillPoint, nth: u32) {
    LEFT.store(nth.max(1), Ordering::Relaxed);
    ARMED.store(point as u8, Ordering::Relaxed);
}

/// The process is at a place.
pub(crate) fn reach(point: KillPoint) {
    // `fetch_sub` in one thread only gives one; whoever gets it is the nth.
    if ARMED.load(Ordering::Relaxed) == point as u8 && LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        die();
    }
}

/// The process is at a place if something holds.
pub(crate) fn reach_if(holds: bool, point: KillPoint) {
    if holds {
        reach(point);
    }
}

/// No destructor runs, nothing is flushed.
fn die() {
    // A signal that cannot be caught cannot fail to be sent to oneself.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_names() {
        for point in KillPoint::ALL {
            assert_eq!(KillPoint::find(point.name()), Some(point));
        }
        assert_eq!(KillPoint::find("nowhere"), None);
    }
}
