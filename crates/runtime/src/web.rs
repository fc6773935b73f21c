//! Requests to the world beside the exchange: notices that go out, rates that come in.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, Url, redirect, retry};

/// Why nothing is sent to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadAddress {
    /// It is none, or of another protocol.
    NotAnAddress,
    /// It is neither https nor of this machine; the host it names.
    Insecure(String),
}

/// An address that is https or of this machine.
pub(crate) fn address(text: &str) -> Result<Url, BadAddress> {
    let url = Url::parse(text).map_err(|_| BadAddress::NotAnAddress)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if local => Ok(url),
        "http" => Err(BadAddress::Insecure(host.to_owned())),
        _ => Err(BadAddress::NotAnAddress),
    }
}

/// A client that goes where it is told and nowhere else, and sends nothing twice by itself.
pub(crate) fn client(patience: Duration) -> Result<Client, reqwest::Error> {
    // Whoever was first is kept; there is one provider in the tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("pampero/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(patience)
        .timeout(patience)
        .build()
        .map_err(reqwest::Error::without_url)
}
