//! Documents of every kind, as the exchange has written them over the years, with the exact values read from them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_bitex::decode::{Readable, many, one, refusal};
use pampero_bitex::*;
use pampero_exchange::*;
use pampero_model::{Side, Size, VenueStatus};

/// A document about one thing, from its type, id, attributes and relationships.
fn document(kind: &str, id: &str, attributes: &str, relationships: &str) -> String {
    format!(
        r#"{{"data":{{"id":{id},"type":"{kind}","attributes":{attributes},"relationships":{relationships}}}}}"#
    )
}

fn read<T: Readable>(kind: &str, id: &str, attributes: &str, relationships: &str) -> T {
    one(document(kind, id, attributes, relationships).as_bytes()).unwrap()
}

fn fails<T: Readable + std::fmt::Debug>(body: &str) -> String {
    let error = one::<T>(body.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
    error.to_string()
}

#[test]
fn an_ask_of_2019_is_sized_in_base() {
    let order: VenueOrder = read(
        "asks",
        r#""1580""#,
        r#"{"amount":3.0,"remaining_amount":2.99999999,"price":150.0,"status":"pending","orderbook_code":"bch_usd","created_at":"2019-01-24T15:40:35.000Z"}"#,
        r#"{"user":{"data":{"id":"592","type":"users"}}}"#,
    );
    assert_eq!((order.id.0, order.side, &*order.market), (1580, Side::Sell, "bch_usd"));
    assert_eq!(order.size, Size::Base("3".parse().unwrap()));
    assert_eq!(order.remaining, Size::Base("2.99999999".parse().unwrap()));
    assert_eq!(order.price.to_string(), "150");
    assert_eq!(order.status, OrderStatus::Known(VenueStatus::Pending));
    assert_eq!(order.created_at.unwrap().to_string(), "2019-01-24T15:40:35Z");
}

#[test]
fn a_bid_of_2018_is_sized_in_quote_and_names_its_book_by_relationship() {
    let order: VenueOrder = read(
        "bids",
        "27",
        r#"{"amount":12000000,"remaining_amount":"199399.999989","price":5.02e1,"status":"cancelled","new":{"deep":[null]}}"#,
        r#"{"user":{"data":null},"orderbook":{"data":{"id":8,"type":"orderbooks"}}}"#,
    );
    assert_eq!((order.id.0, order.side, &*order.market), (27, Side::Buy, "bch_usd"));
    assert_eq!(order.size, Size::Quote("12000000".parse().unwrap()));
    assert_eq!(order.remaining, Size::Quote("199399.999989".parse().unwrap()));
    assert_eq!(order.price.to_string(), "50.2");
    assert!(order.status.is_final());
    assert_eq!(order.created_at, None);
}

#[test]
fn every_status_is_known_and_a_new_one_is_not_final() {
    let status = |word: &str| {
        let attributes = format!(
            r#"{{"amount":1,"remaining_amount":0.0,"price":1,"status":"{word}","orderbook_code":"btc_usd"}}"#
        );
        read::<VenueOrder>("bids", "1", &attributes, "{}").status
    };
    assert_eq!(status("executing"), OrderStatus::Known(VenueStatus::Executing));
    assert_eq!(status("to_cancel"), OrderStatus::Known(VenueStatus::ToCancel));
    assert_eq!(status("completed"), OrderStatus::Known(VenueStatus::Completed));
    for word in ["done", "frozen", "COMPLETED", ""] {
        assert_eq!(status(word), OrderStatus::Other(word.to_owned()));
        assert!(!status(word).is_final());
    }
}

#[test]
fn executions_are_given_gross() {
    let buy: VenueFill = read(
        "buys",
        r#""1654""#,
        r#"{"created_at":"2019-02-04T15:37:47.868Z","coin_amount":0.00022671,"cash_amount":1.0,"fee":0.00000056,"price":4400.0,"fee_currency":"BTC","fee_decimals":8,"orderbook_code":"btc_usd"}"#,
        r#"{"order":{"data":{"id":"4255","type":"bids"}}}"#,
    );
    assert_eq!((buy.id.0, buy.order.unwrap().0, buy.side), (1654, 4255, Side::Buy));
    assert_eq!((buy.base.to_string(), buy.quote.to_string()), ("0.00022727".into(), "1".into()));
    assert_eq!((buy.fee.to_string(), buy.price.to_string()), ("0.00000056 BTC".into(), "4400".into()));
    assert_eq!(buy.time.to_string(), "2019-02-04T15:37:47.868Z");
    let sell: VenueFill = read(
        "sells",
        "1652",
        r#"{"created_at":"2019-02-04T15:37:30.407Z","coin_amount":1.0,"cash_amount":4089.75,"fee":10.25,"price":4100.0,"fee_currency":"USD","fee_decimals":2,"orderbook_code":"btc_usd"}"#,
        "{}",
    );
    assert_eq!((sell.order, sell.side), (None, Side::Sell));
    assert_eq!((sell.base.to_string(), sell.quote.to_string()), ("1".into(), "4100".into()));
    assert_eq!(sell.fee.to_string(), "10.25 USD");
}

#[test]
fn a_fee_in_another_currency_is_not_added_to_what_was_received() {
    let buy: VenueFill = read(
        "buys",
        "9",
        r#"{"created_at":"2019-02-04T15:37:47.868Z","coin_amount":1,"cash_amount":500,"fee":2,"price":500,"fee_currency":"USD","orderbook_code":"btc_ars"}"#,
        "{}",
    );
    assert_eq!((buy.base.to_string(), buy.fee.to_string()), ("1".into(), "2 USD".into()));
}

#[test]
fn a_ticker_without_trades_has_no_average() {
    let ticker: Ticker = read(
        "tickers",
        r#""btc_clp""#,
        r#"{"last":0.0,"open":0.0,"high":0.0,"low":0.0,"vwap":null,"volume":0.0,"bid":2382484.57913275,"ask":2469006.55979454,"price_before_last":0.0}"#,
        "{}",
    );
    assert_eq!((&*ticker.market, ticker.vwap), ("btc_clp", None));
    assert_eq!(
        (ticker.bid.to_string(), ticker.ask.to_string()),
        ("2382484.57913275".into(), "2469006.55979454".into())
    );
    let busy: Ticker = read(
        "tickers",
        r#""btc_usd""#,
        r#"{"last":3606.81984,"open":3610.0,"high":3641.48,"low":3600.0,"vwap":3621.410318159338,"volume":6.81257954,"bid":3598.2336,"ask":3612.0,"price_before_last":3633.44891457}"#,
        "null",
    );
    assert_eq!(busy.vwap.unwrap().to_string(), "3621.41031815");
    assert_eq!((busy.last.to_string(), busy.volume.to_string()), ("3606.81984".into(), "6.81257954".into()));
}

#[test]
fn a_market_tells_bids_from_asks_by_its_relationships() {
    let market: MarketSnapshot = one(
        br#"{"data":{"id":"btc_usd","type":"markets","relationships":{
            "candles":{"data":[{"id":"1547755200_1","type":"candles"}]},
            "transactions":{"data":[{"id":"163244","type":"transactions"}]},
            "bids":{"data":[{"id":"4050.0","type":"order_groups"},{"id":"4100.0","type":"order_groups"},{"id":"1.0","type":"order_groups"}]},
            "asks":{"data":[{"id":"4400.0","type":"order_groups"},{"id":"4100.0","type":"order_groups"}]}}},
        "included":[
            {"id":"1547755200_1","type":"candles","attributes":{"timestamp":1547755200,"low":3592.56,"open":3655.0,"close":3592.56,"high":3660.81297557,"volume":1.17645162,"price_before_last":3614.0,"vwap":3642.659435400675107999766280231736176283}},
            {"id":"163244","type":"transactions","attributes":{"timestamp":1547832447,"datetime":"2019-01-18T17:27:27.000Z","price":3606.81984,"amount":0.0015,"orderbook_code":"btc_usd"}},
            {"id":"4100.0","type":"order_groups","attributes":{"price":4100.0,"amount":0.014118629908}},
            {"id":"4050.0","type":"order_groups","attributes":{"price":4050.0,"amount":2.962962962963}},
            {"id":"1.0","type":"order_groups","attributes":{"price":1.0,"amount":0.000000000001}},
            {"id":"4100.0","type":"order_groups","attributes":{"price":4100.0,"amount":7.0}},
            {"id":"4400.0","type":"order_groups","attributes":{"price":4400.0,"amount":1.5}},
            {"id":"5","type":"something_new","attributes":{}}]}"#,
    )
    .unwrap();
    let levels = |side| -> Vec<String> {
        let levels = market.book.levels(side).iter();
        levels.map(|level| format!("{}x{}", level.quantity, level.price)).collect()
    };
    // Sorted; the level below 1e-8 is left out; where a price stands on both sides, each has its own.
    assert_eq!(levels(Side::Buy), ["0.01411862x4100", "2.96296296x4050"]);
    assert_eq!(levels(Side::Sell), ["7x4100", "1.5x4400"]);
    assert_eq!(market.trades[0].time.to_string(), "2019-01-18T17:27:27Z");
    let candle = &market.candles[0];
    assert_eq!(
        (&*candle.market, candle.candle.open_time.to_string()),
        ("btc_usd", "2019-01-17T20:00:00Z".into())
    );
    assert_eq!(candle.vwap.unwrap().to_string(), "3642.6594354");
    assert_eq!(candle.candle.high.to_string(), "3660.81297557");
}

