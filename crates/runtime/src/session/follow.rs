//! What the kill switch does becomes an operator's order to the engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Input, Operator};
use crate::guard::{Guard, Latch, LatchRecord, Level};

/// Tells the engine what the kill switch does.
pub async fn follow_guard(guard: Guard, inbox: mpsc::Sender<Input>) {
    let mut changes = guard.changes();
    let mut told = told_at_start(&changes.borrow());
    let mut permit = None;
    loop {
        let (level, change) = {
            let record = changes.borrow_and_update();
            (record.level, record.change)
        };
        if Some(change) != told {
            told = Some(change);
            // Whoever asks once more to flatten has taken it back.
            drop(permit.take());
            if !tell(&inbox, level, change).await {
                return;
            }
            if level == Level::Flatten {
                permit = guard.latch().permit_flatten();
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// On paper nothing is to be cancelled at an exchange: the latch is looked at, and the engine told.
pub async fn follow_latch(latch: Arc<Latch>, inbox: mpsc::Sender<Input>) {
    let mut told = told_at_start(&latch.record());
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        latch.refresh();
        let LatchRecord { level, change, .. } = latch.record();
        if Some(change) != told {
            told = Some(change);
            if !tell(&inbox, level, change).await {
                return;
            }
        }
    }
}

/// The change of which the engine need not be told: one that lets it trade, as it does anyway.
fn told_at_start(latch: &LatchRecord) -> Option<u64> {
    (latch.level == Level::Active).then_some(latch.change)
}

/// Gives whether somebody listens.
async fn tell(inbox: &mpsc::Sender<Input>, level: Level, change: u64) -> bool {
    for operator in operators(level) {
        if inbox.send(Input::Operator { operator, change }).await.is_err() {
            return false;
        }
    }
    true
}

fn operators(level: Level) -> Vec<Operator> {
    match level {
        Level::Active => vec![Operator::Resume],
        Level::Reduce => vec![Operator::Reduce],
        Level::Halt => vec![Operator::Halt],
        Level::Flatten => vec![Operator::Halt, Operator::Flatten],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_dir::StateDir;

    #[tokio::test(start_paused = true)]
    async fn a_halt_and_a_resume_between_two_looks_are_told_as_a_resume() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        let latch = Arc::new(Latch::open(&state).unwrap());
        latch.engage(Level::Halt, "before", "test").unwrap();
        latch.resume("before", "test").unwrap();
        let (sender, mut inbox) = mpsc::channel(8);
        let follows = tokio::spawn(follow_latch(Arc::clone(&latch), sender));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(inbox.try_recv().is_err(), "what stood at the start need not be told");
        // What stopped the engine itself has engaged the latch, and a script resumes at once.
        latch.engage(Level::Halt, "a limit", "engine").unwrap();
        latch.resume("go on", "script").unwrap();
        let told = inbox.recv().await.unwrap();
        assert!(matches!(told, Input::Operator { operator: Operator::Resume, change: 4 }), "{told:?}");
        latch.engage(Level::Flatten, "sell", "operator").unwrap();
        let told = (inbox.recv().await.unwrap(), inbox.recv().await.unwrap());
        let (halt, flatten) = (Operator::Halt, Operator::Flatten);
        let is = |input: &Input, wanted: Operator| matches!(input, Input::Operator { operator, change: 5 } if *operator == wanted);
        assert!(is(&told.0, halt) && is(&told.1, flatten), "{told:?}");
        follows.abort();
    }
}
