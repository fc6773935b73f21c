//! The commands that talk to an exchange.

mod ambiguous;
mod bots;
mod confirm;
mod create;
mod doctor;
mod funding;
mod gate;
mod keys;
mod listen;
mod orders;
mod panic;
mod payments;
mod read;
mod remembered;
mod seen;
mod show;
mod trade;
mod webhooks;

pub(crate) use self::confirm::{ask, is_terminal};
pub(crate) use self::doctor::findings;

use std::future::Future;

use pampero_model::Size;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::cli::account::{AccountCommand, Connect};
use crate::connect::Connection;
use crate::error::Failure;
use crate::output;

/// Does what a command asks of the exchange.
pub(crate) fn account(command: AccountCommand) -> Result<(), Failure> {
    use AccountCommand as C;
    match command {
        C::Whoami { connect } => run(&connect, read::whoami),
        C::Balances { all, connect } => run(&connect, async |s: &Session| read::balances(s, all).await),
        C::Market { market, levels, connect } => {
            run(&connect, async |s: &Session| read::market(s, &market, levels).await)
        }
        C::Ticker { market, connect } => {
            run(&connect, async |s: &Session| read::ticker(s, market.as_deref()).await)
        }
        C::Candles { market, days, span, connect } => {
            run(&connect, async |s: &Session| read::candles(s, &market, days, span).await)
        }
        C::Transactions { market, hours, connect } => {
            run(&connect, async |s: &Session| read::transactions(s, market.as_deref(), hours).await)
        }
        C::Orders { market, ids, connect } => {
            run(&connect, async |s: &Session| orders::orders(s, market.as_deref(), &ids).await)
        }
        C::Trades { market, days, limit, connect } => {
            run(&connect, async |s: &Session| read::trades(s, market, days, limit).await)
        }
        C::Movements { connect } => run(&connect, read::movements),
        C::Buy { market, spend, order } => run(&order.connect, async |s: &Session| {
            trade::trade(s, &market, Size::Quote(spend), &order).await
        }),
        C::Sell { market, amount, order } => run(&order.connect, async |s: &Session| {
            trade::trade(s, &market, Size::Base(amount), &order).await
        }),
        C::Panic(args) => {
            let out = Out::of(&args.connect);
            block_on(panic::panic(out, &args)).map_err(|failure| out.failed(failure))
        }
        C::Doctor { config, settle, connect } => doctor::doctor(&connect, config.as_deref(), &settle),
        C::Cancel { ids, connect } => run(&connect, async |s: &Session| orders::cancel(s, &ids).await),
        C::CancelAll { markets, everything: _, connect } => {
            run(&connect, async |s: &Session| orders::cancel_all(s, &markets).await)
        }
        C::Deposits { from, how, connect } => {
            run(&connect, async |s: &Session| funding::deposits(s, from.as_deref(), how).await)
        }
        C::Withdrawals { from, connect } => {
            run(&connect, async |s: &Session| funding::withdrawals(s, from.as_deref()).await)
        }
        C::Instructions(command) => funding::instructions(command),
        C::Withdraw { amount, to, instruction, label, otp, consent, connect } => {
            run(&connect, async |s: &Session| {
                let target = match (to, instruction) {
                    (Some(address), _) => funding::Target::Address { address, label },
                    (None, instruction) => funding::Target::Instruction(instruction.unwrap_or_default()),
                };
                funding::withdraw(s, amount, target, &otp, consent).await
            })
        }
        C::Payments(command) => payments::payments(command),
        C::Webhooks(command) => webhooks::webhooks(command),
        C::Bots(command) => bots::bots(command),
        C::Keys(command) => keys::keys(command),
    }
}

/// A connection and the way its answers are shown.
pub(super) struct Session {
    pub connection: Connection,
    pub out: Out,
}

/// How answers are shown.
#[derive(Clone, Copy)]
pub(super) struct Out {
    pub json: bool,
    pub environment: &'static str,
}

impl Out {
    pub fn of(connect: &Connect) -> Self {
        Self { json: connect.json, environment: connect.place.env.name() }
    }

    /// Shows a value under a name: as one JSON object with the version of its shape, or in words.
    pub fn show(
        self,
        name: &str,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json { self.object(json!({ name: value })) } else { output::say(&words()) }
    }

    /// Prints one JSON object on one line, with the version of its shape and the environment.
    pub fn object(self, mut object: Json) -> Result<(), Failure> {
        if let Some(map) = object.as_object_mut() {
            map.insert("environment".to_owned(), self.environment.into());
        }
        output::print_json(&object)
    }

    /// Says something while a command goes on: in words only, on standard error.
    pub fn note(self, text: &str) {
        if !self.json {
            output::print_error(&format!("{text}\n"));
        }
    }

    /// Tells of a failure in the way that was asked for; the words follow on standard error in any case.
    pub fn failed(self, failure: Failure) -> Failure {
        if self.json {
            // The failure itself is what matters.
            let _ = self.object(json!({ "error": failure.to_json() }));
        }
        failure
    }
}

/// Opens the connection and does something with it.
fn run(connect: &Connect, work: impl AsyncFnOnce(&Session) -> Result<(), Failure>) -> Result<(), Failure> {
    let out = Out::of(connect);
    let done = Connection::open(connect).and_then(|connection| {
        let session = Session { connection, out };
        block_on(async { work(&session).await })
    });
    done.map_err(|failure| out.failed(failure))
}

/// Runs something to its end on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::system("this cannot start", &error))?.block_on(work)
}
