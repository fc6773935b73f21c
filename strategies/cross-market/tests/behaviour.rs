//! What the cross-market maker does, on scripted and on generated markets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_cross_market::{CrossMarket, CrossMarketParams};
use pampero_engine::{Limits, RestoreError, Strategy};
use pampero_model::{Market, Span, Timestamp, TradeSeries};
use pampero_testkit::proptest::prelude::*;
use pampero_testkit::*;

/// One coin a side, 1 % of profit, a thousand pesos for a dollar; tries again after ten seconds.
fn params() -> CrossMarketParams {
    CrossMarketParams {
        quantity: quantity("1"),
        bid_profit: rate("0.01"),
        ask_profit: rate("0.01"),
        exchange_rate: Some(price("1000")),
        min_change: rate("0"),
        hedge_time_to_live: Span::from_secs(10),
        hedge_step: rate("0.001"),
        max_hedge_loss: rate("0.01"),
        ..CrossMarketParams::default()
    }
}

fn strategy(params: CrossMarketParams) -> CrossMarket {
    CrossMarket::new(MARKET, OTHER, params).unwrap()
}

/// Makes `btc_ars` without fees, with ticks of a cent, and hedges on `btc_usd`.
fn pesos() -> Market {
    let rules = market("0");
    Market {
        price_tick: price("0.01"),
        ..Market { code: "btc_ars".to_owned(), quote: "ARS".parse().unwrap(), ..rules }
    }
}

fn dollars() -> Market {
    Market { price_tick: price("0.01"), ..market("0") }
}

/// Both markets with money; what follows is of the peso market.
fn scenario() -> Scenario {
    Scenario::new()
        .market(pesos())
        .balance("1000000 ARS")
        .balance("5 BTC")
        .and_market(dollars())
        .balance("1000 USD")
        .rate("USD", "1000")
        .on(MARKET)
}

/// The dollar book: three coins a side within two dollars.
fn usd(scenario: Scenario, second: i64) -> Scenario {
    scenario.on(OTHER).book(second, &[("99", "1"), ("98", "2")], &[("101", "1"), ("102", "2")]).on(MARKET)
}

const WIDE: [&[(&str, &str)]; 2] = [&[("90000", "5")], &[("110000", "5")]];

/// A wide peso book and the dollar book, each second.
fn steady(seconds: i64) -> Scenario {
    (0..seconds).fold(scenario(), |scenario, second| usd(scenario.book(second, WIDE[0], WIDE[1]), second))
}

#[test]
fn it_quotes_what_it_gets_on_the_other_book_less_its_profit() {
    let run = steady(3).run(strategy(params()));
    // 99 × 1000 × 0.99 and 101 × 1000 × 1.01: a bid from the other book's bids, an ask from its asks. A maker of the
    // opposite idea would bid above them.
    run.expect_orders(&["0s buy 98010 quote at 98010", "0s sell 1 base at 102010"]).expect_nothing_denied();
}

#[test]
fn without_a_rate_of_its_own_it_takes_the_one_that_is_told_and_quotes_nothing_while_that_is_stale() {
    let params = CrossMarketParams { exchange_rate: None, ..params() };
    let told = steady(30).rate_told(2, "USD", "1010").rate_told(20, "USD", "1000");
    let run = told.rate_stale_after("USD", Span::from_secs(10)).run(strategy(params));
    // 99 × 1010 × 0.99 from the second second on; gone at the first look after the twelfth, there again at the twentieth.
    let bids: Vec<String> = run.order_lines().into_iter().filter(|line| line.contains("buy")).collect();
    assert_eq!(
        bids,
        ["0s buy 98010 quote at 98010", "2s buy 98990.1 quote at 98990.1", "20s buy 98010 quote at 98010"]
    );
    let ended: Vec<Timestamp> = run.orders().iter().map(|order| order.updated_at).collect();
    assert_eq!(ended[2..4], [at(13), at(13)], "{:?}", run.order_lines());
}

#[test]
fn while_the_hedging_market_is_not_seen_it_withdraws_its_quotes() {
    let limits = Limits { max_data_age: Some(Span::from_secs(10)), ..Limits::default() };
    let base = steady(3).limits(limits);
    // The dollar book is silent from the third second to the twentieth.
    let silent = (3..20).fold(base, |scenario, second| scenario.book(second, WIDE[0], WIDE[1]));
    let run = usd(silent, 20).book(21, WIDE[0], WIDE[1]).run(strategy(params()));
    let ended: Vec<Timestamp> = run.orders().iter().map(|order| order.updated_at).collect();
    assert_eq!(ended[..2], [at(13), at(13)], "{:?}", run.order_lines());
    assert_eq!(run.order_lines()[2..], ["20s buy 98010 quote at 98010", "20s sell 1 base at 102010"]);
}

