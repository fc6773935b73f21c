//! Market data: depth, trades, candles, tickers, and their empty forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use serde_json::json;
use support::*;

#[test]
fn the_public_books_are_listed_in_the_exchanges_order() {
    let server = Server::quiet();
    let books = server.get("/api/orderbooks", "");
    assert_eq!(books.ids(), ["1", "8", "5", "11", "10", "12"]);
    assert!(books.body.starts_with(
        r#"{"data":[{"id":"1","type":"orderbooks","attributes":{"code":"btc_usd","base":{"code":"btc","decimals":8},"quote":{"code":"usd","decimals":2}}},"#
    ), "{}", books.body);
}

#[test]
fn depth_counts_in_base_bids_rounded_to_twelve_decimals() {
    let server = Server::quiet();
    server.place("bids", "btc_usd", "200", "4050");
    server.place("bids", "btc_usd", "100", "4050");
    server.place("bids", "btc_usd", "50", "3589.84704");
    server.place("asks", "btc_usd", "0.25", "4400");
    server.place("asks", "btc_usd", "0.125", "4400");
    server.place("asks", "btc_usd", "0.1", "4500");
    let expected = concat!(
        r#"{"data":{"id":"btc_usd","type":"markets","relationships":{"candles":{"data":[]},"transactions":{"data":[]},"#,
        r#""bids":{"data":[{"id":"4050.0","type":"order_groups"},{"id":"3589.84704","type":"order_groups"}]},"#,
        r#""asks":{"data":[{"id":"4400.0","type":"order_groups"},{"id":"4500.0","type":"order_groups"}]}}},"included":["#,
        r#"{"id":"4050.0","type":"order_groups","attributes":{"price":4050.0,"amount":0.074074074074}},"#,
        r#"{"id":"3589.84704","type":"order_groups","attributes":{"price":3589.84704,"amount":0.013928170043}},"#,
        r#"{"id":"4400.0","type":"order_groups","attributes":{"price":4400.0,"amount":0.375}},"#,
        r#"{"id":"4500.0","type":"order_groups","attributes":{"price":4500.0,"amount":0.1}}]}"#
    );
    assert_eq!(server.get("/api/markets/btc_usd?include=asks,bids", "").body, expected);
    assert_eq!(server.get("/api/markets/BTC_USD/?include=bids%2Casks", "").body, expected);
}

#[test]
fn the_market_includes_what_is_asked_for() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "4400");
    server.place("bids", "btc_usd", "1", "4400");
    server.place("bids", "btc_usd", "1", "4000");
    let kinds = |path: &str| -> Vec<String> {
        let json = server.get(path, "").json();
        json["included"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds("/api/markets/btc_usd"), ["candles", "transactions", "order_groups", "order_groups"]);
    assert_eq!(kinds("/api/markets/btc_usd?include=transactions"), ["transactions"]);
    assert_eq!(kinds("/api/markets/btc_usd?include=candles,asks"), ["candles", "order_groups"]);
    let unknown = server.get("/api/markets/unexistent_orderbook/", "");
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["errors"][0]["code"], json!("not_found"));
}

#[test]
fn transactions_carry_both_names_of_their_time() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "4400");
    server.place("asks", "bch_usd", "1", "130");
    server.place("bids", "btc_usd", "10", "4400");
    server.place("bids", "bch_usd", "10", "130");
    let all = server.get("/api/transactions", "");
    assert_eq!(all.ids(), ["2", "1"], "newest first, all books");
    assert_eq!(
        server.get("/api/transactions?filter[orderbook_code]=btc_usd", "").body,
        r#"{"data":[{"id":"1","type":"transactions","attributes":{"timestamp":1555344820,"datetime":"2019-04-15T16:13:40.000Z","price":4400.0,"amount":0.00227272,"orderbook_code":"btc_usd"}}]}"#
    );
    server.advance_millis(3_700_000);
    assert!(server.get("/api/transactions", "").ids().is_empty(), "one hour back unless told otherwise");
    assert_eq!(server.get("/api/transactions/?filter%5Bfrom%5D=2", "").ids(), ["2", "1"]);
    server.advance_millis(86_400_000);
    assert!(server.get("/api/transactions?filter[from]=100", "").ids().is_empty(), "a day at most");
    assert_eq!(server.get("/api/transactions/archive?filter[orderbook_code]=bch_usd", "").ids(), ["2"]);
    assert_eq!(server.get("/api/transactions/1", "").status, 200);
    assert_eq!(server.get("/api/transactions/3", "").status, 404);
    assert_eq!(server.get("/api/transactions/x", "").status, 404);
}

