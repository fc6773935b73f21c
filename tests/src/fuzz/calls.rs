//! What the adapter asks for, against what the exchange's documentation says it has to be.

use pampero_bitex::Client;
use pampero_exchange::{CancelScope, CandleQuery, FillQuery, OrderRequest, SnapshotParts};
use pampero_model::{Cash, FillId, Price, Quantity, Side, Size, VenueOrderId};
use serde_json::value::RawValue;

use super::records::Values;

/// A request, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    key: Option<String>,
    order: Option<(String, String, i128, i64)>,
}

/// The attributes of a document that places an order.
#[derive(serde::Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Data<'a> {
    r#type: String,
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes<'a> {
    orderbook_code: String,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    price: &'a RawValue,
}

impl Asked {
    /// Reads what came over the wire; none if that is no request, or its body not what it should be.
    pub fn read(request: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(request).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let (line, headers) = head.split_once("\r\n")?;
        let [method, target, "HTTP/1.1"] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let key = headers.lines().filter_map(|line| line.split_once(": "));
        let key = key.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let order = if path.ends_with("/cancel") || body.is_empty() {
            None
        } else {
            let Data { r#type, attributes } = serde_json::from_str::<Document<'_>>(body).ok()?.data;
            let amount = attributes.amount.get().parse::<Cash>().ok()?.units();
            let price = attributes.price.get().parse::<Price>().ok()?.units();
            Some((r#type, attributes.orderbook_code, amount, price))
        };
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect(),
            key: key.map(|(_, value)| value.to_owned()).next(),
            order,
        })
    }

    fn get(path: String, key: &str) -> Self {
        Self { method: "GET".to_owned(), path, key: Some(key.to_owned()), ..Self::default() }
    }

    fn post(path: String, key: &str) -> Self {
        Self { method: "POST".to_owned(), ..Self::get(path, key) }
    }

    fn public(self) -> Self {
        Self { key: None, ..self }
    }

    fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name.to_owned(), value.to_string())));
        self
    }
}

/// `%5B` and the like.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        decoded.extend(u8::from_str_radix(code, 16).ok().map(char::from));
        decoded.push_str(rest);
    }
    decoded
}

const MARKETS: [&str; 4] = ["btc_usd", "btc_ars", "eth_usd", "ltc_clp"];
const CODE: &str = "filter[orderbook_code]";

/// Makes a call of the adapter out of values, and says what it has to ask for; none if it has to refuse. What it makes of
/// the answer is of no interest here.
#[allow(clippy::disallowed_methods)] // the adapter itself is tested
pub(super) async fn call(client: &Client, key: &str, values: &mut Values<'_>) -> Option<Asked> {
    let which = values.byte() % 12;
    let side = values.side();
    let orders = if side == Side::Buy { "bids" } else { "asks" };
    let market = *MARKETS.get(usize::from(values.byte() % 4))?;
    let chosen = (values.byte() & 1 == 0).then_some(market);
    let id = values.unsigned();
    let mut number = || (values.byte() & 1 == 0).then(|| u32::from(values.byte()));
    match which {
        0 | 1 => {
            let (price, units) = (values.price(), values.number());
            let size = match side {
                Side::Buy => Size::Quote(Cash::from_units(units.into())),
                Side::Sell => Size::Base(Quantity::from_units(units)),
            };
            let market = market.to_owned();
            let order = Some((orders.to_owned(), market.clone(), size.units(), price.units()));
            let request = OrderRequest { market, side, price, size, reference: None, watermark: None };
            let _ = client.place_order(&request, &|| Ok(())).await;
            let sound = units > 0 && price.is_positive();
            sound.then(|| Asked { order, ..Asked::post(format!("/api/{orders}"), key) })
        }
        2 => {
            let _ = client.order(side, VenueOrderId(id)).await;
            Some(Asked::get(format!("/api/{orders}/{id}"), key))
        }
        3 => {
            let _ = client.orders_of_side(side, chosen).await;
            Some(Asked::get(format!("/api/{orders}"), key).with(CODE, chosen))
        }
        4 => {
            let _ = client.cancel_order(side, VenueOrderId(id)).await;
            Some(Asked::post(format!("/api/{orders}/{id}/cancel"), key))
        }
        5 => {
            let scope = chosen.map_or(CancelScope::Everything, CancelScope::Market);
            let _ = client.cancel_orders(scope).await;
            Some(Asked::post("/api/orders/cancel".to_owned(), key).with(CODE, chosen))
        }
        6 => {
            let (days, limit, both) = (number(), number(), id & 1 == 0);
            let query =
                FillQuery { market: chosen.map(str::to_owned), side: (!both).then_some(side), days, limit };
            let _ = client.fills(&query).await;
            let path = match side {
                _ if both => "/api/trades",
                Side::Buy => "/api/buys",
                Side::Sell => "/api/sells",
            };
            let asked = Asked::get(path.to_owned(), key).with(CODE, chosen);
            Some(asked.with("filter[days]", days).with("limit", limit))
        }
        7 => {
            let _ = client.fill(side, FillId(id)).await;
            let path = if side == Side::Buy { "buys" } else { "sells" };
            Some(Asked::get(format!("/api/{path}/{id}"), key))
        }
        8 => {
            let (book, trades, candles) = (id & 1 == 0, id & 2 == 0, id & 4 == 0);
            let _ = client.market(market, SnapshotParts { book, trades, candles }).await;
            let parts = [(book, "bids,asks"), (trades, "transactions"), (candles, "candles")];
            let parts: Vec<_> =
                parts.into_iter().filter_map(|(wanted, part)| wanted.then_some(part)).collect();
            let include = (!parts.is_empty()).then(|| parts.join(","));
            Some(Asked::get(format!("/api/markets/{market}"), key).public().with("include", include))
        }
        9 => {
            let hours = number();
            let _ = client.transactions(chosen, hours).await;
            let asked = Asked::get("/api/transactions".to_owned(), key).public();
            Some(asked.with(CODE, chosen).with("filter[from]", hours))
        }
        10 => {
            let (days, span_hours) = (number(), number());
            let _ =
                client.candles(&CandleQuery { market: chosen.map(str::to_owned), days, span_hours }).await;
            let asked = Asked::get("/api/candles".to_owned(), key).public();
            Some(asked.with(CODE, chosen).with("filter[days]", days).with("span", span_hours))
        }
        _ => {
            let _ = client.cancel_bot(side, id).await;
            let bots = if side == Side::Buy { "buying_bots" } else { "selling_bots" };
            Some(Asked::post(format!("/api/{bots}/{id}/cancel"), key))
        }
    }
}
