//! What a listener hears of a probe, and what is left of a failure.

use std::time::Duration;

use futures_util::StreamExt;
use trimtab_connect::Source;
use trimtab_model::Monitor;
use trimtab_model::monitor::MonitorType::{Http, Tcp};
use trimtab_probe::{Attempt, Check, News, StepKind, Told, Trial, run_telling, watch};

use crate::recipe::{POOL, http, monitor, named, plain, run, target, with_host};
use crate::server::{Server, closed_port, ok, redirect, status};
use crate::tls::{Authority, https, secured};

/// The steps as `kind: text`, and what came of them.
async fn heard(
    connector: &trimtab_connect::Connector,
    monitor: &Monitor,
    target: &trimtab_live::Target,
) -> (Vec<String>, Attempt) {
    let (mut steps, mut last) = (Vec::new(), Duration::ZERO);
    let mut listener = |step: trimtab_probe::Step| {
        assert!(step.at >= last, "{step:?} after {last:?}");
        last = step.at;
        steps.push(format!("{}: {}", step.kind, step.text));
    };
    let check = Check { monitor, pool: POOL, target, delay: Duration::ZERO };
    let attempt = run_telling(connector, &check, &mut listener).await;
    (steps, attempt)
}

#[tokio::test]
async fn each_step_is_told_as_it_happens() {
    let server = Server::answering(&[&redirect("/live"), &ok("alive")]).await;
    let follows = http(|probe| {
        probe.follow_redirects = true;
        probe.expected_body = "alive".into();
    });
    let at = server.at;
    let (steps, attempt) =
        heard(&plain(), &follows, &with_host("www.example.com", target(at))).await;
    assert_eq!(attempt.result.unwrap(), 200);
    let connected =
        ["resolved: 127.0.0.1 is 127.0.0.1".to_owned(), format!("connected: connected to {at}")];
    let want = [
        &["try: try 1 of 1, within 1s".to_owned()],
        &connected[..],
        &[
            "sent: GET / for www.example.com".to_owned(),
            "answered: HTTP/1.1 302 Found".to_owned(),
            "redirected: 302 leads to \"/live\"".to_owned(),
        ],
        &connected[..],
        &[
            "sent: GET /live for www.example.com".to_owned(),
            "answered: HTTP/1.1 200 OK".to_owned(),
            "answered: body holds what is expected".to_owned(),
            "judged: pass with status 200".to_owned(),
        ],
    ];
    assert_eq!(steps, want.concat());
}

#[tokio::test]
async fn a_handshake_is_told_with_what_was_agreed_and_shown() {
    let authority = Authority::new();
    let (server, _) = secured(&authority, &["www.example.com"]).await;
    let endpoint = with_host("www.example.com", target(server.at));
    let (steps, _) = heard(&authority.trusted(), &https(), &endpoint).await;
    let secured = steps.iter().find(|step| step.starts_with("secured")).unwrap();
    let want = "secured: TLSv1_3 TLS13_AES_256_GCM_SHA384, certificate of \"CN=rcgen self signed \
                cert\" for www.example.com until 4096-01-01T00:00:00.000000Z";
    assert_eq!(secured, want);
}

#[tokio::test]
async fn every_try_is_told_with_its_verdict() {
    let mut twice = monitor(Tcp);
    twice.pace.retries = 1;
    let at = closed_port().await;
    let (steps, attempt) = heard(&plain(), &twice, &target(at)).await;
    assert_eq!((attempt.tries, attempt.why().as_deref()), (2, Some("connect: connection refused")));
    let tries = [1, 2].map(|number| {
        [
            format!("try: try {number} of 2, within 1s"),
            "resolved: 127.0.0.1 is 127.0.0.1".to_owned(),
            format!("connected: {at}: connection refused"),
            "judged: TCP connection failed: connect".to_owned(),
        ]
    });
    assert_eq!(steps, tries.concat());
}

