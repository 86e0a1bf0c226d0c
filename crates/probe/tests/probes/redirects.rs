//! Redirects: followed when the monitor says so, never past the egress policy, and not for ever.

use trimtab_health::FailureReason::{
    CodeMismatch, DnsInternal, DnsUnknownHost, HttpInvalidResponse, MonitorConfig,
};
use trimtab_model::Monitor;
use trimtab_model::monitor::Probe;

use crate::recipe::{fail, http, knowing, pass, plain, run, target, told, with_host};
use crate::server::{Server, ok, redirect, status};

fn following(change: impl FnOnce(&mut Probe)) -> Monitor {
    let mut monitor = http(change);
    monitor.probe.follow_redirects = true;
    monitor
}

fn first_lines(server: &Server) -> Vec<String> {
    server.asked().iter().map(|head| head.lines().next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn semantics_1_redirects_are_followed_only_when_asked_for() {
    let server = Server::answering(&[&redirect("/login?x#y"), &redirect("../end"), &ok("")]).await;
    let attempt = run(&plain(), &following(|_| ()), &target(server.at)).await;
    assert_eq!(told(&attempt), pass(200));
    let want = ["GET / HTTP/1.1", "GET /login?x HTTP/1.1", "GET /end HTTP/1.1"];
    assert_eq!(first_lines(&server), want);

    let server = Server::answering(&[&redirect("/login"), &ok("")]).await;
    let attempt = run(&plain(), &http(|_| ()), &target(server.at)).await;
    assert_eq!(told(&attempt), fail(CodeMismatch, 302));

    let server = Server::answering(&[&status("304 Not Modified")]).await;
    let attempt = run(&plain(), &following(|_| ()), &target(server.at)).await;
    assert_eq!(told(&attempt), fail(CodeMismatch, 304));
}

#[tokio::test]
async fn a_redirect_loop_ends_after_five() {
    let server = Server::answering(&[&redirect("/again")]).await;
    let expects_it = |probe: &mut Probe| {
        probe.expected_codes = "200,302".to_owned().try_into().unwrap();
    };
    let attempt = run(&plain(), &following(expects_it), &target(server.at)).await;
    assert_eq!(told(&attempt), fail(CodeMismatch, 302));
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn every_redirect_passes_the_egress_policy() {
    let check = async |location: &str, want| {
        let server = Server::answering(&[&redirect(location)]).await;
        let hosts: &[(&str, &[&str])] = &[("metadata.example.com", &["169.254.169.254"])];
        let attempt = run(&knowing(hosts), &following(|_| ()), &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{location}");
        server.asked().len()
    };
    assert_eq!(check("http://169.254.169.254/latest/", fail(MonitorConfig, 0)).await, 1);
    assert_eq!(check("http://[::ffff:a9fe:a9fe]/", fail(MonitorConfig, 0)).await, 1);
    assert_eq!(check("//metadata.example.com/", fail(DnsInternal, 0)).await, 1);
    assert_eq!(check("http://absent.example.com/", fail(DnsUnknownHost, 0)).await, 1);
    assert_eq!(check("ftp://127.0.0.1/", fail(HttpInvalidResponse, 302)).await, 1);
}

#[tokio::test]
async fn another_host_is_looked_up_and_does_not_see_the_monitor_s_headers() {
    let other = Server::answering(&[&ok("")]).await;
    let to = format!("http://other.example.com:{}/x", other.at.port());
    let first = Server::answering(&[&redirect(&to)]).await;
    let secret = |probe: &mut Probe| {
        probe.header = [("Authorization".to_owned(), vec!["Bearer secret".to_owned()])].into();
    };
    let connector = knowing(&[("other.example.com", &["127.0.0.1"])]);
    let endpoint = with_host("www.example.com", target(first.at));
    let attempt = run(&connector, &following(secret), &endpoint).await;
    assert_eq!(told(&attempt), pass(200));

    let asked = other.asked();
    assert!(asked[0].contains(&format!("Host: other.example.com:{}\r\n", other.at.port())));
    assert!(!asked[0].contains("secret"), "{asked:?}");
    assert!(first.asked()[0].contains("Authorization: Bearer secret\r\n"));
}

#[tokio::test]
async fn the_endpoint_s_own_name_is_the_endpoint_whatever_dns_says() {
    let server = Server::answering(&[&ok("")]).await;
    let to = format!("http://www.example.com:{}/x", server.at.port());
    let first = Server::answering(&[&redirect(&to)]).await;
    // The name is not known to the resolver at all.
    let attempt =
        run(&plain(), &following(|_| ()), &with_host("www.example.com", target(first.at))).await;
    assert_eq!(told(&attempt), pass(200));
    assert_eq!(first_lines(&server), ["GET /x HTTP/1.1"]);
}
