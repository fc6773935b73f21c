//! Market data on disk: importers, the Parquet catalogue, verification and synthetic markets.
//!
//! * [`load`] reads a file of candles, trades, best quotes or books and recognises its form by its content;
//!   [`load_bytes`] does so for data in memory. [`load_rates`] reads what a currency was worth over time.
//! * [`write_parquet`] and [`write_csv`] write a series; both forms are exact and are read back unchanged.
//! * [`Catalog`] keeps history in a folder, a Parquet file a day, and merges what is imported.
//! * [`verify`] reports what is doubtful in a series, [`resample`] makes longer candles, [`generate`] draws synthetic
//!   markets, [`content_hash`] names data independently of how it is stored.
//!
//! * `journal` (a feature) records what paper and live trading saw and did.
//!
//! # What is recognised
//!
//! Text with `,`, `;`, tab or `|` between cells, quoted or not, ascending or descending in time, with a byte order
//! mark, remarks (`#`) or the publisher's address before the header, or without header in a known layout:
//!
//! | data | columns by name (case, blanks and punctuation do not matter) | without header |
//! |---|---|---|
//! | candles | time, `open`, `high`, `low`, `close`, `volume` (or `Volume BTC`: never that of a quote currency) | Binance klines, Kraken OHLCVT |
//! | trades | time, `price`, `quantity`, `qty`, `amount` or `size`; optional `id` or `trade_id`, `side` or `is_buyer_maker` | Binance trades and aggTrades, Kraken trades |
//! | quotes | time, `bid_price`, `bid_amount`, `ask_price`, `ask_amount` (or `best_bid_qty`, `ask_size` …) | |
//! | books | time, `side`, `level`, `price`, `quantity`: one row a level | |
//! | depth changes | time, `event` (depth, snapshot, trade), `side`, `price`, `quantity`, `last_id` | |
//!
//! The time is `timestamp`, `ts`, `time`, `date`, `open_time`, `unix` and their like: RFC 3339, `2024-01-31 12:00:00` (UTC
//! unless it states an offset), or a number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by
//! their magnitude or by the name (`timestamp_ms`). A column of symbols splits a file of several markets: choose one.
//!
//! Parquet of others is read by the same names from INT32, INT64, FLOAT, DOUBLE, DECIMAL and text; a float becomes the
//! nearest 1e-8. Our own Parquet holds the exact integers of the model.
//!
//! # It is not
//!
//! A data feed or a database: it reads and writes files, starts no connection, and holds a series in memory while working
//! on it.

mod catalog;
mod cell;
mod check;
mod csv_read;
mod csv_write;
mod dataset;
mod error;
mod events;
mod export;
mod generate;
mod hash;
#[cfg(feature = "journal")]
pub mod journal;
mod layout;
mod load;
mod merge;
mod parquet_read;
mod parquet_write;
mod rates;
mod resample;
mod rows;
mod table;
mod thrift;
mod verify;

pub use catalog::{Catalog, CatalogEntry, ImportSummary, SeriesKey};
pub use cell::TimeUnit;
pub use csv_write::write_csv;
pub use dataset::{Dataset, Kind, LoadOptions, Series};
pub use error::{BadRow, DataError, MAX_BAD_ROWS, Place};
pub use export::{Column, columns_to_csv, columns_to_parquet};
pub use generate::{SyntheticMarket, generate};
pub use hash::content_hash;
pub use load::{load, load_bytes};
pub use parquet_write::{FileInfo, to_parquet, write_atomically, write_parquet};
pub use rates::load_rates;
pub use resample::resample;
pub use verify::{Check, Finding, OUTLIER_LIMIT, VerifyReport, verify};
