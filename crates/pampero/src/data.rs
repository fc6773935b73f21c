//! Loads a run's market data and finds out to which market each part belongs.

use std::path::Path;

use pampero_backtest::{Feed, FeedData};
use pampero_model::MarketId;
use pampero_store::{DataError, Dataset, LoadOptions, Series, load, load_bytes};

use crate::config::{Config, DataItem, DataSource, Problem};
use crate::error::Failure;
use crate::market_list::code_of_symbol;
use crate::plan::Plan;
use crate::sample;
use crate::suggest::hint;

/// Market data with the name of its market.
pub(crate) struct Loaded {
    pub market: String,
    pub dataset: Dataset,
    /// What the reader should know of how its market was found out.
    pub note: Option<String>,
}

/// Reads every source, several at once, in the order in which they are named.
///
/// # Errors
/// The first source that cannot be read, or whose market nobody says.
pub(crate) fn load_all(config: &Config, folder: &Path) -> Result<Vec<Loaded>, Failure> {
    let items = &config.backtest.data;
    if items.is_empty() {
        let help = "name market data: [backtest] with data = [\"FILE\"], or the option --data FILE";
        return Err(Failure::problem(Problem::new("backtest.data", "there is no market data", help)));
    }
    let markets = strategy_markets(config);
    let read: Vec<Result<Vec<Dataset>, Failure>> = match items.as_slice() {
        [only] => vec![read_item(only, folder, &markets)],
        several => std::thread::scope(|scope| {
            let markets = &markets;
            let threads: Vec<_> =
                several.iter().map(|item| scope.spawn(move || read_item(item, folder, markets))).collect();
            let defect = || Err(Failure::Defect("a thread that read data has failed".to_owned()));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| defect())).collect()
        }),
    };
    let mut parts: Vec<(&DataItem, Dataset)> = Vec::new();
    for (item, datasets) in items.iter().zip(read) {
        parts.extend(datasets?.into_iter().map(|dataset| (item, dataset)));
    }
    bind(parts, config, &markets)
}

/// What is wrong with the sources without reading them: files that are not there, samples of other names.
pub(crate) fn check(config: &Config, folder: &Path) -> Vec<Problem> {
    if config.origin_of("backtest.data").is_some() {
        // Of the command line: the attempt to read them says what is wrong.
        return Vec::new();
    }
    let of_item = |item: &DataItem| match &item.source {
        DataSource::File(path) if !folder.join(path).exists() => {
            let message = format!("there is no file {}", folder.join(path).display());
            Some(Problem::new("backtest.data", message, "paths are relative to the configuration"))
        }
        DataSource::Sample(name) if sample::find(name).is_none() => Some(no_sample(name)),
        _ => None,
    };
    config.backtest.data.iter().filter_map(of_item).collect()
}

fn no_sample(name: &str) -> Problem {
    let message = format!("there is no sample `{name}`");
    Problem::new("backtest.data", message, hint(name, sample::names()))
}

/// The markets that the strategies name.
fn strategy_markets(config: &Config) -> Vec<String> {
    let mut markets: Vec<String> =
        config.strategies.iter().flat_map(|strategy| strategy.markets.iter().cloned()).collect();
    markets.sort_unstable();
    markets.dedup();
    markets
}

fn code(market: &str) -> &str {
    market.rsplit(':').next().unwrap_or(market)
}

/// Reads one source; of a file with several symbols those that belong to the run's markets.
fn read_item(item: &DataItem, folder: &Path, markets: &[String]) -> Result<Vec<Dataset>, Failure> {
    let read = |options: &LoadOptions| match &item.source {
        DataSource::File(path) => load(folder.join(path), options).map_err(Failure::from),
        DataSource::Sample(name) => match sample::find(name) {
            Some(bytes) => load_bytes(&format!("sample:{name}"), bytes, options).map_err(Failure::from),
            None => Err(Failure::problem(no_sample(name))),
        },
    };
    let found = match read(&LoadOptions::default()) {
        Err(Failure::Data(DataError::Symbol { path, problem, found })) => (path, problem, found),
        other => return other.map(|dataset| vec![dataset]),
    };
    let (path, _, symbols) = found;
    let wanted: Vec<&str> = item.market.iter().chain(markets).map(|market| code(market)).collect();
    let chosen: Vec<&String> = symbols
        .iter()
        .filter(|symbol| code_of_symbol(symbol).is_some_and(|found| wanted.contains(&found.as_str())))
        .collect();
    if chosen.is_empty() {
        let example = symbols.iter().find_map(|symbol| code_of_symbol(symbol));
        let example = example.unwrap_or_else(|| "CODE".to_owned());
        let message = format!("{} holds {}", path.display(), symbols.join(", "));
        let help = format!("choose one: --market {example}, or markets = [\"{example}\"] of the strategy");
        return Err(Failure::problem(Problem::new("backtest.data", message, help)));
    }
    chosen
        .into_iter()
        .map(|symbol| read(&LoadOptions { symbol: Some(symbol.clone()), ..LoadOptions::default() }))
        .collect()
}

