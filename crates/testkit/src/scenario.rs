//! A market, balances, and a script of what is seen.

use std::sync::Arc;

use pampero_backtest::{Backtest, Feed, FeedData, Poison, RateHistory, Recording, run};
use pampero_engine::{Allocation, Limits, Owner, Setup, Strategy, StrategyId};
use pampero_model::{
    BookSeries, BookSnapshot, Candle, CandleSeries, Currency, Level, Market, MarketId, Markets, Money, Price,
    Quantity, QuoteSeries, SCALE, Span, Timestamp, TradeSeries, VenueId,
};
use pampero_venue::{FillModel, FillPreset, Latency, SimSettings};

use crate::build::{at, level, literal, market, quote, trade};
use crate::outcome::Run;

/// The market of a scenario; the first one, if there are several.
pub const MARKET: MarketId = MarketId(0);
/// The second market of a scenario that has one.
pub const OTHER: MarketId = MarketId(1);
/// A volume that bounds nothing that a test trades: the whole order fills.
const PLENTY: i64 = 1_000_000 * SCALE;

/// Markets, balances, and a script of what is seen. See the [crate's documentation](crate).
///
/// The fee is zero and requests take no time unless the scenario says otherwise; fills are those of the preset
/// `conservative`. Times are seconds after 1970-01-01. At equal times books come first, then quotes, trades and
/// candles.
///
/// A scenario has one market until [`and_market`](Self::and_market) adds another; balances and script that follow are
/// of that one, until [`on`](Self::on) goes back.
#[derive(Clone, Debug)]
pub struct Scenario {
    scripts: Vec<Script>,
    /// The market that is written about.
    current: usize,
    rates: Vec<(Currency, Price)>,
    told_rates: Vec<RateHistory>,
    rate_ages: Vec<(Currency, Span)>,
    limits: Limits,
    venue: SimSettings,
}

/// One market and what is seen there.
#[derive(Clone, Debug)]
struct Script {
    market: Market,
    balances: Vec<Money>,
    books: BookSeries,
    quotes: QuoteSeries,
    trades: TradeSeries,
    candles: CandleSeries,
    /// Volume of the candles that are scripted from here on.
    volume: Quantity,
}

impl Script {
    fn new(market: Market) -> Self {
        Self {
            market,
            balances: Vec::new(),
            books: BookSeries::default(),
            quotes: QuoteSeries::default(),
            trades: TradeSeries::default(),
            candles: CandleSeries::default(),
            volume: Quantity::from_units(PLENTY),
        }
    }

    fn range(&self) -> Option<(Timestamp, Timestamp)> {
        let ends = |times: &[Timestamp], span: Span| Some((*times.first()?, times.last()?.plus(span)));
        let ranges = [
            ends(self.books.times(), Span::ZERO),
            ends(&self.quotes.times, Span::ZERO),
            ends(&self.trades.times, Span::ZERO),
            ends(&self.candles.open_times, self.candles.span()),
        ];
        ranges.into_iter().flatten().reduce(join)
    }

    fn feeds(&self, market: MarketId) -> impl Iterator<Item = Feed> {
        let data = [
            FeedData::Books(Arc::new(self.books.clone())),
            FeedData::Quotes(Arc::new(self.quotes.clone())),
            FeedData::Trades(Arc::new(self.trades.clone())),
            FeedData::Candles(Arc::new(self.candles.clone())),
        ];
        data.into_iter().filter(|data| !data.is_empty()).map(move |data| Feed { market, data })
    }
}

