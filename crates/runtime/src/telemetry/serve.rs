//! The page of the figures, on this machine alone.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::log::TelemetryError;
use super::metrics::Metrics;

/// Listens on an address of this machine, such as `127.0.0.1:9464`.
///
/// # Errors
///
/// [`TelemetryError`] where others could reach the address, or it cannot be had.
pub async fn listen(address: &str) -> Result<TcpListener, TelemetryError> {
    let parsed: SocketAddr = address.parse().map_err(|_| TelemetryError::Address(address.to_owned()))?;
    if !parsed.ip().is_loopback() {
        return Err(TelemetryError::NotLoopback(address.to_owned()));
    }
    let failed = |source| TelemetryError::Listen { address: address.to_owned(), source };
    TcpListener::bind(parsed).await.map_err(failed)
}

/// Serves `GET /metrics` until `shutdown`.
pub async fn serve_metrics(listener: TcpListener, metrics: Metrics, shutdown: impl Future<Output = ()>) {
    /// Prometheus opens one or two.
    const MOST_CONNECTIONS: usize = 16;
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => accepted,
        };
        let Ok((socket, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors, most likely
            continue;
        };
        let metrics = metrics.clone();
        connections.spawn(async move {
            let answer = service_fn(|request| {
                let answer = answer(&request, &metrics);
                async { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(socket), answer);
            let _ = connection.await; // whoever asked went away
        });
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let refuse = |status: StatusCode, why: &'static str| {
        let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())));
        *response.status_mut() = status;
        response
    };
    // A page in a browser must not get here by a name that it points at this machine.
    if !request.headers().get(HOST).is_some_and(is_local) {
        return refuse(StatusCode::FORBIDDEN, "ask for localhost or a loopback address\n");
    }
    if request.uri().path() != "/metrics" {
        return refuse(StatusCode::NOT_FOUND, "the figures are at /metrics\n");
    }
    if request.method() != Method::GET {
        let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let mut response = Response::new(Full::new(metrics.render().into()));
    let text = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// Whether a `Host` header names this machine.
fn is_local(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') { name } else { host }
    });
    let name = name.trim_matches(['[', ']']);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
