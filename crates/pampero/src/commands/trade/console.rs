//! What a session tells the one who watches it.

use std::sync::Arc;

use pampero_engine::{Audit, Engine};
use pampero_model::{Currency, MarketId, Markets, Money, Timestamp, VenueId};
use pampero_runtime::execution::Note;
use serde_json::{Value as Json, json};

use crate::market_list::shown;
use crate::output;
use crate::plan::Plan;

/// Lines for a person, or JSON objects, one a line.
#[derive(Clone)]
pub(super) struct Console {
    json: bool,
    markets: Markets,
    labels: Vec<Arc<str>>,
}

impl Console {
    pub fn new(json: bool, plan: &Plan<'_>) -> Self {
        let labels = plan.strategies.iter().map(|planned| Arc::clone(&planned.label)).collect();
        Self { json, markets: plan.markets.clone(), labels }
    }

    /// Says something at an instant, with facts for machines.
    pub fn say(&self, at: Timestamp, event: &str, text: &str, facts: Json) {
        let line = if self.json {
            let mut object = json!({ "time": at, "event": event, "text": text });
            if let (Some(object), Json::Object(facts)) = (object.as_object_mut(), facts) {
                object.extend(facts);
            }
            format!("{}\n", output::with_schema(object))
        } else {
            output::fitted(&format!("{} {text}\n", clock(at)))
        };
        // A reader that has gone away must not end a session.
        let _ = output::print(&line);
    }

    /// Something that happened in the engine, if a person wants to know it.
    pub fn audit(&self, now: Timestamp, audit: &Audit) {
        match audit {
            Audit::Filled { fill, strategy, reason, .. } => {
                let Some(market) = self.markets.get(fill.market) else { return };
                let fee = Money::new(market.receives(fill.side), fill.fee);
                let base = Money::new(market.base, fill.base.units().into());
                let quote = Money::new(market.quote, fill.quote.units());
                let label = self.labels.get(strategy.index()).map_or("", |label| label);
                let text = format!(
                    "{} {base} for {quote} at {} on {} ({label}: {reason}), fee {fee}",
                    if fill.side == pampero_model::Side::Buy { "bought" } else { "sold" },
                    fill.price,
                    shown(market)
                );
                let facts = json!({ "order": fill.order.0, "fill": fill.id.0, "market": shown(market),
                    "side": fill.side.to_string(), "price": fill.price.to_string(), "base": fill.base.to_string(),
                    "quote": fill.quote.to_string(), "fee": fee.to_string(), "strategy": label });
                self.say(now, "fill", &text, facts);
            }
            Audit::Denied { strategy, market, denied, .. } => {
                let label = self.labels.get(strategy.index()).map_or("", |label| label);
                let text = format!("{label} was refused an order on {}: {denied}", self.market(*market));
                self.say(now, "denied", &text, json!({ "strategy": label, "code": denied.code().as_str() }));
            }
            Audit::State { strategy, state, reason, .. } => {
                let who = strategy.and_then(|id| self.labels.get(id.index()).cloned());
                let who = who.unwrap_or_else(|| "trading".into());
                let text = format!("{who} is {state:?} ({reason:?})").to_lowercase();
                self.say(now, "state", &text, json!({ "state": format!("{state:?}").to_lowercase() }));
            }
            Audit::ForeignFill(fill) => {
                let text =
                    format!("an execution of an order that is not ours on {}", self.market(fill.market));
                self.say(now, "foreign_fill", &text, json!({ "fill": fill.id.0 }));
            }
            Audit::Closed(_) => {}
        }
    }

    /// A fact of execution at a venue, if a person wants to know it.
    pub fn note(&self, now: Timestamp, venue: VenueId, note: &Note) {
        let facts = || serde_json::to_value(note).unwrap_or_default();
        let of = self.of(venue);
        match note {
            Note::Alarm { text, .. } => self.say(now, "alarm", &format!("ALARM{of}: {text}"), facts()),
            Note::Placed { order, outcome, detail } if outcome != "acknowledged" => {
                self.say(now, "placed", &format!("order {order}: {outcome}: {detail}"), facts());
            }
            Note::Adopted { order, venue_order, late } => {
                let late = if *late { ", long given up: it is cancelled" } else { "" };
                let number = venue_order.0;
                let text = format!("order {order} was found: it is {number} at the exchange{late}");
                self.say(now, "adopted", &text, facts());
            }
            Note::Foreign { side, venue_order, market, .. } => {
                let text = format!("{side} {} on {market} is on the account{of} and not ours", venue_order.0);
                self.say(now, "foreign", &text, facts());
            }
            Note::Transfer { money, .. } => {
                self.say(now, "transfer", &format!("{money} moved into or out of the account{of}"), facts());
            }
            Note::FeeDiffers { order, .. } => {
                let text = format!("order {order} was charged another fee than the configured one");
                self.say(now, "fee_differs", &text, facts());
            }
            Note::Reconciled { first: true } => {
                let text = format!("the account{of} was compared and agrees: orders may be sent");
                self.say(now, "reconciled", &text, facts());
            }
            _ => {}
        }
    }

    /// Where the session stands.
    pub fn status(&self, now: Timestamp, engine: &Engine, currency: Currency) {
        let portfolio = engine.portfolio();
        let equity = Money::new(currency, portfolio.equity().units());
        let open = engine.open_orders().len();
        let text = format!("equity {equity}, {open} open order{}", if open == 1 { "" } else { "s" });
        self.say(
            now,
            "status",
            &text,
            json!({ "equity": portfolio.equity().to_string(), "open_orders": open }),
        );
    }

    /// A market as people are shown it.
    pub fn market(&self, market: MarketId) -> String {
        self.markets.get(market).map(shown).unwrap_or_default()
    }

    /// Words that say of which venue something is, where there are several.
    pub fn of(&self, venue: VenueId) -> String {
        let several = self.markets.venues().count() > 1;
        self.markets.venue_name(venue).filter(|_| several).map_or(String::new(), |name| format!(" of {name}"))
    }
}

/// Hours, minutes and seconds, in UTC.
pub(super) fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('T').map_or(text.clone(), |(_, time)| time.chars().take(8).collect())
}
