//! Synthetic markets: seeded, exact, labelled.
//!
//! One path of trades and quotes is drawn with integers alone, so that every machine draws the same; candles are
//! aggregated from it, and every kind of data of the same market and seed tells the same story.

use pampero_model::{
    ArithmeticError, BookSeries, BookSnapshot, EmptyBuckets, Level, Price, Quantity, Quote, QuoteSeries,
    Rate, Rounding, Side, Span, Timestamp, Trade, TradeSeries,
};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::dataset::{Kind, Series};
use crate::error::DataError;
use crate::resample::resample;

/// A synthetic market. Regimes follow each other at random: range (drawn back to where it began), up, down, and
/// volatile (three times the noise). A trend away from a price that has doubled or halved goes the other way.
///
/// ```
/// use pampero_store::{Kind, SyntheticMarket, generate};
/// let market = SyntheticMarket { seed: 7, buckets: 500, ..SyntheticMarket::default() };
/// let candles = generate(&market, Kind::Candles)?;
/// assert_eq!(candles, generate(&market, Kind::Candles)?);
/// assert!(market.label().contains("seed 7"));
/// # Ok::<(), pampero_store::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticMarket {
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// When the first bucket begins.
    pub start: Timestamp,
    /// How long each bucket, and each candle, lasts.
    pub span: Span,
    /// How many buckets of time there are. Those without trades give no candle.
    pub buckets: u32,
    /// Price at the start.
    pub price: Price,
    /// Every price is a multiple of this.
    pub tick: Price,
    /// Typical noise of the price over one bucket: `0.004` is 0.4 %.
    pub noise: Rate,
    /// How far a trend carries the price over one bucket.
    pub trend: Rate,
    /// Typical length of a regime, in buckets; each is drawn from half to one and a half of it.
    pub regime: u32,
    /// Typical distance from best bid to best ask.
    pub spread: Rate,
    /// Average number of trades in a bucket; small numbers make a thin market with empty buckets.
    pub trades: u32,
    /// Typical quantity of a trade; most are smaller, a few are ten times larger.
    pub quantity: Quantity,
    /// Levels a side of books.
    pub levels: u32,
}

impl Default for SyntheticMarket {
    /// A thin market of hourly buckets over two years, in the manner of a Bitcoin market in pesos. It is the synthetic
    /// sample that ships with the program.
    fn default() -> Self {
        Self {
            seed: 3,
            start: Timestamp::from_secs(1_672_531_200),
            span: Span::from_hours(1),
            buckets: 17_520,
            price: Price::from_units(5_000_000 * UNITS),
            tick: Price::from_units(UNITS),
            noise: Rate::from_units(UNITS / 250),
            trend: Rate::from_units(UNITS / 1_000),
            regime: 120,
            spread: Rate::from_units(UNITS / 1_000 * 3),
            trades: 3,
            quantity: Quantity::from_units(UNITS / 50),
            levels: 10,
        }
    }
}

/// Units of 1e-8 in one.
const UNITS: i64 = pampero_model::SCALE;

impl SyntheticMarket {
    /// What the data is, for files and reports.
    pub fn label(&self) -> String {
        let Self {
            seed,
            start,
            span,
            buckets,
            price,
            tick,
            noise,
            trend,
            regime,
            spread,
            trades,
            quantity,
            ..
        } = self;
        format!(
            "seed {seed}: {buckets} buckets of {span} from {start}, price {price}, tick {tick}, noise {noise}, trend \
             {trend}, regimes of {regime}, spread {spread}, {trades} trades a bucket of {quantity}"
        )
    }

    fn check(&self) -> Result<(), DataError> {
        let error = |what: &str| Err(DataError::Request(format!("a synthetic market needs {what}")));
        let shares = [self.noise, self.trend, self.spread];
        match () {
            () if self.span <= Span::ZERO => error("a span above zero"),
            () if self.buckets == 0 || self.regime == 0 => {
                error("at least one bucket, and regimes of at least one")
            }
            () if !self.tick.is_positive() || self.price < self.tick => {
                error("a tick, and a price of at least a tick")
            }
            () if !self.quantity.is_positive() => error("a quantity above zero"),
            () if shares.iter().any(|share| share.is_negative() || *share >= Rate::ONE) => {
                error("noise, trend and spread of at least 0 and below 1")
            }
            () => Ok(()),
        }
    }
}

