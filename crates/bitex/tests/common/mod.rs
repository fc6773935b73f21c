//! A server of a few lines: it answers what it is told, byte for byte, and keeps every request.
#![allow(dead_code)] // each test file uses its own part

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pampero_bitex::{ApiKey, Client, Config, Environment, Timeouts};
use pampero_exchange::Budget;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What to do with a request.
#[derive(Clone)]
pub enum Reply {
    /// Send these bytes and close.
    Bytes(Vec<u8>),
    /// Close without a word.
    Close,
    /// Say nothing and keep the connection.
    Silence,
    /// Send these bytes and keep the connection without ending the answer.
    Stall(Vec<u8>),
}

pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// An answer of a status with a body.
pub fn reply(status: u16, body: &str) -> Reply {
    headed(status, "", body.as_bytes())
}

/// The same with more headers, each line ended by `\r\n`.
pub fn headed(status: u16, headers: &str, body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/vnd.api+json; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    Reply::Bytes([head.as_bytes(), body].concat())
}

impl Server {
    /// Answers the first request with the first reply and so on, the last one for ever.
    pub async fn start(replies: Vec<Reply>) -> Self {
        Self::start_on("http://127.0.0.1", None, replies).await
    }

    /// The same over TLS, with a certificate for `localhost`.
    pub async fn start_tls(acceptor: TlsAcceptor, replies: Vec<Reply>) -> Self {
        Self::start_on("https://localhost", Some(acceptor), replies).await
    }

    async fn start_on(host: &str, acceptor: Option<TlsAcceptor>, replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{host}:{}", listener.local_addr().unwrap().port());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        tokio::spawn(async move {
            let mut number = 0;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let reply = replies[usize::min(number, replies.len() - 1)].clone();
                number += 1;
                let (acceptor, kept) = (acceptor.clone(), kept.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, reply, kept).await,
                        Some(acceptor) => {
                            // Whoever fails the handshake is not served.
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            serve(stream, reply, kept).await;
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub fn posts(&self) -> usize {
        self.requests().iter().filter(|request| request.starts_with("POST ")).count()
    }

    /// A client with a key and short time-outs.
    pub fn client(&self) -> Client {
        self.client_of(Budget::unlimited())
    }

    pub fn client_of(&self, budget: Budget) -> Client {
        let environment = Environment::local(&self.url).unwrap();
        let key = ApiKey::new(KEY.into(), &environment).unwrap();
        Client::new(config(environment), budget).unwrap().with_key(key).unwrap()
    }
}

pub fn config(environment: Environment) -> Config {
    let (short, longer) = (Duration::from_millis(250), Duration::from_millis(700));
    let timeouts = Timeouts { connect: short, read: longer, repeatable: longer, create: longer };
    Config { timeouts, ..Config::new(environment) }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: Reply, kept: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    kept.lock().unwrap().push(String::from_utf8(request).unwrap());
    match reply {
        Reply::Bytes(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
        Reply::Close => {}
        Reply::Silence => std::future::pending().await,
        Reply::Stall(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse::<usize>().unwrap())
}
