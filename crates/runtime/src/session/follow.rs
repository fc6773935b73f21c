//! What the kill switch does becomes an operator's order to the engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Input, Operator};
use crate::guard::{Guard, Latch, Level};

/// Tells the engine what the kill switch does.
pub async fn follow_guard(guard: Guard, inbox: mpsc::Sender<Input>) {
    let mut changes = guard.changes();
    let mut told = (Level::Active, 0);
    let mut permit = None;
    loop {
        let (level, change) = {
            let record = changes.borrow_and_update();
            (record.level, record.change)
        };
        // Whoever asks once more to flatten has taken the permit back.
        if level != told.0 || (level == Level::Flatten && change != told.1) {
            told = (level, change);
            drop(permit.take());
            for operator in operators(level) {
                if inbox.send(Input::Operator(operator)).await.is_err() {
                    return;
                }
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
    let mut told = Level::Active;
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        latch.refresh();
        let level = latch.record().level;
        if level != told {
            told = level;
            for operator in operators(level) {
                if inbox.send(Input::Operator(operator)).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn operators(level: Level) -> Vec<Operator> {
    match level {
        Level::Active => vec![Operator::Resume],
        Level::Reduce => vec![Operator::Reduce],
        Level::Halt => vec![Operator::Halt],
        Level::Flatten => vec![Operator::Halt, Operator::Flatten],
    }
}