#[test]
fn candles_are_aligned_and_carry_the_vwap_in_full() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.3", "4000");
    server.place("asks", "btc_usd", "0.3", "4100");
    for spend in ["100", "1120", "7"] {
        server.place("bids", "btc_usd", spend, "4100");
    }
    server.advance_millis(7_200_000);
    server.place("bids", "btc_usd", "41", "4100");
    let candles = server.get("/api/candles?filter[orderbook_code]=btc_usd&filter[days]=1&span=1", "");
    assert_eq!(candles.ids(), ["1555344000_1", "1555351200_1"], "buckets without trades are left out");
    assert!(
        candles.body.contains(
            r#"{"timestamp":1555344000,"low":4000.0,"open":4000.0,"close":4100.0,"high":4100.0,"volume":0.30658535,"price_before_last":4100.0,"vwap":4002.14796630041194075320298246475247431,"#
        ),
        "{}",
        candles.body
    );
    assert!(candles.body.contains(r#""price_before_last":4100.0,"vwap":4100.0,"#));
    assert_eq!(server.get("/api/candles?filter[orderbook_code]=btc_usd&span=24", "").ids(), ["1555286400_1"]);
    assert_eq!(server.get("/api/candles?filter[orderbook_code]=btc_usd&span=8", "").ids(), ["1555344000_1"]);
}

#[test]
fn a_window_without_trades_has_one_candle_of_zeros() {
    let server = Server::quiet();
    assert_eq!(
        server.get("/api/candles/?filter[orderbook_code]=btc_uyu", "").body,
        r#"{"data":[{"id":"1555344820_12","type":"candles","attributes":{"timestamp":1555344820,"low":0.0,"open":0.0,"close":0.0,"high":0.0,"volume":0.0,"price_before_last":0.0,"vwap":0.0,"orderbook_code":"btc_uyu"}}]}"#
    );
    assert_eq!(server.get("/api/candles", "").ids().len(), 6, "one for each book");
}

#[test]
fn tickers_tell_of_the_last_day_or_of_nothing() {
    let server = Server::quiet();
    server.place("asks", "btc_usd", "0.5", "4400");
    assert_eq!(
        server.get("/api/tickers/BTC_USD", "").body,
        r#"{"data":{"id":"btc_usd","type":"tickers","attributes":{"last":0.0,"open":0.0,"high":0.0,"low":0.0,"vwap":null,"volume":0.0,"bid":0.0,"ask":4400.0,"price_before_last":0.0}}}"#
    );
    server.place("bids", "btc_usd", "1", "4400");
    server.advance_millis(86_400_000);
    server.place("asks", "btc_usd", "0.1", "4300");
    server.place("bids", "btc_usd", "500", "4350");
    let ticker = server.get("/api/tickers/btc_usd/", "");
    assert!(
        ticker.body.contains(r#"{"last":4300.0,"open":4400.0,"high":4300.0,"low":4300.0,"vwap":4300.0,"volume":0.1,"bid":4350.0,"ask":4400.0,"price_before_last":4400.0}"#),
        "{}",
        ticker.body
    );
    assert_eq!(server.get("/api/tickers", "").ids().len(), 6);
    let unknown = server.get("/api/tickers/NON_EXISTING", "");
    assert_eq!(
        (unknown.status, unknown.body.as_str()),
        (404, r#"{"errors":[{"code":"not_found","detail":"Orderbook with code NONEXISTING not found"}]}"#)
    );
}

#[test]
fn public_endpoints_ignore_even_a_bad_key() {
    let server = Server::quiet();
    for path in
        ["/api/orderbooks", "/api/tickers/", "/api/markets/btc_usd/", "/api/transactions/", "/api/candles/"]
    {
        assert_eq!(server.send_with("GET", path, "we_dont_care", "", "").status, 200, "{path}");
    }
}