#[test]
fn fees_of_both_markets_make_its_quotes_wider() {
    let fee = rate("0.0025");
    let with_fee = |rules: Market| Market { maker_fee: fee, taker_fee: fee, ..rules };
    let base = Scenario::new().market(with_fee(pesos())).balance("1000000 ARS").balance("5 BTC");
    let base = base.and_market(with_fee(dollars())).balance("1000 USD").rate("USD", "1000").on(MARKET);
    let run = usd(base.book(0, WIDE[0], WIDE[1]), 0).run(strategy(params()));
    // 98010 × 0.9975² down to the tick, 102010 ÷ 0.9975² up to it.
    assert_eq!(run.order_lines(), ["0s buy 97520.56 quote at 97520.56", "0s sell 1 base at 102521.97"]);
}

#[test]
fn it_hedges_each_execution_on_the_other_book_at_the_planned_price() {
    let run = steady(3).trade(3, "95000", "20").book(4, WIDE[0], WIDE[1]);
    let run = usd(usd(run, 4), 5).run(strategy(params()));
    assert_eq!(run.fill_lines()[..2], ["3s buy 1 at 98010 maker", "4s sell 1 at 99 taker on btc_usd"]);
    assert_eq!(run.balance("BTC".parse().unwrap()), quantity("5").units().into(), "what was bought is sold");
    assert_eq!(run.balance("USD".parse().unwrap()), cash("1099").units());
    // 99 dollars are 99,000 pesos: 990 earned.
    let run = steady(3).trade(3, "105000", "20").book(4, WIDE[0], WIDE[1]);
    let run = usd(usd(run, 4), 5).run(strategy(params()));
    assert_eq!(run.fill_lines()[..2], ["3s sell 1 at 102010 maker", "4s buy 1 at 101 taker on btc_usd"]);
}

#[test]
fn while_a_hedge_is_open_it_does_not_quote_and_each_try_gives_way_by_more() {
    let mut scenario = steady(3).trade(3, "95000", "20");
    for second in 4..60 {
        // The dollar market has fallen away.
        scenario = scenario
            .book(second, WIDE[0], WIDE[1])
            .on(OTHER)
            .book(second, &[("97", "5")], &[("110", "5")])
            .on(MARKET);
    }
    let run = scenario.run(strategy(params()));
    let hedges: Vec<String> = run.order_lines().into_iter().filter(|line| line.contains("btc_usd")).collect();
    assert_eq!(
        hedges,
        [
            "3s sell 1 base at 99 on btc_usd",
            "13s sell 1 base at 98.91 on btc_usd",
            "23s sell 1 base at 98.61 on btc_usd",
            "33s sell 1 base at 98.11 on btc_usd",
            // 16 × 0.1 % would be beyond the most.
            "43s sell 1 base at 98.01 on btc_usd",
            "53s sell 1 base at 98.01 on btc_usd",
        ]
    );
    let quotes =
        run.orders().iter().filter(|order| order.market == MARKET && order.created_at > at(3)).count();
    assert_eq!(quotes, 0, "{:?}", run.order_lines());
}

#[test]
fn what_was_bought_and_sold_on_the_made_market_cancels_out() {
    // A tenth of each trade: too little to hedge, and nothing once both have happened.
    let small = steady(3).trade(3, "95000", "0.0008").trade(3, "105000", "0.0008");
    let run = usd(small.trade(4, "95000", "0.0008").book(5, WIDE[0], WIDE[1]), 5).run(strategy(params()));
    assert_eq!(run.fills().len(), 3, "{:?}", run.fill_lines());
    assert_eq!(run.orders().len(), 2, "{:?}", run.order_lines());
    // One more makes it large enough: what is left of all four is hedged.
    let run = usd(small_trades(4).book(5, WIDE[0], WIDE[1]), 5).run(strategy(params()));
    assert!(
        run.order_lines().contains(&"4s sell 0.00016 base at 99 on btc_usd".to_owned()),
        "{:?}",
        run.order_lines()
    );
}

/// Each a tenth of which is 0.00008: three buys and one sale, of which two buys are left.
fn small_trades(second: i64) -> Scenario {
    let first = steady(3).trade(3, "95000", "0.0008").trade(3, "105000", "0.0008");
    first.trade(second, "95000", "0.0008").trade(second, "95000", "0.0008")
}

#[test]
fn it_skips_the_volume_that_was_traded_lately() {
    let traded = scenario().book(0, WIDE[0], WIDE[1]).on(OTHER).trade(0, "100", "1").on(MARKET);
    let run = usd(usd(traded, 0), 1).book(1, WIDE[0], WIDE[1]).run(strategy(params()));
    // The first coin of each side counts as gone: 98 and 102.
    assert!(run.order_lines().contains(&"1s buy 97020 quote at 97020".to_owned()), "{:?}", run.order_lines());
    assert!(run.order_lines().contains(&"1s sell 1 base at 103020".to_owned()), "{:?}", run.order_lines());
}

#[test]
fn it_does_not_quote_what_the_other_book_does_not_cover() {
    let run = steady(2).run(strategy(CrossMarketParams { quantity: quantity("4"), ..params() }));
    run.expect_orders(&[]);
}

