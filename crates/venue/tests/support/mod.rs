//! Builders for the tests of the venue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    dead_code
)] // test code

use pampero_model::*;
use pampero_venue::*;

pub const VENUE: VenueId = VenueId(0);
pub const MARKET: MarketId = MarketId(0);

pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn base(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub fn cash(text: &str) -> Cash {
    text.parse().unwrap()
}

pub fn btc() -> Currency {
    "btc".parse().unwrap()
}

pub fn usd() -> Currency {
    "usd".parse().unwrap()
}

pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub fn level(price_text: &str, quantity: &str) -> Level {
    Level { price: price(price_text), quantity: base(quantity) }
}

pub fn quote(bid: (&str, &str), ask: (&str, &str)) -> Quote {
    Quote { bid: level(bid.0, bid.1), ask: level(ask.0, ask.1) }
}

pub fn trade(secs: i64, price_text: &str, quantity: &str, aggressor: Option<Side>) -> Trade {
    Trade { id: 0, time: at(secs), price: price(price_text), quantity: base(quantity), aggressor }
}

pub fn candle(secs: i64, ohlc: [&str; 4], volume: &str) -> Candle {
    let [open, high, low, close] = ohlc.map(price);
    Candle { open_time: at(secs), open, high, low, close, volume: base(volume) }
}

pub fn markets(market: Market) -> Markets {
    let mut markets = Markets::default();
    markets.insert(market).unwrap();
    markets
}

/// A market with the given fee and no minimum to speak of.
pub fn market(fee: &str) -> Market {
    let mut market = Market::new("bitex", "btc_usd").unwrap();
    market.maker_fee = fee.parse().unwrap();
    market.taker_fee = market.maker_fee;
    market
}

/// A history venue with its orders, for tests that read like a story.
pub struct Desk {
    pub venue: HistoryVenue,
    next: u64,
}

impl Desk {
    pub fn new(preset: FillPreset) -> Self {
        Self::with(market("0"), FillModel::preset(preset), Latency::default())
    }

    pub fn with(market: Market, fill: FillModel, latency: Latency) -> Self {
        let mut venue = HistoryVenue::new(&markets(market), SimSettings { fill, latency, seed: 1 });
        venue.deposit(VENUE, "100000 USD".parse().unwrap()).unwrap();
        venue.deposit(VENUE, "100 BTC".parse().unwrap()).unwrap();
        Self { venue, next: 0 }
    }

    pub fn place(&mut self, secs: i64, side: Side, limit: &str, size: Size) -> OrderId {
        self.send(secs, side, price(limit), size)
    }

    pub fn send(&mut self, secs: i64, side: Side, price: Price, size: Size) -> OrderId {
        self.next += 1;
        let order = Order { id: OrderId(self.next), market: MARKET, side, price, size };
        self.venue.place(at(secs), &order);
        self.venue.advance(at(secs));
        order.id
    }

    /// Spends an amount of quote.
    pub fn buy(&mut self, secs: i64, limit: &str, spend: &str) -> OrderId {
        self.place(secs, Side::Buy, limit, Size::Quote(cash(spend)))
    }

    pub fn sell(&mut self, secs: i64, limit: &str, quantity: &str) -> OrderId {
        self.place(secs, Side::Sell, limit, Size::Base(base(quantity)))
    }

    pub fn reports(&mut self) -> Vec<OrderUpdate> {
        std::iter::from_fn(|| self.venue.next_report(Timestamp::MAX)).collect()
    }

    /// The fills reported since the last call: `side base@price liquidity`.
    pub fn fills(&mut self) -> Vec<String> {
        let of = |update: OrderUpdate| match update.kind {
            UpdateKind::Fill(fill) => Some(
                format!("{} {}@{} {:?}", fill.side, fill.base, fill.price, fill.liquidity).to_lowercase(),
            ),
            _ => None,
        };
        self.reports().into_iter().filter_map(of).collect()
    }
}
