//! What a configuration says, part by part: names become ids, and every mistake is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pampero_engine::{Allocation, Limits, MarketLimits, Owner, StrategyDefinition, StrategyId};
use pampero_model::{Currency, Market, MarketId, Markets, Money, Rate, Span, Timestamp, TradingDay, VenueId};
use pampero_venue::{FillModel, Latency, LatencyModel};

use super::{Plan, PlannedStrategy};
use crate::config::{
    Config, LatencyItem, LimitsSection, Problem, StrategySection, VenueSection, build_parameters,
};
use crate::suggest::hint;
use crate::{market_list, rates};

/// The plan, not yet tried out.
pub(super) fn resolve_with<'a>(
    config: &Config,
    strategies: &'a [StrategyDefinition],
    data: &[String],
    folder: &Path,
) -> Result<Plan<'a>, Vec<Problem>> {
    let mut resolver = Resolver { config, problems: Vec::new(), markets: Markets::default() };
    resolver.add_markets(data);
    let planned = resolver.strategies(strategies);
    let account = resolver.account();
    let allocations = resolver.allocations(&account);
    let account_limits = resolver.limits("limits", &config.limits);
    resolver.check_rates_and_markets();
    let first_quote = resolver.markets.get(MarketId(0)).map(|market| market.quote);
    let report_currency = config.report_currency.or(first_quote);
    let (changing_rates, wrong) = rates::resolve(config, &resolver.markets, report_currency);
    resolver.problems.extend(wrong);
    let (time_zone, trading_day) = resolver.trading_day();
    let (from, to) = resolver.range();
    let fill = resolver.fill();
    let latency = resolver.latency(folder);
    let Resolver { problems, markets, .. } = resolver;
    let Some(report_currency) = report_currency.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Plan {
        markets,
        further: config.venues.clone(),
        strategies: planned,
        account_limits,
        report_currency,
        rates: config.rates.clone(),
        changing_rates,
        rate_histories: Vec::new(),
        first_rates: Vec::new(),
        rates_age: false,
        allocations,
        market_bound: config.market_bound.unwrap_or(Rate::from_units(2_000_000)),
        time_zone,
        trading_day,
        seed: config.seed.unwrap_or(1),
        fill,
        latency,
        from,
        to,
    })
}

/// The market of a name. A code alone is never that of a further venue.
pub(super) fn find(
    name: &str,
    markets: &Markets,
    further: &BTreeMap<String, VenueSection>,
) -> Option<MarketId> {
    let bare = |market: &Market| market.code == name && !further.contains_key(&market.venue);
    if name.contains(':') {
        return markets.find(name);
    }
    markets.iter().find(|(_, market)| bare(market)).map(|(id, _)| id)
}

struct Resolver<'a> {
    config: &'a Config,
    problems: Vec<Problem>,
    markets: Markets,
}

