//! A sandbox whose clock stands still, and a client that sends exactly the bytes it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    dead_code
)] // test code

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pampero_model::{Span, Timestamp};
use pampero_sandbox::{Sandbox, SandboxConfig, one_time_password};
use serde_json::Value;
use tokio::runtime::Runtime;

pub const START: &str = "2019-04-15T16:13:40.434Z";

/// A running sandbox and the runtime it lives in.
pub struct Server {
    runtime: Runtime,
    sandbox: Option<Sandbox>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The attributes of the one resource.
    pub fn attributes(&self) -> Value {
        self.json()["data"]["attributes"].clone()
    }

    pub fn id(&self) -> String {
        self.json()["data"]["id"].as_str().unwrap().to_owned()
    }

    /// The ids of a list.
    pub fn ids(&self) -> Vec<String> {
        let json = self.json();
        json["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A quiet sandbox: no agents, no limit, the clock stands still.
pub fn quiet() -> SandboxConfig {
    let start = Some(START.parse().unwrap());
    let mut config = SandboxConfig { start, requests_per_second: 0, ..SandboxConfig::default() };
    config.agents.enabled = false;
    config
}

/// A quiet sandbox from TOML.
pub fn configured(toml: &str) -> SandboxConfig {
    let mut config = SandboxConfig::from_toml(toml).unwrap();
    config.start = Some(START.parse().unwrap());
    config
}

impl Server {
    pub fn start(config: SandboxConfig) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(config)).unwrap();
        Self { runtime, sandbox: Some(sandbox) }
    }

    pub fn quiet() -> Self {
        Self::start(quiet())
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    pub fn stop(mut self) {
        let sandbox = self.sandbox.take().unwrap();
        self.runtime.block_on(sandbox.shutdown()).unwrap();
    }

    pub fn key(&self, name: &str) -> String {
        self.sandbox().keys()[name].clone()
    }

    pub fn otp(&self) -> String {
        one_time_password(&self.sandbox().otp_secret(), self.sandbox().now()).unwrap()
    }

    pub fn advance_millis(&self, millis: i64) {
        assert!(self.sandbox().advance(Span::from_millis(millis)));
    }

    pub fn now(&self) -> Timestamp {
        self.sandbox().now()
    }

    /// Sends bytes to the exchange and reads until the connection ends.
    pub fn raw(&self, request: &str) -> std::io::Result<String> {
        send(&self.sandbox().url(), request)
    }

    /// A request with the key of a name; none for an empty one.
    pub fn send(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let token = if key.is_empty() { String::new() } else { self.key(key) };
        self.send_with(method, path, &token, "", body)
    }

    /// A request with a token and further header lines.
    pub fn send_with(&self, method: &str, path: &str, token: &str, headers: &str, body: &str) -> Answer {
        let answer = self.raw(&request(method, path, token, headers, body)).unwrap();
        parse(&answer)
    }

    pub fn get(&self, path: &str, key: &str) -> Answer {
        self.send("GET", path, key, "")
    }

    pub fn post(&self, path: &str, key: &str, body: &str) -> Answer {
        self.send("POST", path, key, body)
    }

    /// A request to the administration.
    pub fn admin(&self, method: &str, path: &str, body: &str) -> Answer {
        parse(&send(&self.sandbox().admin_url(), &request(method, path, "", "", body)).unwrap())
    }

    /// Places an order with the key `trade` and lets the engine work.
    pub fn place(&self, kind: &str, book: &str, amount: &str, price: &str) -> Answer {
        let body = order(kind, book, amount, price);
        let answer = self.post(&format!("/api/{kind}"), "trade", &body);
        self.advance_millis(100);
        answer
    }
}

pub fn order(kind: &str, book: &str, amount: &str, price: &str) -> String {
    format!(
        r#"{{"data":{{"type":"{kind}","attributes":{{"orderbook_code":"{book}","amount":{amount},"price":{price}}}}}}}"#
    )
}

pub fn request(method: &str, path: &str, token: &str, headers: &str, body: &str) -> String {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: {token}\r\n") };
    let length = if body.is_empty() && method == "GET" {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}{length}{headers}\r\n{body}"
    )
}

pub fn send(url: &str, request: &str) -> std::io::Result<String> {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

pub fn parse(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}
