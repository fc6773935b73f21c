//! Damaged documents: whatever is cut out, doubled or put in, every reader answers with a value or a short error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_bitex::decode::{Readable, many, one, refusal};
use pampero_bitex::*;
use pampero_exchange::*;
use proptest::prelude::*;

/// Sound documents to damage, each of another form.
const DOCUMENTS: [&str; 9] = [
    r#"{"data":{"id":"1580","type":"asks","attributes":{"amount":3.0,"remaining_amount":"2.99999999","price":1.5e2,"status":"pending","orderbook_code":"bch_usd","created_at":"2019-01-24T15:40:35.000Z"},"relationships":{"user":{"data":{"id":"592","type":"users"}}}}}"#,
    r#"{"data":[{"id":"1654","type":"buys","attributes":{"created_at":"2019-02-04T15:37:47.868Z","coin_amount":0.00022671,"cash_amount":1.0,"fee":0.00000056,"price":4400.0,"fee_currency":"BTC","fee_decimals":8,"orderbook_code":"btc_usd"},"relationships":{"order":{"data":{"id":"4255","type":"bids"}}}}]}"#,
    r#"{"data":{"id":"btc_usd","type":"markets","relationships":{"candles":{"data":[{"id":"1547755200_1","type":"candles"}]},"bids":{"data":[{"id":"3591.0","type":"order_groups"}]},"asks":{"data":[{"id":"3612.0","type":"order_groups"}]}}},"included":[{"id":"1547755200_1","type":"candles","attributes":{"timestamp":1547755200,"low":3630.0,"open":3630.0,"close":3630.0,"high":3630.0,"volume":2.01408539,"price_before_last":3630.0,"vwap":3642.659435400675107999766280231736176283}},{"id":"3591.0","type":"order_groups","attributes":{"price":3591.0,"amount":0.014118629908}},{"id":"3612.0","type":"order_groups","attributes":{"price":3612.0,"amount":1.0}}]}"#,
    r#"{"data":[{"id":"3197","type":"accounts","attributes":{"balances":{"btc":{"total":0.00721248,"available":0.00721248},"usd":{"total":275.50523941,"available":265.5}},"country":"AR"},"relationships":{"user":{"data":{"id":"3197","type":"users"}}}}],"included":[{"id":"3197","type":"users","attributes":{"name":"n","kyc_accepted":true}}]}"#,
    r#"{"data":{"id":"8","type":"payments","attributes":{"amount":200,"currency_code":"usd","keep":10,"overpaid":null,"expected_quantity":0.03100775,"last_quoted_on":"2018-12-11T19:23:57.778Z","status":"pending"},"relationships":{"coin_deposits":{"data":[{"id":3,"type":"coin_deposits"}]}}},"included":[{"id":"3","type":"coin_deposits","attributes":{"coin":"btc","amount":0.01}}]}"#,
    r#"{"data":{"id":"3","type":"withdrawal_instructions","attributes":{"label":"bank","schema":"bitex","body":{"cbu":"1","n":2,"deep":{"a":[1]}}}}}"#,
    r#"{"data":{"id":"187","type":"api_keys","attributes":{"token":"********************89abcdef01","trading":true,"write":null}}}"#,
    r#"{"error":"Invalid Api Key"}"#,
    r#"{"errors":[{"status":422,"title":"La orden es muy pequeña","code":"la_orden_es_muy_pequena","source":{"pointer":"/data/attributes/base"}}]}"#,
];

/// What may stand where something else belongs.
const ODDITIES: [&str; 16] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "-1",
    "1e400",
    "1e-400",
    "-0.0",
    "99999999999999999999999999999.9",
    "\"\\u0000\"",
    "\u{1b}[31m",
    "\u{feff}",
    "NaN",
    "<html>",
    "[[[[[[[[[[[[[[[[",
];

