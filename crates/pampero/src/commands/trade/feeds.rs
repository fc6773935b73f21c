//! Market data and clocks of the venues, on their way to the session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pampero_exchange::Exchange;
use pampero_model::{MarketId, Span, Timestamp, VenueId};
use pampero_runtime::feed::{self, Clock, Desk, FeedMessage, History, News, OwnOrder};
use pampero_runtime::session::Input;
use pampero_runtime::telemetry::Metrics;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::console::Console;

/// A venue whose markets are watched.
pub(super) struct Watched {
    pub venue: VenueId,
    pub exchange: Arc<dyn Exchange>,
    pub desk: Desk,
}

/// Market data of every venue on its way to the inbox.
pub(super) struct Feeds {
    pub venues: Vec<Watched>,
    /// What comes before everything live.
    pub history: Vec<News>,
    pub watcher: Watcher,
}

/// What the feed of each venue is given.
#[derive(Clone)]
pub(super) struct Watcher {
    pub clock: Clock,
    pub own: watch::Receiver<Vec<OwnOrder>>,
    pub ends: watch::Receiver<()>,
    pub inbox: mpsc::Sender<Input>,
    pub console: Console,
    pub metrics: Metrics,
}

impl Feeds {
    /// Runs until the session ends. Each venue is asked by itself: one that does not answer holds up no other.
    pub async fn run(self) {
        let Self { venues, history, watcher } = self;
        // The inbox is short, and nobody reads it before the session has begun.
        for news in history {
            if watcher.inbox.send(Input::News(news)).await.is_err() {
                return;
            }
        }
        let feeds: JoinSet<()> = venues.into_iter().map(|venue| watcher.clone().watch(venue)).collect();
        feeds.join_all().await;
    }
}

impl Watcher {
    async fn watch(self, venue: Watched) {
        let Self { clock, own, mut ends, inbox, console, metrics } = self;
        let Watched { venue, exchange, desk } = venue;
        let (sender, mut messages) = mpsc::channel::<FeedMessage>(64);
        let shutdown = async move {
            let _ = ends.changed().await; // the other end is dropped
        };
        let feed = tokio::spawn(feed::run(exchange, desk, clock, own, sender, shutdown));
        let of = console.of(venue);
        let mut failing = false;
        while let Some(message) = messages.recv().await {
            match &message.error {
                Some(error) if !failing => {
                    failing = true;
                    let facts = serde_json::json!({ "code": error.code() });
                    console.say(
                        message.at,
                        "feed",
                        &format!("market data{of}: {error}; trying again"),
                        facts,
                    );
                }
                None if failing => {
                    failing = false;
                    let text = format!("market data{of} is back");
                    console.say(message.at, "feed", &text, serde_json::Value::Null);
                }
                _ => {}
            }
            if let (None, Some(market)) = (&message.error, message.market) {
                metrics.market_seen(&console.market(market), message.at);
            }
            for news in message.news {
                tell(&console, message.at, &news);
                if inbox.send(Input::News(news)).await.is_err() {
                    return;
                }
            }
        }
        let _ = feed.await;
    }
}

/// The candles of before, oldest first.
pub(super) fn warm_up_news<'a>(history: impl IntoIterator<Item = &'a (MarketId, History)>) -> Vec<News> {
    let mut news: Vec<(Timestamp, News)> = Vec::new();
    for (market, history) in history {
        for candles in &history.candles {
            let (market, span) = (*market, candles.span);
            let closed = candles.closed.iter();
            news.extend(
                closed.map(|candle| {
                    (candle.open_time.plus(span), News::Candle { market, span, candle: *candle })
                }),
            );
        }
    }
    news.sort_by_key(|(closed, _)| *closed);
    news.into_iter().map(|(_, news)| news).collect()
}

/// What a person wants to know of the market data.
fn tell(console: &Console, at: Timestamp, news: &News) {
    let null = serde_json::Value::Null;
    match news {
        News::Gap { market, from, to } => {
            let text =
                format!("trades of {} between {from} and {to} may be missing", console.market(*market));
            console.say(at, "gap", &text, null);
        }
        News::Stale { market, .. } => {
            let text = format!("market data of {} is stale: no increasing orders", console.market(*market));
            console.say(at, "stale", &text, null);
        }
        News::Fresh { market } => {
            let text = format!("market data of {} is fresh again", console.market(*market));
            console.say(at, "fresh", &text, null);
        }
        _ => {}
    }
}

/// Compares the local clock with those of the exchanges, which tell whole seconds, from time to time. The session learns
/// how far the worst of them is off.
pub(super) async fn watch_clocks(
    exchanges: Vec<Arc<dyn Exchange>>,
    clock: Clock,
    inbox: mpsc::Sender<Input>,
) {
    let mut looks = tokio::time::interval(Duration::from_mins(1));
    let mut known: BTreeMap<usize, Span> = BTreeMap::new();
    loop {
        looks.tick().await;
        let mut asked = JoinSet::new();
        for (index, exchange) in exchanges.iter().cloned().enumerate() {
            let clock = Arc::clone(&clock);
            asked.spawn(async move {
                let before = clock();
                let server = exchange.server_time().await.ok().flatten()?;
                Some((index, skew(before, clock(), server)))
            });
        }
        while let Some(answer) = asked.join_next().await {
            // No answer is no information.
            let Ok(Some((index, skew))) = answer else { continue };
            known.insert(index, skew);
            let worst = known.values().copied().max().unwrap_or(Span::ZERO);
            if inbox.send(Input::ClockSkew(worst)).await.is_err() {
                return;
            }
        }
    }
}

/// How far the clocks are apart at least: the server looked at its own between asking and answer, and cut off the part
/// of a second.
fn skew(asked: Timestamp, answered: Timestamp, server: Timestamp) -> Span {
    let ahead = asked.since(server.plus(Span::from_secs(1)));
    let behind = server.since(answered);
    ahead.max(behind).max(Span::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_differ_only_by_what_nothing_else_explains() {
        let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
        assert_eq!(skew(at(10_200), at(10_700), at(10_000)), Span::ZERO, "cut off to the second");
        assert_eq!(skew(at(10_900), at(11_300), at(11_000)), Span::ZERO, "asked before, answered after");
        assert_eq!(skew(at(15_000), at(15_200), at(10_000)), Span::from_secs(4), "ahead");
        assert_eq!(skew(at(5_000), at(6_000), at(10_000)), Span::from_secs(4), "behind");
    }
}
