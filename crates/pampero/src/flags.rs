//! What the command line changes in a configuration.

use pampero_engine::StrategyDefinition;
use pampero_model::Cash;
use pampero_venue::FillPreset;

use crate::cli::{BacktestArgs, Fill};
use crate::config::{Config, DataItem, Problem, StrategySection, of_command_line};
use crate::market_list::code_of_symbol;
use crate::suggest::hint;

/// Applies the options to a configuration, which is empty where there is no file.
///
/// # Errors
/// Options that make no sense, each by its name.
pub(crate) fn apply(
    config: &mut Config,
    args: &BacktestArgs,
    definitions: &[StrategyDefinition],
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    choose_strategy(config, args, definitions, &mut problems);
    set_parameters(config, args, &mut problems);
    if !args.cash.is_empty() {
        config.account = balances(args, &mut problems);
        config.origins.push(("account", "--cash"));
        for strategy in &mut config.strategies {
            strategy.allocation.clear();
        }
    }
    if !args.data.is_empty() {
        config.backtest.data = args.data.iter().map(|text| data_item(text)).collect();
        config.origins.push(("backtest.data", "--data"));
    }
    if !args.market.is_empty() {
        for strategy in &mut config.strategies {
            strategy.markets.clone_from(&args.market);
        }
        config.other_markets = true;
        config.origins.push(("strategy[0].markets", "--market"));
    }
    config.fee = args.fee;
    if let Some(preset) = args.fill.and_then(preset_of) {
        if config.backtest.fill.unwrap_or_default() != preset {
            // The configured share of the volume was meant for the configured preset.
            config.backtest.volume_share = None;
        }
        config.backtest.fill = Some(preset);
    }
    if args.from.is_some() {
        config.backtest.from = args.from;
        config.origins.push(("backtest.to", "--from"));
    }
    if args.to.is_some() {
        config.backtest.to = args.to;
        config.origins.push(("backtest.to", "--to"));
    }
    config.seed = args.seed.or(config.seed);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The preset of an option; none for `all`, which keeps the configured one as the main.
fn preset_of(fill: Fill) -> Option<FillPreset> {
    match fill {
        Fill::Conservative => Some(FillPreset::Conservative),
        Fill::Neutral => Some(FillPreset::Neutral),
        Fill::Optimistic => Some(FillPreset::Optimistic),
        Fill::All => None,
    }
}

/// The named strategy: those of the configuration that have the name, or one in place of the first.
fn choose_strategy(
    config: &mut Config,
    args: &BacktestArgs,
    definitions: &[StrategyDefinition],
    problems: &mut Vec<Problem>,
) {
    let names: Vec<&str> = definitions.iter().map(StrategyDefinition::name).collect();
    let Some(name) = &args.strategy else {
        match (config.strategies.is_empty(), definitions) {
            (true, [only]) => {
                let name = Some(only.name().to_owned());
                config.strategies.push(StrategySection { name, ..StrategySection::default() });
            }
            (true, _) if config.origins.is_empty() && args.config.is_none() => {
                let help = format!("name one: --strategy {}", names.join(", --strategy "));
                problems.push(Problem::new("--strategy", "no strategy is named", help));
            }
            _ => {}
        }
        return;
    };
    if !names.contains(&name.as_str()) {
        let message = format!("`{name}` is not a strategy");
        problems.push(Problem::new("--strategy", message, hint(name, names)));
        return;
    }
    if config.strategies.iter().any(|section| section.name.as_ref() == Some(name)) {
        config.strategies.retain(|section| section.name.as_ref() == Some(name));
        return;
    }
    let first = config.strategies.first().cloned().unwrap_or_default();
    let named = StrategySection { name: Some(name.clone()), parameters: Vec::new(), ..first };
    config.strategies = vec![named];
    config.origins.push(("strategy[0].name", "--strategy"));
}

fn set_parameters(config: &mut Config, args: &BacktestArgs, problems: &mut Vec<Problem>) {
    for (key, value) in &args.set {
        let (name, key) = match key.split_once('.') {
            Some((name, key)) => (Some(name), key),
            None => (None, key.as_str()),
        };
        let several = config.strategies.len() > 1;
        let names: Vec<String> =
            config.strategies.iter().filter_map(|section| section.name.clone()).collect();
        let section = match name {
            None if several => None,
            None => config.strategies.first_mut(),
            Some(name) => config.strategies.iter_mut().find(|section| section.name.as_deref() == Some(name)),
        };
        match section {
            Some(section) => {
                section.parameters.retain(|(other, _)| other != key);
                section.parameters.push((key.to_owned(), of_command_line(value)));
                config.set_keys.push(key.to_owned());
            }
            // Without any strategy that is the mistake to report.
            None if names.is_empty() => {}
            None => {
                let message = format!("`{key}` is of which strategy?");
                let help = format!("write NAME.KEY=VALUE; there are: {}", names.join(", "));
                problems.push(Problem::new("--set", message, help));
            }
        }
    }
}

fn balances(args: &BacktestArgs, problems: &mut Vec<Problem>) -> Vec<(String, Cash)> {
    let mut balances: Vec<(String, Cash)> = Vec::new();
    for (currency, amount) in &args.cash {
        let name = currency.to_ascii_lowercase();
        match amount.parse::<Cash>() {
            Ok(cash) if !cash.is_negative() && !balances.iter().any(|(other, _)| *other == name) => {
                balances.push((name, cash));
            }
            Ok(_) => {
                let message = format!("`{currency}={amount}` is below zero, or names a currency again");
                problems.push(Problem::new("--cash", message, "give each currency once, not below zero"));
            }
            Err(error) => {
                let message = format!("`{currency}={amount}`: {error}");
                problems.push(Problem::new("--cash", message, "write for example USD=1000000"));
            }
        }
    }
    balances
}

/// `FILE`, `sample:NAME`, or either after `MARKET=`.
fn data_item(text: &str) -> DataItem {
    if let Some((market, file)) = text.split_once('=') {
        let code = market.rsplit(':').next().unwrap_or(market);
        // A file whose own name has a `=` in it is still a file.
        if code.contains('_') && code_of_symbol(code).is_some() && !std::path::Path::new(text).exists() {
            return DataItem { market: Some(market.to_owned()), ..DataItem::of_text(file) };
        }
    }
    DataItem::of_text(text)
}
