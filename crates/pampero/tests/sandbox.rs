//! `pampero sandbox` as a process: ready with one line, serving over HTTP, ended by a signal, its state kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code
#![cfg(feature = "sandbox")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running sandbox; killed if the test fails before it ends it.
struct Exchange {
    process: Child,
    ready: Value,
    /// Where it leaves word.
    _state: tempfile::TempDir,
}

impl Exchange {
    fn start(arguments: &[&str]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_pampero"))
            .env("PAMPERO_STATE", state.path())
            .args(["sandbox", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, ready: serde_json::from_str(&line).unwrap(), _state: state }
    }

    /// The answer to a request, head and body.
    fn request(&self, method: &str, path: &str, key: &str, body: &str) -> String {
        let address = self.ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: local\r\nAuthorization: {key}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn key(&self, name: &str) -> String {
        self.ready["keys"][name].as_str().unwrap().to_owned()
    }

    /// Ends it as an operator would; gives its exit code.
    fn end(mut self) -> i32 {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn place_bid(exchange: &Exchange) -> String {
    let body =
        r#"{"data":{"type":"bids","attributes":{"orderbook_code":"btc_usd","amount":"10.0","price":1.5}}}"#;
    exchange.request("POST", "/api/bids", &exchange.key("trade"), body)
}

#[test]
fn serves_the_market_and_takes_an_order_until_it_is_told_to_end() {
    let exchange = Exchange::start(&[]);
    let market = exchange.request("GET", "/api/markets/btc_usd/", "", "");
    assert!(market.starts_with("HTTP/1.1 200"), "{market}");
    assert!(market.contains("order_groups"), "{market}");
    let order = place_bid(&exchange);
    assert!(order.starts_with("HTTP/1.1 200") && order.contains(r#""status":"pending""#), "{order}");
    let refused = exchange.request("POST", "/api/bids", "nobody", "{}");
    assert!(
        refused.starts_with("HTTP/1.1 401") && refused.ends_with(r#"{"error":"Invalid Api Key"}"#),
        "{refused}"
    );
    assert_eq!(exchange.end(), 0);
}

#[test]
fn its_state_outlives_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("exchange.json");
    let state = state.to_str().unwrap();
    let first = Exchange::start(&["--state", state, "--seed", "7"]);
    let order = place_bid(&first);
    let body = order.split("\r\n\r\n").nth(1).unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let id = body["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(first.end(), 0);
    assert!(Path::new(state).exists());
    let second = Exchange::start(&["--state", state, "--seed", "7"]);
    let found = second.request("GET", &format!("/api/bids/{id}"), &second.key("trade"), "");
    assert!(found.starts_with("HTTP/1.1 200"), "{found}");
    assert_eq!(second.end(), 0);
}

#[test]
fn what_cannot_be_served_says_why() {
    let public = support::pampero(&["sandbox", "--listen", "0.0.0.0:0"]);
    assert_eq!(public.code, 2, "{}", public.stderr);
    assert!(public.stderr.contains("is not a loopback address"), "{}", public.stderr);
    let missing = support::pampero(&["sandbox", "--faults", "nothing.toml"]);
    assert_eq!(missing.code, 1, "{}", missing.stderr);
}
