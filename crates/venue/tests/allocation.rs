//! Once warm, neither venue allocates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use pampero_model::*;
use pampero_venue::*;
use support::*;

/// Every kind of observation, with orders that rest, take, complete and are cancelled.
fn rounds(desk: &mut Desk, from: i64) {
    let book = ([level("99", "2"), level("98", "2")], [level("101", "2"), level("102", "2")]);
    let quotes = [quote(("99", "1"), ("101", "2")), quote(("100", "3"), ("101", "1"))];
    let candle = candle(0, ["100", "103", "97", "101"], "50");
    let sizes = (Size::Quote(cash("50")), Size::Base(base("0.5")));
    let limits = ["98", "102", "104", "96"].map(price);
    for secs in from..from + 200 {
        for limit in limits {
            for (side, size) in [(Side::Buy, sizes.0), (Side::Sell, sizes.1)] {
                let id = desk.send(secs, side, limit, size);
                desk.venue.cancel(at(secs + 1), id);
            }
        }
        desk.venue.on_quote(MARKET, at(secs), &quotes[0]);
        desk.venue.on_quote(MARKET, at(secs), &quotes[1]);
        desk.venue.on_book(MARKET, at(secs), BookSnapshot { bids: &book.0, asks: &book.1 });
        let price = if secs % 2 == 0 { limits[0] } else { limits[1] };
        desk.venue
            .on_trade(MARKET, &Trade { id: 0, time: at(secs), price, quantity: base("1"), aggressor: None });
        desk.venue.on_candle_open(MARKET, at(secs), candle.open, candle.volume);
        desk.venue.on_candle(MARKET, &Candle { open_time: at(secs), ..candle }, Span::from_secs(1));
        while desk.venue.next_report(at(secs)).is_some() {}
    }
}

#[test]
fn history_allocates_nothing_once_warm() {
    for preset in [FillPreset::Conservative, FillPreset::Neutral, FillPreset::Optimistic] {
        let mut desk = Desk::with(market("0.0025"), FillModel::preset(preset), Latency::default());
        rounds(&mut desk, 0);
        let counted = allocation_counter::measure(|| rounds(&mut desk, 1_000));
        assert_eq!(counted.count_total, 0, "{preset}");
        assert!(desk.venue.fees(VENUE, btc()) > 0, "{preset} has filled nothing");
    }
}

#[test]
fn matching_allocates_nothing_in_the_memory_it_reserved() {
    let mut venue = MatchingVenue::new(&markets(market("0.0025")));
    let account = venue.open_account();
    venue.deposit(account, "1000000 USD".parse().unwrap()).unwrap();
    venue.deposit(account, "1000000 BTC".parse().unwrap()).unwrap();
    venue.reserve(4_000);
    let mut events = Vec::with_capacity(100);
    let prices = ["98", "99", "100", "101", "102"].map(price);
    let (spend, sell) = (Size::Quote(cash("250")), Size::Base(base("1")));
    let mut rounds = |count| {
        for round in 0..count {
            for (offset, price) in prices.into_iter().enumerate() {
                let (side, size) =
                    if (round + offset) % 2 == 0 { (Side::Buy, spend) } else { (Side::Sell, sell) };
                let key =
                    venue.place(at(0), &Placement { account, market: MARKET, side, price, size }).unwrap();
                if round % 3 == 0 {
                    venue.cancel(key);
                }
                venue.process(at(0), &mut events);
                events.clear();
            }
        }
    };
    rounds(50);
    let counted = allocation_counter::measure(|| rounds(500));
    assert_eq!(counted.count_total, 0);
    assert!(venue.matches().len() > 500);
}
