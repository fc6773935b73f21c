//! Market data: public, no key needed.

use pampero_model::{FillId, Side, Size, Span, Timestamp};
use pampero_venue::Match;

use super::{code_of, filtered_book};
use crate::clock::{epoch, iso_seconds};
use crate::json::{Json, decimal, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, list, resource};
use crate::world::{Book, World};

type Answer = Result<Reply, Refusal>;

pub fn orderbooks(world: &mut World, _: &Call) -> Answer {
    let document = |book: &Book| {
        let market = world.market(book.market)?;
        let currency = |code: &str, decimals: u8| object! { "code": Json::text(code), "decimals": Json::Int(decimals.into()) };
        let attributes = object! {
            "code": Json::text(&book.code),
            "base": currency(market.base.code(), market.base_decimals),
            "quote": currency(market.quote.code(), market.quote_decimals),
        };
        Some(resource(book.number, "orderbooks", attributes))
    };
    let listed = world.books.iter().filter(|book| !book.code.ends_with("_otc"));
    Ok(list(listed.filter_map(document).collect()))
}

pub fn tickers(world: &mut World, _: &Call) -> Answer {
    Ok(list(world.books.iter().map(|book| ticker_document(world, book)).collect()))
}

pub fn ticker(world: &mut World, call: &Call) -> Answer {
    let book = world.book(call.id()).ok_or_else(|| Refusal::NoBook(call.id().to_owned()))?;
    Ok(data(ticker_document(world, book)))
}

fn ticker_document(world: &World, book: &Book) -> Json {
    let price =
        |price: Option<pampero_model::Price>| Json::Amount(price.map_or(0, |price| price.units().into()));
    let day = world.day(book);
    let of = |part: fn(&crate::world::Day) -> pampero_model::Price| price(day.as_ref().map(part));
    let attributes = object! {
        "last": of(|day| day.last),
        "open": of(|day| day.open),
        "high": of(|day| day.high),
        "low": of(|day| day.low),
        "vwap": day.as_ref().map_or(Json::Null, |day| Json::Literal(day.vwap.clone())),
        "volume": Json::Amount(day.as_ref().map_or(0, |day| day.volume)),
        "bid": price(world.best(book.market, Side::Buy)),
        "ask": price(world.best(book.market, Side::Sell)),
        "price_before_last": of(|day| day.price_before_last),
    };
    resource(&book.code, "tickers", attributes)
}

pub fn market(world: &mut World, call: &Call) -> Answer {
    let book = world.book(call.id()).ok_or_else(|| Refusal::NoBook(call.id().to_owned()))?;
    let wanted = call.query("include");
    let includes = |name: &str| wanted.is_none_or(|list| list.split(',').any(|part| part.trim() == name));
    let parts = [
        ("candles", includes("candles").then(|| candle_documents(world, book, 1, 1))),
        (
            "transactions",
            includes("transactions").then(|| {
                let from = world.now().minus(Span::from_hours(1));
                world
                    .transactions(book, from)
                    .into_iter()
                    .map(|found| transaction_document(world, found))
                    .collect()
            }),
        ),
        ("bids", includes("bids").then(|| level_documents(world, book, Side::Buy))),
        ("asks", includes("asks").then(|| level_documents(world, book, Side::Sell))),
    ];
    let mut relationships = Vec::with_capacity(parts.len());
    let mut included = Vec::new();
    for (name, documents) in parts {
        let documents = documents.unwrap_or_default();
        let pointers = documents.iter().filter_map(|document| {
            let (Json::Text(id), Json::Text(kind)) = (document.get("id")?, document.get("type")?) else {
                return None;
            };
            Some(object! { "id": Json::text(id), "type": Json::text(kind) })
        });
        relationships.push((name, object! { "data": Json::List(pointers.collect()) }));
        included.extend(documents);
    }
    Ok(Reply::Ok(object! {
        "data": object! {
            "id": Json::text(&book.code),
            "type": Json::text("markets"),
            "relationships": Json::Object(relationships),
        },
        "included": Json::List(included),
    }))
}

