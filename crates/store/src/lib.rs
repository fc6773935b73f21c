//! Market data on disk: importers, the Parquet catalogue, verification and synthetic markets.
//!
//! [`load`] reads a file of candles, trades, best quotes or books, recognising its form by its content.

mod catalog;
mod cell;
mod check;
mod csv_read;
mod csv_write;
mod dataset;
mod error;
mod events;
mod generate;
mod hash;
mod layout;
mod load;
mod merge;
mod parquet_read;
mod parquet_write;
mod resample;
mod rows;
mod table;
mod verify;

pub use catalog::{Catalog, CatalogEntry, ImportSummary, SeriesKey};
pub use cell::TimeUnit;
pub use csv_write::write_csv;
pub use dataset::{Dataset, Kind, LoadOptions, Series};
pub use error::{BadRow, DataError, MAX_BAD_ROWS, Place};
pub use generate::{SyntheticMarket, generate};
pub use hash::content_hash;
pub use load::{load, load_bytes};
pub use parquet_write::{FileInfo, to_parquet, write_parquet};
pub use resample::resample;
pub use verify::{Check, Finding, OUTLIER_LIMIT, VerifyReport, verify};