/// The market of each part: what the source says for it, what its symbol says, or the only one there is.
fn bind(
    parts: Vec<(&DataItem, Dataset)>,
    config: &Config,
    markets: &[String],
) -> Result<Vec<Loaded>, Failure> {
    let first_symbol = parts.first().and_then(|(_, dataset)| dataset.symbol.clone());
    let one_symbol = parts.iter().all(|(_, dataset)| dataset.symbol == first_symbol);
    let loaded = parts.into_iter().map(|(item, dataset)| {
        let of_symbol = dataset.symbol.as_deref().and_then(code_of_symbol);
        let named = markets.iter().find(|market| of_symbol.as_deref() == Some(code(market)));
        let mut note = None;
        let market = match (&item.market, named, markets) {
            (Some(market), _, _) | (None, Some(market), _) => market.clone(),
            (None, None, [only]) if one_symbol => only.clone(),
            (None, None, []) => {
                let (market, said) = guess(&dataset, of_symbol, config)?;
                note = said;
                market
            }
            (None, None, _) => of_symbol.ok_or_else(|| unbound(&dataset, markets))?,
        };
        Ok(Loaded { market, dataset, note })
    });
    loaded.collect()
}

fn unbound(dataset: &Dataset, markets: &[String]) -> Failure {
    let path = dataset.path.display();
    let message = format!("to which market does {path} belong?");
    let help = format!(
        "bind it: --data MARKET={path}, or {{ market = \"MARKET\", file = \"{path}\" }}; the markets of the run are {}",
        markets.join(", ")
    );
    Failure::problem(Problem::new("backtest.data", message, help))
}

/// Currencies that are meant to be worth one US dollar.
const DOLLARS: [&str; 5] = ["usd", "usdt", "usdc", "busd", "fdusd"];

/// The market where nobody names one: of the file's symbol, else bitcoin in the currency of the cash.
fn guess(
    dataset: &Dataset,
    of_symbol: Option<String>,
    config: &Config,
) -> Result<(String, Option<String>), Failure> {
    let held = |currency: &str| config.account.iter().any(|(name, _)| code(name) == currency);
    let cash = config.account.iter().map(|(name, _)| code(name)).find(|currency| *currency != "btc");
    let Some(market) = of_symbol else {
        let path = dataset.path.display();
        let Some(cash) = cash else {
            let message = format!("{path} does not say of which market it is");
            let help = "name it, such as --market btc_usd, or the starting balance: --cash USD=1000000";
            return Err(Failure::problem(Problem::new("--market", message, help)));
        };
        let note =
            format!("No market was named: the data is taken for btc_{cash}, after the currency of the cash.");
        return Ok((format!("btc_{cash}"), Some(note)));
    };
    let (base, quote) = market.split_once('_').unwrap_or((&market, ""));
    if config.account.is_empty() || held(quote) || held(base) {
        let venue = dataset.venue.as_ref().map(|venue| format!("{venue}:")).unwrap_or_default();
        return Ok((format!("{venue}{market}"), None));
    }
    if let Some(cash) = cash.filter(|cash| DOLLARS.contains(cash) && DOLLARS.contains(&quote)) {
        let note =
            format!("The data is of {market}; its prices are taken for {cash}, the currency of the cash.");
        return Ok((format!("{base}_{cash}"), Some(note)));
    }
    let message = format!("the data is of {market}, and the starting balance holds neither currency");
    let help = format!("give --cash {}=…, or name the market with --market", quote.to_ascii_uppercase());
    Err(Failure::problem(Problem::new("--cash", message, help)))
}

/// The feeds of a run; the series move, they are not copied.
pub(crate) fn feeds(loaded: Vec<Loaded>, plan: &Plan<'_>) -> Vec<Feed> {
    let feed = |Loaded { market, dataset, .. }: Loaded| {
        let market = plan.find(&market).unwrap_or(MarketId(0));
        let data = match dataset.series {
            Series::Candles(series) => FeedData::Candles(series.into()),
            Series::Trades(series) => FeedData::Trades(series.into()),
            Series::Quotes(series) => FeedData::Quotes(series.into()),
            Series::Books(series) => FeedData::Books(series.into()),
        };
        Feed { market, data }
    };
    loaded.into_iter().map(feed).collect()
}

/// One hash of all data: a single file's own, else of the files' with their markets.
pub(crate) fn hash(loaded: &[Loaded]) -> String {
    if let [only] = loaded {
        return only.dataset.hash.clone();
    }
    let mut hasher = blake3::Hasher::new();
    for Loaded { market, dataset, .. } in loaded {
        hasher.update(format!("{market} {} {}\n", dataset.series.kind().name(), dataset.hash).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
