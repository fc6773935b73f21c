//! TLS with a certificate that lives as long as the sandbox, and handshakes that fail.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::config::{ConfigError, Tls};

/// What shakes hands with those who connect.
#[derive(Clone)]
pub struct Acceptor {
    tls: Tls,
    acceptor: TlsAcceptor,
}

impl Acceptor {
    /// A secured connection, unless the other side does not trust us or the handshake is made to fail.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> Option<TlsStream<S>> {
        match self.tls {
            Tls::Cut => {
                hello(&mut stream).await?;
                None
            }
            Tls::Old => {
                hello(&mut stream).await?;
                // Whether it arrives is the other side's business.
                let _ = stream.write_all(&old_server_hello()).await;
                let _ = stream.shutdown().await;
                // Its alert, then its end.
                let _ = stream.read_to_end(&mut Vec::new()).await;
                None
            }
            _ => self.acceptor.accept(stream).await.ok(),
        }
    }
}

/// Waits for the other side's first words.
async fn hello<S: AsyncRead + Unpin>(stream: &mut S) -> Option<()> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.ok()?;
    let [_, _, _, high, low] = header;
    let mut rest = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    stream.read_exact(&mut rest).await.ok().map(drop)
}

/// A record with a `ServerHello` of TLS 1.0 (3.1), as a server sends that ignores every offer of something newer.
fn old_server_hello() -> Vec<u8> {
    let mut hello = vec![3, 1];
    hello.extend([0x5a; 32]); // its random number
    hello.push(0); // no session
    hello.extend([0x00, 0x2f, 0]); // RSA with AES-128-CBC and SHA-1, no compression
    let length = u8::try_from(hello.len()).unwrap_or_default();
    let mut record = vec![22, 3, 1, 0, length + 4, 2, 0, 0, length];
    record.extend(hello);
    record
}

/// What connects to receivers over HTTPS: trusts the certificates of a file in PEM and no others.
pub fn connector(roots: &Path) -> Result<TlsConnector, ConfigError> {
    let wrong =
        |problem: String| ConfigError::value("webhooks.roots", format!("{}: {problem}", roots.display()));
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(roots).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(wrong("holds no certificate in PEM".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificate in PEM and what accepts connections with it; nothing without TLS.
pub fn acceptor(tls: Tls) -> Result<Option<(String, Acceptor)>, ConfigError> {
    let names: &[&str] = match tls {
        Tls::None => return Ok(None),
        Tls::Valid | Tls::Expired | Tls::Cut | Tls::Old => &["localhost", "127.0.0.1", "::1"],
        Tls::WrongHost => &["elsewhere.example"],
    };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = make(tls, names).map_err(|error| ConfigError::value("tls", error.to_string()))?;
    Ok(Some(made))
}

fn make(tls: Tls, names: Vec<String>) -> Result<(String, Acceptor), Box<dyn std::error::Error>> {
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
    Ok((certificate.pem(), Acceptor { tls, acceptor: TlsAcceptor::from(Arc::new(config)) }))
}