/// From the start of the first to the end of the last.
fn join(all: (Timestamp, Timestamp), one: (Timestamp, Timestamp)) -> (Timestamp, Timestamp) {
    (all.0.min(one.0), all.1.max(one.1))
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
            scripts: vec![Script::new(market("0"))],
            current: 0,
            rates: Vec::new(),
            told_rates: Vec::new(),
            rate_ages: Vec::new(),
            limits: Limits::default(),
            venue: SimSettings { seed: 1, ..SimSettings::default() },
        }
    }

    /// Another market in the place of the present one.
    #[must_use]
    pub fn market(mut self, market: Market) -> Self {
        self.script().market = market;
        self
    }

    /// One more market. What follows is of it.
    #[must_use]
    pub fn and_market(mut self, market: Market) -> Self {
        self.current = self.scripts.len();
        self.scripts.push(Script::new(market));
        self
    }

    /// What follows is of this market.
    ///
    /// # Panics
    ///
    /// If there is no such market.
    #[must_use]
    #[track_caller]
    pub fn on(self, market: MarketId) -> Self {
        let count = self.scripts.len();
        assert!(
            market.index() < count,
            "the scenario has {count} market(s), and none of number {}",
            market.0
        );
        Self { current: market.index(), ..self }
    }

    /// What one unit of a currency is worth in the quote of the first market, where no market says it: `"ARS"`, `"0.001"`.
    #[must_use]
    #[track_caller]
    pub fn rate(mut self, currency: &str, worth: &str) -> Self {
        self.rates.push((literal(currency), literal(worth)));
        self
    }

    /// A source outside the markets tells at an instant what one unit of a currency is worth, which has a
    /// [`rate`](Self::rate) until then. Call it in the order of time.
    #[must_use]
    #[track_caller]
    pub fn rate_told(mut self, secs: i64, currency: &str, worth: &str) -> Self {
        let (currency, point) = (literal(currency), (at(secs), literal(worth)));
        match self.told_rates.iter_mut().find(|history| history.currency == currency) {
            Some(history) => history.points.push(point),
            None => self.told_rates.push(RateHistory { currency, points: vec![point] }),
        }
        self
    }

    /// Told rates of a currency are stale after so long.
    #[must_use]
    #[track_caller]
    pub fn rate_stale_after(mut self, currency: &str, span: Span) -> Self {
        self.rate_ages.push((literal(currency), span));
        self
    }

    /// What the strategy starts with at the venue of the present market: `1000 USD`. Call it once for each currency.
    #[must_use]
    #[track_caller]
    pub fn balance(mut self, money: &str) -> Self {
        let money = literal(money);
        self.script().balances.push(money);
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

    // `current` is always the number of a market, and there is always one.
    #[allow(clippy::indexing_slicing)]
    fn script(&mut self) -> &mut Script {
        &mut self.scripts[self.current]
    }

    #[allow(clippy::indexing_slicing)]
    fn first(&self) -> &Script {
        &self.scripts[0]
    }

    /// A book is seen: bids and asks, best first, each as price and quantity.
    #[must_use]
    #[track_caller]
    pub fn book(mut self, secs: i64, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> Self {
        let levels = |side: &[(&str, &str)]| side.iter().copied().map(level).collect::<Vec<Level>>();
        let (bids, asks) = (levels(bids), levels(asks));
        self.script().books.push(at(secs), BookSnapshot { bids: &bids, asks: &asks });
        self
    }

    /// The best bid and ask are seen, each as price and quantity.
    #[must_use]
    #[track_caller]
    pub fn quote(mut self, secs: i64, bid: (&str, &str), ask: (&str, &str)) -> Self {
        self.script().quotes.push(at(secs), &quote(bid, ask));
        self
    }

    /// Somebody trades.
    #[must_use]
    #[track_caller]
    pub fn trade(mut self, secs: i64, price: &str, quantity: &str) -> Self {
        self.script().trades.push(&trade(secs, price, quantity));
        self
    }

    /// The candles that follow have this volume, and not one that bounds no fill.
    #[must_use]
    #[track_caller]
    pub fn volume(mut self, quantity: &str) -> Self {
        self.script().volume = literal(quantity);
        self
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
            let open = self.script().candles.closes.last().copied().unwrap_or(close);
            self.push_candle(span, [open, open.max(close), open.min(close), close]);
        }
        self
    }

    fn push_candle(&mut self, span: Span, [open, high, low, close]: [Price; 4]) {
        let Script { candles, volume, .. } = self.script();
        let open_time = candles.open_times.last().map_or(at(0), |last| last.plus(span));
        candles.set_span(span);
        candles.push(&Candle { open_time, open, high, low, close, volume: *volume });
    }

    /// These candles and no others.
    #[must_use]
    pub fn candles(mut self, candles: CandleSeries) -> Self {
        self.script().candles = candles;
        self
    }

    /// These quotes and trades and no others, as [`Walk::quotes`](crate::Walk::quotes) gives them.
    #[must_use]
    pub fn quotes(mut self, (quotes, trades): (QuoteSeries, TradeSeries)) -> Self {
        let script = self.script();
        (script.quotes, script.trades) = (quotes, trades);
        self
    }

    /// The rules of the first market.
    pub fn rules(&self) -> &Market {
        &self.first().market
    }

    /// When the script begins and ends; the last candle ends with its span. Nothing for an empty script.
    pub fn range(&self) -> Option<(Timestamp, Timestamp)> {
        self.scripts.iter().filter_map(Script::range).reduce(join)
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
        let backtest = self.backtest(Box::new(strategy));
        match run(backtest) {
            Ok(outcome) => {
                Run::new(outcome, self.scripts.iter().map(|script| script.market.clone()).collect())
            }
            Err(error) => panic!("the scenario cannot be run: {error}"),
        }
    }

    // A mistake in a test's script has no caller that could handle it.
    #[allow(clippy::panic)]
    #[track_caller]
    fn backtest(&self, strategy: Box<dyn Strategy>) -> Backtest {
        let mut markets = Markets::default();
        let mut allocations = Vec::new();
        let mut feeds = Vec::new();
        for script in &self.scripts {
            let id = match markets.insert(script.market.clone()) {
                Ok(id) => id,
                Err(error) => panic!("{error}"),
            };
            let venue = markets.venue_of(id).unwrap_or(VenueId(0));
            allocations.extend(script.balances.iter().map(|money| owned(venue, *money)));
            feeds.extend(script.feeds(id));
        }
        let mut setup = Setup::new(markets, self.first().market.quote);
        setup.strategies.push((strategy, self.limits.clone()));
        setup.allocations = allocations;
        setup.rates.clone_from(&self.rates);
        setup.rate_ages.clone_from(&self.rate_ages);
        Backtest {
            setup,
            feeds,
            rates: self.told_rates.clone(),
            venue: self.venue.clone(),
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            recording: Recording::Everything,
        }
    }

    /// The same scenario with garbage for everything that is not known at `now`: see [`Poison`].
    #[must_use]
    pub fn poisoned(&self, now: Timestamp, seed: u64) -> Self {
        let mut poison = Poison::new(seed);
        let mut poisoned = self.clone();
        for script in &mut poisoned.scripts {
            script.books = poison.books(&script.books, now);
            script.quotes = poison.quotes(&script.quotes, now);
            script.trades = poison.trades(&script.trades, now);
            script.candles = poison.candles(&script.candles, now);
        }
        for history in &mut poisoned.told_rates {
            history.points.retain(|(at, _)| *at <= now);
        }
        poisoned
    }
}

fn owned(venue: VenueId, money: Money) -> Allocation {
    Allocation { owner: Owner::Strategy(StrategyId(0)), venue, money }
}
