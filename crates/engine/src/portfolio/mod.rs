//! Who owns what: balances per strategy, positions, and their worth in the report currency.

mod position;
mod saved;
mod worth;

use pampero_model::{
    ArithmeticError, Cash, Currency, Fill, MarketId, Markets, Money, Price, Quantity, Rounding, SCALE, Side,
    Span, Timestamp, VenueId,
};
use thiserror::Error;

pub use self::position::Position;
pub(crate) use self::saved::PortfolioCheckpoint;
use self::worth::{EQUITY_SCALE, scaled, unscaled, worth};
use crate::strategy::StrategyId;
use crate::wide::{add, sub};

/// Whose part of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody's: deposits land here.
    Unallocated,
    /// A strategy's.
    Strategy(StrategyId),
}

impl Owner {
    const fn index(self) -> usize {
        match self {
            Self::Unallocated => 0,
            Self::Strategy(id) => id.index() + 1,
        }
    }
}

/// A strategy's share of an account at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Whose.
    pub owner: Owner,
    /// Where.
    pub venue: VenueId,
    /// How much.
    pub money: Money,
}

/// An amount of one currency at one venue, in units of 1e-8.
///
/// ```
/// use pampero_engine::Holding;
/// let holding = Holding { total: 100, reserved: 40 };
/// assert_eq!(holding.available(), 60);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Everything.
    pub total: i128,
    /// What open orders keep.
    pub reserved: i128,
}

impl Holding {
    /// What a new order may use.
    pub const fn available(self) -> i128 {
        self.total.saturating_sub(self.reserved)
    }
}

/// A portfolio that cannot be built or valued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PortfolioError {
    /// A currency has no price in the report currency.
    #[error("no market and no rate values {currency} in {report}; add `rates.{}` to the configuration", currency.code())]
    NoRate {
        /// The currency.
        currency: Currency,
        /// The report currency.
        report: Currency,
    },
    /// An allocation names a currency that no market of the venue trades.
    #[error("no market of venue `{venue}` trades {currency}")]
    UnknownAsset {
        /// The venue.
        venue: String,
        /// The currency.
        currency: Currency,
    },
}

/// Where the worth of a currency comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RateSource {
    /// It is the report currency.
    Report,
    /// The mark of a market whose quote has a rate.
    Market(MarketId),
    /// Set from outside, by configuration or an event.
    External,
}

#[derive(Clone, Debug)]
struct Asset {
    venue: VenueId,
    currency: Currency,
    source: RateSource,
    /// Worth of one in the report currency, in units of 1e-8; zero until known.
    rate: i64,
    /// What the configuration says of it, in the same units; zero where it says nothing.
    configured: i64,
    /// When an outside rate was last set; the latest instant for one fixed by configuration.
    rate_at: Timestamp,
    /// How old an outside rate may become.
    rate_age: Option<Span>,
    /// By owner.
    holdings: Vec<Holding>,
}

/// The assets of a market.
#[derive(Clone, Debug)]
struct Pair {
    base: AssetId,
    quote: AssetId,
    /// The assets that this market values, and whether by the inverse of its price: then the report currency is
    /// the base here.
    valued: Vec<(AssetId, bool)>,
}

/// An index of an asset of the portfolio: a currency at a venue.
pub(crate) type AssetId = usize;

/// Balances, positions and equity.
///
/// Equity is kept incrementally, exact, in units of 1e-16 of the report currency, so that no event needs a division.
#[derive(Clone, Debug)]
pub struct Portfolio {
    report: Currency,
    assets: Vec<Asset>,
    /// By owner, in units of 1e-16, and their sum.
    equity: Vec<i128>,
    total_equity: i128,
    /// What all owners have of the report currency, in units of 1e-8.
    report_total: i128,
    /// By strategy, then market.
    positions: Vec<Position>,
    /// By market.
    pairs: Vec<Pair>,
    /// By market: whether it has inventory whose cost is not known yet.
    unpriced: Vec<bool>,
    /// Whether anything waits for its first price.
    unvalued: bool,
}

