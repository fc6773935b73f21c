//! The whole story of an order: what was seen, why it was wanted, what was checked, sent, answered and executed.

use std::collections::BTreeMap;
use std::fmt::Write;

use pampero_engine::{Audit, CHECKS, CommandRecord, Decisions, EventKind, OrderRecord, OrderState};
use pampero_model::{Level, MarketId, OrderId, Price, Rounding, Side, Span, Timestamp, UpdateKind};
use pampero_store::journal::{Journal, SessionId};

use crate::execution::Note;
use crate::recovery::RecoveryError;
use crate::replay::command;
use crate::tape::{Step, Tape};

/// What the engine had last seen of a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Best bid.
    pub bid: Option<Level>,
    /// Best ask.
    pub ask: Option<Level>,
    /// Last trade or close.
    pub last: Option<Price>,
    /// When any of it was last seen.
    pub at: Option<Timestamp>,
}

/// A check of the risk gate that the order passed, with what can be said of it from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The code it would have been refused with.
    pub code: &'static str,
    /// What it looked at, where the journal holds it.
    pub value: Option<String>,
}

/// Something that happened to the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Number of the record.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// What, in a line.
    pub text: String,
}

/// The story of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The session in which it began.
    pub session: SessionId,
    /// The order as it stood last.
    pub order: OrderRecord,
    /// What was known of its market when it was decided.
    pub seen: Sight,
    /// What the gate checked before it was sent; empty for one that never was.
    pub checks: Vec<Passed>,
    /// What happened, in order.
    pub chapters: Vec<Chapter>,
}

/// Tells the story of an order, over all sessions or within one. None if none knows it.
pub fn story(
    journal: &Journal,
    order: OrderId,
    session: Option<SessionId>,
) -> Result<Option<Story>, RecoveryError> {
    let mut teller = Teller::new(order);
    for id in journal.sessions()?.iter().map(|found| found.id) {
        if session.is_some_and(|wanted| wanted != id) {
            continue;
        }
        teller.session_begins(id);
        let mut tape = Tape::new(journal, id, 0)?;
        while let Some(step) = tape.step()? {
            teller.step(&step);
        }
    }
    let Teller { record, began, seen, checks, chapters, session, .. } = teller;
    Ok(record.map(|order| Story { session: began.unwrap_or(session), order, seen, checks, chapters }))
}

struct Teller {
    order: OrderId,
    sights: BTreeMap<MarketId, Sight>,
    open: BTreeMap<OrderId, (MarketId, Side)>,
    session: SessionId,
    /// Where the order was first wanted.
    began: Option<SessionId>,
    record: Option<OrderRecord>,
    seen: Sight,
    checks: Vec<Passed>,
    chapters: Vec<Chapter>,
}

impl Teller {
    fn new(order: OrderId) -> Self {
        Self {
            order,
            sights: BTreeMap::new(),
            open: BTreeMap::new(),
            session: SessionId(0),
            began: None,
            record: None,
            seen: Sight::default(),
            checks: Vec::new(),
            chapters: Vec::new(),
        }
    }

    /// What was seen in an earlier session is not seen in this one.
    fn session_begins(&mut self, session: SessionId) {
        self.session = session;
        self.sights.clear();
        self.open.clear();
    }

    fn step(&mut self, step: &Step<'_>) {
        match step {
            Step::Note { seq, time, text } => self.note(*seq, *time, text),
            Step::Started { seq, time, decisions } => self.decided(*seq, *time, decisions),
            Step::Event { seq, event, decisions } => {
                self.see(event.time, &event.kind);
                if let EventKind::Order(update) = event.kind
                    && update.order == self.order
                {
                    self.tell(*seq, event.time, news(&update.kind));
                }
                self.decided(*seq, event.time, decisions);
            }
        }
    }

    fn see(&mut self, time: Timestamp, kind: &EventKind<'_>) {
        let (market, bid, ask, last) = match *kind {
            EventKind::Book { market, book } => (market, book.bids.first(), book.asks.first(), None),
            EventKind::Trade { market, trade } => (market, None, None, Some(trade.price)),
            EventKind::Candle { market, candle, .. } => (market, None, None, Some(candle.close)),
            EventKind::Quote { market, quote } => {
                let sight = self.sights.entry(market).or_default();
                let shown = |level: Level| Some(level).filter(|level| level.quantity.is_positive());
                (sight.bid, sight.ask, sight.at) = (shown(quote.bid), shown(quote.ask), Some(time));
                return;
            }
            _ => return,
        };
        let sight = self.sights.entry(market).or_default();
        sight.at = Some(time);
        if last.is_some() {
            sight.last = last;
        } else {
            (sight.bid, sight.ask) = (bid.copied(), ask.copied());
        }
    }

