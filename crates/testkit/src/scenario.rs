//! A market, balances, and a script of what is seen.

use std::sync::Arc;

use pampero_backtest::{Backtest, Feed, FeedData, Recording, run};
use pampero_engine::{Allocation, Limits, Owner, Setup, Strategy, StrategyId};
use pampero_model::{
    BookSeries, BookSnapshot, Candle, CandleSeries, Level, Market, MarketId, Markets, Money, Price, Quantity,
    QuoteSeries, SCALE, Span, Timestamp, TradeSeries, VenueId,
};
use pampero_venue::{FillModel, FillPreset, Latency, SimSettings};

use crate::build::{at, level, literal, market, quote, trade};
use crate::generate::Random;
use crate::outcome::Run;

/// The one market of a scenario.
pub const MARKET: MarketId = MarketId(0);
/// Its venue.
const VENUE: VenueId = VenueId(0);
/// A volume that bounds nothing that a test trades: the whole order fills.
const PLENTY: i64 = 1_000_000 * SCALE;

/// A market, balances, and a script of what is seen. See the [crate's documentation](crate).
///
/// The fee is zero and requests take no time unless the scenario says otherwise; fills are those of the preset
/// `conservative`. Times are seconds after 1970-01-01. At equal times books come first, then quotes, trades and
/// candles.
#[derive(Clone, Debug)]
pub struct Scenario {
    market: Market,
    balances: Vec<Money>,
    limits: Limits,
    venue: SimSettings,
    books: BookSeries,
    quotes: QuoteSeries,
    trades: TradeSeries,
    candles: CandleSeries,
    /// Volume of the candles that are scripted from here on.
    volume: Quantity,
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

impl Scenario {
    /// Bitex's `btc_usd` without fees and without money.
    pub fn new() -> Self {
        Self {
            market: market("0"),
            balances: Vec::new(),
            limits: Limits::default(),
            venue: SimSettings { seed: 1, ..SimSettings::default() },
            books: BookSeries::default(),
            quotes: QuoteSeries::default(),
            trades: TradeSeries::default(),
            candles: CandleSeries::default(),
            volume: Quantity::from_units(PLENTY),
        }
    }

    /// Another market.
    #[must_use]
    pub fn market(self, market: Market) -> Self {
        Self { market, ..self }
    }

    /// What the strategy starts with: `1000 USD`. Call it once for each currency.
    #[must_use]
    #[track_caller]
    pub fn balance(mut self, money: &str) -> Self {
        self.balances.push(literal(money));
        self
    }

    /// The strategy's limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// When resting orders fill.
    #[must_use]
    pub fn fill(mut self, preset: FillPreset) -> Self {
        self.venue.fill = FillModel::preset(preset);
        self
    }

    /// How long requests and reports travel.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.venue.latency = latency;
        self
    }