impl Portfolio {
    pub(crate) fn new(
        markets: &Markets,
        report: Currency,
        strategies: usize,
        rates: &[(Currency, Price)],
    ) -> Result<Self, PortfolioError> {
        let owners = strategies + 1;
        let mut assets: Vec<Asset> = Vec::new();
        let mut pairs = Vec::new();
        let mut asset = |venue: VenueId, currency: Currency| {
            assets.iter().position(|asset| asset.venue == venue && asset.currency == currency).unwrap_or_else(
                || {
                    assets.push(Asset {
                        venue,
                        currency,
                        source: RateSource::External,
                        rate: 0,
                        configured: 0,
                        rate_at: Timestamp::MAX,
                        rate_age: None,
                        holdings: vec![Holding::default(); owners],
                    });
                    assets.len() - 1
                },
            )
        };
        for (id, market) in markets.iter() {
            let venue = markets.venue_of(id).unwrap_or(VenueId(0));
            let (base, quote) = (asset(venue, market.base), asset(venue, market.quote));
            pairs.push(Pair { base, quote, valued: Vec::new() });
        }
        let external =
            |currency| rates.iter().find(|(other, _)| *other == currency).map(|(_, rate)| rate.units());
        for asset in &mut assets {
            (asset.source, asset.rate) = source_of(asset.currency, report, markets, &external)
                .ok_or(PortfolioError::NoRate { currency: asset.currency, report })?;
            asset.configured = asset.rate;
        }
        for (index, asset) in assets.iter().enumerate() {
            let RateSource::Market(market) = asset.source else { continue };
            let inverse = markets.get(market).is_some_and(|market| market.base != asset.currency);
            if let Some(pair) = pairs.get_mut(market.index()) {
                pair.valued.push((index, inverse));
            }
        }
        Ok(Self {
            report,
            equity: vec![0; owners],
            total_equity: 0,
            report_total: 0,
            positions: vec![Position::default(); strategies * pairs.len()],
            unpriced: vec![false; pairs.len()],
            unvalued: true,
            assets,
            pairs,
        })
    }

    /// The currency in which equity is counted.
    pub const fn report_currency(&self) -> Currency {
        self.report
    }

    pub(crate) fn asset(&self, venue: VenueId, currency: Currency) -> Option<AssetId> {
        self.assets.iter().position(|asset| asset.venue == venue && asset.currency == currency)
    }

    pub(crate) fn spends(&self, market: MarketId, side: Side) -> Option<AssetId> {
        let pair = self.pairs.get(market.index())?;
        Some(match side {
            Side::Buy => pair.quote,
            Side::Sell => pair.base,
        })
    }

    pub(crate) fn holding(&self, owner: Owner, asset: AssetId) -> Holding {
        let holding = self.assets.get(asset).and_then(|asset| asset.holdings.get(owner.index()));
        holding.copied().unwrap_or_default()
    }

    fn holding_mut(&mut self, owner: Owner, asset: AssetId) -> Option<&mut Holding> {
        self.assets.get_mut(asset)?.holdings.get_mut(owner.index())
    }

    /// What an owner has of a currency at a venue; nothing where no market trades it.
    pub fn balance(&self, owner: Owner, venue: VenueId, currency: Currency) -> Holding {
        self.asset(venue, currency).map(|asset| self.holding(owner, asset)).unwrap_or_default()
    }

    /// What the whole account has of a currency: the sum over strategies and what is unallocated.
    pub fn account(&self, venue: VenueId, currency: Currency) -> Holding {
        let asset = self.asset(venue, currency).and_then(|asset| self.assets.get(asset));
        let held = asset.map_or(&[][..], |asset| &asset.holdings);
        held.iter().fold(Holding::default(), |sum, holding| Holding {
            total: sum.total + holding.total,
            reserved: sum.reserved + holding.reserved,
        })
    }

    /// A strategy's position in a market.
    pub fn position(&self, strategy: StrategyId, market: MarketId) -> Position {
        self.positions.get(strategy.index() * self.pairs.len() + market.index()).copied().unwrap_or_default()
    }

    fn position_mut(&mut self, strategy: StrategyId, market: MarketId) -> Option<&mut Position> {
        self.positions.get_mut(strategy.index() * self.pairs.len() + market.index())
    }

    /// Changes what an owner has and with it the owner's equity.
    pub(crate) fn credit(&mut self, owner: Owner, asset: AssetId, units: i128) {
        if let Some(holding) = self.holding_mut(owner, asset) {
            holding.total += units;
        }
        let Some(Asset { rate, source, .. }) = self.assets.get(asset) else { return };
        if *source == RateSource::Report {
            self.report_total = self.report_total.saturating_add(units);
        }
        self.add_equity(owner, worth(units, *rate));
    }

    pub(crate) fn reserve(&mut self, owner: Owner, asset: AssetId, units: i128) {
        if let Some(holding) = self.holding_mut(owner, asset) {
            holding.reserved += units;
        }
    }

    fn add_equity(&mut self, owner: Owner, change: i128) {
        if let Some(equity) = self.equity.get_mut(owner.index()) {
            *equity = add(*equity, change);
            self.total_equity = add(self.total_equity, change);
        }
    }

    /// Starting base of a strategy is a position too, bought at the first mark.
    pub(crate) fn open_inventory(&mut self, strategy: StrategyId, market: MarketId, quantity: Quantity) {
        if let Some(position) = self.position_mut(strategy, market) {
            position.quantity = quantity;
        }
        self.set_unpriced(market, quantity.is_positive());
    }

