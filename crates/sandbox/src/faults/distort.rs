//! Answers that are not what they should be.

use std::collections::HashMap;

use super::Hit;
use crate::json::{Json, decimal};

/// So many answers are remembered at most; then all are forgotten.
const LARGEST_MEMORY: usize = 10_000;

/// Answers of before, by request, and the last one of all.
#[derive(Debug, Default)]
pub struct Memory {
    answers: HashMap<String, Json>,
    last: Option<Json>,
    flips: u64,
}

impl Memory {
    /// Puts an answer of before in place of a document where a fault asks for it, and remembers the true one.
    pub fn exchange(&mut self, request: &str, document: &mut Json, hits: &[Hit]) {
        let truth = document.clone();
        let old = hits.iter().any(|hit| hit.is("F19", "stale") || hit.is("F32", "frozen"));
        let flapping = hits.iter().any(|hit| hit.is("F19", "flapping"));
        self.flips += u64::from(flapping);
        if (old || (flapping && self.flips % 2 == 1))
            && let Some(before) = self.answers.get(request)
        {
            document.clone_from(before);
            return;
        }
        if hits.iter().any(|hit| hit.is("F37", "swapped"))
            && let Some(other) = &self.last
        {
            document.clone_from(other);
        }
        if self.answers.len() >= LARGEST_MEMORY {
            self.answers.clear();
        }
        self.last = Some(truth.clone());
        self.answers.insert(request.to_owned(), truth);
    }
}

const PRICES: [&str; 8] = ["price", "last", "open", "high", "low", "close", "bid", "ask"];

/// Changes a document as a fault says.
pub fn distort_value(hit: &Hit, document: &mut Json) {
    match hit.code {
        "F15" => malform(hit, document),
        "F16" => renumber(hit, document),
        "F19" | "F21" if hit.mode == "late" => {
            with_items(document, |items| {
                items.drain(..count_of(hit).min(items.len()));
            });
        }
        "F20" => {
            with_items(document, |items| items.truncate(count_of(hit)));
        }
        "F21" if hit.mode == "shuffled" => with_items(document, |items| items.reverse()),
        "F21" => with_items(document, |items| {
            *items = items.iter().flat_map(|item| [item.clone(), item.clone()]).collect();
        }),
        "F22" => each_key(document, "order", |order| {
            if let Some(id) = order.get_mut("data").and_then(|data| data.get_mut("id")) {
                *id = Json::text("999999999");
            }
        }),
        "F25" => document.visit(&mut |_, value| go_back(value)),
        "F26" => each_key(document, "id", |id| {
            if let Json::Text(text) = id {
                let number = text.parse::<i64>().ok();
                *id = match (hit.mode.as_str(), number) {
                    ("numbers", Some(number)) => Json::Int(number),
                    ("reused", Some(_)) => Json::text("1"),
                    _ => return,
                };
            }
        }),
        "F27" => unbalance(hit, document),
        "F31" => misshape(hit, document),
        "F32" => document.visit(&mut |key, value| {
            if let (Some(key), Json::Amount(units)) = (key, value)
                && PRICES.contains(&key)
            {
                *units = match hit.mode.as_str() {
                    "spike" => units.saturating_mul(10),
                    "crash" => *units / 10,
                    "zero" => 0,
                    _ => *units,
                };
            }
        }),
        "F35" => evolve(hit, document),
        _ => {}
    }
}

/// The number that a fault gives, or one.
fn count_of(hit: &Hit) -> usize {
    usize::try_from(hit.count.unwrap_or(1)).unwrap_or(1)
}

fn with_items(document: &mut Json, change: impl FnOnce(&mut Vec<Json>)) {
    if let Some(Json::List(items)) = document.get_mut("data") {
        change(items);
    }
}

fn each_key(document: &mut Json, wanted: &str, mut change: impl FnMut(&mut Json)) {
    document.visit(&mut |key, value| {
        if key == Some(wanted) {
            change(value);
        }
    });
}

fn each_amount(document: &mut Json, change: impl Fn(i128) -> Json) {
    document.visit(&mut |_, value| {
        if let Json::Amount(units) = value {
            *value = change(*units);
        }
    });
}

