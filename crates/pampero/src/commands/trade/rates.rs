//! Rates from outside the markets, on their way to the session.

use std::collections::BTreeMap;
use std::path::Path;

use pampero_model::Currency;
use pampero_runtime::feed::{Clock, News, RateMessage, RateSource, read_rates, watch_rates};
use pampero_runtime::notify::{Notice, Notifier, Severity};
use pampero_runtime::session::Input;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::console::Console;
use crate::error::{Exit, Failure};
use crate::plan::Plan;
use crate::rates::ChangingRate;

/// Reads every source of the plan once, so that the session begins with what they say, and gives them to be read on.
pub(super) async fn begin(
    plan: &mut Plan<'_>,
    folder: &Path,
    clock: &Clock,
) -> Result<Vec<RateSource>, Failure> {
    let sources: Vec<RateSource> =
        plan.changing_rates.iter().filter_map(|rate: &ChangingRate| rate.source(folder)).collect();
    plan.first_rates = read_rates(&sources, clock).await.map_err(|(currency, error)| {
        let help = format!(
            "correct [rate_sources.{}], or wait until its source answers again; nothing was begun",
            currency.code().to_ascii_lowercase()
        );
        Failure::account(Exit::Failed, "rate", format!("the rate of {currency}: {error}"), help)
    })?;
    Ok(sources)
}

/// What a session reads while it goes on.
pub(super) struct RatesTask {
    pub sources: Vec<RateSource>,
    pub clock: Clock,
    pub ends: watch::Receiver<()>,
    pub inbox: mpsc::Sender<Input>,
    pub console: Console,
    pub notifier: Notifier,
}

/// How a source is doing, as was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Well,
    Failing,
    Stale,
}

impl RatesTask {
    /// Reads until the session ends, and tells each change for the worse or the better once.
    pub async fn run(self) {
        let Self { sources, clock, mut ends, inbox, console, notifier } = self;
        let (sender, mut messages) = mpsc::channel::<RateMessage>(16);
        let mut standings: BTreeMap<Currency, Standing> = BTreeMap::new();
        let shutdown = async move {
            let _ = ends.changed().await; // the other end is dropped
        };
        let watching = tokio::spawn(watch_rates(sources, clock, sender, shutdown));
        while let Some(message) = messages.recv().await {
            let standing = standings.entry(message.currency).or_insert(Standing::Well);
            *standing = tell(&console, &notifier, &message, *standing);
            let RateMessage { currency, rate, .. } = message;
            let Ok(rate) = rate else { continue };
            if inbox.send(Input::News(News::Rate { currency, rate })).await.is_err() {
                return;
            }
        }
        let _ = watching.await; // the sources were checked before the session began
    }
}

/// Says what a reading changed, and how the source stands now.
fn tell(console: &Console, notifier: &Notifier, message: &RateMessage, before: Standing) -> Standing {
    let RateMessage { at, currency, rate, stale } = message;
    let say = |event: &str, text: &str| {
        console.say(*at, event, text, json!({ "currency": currency.to_string() }));
    };
    match (rate, before) {
        (Ok(_), Standing::Well) => Standing::Well,
        (Ok(rate), before) => {
            let text = format!("the rate of {currency} is read again: {rate}");
            say("rate_fresh", &text);
            if before == Standing::Stale {
                notifier.send(Notice::new(Severity::Warning, "rate", "A rate is back", text));
            }
            Standing::Well
        }
        (Err(_), Standing::Stale) => Standing::Stale,
        (Err(error), _) if *stale => {
            let text =
                format!("the rate of {currency} is stale, so nothing increases a position by it: {error}");
            say("rate_stale", &text);
            notifier.send(Notice::new(Severity::Warning, "rate", "A rate is stale", text));
            Standing::Stale
        }
        (Err(error), Standing::Well) => {
            say("rate_failing", &format!("the rate of {currency}: {error}; trying again"));
            Standing::Failing
        }
        (Err(_), Standing::Failing) => Standing::Failing,
    }
}
