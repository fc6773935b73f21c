//! Market data on disk: importers, the Parquet catalogue, verification and synthetic markets.
//!
//! [`load`] reads a file of candles, trades, best quotes or books, recognising its form by its content.

mod cell;
mod check;
mod csv_read;
mod dataset;
mod error;
mod layout;
mod load;
mod rows;
#[allow(dead_code)] // used by the Parquet form, next
mod table;

pub use cell::TimeUnit;
pub use dataset::{Dataset, Kind, LoadOptions, Series};
pub use error::{BadRow, DataError, MAX_BAD_ROWS, Place};
pub use load::{load, load_bytes};
