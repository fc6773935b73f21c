//! What is written is read back unchanged, and nothing that is read panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use pampero_model::{
    BookSeries, BookSnapshot, Candle, CandleSeries, Level, Price, Quantity, Quote, QuoteSeries, Side, Span,
    Timestamp, Trade, TradeSeries,
};
use pampero_store::{FileInfo, LoadOptions, Series, content_hash, load_bytes, to_parquet, write_csv};
use proptest::collection::vec;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000_000;

fn price() -> impl Strategy<Value = Price> {
    (1_i64..900_000_000_000_000_000).prop_map(Price::from_units)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    (0_i64..900_000_000_000_000_000).prop_map(Quantity::from_units)
}

fn level() -> impl Strategy<Value = Level> {
    (price(), quantity()).prop_map(|(price, quantity)| Level { price, quantity })
}

fn candles() -> impl Strategy<Value = Series> {
    let row = (1_i64..4, [price(), price(), price(), price()], quantity());
    vec(row, 2..40).prop_map(|rows| {
        let mut series = CandleSeries::new(Span::from_nanos(HOUR));
        // Two neighbours first, so that the span shows; then gaps of up to three.
        let mut hour = 400_000;
        for (index, (step, mut prices, volume)) in rows.into_iter().enumerate() {
            hour += if index % 2 == 1 { 1 } else { step };
            prices.sort();
            let [low, open, close, high] = prices;
            let open_time = Timestamp::from_nanos(hour * HOUR);
            series.push(&Candle { open_time, open, high, low, close, volume });
        }
        Series::Candles(series)
    })
}

fn trades() -> impl Strategy<Value = Series> {
    let side = prop_oneof![Just(None), Just(Some(Side::Buy)), Just(Some(Side::Sell))];
    vec((0_i64..2_000_000_000, any::<u64>(), price(), quantity(), side), 1..40).prop_map(|rows| {
        let mut series = TradeSeries::default();
        let mut time = 1_700_000_000_000_000_000;
        for (step, id, price, quantity, aggressor) in rows {
            time += step;
            let time = Timestamp::from_nanos(time);
            series.push(&Trade { id, time, price, quantity, aggressor });
        }
        Series::Trades(series)
    })
}

fn quotes() -> impl Strategy<Value = Series> {
    vec((0_i64..2_000_000_000, level(), level()), 1..40).prop_map(|rows| {
        let mut series = QuoteSeries::default();
        let mut time = 1_700_000_000_000_000_000;
        for (step, bid, ask) in rows {
            time += step;
            series.push(Timestamp::from_nanos(time), &Quote { bid, ask });
        }
        Series::Quotes(series)
    })
}

fn books() -> impl Strategy<Value = Series> {
    let side = || vec((1_i64..1_000_000, 1_i64..1_000_000), 0..6);
    vec((0_i64..3, side(), side()), 1..20).prop_map(|rows| {
        let levels = |mut rows: Vec<(i64, i64)>| {
            rows.sort_unstable();
            rows.dedup_by_key(|row| row.0);
            let level = |(price, size)| Level {
                price: Price::from_units(price),
                quantity: Quantity::from_units(size),
            };
            rows.into_iter().map(level).collect::<Vec<_>>()
        };
        let mut series = BookSeries::default();
        let mut time = 1_700_000_000_000_000_000;
        for (step, bids, asks) in rows {
            time += step;
            let (mut bids, asks) = (levels(bids), levels(asks));
            bids.reverse();
            series.push(Timestamp::from_nanos(time), BookSnapshot { bids: &bids, asks: &asks });
        }
        Series::Books(series)
    })
}

fn any_series() -> impl Strategy<Value = Series> {
    prop_oneof![candles(), trades(), quotes(), books()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_is_read_back_unchanged(series in any_series(), synthetic in proptest::option::of("[a-z ,;=0-9]{1,20}")) {
        let mut text = Vec::new();
        write_csv(&series, synthetic.as_deref(), &mut text).unwrap();
        let dataset = load_bytes("round.csv", &text, &LoadOptions::default()).unwrap();
        prop_assert_eq!(content_hash(&dataset.series), content_hash(&series));
        prop_assert_eq!(dataset.series, series);
        prop_assert_eq!(dataset.synthetic.as_deref().map(str::trim), synthetic.as_deref().map(str::trim));
    }

    #[test]
    fn parquet_is_read_back_unchanged(series in any_series()) {
        let info = FileInfo {
            venue: Some("bitex".to_owned()),
            market: Some("btc_ars".to_owned()),
            synthetic: Some("seed 7".to_owned()),
        };
        let bytes = to_parquet(&series, &info).unwrap();
        prop_assert_eq!(&bytes, &to_parquet(&series, &info).unwrap());
        let dataset = load_bytes("round.parquet", &bytes, &LoadOptions::default()).unwrap();
        prop_assert_eq!(dataset.series, series);
        prop_assert_eq!((dataset.venue, dataset.symbol, dataset.synthetic), (info.venue, info.market, info.synthetic));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), head in 0_usize..4) {
        let heads: [&[u8]; 4] = [b"", b"time,price,qty\n", b"time,open,high,low,close,volume\n", b"ts;side;level;price;qty\n"];
        let bytes = [heads[head], &bytes].concat();
        let _ = load_bytes("any", &bytes, &LoadOptions::default());
        let _ = load_bytes("any", &bytes, &LoadOptions { raw: true, ..LoadOptions::default() });
    }

    #[test]
    fn text_near_csv_never_panics(text in "(time|ts|price|qty|open|high|low|close|volume|side|level|[0-9.,;\"\n\r\t-]){0,80}") {
        let _ = load_bytes("any", text.as_bytes(), &LoadOptions::default());
    }

    #[test]
    fn damaged_parquet_never_panics(series in any_series(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = to_parquet(&series, &FileInfo::default()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = load_bytes("damaged", &bytes, &LoadOptions::default());
        bytes.truncate(cut.index(bytes.len()));
        let _ = load_bytes("cut", &bytes, &LoadOptions::default());
    }
}