    fn tell(&mut self, seq: u64, time: Timestamp, text: String) {
        self.chapters.push(Chapter { seq, time, text });
    }

    fn note(&mut self, seq: u64, time: Timestamp, text: &str) {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return };
        let order = value.get("order");
        let id = order.and_then(|order| order.get("id").unwrap_or(order).as_u64());
        if id != Some(self.order.0) {
            return;
        }
        let line = match serde_json::from_str::<Note>(text) {
            Ok(Note::Intent { watermark, .. }) => match watermark {
                Some(id) => format!("its intent is written; the last own id before it is {id}"),
                None => "its intent is written; no own id before it".to_owned(),
            },
            Ok(Note::Placed { outcome, detail, .. }) => format!("answer to the placing: {outcome} {detail}"),
            Ok(Note::CancelAsked { tries, .. }) => {
                format!("its cancellation is asked for, after {tries} tries")
            }
            Ok(Note::Adopted { venue_order, late, .. }) => {
                format!(
                    "found at the venue as {venue_order}{}",
                    if late { ", after it was given up" } else { "" }
                )
            }
            Ok(Note::NotFound { clean, .. }) => format!("looked for and not found, {clean} clean looks"),
            Ok(Note::Alarm { text, .. }) => format!("ALARM {text}"),
            _ => text.to_owned(),
        };
        self.tell(seq, time, line);
    }

    fn decided(&mut self, seq: u64, time: Timestamp, decisions: &Decisions) {
        let id = self.order;
        for record in &decisions.orders {
            if record.id == id {
                self.changed(seq, time, record);
            } else {
                self.open.insert(record.id, (record.market, record.side));
            }
        }
        for item in &decisions.commands {
            match item {
                CommandRecord::Place(order) if order.id == id => {
                    self.checks = self.checked(time);
                    self.tell(
                        seq,
                        time,
                        format!(
                            "approved, none of {} refusals applies: {}",
                            self.checks.len(),
                            command(item)
                        ),
                    );
                }
                CommandRecord::Cancel { order, .. } if *order == id => self.tell(seq, time, command(item)),
                CommandRecord::CancelAll { .. }
                    if self.record.is_some_and(|order| !order.state.is_final()) =>
                {
                    self.tell(seq, time, command(item));
                }
                _ => {}
            }
        }
        for audit in &decisions.audit {
            match audit {
                Audit::Closed(record) if record.id == id => self.changed(seq, time, record),
                Audit::Closed(record) => {
                    self.open.remove(&record.id);
                }
                Audit::Filled { fill, mark, .. } if fill.order == id => {
                    let text = format!(
                        "filled {} for {} at {} as {:?}, fee {}, the market at {mark}",
                        fill.base,
                        fill.quote,
                        fill.price,
                        fill.liquidity,
                        fee(fill.fee)
                    );
                    self.tell(seq, time, text);
                }
                _ => {}
            }
        }
    }

    fn changed(&mut self, seq: u64, time: Timestamp, record: &OrderRecord) {
        // A new state directory, or another mode, counts from one again: the newest order of that number is told.
        if self.record.is_some_and(|known| known.created_at != record.created_at) {
            *self = Self {
                sights: std::mem::take(&mut self.sights),
                session: self.session,
                ..Self::new(self.order)
            };
        }
        let Some(before) = self.record.replace(*record) else {
            self.seen = self.sights.get(&record.market).copied().unwrap_or_default();
            self.began = Some(self.session).filter(|_| record.created_at == time);
            let text =
                format!("wanted: {} {} at {} ({})", record.side, record.size, record.price, record.reason);
            return self.tell(seq, time, text);
        };
        if before.state != record.state {
            let filled = record.filled_base;
            self.tell(
                seq,
                time,
                format!("{} → {}, {filled} filled", before.state.name(), record.state.name()),
            );
        } else if !before.cancel_wanted && record.cancel_wanted {
            self.tell(seq, time, "its cancellation is wanted".to_owned());
        }
    }

    /// The table of checks with what the journal says of each.
    fn checked(&self, now: Timestamp) -> Vec<Passed> {
        let Some(order) = self.record else { return Vec::new() };
        let seen = self.sights.get(&order.market).copied().unwrap_or_default();
        let best =
            |level: Option<Level>| level.map_or_else(|| "none".to_owned(), |level| level.price.to_string());
        let on_side =
            self.open.values().filter(|(market, side)| (*market, *side) == (order.market, order.side));
        let notional = order.size.notional(order.sent_price, Rounding::Up).ok();
        let checks = CHECKS.iter().filter(|check| check.row > 0);
        checks
            .map(|check| {
                let code = check.code.as_str();
                let value = match code {
                    "MAX_ORDER_NOTIONAL" => notional.map(|notional| format!("notional {notional}")),
                    "MAX_ORDER_QUANTITY" => Some(format!("at most {}", order.worst_base)),
                    "PRICE_COLLAR" | "WIDE_SPREAD" | "BOOK_CROSSED" => {
                        Some(format!("price {}, bid {}, ask {}", order.price, best(seen.bid), best(seen.ask)))
                    }
                    "PRECISION" => Some(format!("price {}, size {}", order.sent_price, order.size)),
                    "STALE_DATA" => seen.at.map(|at| format!("seen {} ago", now.since(at))),
                    "INSUFFICIENT_FUNDS" => Some(format!("reserves {}", fee(order.reservation()))),
                    "MAX_OPEN_ORDERS" => Some(format!("{} others open", self.open.len())),
                    "MAX_OPEN_ORDERS_SIDE" => {
                        Some(format!("{} others open on this side", on_side.clone().count()))
                    }
                    _ => None,
                };
                Passed { code, value }
            })
            .collect()
    }
}

