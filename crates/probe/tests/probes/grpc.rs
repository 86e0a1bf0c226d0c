//! gRPC health over real HTTP/2.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::SendResponse;
use hyper::{HeaderMap, Response};
use rcgen::CertificateParams;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use trimtab_health::FailureReason::{
    BodyMismatch, CodeMismatch, ConnectionReset, HttpInvalidResponse, HttpTimeout,
    TcpConnectionFailed, TlsUntrusted,
};
use trimtab_model::Monitor;
use trimtab_model::monitor::MonitorType::Grpc;
use trimtab_model::monitor::{Extension, extension};

use crate::recipe::{fail, own, pass, plain, run, target, told, with_host};
use crate::server::{Server, closed_port};
use crate::tls::Authority;

/// What a server does with each call.
#[derive(Clone, Copy)]
struct Answer {
    status: u16,
    kind: &'static str,
    message: &'static [u8],
    /// In the head when there is no message.
    grpc_status: &'static str,
}

const SERVING: Answer = Answer {
    status: 200,
    kind: "application/grpc",
    message: &[0, 0, 0, 0, 2, 8, 1],
    grpc_status: "0",
};

/// The path, authority and message of each call.
type Calls = Arc<Mutex<Vec<(String, String, Vec<u8>)>>>;

fn grpc(service: &str, tls: bool) -> Monitor {
    let grpc = Some(extension::Grpc { service: service.into(), tls });
    own(Grpc, Extension { grpc, ..Extension::default() })
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, answer: Answer, calls: Calls) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (head, mut body) = request.into_parts();
        let calls = Arc::clone(&calls);
        tokio::spawn(async move {
            let mut message = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                message.extend_from_slice(&data);
            }
            assert_eq!(head.headers["content-type"], "application/grpc");
            assert_eq!(head.headers["te"], "trailers");
            let authority = head.uri.authority().unwrap().to_string();
            calls.lock().unwrap().push((head.uri.path().to_owned(), authority, message));
            say(respond, answer);
        });
    }
}

fn say(mut respond: SendResponse<Bytes>, answer: Answer) {
    let response = Response::builder().status(answer.status).header("content-type", answer.kind);
    if answer.message.is_empty() {
        let response = response.header("grpc-status", answer.grpc_status);
        respond.send_response(response.body(()).unwrap(), true).unwrap();
        return;
    }
    let mut body = respond.send_response(response.body(()).unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(answer.message), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", answer.grpc_status.parse().unwrap());
    body.send_trailers(trailers).unwrap();
}

async fn server(answer: Answer) -> (Server, Calls) {
    let calls = Calls::default();
    let remembered = Arc::clone(&calls);
    let server = Server::start(move |stream| serve(stream, answer, Arc::clone(&remembered)));
    (server.await, calls)
}

#[tokio::test]
async fn a_service_that_serves_is_up() {
    let (server, calls) = server(SERVING).await;
    assert_eq!(told(&run(&plain(), &grpc("", false), &target(server.at)).await), pass(200));
    let endpoint = with_host("api.example.com", target(server.at));
    assert_eq!(told(&run(&plain(), &grpc("a.B", false), &endpoint).await), pass(200));
    let path = "/grpc.health.v1.Health/Check".to_owned();
    let want = [
        (path.clone(), server.at.to_string(), vec![0; 5]),
        (path, "api.example.com".to_owned(), b"\0\0\0\0\x05\x0a\x03a.B".to_vec()),
    ];
    assert_eq!(*calls.lock().unwrap(), want);
}

#[tokio::test]
async fn what_is_not_serving_is_down() {
    let check = async |answer, want| {
        let (server, _) = server(answer).await;
        let attempt = run(&plain(), &grpc("", false), &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{:?}", attempt.result);
    };
    let saying = |message| Answer { message, ..SERVING };
    check(saying(&[0, 0, 0, 0, 2, 8, 2]), fail(BodyMismatch, 0)).await;
    check(saying(&[0, 0, 0, 0, 0]), fail(BodyMismatch, 0)).await;
    check(saying(&[1, 0, 0, 0, 2, 8, 1]), fail(HttpInvalidResponse, 0)).await;
    check(saying(&[0; 5000]), fail(HttpInvalidResponse, 0)).await;
    // NOT_FOUND: nobody registered the service.
    check(Answer { message: &[], grpc_status: "5", ..SERVING }, fail(CodeMismatch, 5)).await;
    check(Answer { grpc_status: "14", ..SERVING }, fail(CodeMismatch, 14)).await;
    check(Answer { grpc_status: "x", ..SERVING }, fail(HttpInvalidResponse, 0)).await;
    check(Answer { status: 503, ..SERVING }, fail(CodeMismatch, 503)).await;
    check(Answer { kind: "text/html", ..SERVING }, fail(HttpInvalidResponse, 0)).await;
}

#[tokio::test]
async fn what_does_not_speak_http_2_is_down() {
    let check = async |at, want| {
        let attempt = run(&plain(), &grpc("", false), &target(at)).await;
        assert_eq!(told(&attempt), want, "{:?}", attempt.result);
        attempt.answer.to_string()
    };
    let http1 = Server::replying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let evidence = check(http1.at, fail(HttpInvalidResponse, 0)).await;
    assert_eq!(evidence, r"HTTP/1.1 400 Bad Request\r\n\r\n");
    check(Server::staying("").await.at, fail(HttpTimeout, 0)).await;
    check(closed_port().await, fail(TcpConnectionFailed, 0)).await;
    let resets = Server::start(async |stream: tokio::net::TcpStream| {
        stream.readable().await.unwrap();
        stream.set_zero_linger().unwrap();
    });
    check(resets.await.at, fail(ConnectionReset, 0)).await;
}

#[tokio::test]
async fn over_tls_http_2_is_asked_for() {
    let authority = Authority::new();
    let names = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
    let mut config = authority.certify(names);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            // A client that does not like the certificate ends the handshake.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            serve(stream, SERVING, Calls::default()).await;
        }
    })
    .await;
    let endpoint = with_host("api.example.com", target(server.at));
    let attempt = run(&authority.trusted(), &grpc("", true), &endpoint).await;
    assert_eq!(told(&attempt), pass(200), "{:?}", attempt.result);
    assert_eq!(told(&run(&plain(), &grpc("", true), &endpoint).await), fail(TlsUntrusted, 0));
    let mut insecure = grpc("", true);
    insecure.probe.allow_insecure = true;
    assert_eq!(told(&run(&plain(), &insecure, &endpoint).await), pass(200));
}
