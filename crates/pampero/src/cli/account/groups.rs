//! The commands that are groups of commands: instructions, payments, webhooks, bots, keys.
#![allow(clippy::doc_markdown)] // help texts, shown as they are

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Subcommand, ValueEnum};
use pampero_model::{Cash, Money, Quantity, Rate, Span};

use super::values::{exact, whole_share};
use super::{Connect, Consent, OrderKey, Otp};
use crate::cli::examples::{BOTS, INSTRUCTIONS, KEYS, PAYMENTS, WEBHOOKS};
use crate::cli::span;

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
        #[arg(long = "field", value_name = "KEY=VALUE", required = true, value_parser = crate::cli::pair)]
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
