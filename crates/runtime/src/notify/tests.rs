//! The channels against a server on this machine.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::channel::address;
use super::deliver::plan;
use super::*;

/// A server that answers each request with the next of the given statuses, then with 200, and hands over what came.
struct Server {
    url: String,
    requests: mpsc::UnboundedReceiver<(String, String)>,
}

async fn serve(statuses: Vec<u16>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut statuses = statuses.into_iter();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let (head, length) = loop {
                if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    break (String::new(), 0);
                }
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                if let Some(end) = text.find("\r\n\r\n") {
                    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                    let length = length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
                    break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4 + length);
                }
            };
            while bytes.len() < length && socket.read_buf(&mut bytes).await.unwrap_or(0) > 0 {}
            let status = statuses.next().unwrap_or(200);
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\n"
            );
            let _ = socket.write_all(answer.as_bytes()).await;
            let body = String::from_utf8_lossy(&bytes[head.len().min(bytes.len())..]).trim().to_owned();
            let _ = sender.send((head, body));
        }
    });
    Server { url, requests }
}

fn settings() -> DeliverySettings {
    DeliverySettings { first_pause: Duration::from_millis(1), ..DeliverySettings::new("local") }
}

struct Delivery {
    notifier: Notifier,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), NotifyError>>,
}

fn start(routes: Vec<Route>, settings: DeliverySettings) -> Delivery {
    let (stop, stopped) = oneshot::channel::<()>();
    let notifier = Notifier::default();
    let shutdown = async move { stopped.await.unwrap_or(()) };
    let task = tokio::spawn(deliver(notifier.clone(), routes, settings, shutdown));
    Delivery { notifier, stop, task }
}

fn webhook(server: &Server, template: Option<&str>, least: Severity) -> Route {
    Route { channel: Channel::webhook(&format!("{}/hook/s3cret", server.url), template).unwrap(), least }
}

fn notice(severity: Severity, title: &str) -> Notice {
    Notice::new(severity, "test", title, "in \"quotes\"\nand {severity}")
}

