//! The report as text, JSON, picture and files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod common;

use std::fs;
use std::sync::Arc;

use common::{HOUR, at, cash, fill, marks, point, price, run};
use pampero_model::{OrderId, Quantity, Side, Size};
use pampero_report::{
    DeniedCount, OrderRecord, RunRecord, Statistics, Style, Timing, WriteError, explain, explanations,
    orders_hash, render, show, summary_json, write_files,
};

/// Forty hours that rise, fall and rise again, with two round trips and an open position.
fn sample() -> RunRecord {
    let mut run = run();
    let start = 1_700_006_400; // 2023-11-15T00:00:00Z
    for hour in 0..=40_i64 {
        let units = 100_000 + 500 * hour - 40 * (hour - 10).abs() * ((hour % 7) - 3);
        let mut at_hour = point(start + hour * HOUR, &units.to_string());
        at_hour.price = price(&(100 + (hour * 7) % 23).to_string());
        at_hour.exposure = if hour % 10 < 5 { cash("5000") } else { cash("0") };
        run.equity.push(at_hour);
    }
    run.marks = vec![marks("100", "112")];
    run.fills = vec![
        fill(start + 3_600, Side::Buy, "100", "10", "0.025"),
        fill(start + 7_200, Side::Sell, "110", "9.975", "2.7"),
        fill(start + 36_000, Side::Buy, "115", "10", "0.025"),
        fill(start + 39_600, Side::Sell, "105", "9.975", "2.6"),
        fill(start + 72_000, Side::Buy, "101", "4", "0.01"),
    ];
    for filled in &mut run.fills {
        filled.mid = Some(price("104.5"));
    }
    run.orders = run
        .fills
        .iter()
        .map(|filled| OrderRecord {
            id: OrderId(filled.fill.order.0),
            strategy: filled.strategy.clone(),
            time: filled.fill.time,
            market: filled.fill.market,
            side: filled.fill.side,
            desired_price: filled.fill.price,
            sent_price: filled.fill.price,
            size: Size::Base(filled.fill.base),
            kind: "limit".into(),
            status: "completed".into(),
            filled_base: filled.fill.base,
            filled_quote: filled.fill.quote,
            reason: "CROSS, up".into(),
            finished: Some(filled.fill.time),
        })
        .collect();
    run.denied = vec![
        DeniedCount {
            code: "MAX_POSITION".into(),
            meaning: "The position would pass its limit.".into(),
            count: 1_234,
        },
        DeniedCount { code: "STALE_DATA".into(), meaning: "".into(), count: 2 },
    ];
    let inputs = &mut run.inputs;
    inputs.parameters = [("fast", "10"), ("slow", "30")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    inputs.seed = 7;
    inputs.config_hash = "c0ffee00c0ffee00".into();
    inputs.data_hash = "da7ada7ada7ada7a".into();
    inputs.version = "0.1.0".into();
    inputs.fill_model = "conservative".into();
    inputs.data = vec!["btc_usd, 41 candles of 1h".to_owned()];
    inputs.synthetic = true;
    inputs.from = at(start);
    inputs.to = at(start + 40 * HOUR);
    inputs.notes = vec![
        "Limits are as wide as the account, because none were configured; live trading has no such defaults."
            .to_owned(),
    ];
    inputs.reproduce = "pampero backtest --seed 7".into();
    run.timing = Timing { load_seconds: 0.25, run_seconds: 0.5, events: 1_000_000 };
    run
}

#[test]
fn the_report_reads_like_this() {
    let run = sample();
    let text = render(&run, &Statistics::compute(&run), &Style { color: false, timing: true });
    insta::assert_snapshot!("report", text);
}

#[test]
fn an_empty_run_has_a_report_too() {
    let run = run();
    insta::assert_snapshot!("empty_report", render(&run, &Statistics::compute(&run), &Style::default()));
}

#[test]
fn no_line_is_wider_than_eighty_columns_even_with_large_figures() {
    let mut run = sample();
    run.inputs.data = vec!["a rather long description of where this came from, ".repeat(5)];
    run.inputs.strategy = "a strategy with a name that nobody would give it".to_owned();
    for point in &mut run.equity {
        point.equity = cash(&format!("{}000000000000.12", point.equity));
    }
    let text = render(&run, &Statistics::compute(&run), &Style::default());
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let run = sample();
    let statistics = Statistics::compute(&run);
    let plain = render(&run, &statistics, &Style::default());
    let colored = render(&run, &statistics, &Style { color: true, timing: false });
    assert!(!plain.contains('\u{1b}') && colored.contains('\u{1b}'));
    let mut stripped = String::new();
    for (index, part) in colored.split('\u{1b}').enumerate() {
        stripped.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(
        stripped.lines().map(str::trim_end).collect::<Vec<_>>(),
        plain.lines().map(str::trim_end).collect::<Vec<_>>()
    );
}

#[test]
fn the_summary_has_its_stated_shape() {
    let run = sample();
    let summary = summary_json(&run, &Statistics::compute(&run));
    insta::assert_snapshot!("summary", format!("{summary:#}"));
}

#[test]
fn what_is_undefined_is_null_and_never_zero() {
    let run = run();
    let summary = summary_json(&run, &Statistics::compute(&run));
    for name in ["final_equity", "return", "max_drawdown", "sharpe"] {
        assert!(summary["summary"][name].is_null(), "{name}");
    }
    assert!(summary["timing"]["events_per_second"].is_null());
}

#[test]
fn the_hash_names_what_was_done_and_nothing_else() {
    let run = sample();
    let hash = orders_hash(&run);
    assert_eq!(hash.len(), 64);
    let mut same = sample();
    same.timing.run_seconds = 99.0;
    same.orders[0].reason = "OTHER".into();
    same.inputs.seed = 8;
    assert_eq!(orders_hash(&same), hash);
    let changes: [fn(&mut RunRecord); 6] = [
        |run| run.orders[0].status = "cancelled".into(),
        |run| run.orders[1].size = Size::Quote(cash("9.975")),
        |run| run.orders[1].finished = None,
        |run| run.fills[0].fill.fee += 1,
        |run| run.fills.swap(0, 1),
        |run| drop(run.orders.pop()),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut other = sample();
        change(&mut other);
        assert_ne!(orders_hash(&other), hash, "change {index}");
    }
}

#[test]
fn the_hash_is_of_the_documented_text() {
    let mut run = sample();
    run.orders.truncate(1);
    run.fills.truncate(1);
    let text = "pampero orders 1\n\
        order 1700010000 1700010000000000000 bitex:btc_usd buy limit 10000000000 10000000000 base 1000000000 completed \
        1000000000 100000000000 1700010000000000000\n\
        fill 1700010000 1700010000 1700010000000000000 bitex:btc_usd buy 10000000000 1000000000 100000000000 2500000 \
        taker\n";
    assert_eq!(orders_hash(&run), blake3::hash(text.as_bytes()).to_hex().to_string());
}

#[test]
fn the_files_are_whole_and_the_same_for_the_same_run() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("a/b/other"));
    let mut run = sample();
    write_files(&one, &run, &Statistics::compute(&run)).unwrap();
    run.timing.run_seconds = 12.0;
    write_files(&other, &run, &Statistics::compute(&run)).unwrap();
    let names =
        ["orders.csv", "fills.csv", "trades.csv", "equity.csv", "report.txt", "equity.svg", "report.json"];
    for name in names {
        assert_eq!(fs::read(one.join(name)).unwrap(), fs::read(other.join(name)).unwrap(), "{name}");
    }
    let lines = |name| fs::read_to_string(one.join(name)).unwrap().lines().count();
    assert_eq!(names[..4].iter().map(lines).collect::<Vec<_>>(), [6, 6, 4, 42]);
    let mut reader = csv::Reader::from_path(one.join("orders.csv")).unwrap();
    let first = reader.records().next().unwrap().unwrap();
    assert_eq!((&first[8], &first[9], &first[14]), ("10", "base", "CROSS, up"));
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(one.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["statistics"]["round_trips"], 2);
    assert_eq!(report["denied_by_code"]["MAX_POSITION"], 1_234);
    assert_eq!(report["run"]["synthetic"], true);
}

