//! SMTP and LDAP, with servers that talk badly in one way each.

use std::sync::{Arc, Mutex};

use rcgen::CertificateParams;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use trimtab_health::FailureReason::{
    self, CodeMismatch, ConnectionReset, HttpInvalidResponse, HttpTimeout, TcpConnectionFailed,
    TlsNameMismatch, TlsProtocol, TlsUntrusted,
};
use trimtab_health::Passed;
use trimtab_model::Monitor;
use trimtab_model::monitor::MonitorType::{Ldap, Smtp};
use trimtab_model::monitor::{Extension, extension};

use crate::recipe::{fail, monitor, own, pass, plain, run, target, told, with_host};
use crate::server::{Server, closed_port};
use crate::tls::Authority;

const NOT_SMTP: (Passed, FailureReason, u16) = fail(HttpInvalidResponse, 0);

fn starttls() -> Monitor {
    own(Smtp, Extension { smtp: Some(extension::Smtp { starttls: true }), ..Extension::default() })
}

#[tokio::test]
async fn an_smtp_server_greets_and_answers_helo_and_quit() {
    let check = async |says: &[&'static str], want| {
        let server = Server::talking(says).await;
        let attempt = run(&plain(), &monitor(Smtp), &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{says:?}: {:?}", attempt.result);
        server.asked()
    };
    let good = ["220-mail\r\n220 ready\r\n", "250 hello\r\n", "221 bye\r\n"];
    assert_eq!(check(&good, pass(250)).await, ["HELO [127.0.0.1]\r\n", "QUIT\r\n"]);
    check(&["554 no service\r\n"], fail(CodeMismatch, 554)).await;
    check(&["220 hi\r\n", "550 who?\r\n"], fail(CodeMismatch, 550)).await;
    check(&["220 hi\r\n", "250 ok\r\n", "421 busy\r\n"], fail(CodeMismatch, 421)).await;
    check(&["220 hi\r\n", "250 ok\r\n", ""], NOT_SMTP).await;
    check(&["SSH-2.0-OpenSSH_9.9\r\n"], NOT_SMTP).await;
    check(&["220-mail\r\n"], NOT_SMTP).await;
    check(&[""], NOT_SMTP).await;
}

#[tokio::test]
async fn smtp_failures_show_how_the_answer_began() {
    let server = Server::talking(&["SSH-2.0-OpenSSH_9.9\r\n"]).await;
    let attempt = run(&plain(), &monitor(Smtp), &target(server.at)).await;
    let shown = (attempt.why().unwrap(), attempt.answer.to_string());
    let want = ("answer is not smtp: a line begins with no code", r"SSH-2.0-OpenSSH_9.9\r\n");
    assert_eq!((&*shown.0, &*shown.1), want);
}

#[tokio::test]
async fn silence_resets_and_closed_ports_are_told_apart() {
    for kind in [Smtp, Ldap] {
        let check = async |at, want| {
            let attempt = run(&plain(), &monitor(kind), &target(at)).await;
            assert_eq!(told(&attempt), want, "{kind}: {:?}", attempt.result);
        };
        let mute = Server::staying("").await;
        check(mute.at, fail(HttpTimeout, 0)).await;
        check(closed_port().await, fail(TcpConnectionFailed, 0)).await;
    }
    let resets = Server::start(async |mut stream: TcpStream| {
        stream.write_all(b"220 hi\r\n").await.unwrap();
        stream.readable().await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    let attempt = run(&plain(), &monitor(Smtp), &target(resets.at)).await;
    assert_eq!(told(&attempt), fail(ConnectionReset, 0), "{:?}", attempt.result);
}

/// Speaks SMTP up to a handshake and through it; tells what it was asked afterwards.
async fn with_starttls(authority: &Authority, name: &str) -> (Server, Arc<Mutex<Vec<String>>>) {
    let mut config = authority.certify(CertificateParams::new([name.to_owned()]).unwrap());
    // RFC 7301 section 3.2: whoever offers only something else is turned away.
    config.alpn_protocols = vec![b"smtp".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let remembered = Arc::clone(&asked);
    let server = Server::start(move |mut stream: TcpStream| {
        let (acceptor, asked) = (acceptor.clone(), Arc::clone(&remembered));
        async move {
            stream.write_all(b"220 mail\r\n").await.unwrap();
            let mut lines = BufReader::new(stream);
            for reply in ["250-mail\r\n250-SIZE 9\r\n250 STARTTLS\r\n", "220 go\r\n"] {
                let mut line = String::new();
                lines.read_line(&mut line).await.unwrap();
                asked.lock().unwrap().push(line);
                lines.get_mut().write_all(reply.as_bytes()).await.unwrap();
            }
            // A client that does not like the certificate ends the handshake.
            let Ok(secured) = acceptor.accept(lines.into_inner()).await else { return };
            let mut lines = BufReader::new(secured);
            for reply in ["250 ok\r\n", "221 bye\r\n"] {
                let mut line = String::new();
                lines.read_line(&mut line).await.unwrap();
                asked.lock().unwrap().push(line);
                lines.get_mut().write_all(reply.as_bytes()).await.unwrap();
            }
        }
    });
    (server.await, asked)
}

#[tokio::test]
async fn rfc_3207_starttls_comes_before_the_helo_that_counts() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let check = async |authority: &Authority, name: &str, want| {
        let (server, asked) = with_starttls(authority, name).await;
        let endpoint = with_host("mail.example.com", target(server.at));
        let attempt = run(&ours.trusted(), &starttls(), &endpoint).await;
        assert_eq!(told(&attempt), want, "{name}: {:?}", attempt.result);
        let mut insecure = starttls();
        insecure.probe.allow_insecure = true;
        asked.lock().unwrap().clear();
        assert_eq!(told(&run(&ours.trusted(), &insecure, &endpoint).await), pass(250));
        let lines = asked.lock().unwrap().clone();
        let me = "[127.0.0.1]\r\n";
        assert_eq!(
            lines,
            [&format!("EHLO {me}"), "STARTTLS\r\n", &format!("HELO {me}"), "QUIT\r\n"]
        );
    };
    check(&ours, "mail.example.com", pass(250)).await;
    check(&ours, "other.example.com", fail(TlsNameMismatch, 0)).await;
    check(&theirs, "mail.example.com", fail(TlsUntrusted, 0)).await;
}

#[tokio::test]
async fn a_server_without_starttls_fails_where_it_is_asked_for() {
    let check = async |says: &[&'static str], want| {
        let server = Server::talking(says).await;
        let attempt = run(&plain(), &starttls(), &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{says:?}: {:?}", attempt.result);
    };
    check(&["220 hi\r\n", "250 ok\r\n"], fail(TlsProtocol, 0)).await;
    check(&["220 hi\r\n", "502 what?\r\n"], fail(CodeMismatch, 502)).await;
    let offers = "250-hi\r\n250 STARTTLS\r\n";
    check(&["220 hi\r\n", offers, "454 not now\r\n"], fail(CodeMismatch, 454)).await;
    // RFC 3207 section 6: what an attacker put in before the handshake must not count after it.
    check(&["220 hi\r\n", offers, "220 go\r\n250 injected\r\n"], NOT_SMTP).await;
}

#[tokio::test]
async fn a_directory_answers_an_anonymous_bind() {
    let check = async |answer: &'static [u8], want| {
        let server = Server::replying(answer).await;
        let attempt = run(&plain(), &monitor(Ldap), &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{answer:?}: {:?}", attempt.result);
    };
    check(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", pass(0)).await;
    // inappropriateAuthentication: anonymous binds are forbidden here.
    let forbidden = b"\x30\x0e\x02\x01\x01\x61\x09\x0a\x01\x30\x04\x00\x04\x02no";
    check(forbidden, fail(CodeMismatch, 48)).await;
    check(b"HTTP/1.1 400 Bad Request\r\n\r\n", fail(HttpInvalidResponse, 0)).await;
}
