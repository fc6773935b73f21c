//! The two roles meet: every method of the adapter against the local exchange, over real HTTP, faults included.
#![allow(clippy::disallowed_methods)] // the adapter itself is tested
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pampero_bitex::*;
use pampero_exchange::*;
use pampero_model::*;
use pampero_sandbox::{FaultRule, Sandbox, SandboxConfig, Tls, one_time_password};

const START: &str = "2019-04-15T16:13:40.434Z";

/// No agents, no limit, and a clock that stands still.
fn quiet() -> SandboxConfig {
    let start = Some(START.parse().unwrap());
    let mut config = SandboxConfig { start, requests_per_second: 0, ..SandboxConfig::default() };
    config.agents.enabled = false;
    config
}

struct Local {
    sandbox: Sandbox,
}

impl Local {
    async fn start(config: SandboxConfig) -> Self {
        Self { sandbox: Sandbox::start(config).await.unwrap() }
    }

    fn environment(&self) -> Environment {
        Environment::local(&self.sandbox.url()).unwrap()
    }

    fn client(&self, name: &str) -> Client {
        self.client_of(name, Budget::unlimited(), 2_000)
    }

    fn client_of(&self, name: &str, budget: Budget, millis: u64) -> Client {
        let environment = self.environment();
        let key = ApiKey::new(self.sandbox.keys()[name].as_str().into(), &environment).unwrap();
        let mut config = Config::new(environment);
        let patience = Duration::from_millis(millis);
        config.timeouts =
            Timeouts { connect: patience / 2, read: patience, repeatable: patience, create: patience };
        if let Some(certificate) = self.sandbox.certificate() {
            config.tls.roots = certificate.as_bytes().to_vec();
        }
        Client::new(config, budget).unwrap().with_key(key).unwrap()
    }

    fn password(&self) -> OneTimePassword {
        let code = one_time_password(&self.sandbox.otp_secret(), self.sandbox.now()).unwrap();
        OneTimePassword::new(&code).unwrap()
    }

    /// Lets the exchange's engine work.
    fn settle(&self) {
        assert!(self.sandbox.advance(Span::from_millis(300)));
    }

    fn fault(&self, toml: &str) {
        let rule: FaultRule = toml::from_str(toml).unwrap();
        self.sandbox.set_faults(vec![rule]).unwrap();
    }

    fn hits(&self) -> u64 {
        self.sandbox.fault_counts().iter().map(|count| count.hits).sum()
    }

    fn no_faults(&self) {
        assert!(self.hits() > 0, "the fault never happened");
        self.sandbox.set_faults(Vec::new()).unwrap();
    }
}

fn order(side: Side, size: &str, price: &str) -> OrderRequest {
    let size = match side {
        Side::Buy => Size::Quote(size.parse().unwrap()),
        Side::Sell => Size::Base(size.parse().unwrap()),
    };
    OrderRequest {
        market: "btc_usd".into(),
        side,
        price: price.parse().unwrap(),
        size,
        reference: None,
        watermark: None,
    }
}

