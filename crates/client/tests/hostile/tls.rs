//! Connections that are protected by nobody who is trusted.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use throng_client::RootCertificates;
use throng_core::directory::Directory;
use throng_core::error::Fault;
use tokio_rustls::TlsAcceptor;

use super::server::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A server for this host, certified until this year.
async fn server(authority: &Authority, host: &str, until: i32) -> Server {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([host.to_owned()]).expect("a host");
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a server");
    Server::start_tls(TlsAcceptor::from(Arc::new(config)), |_| xml(200, &user("anna"))).await
}

fn trusted(authority: &Authority) -> RootCertificates {
    RootCertificates::from_pem(authority.pem().as_bytes()).expect("a certificate")
}

#[tokio::test]
async fn a_server_that_a_trusted_authority_vouches_for_is_spoken_to() {
    let authority = authority();
    let server = server(&authority, "localhost", 2100).await;
    let url = format!("https://localhost:{}/crowd", server.port());
    let directory = builder(&url).trust(trusted(&authority)).build().unwrap();
    assert!(directory.user(&username("anna")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_hears_nothing() {
    let (known, stranger) = (authority(), authority());
    for (server, what) in [
        (server(&known, "localhost", 2001).await, "an expired certificate"),
        (server(&known, "crowd.example.com", 2100).await, "another host's certificate"),
        (server(&stranger, "localhost", 2100).await, "an authority that is not trusted"),
    ] {
        let url = format!("https://localhost:{}/crowd", server.port());
        let directory = builder(&url).trust(trusted(&known)).build().unwrap();
        let answer = fault(directory.user(&username("anna")).await);
        assert_eq!(answer, (Fault::Unavailable, "Tls".to_owned()), "{what}");
        assert_eq!(server.heard(), [], "{what}");
    }
}

#[tokio::test]
async fn a_server_without_protection_is_not_spoken_to_in_clear() {
    let server = Server::start(|_| xml(200, &user("anna"))).await;
    let url = format!("https://localhost:{}/crowd", server.port());
    let directory = builder(&url).trust(trusted(&authority())).build().unwrap();
    assert_eq!(fault(directory.user(&username("anna")).await).0, Fault::Unavailable);
    assert_eq!(server.heard(), []);
}

#[test]
fn what_is_no_certificate_is_not_trusted() {
    for pem in ["", "-----BEGIN CERTIFICATE-----\nbm9uZQ\n-----END CERTIFICATE-----\n-----BEGIN", "text"] {
        let read = RootCertificates::from_pem(pem.as_bytes());
        let built = read.map(|roots| builder("https://crowd.example.com").trust(roots).build().is_err());
        assert!(built.unwrap_or(true), "{pem:?}");
    }
}