/// Draws the data of a synthetic market.
///
/// # Errors
/// [`DataError::Request`] if the parameters make no market, or the price leaves the range of amounts.
pub fn generate(market: &SyntheticMarket, kind: Kind) -> Result<Series, DataError> {
    market.check()?;
    let overflow =
        |error: ArithmeticError| DataError::Request(format!("the synthetic price ran away: {error}"));
    let mut path = Path::new(market);
    for bucket in 0..market.buckets {
        path.draw_bucket(bucket).map_err(overflow)?;
    }
    match kind {
        Kind::Candles => {
            resample(&Series::Trades(path.trades), market.span, EmptyBuckets::Skip).map(Series::Candles)
        }
        Kind::Trades => Ok(Series::Trades(path.trades)),
        Kind::Quotes => Ok(Series::Quotes(path.quotes)),
        Kind::Books => Ok(Series::Books(path.books(market))),
    }
}

#[derive(Clone, Copy)]
enum Regime {
    Range,
    Up,
    Down,
    Volatile,
}

/// The market while it is drawn.
struct Path<'a> {
    market: &'a SyntheticMarket,
    random: Pcg64,
    regime: Regime,
    /// Buckets until the next regime.
    left: u64,
    /// Where the range began.
    anchor: Price,
    /// Between bid and ask.
    fair: Price,
    trades: TradeSeries,
    quotes: QuoteSeries,
}

impl<'a> Path<'a> {
    fn new(market: &'a SyntheticMarket) -> Self {
        Self {
            market,
            random: Pcg64::seed_from_u64(market.seed),
            regime: Regime::Range,
            left: 0,
            anchor: market.price,
            fair: market.price,
            trades: TradeSeries::default(),
            quotes: QuoteSeries::default(),
        }
    }

    /// A number from 0 to `most`, each as likely.
    fn up_to(&mut self, most: u64) -> i64 {
        // The bias of the remainder is below 2^-31 for the ranges drawn here.
        let number = self.random.next_u64() % most.saturating_add(1);
        i64::try_from(number).unwrap_or(0)
    }

    /// A number around zero of about a given standard deviation: the sum of four uniform ones.
    fn around_zero(&mut self, deviation: i64) -> i64 {
        // One uniform number over [-d, d] varies by d² / 3; the sum of four of half of it, by d² × 4/3 × 3/4.
        let width = deviation.unsigned_abs().saturating_mul(7) / 8;
        let sum: i64 = (0..4).map(|_| self.up_to(width.saturating_mul(2))).sum();
        sum - i64::try_from(width.saturating_mul(4)).unwrap_or(0)
    }

    fn draw_bucket(&mut self, bucket: u32) -> Result<(), ArithmeticError> {
        let market = self.market;
        if self.left == 0 {
            self.regime = match self.up_to(7) {
                0..=2 => Regime::Range,
                3 | 4 => Regime::Up,
                5 | 6 => Regime::Down,
                _ => Regime::Volatile,
            };
            let regime = u64::from(market.regime);
            self.left = regime / 2 + self.up_to(regime).unsigned_abs() + 1;
            self.anchor = self.fair;
            self.stay_near_start();
        }
        self.left -= 1;
        let start =
            market.start.plus(Span::from_nanos(market.span.as_nanos().saturating_mul(i64::from(bucket))));
        let count = self.up_to(u64::from(market.trades) * 2);
        let mut moments: Vec<i64> = Vec::new();
        for _ in 0..count {
            let nanos = self.up_to(market.span.as_nanos().unsigned_abs().saturating_sub(1));
            // Whole milliseconds, as an exchange notes them.
            moments.push(if market.span > Span::from_millis(1) { nanos - nanos % 1_000_000 } else { nanos });
        }
        moments.sort_unstable();
        // A bucket without trades moves too: the price steps at its first moment.
        let steps = count.max(1);
        for step in 0..steps {
            self.step(steps)?;
            if let Some(nanos) = usize::try_from(step).ok().and_then(|step| moments.get(step)) {
                self.trade(start.plus(Span::from_nanos(*nanos)))?;
            }
        }
        Ok(())
    }