fn malform(hit: &Hit, document: &mut Json) {
    match hit.mode.as_str() {
        "wrong_types" => each_amount(document, object_of),
        "no_data" => document.remove("data"),
        "nulls" => each_key(document, "attributes", |attributes| {
            if let Json::Object(pairs) = attributes {
                for (_, value) in pairs {
                    *value = Json::Null;
                }
            }
        }),
        "nan" => each_amount(document, |_| Json::Literal("NaN".to_owned())),
        "huge_numbers" => each_amount(document, |_| Json::Literal(format!("1{}.0", "0".repeat(400)))),
        "duplicate_keys" => each_key(document, "attributes", |attributes| {
            if let Json::Object(pairs) = attributes {
                let doubled = pairs.clone();
                pairs.extend(doubled.into_iter().map(|(key, _)| (key, Json::Amount(100_000_000))));
            }
        }),
        _ => {}
    }
}

fn object_of(units: i128) -> Json {
    crate::json::object! { "value": Json::Amount(units) }
}

fn renumber(hit: &Hit, document: &mut Json) {
    each_amount(document, |units| match hit.mode.as_str() {
        "exponent" => Json::Literal(format!("{units}e-8")),
        "long" => Json::Literal(format!("{}{}", decimal(units, 8), "0".repeat(20) + "1")),
        "negative" => Json::Amount(-units),
        "negative_zero" if units == 0 => Json::Literal("-0.0".to_owned()),
        "rounded" => Json::Amount(units - units % 1_000_000),
        _ => Json::Amount(units),
    });
}

/// An order as it was before anything happened to it.
fn go_back(value: &mut Json) {
    let amount = value.get("amount").cloned();
    let is_order = value.get("remaining_amount").is_some() && value.get("status").is_some();
    if let (true, Some(amount)) = (is_order, amount) {
        if let Some(status) = value.get_mut("status") {
            *status = Json::text("pending");
        }
        if let Some(remaining) = value.get_mut("remaining_amount") {
            *remaining = amount;
        }
    }
}

fn unbalance(hit: &Hit, document: &mut Json) {
    if hit.mode == "missing" {
        with_items(document, |items| {
            items.pop();
        });
        return each_key(document, "balances", |balances| {
            if let Json::Object(pairs) = balances {
                pairs.pop();
            }
        });
    }
    document.visit(&mut |key, value| {
        let Json::Amount(units) = value else { return };
        *units = match (hit.mode.as_str(), key) {
            ("available_above_total", Some("available")) => *units + 100_000_000,
            ("negative", Some("available" | "balance" | "total")) => -(*units).max(1),
            ("off_by_one", Some("available" | "balance" | "total")) => *units + 1,
            _ => return,
        };
    });
}

/// The levels of a market: positions in `included` of bids and asks follow the relationships.
fn misshape(hit: &Hit, document: &mut Json) {
    let count = |document: &Json, side: &str| match document
        .get("data")
        .and_then(|data| data.get("relationships"))
        .and_then(|all| all.get(side))
        .and_then(|side| side.get("data"))
    {
        Some(Json::List(pointers)) => pointers.len(),
        _ => 0,
    };
    let (bids, asks) = (count(document, "bids"), count(document, "asks"));
    let Some(Json::List(included)) = document.get("included") else { return };
    let others = included.len().saturating_sub(bids + asks);
    let mut included = included.clone();
    let mut ask_levels = included.split_off((others + bids).min(included.len()));
    let mut bid_levels = included.split_off(others.min(included.len()));
    let price = |level: Option<&Json>| {
        level
            .and_then(|level| level.get("attributes")?.get("price"))
            .cloned()
            .unwrap_or(Json::Amount(100_000_000))
    };
    let (best_bid, best_ask) = (price(bid_levels.first()), price(ask_levels.first()));
    match hit.mode.as_str() {
        "empty" => (bid_levels, ask_levels) = (Vec::new(), Vec::new()),
        "one_sided" => bid_levels.clear(),
        "crossed" => {
            reprice(bid_levels.first_mut(), &best_ask);
            reprice(ask_levels.first_mut(), &best_bid);
        }
        "locked" => reprice(bid_levels.first_mut(), &best_ask),
        "deep" => {
            let levels = hit.count.unwrap_or(10_000);
            bid_levels = (0..levels).map(|level| level_at(i128::from(levels - level) * 1_000)).collect();
            let far = i128::from(levels) * 2_000;
            ask_levels = (0..levels).map(|level| level_at(far + i128::from(level) * 1_000)).collect();
        }
        "zero" => {
            for level in bid_levels.iter_mut().chain(&mut ask_levels) {
                if let Some(amount) =
                    level.get_mut("attributes").and_then(|attributes| attributes.get_mut("amount"))
                {
                    *amount = Json::Amount(0);
                }
            }
        }
        "unsorted" => {
            bid_levels.reverse();
            ask_levels.reverse();
        }
        _ => {}
    }
    relate(document, "bids", &bid_levels);
    relate(document, "asks", &ask_levels);
    included.extend(bid_levels);
    included.extend(ask_levels);
    if let Some(slot) = document.get_mut("included") {
        *slot = Json::List(included);
    }
}

