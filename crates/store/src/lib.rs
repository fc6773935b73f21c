//! Market data on disk: importers, the Parquet catalogue, verification and synthetic markets.
//!
//! [`load`] reads a file of candles, trades, best quotes or books, recognising its form by its content.

mod cell;
mod check;
mod csv_read;
mod dataset;
mod error;
mod events;
mod hash;
mod layout;
mod load;
mod parquet_read;
mod parquet_write;
mod rows;
mod table;

pub use cell::TimeUnit;
pub use dataset::{Dataset, Kind, LoadOptions, Series};
pub use error::{BadRow, DataError, MAX_BAD_ROWS, Place};
pub use hash::content_hash;
pub use load::{load, load_bytes};
pub use parquet_write::{FileInfo, to_parquet, write_parquet};
