//! Which columns of a foreign file mean what.

use std::path::Path;

use crate::cell::{self, TimeUnit};
use crate::dataset::Kind;
use crate::error::DataError;
use crate::table::Role;

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// An instant, in a unit that its name or an option states.
    Time(Option<TimeUnit>),
    /// A decimal number.
    Units,
    /// A count of contracts of one quote unit each (converted to base with the row's price).
    Contracts,
    /// An unsigned integer.
    Id,
    /// A rank.
    Integer,
    /// `buy`, `sell`, `bid`, `ask` and their like.
    Side,
    /// Whether the buyer was the maker.
    Maker,
    /// `depth`, `snapshot` or `trade`.
    Event,
}

/// Where a column of our table comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Position in the file, and how to read it; nothing if the file has no such column.
    pub(crate) from: Option<(usize, Reading)>,
    /// Name in the file, or ours where it has none.
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// The meaning of a file's columns.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) kind: Kind,
    /// One for each column of [`Kind::columns`], in that order.
    pub(crate) sources: Vec<Source>,
    /// The column that names the market.
    pub(crate) symbol: Option<usize>,
    /// The name of a known layout without header.
    pub(crate) known_as: Option<&'static str>,
    /// Whether rows are changes of a book and trades, to be turned into books.
    pub(crate) is_events: bool,
}

impl Layout {
    /// Finds the columns by name.
    pub(crate) fn by_name(path: &Path, names: &[String], unit: Option<TimeUnit>) -> Result<Self, DataError> {
        let header = Header::new(names);
        let error = |reason: &str| DataError::Columns {
            path: path.to_owned(),
            reason: reason.to_owned(),
            found: names.to_vec(),
        };
        let time = header.find(&TIMES).ok_or_else(|| {
            error("no column of times (expected for example timestamp, ts, time, date, open_time)")
        })?;
        let unit = unit.or_else(|| unit_of_name(&header, time));
        let time = Some((time, Reading::Time(unit)));
        let (kind, from) = header.data_columns(time).map_err(error)?;
        let is_events = matches!(from.get(1), Some(Some((_, Reading::Event))));
        let ids = is_events.then_some(&("last_id", Role::Id));
        let sources = kind.columns().iter().chain(ids).zip(from).map(|((ours, role), from)| Source {
            from,
            name: from.and_then(|(at, _)| names.get(at)).map_or_else(|| (*ours).to_owned(), Clone::clone),
            role: *role,
        });
        Ok(Self {
            kind,
            sources: sources.collect(),
            symbol: header.find(&SYMBOLS),
            known_as: None,
            is_events,
        })
    }

