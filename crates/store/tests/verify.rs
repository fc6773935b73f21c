//! Each check finds what it is for, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // test code

use std::fmt::Write;

use pampero_store::{Check, LoadOptions, VerifyReport, load_bytes, verify};

fn report(text: &str) -> VerifyReport {
    let options = LoadOptions { raw: true, ..LoadOptions::default() };
    verify(&load_bytes("test", text.as_bytes(), &options).unwrap().series)
}

/// One minute after the other, each with a move of a tenth; row 50 may be replaced.
fn minutes(row_50: Option<&str>) -> String {
    let mut text = "time,open,high,low,close,volume\n".to_owned();
    for minute in 0..100 {
        let (time, cents) = (minute * 60, minute % 2);
        match row_50.filter(|_| minute == 50) {
            Some(row) => writeln!(text, "{row}").unwrap(),
            None => writeln!(text, "{time},100.{cents},100.1,100,100.{cents},1").unwrap(),
        }
    }
    text
}

fn only(report: &VerifyReport) -> (Check, u64, u64) {
    assert_eq!(report.counts.len(), 1, "{report}");
    let (check, count) = report.counts.first_key_value().unwrap();
    (*check, *count, report.findings[0].row)
}

#[test]
fn clean_candles_are_clean() {
    let report = report(&minutes(None));
    assert!(report.is_clean(), "{report}");
    assert!(report.to_string().ends_with("nothing doubtful"));
}

#[test]
fn each_fault_of_a_candle_is_found() {
    let find = |row: &str| only(&report(&minutes(Some(row))));
    assert_eq!(find("3000,100,99,99,100,1"), (Check::ImpossibleCandle, 1, 51));
    assert_eq!(find("3000,100,100,100,100,0"), (Check::ZeroQuantity, 1, 51));
    assert_eq!(find("3000,100,120,100,100,1"), (Check::Outlier, 1, 51));
    assert_eq!(find("3000,100,100.1,80,100,1"), (Check::Outlier, 1, 51));
}

#[test]
fn gaps_tell_from_where_to_where_and_how_many() {
    let text = minutes(None).lines().enumerate().filter(|(line, _)| !(11..14).contains(line)).fold(
        String::new(),
        |mut text, (_, line)| {
            writeln!(text, "{line}").unwrap();
            text
        },
    );
    let report = report(&text);
    assert_eq!(only(&report), (Check::Gap, 1, 11));
    assert_eq!(report.missing, 3);
    assert_eq!(report.findings[0].detail, "3 missing from 1970-01-01T00:10:00Z to 1970-01-01T00:12:00Z");
}

#[test]
fn order_is_checked() {
    let found = report(&minutes(Some("2940,100.1,100.1,100,100.1,1"))).counts;
    assert_eq!((found[&Check::Duplicate], found[&Check::Gap]), (1, 1));
    let found = report(&minutes(Some("2880,100.1,100.1,100,100.1,1"))).counts;
    assert_eq!((found[&Check::Disorder], found[&Check::Gap]), (1, 1));
    let found = report(&minutes(Some("3007,100.1,100.1,100,100.1,1"))).counts;
    assert_eq!(found[&Check::Misaligned], 2);
}

#[test]
fn a_small_move_is_no_outlier_however_quiet_the_market() {
    let with = |price: &str| {
        let mut text = "time,price,amount\n".to_owned();
        for second in 0..100 {
            let usual = format!("100.0{}", second % 2);
            writeln!(text, "{second},{},1", if second == 50 { price } else { &usual }).unwrap();
        }
        report(&text)
    };
    assert!(with("100.5").is_clean());
    assert_eq!(with("103").counts[&Check::Outlier], 2);
}

#[test]
fn trades_quotes_and_books_are_checked() {
    let found = report("time,id,price,amount\n1,7,5,1\n2,7,5,1\n3,8,5,0\n").counts;
    assert_eq!((found[&Check::Duplicate], found[&Check::ZeroQuantity]), (1, 1));
    let found = report("time,bid,bid_size,ask,ask_size\n1,5,1,6,1\n2,6,1,6,1\n3,5,0,6,1\n").counts;
    assert_eq!((found[&Check::Crossed], found[&Check::ZeroQuantity]), (1, 1));
    let found = report("time,side,level,price,qty\n1,bid,1,5,1\n1,ask,1,5,1\n2,bid,1,5,0\n").counts;
    assert_eq!((found[&Check::Crossed], found[&Check::ZeroQuantity]), (1, 1));
}

#[test]
fn findings_are_counted_all_and_listed_in_part() {
    let mut text = "time,id,price,amount\n".to_owned();
    (0..1_000).for_each(|row| writeln!(text, "{row},0,5,0").unwrap());
    let report = report(&text);
    assert_eq!((report.counts[&Check::ZeroQuantity], report.findings.len()), (1_000, 20));
}
