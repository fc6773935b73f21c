//! From a configuration to a run: names become ids, and everything is checked for making sense together.

mod resolver;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pampero_backtest::RateHistory;
use pampero_engine::{
    Allocation, Engine, EngineError, Fingerprint, Limits, MarketLimits, PortfolioError, Setup,
    StrategyDefinition,
};
#[cfg(feature = "live")]
use pampero_model::{Cash, Market};
use pampero_model::{Currency, MarketId, Markets, Price, Rate, Span, Timestamp, TradingDay};
#[cfg(feature = "live")]
use pampero_runtime::feed::FeedSettings;
use pampero_venue::{FillModel, FillPreset, Latency};
use serde_json::{Map, Value as Json};

use self::resolver::{find, resolve_with};
use crate::config::{Config, Problem, VenueSection};
use crate::data;
use crate::rates::{self, ChangingRate};

/// A run that can be made any number of times.
pub(crate) struct Plan<'a> {
    pub markets: Markets,
    /// The venues beside the first.
    further: BTreeMap<String, VenueSection>,
    pub strategies: Vec<PlannedStrategy<'a>>,
    pub account_limits: Limits,
    pub report_currency: Currency,
    pub rates: Vec<(Currency, Price)>,
    /// Rates that change.
    pub changing_rates: Vec<ChangingRate>,
    /// What they were, for a backtest.
    pub rate_histories: Vec<RateHistory>,
    /// What their sources said before a session began, in place of `rates`.
    pub first_rates: Vec<(Currency, Price)>,
    /// Whether they are read and become stale, as in a session.
    rates_age: bool,
    pub allocations: Vec<Allocation>,
    pub market_bound: Rate,
    pub time_zone: String,
    pub trading_day: TradingDay,
    pub seed: u64,
    pub fill: FillModel,
    pub latency: Latency,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A strategy of the run.
pub(crate) struct PlannedStrategy<'a> {
    /// Its name; with a number where two have the same.
    pub label: Arc<str>,
    pub definition: &'a StrategyDefinition,
    /// All of them, defaults included.
    pub parameters: Map<String, Json>,
    pub markets: Vec<MarketId>,
    pub limits: Limits,
}

impl Plan<'_> {
    /// The market of a name.
    pub fn find(&self, name: &str) -> Option<MarketId> {
        find(name, &self.markets, &self.further)
    }

    /// The engine's setup: built anew for each run, for strategies have state.
    ///
    /// # Errors
    /// If a strategy refuses parameters that it took when the plan was made.
    pub fn setup(&self) -> Result<Setup, String> {
        let mut strategies = Vec::new();
        for planned in &self.strategies {
            let parameters = Json::Object(planned.parameters.clone());
            let strategy = planned.definition.build(&parameters, &planned.markets);
            strategies.push((strategy.map_err(|error| error.to_string())?, planned.limits.clone()));
        }
        Ok(Setup {
            markets: self.markets.clone(),
            strategies,
            account_limits: self.account_limits.clone(),
            report_currency: self.report_currency,
            // The first that names a currency counts.
            rates: self.first_rates.iter().chain(&self.rates).copied().collect(),
            rate_ages: self.rate_ages(),
            allocations: self.allocations.clone(),
            market_bound: self.market_bound,
            trading_day: self.trading_day.clone(),
            fingerprint: Fingerprint::default(),
        })
    }

    fn rate_ages(&self) -> Vec<(Currency, Span)> {
        let changing = self.changing_rates.iter().filter(|_| self.rates_age);
        changing.filter_map(|rate| Some((rate.currency, rate.stale_after()?))).collect()
    }

    /// The fill model of a preset. The configured share of the volume belongs to the configured preset.
    pub fn fill_model(&self, preset: FillPreset) -> FillModel {
        if preset == self.fill.preset { self.fill } else { FillModel::preset(preset) }
    }

    /// A BLAKE3 hash, in hexadecimal, of everything that decides a run but the data.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: String| {
            hasher.update(text.as_bytes());
            hasher.update(b"\n");
        };
        add(format!("{:?}", self.markets));
        for planned in &self.strategies {
            let parameters = Json::Object(planned.parameters.clone());
            add(format!("{} {parameters} {:?} {:?}", planned.label, planned.markets, planned.limits));
        }
        add(format!("{:?} {:?} {:?}", self.account_limits, self.report_currency, self.rates));
        if !self.changing_rates.is_empty() {
            add(format!("{:?} {:?}", self.changing_rates, self.rate_histories));
        }
        add(format!("{:?} {:?} {}", self.allocations, self.market_bound, self.time_zone));
        add(format!("{} {:?} {:?} {:?} {:?}", self.seed, self.fill, self.latency, self.from, self.to));
        hasher.finalize().to_hex().to_string()
    }

    /// Whether any limit is set that could refuse an order.
    pub fn has_limits(&self) -> bool {
        let unlimited = |limits: &Limits| {
            let Limits { markets, .. } = limits;
            let plain = Limits { markets: markets.clone(), ..Limits::default() };
            *limits == plain && markets.iter().all(|market| *market == MarketLimits::default())
        };
        !(unlimited(&self.account_limits) && self.strategies.iter().all(|planned| unlimited(&planned.limits)))
    }
}