    fn set_unpriced(&mut self, market: MarketId, value: bool) {
        if let Some(slot) = self.unpriced.get_mut(market.index()) {
            *slot = value;
            self.unvalued |= value;
        }
    }

    /// Gives inventory its cost when the first mark is seen.
    pub(crate) fn price_inventory(&mut self, market: MarketId, mark: Price) {
        self.set_unpriced(market, false);
        self.look_for_unvalued();
        let markets = self.pairs.len().max(1);
        for position in self.positions.iter_mut().skip(market.index()).step_by(markets) {
            if position.cost.is_zero() && position.turnover.is_zero() {
                position.cost = mark.notional(position.quantity, Rounding::Down).unwrap_or(Cash::ZERO);
            }
        }
    }

    /// Takes in an execution.
    pub(crate) fn fill(&mut self, strategy: StrategyId, fill: &Fill) {
        let Some((base, quote)) = self.pairs.get(fill.market.index()).map(|pair| (pair.base, pair.quote))
        else {
            return;
        };
        let owner = Owner::Strategy(strategy);
        self.credit(owner, base, i128::from(fill.base_change().units()));
        self.credit(owner, quote, fill.quote_change().units());
        if let Some(position) = self.position_mut(strategy, fill.market) {
            position.apply(fill);
        }
    }

    /// A market has a new mark: revalues what depends on it. Says whether that changed any worth.
    #[inline]
    pub(crate) fn mark(&mut self, market: MarketId, mark: Price) -> bool {
        let Some(Pair { quote, valued, .. }) = self.pairs.get(market.index()) else { return false };
        let quote_rate = self.assets.get(*quote).map_or(0, |asset| asset.rate);
        let direct = scaled(mark.units(), quote_rate);
        let mut changed = false;
        for (asset, inverse) in valued {
            let rate = match inverse {
                false => direct,
                true if mark.is_positive() => worth::inverse(mark.units()),
                true => continue,
            };
            if let Some(asset) = self.assets.get_mut(*asset).filter(|asset| asset.rate != rate) {
                asset.set_rate(rate, &mut self.equity, &mut self.total_equity);
                changed = true;
            }
        }
        if self.unvalued {
            self.look_for_unvalued();
        }
        changed
    }

    /// Whether anything waits for its first price.
    #[inline]
    pub(crate) fn has_unvalued(&self) -> bool {
        self.unvalued
    }

    /// Whether something is valued by this market and has no worth yet.
    pub(crate) fn is_unvalued(&self, market: MarketId) -> bool {
        self.assets.iter().any(|asset| asset.rate == 0 && asset.source == RateSource::Market(market))
            || self.unpriced.get(market.index()).copied().unwrap_or(false)
    }

    /// Sets the worth of a currency from outside, at every venue.
    pub(crate) fn set_external_rate(&mut self, now: Timestamp, currency: Currency, rate: Price) {
        for asset in &mut self.assets {
            if asset.currency == currency && asset.source == RateSource::External {
                asset.set_rate(rate.units(), &mut self.equity, &mut self.total_equity);
                asset.rate_at = now;
            }
        }
    }

    /// Says how old the worth of currencies may become that is told from outside.
    pub(crate) fn limit_rate_ages(&mut self, ages: &[(Currency, Span)]) {
        for asset in &mut self.assets {
            let own = ages.iter().find(|(currency, _)| *currency == asset.currency);
            asset.rate_age = own.map(|(_, age)| *age).filter(|_| asset.source == RateSource::External);
        }
    }