fn news(kind: &UpdateKind) -> String {
    match kind {
        UpdateKind::Acknowledged(id) => format!("the venue has it as {id}"),
        UpdateKind::Live => "the venue has it on its book".to_owned(),
        UpdateKind::Fill(fill) => format!("the venue reports execution {}", fill.id),
        UpdateKind::CancelPending => "the venue will cancel it".to_owned(),
        UpdateKind::Cancelled(reason) => format!("the venue cancelled it: {reason:?}"),
        UpdateKind::Completed => "the venue says it is complete".to_owned(),
        UpdateKind::Rejected(reason) => format!("the venue refused it: {reason:?}"),
        UpdateKind::NotSent => "it never left".to_owned(),
        UpdateKind::Unknown => "it was sent, and the answer tells nothing".to_owned(),
        UpdateKind::PresumedAbsent => "it is presumed absent".to_owned(),
        UpdateKind::Absent => "it never arrived".to_owned(),
    }
}

fn fee(units: i128) -> String {
    pampero_model::Cash::from_units(units).to_string()
}

impl Story {
    /// How old the last sight of the market was when the order was decided.
    pub fn sight_age(&self) -> Option<Span> {
        self.seen.at.map(|at| self.order.created_at.since(at))
    }

    /// The story for a terminal.
    pub fn render(&self) -> String {
        let Self { session, order, seen, checks, chapters } = self;
        let mut text = format!("order {} of session {session}: {}\n", order.id, order.state.name());
        let level = |level: &Option<Level>| {
            level.map_or_else(|| "none".to_owned(), |level| format!("{} × {}", level.price, level.quantity))
        };
        // Writing into a text does not fail.
        let _ = writeln!(
            text,
            "  {} {} at {}, sent at {}",
            order.side, order.size, order.price, order.sent_price
        );
        let reason = order.reason.to_string();
        let _ = writeln!(text, "  reason  {}", if reason.is_empty() { "none given" } else { &reason });
        let age =
            self.sight_age().map_or_else(|| "never seen".to_owned(), |age| format!("seen {age} before"));
        let _ = writeln!(text, "  market  bid {}, ask {}, {age}", level(&seen.bid), level(&seen.ask));
        if order.state != OrderState::Held && !checks.is_empty() {
            let _ = writeln!(text, "  not refused with");
            for Passed { code, value } in checks {
                if let Some(value) = value {
                    let _ = writeln!(text, "    {code:<22} {value}");
                }
            }
            let others = checks.iter().filter(|passed| passed.value.is_none()).map(|passed| passed.code);
            for line in others.collect::<Vec<_>>().chunks(4) {
                let _ = writeln!(text, "    {}", line.join(" "));
            }
        }
        for Chapter { seq, time, text: line } in chapters {
            let _ = writeln!(text, "  {time}  #{seq}  {line}");
        }
        text
    }
}