#[tokio::test]
async fn a_failure_shows_how_the_answer_began_and_a_pass_shows_nothing() {
    let check = async |answer: &str, body: &str, want: &str| {
        let server = Server::answering(&[answer]).await;
        let monitor = http(|probe| probe.expected_body = body.into());
        let attempt = run(&plain(), &monitor, &target(server.at)).await;
        assert_eq!(attempt.answer.to_string(), want, "{answer}");
    };
    check(&ok("alive"), "alive", "").await;
    check(&ok("dead"), "alive", "dead").await;
    check(&status("503 Busy"), "", r"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await;
    check("SSH-2.0-x\r\n", "", r"SSH-2.0-x\r\n").await;
    let long = format!("HTTP/1.1 500 {}\r\n\r\n", "x".repeat(400));
    check(&long, "", &format!("HTTP/1.1 500 {}", "x".repeat(243))).await;
    let attempt = run(&plain(), &monitor(Http), &named("absent.example.com", 80)).await;
    assert!(attempt.answer.is_empty());
    assert_eq!(attempt.why().unwrap(), "resolve: unknown host absent.example.com");
}

#[tokio::test]
async fn a_watched_trial_tells_of_each_target_and_ends() {
    let (good, closed) = (Server::answering(&[&ok("")]).await, closed_port().await);
    let targets = [good.at, closed, good.at].map(|at| (target(at), Duration::ZERO)).to_vec();
    let trial = Trial { monitor: monitor(Http), pool: POOL, targets };
    let told: Vec<Told> = watch(plain(), trial).collect().await;
    for (place, passed) in [(0, true), (1, false), (2, true)] {
        let mut of_target = told.iter().filter(|told| told.target == place);
        let last = of_target.next_back().unwrap();
        let News::Verdict { attempt, repeat, took: _ } = &last.news else { panic!("{last:?}") };
        assert_eq!((attempt.result.is_ok(), repeat.starts_with("curl ")), (passed, true));
        assert!(of_target.all(|told| matches!(told.news, News::Step(_))));
    }
    let verdicts = told.iter().filter(|told| matches!(told.news, News::Verdict { .. }));
    assert_eq!((verdicts.count(), told.len() > 9), (3, true));
}

#[tokio::test]
async fn whoever_stops_watching_ends_the_probes() {
    let mute = Server::staying("").await;
    let targets = vec![(target(mute.at), Duration::ZERO)];
    let mut watched =
        Box::pin(watch(plain(), Trial { monitor: monitor(Http), pool: POOL, targets }));
    let mut steps = Vec::new();
    while steps.last() != Some(&StepKind::Sent) {
        let Some(Told { news: News::Step(step), .. }) = watched.next().await else { panic!() };
        steps.push(step.kind);
    }
    let kinds = [StepKind::Try, StepKind::Resolved, StepKind::Connected, StepKind::Sent];
    assert_eq!(steps, kinds);
    drop(watched);
}

#[tokio::test]
async fn the_evidence_of_a_failure_is_all_that_is_known_of_it() {
    let server = Server::answering(&[&status("503 Busy")]).await;
    let (monitor, target) = (monitor(Http), target(server.at));
    let check = Check { monitor: &monitor, pool: POOL, target: &target, delay: Duration::ZERO };
    let evidence =
        run(&plain(), &monitor, &target).await.evidence(&check, Source::default()).unwrap();
    assert_eq!((&*evidence.error, evidence.tries), ("status 503 is not expected", 1));
    assert_eq!(&*evidence.answer, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let phases: Vec<&str> = evidence.phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(phases, ["resolve", "connect", "first_byte"]);
    assert_eq!(*evidence.repeat, *trimtab_probe::repeat(&check, Source::default()));
    let closed = crate::recipe::target(closed_port().await);
    let refused = run(&plain(), &monitor, &closed).await;
    assert_eq!(refused.evidence(&check, Source::default()).unwrap().answer.len(), 0);
    let good = Server::answering(&[&ok("")]).await;
    let passed = run(&plain(), &monitor, &crate::recipe::target(good.at)).await;
    assert_eq!(passed.evidence(&check, Source::default()), None);
}