#[test]
fn only_an_earlier_run_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let run = sample();
    let statistics = Statistics::compute(&run);
    write_files(directory.path(), &run, &statistics).unwrap();
    write_files(directory.path(), &run, &statistics).unwrap();
    fs::remove_file(directory.path().join("report.json")).unwrap();
    let refused = write_files(directory.path(), &run, &statistics).unwrap_err();
    assert!(matches!(refused, WriteError::NotOurs(_)));
    assert!(refused.to_string().contains("name a new or an empty directory"), "{refused}");
}

#[test]
fn a_file_in_the_way_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let run = sample();
    let error = write_files(&path, &run, &Statistics::compute(&run)).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn the_picture_is_small_and_keeps_the_extremes() {
    let mut run = sample();
    // A hundred thousand points with one spike.
    let first = run.equity[0];
    run.equity = (0..100_000)
        .map(|second| {
            let equity = if second == 77_777 { cash("500000") } else { cash("100000") };
            pampero_report::EquityPoint { time: at(second), equity, ..first }
        })
        .collect();
    run.inputs.strategy = "<script> & co".to_owned();
    let directory = tempfile::tempdir().unwrap();
    write_files(directory.path(), &run, &Statistics::compute(&run)).unwrap();
    let svg = fs::read_to_string(directory.path().join("equity.svg")).unwrap();
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
    assert!(svg.contains("&lt;script&gt; &amp; co") && svg.contains("synthetic data"));
    let line = svg.lines().find(|line| line.contains("class=\"run\"")).unwrap();
    let heights: Vec<f64> = line
        .split('"')
        .nth(3)
        .unwrap()
        .split(' ')
        .map(|point| point.split_once(',').unwrap().1.parse().unwrap())
        .collect();
    assert!(heights.len() <= 2_000);
    // The spike reaches the top of the panel, everything else lies on its floor.
    assert!(heights.contains(&64.0));
    assert_eq!(heights.iter().filter(|height| **height < 330.0).count(), 1);
}