fn level_at(units: i128) -> Json {
    let price = decimal(units, 8);
    let attributes =
        crate::json::object! { "price": Json::Literal(price.clone()), "amount": Json::Amount(100_000_000) };
    crate::json::object! { "id": Json::Text(price), "type": Json::text("order_groups"), "attributes": attributes }
}

fn reprice(level: Option<&mut Json>, price: &Json) {
    let Some(level) = level else { return };
    if let Some(id) = level.get_mut("id") {
        *id = Json::Text(price.print());
    }
    if let Some(slot) = level.get_mut("attributes").and_then(|attributes| attributes.get_mut("price")) {
        slot.clone_from(price);
    }
}

fn relate(document: &mut Json, side: &str, levels: &[Json]) {
    let pointers = levels.iter().filter_map(|level| {
        Some(crate::json::object! { "id": level.get("id")?.clone(), "type": level.get("type")?.clone() })
    });
    let pointers = Json::List(pointers.collect());
    let slot = document
        .get_mut("data")
        .and_then(|data| data.get_mut("relationships"))
        .and_then(|all| all.get_mut(side))
        .and_then(|side| side.get_mut("data"));
    if let Some(slot) = slot {
        *slot = pointers;
    }
}

/// The API of a later year.
fn evolve(hit: &Hit, document: &mut Json) {
    match hit.mode.as_str() {
        "new_field" => each_key(document, "attributes", |attributes| {
            if let Json::Object(pairs) = attributes {
                pairs.push(("flavour", Json::text("new")));
            }
        }),
        "new_status" => each_key(document, "status", |status| *status = Json::text("under_review")),
        "book_removed" => with_items(document, |items| {
            items.pop();
        }),
        "book_renamed" => {
            for key in ["code", "orderbook_code"] {
                each_key(document, key, |code| {
                    if let Json::Text(text) = code
                        && text.contains('_')
                    {
                        text.push_str("_v2");
                    }
                });
            }
        }
        "book_added" => with_items(document, |items| {
            let mut added = items.last().cloned().unwrap_or(Json::Null);
            if let Some(id) = added.get_mut("id") {
                *id = Json::text("99");
            }
            each_key(&mut added, "code", |code| {
                if let Json::Text(text) = code
                    && text.contains('_')
                {
                    "eth_ars".clone_into(text);
                }
            });
            items.push(added);
        }),
        _ => {}
    }
}

/// Changes the text of an answer as a fault says, and its type.
pub fn distort_text(hit: &Hit, text: String, content_type: &mut String) -> Vec<u8> {
    match (hit.code, hit.mode.as_str()) {
        ("F15", "cut") => {
            text.into_bytes().into_iter().rev().skip(3).collect::<Vec<_>>().into_iter().rev().collect()
        }
        ("F15", "bom") => [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        ("F15", "charset") => {
            "application/vnd.api+json; charset=utf-16".clone_into(content_type);
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        }
        ("F15", "html") => {
            "text/html; charset=utf-8".clone_into(content_type);
            b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>".to_vec()
        }
        _ => text.into_bytes(),
    }
}
