//! TLS with a certificate that lives as long as the sandbox.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::config::{ConfigError, Tls};

/// The certificate in PEM and what accepts connections with it; nothing without TLS.
pub fn acceptor(tls: Tls) -> Result<Option<(String, TlsAcceptor)>, ConfigError> {
    let names: &[&str] = match tls {
        Tls::None => return Ok(None),
        Tls::Valid | Tls::Expired => &["localhost", "127.0.0.1", "::1"],
        Tls::WrongHost => &["elsewhere.example"],
    };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = make(tls, names).map_err(|error| ConfigError::value("tls", error.to_string()))?;
    Ok(Some(made))
}

fn make(tls: Tls, names: Vec<String>) -> Result<(String, TlsAcceptor), Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(names)?;
    if tls == Tls::Expired {
        params.not_before = date_time_ymd(2018, 1, 1);
        params.not_after = date_time_ymd(2019, 1, 1);
    }
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    Ok((certificate.pem(), TlsAcceptor::from(Arc::new(config))))
}
