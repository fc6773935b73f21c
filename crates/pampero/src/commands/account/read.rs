//! Commands that only look.

use std::fmt::Write as _;

use pampero_bitex::{KeyName, Ticker};
use pampero_exchange::{Balance, CandleQuery, FillQuery, MarketSnapshot, SnapshotParts, VenueFill};
use pampero_model::{Cash, Level, Rounding, Side, Span};
use serde_json::{Value as Json, json};

use super::{Session, show};
use crate::error::Failure;
use crate::output;

/// `pampero whoami`.
pub(super) async fn whoami(session: &Session) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Read)?;
    let user = client.me().await?;
    session.out.show("user", &user, || {
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        let mut rows = vec![
            ["name", &user.name].map(str::to_owned),
            ["e-mail", &user.email].map(str::to_owned),
            ["id", &user.id].map(str::to_owned),
            ["identity checked", &yes(user.kyc_accepted)].map(str::to_owned),
            ["one-time passwords", &yes(user.otp_enabled)].map(str::to_owned),
        ];
        let more = [("compliance", &user.compliance_state), ("events go to", &user.webhook_url)];
        rows.extend(more.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value.clone()?])));
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|[name, value]| vec![name, show::plain(&value)]).collect();
        output::rows(&rows)
    })
}

/// `pampero balances`.
pub(super) async fn balances(session: &Session, all: bool) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Read)?;
    let balances: Vec<Balance> = client.accounts().await?.into_iter().flat_map(|one| one.balances).collect();
    let shown: Vec<&Balance> = balances.iter().filter(|balance| all || balance.total.units != 0).collect();
    let rows = shown.iter().map(|balance| {
        let locked = balance.locked().map_or_else(|error| error.to_string(), show::amount);
        vec![
            balance.currency.to_string(),
            show::amount(balance.total),
            show::amount(balance.available),
            locked,
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let of = |balance: &&Balance| {
        let locked = balance.locked().ok().map(show::amount);
        json!({
            "currency": balance.currency, "total": show::amount(balance.total),
            "available": show::amount(balance.available), "locked": locked,
        })
    };
    let objects: Vec<Json> = shown.iter().map(of).collect();
    session.out.show("balances", &objects, || {
        let none = "the account holds nothing: `pampero deposits --how` says where to send money";
        show::table_or(&["currency", ">total", ">available", ">locked"], &rows, none)
    })
}

/// `pampero market`.
pub(super) async fn market(session: &Session, code: &str, levels: usize) -> Result<(), Failure> {
    let parts = SnapshotParts { book: true, trades: true, candles: false };
    let market = session.connection.public().market(code, parts).await?;
    let side = |side: Side| -> Vec<&Level> { market.book.levels(side).iter().take(levels).collect() };
    let (bids, asks) = (side(Side::Buy), side(Side::Sell));
    let of_level = |level: &&Level| json!([level.price, level.quantity]);
    let object = json!({
        "code": market.market,
        "bids": bids.iter().map(of_level).collect::<Vec<_>>(),
        "asks": asks.iter().map(of_level).collect::<Vec<_>>(),
        "trades": market.trades,
    });
    session.out.show("market", &object, || market_words(&market, &bids, &asks))
}

fn market_words(market: &MarketSnapshot, bids: &[&Level], asks: &[&Level]) -> String {
    let best =
        |side| market.book.best(side).map_or("none".to_owned(), |level: Level| level.price.to_string());
    let mut text = format!(
        "{}: best bid {}, best ask {}{}\n\n",
        market.market,
        best(Side::Buy),
        best(Side::Sell),
        spread(market)
    );
    let rows: Vec<Vec<String>> = (0..bids.len().max(asks.len()))
        .map(|row| {
            let cells = |level: Option<&&Level>| {
                level.map_or_else(Default::default, |level| {
                    (level.quantity.to_string(), level.price.to_string())
                })
            };
            let ((bid_size, bid), (ask_size, ask)) = (cells(bids.get(row)), cells(asks.get(row)));
            vec![bid_size, bid, ask, ask_size]
        })
        .collect();
    text.push_str(&show::table_or(&[">amount", ">bid", ">ask", ">amount"], &rows, "the book is empty"));
    let hidden = |side: Side, shown: usize| market.book.levels(side).len().saturating_sub(shown);
    let (more_bids, more_asks) = (hidden(Side::Buy, bids.len()), hidden(Side::Sell, asks.len()));
    if more_bids + more_asks > 0 {
        let _ = writeln!(text, "({more_bids} more bids and {more_asks} more asks: --levels N)");
    }
    let trades = market
        .trades
        .iter()
        .take(5)
        .map(|trade| vec![show::time(trade.time), trade.price.to_string(), trade.quantity.to_string()]);
    let trades: Vec<Vec<String>> = trades.collect();
    text.push('\n');
    text.push_str(&show::table_or(
        &["last trades (UTC)", ">price", ">amount"],
        &trades,
        "no trades in the last hour",
    ));
    text
}

/// The spread as a share of the best bid.
fn spread(market: &MarketSnapshot) -> String {
    let share = || {
        let spread = market.book.spread()?;
        let bid = market.book.best(Side::Buy)?.price;
        let of = |price: pampero_model::Price| Cash::from_units(price.units().into());
        of(spread).ratio_to(of(bid), Rounding::Down).ok()
    };
    share().map_or(String::new(), |share| format!(", spread {} %", percent(share)))
}

/// A share in hundredths, to two decimals.
pub(super) fn percent(share: pampero_model::Rate) -> String {
    let hundredths = share.units() / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths.unsigned_abs() % 100)
}

/// `pampero ticker`.
pub(super) async fn ticker(session: &Session, code: Option<&str>) -> Result<(), Failure> {
    let client = session.connection.public();
    let tickers = match code {
        Some(code) => vec![client.ticker(code).await?],
        None => client.tickers().await?,
    };
    session.out.show("tickers", &tickers, || {
        let rows: Vec<Vec<String>> = tickers.iter().map(ticker_row).collect();
        let headings = ["market", ">last", ">bid", ">ask", ">low", ">high", ">volume"];
        show::table_or(&headings, &rows, "the exchange lists no markets")
    })
}

fn ticker_row(ticker: &Ticker) -> Vec<String> {
    let price = |price: pampero_model::Price| {
        if price.is_zero() { "-".to_owned() } else { short(price) }
    };
    let Ticker { market, last, bid, ask, low, high, volume, .. } = ticker;
    let mut row = vec![market.clone()];
    row.extend([*last, *bid, *ask, *low, *high].map(price));
    row.push(volume.truncate_to(pampero_model::Quantity::from_units(10_000)).to_string());
    row
}

/// A price cut to two decimals where it is 100 or more, to whole numbers from a million on: enough to look at.
fn short(price: pampero_model::Price) -> String {
    use pampero_model::SCALE;
    let step = match price.units() / SCALE {
        1_000_000.. => SCALE,
        100.. => SCALE / 100,
        _ => 1,
    };
    price.truncate_to(pampero_model::Price::from_units(step)).to_string()
}

/// `pampero candles`.
pub(super) async fn candles(session: &Session, code: &str, days: u32, span: Span) -> Result<(), Failure> {
    let hour = Span::from_hours(1).as_nanos();
    let hours = u32::try_from(span.as_nanos() / hour).ok().filter(|hours| *hours > 0);
    let Some(hours) = hours.filter(|_| span.as_nanos() % hour == 0) else {
        let message = format!("the exchange has candles of whole hours, not of {span}");
        return Err(Failure::usage(message, "write for example --span 4h"));
    };
    let query = CandleQuery { market: Some(code.to_owned()), days: Some(days), span_hours: Some(hours) };
    let candles = session.connection.public().candles(&query).await?;
    session.out.show("candles", &candles, || {
        let rows: Vec<Vec<String>> = candles
            .iter()
            .map(|one| {
                let candle = &one.candle;
                let mut row = vec![show::time(candle.open_time).chars().take(16).collect()];
                row.extend([candle.open, candle.high, candle.low, candle.close].map(short));
                row.push(candle.volume.to_string());
                row
            })
            .collect();
        let none = format!("no trades of {code} in that time");
        show::table_or(&["begins (UTC)", ">open", ">high", ">low", ">close", ">volume"], &rows, &none)
    })
}

/// `pampero transactions`.
pub(super) async fn transactions(session: &Session, code: Option<&str>, hours: u32) -> Result<(), Failure> {
    let trades = session.connection.public().transactions(code, Some(hours)).await?;
    session.out.show("transactions", &trades, || {
        let rows: Vec<Vec<String>> = trades
            .iter()
            .map(|one| {
                let trade = &one.trade;
                vec![
                    show::time(trade.time),
                    one.market.clone(),
                    trade.id.to_string(),
                    trade.price.to_string(),
                    trade.quantity.to_string(),
                ]
            })
            .collect();
        let none = format!(
            "no trades in the last {}",
            if hours == 1 { "hour".to_owned() } else { format!("{hours} hours") }
        );
        show::table_or(&["time (UTC)", "market", "id", ">price", ">amount"], &rows, &none)
    })
}

/// `pampero trades`.
pub(super) async fn trades(
    session: &Session,
    market: Option<String>,
    days: Option<u32>,
    limit: Option<u32>,
) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Trade)?;
    let fills = client.fills(&FillQuery { market, side: None, days, limit }).await?;
    session.out.show("trades", &fills, || {
        let rows: Vec<Vec<String>> = fills.iter().map(fill_row).collect();
        let headings = ["time (UTC)", "market", "trade", ">price", ">base", ">quote", ">fee"];
        show::table_or(&headings, &rows, "no own executions")
    })
}

