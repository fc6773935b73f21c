//! `pampero explain ORDER`: the whole story of an order.

use std::path::{Path, PathBuf};

use pampero_engine::OrderRecord;
use pampero_model::{OrderId, Side, VenueOrderId};
use pampero_runtime::export::orders;
use pampero_runtime::story::{Story, story};
use pampero_store::journal::SessionId;
use serde_json::{Value as Json, json};

use super::source::{self, Book};
use crate::cli::journal::RunName;
use crate::error::Failure;
use crate::output;

/// How a person names an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum OrderName {
    /// By our own number, as sessions and exports show it.
    Own(OrderId),
    /// By side and the exchange's number, as `pampero orders` shows it.
    Venue(Side, VenueOrderId),
}

impl OrderName {
    /// What is written like an order; none for any other word.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("buy", id)) => Some(Self::Venue(Side::Buy, VenueOrderId(id.parse().ok()?))),
            Some(("sell", id)) => Some(Self::Venue(Side::Sell, VenueOrderId(id.parse().ok()?))),
            Some(_) => None,
            None => Some(Self::Own(OrderId(text.parse().ok()?))),
        }
    }

    fn is(self, order: &OrderRecord) -> bool {
        match self {
            Self::Own(id) => order.id == id,
            Self::Venue(side, id) => order.side == side && order.venue_order == Some(id),
        }
    }
}

/// Tells the story of an order, in a session or wherever there is one alone.
pub(in crate::commands) fn explain(
    name: &str,
    order: OrderName,
    run: Option<&RunName>,
    state: Option<&PathBuf>,
    as_json: bool,
) -> Result<(), Failure> {
    let state = state.map(PathBuf::as_path);
    let books = shelf(state, run)?;
    let mut found: Vec<(&Book, SessionId, OrderRecord)> = Vec::new();
    for (book, sessions) in &books {
        for (session, record) in orders(&book.journal, sessions).map_err(source::failure)? {
            // An order goes on over restarts; another of the same number was created at another time.
            let known = |(other, _, seen): &(&Book, SessionId, OrderRecord)| {
                other.folder == book.folder && seen.id == record.id && seen.created_at == record.created_at
            };
            if order.is(&record) && !found.iter().any(known) {
                found.push((book, session, record));
            }
        }
    }
    let [(book, session, record)] = found.as_slice() else { return Err(none_or_several(name, &found)) };
    let within = run.map(|_| *session);
    let told = story(&book.journal, record.id, within).map_err(source::failure)?;
    let told = told.ok_or_else(|| Failure::Defect(format!("order {} has no story", record.id)))?;
    if as_json { output::print_json(&to_json(book, &told)) } else { output::print(&told.render()) }
}

/// The journals that are looked into, with their sessions.
fn shelf(state: Option<&Path>, run: Option<&RunName>) -> Result<Vec<(Book, Vec<SessionId>)>, Failure> {
    if let Some(run) = run {
        let (book, session) = source::find(state, run)?;
        return Ok(vec![(book, vec![session.id])]);
    }
    let sessions = |book: Book| {
        let sessions = book.journal.sessions().map_err(source::journal_failure)?;
        Ok((book, sessions.iter().map(|session| session.id).collect()))
    };
    source::books(state)?.into_iter().map(sessions).collect()
}

fn none_or_several(name: &str, found: &[(&Book, SessionId, OrderRecord)]) -> Failure {
    if found.is_empty() {
        let message = format!("no journal here knows an order `{name}`");
        let help = "`pampero runs` lists the sessions, `pampero export RUN --what orders` their orders";
        return Failure::usage(message, help);
    }
    let list: Vec<String> = found
        .iter()
        .map(|(book, session, order)| format!("--run {} ({})", book.name(*session), order.created_at))
        .collect();
    Failure::usage(
        format!("there are {} orders `{name}`", found.len()),
        format!("say which: {}", list.join(", ")),
    )
}

fn to_json(book: &Book, told: &Story) -> Json {
    let order = &told.order;
    let level = |level: Option<pampero_model::Level>| {
        level.map(|level| json!({ "price": level.price.to_string(), "quantity": level.quantity.to_string() }))
    };
    let checks: Vec<Json> =
        told.checks.iter().map(|check| json!({ "code": check.code, "value": check.value })).collect();
    let chapters: Vec<Json> = told
        .chapters
        .iter()
        .map(|chapter| json!({ "record": chapter.seq, "time": chapter.time, "text": chapter.text }))
        .collect();
    json!({
        "run": book.name(told.session),
        "order": order.id.0,
        "venue_order": order.venue_order.map(|id| format!("{}:{id}", order.side)),
        "side": order.side.to_string(),
        "size": order.size.to_string(),
        "price": order.price.to_string(),
        "sent_price": order.sent_price.to_string(),
        "filled_base": order.filled_base.to_string(),
        "filled_quote": order.filled_quote.to_string(),
        "state": order.state.name(),
        "reason": order.reason.to_string(),
        "created_at": order.created_at,
        "seen": {
            "bid": level(told.seen.bid),
            "ask": level(told.seen.ask),
            "last": told.seen.last.map(|price| price.to_string()),
            "at": told.seen.at,
        },
        "checks": checks,
        "story": chapters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_from_other_words() {
        assert_eq!(OrderName::parse("41"), Some(OrderName::Own(OrderId(41))));
        let sell = OrderName::Venue(Side::Sell, VenueOrderId(7));
        assert_eq!(OrderName::parse("sell:7"), Some(sell));
        for other in ["sharpe", "MAX_POSITION", "buy:", "hold:7", "-1", "buy:x"] {
            assert_eq!(OrderName::parse(other), None, "{other}");
        }
    }
}