    /// Takes the configured worth of what is told from outside no longer: an earlier session's last word of a source that
    /// is gone would stand forever.
    pub(crate) fn forget_untold_rates(&mut self) {
        for asset in &mut self.assets {
            if asset.source == RateSource::External && asset.rate_age.is_none() {
                asset.set_rate(asset.configured, &mut self.equity, &mut self.total_equity);
                asset.rate_at = Timestamp::MAX;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn look_for_unvalued(&mut self) {
        let unvalued = self.assets.iter().any(|asset| asset.rate == 0);
        self.unvalued = unvalued || self.unpriced.contains(&true);
    }

    fn rate(&self, asset: AssetId) -> i64 {
        self.assets.get(asset).map_or(0, |asset| asset.rate)
    }

    /// The worth of one unit of a market's quote currency in the report currency; zero until known.
    pub fn quote_rate(&self, market: MarketId) -> Price {
        Price::from_units(self.pairs.get(market.index()).map_or(0, |pair| self.rate(pair.quote)))
    }

    /// Age of the outside rate that a market's quote currency depends on; zero, or less, where it depends on none.
    pub(crate) fn rate_age(&self, now: Timestamp, market: MarketId) -> Span {
        self.quote_asset(market).map_or(Span::ZERO, |asset| now.since(asset.rate_at))
    }

    /// How old that rate may become, where its source says so.
    pub(crate) fn rate_age_limit(&self, market: MarketId) -> Option<Span> {
        self.quote_asset(market).and_then(|asset| asset.rate_age)
    }

    /// Whether the outside rate that a market's quote currency depends on was not told for longer than its source
    /// allows: a strategy that quotes by it should not any more.
    pub fn is_rate_stale(&self, now: Timestamp, market: MarketId) -> bool {
        self.rate_age_limit(market).is_some_and(|limit| self.rate_age(now, market) > limit)
    }

    fn quote_asset(&self, market: MarketId) -> Option<&Asset> {
        self.pairs.get(market.index()).and_then(|pair| self.assets.get(pair.quote))
    }

    /// The worth of an amount in the report currency, rounded down; zero while its rate is not known.
    pub fn worth(&self, venue: VenueId, money: Money) -> Cash {
        let rate = self.asset(venue, money.currency).map_or(0, |asset| self.rate(asset));
        Cash::from_units(money.units.saturating_mul(i128::from(rate)) / EQUITY_SCALE)
    }

    /// The worth of a base quantity of a market in the report currency, rounded up.
    pub(crate) fn base_worth(&self, market: MarketId, quantity: Quantity) -> Result<Cash, ArithmeticError> {
        let rate = self.pairs.get(market.index()).map_or(0, |pair| self.rate(pair.base));
        Price::from_units(rate).notional(quantity, Rounding::Up)
    }

    /// Equity of an owner, in units of 1e-16 of the report currency.
    #[inline]
    pub(crate) fn owner_equity(&self, owner: Owner) -> i128 {
        self.equity.get(owner.index()).copied().unwrap_or(0)
    }

    /// Equity of every strategy, in units of 1e-16 of the report currency.
    #[inline]
    pub(crate) fn strategy_equities(&self) -> &[i128] {
        // What is unallocated stands first.
        self.equity.get(1..).unwrap_or_default()
    }

    /// Equity of the account, in units of 1e-16 of the report currency.
    #[inline]
    pub(crate) fn total_equity(&self) -> i128 {
        self.total_equity
    }

    /// Equity of the account in the report currency, rounded down.
    pub fn equity(&self) -> Cash {
        Cash::from_units(unscaled(self.total_equity))
    }

    /// Equity of one strategy in the report currency, rounded down.
    pub fn strategy_equity(&self, strategy: StrategyId) -> Cash {
        Cash::from_units(unscaled(self.owner_equity(Owner::Strategy(strategy))))
    }

    /// Worth of everything that is not the report currency, rounded down.
    pub fn exposure(&self) -> Cash {
        let cash = worth(self.report_total, SCALE);
        Cash::from_units(unscaled(sub(self.total_equity, cash)))
    }

    /// Every currency of every venue with the owner's holding.
    pub fn holdings(&self, owner: Owner) -> impl Iterator<Item = (VenueId, Currency, Holding)> {
        self.assets
            .iter()
            .enumerate()
            .map(move |(index, asset)| (asset.venue, asset.currency, self.holding(owner, index)))
    }
}

impl Asset {
    /// Gives it its worth and moves the equity of who holds it, by owner and in total.
    #[inline(never)]
    fn set_rate(&mut self, rate: i64, equity: &mut [i128], total_equity: &mut i128) {
        // Rates are not negative, so their difference fits.
        let change = rate.saturating_sub(self.rate);
        self.rate = rate;
        let mut all = 0;
        for (equity, Holding { total, .. }) in equity.iter_mut().zip(&self.holdings) {
            if *total != 0 {
                let gained = worth(*total, change);
                *equity = add(*equity, gained);
                all = add(all, gained);
            }
        }
        *total_equity = add(*total_equity, all);
    }
}

/// Finds what values a currency: itself, a market against the report currency, an outside rate, or a market
/// whose quote currency has an outside rate.
fn source_of(
    currency: Currency,
    report: Currency,
    markets: &Markets,
    external: &impl Fn(Currency) -> Option<i64>,
) -> Option<(RateSource, i64)> {
    if currency == report {
        return Some((RateSource::Report, SCALE));
    }
    let find = |base: Currency, quote: Currency| {
        markets.iter().find(|(_, market)| market.base == base && market.quote == quote).map(|(id, _)| id)
    };
    if let Some(market) = find(currency, report).or_else(|| find(report, currency)) {
        return Some((RateSource::Market(market), 0));
    }
    if let Some(rate) = external(currency) {
        return Some((RateSource::External, rate));
    }
    let through =
        markets.iter().find(|(_, market)| market.base == currency && external(market.quote).is_some());
    through.map(|(id, _)| (RateSource::Market(id), 0))
}