/// Makes a plan. `data` names the market of each source of data, in order.
///
/// # Errors
/// Everything that does not make sense, each with the key that says it.
pub(crate) fn resolve<'a>(
    config: &Config,
    strategies: &'a [StrategyDefinition],
    data: &[String],
    folder: &Path,
) -> Result<Plan<'a>, Vec<Problem>> {
    let plan = resolve_with(config, strategies, data, folder)?;
    match trial(&plan) {
        Some(problem) => Err(vec![problem]),
        None => Ok(plan),
    }
}

#[cfg(feature = "live")]
impl Plan<'_> {
    /// The plan as paper and live trading follow it: no order increases a position on data older than the feed calls
    /// stale, whatever the limits say. A backtest on candles has to allow more, since hours may pass without a trade.
    /// The gate knows the caps of the gateway, so that nothing is approved that it would refuse.
    /// Nor on a rate that its source has not confirmed for too long; of history a rate counts until the next.
    pub fn in_session(mut self, config: &Config) -> Self {
        let stale = config.trading.feed.stale_after.unwrap_or(FeedSettings::default().stale_after);
        let limit = &mut self.account_limits.max_data_age;
        *limit = Some(limit.map_or(stale, |limit| limit.min(stale)));
        for (market, cap) in self.order_caps(config) {
            self.cap_orders(market, cap);
        }
        self.rates_age = true;
        self
    }

    /// Lets the gate know the largest order in quote that leaves.
    pub fn cap_orders(&mut self, market: MarketId, cap: Cash) {
        let limits = &mut self.account_limits.markets;
        limits.resize(limits.len().max(market.index() + 1), MarketLimits::default());
        if let Some(limits) = limits.get_mut(market.index()) {
            limits.order_cap = Some(cap);
        }
    }

    /// The largest order that leaves, by market: as configured for its currency, or the largest that the limits allow in
    /// a market of the currency.
    fn order_caps(&self, config: &Config) -> Vec<(MarketId, Cash)> {
        let all = self.strategies.iter().map(|planned| &planned.limits).chain([&self.account_limits]);
        let notionals = all.flat_map(|limits| self.markets.iter().zip(&limits.markets));
        let mut most: BTreeMap<String, Cash> = BTreeMap::new();
        for ((_, market), limits) in notionals {
            if let Some(cap) = limits.max_order_notional {
                let slot = most.entry(market.quote.code().to_ascii_lowercase()).or_insert(cap);
                *slot = cap.max(*slot);
            }
        }
        let set = config.trading.live.max_notional.iter();
        most.extend(set.map(|(name, cap)| (name.to_ascii_lowercase(), *cap)));
        let cap = |market: &Market| most.get(&market.quote.code().to_ascii_lowercase()).copied();
        self.markets.iter().filter_map(|(id, market)| Some((id, cap(market)?))).collect()
    }
}

/// Checks a configuration without reading its data: the plan as far as it is known, or everything that is wrong.
///
/// # Errors
/// As [`resolve`], and sources of data that are not there.
pub(crate) fn check<'a>(
    config: &Config,
    strategies: &'a [StrategyDefinition],
    folder: &Path,
) -> Result<Plan<'a>, Vec<Problem>> {
    let mut problems = data::check(config, folder);
    let items = &config.backtest.data;
    let named: Vec<String> = items.iter().filter_map(|item| item.market.clone()).collect();
    let resolved = resolve_with(config, strategies, &named, folder);
    let tried = resolved.and_then(|plan| match trial(&plan) {
        Some(problem) if !config.may_have_more_markets() => Err(vec![problem]),
        _ => Ok(plan),
    });
    match tried {
        Ok(plan) => {
            problems.extend(rates::check_histories(&plan.changing_rates, folder));
            if problems.is_empty() {
                return Ok(plan);
            }
        }
        Err(others) => problems.extend(others),
    }
    Err(problems)
}

/// Everything that [`check`] finds wrong.
pub(crate) fn problems(config: &Config, strategies: &[StrategyDefinition], folder: &Path) -> Vec<Problem> {
    check(config, strategies, folder).err().unwrap_or_default()
}

/// What the engine itself says of the plan.
fn trial(plan: &Plan<'_>) -> Option<Problem> {
    let setup = match plan.setup() {
        Ok(setup) => setup,
        Err(message) => return Some(Problem::new("strategy", message, "correct its parameters")),
    };
    match Engine::new(setup) {
        Ok(_) => None,
        Err(EngineError::Portfolio(PortfolioError::NoRate { currency, report })) => Some(Problem::new(
            "run.report_currency",
            format!("nothing says what one {currency} is worth in {report}"),
            format!(
                "add the worth under [rates]: {} = \"…\", or add a market that trades both",
                currency.code()
            ),
        )),
        Err(error) => Some(Problem::new("", error.to_string(), "correct the configuration")),
    }
}
