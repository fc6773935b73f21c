//! Measures depth requests a second and the round trip of placing an order, over loopback on kept connections.
//!
//! `cargo run --release -p pampero-sandbox --example speed`; for one core, under `taskset -c 0`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a measurement, not a service

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use pampero_model::Span;
use pampero_sandbox::{Sandbox, SandboxConfig};

/// A client on one connection that does nothing but count bytes.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn new(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Sends a request and reads its answer; gives the length of the body.
    fn send(&mut self, request: &str) -> usize {
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut read = 0;
        loop {
            read += self.stream.read(&mut self.buffer[read..]).unwrap();
            let Some(end) = self.buffer[..read].windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head = std::str::from_utf8(&self.buffer[..end]).unwrap().to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if read >= end + 4 + length {
                return length;
            }
        }
    }
}

fn order(token: &str, side: &str, amount: &str, price: u32) -> String {
    let body = format!(
        r#"{{"data":{{"type":"{side}","attributes":{{"orderbook_code":"btc_usd","amount":{amount},"price":{price}}}}}}}"#
    );
    let length = body.len();
    format!(
        "POST /api/{side} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let mut config =
        SandboxConfig { requests_per_second: 0, engine_delay: Span::ZERO, ..SandboxConfig::default() };
    config.agents.enabled = false;
    let sandbox = Sandbox::start(config).await.unwrap();
    let (url, token) = (sandbox.url(), sandbox.keys()["trade"].clone());
    let measured = tokio::task::spawn_blocking(move || {
        let mut client = Client::new(&url);
        // As many levels as were recorded of the real exchange.
        for level in 0..90 {
            client.send(&order(&token, "bids", "1", 3_000 - level));
        }
        for level in 0..98 {
            client.send(&order(&token, "asks", "0.001", 4_000 + level));
        }
        let depth = "GET /api/markets/btc_usd?include=bids,asks HTTP/1.1\r\nHost: x\r\n\r\n";
        let (count, begin) = (20_000, Instant::now());
        let length = (0..count).map(|_| client.send(depth)).max().unwrap();
        let passed = begin.elapsed();
        let rate = f64::from(count) / passed.as_secs_f64();
        println!("depth of 90 x 98 levels ({length} bytes): {rate:.0} requests a second");

        let place = order(&token, "bids", "1", 100);
        let mut times: Vec<_> = (0..5_000)
            .map(|_| {
                let begin = Instant::now();
                client.send(&place);
                begin.elapsed()
            })
            .collect();
        times.sort();
        println!(
            "place-order round trip: p50 {:?}, p99 {:?}",
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
    });
    measured.await.unwrap();
    sandbox.shutdown().await.unwrap();
}
