//! Rates from files and documents: exact digits, safe addresses, limits, staleness.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pampero_model::{Currency, Price, Span, Timestamp};
use pampero_runtime::feed::{
    Clock, RateError, RateMessage, RatePlace, RateSource, read_rates, wall_clock, watch_rates,
};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn source(place: RatePlace, pointer: &str) -> RateSource {
    RateSource {
        currency: "usd".parse().unwrap(),
        place,
        pointer: pointer.to_owned(),
        invert: false,
        every: Span::from_millis(1),
        stale_after: Span::from_secs(60),
    }
}

fn on_file(pointer: &str) -> RateSource {
    source(RatePlace::File("unused".into()), pointer)
}

#[test]
fn the_pointer_finds_numbers_and_texts_of_numbers_exactly() {
    let document = r#" {"a/b": {"m~n": [0, {"sell": 1234.567890123456789}]}, "text": "0.1", "tiny": 1e-8} "#;
    let read = |pointer: &str| on_file(pointer).read(document).map(|rate| rate.to_string());
    assert_eq!(read("/a~1b/m~0n/1/sell").unwrap(), "1234.56789012");
    assert_eq!(read("/text").unwrap(), "0.1");
    assert_eq!(read("/tiny").unwrap(), "0.00000001");
    for missing in ["/no", "/a~1b/m~0n/2", "/a~1b/m~0n/x", "/text/0"] {
        assert!(matches!(read(missing), Err(RateError::Nothing(_))), "{missing}");
    }
    for wrong in ["/a~1b", "/a~1b/m~0n/0", ""] {
        assert!(matches!(read(wrong), Err(RateError::NotARate(_))), "{wrong}");
    }
    assert_eq!(on_file("").read("1310.5\n").unwrap().to_string(), "1310.5");
    for wrong in ["", "-1", "0", "null", "NaN", "1e-9", "99999999999999999999"] {
        assert!(matches!(on_file("").read(wrong), Err(RateError::NotARate(_))), "{wrong}");
    }
}

#[test]
fn an_inverted_rate_is_rounded_to_the_nearest() {
    let inverted = RateSource { invert: true, ..on_file("") };
    assert_eq!(inverted.read("1300").unwrap().to_string(), "0.00076923");
    assert_eq!(inverted.read("3").unwrap().to_string(), "0.33333333");
    assert!(matches!(inverted.read("300000000"), Err(RateError::NotARate(_))));
}

#[test]
fn only_safe_addresses_and_sensible_times_are_taken() {
    let at = |address: &str| source(RatePlace::Document(address.to_owned()), "/a").check();
    for fine in
        ["https://example.com/x.json?token=1", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x"]
    {
        assert!(at(fine).is_ok(), "{fine}");
    }
    for refused in ["http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "example.com", ""] {
        assert!(at(refused).is_err(), "{refused}");
    }
    let secret = at("http://example.com/x?token=s3cret").unwrap_err().to_string();
    assert_eq!(secret, "the rate of USD: example.com is not asked without TLS: write https://");
    assert!(on_file("no-slash").check().is_err());
    assert!(RateSource { stale_after: Span::ZERO, ..on_file("") }.check().is_err());
    assert!(RateSource { every: Span::ZERO, ..on_file("") }.check().is_err());
}

/// A server that answers each connection with the next of some answers, the last one again and again.
async fn server(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut index = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answers[index.min(answers.len() - 1)].as_bytes()).await;
            index += 1;
        }
    });
    format!("http://{address}/rates.json")
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

