//! What a sandbox is told before it starts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use pampero_model::{Cash, Currency, Money, Price, Quantity, Rate, Span, Timestamp};
use serde::Deserialize;
use thiserror::Error;

use crate::faults::FaultRule;
use crate::path::PricePath;

/// Everything a sandbox can be told. The default is ready to use: six books, a demo account with keys and money, agents
/// that trade a little, the real exchange's limits, no faults.
///
/// ```
/// use pampero_sandbox::SandboxConfig;
/// let config = SandboxConfig::from_toml("seed = 7\nagents.speed = 60\n[[accounts]]\nname = 'ana'\nbalances = ['5 BTC']\n")?;
/// assert_eq!((config.seed, config.agents.speed, config.accounts.len()), (7, 60, 1));
/// assert!(SandboxConfig::from_toml("sead = 7").unwrap_err().to_string().contains("unknown field `sead`"));
/// # Ok::<(), pampero_sandbox::ConfigError>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxConfig {
    /// Where the exchange listens: a loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the administration listens: a loopback address; port 0 takes a free one.
    pub admin_listen: SocketAddr,
    /// Decides keys, secrets, addresses, faults and the market.
    pub seed: u64,
    /// Requests that a key, or an address without one, may make in any second; 0 for no limit.
    pub requests_per_second: u32,
    /// How long an order stays `pending`, and a cancellation `to_cancel`.
    pub engine_delay: Span,
    /// How long deposits, withdrawals and payments take from one state to the next.
    pub funding_delay: Span,
    /// How slowly answers come.
    pub latency: Latency,
    /// Whether the exchange speaks TLS. The administration never does.
    pub tls: Tls,
    /// A file that keeps everything over restarts.
    pub state: Option<PathBuf>,
    /// The books.
    pub books: Vec<BookConfig>,
    /// The customers.
    pub accounts: Vec<AccountConfig>,
    /// The market's other participants.
    pub agents: AgentsConfig,
    /// The exchange's own trading bots.
    pub bots: BotsConfig,
    /// Delivery of events.
    pub webhooks: WebhooksConfig,
    /// What goes wrong.
    pub faults: Vec<FaultRule>,
    /// If given, the sandbox's clock stands at this instant until it is moved: for tests.
    #[serde(skip)]
    pub start: Option<Timestamp>,
    /// Recorded prices for the agents, by the code of the book.
    #[serde(skip)]
    pub recorded: BTreeMap<String, PricePath>,
}

/// How slowly the server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// At once.
    #[default]
    None,
    /// As long as the real servers took to answer, drawn from their recorded times (6 ms to 0.8 s).
    Recorded,
}

/// Whether the server speaks TLS, with a certificate that is made when it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Plain HTTP.
    #[default]
    None,
    /// A certificate for `localhost`, `127.0.0.1` and `::1`, to be trusted by [`certificate`](crate::Sandbox::certificate).
    Valid,
    /// One that has expired: fault F02.
    Expired,
    /// One for another host: fault F02.
    WrongHost,
    /// The connection is cut in the middle of the handshake: fault F02.
    Cut,
    /// A server of the last century: it answers the handshake with TLS 1.0 and knows nothing newer. Fault F02.
    Old,
}

/// One order book.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookConfig {
    /// Its code, such as `btc_usd`.
    pub code: String,
    /// The exchange's number of it; known for the books that the exchange has or had.
    pub id: Option<u16>,
    /// Where the agents' price begins; known for the six public books.
    pub price: Option<Price>,
    /// Smallest ask.
    #[serde(default = "default_min_base")]
    pub min_base: Quantity,
    /// Smallest bid.
    #[serde(default = "default_min_quote")]
    pub min_quote: Cash,
    /// Fee of an execution that rested.
    #[serde(default = "default_fee")]
    pub maker_fee: Rate,
    /// Fee of an execution that took.
    #[serde(default = "default_fee")]
    pub taker_fee: Rate,
    /// Typical quantity of the agents' orders.
    pub quantity: Option<Quantity>,
    /// The agents' distance between best bid and best ask, as a share of the price.
    #[serde(default = "default_spread")]
    pub spread: Rate,
    /// How often agents take, on average, in a day.
    #[serde(default = "default_trades_per_day")]
    pub trades_per_day: u32,
    /// A file of recorded prices, for whoever starts the sandbox to load into [`SandboxConfig::recorded`].
    pub series: Option<PathBuf>,
}

const fn default_min_base() -> Quantity {
    Quantity::from_units(10_000)
}

const fn default_min_quote() -> Cash {
    Cash::from_units(10_000_000)
}

const fn default_fee() -> Rate {
    Rate::from_units(250_000)
}

const fn default_spread() -> Rate {
    Rate::from_units(400_000)
}

const fn default_trades_per_day() -> u32 {
    150
}

