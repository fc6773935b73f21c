//! Sends events and callbacks to customers.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::http::header::{CONTENT_TYPE, HOST};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Shared;
use crate::world::Delivery;

/// Delivers what is due, one after the other, until it is told to stop.
pub async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        let (due, timeout) = {
            let inner = shared.lock();
            (inner.world.due_deliveries(), inner.world.config.webhooks.timeout)
        };
        let timeout = Duration::from_nanos(u64::try_from(timeout.as_nanos()).unwrap_or(0));
        for delivery in due {
            let (body, auth) = shared.lock().world.delivery_request(&delivery);
            let sent = tokio::select! {
                _ = stopped.changed() => return,
                sent = tokio::time::timeout(timeout, send(&delivery, body, &auth)) => sent,
            };
            let success = matches!(sent, Ok(Some(200)));
            shared.lock().world.delivered(delivery.id, success);
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = shared.deliver.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

/// Posts it and gives the status of the answer. Only plain HTTP: the receivers of a sandbox are on this computer.
async fn send(delivery: &Delivery, body: String, auth: &str) -> Option<u16> {
    let uri: Uri = delivery.url.parse().ok()?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http"))?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(CONTENT_TYPE, "application/vnd.api+json")
        .header("WEBHOOK-AUTH", auth)
        .body(Full::new(Bytes::from(body)))
        .ok()?;
    let answer = sender.send_request(request).await.ok();
    connection.abort();
    answer.map(|answer| answer.status().as_u16())
}
