//! The commands that talk to the exchange.
#![allow(clippy::doc_markdown)] // help texts, shown as they are

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use pampero_bitex::{KeyName, OneTimePassword};
use pampero_model::{Cash, Money, Price, Quantity, Rate, Side, Span, VenueOrderId};

use super::examples::{
    BALANCES, BOTS, BUY, BUY_USAGE, CANCEL, CANCEL_ALL, CANDLES, DEPOSITS, DOCTOR, INSTRUCTIONS, KEYS,
    MARKET, MOVEMENTS, ORDERS, PANIC, PAYMENTS, SELL, SELL_USAGE, TICKER, TRADES, TRANSACTIONS, WEBHOOKS,
    WHOAMI, WITHDRAW, WITHDRAWALS,
};
use super::{share, span};
use crate::config::{Adapter, Config, Problem, VenueSection};
use crate::market_list::HOME;

/// Which exchange: options of every command that talks to one.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Place {
    /// local, sandbox or production
    #[arg(long, value_name = "NAME", default_value = "local", hide_possible_values = true)]
    pub env: EnvName,
    /// The local exchange [default: the running one]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Where state is [default: ~/.local/state/pampero]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// A venue of the configuration beside the first: its name, and what adapts it
    #[arg(skip)]
    pub venue: Option<(String, Adapter)>,
}

impl Connect {
    /// The same environment of a venue, as a configuration says.
    ///
    /// # Errors
    /// A venue that it says nothing of.
    pub fn of_venue(&self, name: &str, config: &Config) -> Result<Self, Problem> {
        let place = match config.venues.get(name) {
            Some(VenueSection { adapter, local_url }) => Place {
                url: local_url.clone().filter(|_| self.place.env == EnvName::Local),
                venue: Some((name.to_owned(), *adapter)),
                ..self.place.clone()
            },
            None if name == HOME => self.place.clone(),
            None => {
                let message = format!("nothing says how the venue `{name}` is reached");
                let help = format!(
                    "say it: [venues.{name}] with adapter = \"bitex\"; or name a market of {HOME}, such as btc_usd"
                );
                return Err(Problem::new("strategy", message, help));
            }
        };
        Ok(Self { place, ..self.clone() })
    }
}

/// Which account of which exchange, and how the answer is shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connect {
    #[command(flatten)]
    pub place: Place,
    /// read, trade, funds, admin [default: the weakest]
    #[arg(long, value_name = "NAME", value_parser = key_name)]
    pub key: Option<KeyName>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which Bitex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvName {
    /// On this machine
    Local,
    /// Test money
    Sandbox,
    /// Real money
    Production,
}

impl EnvName {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// An order by side and number, since the two sides are numbered apart: `buy:5035`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderKey {
    pub side: Side,
    pub id: VenueOrderId,
}

impl FromStr for OrderKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(side, id)| {
            let side = match side {
                "buy" | "bid" => Side::Buy,
                "sell" | "ask" => Side::Sell,
                _ => return None,
            };
            Some(Self { side, id: VenueOrderId(id.parse().ok()?) })
        });
        parsed.ok_or_else(|| "expected a side and a number, such as buy:5035 or sell:1597".to_owned())
    }
}

impl std::fmt::Display for OrderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}:{}", self.side, self.id))
    }
}

/// Consent to what moves money or keys.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Do not ask for a confirmation
    #[arg(long)]
    pub yes: bool,
}

