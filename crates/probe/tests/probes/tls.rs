//! TLS probes against real handshakes: what is checked, who is asked for, and what is told when it fails.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use trimtab_connect::{Connector, Egress};
use trimtab_health::FailureReason::{
    self, ConnectionReset, HttpInvalidResponse, TlsHandshake, TlsNameMismatch, TlsProtocol,
    TlsUnrecognizedName, TlsUntrusted,
};
use trimtab_health::Passed;
use trimtab_live::Target;
use trimtab_model::monitor::MonitorType;
use trimtab_model::{Monitor, SecretPem, Upstream};

use crate::recipe::{connector, fail, monitor, pass, plain, run, target, told, with_host};
use crate::server::{Server, head, ok};

/// A private authority and who trusts it.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// The server names and kinds of all handshakes that were finished.
pub(crate) type Handshakes = Arc<Mutex<Vec<(Option<String>, HandshakeKind)>>>;

/// How a server ends its answer.
#[derive(Clone, Copy)]
enum Ending {
    CloseNotify,
    /// As if it was cut off.
    Abrupt,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    /// A connector that trusts this authority alone.
    pub(crate) fn trusted(&self) -> Connector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let hosts: &[(&str, &[&str])] =
            &[("www.example.com", &["127.0.0.1"]), ("metadata.example.com", &["169.254.169.254"])];
        connector(Egress::default(), hosts, roots)
    }

    pub(crate) fn certify(&self, params: CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// Greets in TLS and then answers like any HTTP server.
pub(crate) async fn secured(authority: &Authority, names: &[&str]) -> (Server, Handshakes) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let config = authority.certify(CertificateParams::new(names).unwrap());
    serving(config, ok("alive"), Ending::CloseNotify).await
}

async fn serving(config: ServerConfig, answer: String, ending: Ending) -> (Server, Handshakes) {
    let seen = Handshakes::default();
    let (acceptor, remembered) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&seen));
    let server = Server::start(move |stream| {
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        let seen = Arc::clone(&remembered);
        async move {
            // A client that does not like the certificate ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let (_, session) = stream.get_ref();
            let name = session.server_name().map(str::to_owned);
            seen.lock().unwrap().push((name, session.handshake_kind().unwrap()));
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            match ending {
                Ending::CloseNotify => stream.shutdown().await.unwrap(),
                Ending::Abrupt => stream.flush().await.unwrap(),
            }
        }
    });
    (server.await, seen)
}

/// Waits for the greeting and answers it with these bytes.
pub(crate) async fn greeting_with(answer: &'static [u8]) -> Server {
    Server::start(async move |mut stream: TcpStream| {
        let mut greeting = [0; 1024];
        assert_ne!(stream.read(&mut greeting).await.unwrap(), 0);
        stream.write_all(answer).await.unwrap();
    })
    .await
}

pub(crate) fn https() -> Monitor {
    let mut https = monitor(MonitorType::Https);
    https.probe.expected_body = "alive".into();
    https
}

pub(crate) fn insecure() -> Monitor {
    let mut https = https();
    https.probe.allow_insecure = true;
    https
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_name_unless_anything_goes() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let connector = ours.trusted();
    let check = async |authority, names: &[&str], host, want: (Passed, FailureReason, u16)| {
        let (server, _) = secured(authority, names).await;
        let endpoint = with_host(host, target(server.at));
        let told_of = async |monitor| told(&run(&connector, &monitor, &endpoint).await);
        assert_eq!(told_of(https()).await, want, "{names:?} for {host}");
        assert_eq!(told_of(insecure()).await, pass(200), "{names:?} for {host}");
    };
    check(&ours, &["www.example.com"], "www.example.com", pass(200)).await;
    check(&ours, &["www.example.com"], "www.example.com:8443", pass(200)).await;
    check(&ours, &["*.example.com"], "www.example.com", pass(200)).await;
    check(&ours, &["127.0.0.1"], "127.0.0.1", pass(200)).await;
    let mismatch = fail(TlsNameMismatch, 0);
    check(&ours, &["www.example.com"], "other.example.com", mismatch).await;
    check(&ours, &["www.example.com"], "127.0.0.1", mismatch).await;
    check(&theirs, &["www.example.com"], "www.example.com", fail(TlsUntrusted, 0)).await;
}

