//! Lines, spans and figures, and that no secret is in any of them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pampero_engine::{OrderKind, OrderRecord, OrderState, Reason, StrategyId, TimeInForce};
use pampero_exchange::{Budget, Class, Error};
use pampero_model::{MarketId, OrderId, Quantity, Side, Size, Timestamp, VenueOrderId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tracing_subscriber::fmt::MakeWriter;

use super::log::subscriber;
use super::*;
use crate::guard::{Latch, Level};
use crate::notify::{Channel, DeliverySettings, Notice, Notifier, Route, Severity, deliver};
use crate::state_dir::StateDir;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn record(id: u64) -> OrderRecord {
    OrderRecord {
        id: OrderId(id),
        strategy: StrategyId(0),
        market: MarketId(0),
        side: Side::Buy,
        kind: OrderKind::Limit { price: "100".parse().unwrap() },
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: false,
        quoting: false,
        price: "100".parse().unwrap(),
        sent_price: "99.99".parse().unwrap(),
        size: Size::Quote("25".parse().unwrap()),
        filled_base: Quantity::ZERO,
        filled_quote: "0".parse().unwrap(),
        state: OrderState::Submitted,
        venue_order: None,
        cancel_wanted: false,
        observed: false,
        reason: Reason { code: "TEST", values: [0, 0] },
        by_operator: false,
        worst_base: Quantity::ZERO,
        worst_price: "99".parse().unwrap(),
        created_at: Timestamp::from_secs(1),
        updated_at: Timestamp::from_secs(1),
    }
}

fn settings(format: LogFormat, level: &str) -> LogSettings {
    LogSettings { format, level: Some(level.to_owned()), file: None }
}

fn story() {
    let mut spans = OrderSpans::default();
    spans.begin(&record(7), "btc_ars");
    spans.begin(&record(8), "btc_usd");
    spans.acknowledged(OrderId(7), VenueOrderId(1580));
    spans.of(OrderId(7)).in_scope(|| tracing::info!(base = "0.1", "filled"));
    tracing::debug!("not wanted");
    spans.end(OrderId(7));
    spans.end(OrderId(7));
    spans.end(OrderId(8));
}

#[test]
fn every_line_of_an_order_carries_its_number() {
    let kept = Kept::default();
    let lines = subscriber(&settings(LogFormat::Json, "info"), kept.clone(), false).unwrap();
    tracing::subscriber::with_default(lines, story);
    let lines: Vec<serde_json::Value> =
        kept.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_seven: Vec<_> = lines.iter().filter(|line| line["span"]["id"] == 7).collect();
    let words: Vec<_> = of_seven.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(words, ["order begins", "filled", "order ends"]);
    assert_eq!((&of_seven[1]["span"]["venue_id"], &of_seven[1]["base"]), (&1580.into(), &"0.1".into()));
    assert_eq!(of_seven[0]["span"]["size"], "25 quote");
    assert_eq!(lines.len(), 5);
}

#[test]
fn text_is_for_people_and_levels_are_checked() {
    let kept = Kept::default();
    let lines = subscriber(&settings(LogFormat::Text, "warn,pampero_runtime=info"), kept.clone(), false);
    tracing::subscriber::with_default(lines.unwrap(), story);
    assert!(kept.text().contains("order{id=7 market=\"btc_ars\""), "{}", kept.text());
    assert!(!kept.text().contains("not wanted"));
    let error = subscriber(&settings(LogFormat::Text, "loud=noise"), Kept::default(), false).err().unwrap();
    assert!(error.to_string().contains("`loud=noise` is no log level"), "{error}");
}

fn metrics(state: &StateDir) -> (Metrics, Arc<Latch>, Notifier) {
    let (latch, notifier) = (Arc::new(Latch::open(state).unwrap()), Notifier::new(1));
    let builder =
        Metrics::builder().budgets(vec![("bitex".to_owned(), Budget::unlimited())]).latch(Arc::clone(&latch));
    (builder.notifier(notifier.clone()).build(), latch, notifier)
}

#[test]
fn the_page_has_every_figure_and_looks_at_the_latch_when_asked() {
    let root = tempfile::tempdir().unwrap();
    let state = StateDir::open(Some(root.path()), "local").unwrap();
    let (metrics, latch, notifier) = metrics(&state);
    metrics.orders("live", 3);
    metrics.filled("btc_ars", "buy");
    metrics.filled("btc_ars", "buy");
    metrics.denied("STALE_DATA");
    metrics.answered("bitex", Class::Place, Error::InvalidKey.code());
    metrics.market_seen("btc_ars", Timestamp::from_millis(1_500));
    metrics.position("btc_ars", "0.12345678".parse().unwrap());
    metrics.equity("account", "-1000.5".parse().unwrap());
    metrics.committed(Duration::from_millis(5));
    assert!(metrics.render().contains("pampero_stopped 0\n"));
    latch.engage(Level::Halt, "test", "test").unwrap();
    for title in ["one", "two"] {
        notifier.send(Notice::new(Severity::Info, "test", title, ""));
    }
    let page = metrics.render();
    for line in [
        "pampero_orders{state=\"live\"} 3",
        "pampero_fills_total{market=\"btc_ars\",side=\"buy\"} 2",
        "pampero_denials_total{code=\"STALE_DATA\"} 1",
        "pampero_requests_total{venue=\"bitex\",class=\"place\",outcome=\"invalid_key\"} 1",
        "pampero_market_seen_timestamp_seconds{market=\"btc_ars\"} 1.5",
        "pampero_position{market=\"btc_ars\"} 0.12345678",
        "pampero_equity{of=\"account\"} -1000.5",
        "pampero_journal_commit_seconds_count 1",
        "pampero_journal_commit_seconds_bucket{le=\"0.008\"} 1",
        "pampero_request_wait_seconds_bucket{le=\"+Inf\",venue=\"bitex\",class=\"cancel\"} 0",
        "pampero_stopped 2",
        "pampero_notices_dropped_total 1",
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "`{line}` is missing in\n{page}");
    }
}