    /// A book is seen: bids and asks, best first, each as price and quantity.
    #[must_use]
    #[track_caller]
    pub fn book(mut self, secs: i64, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> Self {
        let levels = |side: &[(&str, &str)]| side.iter().copied().map(level).collect::<Vec<Level>>();
        let (bids, asks) = (levels(bids), levels(asks));
        self.books.push(at(secs), BookSnapshot { bids: &bids, asks: &asks });
        self
    }

    /// The best bid and ask are seen, each as price and quantity.
    #[must_use]
    #[track_caller]
    pub fn quote(mut self, secs: i64, bid: (&str, &str), ask: (&str, &str)) -> Self {
        self.quotes.push(at(secs), &quote(bid, ask));
        self
    }

    /// Somebody trades.
    #[must_use]
    #[track_caller]
    pub fn trade(mut self, secs: i64, price: &str, quantity: &str) -> Self {
        self.trades.push(&trade(secs, price, quantity));
        self
    }

    /// The candles that follow have this volume, and not one that bounds no fill.
    #[must_use]
    #[track_caller]
    pub fn volume(self, quantity: &str) -> Self {
        Self { volume: literal(quantity), ..self }
    }

    /// A candle follows the last one: open, high, low and close.
    #[must_use]
    #[track_caller]
    pub fn candle(mut self, span: Span, ohlc: [&str; 4]) -> Self {
        let [open, high, low, close] = ohlc.map(literal::<Price>);
        self.push_candle(span, [open, high, low, close]);
        self
    }

    /// Candles follow of which only the closes matter: each opens at the close before it.
    #[must_use]
    #[track_caller]
    pub fn closes(mut self, span: Span, closes: &[&str]) -> Self {
        for close in closes.iter().map(|text| literal::<Price>(text)) {
            let open = self.candles.closes.last().copied().unwrap_or(close);
            self.push_candle(span, [open, open.max(close), open.min(close), close]);
        }
        self
    }

    fn push_candle(&mut self, span: Span, [open, high, low, close]: [Price; 4]) {
        let open_time = self.candles.open_times.last().map_or(at(0), |last| last.plus(span));
        self.candles.set_span(span);
        self.candles.push(&Candle { open_time, open, high, low, close, volume: self.volume });
    }

    /// These candles and no others.
    #[must_use]
    pub fn candles(self, candles: CandleSeries) -> Self {
        Self { candles, ..self }
    }

    /// These quotes and trades and no others, as [`Walk::quotes`](crate::Walk::quotes) gives them.
    #[must_use]
    pub fn quotes(self, (quotes, trades): (QuoteSeries, TradeSeries)) -> Self {
        Self { quotes, trades, ..self }
    }

    /// The rules of the market.
    pub fn rules(&self) -> &Market {
        &self.market
    }

    /// When the script begins and ends; the last candle ends with its span. Nothing for an empty script.
    pub fn range(&self) -> Option<(Timestamp, Timestamp)> {
        let ends = |times: &[Timestamp], span: Span| Some((*times.first()?, times.last()?.plus(span)));
        let ranges = [
            ends(self.books.times(), Span::ZERO),
            ends(&self.quotes.times, Span::ZERO),
            ends(&self.trades.times, Span::ZERO),
            ends(&self.candles.open_times, self.candles.span()),
        ];
        ranges.into_iter().flatten().reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }

    /// Lets the strategy trade the script.
    ///
    /// # Panics
    ///
    /// If the scenario cannot be run: nothing is seen in it, or what is seen runs backwards.
    // A mistake in a test's script has no caller that could handle it.
    #[allow(clippy::panic)]
    #[track_caller]
    pub fn run(&self, strategy: impl Strategy + 'static) -> Run {
        let mut markets = Markets::default();
        if let Err(error) = markets.insert(self.market.clone()) {
            panic!("{error}");
        }
        let mut setup = Setup::new(markets, self.market.quote);
        setup.strategies.push((Box::new(strategy), self.limits.clone()));
        setup.allocations = self.balances.iter().map(|money| owned(*money)).collect();
        let backtest = Backtest {
            setup,
            feeds: self.feeds(),
            venue: self.venue.clone(),
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            recording: Recording::Everything,
        };
        match run(backtest) {
            Ok(outcome) => Run::new(outcome, self.market.clone()),
            Err(error) => panic!("the scenario cannot be run: {error}"),
        }
    }

    fn feeds(&self) -> Vec<Feed> {
        let data = [
            FeedData::Books(Arc::new(self.books.clone())),
            FeedData::Quotes(Arc::new(self.quotes.clone())),
            FeedData::Trades(Arc::new(self.trades.clone())),
            FeedData::Candles(Arc::new(self.candles.clone())),
        ];
        let seen = data.into_iter().filter(|data| !data.is_empty());
        seen.map(|data| Feed { market: MARKET, data }).collect()
    }

    /// The same scenario with garbage for everything that begins at or after `from`.
    #[must_use]
    pub fn poisoned(&self, from: Timestamp, seed: u64) -> Self {
        let mut poison = Poison { random: Random::new(seed) };
        let mut poisoned = self.clone();
        poisoned.books = BookSeries::default();
        for (time, book) in (0..self.books.len()).filter_map(|index| self.books.get(index)) {
            if time < from {
                poisoned.books.push(time, book);
            } else {
                let (bid, ask) =
                    poison.around(book.bids.first().or(book.asks.first()).map(|level| level.price));
                poisoned.books.push(time, BookSnapshot { bids: &[bid], asks: &[ask] });
            }
        }
        for (time, quote) in self.quotes.times.iter().zip(&mut poisoned.quotes.quotes) {
            if *time >= from {
                (quote.bid, quote.ask) = poison.around(Some(quote.bid.price));
            }
        }
        for (time, price) in self.trades.times.iter().zip(&mut poisoned.trades.prices) {
            if *time >= from {
                *price = poison.price(*price);
            }
        }
        poisoned.candles = CandleSeries::new(self.candles.span());
        for candle in self.candles.iter() {
            let garbage = candle.open_time >= from;
            poisoned.candles.push(&if garbage { poison.candle(&candle) } else { candle });
        }
        poisoned
    }
}

fn owned(money: Money) -> Allocation {
    Allocation { owner: Owner::Strategy(StrategyId(0)), venue: VENUE, money }
}

/// What makes garbage: possible observations that have nothing to do with what they replace.
struct Poison {
    random: Random,
}

impl Poison {
    /// Between half a price and one and a half of it.
    fn price(&mut self, price: Price) -> Price {
        let units = price.units().max(2);
        Price::from_units(self.random.between(units / 2, units.saturating_add(units / 2)))
    }

    fn around(&mut self, price: Option<Price>) -> (Level, Level) {
        let bid = self.price(price.unwrap_or(Price::from_units(SCALE)));
        let ask = bid.saturating_add(Price::from_units(self.random.between(1, SCALE)));
        let quantity = Quantity::from_units(self.random.between(1, SCALE));
        (Level { price: bid, quantity }, Level { price: ask, quantity })
    }

    fn candle(&mut self, candle: &Candle) -> Candle {
        let prices = [self.price(candle.open), self.price(candle.open), self.price(candle.open)];
        let [open, middle, close] = prices;
        let (high, low) = (open.max(middle).max(close), open.min(middle).min(close));
        let volume = Quantity::from_units(self.random.between(0, PLENTY));
        Candle { open, high, low, close, volume, ..*candle }
    }
}