#[test]
fn a_level_that_is_named_and_not_included_is_an_error() {
    let text = fails::<MarketSnapshot>(
        r#"{"data":{"id":"btc_usd","type":"markets","relationships":{"bids":{"data":[{"id":"5.0","type":"order_groups"}]},"asks":{"data":null}}}}"#,
    );
    assert!(text.contains("level 5.0 is named but not included"), "{text}");
}

#[test]
fn a_market_without_anything_is_empty() {
    for nothing in ["null", "{}", r#"{"data":[]}"#, r#"{"data":null}"#] {
        let body = format!(
            r#"{{"data":{{"id":"btc_usd","type":"markets","relationships":{{"bids":{nothing},"asks":{nothing},"candles":{nothing},"transactions":{nothing}}}}},"included":null}}"#
        );
        let market: MarketSnapshot = one(body.as_bytes()).unwrap();
        assert_eq!(
            market,
            MarketSnapshot { market: "btc_usd".into(), ..MarketSnapshot::default() },
            "{body}"
        );
    }
}

#[test]
fn transactions_have_had_two_names_for_their_time() {
    let old: Transaction = read(
        "transactions",
        "70",
        r#"{"timestamp":1542807208,"price":124,"amount":0.07064516}"#,
        r#"{"orderbook":{"data":{"id":"1","type":"orderbooks"}}}"#,
    );
    assert_eq!(
        (old.trade.id, &*old.market, old.trade.time.to_string()),
        (70, "btc_usd", "2018-11-21T13:33:28Z".into())
    );
    let new: Transaction = read(
        "transactions",
        "1680",
        r#"{"datetime":"2019-03-13T17:37:10.000Z","price":4100.0,"amount":1.0,"orderbook_code":"btc_ars"}"#,
        "{}",
    );
    assert_eq!((&*new.market, new.trade.time.to_string()), ("btc_ars", "2019-03-13T17:37:10Z".into()));
    let text = fails::<Transaction>(&document("transactions", "1", r#"{"price":1,"amount":1}"#, "{}"));
    assert!(text.contains("neither `datetime` nor `timestamp`"), "{text}");
}

#[test]
fn wallets_are_known_by_their_currency_not_by_their_id() {
    let coins: CoinWallet = read(
        "coin_wallets",
        r#""3194""#,
        r#"{"balance":0.01034418,"available":0.00834418,"currency":"btc","address":"1Bitcoin","auto_sell_address":""}"#,
        "{}",
    );
    assert_eq!(coins.balance.locked().unwrap().to_string(), "0.002 BTC");
    assert_eq!((coins.address.as_deref(), coins.auto_sell_address), (Some("1Bitcoin"), None));
    for id in [r#""usd""#, r#""7349""#, "7349"] {
        let cash: CashWallet =
            read("cash_wallets", id, r#"{"balance":989.65,"available":844.65,"currency":"USD"}"#, "{}");
        assert_eq!(
            (cash.balance.total.to_string(), cash.balance.available.to_string()),
            ("989.65 USD".into(), "844.65 USD".into())
        );
    }
}

#[test]
fn an_account_has_every_currency_in_order() {
    let accounts: Vec<Account> = many(
        br#"{"data":[{"id":"3197","type":"accounts","attributes":{"balances":{"btc":{"total":0.00721248,"available":0.00721248},"usd":{"total":275.50523941,"available":265.50523941},"bch":{"total":0,"available":0.0}},"country":"AR"},"relationships":{"movements":{"data":[]},"user":{"data":{"id":"3197","type":"users"}}}}],"included":[{"id":"3197","type":"users","attributes":{"name":"N","email":"e@example.com","kyc_accepted":true,"kyc_pending":false,"otp_enabled":true,"do_not_email":null}}]}"#,
    )
    .unwrap();
    let balances: Vec<String> =
        accounts[0].balances.iter().map(|balance| balance.total.to_string()).collect();
    assert_eq!(balances, ["0.00721248 BTC", "275.50523941 USD", "0 BCH"]);
    assert_eq!(accounts[0].balances[1].locked().unwrap().to_string(), "10 USD");
    let user = accounts[0].user.as_ref().unwrap();
    assert_eq!(
        (&*user.id, user.kyc_accepted, user.otp_enabled, user.do_not_email),
        ("3197", true, true, false)
    );
}

#[test]
fn movements_of_trades_and_of_deposits() {
    let sell: Movement = read(
        "movements",
        r#""163842Sell""#,
        r#"{"timestamp":1548184352,"currencies_involved":"BTC_USD","currency":"BTC","amount":0.00199999,"fee":0.0181699,"fee_decimals":2,"fee_currency":"USD","price":3633.98046166,"price_decimals":2,"kind":"Sell"}"#,
        "{}",
    );
    assert_eq!((sell.kind, sell.amount.to_string()), (MovementKind::Sell, "0.00199999 BTC".into()));
    assert_eq!(
        (sell.fee.unwrap().to_string(), sell.price.unwrap().to_string()),
        ("0.0181699 USD".into(), "3633.98046166".into())
    );
    let deposit: Movement = read(
        "movements",
        r#""1CashDeposit""#,
        r#"{"timestamp":1527510284,"currencies_involved":"ARS","currency":"ARS","amount":12222,"fee":0,"fee_decimals":0,"fee_currency":null,"price":null,"price_decimals":null,"kind":"CashDeposit"}"#,
        "{}",
    );
    assert_eq!((deposit.kind, deposit.fee, deposit.price), (MovementKind::CashDeposit, None, None));
    let other: Movement =
        read("movements", "2", r#"{"timestamp":1,"currency":"ARS","amount":1,"kind":"Gift"}"#, "{}");
    assert_eq!(other.kind, MovementKind::Other("Gift".into()));
}

#[test]
fn deposits_of_cash_add_up() {
    let deposit: CashDeposit = read(
        "cash_deposits",
        "2",
        r#"{"status":"done","requested_amount":null,"requested_currency":"USD","deposit_method":"bank","country":null,"clearing_data":null,"amount":17729.9148505,"fiat_code":"ars","gross_amount":18000.01,"cost":181.0001,"fee":89.0950495,"net_amount":17729.9148505,"created_at":"2018-11-21T13:35:19.862Z"}"#,
        r#"{"funding_receipt":{"data":null}}"#,
    );
    assert_eq!((deposit.requested, &*deposit.status), (None, "done"));
    let rest =
        deposit.gross.unwrap().checked_sub(deposit.cost.unwrap()).unwrap().checked_sub(deposit.fee.unwrap());
    assert_eq!(rest.unwrap(), deposit.net.unwrap());
    assert_eq!(deposit.net.unwrap().to_string(), "17729.9148505 ARS");
    let coins: CoinDeposit = read(
        "coin_deposits",
        "2",
        r#"{"coin":"btc","amount":321,"created_at":"2018-11-30T13:01:52.283Z"}"#,
        r#"{"address":{"data":{"id":"17","type":"bitcoin_addresses"}}}"#,
    );
    assert_eq!((coins.amount.to_string(), coins.address.as_deref()), ("321 BTC".into(), Some("17")));
    let words: DepositInstructions =
        read("cash_deposit_instructions", r#""usd""#, r#"{"currency":"usd","instructions":"<br/>"}"#, "{}");
    assert_eq!((words.currency.code(), &*words.instructions), ("usd", "<br/>"));
}

#[test]
fn withdrawals_know_their_currency_by_its_old_name_too() {
    let new: CoinWithdrawal = read(
        "coin_withdrawals",
        "108",
        r#"{"amount":0.001,"status":"received","label":"api-test","to_addresses":"mk2j","coin_code":"btc","created_at":"2019-01-24T15:26:46.309Z"}"#,
        "{}",
    );
    let old: CoinWithdrawal = read(
        "coin_withdrawals",
        "108",
        r#"{"amount":"0.001","status":"received","label":null,"to_addresses":"mk2j","currency":"btc"}"#,
        "{}",
    );
    assert_eq!(
        (new.amount.to_string(), &*new.status, &*new.to_address),
        ("0.001 BTC".into(), "received", "mk2j")
    );
    assert_eq!((old.amount, old.created_at, old.label), (new.amount, None, None));
    let cash: CashWithdrawal = one(
        br#"{"data":{"id":"1","type":"cash_withdrawals","attributes":{"status":"pending","amount":12,"gross_amount":12,"cost":0,"fee":0,"net_amount":12,"country":"OTHER","payment_method":"international_bank","fiat":"usd","label":"i","created_at":"2018-10-30T17:29:14.309Z"},"relationships":{"withdrawal_instruction":{"data":{"id":"1","type":"withdrawal_instructions"}},"funding_receipt":{"data":{"id":"1","type":"invoicing_funding_receipts"}}}},
        "included":[{"id":"1","type":"withdrawal_instructions","attributes":{"label":"i","schema":"bitex","body":{"name":"N","zip":1234,"none":null}}},
        {"id":"1","type":"invoicing_funding_receipts","attributes":{"invoice_code":"1234","receipt_type":{"id":1,"code":"a"},"customer_name":"N","point_of_sale":1,"amount":21,"tax":2}}]}"#,
    )
    .unwrap();
    assert_eq!(cash.net.unwrap().to_string(), "12 USD");
    let instruction = cash.instruction.unwrap();
    assert_eq!(
        instruction.body.into_iter().collect::<Vec<_>>(),
        [("name".into(), "N".into()), ("zip".into(), "1234".to_owned())]
    );
    let receipt = cash.receipt.unwrap();
    assert_eq!(
        (receipt.receipt_type.as_deref(), receipt.amount.unwrap().to_string()),
        (Some("a"), "21".into())
    );
}

#[test]
fn payments_bots_and_points_of_sale() {
    let payment: Payment = one(
        br#"{"data":{"id":"8","type":"payments","attributes":{"amount":200,"callback_url":"https://mystore.com/webhook","confirmed_quantity":0,"currency_code":"usd","customer_reference":"c","expected_quantity":0.03100775,"keep":10,"kept":null,"last_quoted_on":"2018-12-11T19:23:57.778Z","merchant_reference":"m","overpaid":null,"quote_valid_until":"2018-12-11T19:24:57.778Z","settlement_amount":null,"settlement_currency":null,"status":"pending","unconfirmed_quantity":0,"valid_until":"2018-12-11T20:23:57.533Z"},"relationships":{"address":{"data":{"id":"40","type":"bitcoin_addresses"}},"coin_deposits":{"data":[{"id":"3","type":"coin_deposits"}]}}},
        "included":[{"id":"40","type":"bitcoin_addresses","attributes":{"auto_sell":false,"public_address":"mgXX"}},{"id":"3","type":"coin_deposits","attributes":{"coin":"btc","amount":0.01}}]}"#,
    )
    .unwrap();
    assert_eq!(
        (payment.amount.to_string(), payment.expected.unwrap().to_string()),
        ("200 USD".into(), "0.03100775".into())
    );
    assert_eq!((payment.keep.unwrap().to_string(), payment.settlement), ("0.1".into(), None));
    assert_eq!((&*payment.address.unwrap().public_address, payment.deposits.len()), ("mgXX", 1));
    let bot: Bot = read(
        "selling_bots",
        "2",
        r#"{"amount":1,"remaining_amount":0.95,"chunk_size":0.05,"eta":"2018-12-11T18:21:53.422Z","executing":true,"to_cancel":false,"orderbook_code":"btc_usd"}"#,
        "{}",
    );
    assert_eq!((bot.side, bot.chunk, bot.executing), (Side::Sell, Size::Base("0.05".parse().unwrap()), true));
    let bot: Bot = read(
        "buying_bots",
        "2",
        r#"{"amount":100.0,"remaining_amount":0.0,"chunk_size":5.0,"eta":null,"executing":false,"to_cancel":true,"orderbook_code":"btc_usd"}"#,
        "{}",
    );
    assert_eq!((bot.side, bot.amount, bot.eta), (Side::Buy, Size::Quote("100".parse().unwrap()), None));
    let page: PointOfSale = read(
        "pos",
        "5",
        r#"{"merchant_slug":"my-store","merchant_keep":10,"merchant_name":"My Store","merchant_logo":"https://l","merchant_site":"https://s"}"#,
        "{}",
    );
    assert_eq!((&*page.slug, page.keep.to_string()), ("my-store", "0.1".into()));
}

#[test]
fn keys_of_both_generations() {
    let new: KeyRecord = read(
        "api_keys",
        r#""187""#,
        r#"{"token":"********************89abcdef01","fund_account":true,"create_withdrawal":false,"get_withdrawal":false,"get_balances":false,"trading":false,"payments":true,"compliance":false,"api_keys":true}"#,
        "{}",
    );
    let expected =
        KeyPermissions { fund_account: true, payments: true, api_keys: true, ..KeyPermissions::default() };
    assert_eq!((new.id, new.permissions), (187, expected));
    assert!(new.token.is_masked() && new.token.reveal().is_none());
    assert_eq!(new.token.ending(), "89abcdef01");
    let old: KeyRecord =
        read("api_keys", "3", r#"{"write":true,"token":"0123456789abcdef0123456789abcdef"}"#, "{}");
    assert_eq!(old.permissions, KeyPermissions { write: Some(true), ..KeyPermissions::default() });
    assert_eq!((old.token.reveal(), old.token.ending()), (Some("0123456789abcdef0123456789abcdef"), "cdef"));
}

#[test]
fn users_webhooks_and_orderbooks() {
    let user: User = read(
        "users",
        "600",
        r#"{"name":"n","email":"e","kyc_accepted":false,"otp_enabled":true,"compliance_state":"enabled","webhook_url":"https://w"}"#,
        "{}",
    );
    assert_eq!(
        (user.otp_enabled, user.compliance_state.as_deref(), user.webhook_url.as_deref()),
        (true, Some("enabled"), Some("https://w"))
    );
    let webhook: Webhook = read("webhooks", r#""1548361352""#, r#"{"url":"https://webhooktest.com"}"#, "{}");
    assert_eq!((&*webhook.id, &*webhook.url), ("1548361352", "https://webhooktest.com"));
    let book: Orderbook = read(
        "orderbooks",
        "11",
        r#"{"code":"btc_clp","base":{"code":"btc","decimals":8},"quote":{"code":"clp","decimals":2}}"#,
        "{}",
    );
    assert_eq!(
        (book.id, book.base.code(), book.quote.code(), book.base_decimals, book.quote_decimals),
        (11, "btc", "clp", 8, 2)
    );
}

#[test]
fn empty_lists_are_empty_and_missing_ones_are_errors() {
    assert_eq!(many::<Bot>(br#"{"data":[]}"#).unwrap(), []);
    for body in [
        "",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        "[]",
        "null",
        "<html></html>",
        "\u{feff}{\"data\":[]}",
    ] {
        assert!(many::<Bot>(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let text = fails::<VenueOrder>(&document(
        "bids",
        r#""4259""#,
        r#"{"amount":2.0,"remaining_amount":2.0,"price":null,"status":"pending"}"#,
        "{}",
    ));
    assert!(text.contains("bids 4259: null where a number belongs") && text.contains("column"), "{text}");
    let text = fails::<VenueOrder>(&document("users", "1", "{}", "{}"));
    assert!(text.contains("it is about `users` instead of `bids` or `asks`"), "{text}");
    let text = fails::<VenueOrder>(&document(
        "asks",
        r#""x""#,
        r#"{"amount":1,"remaining_amount":1,"price":1,"status":"pending"}"#,
        "{}",
    ));
    assert!(text.contains("the id `x` is not a whole number"), "{text}");
    let text = fails::<VenueOrder>(&document(
        "asks",
        "1",
        r#"{"amount":1e300,"remaining_amount":1,"price":1,"status":"pending"}"#,
        "{}",
    ));
    assert!(text.contains("too large"), "{text}");
    let twice = document(
        "asks",
        "1",
        r#"{"amount":1,"amount":2,"remaining_amount":1,"price":1,"status":"pending"}"#,
        "{}",
    );
    assert!(fails::<VenueOrder>(&twice).contains("duplicate field `amount`"));
}

#[test]
fn refusals_are_read_as_errors() {
    assert_eq!(refusal(401, br#"{"error":"Invalid Api Key"}"#), Error::InvalidKey);
    assert_eq!(refusal(520, b"<html>"), Error::Unavailable { status: 520, edge: true });
}
