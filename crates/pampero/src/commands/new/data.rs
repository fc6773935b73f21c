//! The market data that a project begins with.

use std::path::Path;

use pampero_model::{Price, Quantity, Rate, Span, Timestamp};
use pampero_store::{FileInfo, Kind, SyntheticMarket, generate};

use crate::commands::data::write_series;
use crate::error::Failure;

/// A file of generated data. It is drawn in integers, so that every machine draws the same.
pub(super) struct Sample {
    pub file: &'static str,
    kind: Kind,
    market: SyntheticMarket,
}

/// A day of candles of a minute.
pub(super) const CANDLES: Sample = Sample {
    file: "data/btc_usd-1m.csv",
    kind: Kind::Candles,
    market: market(Span::from_minutes(1), 1_440, 20),
};

/// Two hours of books, with the trades of the same time.
pub(super) const BOOKS: Sample = Sample {
    file: "data/btc_usd-books.parquet",
    kind: Kind::Books,
    market: market(Span::from_secs(10), 720, 8),
};
pub(super) const TRADES: Sample = Sample { file: "data/btc_usd-trades.parquet", kind: Kind::Trades, ..BOOKS };

/// Lively enough that a strategy has something to do: the price moves by so many basis points a bucket.
const fn market(span: Span, buckets: u32, noise: i64) -> SyntheticMarket {
    SyntheticMarket {
        seed: 11,
        start: Timestamp::from_secs(1_735_689_600), // 2025-01-01
        span,
        buckets,
        price: Price::from_int(4_000),
        tick: Price::from_units(pampero_model::SCALE / 100),
        noise: Rate::from_basis_points(noise),
        trend: Rate::from_basis_points(noise / 5),
        regime: 120,
        spread: Rate::from_basis_points(15),
        trades: 4,
        quantity: Quantity::from_int(1),
        levels: 10,
    }
}

impl Sample {
    /// Draws it into the project's folder.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let series = generate(&self.market, self.kind)?;
        let info = FileInfo {
            venue: Some("bitex".to_owned()),
            market: Some("btc_usd".to_owned()),
            synthetic: Some(self.market.label()),
        };
        write_series(&folder.join(self.file), &series, &info)
    }
}
