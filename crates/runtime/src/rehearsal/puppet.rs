//! A strategy that wants what it is told to want.

use pampero_engine::{Context, Denied, Intent, Requirements, Strategy};
use pampero_model::{MarketId, OrderId, Span};
use tokio::sync::{mpsc, oneshot};

/// What the puppet is told.
#[derive(Debug)]
pub(super) enum Instruction {
    /// Ask for an order, and say what the gate said.
    Submit(Intent, oneshot::Sender<Result<OrderId, Denied>>),
    /// Cancel an order.
    Cancel(OrderId),
}

/// Looks at its instructions from time to time.
pub(super) struct Puppet {
    market: MarketId,
    instructions: mpsc::UnboundedReceiver<Instruction>,
}

/// How often.
const EVERY: Span = Span::from_millis(50);
const TAG: u32 = 0;

impl Puppet {
    /// A puppet for a market, and what it is told with.
    pub fn new(market: MarketId) -> (Self, mpsc::UnboundedSender<Instruction>) {
        let (sender, instructions) = mpsc::unbounded_channel();
        (Self { market, instructions }, sender)
    }
}

impl Strategy for Puppet {
    fn requirements(&self) -> Requirements {
        Requirements::of(self.market)
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer_after(EVERY, TAG);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _: u32) {
        while let Ok(instruction) = self.instructions.try_recv() {
            match instruction {
                Instruction::Submit(intent, answer) => {
                    let _ = answer.send(ctx.submit(intent)); // who asked may have given up
                }
                Instruction::Cancel(order) => ctx.cancel(order),
            }
        }
        ctx.set_timer_after(EVERY, TAG);
    }
}