#[derive(Clone, Debug)]
enum Damage {
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, usize),
    /// In the place of the value behind a colon.
    Replace(usize, usize),
    Flip(usize, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let (place, length) = (0_usize..2_000, 1_usize..60);
    prop_oneof![
        (place.clone(), length.clone()).prop_map(|(at, length)| Damage::Cut(at, length)),
        (place.clone(), length).prop_map(|(at, length)| Damage::Double(at, length)),
        (place.clone(), 0..ODDITIES.len()).prop_map(|(at, odd)| Damage::Insert(at, odd)),
        (place.clone(), 0..ODDITIES.len()).prop_map(|(at, odd)| Damage::Replace(at, odd)),
        (place, any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
    ]
}

fn apply(body: &mut Vec<u8>, damage: &Damage) {
    let within = |at: usize| at % (body.len() + 1);
    match *damage {
        Damage::Cut(at, length) => drop(body.drain(within(at)..(within(at) + length).min(body.len()))),
        Damage::Double(at, length) => {
            let range = within(at)..(within(at) + length).min(body.len());
            let piece = body[range.clone()].to_vec();
            body.splice(range.start..range.start, piece);
        }
        Damage::Insert(at, odd) => {
            let at = within(at);
            body.splice(at..at, ODDITIES[odd].bytes());
        }
        Damage::Replace(at, odd) => {
            let colons: Vec<usize> = (0..body.len()).filter(|at| body[*at] == b':').collect();
            if let Some(colon) = colons.get(at % colons.len().max(1)) {
                let rest = &body[colon + 1..];
                let length = rest.iter().position(|byte| b",}]".contains(byte)).unwrap_or(rest.len());
                body.splice(colon + 1..colon + 1 + length, ODDITIES[odd].bytes());
            }
        }
        Damage::Flip(at, bits) => {
            let at = within(at);
            if let Some(byte) = body.get_mut(at) {
                *byte ^= bits;
            }
        }
    }
}

fn assert_short_and_clean(error: &Error) {
    let text = error.to_string();
    assert!(text.chars().count() <= 600, "{text}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// Reads it in both forms; says whether it could be read.
fn reads<T: Readable>(body: &[u8]) -> bool {
    let results = [one::<T>(body).err(), many::<T>(body).err()];
    for error in results.iter().flatten() {
        assert!(matches!(error, Error::Malformed(_)), "{error:?}");
        assert_short_and_clean(error);
    }
    results.iter().any(Option::is_none)
}

fn read_by_all(body: &[u8]) -> usize {
    let readers = [
        reads::<Account>,
        reads::<Bot>,
        reads::<CashDeposit>,
        reads::<CashWallet>,
        reads::<CashWithdrawal>,
        reads::<CoinAddress>,
        reads::<CoinDeposit>,
        reads::<CoinWallet>,
        reads::<CoinWithdrawal>,
        reads::<DepositInstructions>,
        reads::<Event>,
        reads::<KeyRecord>,
        reads::<MarketSnapshot>,
        reads::<Movement>,
        reads::<Orderbook>,
        reads::<Payment>,
        reads::<PointOfSale>,
        reads::<Ticker>,
        reads::<Transaction>,
        reads::<User>,
        reads::<VenueCandle>,
        reads::<VenueFill>,
        reads::<VenueOrder>,
        reads::<Webhook>,
        reads::<WithdrawalInstruction>,
    ];
    readers.into_iter().filter(|reads| reads(body)).count()
}

#[test]
fn undamaged_documents_are_read_by_their_reader_alone() {
    let read: Vec<usize> = DOCUMENTS.iter().map(|document| read_by_all(document.as_bytes())).collect();
    assert_eq!(read, [1, 1, 1, 1, 1, 1, 1, 0, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn damaged_documents_are_values_or_short_errors(
        document in 0..DOCUMENTS.len(),
        damages in prop::collection::vec(damage(), 1..5),
        status in prop::sample::select(vec![400_u16, 401, 403, 404, 409, 422, 429, 500, 520]),
    ) {
        let mut body = DOCUMENTS[document].as_bytes().to_vec();
        for damage in &damages {
            apply(&mut body, damage);
        }
        read_by_all(&body);
        assert_short_and_clean(&refusal(status, &body));
    }
}
