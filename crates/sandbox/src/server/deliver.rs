//! Sends events and callbacks to customers.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::http::header::{CONTENT_TYPE, HOST};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Shared;
use crate::world::Delivery;

/// Delivers what is due, one after the other, until it is told to stop.
pub async fn run(shared: Arc<Shared>, tls: Option<TlsConnector>, mut stopped: watch::Receiver<bool>) {
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
                sent = tokio::time::timeout(timeout, send(&delivery, body, &auth, tls.as_ref())) => sent,
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

/// Posts it and gives the status of the answer. Over HTTPS only to receivers whose roots are configured.
async fn send(delivery: &Delivery, body: String, auth: &str, tls: Option<&TlsConnector>) -> Option<u16> {
    let uri: Uri = delivery.url.parse().ok()?;
    let host = uri.host()?;
    let connect = async |port| TcpStream::connect((host, uri.port_u16().unwrap_or(port))).await.ok();
    match (uri.scheme_str(), tls) {
        (Some("http"), _) => post(connect(80).await?, &uri, body, auth).await,
        (Some("https"), Some(tls)) => {
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()?;
            let secured = tls.connect(name, connect(443).await?).await.ok()?;
            post(secured, &uri, body, auth).await
        }
        _ => None,
    }
}

async fn post<S>(stream: S, uri: &Uri, body: String, auth: &str) -> Option<u16>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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
