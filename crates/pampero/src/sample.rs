//! What is built into the program, so that it has something to show in any directory.

/// The quickstart, which runs where no configuration is named and the working directory has none.
pub(crate) const QUICKSTART: (&str, &str) =
    ("config/quickstart.toml", include_str!("../../../config/quickstart.toml"));

/// The samples of market data: name and Parquet file.
const SAMPLES: &[(&str, &[u8])] = &[
    ("synthetic_btc_ars_1h", include_bytes!("../sample/synthetic_btc_ars_1h.parquet")),
    (
        "binance_btcusdt_trades_2025-03-25",
        include_bytes!("../sample/binance_btcusdt_trades_2025-03-25.parquet"),
    ),
    (
        "binance_btcusdt_quotes_2025-03-25",
        include_bytes!("../sample/binance_btcusdt_quotes_2025-03-25.parquet"),
    ),
];

/// The sample of a name.
pub(crate) fn find(name: &str) -> Option<&'static [u8]> {
    SAMPLES.iter().find(|(other, _)| *other == name).map(|(_, bytes)| *bytes)
}

/// The names of all samples.
pub(crate) fn names() -> Vec<&'static str> {
    SAMPLES.iter().map(|(name, _)| *name).collect()
}