/// A server that asks for a client's certificate of the same authority, and the upstream settings that satisfy it.
fn mutual(authority: &Authority) -> (ServerConfig, Upstream) {
    let names = vec!["backend.internal".to_owned()];
    let key = KeyPair::generate().unwrap();
    let client = CertificateParams::new(vec!["proxy.internal".to_owned()]).unwrap();
    let client_key = KeyPair::generate().unwrap();
    let chain = client.signed_by(&client_key, &authority.issuer).unwrap();
    let certificate =
        CertificateParams::new(names).unwrap().signed_by(&key, &authority.issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let upstream = Upstream {
        server_name: Some("backend.internal".into()),
        ca: Some(authority.issuer.pem()),
        client_certificate: Some(chain.pem()),
        client_key: Some(SecretPem::new(client_key.serialize_pem())),
        ..Upstream::default()
    };
    (config, upstream)
}

#[tokio::test]
async fn a_monitor_with_a_zone_takes_the_proxys_path_to_the_endpoint() {
    let authority = Authority::new();
    let (config, upstream) = mutual(&authority);
    let (server, seen) = serving(config, ok("alive"), Ending::CloseNotify).await;
    let (connector, upstream) = (plain(), Some(Arc::new(upstream)));
    let endpoint = Target { upstream, ..with_host("www.example.com", target(server.at)) };
    let zoned = || {
        let mut monitor = https();
        monitor.probe.probe_zone = Some("example.com".parse().unwrap());
        monitor
    };
    assert_eq!(told(&run(&connector, &zoned(), &endpoint).await), pass(200));
    let names: Vec<_> = seen.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, [Some("backend.internal".to_owned())]);
    // Without the zone nothing of the pool's settings is used.
    let alone = told(&run(&connector, &https(), &endpoint).await);
    assert_eq!(alone, fail(TlsUntrusted, 0));
}

#[tokio::test]
async fn an_expired_certificate_is_not_trusted() {
    let authority = Authority::new();
    let mut params = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let config = authority.certify(params);
    let (server, _) = serving(config, ok("alive"), Ending::CloseNotify).await;
    let endpoint = with_host("www.example.com", target(server.at));
    let attempt = run(&authority.trusted(), &https(), &endpoint).await;
    assert_eq!(told(&attempt), fail(TlsUntrusted, 0));
}

#[tokio::test]
async fn the_server_is_asked_for_the_host_when_that_is_a_name() {
    let authority = Authority::new();
    let (server, seen) = secured(&authority, &["www.example.com", "127.0.0.1"]).await;
    let endpoint = target(server.at);
    for endpoint in [with_host("www.example.com:8443", endpoint.clone()), endpoint] {
        assert_eq!(told(&run(&authority.trusted(), &https(), &endpoint).await), pass(200));
    }
    let named: Vec<_> = seen.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(named, [Some("www.example.com".to_owned()), None]);
}

#[tokio::test]
async fn every_probe_sees_the_certificate_anew() {
    let authority = Authority::new();
    let (server, seen) = secured(&authority, &["www.example.com"]).await;
    let (connector, endpoint) =
        (authority.trusted(), with_host("www.example.com", target(server.at)));
    for _ in 0..3 {
        assert_eq!(told(&run(&connector, &https(), &endpoint).await), pass(200));
    }
    let kinds: Vec<_> = seen.lock().unwrap().iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, [HandshakeKind::Full; 3]);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    let authority = Authority::new();
    let check = async |answer: &str, want| {
        let config = authority.certify(CertificateParams::new(["127.0.0.1".to_owned()]).unwrap());
        let (server, _) = serving(config, answer.to_owned(), Ending::Abrupt).await;
        let attempt = run(&authority.trusted(), &https(), &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{answer:?}: {:?}", attempt.result);
    };
    // RFC 9112 section 9.8: without length, only a close_notify says that the body is whole.
    check("HTTP/1.1 200 OK\r\n\r\ndead", fail(HttpInvalidResponse, 0)).await;
    check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ndead", fail(HttpInvalidResponse, 0)).await;
    check("HTTP/1.1 20", fail(HttpInvalidResponse, 0)).await;
    check(&ok("alive"), pass(200)).await;
}

#[tokio::test]
async fn semantics_8_what_breaks_a_handshake_is_told_apart() {
    let connector = Authority::new().trusted();
    let check = async |answer: &'static [u8], want| {
        let server = greeting_with(answer).await;
        assert_eq!(
            told(&run(&connector, &insecure(), &target(server.at)).await),
            want,
            "{answer:?}"
        );
    };
    check(b"HTTP/1.1 400 Bad Request\r\n\r\n", fail(TlsProtocol, 0)).await;
    // RFC 8446 section 6: fatal alerts.
    check(&[21, 3, 3, 0, 2, 2, 70], fail(TlsProtocol, 0)).await;
    check(&[21, 3, 3, 0, 2, 2, 112], fail(TlsUnrecognizedName, 0)).await;
    check(&[21, 3, 3, 0, 2, 2, 40], fail(TlsHandshake, 0)).await;
    check(b"", fail(TlsHandshake, 0)).await;

    let resets = Server::start(async |stream: TcpStream| {
        stream.readable().await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert_eq!(
        told(&run(&connector, &https(), &target(resets.at)).await),
        fail(ConnectionReset, 0)
    );
}