async fn ask(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_page_is_served_to_this_machine_alone() {
    for address in ["0.0.0.0:0", "192.0.2.1:9464", "[::]:0"] {
        assert!(matches!(listen(address).await, Err(TelemetryError::NotLoopback(_))), "{address}");
    }
    assert!(matches!(listen("localhost").await, Err(TelemetryError::Address(_))));
    let listener = listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taken = listen(&address).await.unwrap_err().to_string();
    assert!(taken.contains(&address), "{taken}");
    let metrics = Metrics::builder().build();
    metrics.denied("STALE_DATA");
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve_metrics(listener, metrics, async { stopped.await.unwrap_or(()) }));
    let get =
        |host: &str, path: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    for host in [address.as_str(), "localhost:9464", "localhost", "[::1]:9464"] {
        let page = ask(&address, &get(host, "/metrics")).await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("STALE_DATA"), "{host}: {page}");
    }
    for host in ["evil.example", "evil.example:9464", "localhost.evil.example", "192.0.2.1"] {
        assert!(ask(&address, &get(host, "/metrics")).await.starts_with("HTTP/1.1 403"), "{host}");
    }
    assert!(ask(&address, &get("localhost", "/")).await.starts_with("HTTP/1.1 404"));
    let post = get("localhost", "/metrics").replace("GET", "POST");
    assert!(ask(&address, &post).await.starts_with("HTTP/1.1 405"));
    stop.send(()).unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn no_secret_gets_into_lines_notices_figures_or_files() {
    const CANARY: &str = "C4NARY0123456789abcdef";
    let kept = Kept::default();
    let lines = subscriber(&settings(LogFormat::Json, "trace"), kept.clone(), false).unwrap();
    let _writes = tracing::subscriber::set_default(lines);
    let root = tempfile::tempdir().unwrap();
    let state = StateDir::open(Some(root.path()), "local").unwrap();
    let (metrics, latch, _) = metrics(&state);

    // Addresses that hold a secret, at a port where nobody listens, and one that answers in rubbish.
    let nobody = listen("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://user:{CANARY}@{nobody}/hook/{CANARY}?token={CANARY}");
    let token = state.path().join("token");
    crate::state_dir::write_private(&token, format!("123456:{CANARY}").as_bytes()).unwrap();
    let bot = crate::notify::TelegramToken::load(Some(&token)).unwrap();
    std::fs::remove_file(token).unwrap();
    let routes = vec![
        Route { channel: Channel::webhook(&url, None).unwrap(), least: Severity::Info },
        Route {
            channel: Channel::telegram(bot, "1", Some(&format!("http://{nobody}"))).unwrap(),
            least: Severity::Info,
        },
    ];
    let mut shown = format!("{routes:?}");
    let notifier = Notifier::default();
    notifier.send(Notice::new(Severity::Critical, "test", "a message that gets nowhere", ""));
    let settings = DeliverySettings {
        attempts: 2,
        first_pause: Duration::from_millis(1),
        ..DeliverySettings::new("local")
    };
    shown = format!("{shown}{settings:?}");
    deliver(notifier, routes, settings, std::future::ready(())).await.unwrap();
    for bad in [format!("http://x.example/{CANARY}"), format!("ftp://{CANARY}"), format!("::{CANARY}")] {
        shown += &Channel::webhook(&bad, None).unwrap_err().to_string();
    }
    latch.engage(Level::Halt, "test", "test").unwrap();
    metrics.answered("bitex", Class::Account, Error::InvalidKey.code());

    shown += &kept.text();
    shown += &metrics.render();
    for file in std::fs::read_dir(state.path()).unwrap() {
        shown += &String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap());
    }
    assert!(shown.contains("a message is given up"), "the deliveries were tried: {shown}");
    for window in CANARY.as_bytes().windows(8) {
        let window = std::str::from_utf8(window).unwrap();
        assert!(!shown.contains(window), "`{window}` of the secret got out");
    }
}