    /// Recognises the layouts of exchanges that publish files without header, by the cells of the first row.
    pub(crate) fn headerless(
        path: &Path,
        cells: &[String],
        unit: Option<TimeUnit>,
    ) -> Result<Self, DataError> {
        let is_time =
            |at: usize| cells.get(at).is_some_and(|cell| cell::time(cell.as_bytes(), unit).is_some());
        let is_flag = |at: usize| {
            cells
                .get(at)
                .is_some_and(|cell| cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false"))
        };
        let ohlcv = [0, 1, 2, 3, 4, 5].map(Some);
        let (name, kind, columns) = match cells.len() {
            12 if is_time(0) && is_time(6) => ("Binance klines", Kind::Candles, &ohlcv[..]),
            7 | 8 if is_time(5) && is_flag(6) => {
                ("Binance aggTrades", Kind::Trades, &[Some(5), Some(0), Some(1), Some(2), Some(6)][..])
            }
            6 | 7 if is_time(4) && is_flag(5) => {
                ("Binance trades", Kind::Trades, &[Some(4), Some(0), Some(1), Some(2), Some(5)][..])
            }
            7 if is_time(0) => ("Kraken OHLCVT", Kind::Candles, &ohlcv[..]),
            6 if is_time(0) => ("time, open, high, low, close, volume", Kind::Candles, &ohlcv[..]),
            3 if is_time(0) => ("Kraken trades", Kind::Trades, &[Some(0), None, Some(1), Some(2), None][..]),
            _ => {
                return Err(DataError::Columns {
                    path: path.to_owned(),
                    reason: "no header row, and the first row is of no known layout (Binance klines, aggTrades or \
                             trades, Kraken OHLCVT or trades); add a header such as timestamp,open,high,low,close,volume"
                        .to_owned(),
                    found: cells.to_vec(),
                });
            }
        };
        let reading = |role: Role| match role {
            Role::Time => Reading::Time(unit),
            Role::Price | Role::Quantity => Reading::Units,
            Role::Id => Reading::Id,
            Role::Side => Reading::Maker,
            Role::Rank => Reading::Integer,
        };
        let sources = kind.columns().iter().zip(columns).map(|((ours, role), at)| Source {
            from: at.map(|at| (at, reading(*role))),
            name: (*ours).to_owned(),
            role: *role,
        });
        Ok(Self { kind, sources: sources.collect(), symbol: None, known_as: Some(name), is_events: false })
    }

    /// Whether the rank column numbers books rather than levels.
    pub(crate) fn is_numbered(&self) -> bool {
        self.sources.get(1).is_some_and(|source| source.role == Role::Rank && key(&source.name) == "book")
    }

    /// Whether sizes are contracts, to be divided by the price.
    pub(crate) fn has_contracts(&self) -> bool {
        self.sources.iter().any(|source| matches!(source.from, Some((_, Reading::Contracts))))
    }

    /// In words: `candles from columns timestamp, open, high, low, close, volume`.
    pub(crate) fn describe(&self) -> String {
        let kind = self.kind.name();
        let kind = if self.is_events { "depth changes and trades" } else { kind };
        let used: Vec<&str> = self
            .sources
            .iter()
            .filter(|source| source.from.is_some())
            .map(|source| source.name.as_str())
            .collect();
        let contracts = if self.has_contracts() {
            "; sizes are contracts of one quote unit, base = contracts / price, rounded down"
        } else {
            ""
        };
        match self.known_as {
            Some(name) => format!("{kind} in the layout {name}, without header{contracts}"),
            None => format!("{kind} from columns {}{contracts}", used.join(", ")),
        }
    }
}

/// Names of the time column, the best first. Where a recorder notes both the exchange's time and its own, its own
/// is taken: it is when a strategy could have known, and the only clock that quotes and trades share.
const TIMES: [&str; 27] = [
    "recvtsns",
    "timereceived",
    "receivedat",
    "localtimestamp",
    "timestamp",
    "timestampms",
    "timestamps",
    "timestampus",
    "timestampns",
    "ts",
    "tsms",
    "tss",
    "tsns",
    "opentime",
    "datetime",
    "unix",
    "unixtimestamp",
    "time",
    "timems",
    "timens",
    "date",
    "timeexchange",
    "transacttime",
    "tradetime",
    "recordedat",
    "exchtsms",
    "t",
];
const SYMBOLS: [&str; 6] = ["symbol", "pair", "market", "orderbook", "ticker", "instrument"];
const PRICES: [&str; 3] = ["price", "p", "rate"];
const SIZES: [&str; 8] = ["quantity", "qty", "amount", "size", "volume", "vol", "q", "v"];
const CONTRACTS: [&str; 2] = ["sizeusdcontracts", "contracts"];
const IDS: [&str; 6] = ["tradeid", "aggtradeid", "id", "tid", "a", "aggid"];
const SIDES: [&str; 4] = ["side", "aggressor", "takerside", "direction"];
const MAKERS: [&str; 3] = ["isbuyermaker", "buyermaker", "m"];
const LEVELS: [&str; 3] = ["level", "rank", "depth"];
/// Quote currencies that exchanges append to the name of a volume column.
const QUOTES: [&str; 12] =
    ["usd", "usdt", "usdc", "busd", "tusd", "eur", "gbp", "ars", "clp", "quote", "notional", "currency"];

/// A name without case, blanks and punctuation.
fn key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The column of times, and the unit that its name states.
pub(crate) fn time_column(names: &[String]) -> Option<(usize, Option<TimeUnit>)> {
    let header = Header::new(names);
    let time = header.find(&TIMES)?;
    Some((time, unit_of_name(&header, time)))
}

/// The first of some columns that there is.
pub(crate) fn column(names: &[String], candidates: &[&str]) -> Option<usize> {
    Header::new(names).find(candidates)
}

/// The unit that the name of a time column states: `timestamp_ms`.
fn unit_of_name(header: &Header<'_>, at: usize) -> Option<TimeUnit> {
    let name = header.names.get(at)?.to_ascii_lowercase();
    let (_, suffix) = name.rsplit_once('_')?;
    [TimeUnit::Seconds, TimeUnit::Millis, TimeUnit::Micros, TimeUnit::Nanos]
        .into_iter()
        .find(|unit| unit.name() == suffix)
}

type From = Option<(usize, Reading)>;

struct Header<'a> {
    keys: Vec<String>,
    names: &'a [String],
}