#[test]
fn it_stops_at_its_thresholds_and_quotes_only_what_it_can_hedge() {
    let stopped = |params: CrossMarketParams| steady(2).run(strategy(params)).order_lines().len();
    assert_eq!(stopped(CrossMarketParams { base_stop: quantity("5"), ..params() }), 0);
    // A million pesos and a thousand dollars are two thousand.
    assert_eq!(stopped(CrossMarketParams { quote_stop: cash("2000"), ..params() }), 0);
    assert_eq!(stopped(CrossMarketParams { quote_stop: cash("1999"), ..params() }), 2);
    // Without dollars there is no buying back.
    let poor = Scenario::new().market(pesos()).balance("1000000 ARS").balance("5 BTC").and_market(dollars());
    let poor = poor.balance("50 USD").rate("USD", "1000").on(MARKET);
    let run = usd(poor.book(0, WIDE[0], WIDE[1]), 0).run(strategy(params()));
    run.expect_orders(&["0s buy 98010 quote at 98010"]).expect_nothing_denied();
}

#[test]
fn on_two_venues_a_bid_needs_coins_to_sell_on_the_other() {
    let kraken = Market { venue: "kraken".to_owned(), ..dollars() };
    let run = |coins: &str| {
        let both = Scenario::new()
            .market(pesos())
            .balance("1000000 ARS")
            .balance("2 BTC")
            .and_market(kraken.clone());
        let both = both.balance("1000 USD").balance(coins).rate("USD", "1000").on(MARKET);
        usd(both.book(0, WIDE[0], WIDE[1]), 0).run(strategy(params())).order_lines()
    };
    assert_eq!(run("0.5 BTC"), ["0s sell 1 base at 102010"]);
    assert_eq!(run("1 BTC").len(), 2);
}

#[test]
fn the_exchange_rate_may_be_the_engines() {
    let run = steady(2).run(strategy(CrossMarketParams { exchange_rate: None, ..params() }));
    assert_eq!(run.order_lines()[..2], ["0s buy 98010 quote at 98010", "0s sell 1 base at 102010"]);
}

#[test]
fn it_never_takes_from_the_book_it_makes() {
    // The peso market asks 95,000: a bid of 98,010 would take.
    let run = usd(scenario().book(0, &[("90000", "5")], &[("95000", "5")]), 0).run(strategy(params()));
    assert!(
        run.order_lines().contains(&"0s buy 94999.99 quote at 94999.99".to_owned()),
        "{:?}",
        run.order_lines()
    );
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |params: CrossMarketParams| CrossMarket::new(MARKET, OTHER, params).unwrap_err();
    assert!(refused(CrossMarketParams { quantity: quantity("0"), ..params() }).contains("`quantity` = `0`"));
    assert!(refused(CrossMarketParams { bid_profit: rate("1"), ..params() }).contains("`bid_profit` = `1`"));
    assert!(
        refused(CrossMarketParams { exchange_rate: Some(price("0")), ..params() })
            .contains("`exchange_rate`")
    );
    assert!(
        refused(CrossMarketParams { hedge_time_to_live: Span::ZERO, ..params() })
            .contains("`hedge_time_to_live`")
    );
    assert!(
        refused(CrossMarketParams { base_stop: quantity("-1"), ..params() }).contains("`base_stop` = `-1`")
    );
    assert!(CrossMarket::new(MARKET, MARKET, params()).unwrap_err().contains("name two"));
}

#[test]
fn a_state_of_another_version_or_length_is_refused() {
    let saved = strategy(params()).save();
    assert_eq!(strategy(params()).restore(1, &saved), Ok(()));
    assert_eq!(strategy(params()).restore(2, &saved), Err(RestoreError::Version { found: 2, expected: 1 }));
    assert!(strategy(params()).restore(1, &saved[1..]).unwrap_err().to_string().contains("missing: 1"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_good_strategy_on_any_quotes(seed: u64, step in 1i64..40, second in 0i64..14) {
        let dollars = Walk::new(seed).steps_of(step).from(price("100")).quotes(300, Span::from_millis(50));
        let pesos_market = Walk::new(seed ^ 1).steps_of(step).from(price("100000")).quotes(300, Span::from_millis(50));
        let scenario = scenario().quotes(pesos_market).on(OTHER).quotes((dollars.0, TradeSeries::default())).on(MARKET);
        let build = || strategy(CrossMarketParams {
            quantity: quantity("0.01"),
            bid_profit: rate("0.0005"),
            ask_profit: rate("0.0005"),
            interval: Span::from_millis(100),
            hedge_time_to_live: Span::from_millis(300),
            ..params()
        });
        same_input_same_output(&scenario, build)?;
        no_decision_from_the_future(&scenario, build, at(second))?;
        restart_changes_nothing(&scenario, build, at(second))?;
        // Whatever happened, no more than one quote and one hedge are ever open in coins.
        let run = scenario.run(build());
        let coins = run.balance("BTC".parse().unwrap()) - i128::from(quantity("5").units());
        prop_assert!(coins.abs() <= i128::from(quantity("0.0211").units()), "{coins}");
    }
}
