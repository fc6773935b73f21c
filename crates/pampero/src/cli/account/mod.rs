//! The commands that talk to the exchange.
#![allow(clippy::doc_markdown)] // help texts, shown as they are

mod connect;
mod groups;
mod values;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use pampero_model::{Cash, Money, Price, Quantity, Rate, Span};

use self::values::exact;
use crate::cli::examples::{
    BALANCES, BUY, BUY_USAGE, CANCEL, CANCEL_ALL, CANDLES, DEPOSITS, DOCTOR, MARKET, MOVEMENTS, ORDERS,
    PANIC, SELL, SELL_USAGE, TICKER, TRADES, TRANSACTIONS, WHOAMI, WITHDRAW, WITHDRAWALS,
};
use crate::cli::{share, span};

pub(crate) use self::connect::{Connect, EnvName, Place};
pub(crate) use self::groups::{
    BotsCommand, InstructionsCommand, KeysCommand, PaymentsCommand, Permission, WebhooksCommand,
};
pub(crate) use self::values::{Consent, OrderKey, Otp};

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
