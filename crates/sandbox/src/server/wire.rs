//! Answers on the wire, whole or not.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::channel::Channel;
use pampero_model::Span;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// An answer and how it ends.
#[derive(Debug, Default)]
pub struct Outcome {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    pub headers: Vec<(HeaderName, String)>,
    /// The header `Date`, if there is one.
    pub date: Option<String>,
    /// How long it takes.
    pub delay: Span,
    pub ending: Ending,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    #[default]
    Whole,
    /// There is none, and the connection stays open.
    Never,
    /// The connection is closed before it begins.
    Closed,
    /// The connection is closed within its headers.
    InHeaders,
    /// The connection is closed within its body.
    InBody,
    /// All of the body comes, but not its end.
    Unfinished,
    /// A chunked body is cut.
    Truncated,
    /// The body is shorter than promised.
    Short,
    /// A byte at a time.
    Slow(Span),
    /// So many times a mebibyte.
    Huge(u32),
    /// The same, but compressed to very little.
    Bomb(u32),
}

/// A response that shall not be sent: the connection ends instead.
#[derive(Clone, Copy, Debug)]
pub struct Hangup;

/// How many bytes a connection may still write.
#[derive(Clone, Debug)]
pub struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub fn unlimited() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    fn limit(&self, bytes: u64) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

/// Sends an answer, or what a fault leaves of it.
pub async fn respond(outcome: Outcome, allowance: Option<&Allowance>) -> Response {
    sleep(outcome.delay).await;
    match outcome.ending {
        Ending::Never => std::future::pending::<()>().await,
        Ending::InHeaders => {
            if let Some(allowance) = allowance {
                allowance.limit(40);
            }
        }
        _ => {}
    }
    let length = outcome.body.len();
    let body = match outcome.ending {
        Ending::Bomb(mebibytes) => {
            let packed = tokio::task::spawn_blocking(move || bomb(&outcome.body, mebibytes)).await;
            Body::from(packed.unwrap_or_default())
        }
        ending => body(outcome.body, ending),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    if let Some(content_type) = &outcome.content_type {
        insert(CONTENT_TYPE, content_type);
    }
    if let Some(date) = &outcome.date {
        insert(DATE, date);
    }
    for (name, value) in &outcome.headers {
        insert(name.clone(), value);
    }
    match outcome.ending {
        Ending::InBody => insert(CONTENT_LENGTH, &length.to_string()),
        Ending::Short => insert(CONTENT_LENGTH, &(length + 100).to_string()),
        Ending::Bomb(_) => insert(CONTENT_ENCODING, "gzip"),
        Ending::Closed => {
            response.extensions_mut().insert(Hangup);
        }
        _ => {}
    }
    response
}

pub async fn sleep(span: Span) {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(0);
    if nanos > 0 {
        tokio::time::sleep(Duration::from_nanos(nanos)).await;
    }
}

fn body(text: Vec<u8>, ending: Ending) -> Body {
    let half = text.len() / 2;
    let whole = Bytes::from(text);
    match ending {
        Ending::InBody | Ending::Truncated => pieces(vec![whole.slice(..half)], Span::ZERO, After::Abort),
        Ending::Short => pieces(vec![whole], Span::ZERO, After::End),
        Ending::Unfinished => pieces(vec![whole], Span::ZERO, After::Wait),
        Ending::Slow(pause) => {
            let bytes = (0..whole.len()).map(|at| whole.slice(at..=at)).collect();
            pieces(bytes, pause, After::End)
        }
        Ending::Huge(mebibytes) => {
            let blank = Bytes::from(vec![b' '; 1 << 20]);
            let count = usize::try_from(mebibytes).unwrap_or(0);
            pieces(
                std::iter::once(whole).chain(std::iter::repeat_n(blank, count)).collect(),
                Span::ZERO,
                After::End,
            )
        }
        _ => Body::from(whole),
    }
}

/// A text and so many mebibytes of blanks, compressed.
fn bomb(text: &[u8], mebibytes: u32) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let blank = vec![b' '; 1 << 20];
    let pieces = std::iter::once(text).chain((0..mebibytes).map(|_| blank.as_slice()));
    // Memory takes whatever is written to it.
    let written = pieces.into_iter().try_for_each(|piece| packed.write_all(piece));
    written.and_then(|()| packed.finish()).unwrap_or_default()
}

/// What follows the last piece of a body.
enum After {
    End,
    Abort,
    Wait,
}

/// A body in pieces, with a pause after each.
fn pieces(pieces: Vec<Bytes>, pause: Span, after: After) -> Body {
    let (mut sender, channel) = Channel::<Bytes, io::Error>::new(1);
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send_data(piece).await.is_err() {
                return;
            }
            sleep(pause).await;
        }
        match after {
            After::End => {}
            After::Abort => {
                // What was sent must be on its way before the end is.
                tokio::time::sleep(Duration::from_millis(20)).await;
                sender.abort(io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault"));
            }
            After::Wait => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                drop(sender);
            }
        }
    });
    Body::new(channel)
}

/// A connection that stops when its allowance is used up.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    allowance: Allowance,
}

impl Wire {
    pub fn new(stream: TcpStream, allowance: Allowance) -> Self {
        Self { stream, allowance }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.allowance.0.load(Ordering::SeqCst);
        if left == 0 {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault")));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let part = bytes.get(..most).unwrap_or(bytes);
        let written = Pin::new(&mut self.stream).poll_write(context, part);
        if let (Poll::Ready(Ok(count)), true) = (&written, left != u64::MAX) {
            self.allowance.limit(left.saturating_sub(u64::try_from(*count).unwrap_or(0)));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_bomb_is_small_until_it_is_opened() {
        let packed = bomb(b"{}", 3);
        assert!(packed.len() < 5_000, "{}", packed.len());
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!((text.trim_end(), text.len()), ("{}", 2 + (3 << 20)));
    }
}