/// The levels of a side, best first, always in base.
fn level_documents(world: &World, book: &Book, side: Side) -> Vec<Json> {
    let level = |(price, sum): (pampero_model::Price, Size)| {
        let amount = match sum {
            Size::Base(base) => decimal(base.units().into(), 8),
            Size::Quote(quote) => decimal(base_at_twelve(quote.units(), price.units().into()), 12),
        };
        let price = decimal(price.units().into(), 8);
        let attributes = object! { "price": Json::Literal(price.clone()), "amount": Json::Literal(amount) };
        resource(price, "order_groups", attributes)
    };
    world.venue.depth(book.market, side).map(level).collect()
}

/// `quote ÷ price` in units of 1e-12, rounded to the nearest, halves up.
fn base_at_twelve(quote: i128, price: i128) -> i128 {
    const SCALE: i128 = 1_000_000_000_000;
    let scaled = quote.saturating_mul(SCALE);
    (scaled.saturating_mul(2).saturating_add(price)).checked_div(price.saturating_mul(2)).unwrap_or(0)
}

pub fn transactions(world: &mut World, call: &Call) -> Answer {
    let hours = Call::whole(call.filter("from").as_deref()).unwrap_or(1).clamp(0, 24);
    let from = world.now().minus(Span::from_hours(hours));
    transactions_since(world, call, from)
}

pub fn transactions_archive(world: &mut World, call: &Call) -> Answer {
    transactions_since(world, call, Timestamp::MIN)
}

fn transactions_since(world: &World, call: &Call, from: Timestamp) -> Answer {
    let mut found: Vec<&Match> = match filtered_book(world, call)? {
        Some(book) => world.transactions(book, from),
        None => world.books.iter().flat_map(|book| world.transactions(book, from)).collect(),
    };
    found.sort_by_key(|found| std::cmp::Reverse(found.id));
    Ok(list(found.into_iter().map(|found| transaction_document(world, found)).collect()))
}

pub fn transaction(world: &mut World, call: &Call) -> Answer {
    let found = world.venue.find_match(FillId(call.number()?)).ok_or(Refusal::Missing)?;
    Ok(data(transaction_document(world, found)))
}

/// Both names of the time: clients of either age find theirs.
fn transaction_document(world: &World, found: &Match) -> Json {
    let attributes = object! {
        "timestamp": Json::Int(epoch(found.time)),
        "datetime": Json::text(iso_seconds(found.time)),
        "price": Json::Amount(found.price.units().into()),
        "amount": Json::Amount(found.base.units().into()),
        "orderbook_code": Json::text(code_of(world, found.market)),
    };
    resource(found.id.0, "transactions", attributes)
}

pub fn candles(world: &mut World, call: &Call) -> Answer {
    let days = Call::whole(call.filter("days").as_deref()).unwrap_or(1).clamp(0, 36_500);
    let span = Call::whole(call.query("span")).unwrap_or(1).clamp(1, 24 * 365);
    let documents = match filtered_book(world, call)? {
        Some(book) => candle_documents(world, book, days, span),
        None => world.books.iter().flat_map(|book| candle_documents(world, book, days, span)).collect(),
    };
    Ok(list(documents))
}

/// Candles, ascending. A window without trades has one of zeros, stamped with the present.
fn candle_documents(world: &World, book: &Book, days: i64, hours: i64) -> Vec<Json> {
    let span = Span::from_hours(hours);
    let from = world.now().minus(Span::from_hours(days.saturating_mul(24)));
    let price = |price: pampero_model::Price| Json::Amount(price.units().into());
    let document = |at: i64, values: [Json; 7]| {
        let [low, open, close, high, volume, price_before_last, vwap] = values;
        let attributes = object! {
            "timestamp": Json::Int(at),
            "low": low,
            "open": open,
            "close": close,
            "high": high,
            "volume": volume,
            "price_before_last": price_before_last,
            "vwap": vwap,
            "orderbook_code": Json::text(&book.code),
        };
        resource(format!("{at}_{}", book.number), "candles", attributes)
    };
    let candles = world.candles(book, from, span);
    if candles.is_empty() {
        return vec![document(epoch(world.now()), [(); 7].map(|()| Json::Amount(0)))];
    }
    let shown = candles.into_iter().map(|shown| {
        let candle = shown.candle;
        document(
            epoch(candle.open_time),
            [
                price(candle.low),
                price(candle.open),
                price(candle.close),
                price(candle.high),
                Json::Amount(candle.volume.units().into()),
                price(shown.price_before_last),
                Json::Literal(shown.vwap),
            ],
        )
    });
    shown.collect()
}
