//! Reading 1,000,000 candles: from CSV, from Parquet, and, for comparison, only splitting the same CSV into fields with
//! the `csv` crate.
//!
//! `cargo bench -p pampero-benches --bench load`

// Bench code may stop where a setup fails.
#![allow(clippy::expect_used, missing_docs)]

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pampero_benches::candles;
use pampero_store::{FileInfo, LoadOptions, Series, load, write_csv, write_parquet};

fn split_fields(path: &Path) -> usize {
    let mut reader = csv::Reader::from_path(path).expect("the file");
    let mut record = csv::ByteRecord::new();
    let mut fields = 0;
    while reader.read_byte_record(&mut record).expect("a record") {
        fields += record.len();
    }
    fields
}

fn loading(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, parquet) = (folder.path().join("candles.csv"), folder.path().join("candles.parquet"));
    let series = Series::Candles(candles(1_000_000));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&text).expect("a file"));
    write_csv(&series, None, &mut file).expect("a written file");
    drop(file);
    let info =
        FileInfo { venue: Some("generic".to_owned()), market: Some("btc_usd".to_owned()), synthetic: None };
    write_parquet(&parquet, &series, &info).expect("a written file");

    let mut group = criterion.benchmark_group("1,000,000 candles");
    group.throughput(Throughput::Elements(1_000_000)).sample_size(10);
    let options = LoadOptions::default();
    group.bench_function("csv", |bench| bench.iter(|| load(&text, &options).expect("candles")));
    group.bench_function("parquet", |bench| bench.iter(|| load(&parquet, &options).expect("candles")));
    group.bench_function("csv crate, splitting alone", |bench| bench.iter(|| split_fields(&text)));
    group.finish();
}

criterion_group!(benches, loading);
criterion_main!(benches);
