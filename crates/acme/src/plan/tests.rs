use trimtab_model::AccountId;
use trimtab_model::Balancer;
use trimtab_model::Change;
use trimtab_model::balancer::Scope;

use super::*;
use crate::stage::{ZONE, balancer, certificate, put_balancer, seconds, snapshot};

const NOW: i64 = 1_000;
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// Each wanted name, when its certificate ends and when the next is due; in seconds.
fn check(changes: Vec<Change>, want: &[(&str, Option<i64>, i64)]) {
    let found = wanted(&snapshot(changes), RENEW_BEFORE, seconds(NOW));
    let found: Vec<_> = found.iter().map(|(name, want)| (name.as_str(), *want)).collect();
    let want: Vec<_> = want
        .iter()
        .map(|&(name, ends, due)| {
            let want = Want { zone: ZONE, expires_on: ends.map(seconds), due_on: seconds(due) };
            (name, want)
        })
        .collect();
    assert_eq!(found, want);
}

fn www() -> Change {
    put_balancer(balancer(1, "www.example.com"))
}

#[test]
fn enabled_proxied_balancers_of_zones_want_certificates() {
    let variants: [fn(Balancer) -> Balancer; 4] = [
        |b| b,
        |b| Balancer { enabled: false, ..b },
        |b| Balancer { proxied: false, ..b },
        |b| Balancer { scope: Scope::Account(AccountId::new([1; 16])), ..b },
    ];
    let balancers = variants
        .iter()
        .zip(1..)
        .map(|(variant, id)| put_balancer(variant(balancer(id, &format!("b{id}.example.com")))));
    check(balancers.collect(), &[("b1.example.com", None, 0)]);
    let wildcard = put_balancer(balancer(1, "*.example.com"));
    check(vec![wildcard], &[("*.example.com", None, 0)]);
}

#[test]
fn a_name_with_an_uploaded_certificate_is_left_alone_while_that_is_valid() {
    let check_with = |name: &str, host: &str, time, is_wanted: bool| {
        let balancer = put_balancer(balancer(1, name));
        let certificate = certificate(1, CertificateSource::Upload, host, time);
        let want = [(name, None, 0)];
        check(vec![balancer, certificate], if is_wanted { &want } else { &[] });
    };
    let good = (0, NOW + 1);
    check_with("www.example.com", "www.example.com", good, false);
    check_with("www.example.com", "*.example.com", good, false);
    check_with("www.example.com", "www.example.com", (NOW + 5, NOW + 9), true);
    check_with("*.example.com", "*.example.com", good, false);
    check_with("www.example.com", "www.example.com", (0, NOW), true);
    check_with("www.example.com", "example.com", good, true);
    check_with("a.b.example.com", "*.example.com", good, true);
    check_with("*.b.example.com", "*.example.com", good, true);
    check_with("*.example.com", "www.example.com", good, true);
}

#[test]
fn an_ordered_certificate_is_renewed_a_while_before_its_end_and_never_in_its_first_two_thirds() {
    let ordered = |id, time| certificate(id, CertificateSource::Acme, "www.example.com", time);
    let end = 10_000;
    check(vec![www(), ordered(1, (0, end))], &[("www.example.com", Some(end), end - 300)]);
    check(vec![www(), ordered(1, (end - 90, end))], &[("www.example.com", Some(end), end - 30)]);
    let both = vec![www(), ordered(1, (0, end)), ordered(2, (0, end + 1))];
    check(both, &[("www.example.com", Some(end + 1), end - 299)]);
    // A wildcard that was ordered for another name is nobody else's.
    let wildcard = certificate(1, CertificateSource::Acme, "*.example.com", (0, end));
    check(vec![www(), wildcard], &[("www.example.com", None, 0)]);
}