#[tokio::test]
async fn a_webhook_gets_what_matters_in_its_own_words() {
    let (mut plain, mut own, mut text) = (serve(vec![]).await, serve(vec![]).await, serve(vec![]).await);
    let template = Some(r#"{"content": "[{environment}] {title}: {text}", "unknown": "{foo}"}"#);
    let routes = vec![
        webhook(&plain, None, Severity::Warning),
        webhook(&own, template, Severity::Info),
        webhook(&text, Some("{severity}! {title}"), Severity::Critical),
    ];
    let delivery = start(routes, settings());
    delivery.notifier.send(notice(Severity::Info, "minor"));
    delivery.notifier.send(notice(Severity::Critical, "major"));
    let (head, body) = plain.requests.recv().await.unwrap();
    assert!(head.starts_with("POST /hook/s3cret "), "{head}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((body["title"].as_str(), body["severity"].as_str()), (Some("major"), Some("critical")));
    assert_eq!(body["environment"], "local");
    let (_, body) = own.requests.recv().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["content"], "[local] minor: in \"quotes\"\nand {severity}");
    assert_eq!(body["unknown"], "{foo}");
    let (head, body) = text.requests.recv().await.unwrap();
    assert!(head.contains("text/plain"), "{head}");
    assert_eq!(body, "critical! major");
    delivery.stop.send(()).unwrap();
    delivery.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn telegram_gets_the_token_in_the_path_and_the_chat_in_the_body() {
    let mut server = serve(vec![]).await;
    let token = TelegramToken::parse(&SecretString::from(" 123456:AbCdEf_gh-12\n"), "a test").unwrap();
    assert_eq!(format!("{token:?}"), "TelegramToken");
    let channel = Channel::telegram(token, "-100200", Some(&server.url)).unwrap();
    let delivery = start(vec![Route { channel, least: Severity::Info }], settings());
    delivery.notifier.send(notice(Severity::Warning, &"long ".repeat(2_000)));
    let (head, body) = server.requests.recv().await.unwrap();
    assert!(head.starts_with("POST /bot123456:AbCdEf_gh-12/sendMessage "), "{head}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["chat_id"], "-100200");
    assert_eq!(body["text"].as_str().unwrap().chars().count(), 4_000);
}

#[tokio::test]
async fn what_may_help_is_tried_again_and_redirects_are_not_followed() {
    let mut server = serve(vec![503, 429, 200, 307, 400]).await;
    let delivery = start(vec![webhook(&server, None, Severity::Info)], settings());
    for title in ["one", "two", "three", "four"] {
        delivery.notifier.send(notice(Severity::Info, title));
    }
    delivery.stop.send(()).unwrap();
    delivery.task.await.unwrap().unwrap();
    let mut titles = Vec::new();
    while let Ok((head, body)) = server.requests.try_recv() {
        assert!(head.starts_with("POST /hook"), "{head}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        titles.push(body["title"].as_str().unwrap().to_owned());
    }
    assert_eq!(titles, ["one", "one", "one", "two", "three", "four"]);
}

#[tokio::test]
async fn a_channel_that_hangs_keeps_no_other_waiting() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hangs.local_addr().unwrap());
    let mut server = serve(vec![]).await;
    let routes = vec![
        Route { channel: Channel::webhook(&url, None).unwrap(), least: Severity::Info },
        webhook(&server, None, Severity::Info),
    ];
    let settings = DeliverySettings { last_words: Duration::from_millis(20), ..settings() };
    let delivery = start(routes, settings);
    delivery.notifier.send(notice(Severity::Info, "one"));
    server.requests.recv().await.unwrap();
    delivery.notifier.send(notice(Severity::Info, "two"));
    server.requests.recv().await.unwrap();
    delivery.stop.send(()).unwrap();
    delivery.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn beyond_the_rate_many_are_told_as_one() {
    let mut server = serve(vec![]).await;
    let settings = DeliverySettings { per_window: 3, window: Duration::from_millis(300), ..settings() };
    let delivery = start(vec![webhook(&server, None, Severity::Info)], settings);
    for number in 0..20 {
        delivery.notifier.send(notice(Severity::Info, &format!("{number}")));
    }
    delivery.notifier.send(notice(Severity::Critical, "grave"));
    let mut titles = Vec::new();
    for _ in 0..3 {
        let (_, body) = server.requests.recv().await.unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        titles.push(body["title"].as_str().unwrap().to_owned());
    }
    titles.sort();
    assert_eq!(titles, ["0", "19 messages at once", "grave"]);
}

#[tokio::test]
async fn the_heartbeat_address_is_asked_only_while_all_is_well() {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    let mut server = serve(vec![]).await;
    let (well, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
    let (is_well, counts) = (Arc::clone(&well), Arc::clone(&asked));
    let check = Arc::new(move || {
        counts.fetch_add(1, Ordering::SeqCst);
        is_well.load(Ordering::SeqCst)
    });
    let heartbeat =
        HeartbeatUrl::new(&format!("{}/ping/s3cret", server.url), Duration::from_millis(10), check);
    let heartbeat = Some(heartbeat.unwrap());
    assert!(!format!("{heartbeat:?}").contains("s3cret"));
    let delivery = start(Vec::new(), DeliverySettings { heartbeat, ..settings() });
    for _ in 0..3 {
        assert!(server.requests.recv().await.unwrap().0.starts_with("GET /ping/s3cret "));
    }
    well.store(false, Ordering::SeqCst);
    let before = asked.load(Ordering::SeqCst);
    while asked.load(Ordering::SeqCst) < before + 5 {
        tokio::task::yield_now().await;
    }
    let mut late = 0;
    while server.requests.try_recv().is_ok() {
        late += 1;
    }
    assert!(late <= 1, "one may have been under way, {late} came");
    delivery.stop.send(()).unwrap();
    delivery.task.await.unwrap().unwrap();
}

#[test]
fn the_gravest_go_alone_and_the_rest_is_counted() {
    let all = || {
        let mut all: Vec<_> = (0..8).map(|number| notice(Severity::Info, &number.to_string())).collect();
        all.insert(5, notice(Severity::Critical, "grave"));
        for (second, notice) in all.iter_mut().enumerate() {
            notice.at = pampero_model::Timestamp::from_secs(i64::try_from(second).unwrap());
        }
        all
    };
    let titles = |notices: Vec<Notice>| notices.into_iter().map(|notice| notice.title).collect::<Vec<_>>();
    assert_eq!(titles(plan(all(), 9, 0)).len(), 9);
    assert_eq!(titles(plan(all(), 2, 0)), ["grave", "8 messages at once"]);
    let one = plan(all(), 1, 3);
    assert_eq!(titles(one.clone()), ["12 messages at once"]);
    assert_eq!(one[0].severity, Severity::Critical);
    assert!(one[0].text.starts_with("test 9\ngrave: in"), "{}", one[0].text);
    assert!(one[0].text.ends_with("and 4 more, see the log\n3 more were dropped, see the log"));
    assert!(plan(Vec::new(), 5, 0).is_empty());
}

#[test]
fn addresses_templates_and_tokens_are_checked_and_not_repeated() {
    for good in
        ["https://hooks.example.com/x", "http://127.0.0.1:1/x", "http://[::1]:9", "http://localhost/y"]
    {
        assert!(address(good).is_ok(), "{good}");
    }
    for bad in ["http://hooks.example.com/s3cret", "ftp://localhost/s3cret", "hooks.example.com/s3cret", ""] {
        let error = Channel::webhook(bad, None).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
    let error = Channel::webhook("https://x.example", Some(r#"{"a": {title}}"#)).unwrap_err();
    assert!(matches!(error, NotifyError::Template(_)), "{error}");
    assert!(Channel::webhook("https://x.example", Some("{title} {nothing}")).is_ok());
    for bad in ["", "123456", "123456:short", "x:AbCdEf_gh-12", "1:AbCdEfgh/../12"] {
        let error = TelegramToken::parse(&SecretString::from(bad), "a test").unwrap_err().to_string();
        assert!(error.contains("a test") && (bad.is_empty() || !error.contains(bad)), "{error}");
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("token");
    std::fs::write(&path, "123456:AbCdEf_gh-12\n").unwrap();
    assert!(matches!(TelegramToken::load(Some(&path)), Err(NotifyError::TokenFile(_))), "others may read it");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    assert!(TelegramToken::load(Some(&path)).is_ok());
}