async fn next(messages: &mut mpsc::Receiver<RateMessage>) -> RateMessage {
    tokio::time::timeout(std::time::Duration::from_secs(30), messages.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_document_is_read_again_and_again_and_what_is_wrong_is_told() {
    let long = "x".repeat((1 << 20) + 1);
    let address = server(vec![
        answer("200 OK", r#"{"usd": 1300.25}"#),
        answer("302 Found\r\nLocation: http://127.0.0.1:1/", ""),
        answer("500 Oops", r#"{"usd": 1}"#),
        answer("200 OK", &long),
        answer("200 OK", r#"{"eur": 1}"#),
        answer("200 OK", r#"{"usd": "1301"}"#),
    ])
    .await;
    let (sender, mut messages) = mpsc::channel(1);
    let sources = vec![source(RatePlace::Document(address), "/usd")];
    let watching = tokio::spawn(watch_rates(sources, wall_clock(), sender, std::future::pending()));
    let usd: Currency = "usd".parse().unwrap();
    let first = next(&mut messages).await;
    assert_eq!(
        (first.currency, first.rate.unwrap().to_string().as_str(), first.stale),
        (usd, "1300.25", false)
    );
    for words in ["status 302", "status 500", "longer than 1048576 bytes", "nothing at `/usd`"] {
        let message = next(&mut messages).await;
        let error = message.rate.unwrap_err().to_string();
        assert!(error.contains(words) && !message.stale, "{error}");
    }
    assert_eq!(next(&mut messages).await.rate.unwrap().to_string(), "1301");
    // Nobody listens any more.
    drop(messages);
    watching.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_rate_that_does_not_come_is_stale_after_its_limit() {
    let seconds = Arc::new(AtomicI64::new(0));
    let clock: Clock = {
        let seconds = Arc::clone(&seconds);
        // Ten seconds pass between two looks at the clock.
        Arc::new(move || Timestamp::from_secs(seconds.fetch_add(10, Ordering::SeqCst)))
    };
    let (sender, mut messages) = mpsc::channel(1);
    let folder = tempfile::tempdir().unwrap();
    let sources = vec![source(RatePlace::File(folder.path().join("none")), "")];
    let watching = tokio::spawn(watch_rates(sources, clock, sender, std::future::pending()));
    let mut stale = Vec::new();
    for _ in 0..10 {
        let message = next(&mut messages).await;
        assert!(message.rate.unwrap_err().to_string().contains("none: "));
        stale.push((message.at, message.stale));
    }
    let first = stale.iter().find(|(_, stale)| *stale).unwrap().0;
    assert_eq!(first, Timestamp::from_secs(60));
    assert!(stale.iter().all(|(at, stale)| *stale == (*at >= first)), "{stale:?}");
    drop(messages);
    watching.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_file_counts_as_long_as_somebody_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usd.txt");
    std::fs::write(&path, "1299.5\n").unwrap();
    let fresh = wall_clock();
    let later: Clock = Arc::new(|| wall_clock()().plus(Span::from_secs(61)));
    for (clock, is_fresh) in [(fresh, true), (later, false)] {
        let (sender, mut messages) = mpsc::channel(1);
        let sources = vec![source(RatePlace::File(path.clone()), "")];
        let until = std::future::pending();
        let watching = tokio::spawn(watch_rates(sources, clock, sender, until));
        let message = next(&mut messages).await;
        assert_eq!((message.rate.is_ok(), message.stale), (is_fresh, !is_fresh), "{message:?}");
        drop(messages);
        watching.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn only_what_was_written_anew_is_told_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usd.txt");
    std::fs::write(&path, "1299.5\n").unwrap();
    let sources = vec![source(RatePlace::File(path.clone()), "")];
    let first = read_rates(&sources, &wall_clock()).await.unwrap();
    assert_eq!(first, [("usd".parse().unwrap(), "1299.5".parse().unwrap())]);
    let (sender, mut messages) = mpsc::channel(8);
    let watching = tokio::spawn(watch_rates(sources, wall_clock(), sender, std::future::pending()));
    assert_eq!(next(&mut messages).await.rate.unwrap().to_string(), "1299.5");
    // However often it was read meanwhile, the next message is of the next writing.
    let anew = folder.path().join("new.txt");
    std::fs::write(&anew, "1300").unwrap();
    std::fs::rename(&anew, &path).unwrap();
    assert_eq!(next(&mut messages).await.rate.unwrap().to_string(), "1300");
    drop(messages);
    watching.await.unwrap().unwrap();
    let missing = vec![source(RatePlace::File(folder.path().join("none")), "")];
    assert!(read_rates(&missing, &wall_clock()).await.is_err());
}

#[tokio::test]
async fn it_stops_when_told_and_refuses_before_it_asks() {
    let (sender, _messages) = mpsc::channel(1);
    let sources = vec![on_file("")];
    watch_rates(sources, wall_clock(), sender.clone(), std::future::ready(())).await.unwrap();
    let sources = vec![on_file("wrong")];
    assert!(watch_rates(sources, wall_clock(), sender, std::future::pending()).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a document, it is a rate above zero or an error.
    #[test]
    fn any_text_is_a_rate_or_an_error(text in "\\PC{0,60}", pointer in "(/[a-z0-9~]{0,3}){0,3}") {
        if let Ok(rate) = on_file(&pointer).read(&text) {
            prop_assert!(rate.is_positive());
        }
    }

    /// Digits go in and come out.
    #[test]
    fn digits_are_kept(units in 1_i64..i64::MAX) {
        let rate = Price::from_units(units);
        prop_assert_eq!(on_file("/a").read(&format!("{{\"a\": {rate}}}")).unwrap(), rate);
    }
}
