//! Every recorded answer, where the folder of recordings is present: what is read from each stands in
//! `fixtures/recorded.txt`, a line a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pampero_bitex::decode::{Readable, many, one, refusal};
use pampero_bitex::*;
use pampero_exchange::*;
use pampero_model::Side;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/bitex/recordings");

#[derive(Deserialize)]
struct Recording {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    body: Box<RawValue>,
}

/// One thing, or how many and the first and last of them; everything that was read, exactly.
fn show<T: Readable + Serialize>(body: &str) -> String {
    let text = |value: &T| serde_json::to_string(value).unwrap();
    let list =
        body.split_once('[').is_some_and(|(before, _)| before.replace([' ', '\n'], "") == "{\"data\":");
    if !list {
        return text(&one(body.as_bytes()).unwrap());
    }
    let all: Vec<T> = many(body.as_bytes()).unwrap();
    match &*all {
        [] => "0".to_owned(),
        [only] => format!("1 {}", text(only)),
        [first, .., last] => format!("{} {} … {}", all.len(), text(first), text(last)),
    }
}

fn show_market(body: &str) -> String {
    let market: MarketSnapshot = one(body.as_bytes()).unwrap();
    let mut text = market.market.clone();
    for (name, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
        let levels = market.book.levels(side);
        let all: i64 = levels.iter().map(|level| level.quantity.units()).sum();
        write!(text, "; {} {name} of {all} units", levels.len()).unwrap();
        if let (Some(best), Some(worst)) = (levels.first(), levels.last()) {
            write!(text, " from {}@{} to {}@{}", best.quantity, best.price, worst.quantity, worst.price)
                .unwrap();
        }
    }
    assert!(market.book.snapshot().is_sorted());
    let trade = market.trades.first().map(|trade| serde_json::to_string(trade).unwrap()).unwrap_or_default();
    let candle =
        market.candles.first().map(|candle| serde_json::to_string(candle).unwrap()).unwrap_or_default();
    write!(text, "; {} trades {trade}; {} candles {candle}", market.trades.len(), market.candles.len())
        .unwrap();
    text
}

fn decode(folder: &str, name: &str, recording: &Recording) -> String {
    let (status, body) = (recording.response.status, recording.response.body.get());
    if status == 204 {
        assert_eq!(body, "null", "no content");
        return "204".to_owned();
    }
    if status >= 300 {
        let body = if body == "null" { "" } else { body };
        return format!("{status} {:?}", refusal(status, body.as_bytes()));
    }
    match folder {
        "accounts" => show::<Account>(body),
        "api_keys" => show::<KeyRecord>(body),
        "asks" | "bids" | "errors" | "orders" => show::<VenueOrder>(body),
        "buying_bots" | "selling_bots" => show::<Bot>(body),
        "buys" | "sells" | "trades" => show::<VenueFill>(body),
        "candles" => show::<VenueCandle>(body),
        "cash_deposit_instructions" => show::<DepositInstructions>(body),
        "cash_deposits" => show::<CashDeposit>(body),
        "cash_wallets" => show::<CashWallet>(body),
        "cash_withdrawals" => show::<CashWithdrawal>(body),
        "coin_deposits" => show::<CoinDeposit>(body),
        "coin_wallets" => show::<CoinWallet>(body),
        "coin_withdrawals" => show::<CoinWithdrawal>(body),
        "markets" => show_market(body),
        "movements" => show::<Movement>(body),
        "orderbooks" => show::<Orderbook>(body),
        "payments" => show::<Payment>(body),
        "pos" => show::<PointOfSale>(body),
        "tickers" => show::<Ticker>(body),
        "transactions" => show::<Transaction>(body),
        "users" => show::<User>(body),
        "webhooks" => show::<Webhook>(body),
        "withdrawal_instructions" => show::<WithdrawalInstruction>(body),
        other => panic!("{other}/{name}: a folder that no reader is for"),
    }
}

