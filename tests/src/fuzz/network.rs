//! What comes over a connection: answers to the adapter, and requests to the local exchange.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pampero_bitex::{ApiKey, Client, Config, Environment, Timeouts};
use pampero_exchange::{Budget, OrderRequest, Outcome};
use pampero_model::{Side, Size};
use pampero_sandbox::{Sandbox, SandboxConfig};
use tokio::runtime::{Builder, Runtime};

use super::calls::{Asked, call};
use super::documents::assert_presentable;
use super::records::Values;

const PATIENCE: Duration = Duration::from_secs(2);
const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static RUNTIME: LazyLock<Option<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().ok());

/// A client, and a server that gives it the same answer to everything.
struct Wire {
    client: Client,
    /// The answer, as it is written on the wire.
    answer: Arc<Mutex<Vec<u8>>>,
    /// The last request.
    request: Arc<Mutex<Vec<u8>>>,
}

/// One for each target: they may run beside each other.
static ANSWERS: LazyLock<Option<Wire>> = LazyLock::new(Wire::open);
static CALLS: LazyLock<Option<Wire>> = LazyLock::new(Wire::open);

impl Wire {
    fn open() -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").ok()?;
        let environment = Environment::local(&format!("http://{}", listener.local_addr().ok()?)).ok()?;
        let (answer, request) = (Arc::default(), Arc::default());
        let (to_give, to_keep) = (Arc::clone(&answer), Arc::clone(&request));
        std::thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| _ = serve(stream, &to_give, &to_keep));
        });
        let key = ApiKey::new(TOKEN.into(), &environment).ok()?;
        let mut config = Config::new(environment);
        config.timeouts =
            Timeouts { connect: PATIENCE, read: PATIENCE, repeatable: PATIENCE, create: PATIENCE };
        let client = Client::new(config, Budget::unlimited()).ok()?.with_key(key).ok()?;
        Some(Self { client, answer, request })
    }

    /// Sets the answer, and forgets the last request.
    fn will_say(&self, answer: &[u8]) {
        answer.clone_into(&mut lock(&self.answer));
        lock(&self.request).clear();
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, answer: &Mutex<Vec<u8>>, request: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    *lock(request) = request_of(&mut stream)?;
    let answer = lock(answer).clone();
    stream.write_all(&answer)?;
    stream.shutdown(Shutdown::Write)?;
    // Until the client is through with it: what is closed with something unread is lost on the other side.
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// Reads a request to the end of its body.
fn request_of(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut part)?;
        request.extend_from_slice(part.get(..read).unwrap_or_default());
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return Ok(request);
            }
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return Ok(request);
        }
    }
}

/// An answer on the wire, to a read and to an order. An order counts as placed or refused only if a status says so, and
/// never as one that was not sent.
#[allow(clippy::disallowed_methods)] // the adapter itself is tested
pub(super) fn responses(input: &[u8]) {
    let (Some(runtime), Some(wire)) = (RUNTIME.as_ref(), ANSWERS.as_ref()) else { return };
    wire.will_say(input);
    let says = |digit: u8| {
        let is_status = |line: &[u8]| line.starts_with(b"HTTP/1.") && line.ends_with(&[b' ', digit]);
        input.windows(10).any(is_status)
    };
    // Nothing waits for the back-off of the answer before.
    let client = || wire.client.with_budget(Budget::unlimited());
    runtime.block_on(async {
        if let Err(error) = client().orders().await {
            assert_presentable(&error);
        }
        let request = OrderRequest {
            market: "btc_usd".to_owned(),
            side: Side::Buy,
            price: pampero_model::Price::from_units(350_000_000_000),
            size: Size::Quote(pampero_model::Cash::from_units(10_000_000_000)),
            reference: None,
            watermark: None,
        };
        let outcome = client().place_order(&request, &|| Ok(())).await;
        let said = match &outcome {
            Outcome::Acknowledged(_) => says(b'2'),
            Outcome::Rejected(_) => says(b'4'),
            Outcome::Unknown(_) => true,
            Outcome::NotSent(_) => false,
        };
        assert!(said, "the answer does not say so: {outcome:?}");
        if let Outcome::Rejected(error) | Outcome::Unknown(error) = &outcome {
            assert_presentable(error);
        }
    });
}

static EXCHANGE: LazyLock<Option<(Sandbox, String)>> = LazyLock::new(|| {
    let mut config = SandboxConfig { requests_per_second: 0, ..SandboxConfig::default() };
    config.agents.enabled = false;
    let sandbox = RUNTIME.as_ref()?.block_on(Sandbox::start(config)).ok()?;
    let address = sandbox.url().strip_prefix("http://")?.to_owned();
    Some((sandbox, address))
});

/// Behind a byte below 32, a call of the adapter: what it asks for is what the exchange's documentation says. Else a line
/// with a method and a path, and a body: to the local exchange, with the key that may do all. Whatever it is, it is
/// answered, and not by a failure of the exchange.
pub(super) fn requests(input: &[u8]) {
    match input {
        [..32, values @ ..] => asked(values),
        _ => sent(input),
    }
}

fn asked(values: &[u8]) {
    let (Some(runtime), Some(wire)) = (RUNTIME.as_ref(), CALLS.as_ref()) else { return };
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"data\":[]}";
    wire.will_say(answer);
    let client = wire.client.with_budget(Budget::unlimited());
    let expected = runtime.block_on(call(&client, TOKEN, &mut Values(values)));
    let request = lock(&wire.request);
    let words = || String::from_utf8_lossy(&request).into_owned();
    assert_eq!(request.is_empty(), expected.is_none(), "{expected:?} was asked by {:?}", words());
    assert_eq!(expected.is_some().then(|| Asked::read(&request)).flatten(), expected, "{:?}", words());
}

fn sent(input: &[u8]) {
    let Some((sandbox, address)) = EXCHANGE.as_ref() else { return };
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, body) = input.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let line: String =
        String::from_utf8_lossy(line).chars().filter(|letter| matches!(letter, ' '..='~')).collect();
    let key = sandbox.keys().get("admin").cloned().unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: local\r\nAuthorization: {key}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = ask();
    let status = answer.as_ref().ok().and_then(|answer| answer.get(9));
    let words = answer.as_ref().map(|answer| String::from_utf8_lossy(answer));
    assert!(matches!(status, Some(b'2'..=b'4')), "{line:?} is answered by {words:?}");
}