fn done<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Acknowledged(value) => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn orders_are_placed_seen_executed_and_cancelled() {
    let local = Local::start(quiet()).await;
    let exchange: Box<dyn Exchange> = Box::new(Bitex::new(local.client("trade")));
    let ask = done(exchange.place(&order(Side::Sell, "0.002", "3633.98046166"), &|| Ok(())).await);
    assert_eq!((ask.status.clone(), ask.side), (OrderStatus::Known(VenueStatus::Pending), Side::Sell));
    assert!(exchange.active_orders(None).await.unwrap().is_empty(), "pending orders are not listed");
    local.settle();
    let listed = exchange.active_orders(Some("btc_usd")).await.unwrap();
    assert_eq!(listed, [exchange.order(Side::Sell, ask.id).await.unwrap()]);
    assert_eq!(listed[0].status, OrderStatus::Known(VenueStatus::Executing));
    assert!(exchange.active_orders(Some("btc_ars")).await.unwrap().is_empty());
    let book = exchange.snapshot("btc_usd", SnapshotParts::ALL).await.unwrap().book;
    assert_eq!(book.best(Side::Sell).unwrap().quantity.to_string(), "0.002");

    // More money than the ask is worth: the rest stays on the book.
    let bid = done(exchange.place(&order(Side::Buy, "10", "3700"), &|| Ok(())).await);
    local.settle();
    let sold = exchange.fills(&FillQuery { side: Some(Side::Sell), ..FillQuery::default() }).await.unwrap();
    let bought = exchange.fills(&FillQuery { side: Some(Side::Buy), ..FillQuery::default() }).await.unwrap();
    assert_eq!((sold[0].id, sold[0].order, bought[0].order), (bought[0].id, Some(ask.id), Some(bid.id)));
    // The exchange's arithmetic, with base and quote gross on both sides.
    assert_eq!(
        (sold[0].base.to_string(), sold[0].quote.to_string()),
        ("0.00199999".into(), "7.26796092".into())
    );
    assert_eq!(
        (bought[0].base, bought[0].quote, bought[0].price),
        (sold[0].base, sold[0].quote, sold[0].price)
    );
    assert_eq!(exchange.fills(&FillQuery::default()).await.unwrap().len(), 2);
    let client = local.client("trade");
    assert_eq!(client.fill(Side::Sell, sold[0].id).await.unwrap(), sold[0]);
    let trades = exchange.trades("btc_usd", 1).await.unwrap();
    assert_eq!((trades[0].id, trades[0].quantity), (sold[0].id.0, sold[0].base));
    let movements = exchange.movements().await.unwrap();
    let kinds: Vec<&MovementKind> = movements.iter().map(|movement| &movement.kind).collect();
    assert!(kinds.contains(&&MovementKind::Buy) && kinds.contains(&&MovementKind::Sell), "{kinds:?}");

    let rest = exchange.order(Side::Buy, bid.id).await.unwrap();
    let locked = |balances: &[Balance], code: &str| {
        let balance = balances.iter().find(|balance| balance.currency.code() == code).unwrap();
        balance.locked().unwrap().units
    };
    assert_eq!(locked(&exchange.balances().await.unwrap(), "usd"), rest.remaining.units());
    exchange.cancel(Side::Buy, bid.id).await.unwrap();
    exchange.cancel(Side::Buy, bid.id).await.unwrap();
    local.settle();
    let order = exchange.order(Side::Buy, bid.id).await.unwrap();
    assert_eq!((order.status, order.remaining), (OrderStatus::Known(VenueStatus::Cancelled), rest.remaining));
    assert_eq!(
        exchange.order(Side::Sell, ask.id).await.unwrap().status,
        OrderStatus::Known(VenueStatus::Completed)
    );
    assert_eq!(locked(&exchange.balances().await.unwrap(), "usd"), 0);
    assert!(matches!(exchange.order(Side::Buy, VenueOrderId(987_654)).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn everything_or_one_market_is_cancelled() {
    let local = Local::start(quiet()).await;
    let exchange = Bitex::new(local.client("trade"));
    let place = async |market: &str| {
        let request = OrderRequest { market: market.into(), ..order(Side::Buy, "20", "100") };
        let _ = done(exchange.place(&request, &|| Ok(())).await);
        local.settle();
    };
    place("btc_usd").await;
    place("bch_usd").await;
    exchange.cancel_all(CancelScope::Market("btc_usd")).await.unwrap();
    local.settle();
    let left = exchange.active_orders(None).await.unwrap();
    assert_eq!(left.iter().map(|order| &*order.market).collect::<Vec<_>>(), ["bch_usd"]);
    place("btc_usd").await;
    assert_eq!(exchange.client().orders_of_side(Side::Buy, Some("bch_usd")).await.unwrap().len(), 1);
    assert_eq!(exchange.client().orders_of_side(Side::Sell, None).await.unwrap().len(), 0);
    exchange.urgent().cancel_all(CancelScope::Everything).await.unwrap();
    local.settle();
    assert!(exchange.active_orders(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_exchange_refuses_is_refused() {
    let local = Local::start(quiet()).await;
    let client = local.client("trade");
    let refused = async |request: OrderRequest| match client.place_order(&request, &|| Ok(())).await {
        Outcome::Rejected(error) => error.reject_reason(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(order(Side::Sell, "0.00000001", "50.2")).await, RejectReason::TooSmall);
    let nowhere = OrderRequest { market: "btc_xyz".into(), ..order(Side::Sell, "1", "1") };
    assert_eq!(refused(nowhere).await, RejectReason::UnknownMarket);
    // A lack of funds shows later.
    let rich = done(client.place_order(&order(Side::Sell, "12000000", "50.2"), &|| Ok(())).await);
    local.settle();
    let order_now = client.order(Side::Sell, rich.id).await.unwrap();
    assert_eq!(
        (order_now.status, order_now.remaining),
        (OrderStatus::Known(VenueStatus::Cancelled), rich.size)
    );
    // A key of nobody, and one without the permission.
    let stranger = ApiKey::new("f".repeat(80).as_str().into(), &local.environment()).unwrap();
    let client = Client::new(Config::new(local.environment()), Budget::unlimited()).unwrap();
    assert_eq!(client.clone().with_key(stranger).unwrap().orders().await, Err(Error::InvalidKey));
    assert!(client.tickers().await.is_ok(), "market data needs no key");
    let read = local.client("read");
    assert_eq!(
        read.place_order(&order(Side::Sell, "1", "1"), &|| Ok(())).await,
        Outcome::Rejected(Error::MissingPermission)
    );
}

#[tokio::test]
async fn market_data_of_a_lively_market() {
    let mut config = SandboxConfig { requests_per_second: 0, ..SandboxConfig::default() };
    config.start = Some(START.parse().unwrap());
    let local = Local::start(config).await;
    let client = Client::new(Config::new(local.environment()), Budget::unlimited()).unwrap();
    let books = client.orderbooks().await.unwrap();
    assert!(books.iter().any(|book| book.id == 1 && book.code == "btc_usd" && book.quote.code() == "usd"));
    let tickers = client.tickers().await.unwrap();
    assert_eq!(tickers.len(), books.len());
    let ticker = client.ticker("btc_usd").await.unwrap();
    assert!(ticker.bid < ticker.ask && ticker.volume.is_positive() && ticker.vwap.is_some());
    let market = client.market("btc_usd", SnapshotParts::ALL).await.unwrap();
    assert!(market.book.snapshot().is_sorted() && !market.book.is_one_sided());
    assert_eq!(market.book.best(Side::Buy).unwrap().price, ticker.bid);
    assert!(market.candles.iter().all(|candle| candle.candle.is_possible() && candle.market == "btc_usd"));
    let bare = client.market("btc_usd", SnapshotParts::BOOK).await.unwrap();
    assert_eq!((bare.book, bare.trades.len(), bare.candles.len()), (market.book, 0, 0));
    let day = client.transactions(Some("btc_usd"), Some(24)).await.unwrap();
    assert!(day.windows(2).all(|pair| pair[0].trade.id > pair[1].trade.id) && day.len() > 10);
    assert_eq!(client.transaction(day[0].trade.id).await.unwrap(), day[0]);
    assert!(!client.transactions(None, None).await.unwrap().is_empty());
    assert!(!client.transactions_archive(Some("btc_usd")).await.unwrap().is_empty());
    let query = CandleQuery { market: Some("btc_usd".into()), days: Some(1), span_hours: Some(8) };
    let candles = client.candles(&query).await.unwrap();
    assert!(
        candles
            .iter()
            .all(|candle| candle.candle.open_time.floor_to(Span::from_hours(8)) == candle.candle.open_time)
    );
    assert!(matches!(client.market("btc_xyz", SnapshotParts::BOOK).await, Err(Error::NotFound(_))));
    let probe = client.probe().await.unwrap();
    assert_eq!((probe.status, probe.edge), (200, false));
    assert!(probe.server_time.is_some());
}

#[tokio::test]
async fn wallets_deposits_and_withdrawals() {
    let local = Local::start(quiet()).await;
    let client = local.client("funds");
    let accounts = client.accounts().await.unwrap();
    let codes: Vec<&str> = accounts[0].balances.iter().map(|balance| balance.currency.code()).collect();
    assert_eq!(codes, ["btc", "usd", "ars", "clp", "bch", "pyg", "uyu"]);
    assert!(accounts[0].user.as_ref().unwrap().kyc_accepted);
    let coins = client.coin_wallets().await.unwrap();
    assert_eq!(client.coin_wallet("BTC").await.unwrap(), coins[0]);
    assert_eq!(client.coin_wallet(&coins[0].id).await.unwrap(), coins[0]);
    let cash = client.cash_wallets().await.unwrap();
    assert_eq!(client.cash_wallet("usd").await.unwrap(), cash[0]);
    assert!(!client.cash_deposit_instructions().await.unwrap().is_empty());

    let body: BTreeMap<String, String> = [
        ("payment_method", "third_party"),
        ("name", "Ana"),
        ("city", "Rosario"),
        ("phone", "1"),
        ("country", "AR"),
        ("currency", "USD"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let instruction = done(client.create_withdrawal_instruction("bank", &body).await);
    assert_eq!(
        (&*instruction.label, instruction.body.get("name").map(|name| &**name)),
        ("bank", Some("Ana"))
    );
    let id = instruction.id.parse().unwrap();
    assert_eq!(client.withdrawal_instruction(id).await.unwrap(), instruction);
    assert_eq!(client.withdrawal_instructions().await.unwrap().len(), 1);
    let sent = done(client.withdraw_cash("100 USD".parse().unwrap(), id, &local.password()).await);
    assert_eq!((&*sent.status, sent.amount.to_string()), ("received", "100 USD".into()));
    assert_eq!(client.cash_withdrawal(sent.id.parse().unwrap()).await.unwrap().amount, sent.amount);
    assert_eq!(client.cash_withdrawals(Some("2019-01-01")).await.unwrap().len(), 1);
    client.delete_withdrawal_instruction(id).await.unwrap();
    assert!(matches!(client.withdrawal_instruction(id).await, Err(Error::NotFound(_))));

    let address = coins[0].address.clone().unwrap();
    let withdrawal =
        NewCoinWithdrawal { amount: "0.001 BTC".parse().unwrap(), to_address: address, label: "own".into() };
    let wrong = OneTimePassword::new("000000").unwrap();
    assert_eq!(client.withdraw_coins(&withdrawal, &wrong).await, Outcome::Rejected(Error::OneTimePassword));
    let sent = done(client.withdraw_coins(&withdrawal, &local.password()).await);
    assert_eq!((sent.amount, &sent.to_address), (withdrawal.amount, &withdrawal.to_address));
    assert_eq!(client.coin_withdrawal(sent.id.parse().unwrap()).await.unwrap().id, sent.id);
    assert_eq!(client.coin_withdrawals(None).await.unwrap().len(), 1);

    let announced = done(client.announce_cash_deposit("1000".parse().unwrap()).await);
    assert_eq!(client.cash_deposit(announced.id.parse().unwrap()).await.unwrap().id, announced.id);
    assert_eq!(client.cash_deposits(None).await.unwrap().len(), 1);
    assert_eq!(client.coin_deposits(Some("2019-01-01")).await.unwrap(), []);
    assert!(matches!(client.coin_deposit(1).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn payments_bots_users_keys_and_webhooks() {
    let local = Local::start(quiet()).await;
    let (funds, trade, admin) = (local.client("funds"), local.client("trade"), local.client("admin"));
    // A payment is quoted at what the market bids.
    let _ = done(trade.place_order(&order(Side::Buy, "1000", "4000"), &|| Ok(())).await);
    local.settle();
    let wanted = NewPayment {
        amount: "200 USD".parse().unwrap(),
        keep: "0.1".parse().unwrap(),
        callback_url: "https://shop.example/paid".into(),
        customer_reference: "Purchase".into(),
        merchant_reference: "Sale 1".into(),
    };
    let payment = done(funds.create_payment(&wanted).await);
    assert_eq!((payment.amount, payment.keep), (wanted.amount, Some(wanted.keep)));
    assert!(payment.expected.unwrap().is_positive() && payment.address.is_some());
    assert_eq!(funds.payment(payment.id.parse().unwrap()).await.unwrap().id, payment.id);
    assert_eq!(funds.payments().await.unwrap().len(), 1);
    let addresses = funds.bitcoin_addresses().await.unwrap();
    assert_eq!(funds.bitcoin_address(addresses[0].id.parse().unwrap()).await.unwrap(), addresses[0]);
    let page = PointOfSale {
        id: String::new(),
        slug: "shop".into(),
        name: "Shop".into(),
        logo: "https://shop.example/l.png".into(),
        site: "https://shop.example".into(),
        keep: "0.1".parse().unwrap(),
    };
    let set = funds.set_up_point_of_sale(&page).await.unwrap();
    assert_eq!(PointOfSale { id: String::new(), ..set }, page);

    for (side, amount) in [(Side::Buy, "100"), (Side::Sell, "0.5")] {
        let bot = done(trade.create_bot("btc_usd", order(side, amount, "1").size).await);
        assert_eq!((bot.side, bot.amount, bot.executing), (side, order(side, amount, "1").size, true));
        trade.cancel_bot(side, bot.id).await.unwrap();
        local.settle();
        let ended = trade.bot(side, bot.id).await.unwrap();
        assert!(ended.to_cancel || !ended.executing, "{ended:?}");
        assert_eq!(trade.bots(side).await.unwrap().len(), 1);
    }
    assert!(matches!(
        trade.create_bot("btc_xyz", order(Side::Buy, "1", "1").size).await,
        Outcome::Rejected(Error::NotFound(_))
    ));

    let me = admin.me().await.unwrap();
    assert_eq!(admin.user(me.id.parse().unwrap()).await.unwrap(), me);
    assert!(admin.users().await.unwrap().iter().all(|user| !user.email.is_empty()));
    let before = admin.api_keys().await.unwrap();
    assert!(
        before.iter().any(|record| admin.key().unwrap().ends_like(&record.token)),
        "its own key is listed"
    );
    let permissions = KeyPermissions { get_balances: true, ..KeyPermissions::default() };
    let made = done(admin.create_api_key(permissions, &local.password()).await);
    assert_eq!(made.permissions, permissions);
    let token = made.token.reveal().expect("whole right after it is made").to_owned();
    let key = || ApiKey::new(token.as_str().into(), &local.environment()).unwrap();
    let client =
        Client::new(Config::new(local.environment()), Budget::unlimited()).unwrap().with_key(key()).unwrap();
    assert!(client.accounts().await.is_ok());
    assert_eq!(client.orders().await, Err(Error::MissingPermission));
    assert_eq!(admin.api_key(made.id).await.unwrap().id, made.id);
    assert!(local.sandbox.advance(Span::from_minutes(11)));
    let masked = admin.api_key(made.id).await.unwrap().token;
    assert!(masked.is_masked() && key().ends_like(&masked));
    admin.revoke_api_key(made.id).await.unwrap();
    assert_eq!(client.accounts().await, Err(Error::InvalidKey));
    assert!(matches!(admin.revoke_api_key(made.id).await, Err(Error::NotFound(_))));

    let hook = admin.set_webhook("https://bot.example/events").await.unwrap();
    assert_eq!(hook.url, "https://bot.example/events");
    assert_eq!(admin.webhook().await.unwrap().url, hook.url);
    admin.set_webhook_url("https://bot.example/two").await.unwrap();
    assert_eq!(admin.webhook().await.unwrap().url, "https://bot.example/two");
}

/// What must hold after a fault while placing: at most one order for one request, and an outcome that does not lie.
#[tokio::test]
async fn faults_while_placing_never_make_a_lie_or_a_second_order() {
    let local = Local::start(quiet()).await;
    let client = local.client_of("trade", Budget::unlimited(), 400);
    // The outcome expected, and whether the exchange has the order.
    let faults = [
        ("fault = 'F01'", None, false),
        ("fault = 'F03'", Some("unknown"), false),
        ("fault = 'F04'", Some("unknown"), true),
        ("fault = 'F06'\nmode = 'before_headers'", Some("unknown"), true),
        ("fault = 'F06'\nmode = 'mid_headers'", Some("unknown"), true),
        ("fault = 'F06'\nmode = 'mid_body'", Some("unknown"), true),
        ("fault = 'F07'\nmode = 'truncated'", Some("unknown"), true),
        ("fault = 'F07'\nmode = 'slow'", Some("unknown"), true),
        ("fault = 'F07'\nmode = 'huge'\ncount = 3", Some("unknown"), true),
        ("fault = 'F08'", Some("unknown"), false),
        ("fault = 'F08'\nstatus = 503", Some("unknown"), false),
        ("fault = 'F09'", Some("unknown"), true),
        ("fault = 'F10'", Some("unknown"), false),
        ("fault = 'F10'\nmode = 'challenge'", Some("unknown"), false),
        ("fault = 'F12'", Some("rejected"), false),
        ("fault = 'F12'\nmode = 'forbidden'", None, false),
        ("fault = 'F14'", Some("rejected"), false),
        ("fault = 'F14'\nmode = 'price'", Some("rejected"), false),
        ("fault = 'F15'\nmode = 'cut'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'wrong_types'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'no_data'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'nulls'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'nan'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'huge_numbers'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'duplicate_keys'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'bom'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'html'", Some("unknown"), true),
        ("fault = 'F15'\nmode = 'bomb'\ncount = 20", Some("unknown"), true),
        ("fault = 'F16'\nmode = 'exponent'", Some("acknowledged"), true),
        ("fault = 'F16'\nmode = 'long'", Some("acknowledged"), true),
        ("fault = 'F16'\nmode = 'negative'", Some("unknown"), true),
        ("fault = 'F16'\nmode = 'rounded'", Some("unknown"), true),
        ("fault = 'F17'", Some("unknown"), false),
        ("fault = 'F17'\nstatus = 307", Some("unknown"), false),
        ("fault = 'F26'\nmode = 'numbers'", Some("acknowledged"), true),
        ("fault = 'F26'\nmode = 'reused'", Some("unknown"), true),
        ("fault = 'F35'\nmode = 'new_field'", Some("acknowledged"), true),
        ("fault = 'F35'\nmode = 'new_status'", Some("acknowledged"), true),
    ];
    let mut watermark = None;
    for (number, (fault, expected, exists)) in faults.into_iter().enumerate() {
        let price = format!("100.1{number:06}1");
        // An order beforehand, so that there is a watermark and a request of before.
        if watermark.is_none() {
            watermark = Some(done(client.place_order(&order(Side::Buy, "10", "99"), &|| Ok(())).await).id);
        }
        local.fault(&format!("{fault}\nendpoint = 'POST /bids'\non = [1]"));
        let request = OrderRequest { watermark, ..order(Side::Buy, "10", &price) };
        let outcome = client.place_order(&request, &|| Ok(())).await;
        let found = match &outcome {
            Outcome::Acknowledged(_) => "acknowledged",
            Outcome::Rejected(_) => "rejected",
            Outcome::NotSent(_) => "not sent",
            Outcome::Unknown(_) => "unknown",
        };
        assert!(expected.is_none_or(|expected| expected == found), "{fault}: {outcome:?}");
        assert_ne!((found, exists), ("rejected", true), "{fault}: a lie");
        local.no_faults();
        local.settle();
        let truth = local.sandbox.accepted_orders();
        let placed =
            truth.iter().filter(|order| serde_json::to_string(order).unwrap().contains(&price)).count();
        assert_eq!(placed, usize::from(exists), "{fault}: {outcome:?}");
        // Pages make the budget wait; start anew.
        client.budget().answered();
        client.cancel_orders(CancelScope::Everything).await.unwrap();
    }
}

#[tokio::test]
async fn faults_while_reading_are_errors_and_never_wrong_facts() {
    let local = Local::start(quiet()).await;
    let client = local.client_of("trade", Budget::unlimited(), 400);
    let placed = done(client.place_order(&order(Side::Buy, "10", "100"), &|| Ok(())).await);
    local.settle();
    let faults = [
        "fault = 'F01'",
        "fault = 'F03'",
        "fault = 'F06'\nmode = 'mid_body'",
        "fault = 'F07'\nmode = 'truncated'",
        "fault = 'F08'",
        "fault = 'F10'",
        "fault = 'F11'",
        "fault = 'F12'",
        "fault = 'F13'",
        "fault = 'F15'\nmode = 'cut'",
        "fault = 'F15'\nmode = 'nulls'",
        "fault = 'F15'\nmode = 'nan'",
        "fault = 'F15'\nmode = 'bomb'\ncount = 20",
        "fault = 'F17'",
    ];
    for fault in faults {
        local.fault(&format!("{fault}\nendpoint = 'GET /bids/{{id}}'\non = [1]"));
        let result = client.order(Side::Buy, placed.id).await;
        assert!(result.is_err(), "{fault}: {result:?}");
        local.no_faults();
    }
    local.fault("fault = 'F35'\nmode = 'new_status'\nendpoint = 'GET *'\non = [1]");
    let order = client.order(Side::Buy, placed.id).await.unwrap();
    assert_eq!(order.status, OrderStatus::Other("under_review".into()));
    assert!(!order.status.is_final());
    local.no_faults();
    local.fault("fault = 'F31'\nmode = 'deep'\nendpoint = 'GET /markets/{code}'\non = [1]");
    // So large a document takes its time where the machine is busy.
    let patient = local.client_of("trade", Budget::unlimited(), 20_000);
    let deep = patient.market("btc_usd", SnapshotParts::BOOK).await.unwrap();
    assert_eq!((deep.book.levels(Side::Buy).len(), deep.book.levels(Side::Sell).len()), (10_000, 10_000));
    local.no_faults();
}

#[tokio::test]
async fn the_budget_keeps_the_exchanges_limit() {
    let config = SandboxConfig {
        agents: pampero_sandbox::AgentsConfig { enabled: false, ..Default::default() },
        ..SandboxConfig::default()
    };
    let local = Local::start(config).await;
    let folder = tempfile::tempdir().unwrap();
    let config = || BudgetConfig { file: Some(folder.path().join("budget")), ..BudgetConfig::default() };
    // Two processes' worth of clients that share a file and ask as fast as they may.
    let clients = [0, 1].map(|_| local.client_of("trade", Budget::new(config()).unwrap(), 2_000));
    let ask = |client: Client| async move {
        for _ in 0..7 {
            client.orders().await.unwrap();
        }
    };
    let [one, two] = clients.map(|client| tokio::spawn(ask(client)));
    one.await.unwrap();
    two.await.unwrap();
    // Without the budget, the sixth is too many.
    let client = local.client("trade");
    let mut refused = BTreeSet::new();
    for _ in 0..8 {
        if let Err(error) = client.orders().await {
            refused.insert(error.code());
            break;
        }
    }
    assert_eq!(refused, ["rate_limited"].into());
}

#[tokio::test]
async fn tls_is_checked_and_own_roots_are_possible() {
    let local = Local::start(SandboxConfig { tls: Tls::Valid, ..quiet() }).await;
    let client = local.client("trade");
    assert!(client.orders().await.is_ok());
    let acknowledged = client.place_order(&order(Side::Buy, "10", "100"), &|| Ok(())).await;
    assert!(matches!(acknowledged, Outcome::Acknowledged(_)), "{acknowledged:?}");
    let wary = Client::new(Config::new(local.environment()), Budget::unlimited()).unwrap();
    let error = wary.tickers().await.unwrap_err();
    assert!(matches!(&error, Error::NotSent(words) if words.contains("certificate")), "{error}");
    for tls in [Tls::Expired, Tls::WrongHost, Tls::Cut, Tls::Old] {
        let local = Local::start(SandboxConfig { tls, ..quiet() }).await;
        let outcome = local.client("trade").place_order(&order(Side::Buy, "10", "100"), &|| Ok(())).await;
        assert!(matches!(outcome, Outcome::NotSent(_)), "{tls:?}: {outcome:?}");
        assert_eq!(local.sandbox.accepted_orders().len(), 0);
    }
}