impl Resolver<'_> {
    /// A problem at a key, or at the option that took its place.
    fn problem(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let key = self.config.origin_of(key).unwrap_or(key).to_owned();
        self.problems.push(Problem::new(key, message, help));
    }

    fn add_markets(&mut self, data: &[String]) {
        let config = self.config;
        let list = match market_list::built_in() {
            Ok(list) => list,
            Err(problems) => {
                self.problems.extend(problems.list);
                return;
            }
        };
        let named = config.strategies.iter().enumerate().flat_map(|(index, strategy)| {
            strategy.markets.iter().map(move |name| (format!("strategy[{index}].markets"), name))
        });
        let of_data = data.iter().map(|name| ("backtest.data".to_owned(), name));
        for (key, name) in named.chain(of_data) {
            if self.find(name).is_none() {
                self.add_market(&key, name, &list);
            }
        }
        if self.markets.is_empty() && self.problems.is_empty() {
            let help = "name the markets of the strategy: markets = [\"btc_usd\"]";
            self.problem("strategy", "no market is named and the data names none", help);
        }
    }

    fn find(&self, name: &str) -> Option<MarketId> {
        find(name, &self.markets, &self.config.venues)
    }

    fn add_market(&mut self, key: &str, name: &str, list: &[Market]) {
        let config = self.config;
        let added = market_list::market(name, list, config).and_then(|mut market| {
            if let Some(fee) = config.fee {
                (market.maker_fee, market.taker_fee) = (fee, fee);
            }
            self.markets.insert(market)
        });
        if let Err(error) = added {
            let known: Vec<_> = list.iter().map(|market| market.code.as_str()).collect();
            self.problem(key, error.to_string(), hint(name, known));
        }
    }

    fn strategies<'s>(&mut self, definitions: &'s [StrategyDefinition]) -> Vec<PlannedStrategy<'s>> {
        let config = self.config;
        if config.strategies.is_empty() {
            self.problem(
                "strategy",
                "there is no strategy",
                "add one: [[strategy]] with a name and its markets",
            );
        }
        let sections = config.strategies.iter().enumerate();
        sections.filter_map(|(index, section)| self.strategy(index, section, definitions)).collect()
    }

    fn strategy<'s>(
        &mut self,
        index: usize,
        section: &StrategySection,
        definitions: &'s [StrategyDefinition],
    ) -> Option<PlannedStrategy<'s>> {
        let key = format!("strategy[{index}]");
        let limits = self.limits(&format!("{key}.limits"), &section.limits);
        let names: Vec<_> = definitions.iter().map(StrategyDefinition::name).collect();
        let Some(name) = &section.name else {
            let help = format!("add the key: name = \"…\" ({})", names.join(", "));
            self.problem(&key, "the strategy has no name", help);
            return None;
        };
        let Some(definition) = definitions.iter().find(|definition| definition.name() == name) else {
            self.problem(&format!("{key}.name"), format!("`{name}` is not a strategy"), hint(name, names));
            return None;
        };
        let markets: Vec<MarketId> = if section.markets.is_empty() {
            self.markets.iter().map(|(id, _)| id).collect()
        } else {
            section.markets.iter().filter_map(|name| self.find(name)).collect()
        };
        match build_parameters(definition, &section.parameters, &markets) {
            Ok(parameters) => {
                let label = self.label(index, name);
                Some(PlannedStrategy { label, definition, parameters, markets, limits })
            }
            // Without a market the strategy cannot even be asked, and that is reported already.
            Err(_) if markets.is_empty() => None,
            Err(refused) => {
                for refusal in refused {
                    let key = match &refusal.key {
                        Some(parameter) => format!("{key}.parameters.{parameter}"),
                        None => format!("{key}.parameters"),
                    };
                    self.problem(&key, refusal.message, refusal.help);
                }
                None
            }
        }
    }

    fn label(&self, index: usize, name: &str) -> Arc<str> {
        let same = |section: &&StrategySection| section.name.as_deref() == Some(name);
        if self.config.strategies.iter().filter(same).count() < 2 {
            return name.into();
        }
        let number = self.config.strategies.iter().take(index + 1).filter(same).count();
        format!("{name}#{number}").into()
    }

    /// The venue and currency that a name of the account means.
    fn money_place(&mut self, key: &str, name: &str) -> Option<(VenueId, Currency)> {
        let (venue, code) = match name.split_once(':') {
            Some((venue, code)) => (Some(venue), code),
            None => (None, name),
        };
        let Ok(currency) = code.parse::<Currency>() else {
            self.problem(
                key,
                format!("`{code}` is not a currency code"),
                "write two to eight letters or digits",
            );
            return None;
        };
        let mut venues: Vec<VenueId> = self
            .markets
            .iter()
            .filter(|(_, market)| {
                (market.base == currency || market.quote == currency)
                    && venue.is_none_or(|venue| market.venue == venue)
            })
            .filter_map(|(id, _)| self.markets.venue_of(id))
            .collect();
        venues.sort_unstable();
        venues.dedup();
        match venues.as_slice() {
            [only] => Some((*only, currency)),
            [] => {
                let traded: Vec<String> = self
                    .markets
                    .iter()
                    .map(|(_, market)| format!("{} ({} and {})", market.code, market.base, market.quote))
                    .collect();
                let help = format!("the markets of the run are: {}", traded.join(", "));
                self.problem(key, format!("no market of the run trades {name}"), help);
                None
            }
            _ => {
                let message = format!("several venues of the run trade {currency}");
                self.problem(key, message, format!("say which: \"VENUE:{}\"", currency.code()));
                None
            }
        }
    }

    fn account(&mut self) -> Vec<(VenueId, Money)> {
        let config = self.config;
        if config.account.iter().all(|(_, cash)| cash.is_zero()) {
            let help = "say what the account holds: [account] with for example usd = \"10000\"";
            self.problem("account", "the account holds nothing to trade with", help);
        }
        if self.markets.is_empty() {
            return Vec::new();
        }
        let amounts = config.account.iter().filter_map(|(name, cash)| {
            let (venue, currency) = self.money_place(&format!("account.{name}"), name)?;
            Some((venue, Money::new(currency, cash.units())))
        });
        amounts.collect()
    }

    /// Who begins with what: the only strategy with everything, several with what they are given.
    fn allocations(&mut self, account: &[(VenueId, Money)]) -> Vec<Allocation> {
        let config = self.config;
        let several = config.strategies.len() > 1;
        let mut left = account.to_vec();
        let mut allocations = Vec::new();
        for (index, section) in config.strategies.iter().enumerate() {
            let id = u16::try_from(index).map_or(StrategyId(u16::MAX), StrategyId);
            let owner = Owner::Strategy(id);
            if section.allocation.is_empty() && several {
                let key = format!("strategy[{index}]");
                let help = "give each a share: [strategy.allocation] with for example usd = \"5000\"";
                self.problem(&key, "of several strategies each needs an allocation", help);
            } else if section.allocation.is_empty() {
                let everything = left.drain(..);
                allocations.extend(everything.map(|(venue, money)| Allocation { owner, venue, money }));
            }
            for (name, cash) in &section.allocation {
                let key = format!("strategy[{index}].allocation.{name}");
                let Some((venue, currency)) = self.money_place(&key, name) else { continue };
                let rest =
                    left.iter_mut().find(|(place, money)| *place == venue && money.currency == currency);
                match rest {
                    Some((_, money)) if money.units >= cash.units() => {
                        money.units -= cash.units();
                        let money = Money::new(currency, cash.units());
                        allocations.push(Allocation { owner, venue, money });
                    }
                    rest => {
                        let has = rest.map_or(Money::new(currency, 0), |(_, money)| *money);
                        let message = format!("{cash} {currency} are allocated, but only {has} are left");
                        self.problem(&key, message, "allocate less, or raise the amount under [account]");
                    }
                }
            }
        }
        let owner = Owner::Unallocated;
        let rest = left.into_iter().filter(|(_, money)| money.units > 0);
        allocations.extend(rest.map(|(venue, money)| Allocation { owner, venue, money }));
        allocations
    }

    fn limits(&mut self, key: &str, section: &LimitsSection) -> Limits {
        let mut limits = section.values.clone();
        let windows = [
            ("price_drift", limits.price_drift.is_some(), limits.price_drift_window),
            ("max_fills", limits.max_fills.is_some(), limits.fills_window),
            ("max_rejects", limits.max_rejects.is_some(), limits.rejects_window),
        ];
        for ((name, set, window), other) in
            windows.into_iter().zip(["price_drift_window", "fills_window", "rejects_window"])
        {
            if set && window <= Span::ZERO {
                let message = format!("`{key}.{name}` needs a window");
                self.problem(&format!("{key}.{name}"), message, format!("add {other} = \"1m\" beside it"));
            }
        }
        limits.allowed_markets = section.allowed_markets.as_ref().map(|names| {
            let key = format!("{key}.allowed_markets");
            names.iter().filter_map(|name| self.known_market(&key, name)).collect()
        });
        if !section.markets.is_empty() {
            limits.markets = vec![MarketLimits::default(); self.markets.len()];
        }
        for (name, of_market) in &section.markets {
            let id = self.known_market(&format!("{key}.markets.{name}"), name);
            if let Some(slot) = id.and_then(|id| limits.markets.get_mut(id.index())) {
                *slot = *of_market;
            }
        }
        limits
    }

    /// A market of the run. Where the command line chose other markets, what is said of the configured ones lapses.
    fn known_market(&mut self, key: &str, name: &str) -> Option<MarketId> {
        let found = self.find(name);
        if found.is_none() && !self.config.other_markets {
            let written = |market: &Market| {
                let venue = Some(&market.venue).filter(|venue| self.config.is_further(venue));
                venue.map_or(market.code.clone(), |venue| format!("{venue}:{}", market.code))
            };
            let codes: Vec<String> = self.markets.iter().map(|(_, market)| written(market)).collect();
            let message = format!("`{name}` is not a market of this run");
            self.problem(key, message, hint(name, codes.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        found
    }

    fn check_rates_and_markets(&mut self) {
        let config = self.config;
        for name in config.markets.keys() {
            self.known_market(&format!("markets.{name}"), name);
        }
        for (currency, rate) in &config.rates {
            if !rate.is_positive() {
                let key = format!("rates.{}", currency.code());
                self.problem(&key, format!("the worth of one {currency} is 0"), "write a rate above 0");
            }
        }
        let ticks: Vec<String> = self
            .markets
            .iter()
            .filter(|(_, market)| !market.price_tick.is_positive() || !market.quantity_step.is_positive())
            .map(|(_, market)| market.code.clone())
            .collect();
        for code in ticks {
            let help = "write a price_tick and a quantity_step of at least 0.00000001";
            self.problem(&format!("markets.{code}"), "a step of 0 allows no order", help);
        }
    }

    fn trading_day(&mut self) -> (String, TradingDay) {
        let zone = self.config.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let day = TradingDay::in_zone(&zone).unwrap_or_else(|error| {
            let help = "name a zone of the IANA database";
            self.problem("run.time_zone", error.to_string(), help);
            TradingDay::utc()
        });
        (zone, day)
    }

    fn range(&mut self) -> (Timestamp, Timestamp) {
        let backtest = &self.config.backtest;
        let from = backtest.from.unwrap_or(Timestamp::MIN);
        let to = backtest.to.unwrap_or(Timestamp::MAX);
        if from >= to {
            let message = format!("the run would end at {to}, before it begins at {from}");
            self.problem("backtest.to", message, "let `from` be earlier than `to`");
        }
        (from, to)
    }

    fn fill(&mut self) -> FillModel {
        let backtest = &self.config.backtest;
        let mut model = FillModel::preset(backtest.fill.unwrap_or_default());
        if let Some(share) = backtest.volume_share {
            if share > Rate::ONE || share.is_zero() {
                let message = format!("`volume_share` is {share}");
                self.problem("backtest.volume_share", message, "write a share above 0 and at most 1");
            }
            model.volume_share = share;
        }
        model
    }

    fn latency(&mut self, folder: &Path) -> Latency {
        let backtest = &self.config.backtest;
        let items = [
            ("order", &backtest.order_latency),
            ("cancel", &backtest.cancel_latency),
            ("report", &backtest.report_latency),
        ];
        let [order, cancel, report] = items.map(|(name, item)| {
            item.as_ref().map_or(LatencyModel::None, |item| self.latency_model(name, item, folder))
        });
        Latency { order, cancel, report }
    }

    fn latency_model(&mut self, name: &str, item: &LatencyItem, folder: &Path) -> LatencyModel {
        match item {
            LatencyItem::Constant(Span::ZERO) => LatencyModel::None,
            LatencyItem::Constant(span) => LatencyModel::Constant(*span),
            LatencyItem::Uniform { min, max } => LatencyModel::Uniform { min: *min, max: *max },
            LatencyItem::Measured(file) => {
                let path = folder.join(file);
                let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
                let model =
                    read.and_then(|text| LatencyModel::measured(&text).map_err(|error| error.to_string()));
                model.unwrap_or_else(|error| {
                    let message = format!("{}: {error}", path.display());
                    let help = "name a file of request times, one a line, in milliseconds";
                    self.problem(&format!("backtest.latency.{name}"), message, help);
                    LatencyModel::None
                })
            }
        }
    }
}