/// A one-time password, asked for on a terminal if it is not given.
#[derive(Clone, Debug, Args)]
pub(crate) struct Otp {
    /// The one-time password: six digits
    #[arg(long, value_name = "CODE")]
    pub otp: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Show the user behind the key
    #[command(after_help = WHOAMI)]
    Whoami {
        #[command(flatten)]
        connect: Connect,
    },
    /// Show what the account holds, to the last digit
    #[command(after_help = BALANCES)]
    Balances {
        /// Currencies without any money, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show the book of a market with its last trades
    #[command(after_help = MARKET)]
    Market {
        /// Such as btc_usd
        market: String,
        /// Levels of each side
        #[arg(long, value_name = "N", default_value_t = 10)]
        levels: usize,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show the last 24 hours of one market, or of all
    #[command(after_help = TICKER)]
    Ticker {
        /// Such as btc_usd
        market: Option<String>,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show candles of a market
    #[command(after_help = CANDLES)]
    Candles {
        /// Such as btc_usd
        market: String,
        /// So many days back
        #[arg(long, value_name = "N", default_value_t = 1)]
        days: u32,
        /// Whole hours, such as 4h
        #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span)]
        span: Span,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show public trades
    #[command(after_help = TRANSACTIONS)]
    Transactions {
        /// Such as btc_usd [default: every market]
        market: Option<String>,
        /// So many hours back, at most 24
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=24))]
        hours: u32,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show own orders on the book, or single ones in any state
    #[command(after_help = ORDERS)]
    Orders {
        /// Only of this market
        #[arg(long, value_name = "CODE")]
        market: Option<String>,
        /// Orders by side and number, such as buy:5035
        #[arg(value_name = "ID")]
        ids: Vec<OrderKey>,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show own executions, newest first
    #[command(after_help = TRADES)]
    Trades {
        /// Such as btc_usd [default: every market]
        market: Option<String>,
        /// So many days back
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show what moved money in the last three days
    #[command(after_help = MOVEMENTS)]
    Movements {
        #[command(flatten)]
        connect: Connect,
    },
    /// Buy for an amount of the quote currency, through the risk gate
    #[command(after_help = BUY, override_usage = BUY_USAGE, group = ArgGroup::new("how").required(true))]
    Buy {
        /// Such as btc_usd
        market: String,
        /// How much to spend at most, in the quote currency
        #[arg(long, value_name = "AMOUNT", value_parser = exact::<Cash>)]
        spend: Cash,
        #[command(flatten)]
        order: HandOrder,
    },
    /// Sell an amount of the base currency, through the risk gate
    #[command(after_help = SELL, override_usage = SELL_USAGE, group = ArgGroup::new("how").required(true))]
    Sell {
        /// Such as btc_usd
        market: String,
        /// How much to sell, in the base currency
        #[arg(long, value_name = "AMOUNT", value_parser = exact::<Quantity>)]
        amount: Quantity,
        #[command(flatten)]
        order: HandOrder,
    },
    /// Cancel orders and say what became of each
    #[command(after_help = CANCEL)]
    Cancel {
        /// Orders by side and number, such as buy:5035
        #[arg(value_name = "ID", required = true)]
        ids: Vec<OrderKey>,
        #[command(flatten)]
        connect: Connect,
    },
    /// Cancel all own orders of markets, or of the account
    #[command(after_help = CANCEL_ALL, group = ArgGroup::new("scope").required(true))]
    CancelAll {
        /// Of these markets
        #[arg(value_name = "CODE", group = "scope")]
        markets: Vec<String>,
        /// Of the whole account, whoever placed them
        #[arg(long, group = "scope")]
        everything: bool,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show deposits, or how to make one
    #[command(after_help = DEPOSITS)]
    Deposits {
        /// From this day on, such as 2024-01-31
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// Where to send coins and cash
        #[arg(long)]
        how: bool,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show withdrawals
    #[command(after_help = WITHDRAWALS)]
    Withdrawals {
        /// From this day on, such as 2024-01-31
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        #[command(flatten)]
        connect: Connect,
    },
    /// List, add and delete the accounts that cash may be sent to
    #[command(subcommand)]
    Instructions(InstructionsCommand),
    /// Send coins to an address, or cash to a withdrawal instruction
    #[command(after_help = WITHDRAW, group = ArgGroup::new("where").required(true))]
    Withdraw {
        /// Such as "0.01 BTC"
        amount: Money,
        /// The address of the coins
        #[arg(long, value_name = "ADDRESS", group = "where")]
        to: Option<String>,
        /// The number of the withdrawal instruction of the cash
        #[arg(long, value_name = "ID", group = "where")]
        instruction: Option<u64>,
        /// A name for a withdrawal of coins
        #[arg(long, default_value = "", hide_default_value = true)]
        label: String,
        #[command(flatten)]
        otp: Otp,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        connect: Connect,
    },
    /// Take payments as a merchant: quoted in cash, paid in coins
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Show and set where events are sent, and receive them
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// The exchange's own trading bots, which pass no risk gate
    #[command(subcommand)]
    Bots(BotsCommand),
    /// List, create and revoke API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Emergency stop: halt, cancel, verify, watch
    #[command(after_help = PANIC, group = ArgGroup::new("scope").required(true).multiple(true))]
    Panic(PanicArgs),
    /// Check connection, clock, keys, balances, limits and state
    #[command(after_help = DOCTOR)]
    Doctor {
        /// Check the limits and markets of this configuration, too
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Take note that an unfinished request was looked into
        #[arg(long, value_name = "ID")]
        settle: Vec<String>,
        #[command(flatten)]
        connect: Connect,
    },
}

/// What a buy and a sell have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct HandOrder {
    /// The worst acceptable price
    #[arg(long, group = "how", value_parser = exact::<Price>)]
    pub price: Option<Price>,
    /// At the market, within --bound of its best price
    #[arg(long = "market", id = "at_market", group = "how")]
    pub at_market: bool,
    /// How far it may reach: 0.01 is 1 % [default: 0.02]
    #[arg(long, value_name = "SHARE", value_parser = share, requires = "at_market")]
    pub bound: Option<Rate>,
    /// Refuse it if it would execute at once
    #[arg(long, conflicts_with = "at_market")]
    pub post_only: bool,
    /// Take the limits of this configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub consent: Consent,
    #[command(flatten)]
    pub connect: Connect,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InstructionsCommand {
    /// List withdrawal instructions
    #[command(after_help = INSTRUCTIONS)]
    List {
        #[command(flatten)]
        connect: Connect,
    },
    /// Add a bank account of the same holder
    #[command(
        after_help = INSTRUCTIONS,
        override_usage = "pampero instructions create --label <LABEL> --field <KEY=VALUE>..."
    )]
    Create {
        /// A name for it
        #[arg(long)]
        label: String,
        /// A field of it; repeat for each
        #[arg(long = "field", value_name = "KEY=VALUE", required = true, value_parser = super::pair)]
        fields: Vec<(String, String)>,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        connect: Connect,
    },
    /// Delete a withdrawal instruction
    #[command(after_help = INSTRUCTIONS)]
    Delete {
        /// Its number
        id: u64,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        connect: Connect,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PaymentsCommand {
    /// List payments
    #[command(after_help = PAYMENTS)]
    List {
        #[command(flatten)]
        connect: Connect,
    },
    /// Ask a customer for a payment
    #[command(after_help = PAYMENTS)]
    Create {
        /// The price, such as "25 USD"
        amount: Money,
        /// Share to keep in coins, like 0.1
        #[arg(long, value_name = "SHARE", default_value = "0", value_parser = whole_share)]
        keep: Rate,
        /// Where the exchange reports it, with https
        #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
        callback: String,
        /// What the customer sees
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        customer_reference: String,
        /// What you call it
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        merchant_reference: String,
        #[command(flatten)]
        connect: Connect,
    },
    /// Show a payment
    #[command(after_help = PAYMENTS)]
    Show {
        /// Its number
        id: u64,
        #[command(flatten)]
        connect: Connect,
    },
    /// Follow a payment until it is settled or expired
    #[command(after_help = PAYMENTS)]
    Watch {
        /// Its number
        id: u64,
        /// Time between two looks
        #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = span)]
        every: Span,
        #[command(flatten)]
        connect: Connect,
    },
    /// Set up the page where customers pay; replaces the last one
    #[command(after_help = PAYMENTS)]
    Pos {
        /// Last part of its address
        #[arg(long)]
        slug: String,
        /// Name of the merchant
        #[arg(long)]
        name: String,
        /// Address of the merchant's own site
        #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
        site: String,
        /// Address of the logo
        #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
        logo: String,
        /// Share to keep in coins, like 0.1
        #[arg(long, value_name = "SHARE", default_value = "0", value_parser = whole_share)]
        keep: Rate,
        #[command(flatten)]
        connect: Connect,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Show where events are sent
    #[command(after_help = WEBHOOKS)]
    Show {
        #[command(flatten)]
        connect: Connect,
    },
    /// Set where events are sent
    #[command(after_help = WEBHOOKS)]
    Set {
        /// The address
        #[arg(id = "address", value_name = "URL")]
        url: String,
        #[command(flatten)]
        connect: Connect,
    },
    /// Receive events, verify them, and print each once
    #[command(after_help = WEBHOOKS)]
    Listen {
        /// Where to listen
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// End after so many events
        #[arg(long, value_name = "N")]
        count: Option<u64>,
        #[command(flatten)]
        connect: Connect,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BotsCommand {
    /// List bots, finished ones too
    #[command(after_help = BOTS)]
    List {
        #[command(flatten)]
        connect: Connect,
    },
    /// Start a bot that buys or sells in small pieces
    #[command(
        after_help = BOTS,
        override_usage = "pampero bots create <MARKET> <--spend <AMOUNT>|--amount <AMOUNT>>",
        group = ArgGroup::new("size").required(true)
    )]
    Create {
        /// Such as btc_usd
        market: String,
        /// Buy for so much of the quote currency
        #[arg(long, value_name = "AMOUNT", group = "size", value_parser = exact::<Cash>)]
        spend: Option<Cash>,
        /// Sell so much of the base currency
        #[arg(long, value_name = "AMOUNT", group = "size", value_parser = exact::<Quantity>)]
        amount: Option<Quantity>,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        connect: Connect,
    },
    /// Ask a bot to end
    #[command(after_help = BOTS)]
    Cancel {
        /// Side and number, such as buy:16
        #[arg(value_name = "ID")]
        id: OrderKey,
        #[command(flatten)]
        connect: Connect,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List keys by their last characters and permissions
    #[command(after_help = KEYS)]
    List {
        #[command(flatten)]
        connect: Connect,
    },
    /// Create a key, which is shown or stored once
    #[command(after_help = KEYS, group = ArgGroup::new("out").required(true))]
    Create {
        /// What it may do, separated by commas
        #[arg(
            long,
            value_name = "LIST",
            required = true,
            value_delimiter = ',',
            hide_possible_values = true
        )]
        permissions: Vec<Permission>,
        /// Store it in a new file that only you can read
        #[arg(long, value_name = "FILE", group = "out")]
        to: Option<PathBuf>,
        /// Print it
        #[arg(long, group = "out")]
        show: bool,
        #[command(flatten)]
        otp: Otp,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        connect: Connect,
    },
    /// Revoke a key, which stops working at once
    #[command(after_help = KEYS)]
    Revoke {
        /// Its number
        id: u64,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        connect: Connect,
    },
}

/// A permission of a key, by the exchange's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Permission {
    /// Deposits
    FundAccount,
    /// Asking for withdrawals
    CreateWithdrawal,
    /// Seeing withdrawals
    GetWithdrawal,
    /// Seeing balances
    GetBalances,
    /// Orders, executions, bots
    Trading,
    /// Merchants' payments
    Payments,
    /// Documents for compliance
    Compliance,
    /// Listing, creating and revoking keys
    ApiKeys,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PanicArgs {
    /// Cancel on the markets of this configuration
    #[arg(long, value_name = "FILE", group = "scope")]
    pub config: Option<PathBuf>,
    /// Cancel everything of each account, whoever placed it
    #[arg(long, group = "scope")]
    pub everything: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "pampero panic")]
    pub reason: String,
    /// How long to watch for late orders
    #[arg(long, value_name = "SPAN", default_value = "30m", value_parser = span)]
    pub watch: Span,
    /// Watch only if nobody knows whether an order arrived
    #[arg(long)]
    pub no_watch: bool,
    /// Revoke the key that trades, with the admin key
    #[arg(long)]
    pub revoke_key: bool,
    #[command(flatten)]
    pub connect: Connect,
}

fn key_name(text: &str) -> Result<KeyName, String> {
    let found = KeyName::ALL.into_iter().find(|name| name.name() == text);
    found.ok_or_else(|| "expected read, trade, funds or admin".to_owned())
}

/// An exact amount above zero, of at most eight decimals.
fn exact<T>(text: &str) -> Result<T, String>
where
    T: FromStr + Into<Units> + Copy,
    T::Err: std::fmt::Display,
{
    let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals);
    if decimals.trim_end_matches('0').len() > 8 {
        return Err("more than 8 decimals".to_owned());
    }
    let value: T = text.parse().map_err(|error: T::Err| error.to_string())?;
    if value.into().0 > 0 { Ok(value) } else { Err("expected an amount above 0".to_owned()) }
}

/// Units of 1e-8 of whatever it is.
pub(crate) struct Units(i128);

impl From<Cash> for Units {
    fn from(cash: Cash) -> Self {
        Self(cash.units())
    }
}

impl From<Quantity> for Units {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.units().into())
    }
}

impl From<Price> for Units {
    fn from(price: Price) -> Self {
        Self(price.units().into())
    }
}

/// A share that may be the whole.
fn whole_share(text: &str) -> Result<Rate, String> {
    let rate: Rate = text.parse().map_err(|error| format!("{error}"))?;
    if rate.is_negative() || rate > Rate::ONE {
        return Err("expected a share from 0 to 1, such as 0.1 for 10 %".to_owned());
    }
    Ok(rate)
}

impl Otp {
    /// What was given, checked for its form.
    pub fn given(&self) -> Option<Result<OneTimePassword, pampero_bitex::KeyError>> {
        self.otp.as_deref().map(OneTimePassword::new)
    }
}
