//! TLS with own roots and with a certificate of the client's.
#![allow(clippy::disallowed_methods)] // the adapter itself is tested
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod common;

use std::sync::Arc;

use common::{KEY, Server, config, reply};
use pampero_bitex::*;
use pampero_exchange::*;
use pampero_model::{Side, Size};
use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

struct Party {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Party {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        Self { certificate, key }
    }

    /// Certificate and private key, as the files of a client hold them.
    fn identity(&self) -> String {
        format!("{}{}", self.certificate.pem(), self.key.serialize_pem())
    }
}

/// Lets in nobody but `client`.
fn acceptor(server: &Party, client: &Party) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(client.certificate.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server.key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn client(server: &Server, tls: TlsOptions) -> Client {
    let environment = Environment::local(&server.url).unwrap();
    let key = ApiKey::new(KEY.into(), &environment).unwrap();
    let config = Config { tls, ..config(environment) };
    Client::new(config, Budget::unlimited()).unwrap().with_key(key).unwrap()
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_it_and_others_get_nothing_through() {
    let (exchange, own, stranger) = (Party::new("localhost"), Party::new("own"), Party::new("stranger"));
    let server = Server::start_tls(acceptor(&exchange, &own), vec![reply(200, r#"{"data":[]}"#)]).await;
    let options = |identity: Option<&Party>| TlsOptions {
        roots: exchange.certificate.pem().into_bytes(),
        identity: identity.map(|party| party.identity().into_bytes().into()),
    };
    assert_eq!(client(&server, options(Some(&own))).orders().await, Ok(Vec::new()));
    assert_eq!(server.requests().len(), 1);

    let order = OrderRequest {
        market: "btc_usd".into(),
        side: Side::Buy,
        price: "1".parse().unwrap(),
        size: Size::Quote("1".parse().unwrap()),
        reference: None,
        watermark: None,
    };
    for identity in [None, Some(&stranger)] {
        let refused = client(&server, options(identity));
        assert!(refused.orders().await.is_err());
        // With TLS 1.3 the refusal comes after the request went out: nobody can know from here.
        let outcome = refused.place_order(&order, &|| Ok(())).await;
        assert!(matches!(outcome, Outcome::Unknown(_) | Outcome::NotSent(_)), "{outcome:?}");
    }
    // A server whose certificate is not trusted never sees a request, let alone the key.
    let wary = client(&server, TlsOptions { roots: Vec::new(), ..options(Some(&own)) });
    let outcome = wary.place_order(&order, &|| Ok(())).await;
    assert!(
        matches!(&outcome, Outcome::NotSent(error) if error.to_string().contains("certificate")),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn certificates_that_are_none_are_refused_without_being_shown() {
    let identity = Party::new("own").identity();
    let (_, private) = identity.split_once("-----BEGIN PRIVATE KEY-----\n").unwrap();
    let secret = &private[..20];
    let refusal = |tls: TlsOptions| {
        assert!(!format!("{tls:?}").contains(secret));
        let config = Config { tls, ..Config::new(Environment::Sandbox) };
        let error = Client::new(config, Budget::unlimited()).unwrap_err();
        assert!(matches!(error, Error::Configuration(_)), "{error:?}");
        error.to_string()
    };
    for broken in
        [private.to_owned(), identity.replace("BEGIN PRIVATE", "BEGIN SOME"), identity.replace(secret, "%")]
    {
        let identity = Some(broken.into_bytes().into());
        let text = refusal(TlsOptions { roots: Vec::new(), identity });
        assert!(text.contains("PEM") && !text.contains(secret), "{text}");
    }
    let roots = b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n".to_vec();
    assert!(refusal(TlsOptions { roots, identity: None }).contains("root certificates"));
}