/// A customer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// Its name, also the first part of its e-mail address.
    pub name: String,
    /// Money it begins with, such as `10000 USD`.
    #[serde(default, deserialize_with = "read_balances")]
    pub balances: Vec<Money>,
    /// Two letters.
    #[serde(default = "default_country")]
    pub country: String,
    /// Secret of its one-time passwords in base32; made from the seed if it is not given.
    pub otp_secret: Option<String>,
    /// Whether it may act for the users it creates.
    #[serde(default)]
    pub master: bool,
    /// Its API keys.
    #[serde(default)]
    pub keys: Vec<KeyConfig>,
}

fn read_balances<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Money>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let read =
        |text: &String| text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}`: {error}")));
    texts.iter().map(read).collect()
}

fn default_country() -> String {
    "AR".to_owned()
}

/// An API key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// What it is called here; the exchange knows no names of keys.
    pub name: String,
    /// The token; made from the seed if it is not given.
    pub token: Option<String>,
    /// What it may do, among the eight permissions.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// A key of the old kind instead: reads everything, and writes everything if true.
    pub write: Option<bool>,
}

/// The agents that make the market.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentsConfig {
    /// Whether there are any.
    pub enabled: bool,
    /// How many times faster than the clock they live. Nothing else does.
    pub speed: u32,
    /// How far apart their moves are, in their own time.
    pub step: Span,
    /// For how long they have traded when the sandbox starts.
    pub warm_up: Span,
    /// Levels a side.
    pub levels: u8,
    /// How far the price strays in an hour, as a share.
    pub noise: Rate,
}

impl Default for AgentsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            speed: 1,
            step: Span::from_secs(10),
            warm_up: Span::from_hours(24),
            levels: 12,
            noise: Rate::from_units(400_000),
        }
    }
}

/// The exchange's own bots.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BotsConfig {
    /// How long one chunk may stay on the book. The next follows then.
    pub interval: Span,
    /// Nothing is placed while the spread is at least this share of the best ask.
    pub max_spread: Rate,
}

impl Default for BotsConfig {
    fn default() -> Self {
        Self { interval: Span::from_secs(90), max_spread: Rate::from_units(1_000_000) }
    }
}

/// Delivery of events and callbacks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Wait before the second attempt; it doubles with each one.
    pub first_retry: Span,
    /// After so many attempts an event is given up.
    pub attempts: u32,
    /// How long the receiver may take to answer.
    pub timeout: Span,
    /// A file of certificates in PEM. Receivers over HTTPS have to show one that comes from these; without it there
    /// are none.
    pub roots: Option<PathBuf>,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self { first_retry: Span::from_secs(2), attempts: 16, timeout: Span::from_secs(10), roots: None }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Not TOML of the expected form.
    #[error("the sandbox's configuration cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A value that makes no sense.
    #[error("{key}: {problem}")]
    Value {
        /// Where it stands.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl ConfigError {
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Value { key: key.into(), problem: problem.into() }
    }
}

/// The exchange's numbers of the books it has or had.
const BOOK_IDS: &[(&str, u16)] = &[
    ("btc_usd", 1),
    ("ltc_usd", 2),
    ("btc_ars_otc", 3),
    ("btc_usd_otc", 4),
    ("btc_ars", 5),
    ("usd_ars_otc", 6),
    ("btc_clp_otc", 7),
    ("bch_usd", 8),
    ("bch_usd_otc", 9),
    ("btc_pyg", 10),
    ("btc_clp", 11),
    ("btc_uyu", 12),
    ("usd_clp_otc", 13),
    ("usd_uyu_otc", 14),
    ("usd_pyg_otc", 15),
];

/// The public books in the exchange's order, with a price of 2019.
const PUBLIC_BOOKS: [(&str, i64); 6] = [
    ("btc_usd", 3_600),
    ("bch_usd", 130),
    ("btc_ars", 138_000),
    ("btc_clp", 2_420_000),
    ("btc_pyg", 21_700_000),
    ("btc_uyu", 117_000),
];

const ONE: i64 = pampero_model::SCALE;

impl BookConfig {
    /// A book with what is usual for it.
    pub fn new(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            id: None,
            price: None,
            min_base: default_min_base(),
            min_quote: default_min_quote(),
            maker_fee: default_fee(),
            taker_fee: default_fee(),
            quantity: None,
            spread: default_spread(),
            trades_per_day: default_trades_per_day(),
            series: None,
        }
    }

    /// The exchange's number of it.
    pub(crate) fn number(&self) -> Option<u16> {
        let known = BOOK_IDS.iter().find(|(code, _)| *code == self.code).map(|(_, id)| *id);
        self.id.or(known)
    }

    /// Where its price begins.
    pub(crate) fn first_price(&self) -> Option<Price> {
        let known = PUBLIC_BOOKS.iter().find(|(code, _)| *code == self.code);
        self.price.or(known.map(|(_, price)| Price::from_units(price * ONE)))
    }

    /// The typical quantity of the agents' orders.
    pub(crate) fn typical_quantity(&self) -> Quantity {
        let units = match self.code.split_once('_').map(|(base, _)| base) {
            Some("btc") => ONE / 50,
            Some("bch") => ONE / 2,
            _ => ONE,
        };
        self.quantity.unwrap_or(Quantity::from_units(units))
    }
}

fn money(currency: &str, amount: i128) -> Option<Money> {
    let currency: Currency = currency.parse().ok()?;
    Some(Money::new(currency, amount * i128::from(ONE)))
}

fn key(name: &str, permissions: &[&str]) -> KeyConfig {
    let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
    KeyConfig { name: name.to_owned(), token: None, permissions, write: None }
}

impl AccountConfig {
    /// The account of a sandbox that is told of none: at least 10,000 USD, 1 BTC and as much of every other currency,
    /// and the keys `read`, `trade`, `funds` and `admin`.
    pub fn demo() -> Self {
        let balances = [
            ("usd", 10_000),
            ("btc", 1),
            ("bch", 80),
            ("ars", 400_000),
            ("clp", 7_000_000),
            ("pyg", 62_000_000),
            ("uyu", 330_000),
        ];
        let funds = ["fund_account", "create_withdrawal", "get_withdrawal", "get_balances", "payments"];
        Self {
            name: "demo".to_owned(),
            balances: balances.iter().filter_map(|(currency, amount)| money(currency, *amount)).collect(),
            country: default_country(),
            otp_secret: None,
            master: false,
            keys: vec![
                KeyConfig { write: Some(false), ..key("read", &[]) },
                key("trade", &["trading", "get_balances"]),
                key("funds", &funds),
                key("admin", &crate::world::PERMISSIONS),
            ],
        }
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: loopback,
            admin_listen: loopback,
            seed: 0,
            requests_per_second: 5,
            engine_delay: Span::from_millis(50),
            funding_delay: Span::from_secs(2),
            latency: Latency::None,
            tls: Tls::None,
            state: None,
            books: PUBLIC_BOOKS.iter().map(|(code, _)| BookConfig::new(code)).collect(),
            accounts: vec![AccountConfig::demo()],
            agents: AgentsConfig::default(),
            bots: BotsConfig::default(),
            webhooks: WebhooksConfig::default(),
            faults: Vec::new(),
            start: None,
            recorded: BTreeMap::new(),
        }
    }
}

impl SandboxConfig {
    /// Reads a configuration; what it does not say is as in [`SandboxConfig::default`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// Reads a file of faults: one `[[faults]]` for each rule.
    ///
    /// ```
    /// use pampero_sandbox::SandboxConfig;
    /// let text = "[[faults]]\nfault = 'F04'\nendpoint = 'POST /bids'\non = [3]\n[[faults]]\nfault = 'F08'\nprobability = 0.1\n";
    /// assert_eq!(SandboxConfig::faults_from_toml(text)?.len(), 2);
    /// # Ok::<(), pampero_sandbox::ConfigError>(())
    /// ```
    pub fn faults_from_toml(text: &str) -> Result<Vec<FaultRule>, ConfigError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            faults: Vec<FaultRule>,
        }
        let File { faults } = toml::from_str(text)?;
        check_faults(&faults)?;
        Ok(faults)
    }

    /// Whether everything in it makes sense together.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (key, address) in [("listen", self.listen), ("admin_listen", self.admin_listen)] {
            if !address.ip().is_loopback() {
                let problem = format!("{address} is not a loopback address; write for example 127.0.0.1:0");
                return Err(ConfigError::value(key, problem));
            }
        }
        if self.agents.step <= Span::ZERO {
            return Err(ConfigError::value("agents.step", "must be above zero, such as 10s"));
        }
        if self.bots.interval <= Span::ZERO {
            return Err(ConfigError::value("bots.interval", "must be above zero, such as 90s"));
        }
        for book in &self.books {
            let key = format!("books.{}", book.code);
            if book.number().is_none() {
                return Err(ConfigError::value(key, "the exchange has no such book: give it an `id`"));
            }
            if self.agents.enabled && book.first_price().is_none_or(|price| !price.is_positive()) {
                return Err(ConfigError::value(key, "give it a `price` for the agents to begin at"));
            }
        }
        for code in self.recorded.keys() {
            if !self.books.iter().any(|book| book.code == *code) {
                return Err(ConfigError::value(format!("recorded.{code}"), "there is no such book"));
            }
        }
        check_faults(&self.faults)
    }
}

/// Whether every rule can be meant.
pub(crate) fn check_faults(rules: &[FaultRule]) -> Result<(), ConfigError> {
    let check = |(index, rule): (usize, &FaultRule)| {
        rule.check().map_err(|problem| ConfigError::value(format!("faults[{index}]"), problem))
    };
    rules.iter().enumerate().try_for_each(check)
}
