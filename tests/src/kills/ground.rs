//! An exchange, and the folder of the trader on it.

use std::path::PathBuf;

use pampero_runtime::state_dir::{StateDir, write_private};
use pampero_sandbox::{Sandbox, SandboxConfig};
use tokio::runtime::Handle;

/// What the markets of the configuration trade against dollars, in its order.
pub const BASES: [&str; 2] = ["btc", "bch"];

/// Quotes close to the market, so that it is filled; short windows, so that what is not known is settled soon.
const MAKER: &str = r#"
[run]
report_currency = "usd"
[[strategy]]
name = "market-maker"
markets = ["btc_usd"]
[strategy.parameters]
order_quantity = "0.02"
half_spread = "0.0004"
max_position = "3"
min_position = "0"
target_position = "1"
skew = "0.00001"
interval = "300ms"
min_change = "0.0001"
[strategy.allocation]
usd = "5000"
btc = "1"
[[strategy]]
name = "market-maker"
markets = ["bch_usd"]
[strategy.parameters]
order_quantity = "0.5"
half_spread = "0.0004"
max_position = "40"
min_position = "0"
target_position = "20"
skew = "0.00001"
interval = "300ms"
min_change = "0.0001"
[strategy.allocation]
usd = "5000"
bch = "20"
[account]
usd = "10000"
btc = "1"
bch = "20"
[limits]
max_order_value = "500"
max_data_age = "30s"
[limits.markets.btc_usd]
max_order_notional = "500"
[limits.markets.bch_usd]
max_order_notional = "500"
[feed]
fastest = "300ms"
slowest = "1s"
slowest_with_orders = "500ms"
spacing = "200ms"
[live]
quarantine = "4s"
ghost_horizon = "8s"
orders_per_minute = 600
foreign_orders = "halt"
"#;

/// Its own market, as fast as it goes; no limit on requests.
const EXCHANGE: &str = "
listen = '127.0.0.1:0'
admin_listen = '127.0.0.1:0'
requests_per_second = 0
agents.speed = 2000
";

pub struct Ground {
    pub sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Ground {
    /// Starts an exchange, and leaves word of it where the trader looks.
    pub fn start(runtime: &Handle, seed: u64) -> Result<Self, String> {
        let config = SandboxConfig::from_toml(&format!("seed = {seed}{EXCHANGE}"));
        let config = config.map_err(|error| error.to_string())?;
        let sandbox = runtime.block_on(Sandbox::start(config)).map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let ground = Self { sandbox, folder };
        let word = ground.state()?.path().join("sandbox.json");
        write_private(&word, ground.sandbox.announcement().as_bytes()).map_err(|error| error.to_string())?;
        std::fs::write(ground.folder().join("maker.toml"), MAKER).map_err(|error| error.to_string())?;
        Ok(ground)
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    pub fn state(&self) -> Result<StateDir, String> {
        StateDir::open(Some(&self.folder().join("state")), "local").map_err(|error| error.to_string())
    }

    /// The last lines of what the trader said.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
    }
}