fn fill_row(fill: &VenueFill) -> Vec<String> {
    vec![
        show::time(fill.time),
        fill.market.clone(),
        show::fill_key(fill.side, fill.id),
        fill.price.to_string(),
        fill.base.to_string(),
        fill.quote.to_string(),
        fill.fee.to_string(),
    ]
}

/// `pampero movements`.
pub(super) async fn movements(session: &Session) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Read)?;
    let movements = client.movements().await?;
    session.out.show("movements", &movements, || {
        let rows: Vec<Vec<String>> = movements
            .iter()
            .map(|movement| {
                vec![
                    show::time(movement.time),
                    kind(&movement.kind),
                    movement.amount.to_string(),
                    movement.price.map(|price| price.to_string()).unwrap_or_default(),
                    movement.fee.filter(|fee| fee.units != 0).map(|fee| fee.to_string()).unwrap_or_default(),
                ]
            })
            .collect();
        let none = "nothing moved in the last three days";
        show::table_or(&["time (UTC)", "what", ">amount", ">price", ">fee"], &rows, none)
    })
}

fn kind(kind: &pampero_exchange::MovementKind) -> String {
    use pampero_exchange::MovementKind as K;
    match kind {
        K::Buy => "buy",
        K::Sell => "sell",
        K::CashDeposit => "cash deposit",
        K::CoinDeposit => "coin deposit",
        K::CashWithdrawal => "cash withdrawal",
        K::CoinWithdrawal => "coin withdrawal",
        K::Other(word) => word,
    }
    .to_owned()
}