#[test]
fn every_statistic_has_its_formula_and_is_found_by_name() {
    for explanation in explanations() {
        assert!(!explanation.formula.is_empty());
        assert!(explanation.title.chars().count() <= 23, "{}", explanation.title);
        assert_eq!(explain(explanation.name).map(|found| found.title), Some(explanation.title));
        assert_eq!(explanations().iter().filter(|other| other.name == explanation.name).count(), 1);
    }
    assert!(explain("Max-Drawdown").is_some());
    assert!(explain("").is_none());
}

#[test]
fn a_statistic_alone_is_shown_as_in_the_report() {
    let run = sample();
    let statistics = Statistics::compute(&run);
    let shown = |name| show(explain(name).unwrap().value(&statistics), &run);
    assert_eq!((shown("final_equity"), shown("return")), ("117,600.00".to_owned(), "16.21 %".to_owned()));
    assert_eq!((shown("calmar"), shown("drawdown_duration")), ("n/a".to_owned(), "7h".to_owned()));
}

#[test]
fn what_is_said_never_to_be_undefined_never_is() {
    use pampero_report::Value;
    let empty = Statistics::compute(&run());
    for explanation in explanations() {
        let undefined = explanation.value(&empty) == Value::Undefined;
        assert!(!undefined || !explanation.undefined.is_empty(), "{}", explanation.name);
    }
}

#[test]
fn strategies_and_quantities_are_written_as_they_are() {
    let mut run = sample();
    run.fills[0].strategy = Arc::from("name, with a comma");
    run.fills[0].fill.base = Quantity::UNIT;
    let directory = tempfile::tempdir().unwrap();
    write_files(directory.path(), &run, &Statistics::compute(&run)).unwrap();
    let mut reader = csv::Reader::from_path(directory.path().join("fills.csv")).unwrap();
    let first = reader.records().next().unwrap().unwrap();
    assert_eq!((&first[3], &first[7], &first[10]), ("name, with a comma", "0.00000001", "btc"));
}