fn files() -> Vec<PathBuf> {
    let Ok(folders) = std::fs::read_dir(FOLDER) else { return Vec::new() };
    let folders = folders.map(|folder| folder.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    // Examples from guides, which have a test of their own, and an inventory of requests without answers.
    files.retain(|file| {
        file.extension().is_some_and(|ending| ending == "json") && parent(file) != "documented"
    });
    files.sort();
    files
}

fn parent(file: &Path) -> String {
    file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_recorded_answer_is_read_exactly() {
    let files = files();
    if files.is_empty() {
        eprintln!("skipped: the folder of recordings is not present");
        return;
    }
    let expected: BTreeMap<&str, &str> = include_str!("fixtures/recorded.txt")
        .lines()
        .map(|line| line.split_once(": ").expect("`file: what is read from it`"))
        .collect();
    let mut wrong = String::new();
    for file in &files {
        let (folder, name) = (parent(file), file.file_name().unwrap().to_str().unwrap());
        let recording: Recording = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let found = decode(&folder, name, &recording);
        let key = format!("{folder}/{name}");
        if expected.get(&*key) != Some(&&*found) {
            writeln!(wrong, "{key}: {found}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "not as in recorded.txt:\n{wrong}");
    assert_eq!(files.len(), expected.len(), "recorded.txt names files that are not there");
}

#[derive(Deserialize)]
struct Examples {
    examples: Vec<Example>,
}

/// An example that a guide prints: an answer, or an event with its body alone.
#[derive(Deserialize)]
struct Example {
    name: String,
    #[serde(default)]
    response: Option<Response>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
}

#[test]
fn the_examples_of_the_guides_are_read_exactly() {
    let Ok(text) = std::fs::read_to_string(format!("{FOLDER}/documented/examples.json")) else {
        eprintln!("skipped: the folder of recordings is not present");
        return;
    };
    let examples: Examples = serde_json::from_str(&text).unwrap();
    let mut read = 0;
    for Example { name, response, body } in &examples.examples {
        let body = body.as_ref().or(response.as_ref().map(|response| &response.body)).unwrap().get();
        let (found, expected) = match &**name {
            "ticker list" => (
                show::<Ticker>(body),
                r#"1 {"market":"btc_usd","last":"5332.21706047","price_before_last":"5500","open":"5260.62726288","high":"5500","low":"5123.44","vwap":"5214.67182309","volume":"3.18099375","bid":"5255.056356","ask":"5315.12855427"}"#,
            ),
            "ticker eth_ars" => (
                show::<Ticker>(body),
                r#"{"market":"eth_ars","last":"935234","price_before_last":"920016","open":"934713","high":"935234","low":"907110","vwap":"934877.71837708","volume":"1.257","bid":"879407","ask":"930127"}"#,
            ),
            "ticker unknown" => (
                format!("{:?}", refusal(response.as_ref().unwrap().status, body.as_bytes())),
                r#"NotFound("Orderbook with code NONEXISTING not found")"#,
            ),
            "webhook event" => (
                show::<Event>(body),
                r#"{"id":"8","kind":"user_enabled","created_at":"2000-01-01T00:00:00Z","sent_at":"2000-01-01T00:00:00Z","subject":{"other":{"kind":"concierge_requests","id":"1"}}}"#,
            ),
            name if name.starts_with("bid placed") => (
                show::<VenueOrder>(body),
                r#"{"id":2,"side":"buy","market":"btc_usd","price":"13222.22","size":{"quote":"100000"},"remaining":{"quote":"100000"},"status":{"known":"pending"},"created_at":null}"#,
            ),
            // Of master users and of the notary.
            name if name.starts_with("concierge") || name.starts_with("notarial") => continue,
            other => panic!("{other}: an example that no reader is for"),
        };
        assert_eq!(found, expected, "{name}");
        read += 1;
    }
    assert_eq!(read, 5);
}