    /// A trend away from a price that has doubled or halved goes the other way.
    fn stay_near_start(&mut self) {
        let (fair, start) = (self.fair.units(), self.market.price.units());
        self.regime = match self.regime {
            Regime::Up if fair / 2 > start => Regime::Down,
            Regime::Down if fair < start / 2 => Regime::Up,
            regime => regime,
        };
    }

    /// Moves the fair price by its part of a bucket.
    fn step(&mut self, steps: i64) -> Result<(), ArithmeticError> {
        let (noise, trend) = (self.market.noise.units(), self.market.trend.units());
        // Noise adds up with the root of the number of steps, drift with the number.
        let noise = noise / steps.isqrt().max(1);
        let (noise, drift) = match self.regime {
            Regime::Range => {
                // A twentieth of the way back in each bucket.
                let gap = self.anchor.units() - self.fair.units();
                let share = i128::from(gap) * i128::from(UNITS) / i128::from(self.fair.units().max(1)) / 20;
                (noise, i64::try_from(share).map_err(|_| ArithmeticError::Overflow)?)
            }
            Regime::Up => (noise, trend),
            Regime::Down => (noise, -trend),
            Regime::Volatile => (noise * 3, 0),
        };
        // Never below minus one half, so that the price stays above zero.
        let change = (self.around_zero(noise) + drift / steps).max(-UNITS / 2);
        let fair = self.fair.shifted(Rate::from_units(change), Rounding::HalfEven)?;
        self.fair = fair.max(self.market.tick);
        Ok(())
    }

    /// A quote around the fair price, then a trade at one side of it.
    fn trade(&mut self, time: Timestamp) -> Result<(), ArithmeticError> {
        let tick = self.market.tick;
        let typical = self.market.spread.of_price(self.fair, Rounding::Down)?.units();
        let half = Price::from_units((typical / 4 + self.up_to(typical.unsigned_abs() / 2)).max(0));
        let bid = self.fair.saturating_sub(half).truncate_to(tick).max(tick);
        let ask =
            self.fair.checked_add(half)?.truncate_to(tick).checked_add(tick)?.max(bid.checked_add(tick)?);
        let bid = Level { price: bid, quantity: self.quantity() };
        let ask = Level { price: ask, quantity: self.quantity() };
        self.quotes.push(time, &Quote { bid, ask });
        let buys = match self.regime {
            Regime::Up => 6,
            Regime::Down => 4,
            Regime::Range | Regime::Volatile => 5,
        };
        let aggressor = if self.up_to(9) < buys { Side::Buy } else { Side::Sell };
        let hit = if aggressor == Side::Buy { ask } else { bid };
        let quantity = self.quantity().min(hit.quantity);
        let id = self.trades.len() as u64 + 1;
        self.trades.push(&Trade { id, time, price: hit.price, quantity, aggressor: Some(aggressor) });
        Ok(())
    }

    /// From a tenth of the typical quantity to twice it, one in ten of ten times the size.
    fn quantity(&mut self) -> Quantity {
        let typical = self.market.quantity.units();
        let units = typical / 10 + self.up_to(typical.unsigned_abs().saturating_mul(2));
        let factor = if self.up_to(9) == 0 { 10 } else { 1 };
        Quantity::from_units(units.saturating_mul(factor).max(1))
    }

    /// A book around each quote: its best levels, and more behind them at growing distances.
    fn books(mut self, market: &SyntheticMarket) -> BookSeries {
        let quotes = std::mem::take(&mut self.quotes);
        let mut books = BookSeries::default();
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        for (time, quote) in (0..quotes.len()).map_while(|index| quotes.get(index)) {
            bids.clear();
            asks.clear();
            let step =
                quote.ask.price.saturating_sub(quote.bid.price).truncate_to(market.tick).max(market.tick);
            let (mut bid, mut ask) = (quote.bid, quote.ask);
            for _ in 0..market.levels {
                if bid.price.is_positive() {
                    bids.push(bid);
                }
                asks.push(ask);
                let away = i64::from(u8::try_from(self.up_to(3)).unwrap_or(0) + 1);
                let away = Price::from_units(step.units().saturating_mul(away));
                bid = Level { price: bid.price.saturating_sub(away), quantity: self.quantity() };
                ask = Level { price: ask.price.saturating_add(away), quantity: self.quantity() };
            }
            books.push(time, BookSnapshot { bids: &bids, asks: &asks });
        }
        books
    }
}
