//! The way to an endpoint: names, several addresses, simulated distance, and where the time went.

use std::time::Duration;

use trimtab_connect::Source;
use trimtab_health::FailureReason::{CodeMismatch, MonitorConfig, TcpConnectionFailed, TcpTimeout};
use trimtab_model::monitor::MonitorType::{Http, Tcp};
use trimtab_probe::{Check, Uplinks, preview};

use crate::recipe::{POOL, fail, knowing, monitor, named, pass, plain, run, target, told};
use crate::server::{Server, closed_port, head, ok, send, status};
use crate::tls::{Authority, https, secured};

#[tokio::test]
async fn the_first_address_that_accepts_is_probed() {
    let server = Server::answering(&[&ok("")]).await;
    let hosts: &[(&str, &[&str])] = &[
        ("second.example.com", &["127.0.0.9", "127.0.0.1"]),
        ("fifth.example.com", &["127.0.0.9", "127.0.0.8", "127.0.0.7", "127.0.0.6", "127.0.0.1"]),
    ];
    let check = async |name, want| {
        let endpoint = named(name, server.at.port());
        assert_eq!(told(&run(&knowing(hosts), &monitor(Http), &endpoint).await), want, "{name}");
    };
    check("second.example.com", pass(200)).await;
    check("fifth.example.com", fail(TcpConnectionFailed, 0)).await;
}

#[tokio::test]
async fn each_phase_is_timed_and_together_they_are_the_round_trip() {
    let authority = Authority::new();
    let (server, _) = secured(&authority, &["www.example.com"]).await;
    let endpoint = named("www.example.com", server.at.port());
    let attempt = run(&authority.trusted(), &https(), &endpoint).await;
    assert_eq!(told(&attempt), pass(200));
    let phases = attempt.phases;
    let rtt = [phases.connect, phases.tls, phases.first_byte, phases.body].map(Option::unwrap);
    assert_eq!(attempt.outcome().rtt, Some(rtt.iter().sum()));
    assert!(rtt.iter().all(|part| !part.is_zero()), "{phases:?}");
    assert!(phases.resolve.is_some());
}

#[tokio::test]
async fn a_simulated_way_is_part_of_the_connection() {
    let server = Server::answering(&[&ok("")]).await;
    let (monitor, target) = (monitor(Tcp), target(server.at));
    let check = |millis| {
        let delay = Duration::from_millis(millis);
        Check { monitor: &monitor, pool: POOL, target: &target, delay }
    };
    let attempt = trimtab_probe::run(&plain(), &check(50)).await;
    assert_eq!(told(&attempt), pass(0));
    assert!(attempt.outcome().rtt >= Some(Duration::from_millis(50)), "{:?}", attempt.phases);
    let attempt = trimtab_probe::run(&plain(), &check(60_000)).await;
    assert_eq!(told(&attempt), fail(TcpTimeout, 0));
}

#[tokio::test]
async fn each_place_looks_from_its_own_address() {
    let server = Server::start(async move |mut stream| {
        head(&mut stream).await;
        let known = stream.peer_addr().unwrap().ip().to_string() == "127.0.0.3";
        send(&mut stream, &if known { ok("") } else { status("403 Forbidden") }).await;
    })
    .await;
    let from =
        |pop: &str, ip: &str| (pop.parse().unwrap(), Source::new(&[ip.parse().unwrap()]).unwrap());
    let uplinks = Uplinks::new(plain(), [from("NRT", "127.0.0.3"), from("IAD", "192.0.2.77")]);
    let check = async |pop: &str, want, why: Option<&str>| {
        let connector = uplinks.of(pop.parse().unwrap());
        let attempt = run(connector, &monitor(Http), &target(server.at)).await;
        assert_eq!((told(&attempt), attempt.why().as_deref()), (want, why), "{pop}");
    };
    check("NRT", pass(200), None).await;
    let gone =
        "connect: cannot leave from 192.0.2.77: Cannot assign requested address (os error 99)";
    check("IAD", fail(MonitorConfig, 0), Some(gone)).await;
    check("FRA", fail(CodeMismatch, 403), Some("status 403 is not expected")).await;
}

#[tokio::test]
async fn a_preview_tells_of_every_target_in_their_order() {
    let good = Server::answering(&[&ok("")]).await;
    let bad = Server::answering(&[&status("500 Oops")]).await;
    let targets =
        vec![target(good.at), target(bad.at), target(closed_port().await), target(good.at)];
    let seen = preview(&plain(), &monitor(Http), POOL, targets.clone()).await;
    let (of, statuses): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .map(|(target, attempt, _)| (target, attempt.outcome().response_code))
        .unzip();
    assert_eq!((of, statuses), (targets, vec![200, 500, 0, 200]));
}
