//! Receiving events over HTTP: what proves to come from the exchange is printed once, remembered, and only then answered 200.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use pampero_bitex::{ApiKey, Event, EventSubject, Payment, WebhookVerifier};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::seen::Seen;
use super::{Out, show};
use crate::error::Failure;
use crate::output;

/// The longest body that is read, in bytes.
const LONGEST: usize = 1 << 20;
/// So long a sender may take for its head, and for all of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long the last answers may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// Something that came from the exchange.
enum News {
    Event(Event),
    Payment(Payment),
}

/// News, the id by which they are known, and whom to tell that they were taken.
struct Arrival {
    id: String,
    news: News,
    taken: oneshot::Sender<()>,
}

struct Receiver {
    keys: Vec<(ApiKey, WebhookVerifier)>,
    arrivals: mpsc::Sender<Arrival>,
}

/// Listens until Ctrl-C, or until so many events have come.
pub(super) async fn listen(
    out: Out,
    address: SocketAddr,
    keys: Vec<ApiKey>,
    mut seen: Seen,
    count: Option<u64>,
) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::run(format!("cannot listen on {address}: {error}"), "choose another address, or port 0")
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let keys = keys
        .into_iter()
        .map(|key| {
            let verifier = WebhookVerifier::new(&key);
            (key, verifier)
        })
        .collect();
    let (arrivals, mut arrived) = mpsc::channel(64);
    let receiver = Arc::new(Receiver { keys, arrivals });
    if out.json {
        out.object(json!({ "listening": format!("http://{address}") }))?;
    } else {
        output::say(&format!("listening on http://{address}; Ctrl-C ends it\n"))?;
    }
    let mut conversations = JoinSet::new();
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    conversations.spawn(converse(stream, Arc::clone(&receiver)));
                }
            }
            Some(_) = conversations.join_next() => {}
            Some(Arrival { id, news, taken }) = arrived.recv() => {
                if !seen.contains(&id) {
                    // In this order: what a crash comes between is rather shown twice than not at all.
                    tell(out, &news)?;
                    seen.remember(&id)?;
                    left -= 1;
                }
                // An error is a sender that went away.
                let _ = taken.send(());
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
    // The answer to the last one is under way. Whoever waits in line is refused, and comes again.
    drop(arrived);
    let _ = tokio::time::timeout(FAREWELL, conversations.join_all()).await;
    Ok(())
}

async fn converse(stream: TcpStream, receiver: Arc<Receiver>) {
    let service = service_fn(move |request| {
        let receiver = Arc::clone(&receiver);
        async move { Ok::<_, Infallible>(answer(status_of(request, &receiver).await)) }
    });
    // An error is a sender that went away.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

async fn status_of(request: Request<Incoming>, receiver: &Receiver) -> StatusCode {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let header = request.headers().get(WebhookVerifier::HEADER).and_then(|value| value.to_str().ok());
    let header = header.unwrap_or_default().to_owned();
    let body = tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), LONGEST).collect()).await;
    match body {
        Ok(Ok(body)) => receiver.receive(&header, &body.to_bytes()).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => StatusCode::REQUEST_TIMEOUT,
    }
}

impl Receiver {
    /// Verifies, hands over, and gives the answer once the news were taken.
    async fn receive(&self, header: &str, body: &[u8]) -> StatusCode {
        let (id, news) = match self.keys.iter().find(|(_, verifier)| verifier.verify(header)) {
            Some((key, verifier)) => match verifier.receive(header, body) {
                Ok(event) => (format!("event {}", event.id), News::Event(event)),
                Err(_) => match Payment::from_callback(body, key) {
                    Ok(payment) => (payment_id(&payment), News::Payment(payment)),
                    Err(_) => return StatusCode::BAD_REQUEST,
                },
            },
            // A callback of a payment proves itself by the key in its body.
            None => match self.keys.iter().find_map(|(key, _)| Payment::from_callback(body, key).ok()) {
                Some(payment) => (payment_id(&payment), News::Payment(payment)),
                None => return StatusCode::UNAUTHORIZED,
            },
        };
        let (taken, was_taken) = oneshot::channel();
        let handed = self.arrivals.send(Arrival { id, news, taken }).await.is_ok();
        // Where nobody takes it any more it shall come again.
        if handed && was_taken.await.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }
}

/// A payment is told again when anything of it has changed.
fn payment_id(payment: &Payment) -> String {
    format!("payment {} {} {:?} {:?}", payment.id, payment.status, payment.unconfirmed, payment.confirmed)
}

fn tell(out: Out, news: &News) -> Result<(), Failure> {
    match news {
        News::Event(event) if out.json => out.object(json!({ "event": event })),
        News::Payment(payment) if out.json => out.object(json!({ "payment": payment })),
        News::Event(event) => {
            let subject = match &event.subject {
                Some(EventSubject::User(user)) => format!("user {}", user.id),
                Some(EventSubject::WithdrawalInstruction(one)) => {
                    format!("withdrawal instruction {}: {}", one.id, one.label)
                }
                Some(EventSubject::Other { kind, id }) => format!("{kind} {id}"),
                None => String::new(),
            };
            let (kind, at) = (kind(event), show::optional_time(event.created_at));
            output::say(&format!("{at}  event {}: {kind}  {}\n", event.id, show::plain(&subject)))
        }
        News::Payment(payment) => output::say(&format!(
            "payment {} of {}: {}\n",
            payment.id,
            payment.amount,
            show::plain(&payment.status)
        )),
    }
}

/// The kind of an event in words.
fn kind(event: &Event) -> String {
    if let pampero_bitex::EventKind::Other(word) = &event.kind {
        return show::plain(word);
    }
    let mut words = String::new();
    for letter in format!("{:?}", event.kind).chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