impl<'a> Header<'a> {
    fn new(names: &'a [String]) -> Self {
        Self { keys: names.iter().map(|name| key(name)).collect(), names }
    }

    fn find(&self, candidates: &[&str]) -> Option<usize> {
        candidates.iter().find_map(|candidate| self.keys.iter().position(|key| key == candidate))
    }

    fn read(&self, candidates: &[&str], reading: Reading) -> From {
        self.find(candidates).map(|at| (at, reading))
    }

    /// The columns that make up a kind of data, or what is missing.
    fn data_columns(&self, time: From) -> Result<(Kind, Vec<From>), &'static str> {
        if let Some(columns) = self.quotes(time) {
            return Ok((Kind::Quotes, columns));
        }
        let prices = ["open", "high", "low", "close"].map(|name| self.read(&[name], Reading::Units));
        let [open, high, low, close] = prices;
        if prices.iter().all(Option::is_some) {
            let volume = self.base_volume().ok_or(
                "candles without a column of base volume (expected volume, or volume_btc and its like)",
            )?;
            return Ok((Kind::Candles, vec![time, open, high, low, close, Some((volume, Reading::Units))]));
        }
        if open.is_some() && (high.is_some() || low.is_some()) {
            return Err("candles need the columns open, high, low and close");
        }
        let price = self.read(&PRICES, Reading::Units);
        let size = self.read(&SIZES, Reading::Units).or_else(|| self.read(&CONTRACTS, Reading::Contracts));
        let (Some(_), Some(_)) = (price, size) else {
            return Err(
                "no known kind of data (expected open, high, low, close, volume for candles; price, quantity \
                        for trades; bid_price, bid_quantity, ask_price, ask_quantity for quotes; side, level, price, \
                        quantity for books)",
            );
        };
        let side = self.read(&SIDES, Reading::Side);
        // Our own text numbers the books; others number the levels.
        let level = self.read(&["book"], Reading::Integer).or_else(|| self.read(&LEVELS, Reading::Integer));
        if let (Some(_), Some(level)) = (side, level) {
            return Ok((Kind::Books, vec![time, Some(level), side, price, size]));
        }
        if let (Some(_), Some(event)) = (side, self.read(&["event"], Reading::Event)) {
            let id = self.read(&["lastid", "id"], Reading::Id);
            return Ok((Kind::Books, vec![time, Some(event), side, price, size, id]));
        }
        let id = self.read(&IDS, Reading::Id);
        let side = side.or_else(|| self.read(&MAKERS, Reading::Maker));
        Ok((Kind::Trades, vec![time, id, price, size, side]))
    }

    /// `bid_price`, `best_bid_qty`, `ask` and their like.
    fn quotes(&self, time: From) -> Option<Vec<From>> {
        let side = |side: &str| {
            let find = |names: &[&str]| {
                let named = |prefix: &str| {
                    let names: Vec<String> =
                        names.iter().map(|name| format!("{prefix}{side}{name}")).collect();
                    self.find(&names.iter().map(String::as_str).collect::<Vec<_>>())
                };
                named("").or_else(|| named("best"))
            };
            Some((find(&["price", "", "px"])?, find(&["quantity", "qty", "amount", "size", "volume", "sz"])?))
        };
        let ((bid, bid_size), (ask, ask_size)) = (side("bid")?, side("ask")?);
        let read = |at: usize| Some((at, Reading::Units));
        Some(vec![time, read(bid), read(bid_size), read(ask), read(ask_size)])
    }

    /// `volume` itself, or the first `volume …` that is not of a quote currency.
    fn base_volume(&self) -> Option<usize> {
        self.find(&["volume", "vol", "basevolume", "volumebase", "v"]).or_else(|| {
            self.keys.iter().position(|key| {
                key.strip_prefix("volume").is_some_and(|currency| !QUOTES.contains(&currency))
            })
        })
    }
}
