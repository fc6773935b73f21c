//! The HTML report in a real browser. It needs Chromium, Node and `npm ci` in `tests/browser`; where one is missing it is
//! skipped with a message, unless `PAMPERO_BROWSER_TEST=required` says that it must run, as continuous integration does.
//! `PAMPERO_BROWSER_TEST_OUT=DIR` keeps the pages and the screenshots.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use common::{fill, marks, run};
use pampero_model::{Cash, Price, Side, Timestamp};
use pampero_report::{
    DeniedCount, EquityPoint, PresetOutcome, RunRecord, Statistics, Value, render_html, write_files,
};

/// Minutely candles of a seeded walk, a fill each 75th of them.
fn walk(candles: i64) -> RunRecord {
    let mut record = run();
    let (mut state, mut price) = (7_u64, 6_000_000_i64);
    let mut cash = 1_000_000_000_i64; // all amounts in cents
    let mut held = 0_i64;
    for index in 0..candles {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        price += i64::try_from(state >> 33).unwrap() % 4_001 - 2_000 + (6_000_000 - price) / 5_000;
        if index % 75 == 50 {
            let side = if held == 0 { Side::Buy } else { Side::Sell };
            let coins = if held == 0 { 100 } else { -held };
            held += coins;
            cash -= coins * price;
            let text = format!("{}.{:02}", price / 100, price % 100);
            record.fills.push(fill(index * 60, side, &text, "100", "0"));
        }
        let cents = |amount: i64| Cash::from_units(i128::from(amount) * 1_000_000);
        record.equity.push(EquityPoint {
            time: Timestamp::from_secs(1_700_000_000 + index * 60),
            price: Price::from_units(price * 1_000_000),
            equity: cents(cash + held * price),
            exposure: cents(held * price),
        });
    }
    for filled in &mut record.fills {
        filled.fill.time = Timestamp::from_secs(1_700_000_000 + filled.fill.time.as_millis() / 1_000);
    }
    record.marks = vec![marks("60000", "60000")];
    record.inputs.from = record.equity[0].time;
    record.inputs.to = record.equity.last().unwrap().time;
    record.inputs.synthetic = true;
    record.inputs.fill_model = "conservative".into();
    record.inputs.parameters.insert("fast".to_owned(), "10".to_owned());
    record.inputs.notes =
        vec!["A note with </script><script>window.injected = true</script> in it.".to_owned()];
    record.inputs.reproduce = "pampero backtest walk.toml --set fast=10".into();
    record.denied = vec![DeniedCount {
        code: "MAX_POSITION".into(),
        meaning: "The position would pass its limit.".into(),
        count: 1_234,
    }];
    record.presets = ["conservative", "neutral", "optimistic"]
        .map(|preset| PresetOutcome {
            preset: preset.to_owned(),
            values: vec![("return".to_owned(), Value::Fraction(0.1)), ("fills".to_owned(), Value::Count(12))],
        })
        .to_vec();
    record
}

fn page(record: &RunRecord) -> String {
    render_html(record, &Statistics::compute(record))
}

#[test]
fn a_hundred_thousand_candles_are_a_megabyte_at_most_and_always_the_same() {
    let record = walk(100_000);
    let html = page(&record);
    assert!(html.len() <= 1_000_000, "{} bytes", html.len());
    assert_eq!(html, page(&record));
    // Nothing outside the file is named but what the library's licence banner says of its origin.
    for link in ["src=\"http", "href=", "url(http", "@import", "//cdn"] {
        assert!(!html.contains(link), "{link}");
    }
    assert!(html.contains("Permission is hereby granted"));
}

#[test]
fn a_run_that_is_kept_comes_back_whole() {
    let record = walk(1_000);
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &record, &Statistics::compute(&record)).unwrap();
    let back = pampero_report::read_run(folder.path()).unwrap();
    assert_eq!(back.equity, record.equity);
    assert_eq!(back.fills, record.fills);
    assert_eq!(page(&back), page(&record));
    // Cut anywhere, it is told to be damaged.
    let path = folder.path().join("record.gz");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(
        pampero_report::read_run(folder.path()),
        Err(pampero_report::ReadError::Damaged { .. })
    ));
}

/// The browser, or what is missing.
fn tools() -> Result<(PathBuf, PathBuf), String> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if !scripts.join("node_modules/puppeteer-core").is_dir() {
        return Err(format!("`npm ci` was not run in {}", scripts.display()));
    }
    let named = env::var_os("CHROMIUM").map(PathBuf::from);
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = named.into_iter().chain(known.map(PathBuf::from)).find(|path| path.is_file());
    found.map(|browser| (browser, scripts)).ok_or_else(|| "no Chromium (set CHROMIUM)".to_owned())
}

#[test]
fn a_browser_draws_zooms_and_explains_without_a_complaint() {
    let (browser, scripts) = match tools() {
        Ok(tools) => tools,
        Err(missing) if env::var_os("PAMPERO_BROWSER_TEST").is_some() => panic!("{missing}"),
        Err(missing) => {
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let temporary = tempfile::tempdir().unwrap();
    let folder = env::var_os("PAMPERO_BROWSER_TEST_OUT").map_or(temporary.path().to_owned(), PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    for (name, record) in
        [("hundred_thousand.html", walk(100_000)), ("million.html", walk(1_000_000)), ("empty.html", run())]
    {
        let html = page(&record);
        println!("{name}: {} bytes", html.len());
        fs::write(folder.join(name), html).unwrap();
    }
    let ran = Command::new("node").arg(scripts.join("check.mjs")).arg(browser).arg(&folder).output().unwrap();
    let (out, complaint) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    println!("milliseconds: {out}");
    assert!(ran.status.success(), "{out}{complaint}");
}
