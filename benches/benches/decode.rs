//! The adapter: a market of the exchange, 90 bids and 98 asks, from the bytes of the answer to the model.
//!
//! `cargo bench -p pampero-benches --bench decode`

// Bench code may stop where a setup fails.
#![allow(clippy::expect_used, missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pampero_exchange::{MarketSnapshot, VenueOrder};
use pampero_model::Side;

/// An answer of the size and form of a recorded one: whole book, a day of hourly candles, an hour of trades.
fn market(bids: i64, asks: i64) -> String {
    let (mut document, mut included) = (String::new(), String::new());
    document.push_str(r#"{"data":{"id":"btc_usd","type":"markets","relationships":{"#);
    let mut relate = |name: &str, kind: &str, ids: &[String]| {
        let pointers: Vec<String> =
            ids.iter().map(|id| format!(r#"{{"id":"{id}","type":"{kind}"}}"#)).collect();
        let comma = if document.ends_with('{') { "" } else { "," };
        write!(document, r#"{comma}"{name}":{{"data":[{}]}}"#, pointers.join(",")).expect("text");
    };
    let mut include = |id: &str, kind: &str, attributes: &str| {
        let comma = if included.is_empty() { "" } else { "," };
        write!(included, r#"{comma}{{"id":"{id}","type":"{kind}","attributes":{{{attributes}}}}}"#)
            .expect("text");
    };
    let candles: Vec<String> = (0..24).map(|hour| format!("{}_1", 1_547_755_200 + 3_600 * hour)).collect();
    for id in &candles {
        let time = id.strip_suffix("_1").unwrap_or_default();
        include(
            id,
            "candles",
            &format!(
                r#""timestamp":{time},"low":3592.56,"open":3655.0,"close":3592.56,"high":3660.81297557,"volume":1.17645162,"price_before_last":3614.0,"vwap":3642.659435400675107999766280231736176283,"orderbook_code":"btc_usd""#
            ),
        );
    }
    relate("candles", "candles", &candles);
    let trades: Vec<String> = (0..12).map(|number| (163_283 - number).to_string()).collect();
    for id in &trades {
        include(
            id,
            "transactions",
            r#""timestamp":1547832447,"price":3606.81984,"amount":0.0015,"orderbook_code":"btc_usd""#,
        );
    }
    relate("transactions", "transactions", &trades);
    for (name, count, best, step) in [("bids", bids, 359_184_704, -700), ("asks", asks, 361_200_000, 900)] {
        let price = |level: i64| best + step * level * level;
        let text = |level| format!("{}.{:05}", price(level) / 100_000, price(level) % 100_000 + 1);
        let levels: Vec<String> = (0..count).map(text).collect();
        for (level, id) in levels.iter().enumerate() {
            include(id, "order_groups", &format!(r#""price":{id},"amount":0.0141186299{level:02}"#));
        }
        relate(name, "order_groups", &levels);
    }
    write!(document, r#"}}}},"included":[{included}]}}"#).expect("text");
    document
}

fn decode(criterion: &mut Criterion) {
    let body = market(90, 98);
    let read = || pampero_bitex::decode::one::<MarketSnapshot>(black_box(body.as_bytes()));
    let snapshot = read().expect("the answer is sound");
    assert_eq!(
        (snapshot.book.levels(Side::Buy).len(), snapshot.book.levels(Side::Sell).len()),
        (90, 98),
        "the book is whole"
    );
    criterion.bench_function("decode a market of 90 and 98 levels", |bench| bench.iter(read));

    let order = r#"{"data":{"id":"1580","type":"asks","attributes":{"amount":3.0,"remaining_amount":3.0,"price":150.0,"status":"pending","orderbook_code":"bch_usd","created_at":"2019-01-24T15:40:35.000Z"},"relationships":{"user":{"data":{"id":"592","type":"users"}}}}}"#;
    criterion.bench_function("decode an order", |bench| {
        bench.iter(|| pampero_bitex::decode::one::<VenueOrder>(black_box(order.as_bytes())));
    });
}

criterion_group!(benches, decode);
criterion_main!(benches);
