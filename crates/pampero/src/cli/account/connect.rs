//! Which exchange, and which account of it.
#![allow(clippy::doc_markdown)] // help texts, shown as they are

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pampero_bitex::KeyName;

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

fn key_name(text: &str) -> Result<KeyName, String> {
    let found = KeyName::ALL.into_iter().find(|name| name.name() == text);
    found.ok_or_else(|| "expected read, trade, funds or admin".to_owned())
}
