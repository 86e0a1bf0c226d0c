use super::*;

fn nets(list: &[&str]) -> Vec<IpNet> {
    list.iter().map(|net| net.parse().unwrap()).collect()
}

fn check(egress: &Egress, to: &str, want: Result<(), Rule>) {
    assert_eq!(egress.check(to.parse().unwrap()), want, "{to}");
}

#[test]
fn without_allow_everything_but_what_is_never_an_endpoint() {
    let open = Egress::default();
    for to in [
        "192.0.2.1:80",
        "127.0.0.1:80",
        "10.0.0.1:80",
        "100.64.0.1:80",
        "169.253.255.255:80",
        "169.255.0.0:80",
        "223.255.255.255:80",
        "240.0.0.1:80",
        "[::1]:80",
        "[2001:db8::1]:80",
        "[fd00:ec2::253]:80",
        "[fec0::1]:80",
        "[::ffff:192.0.2.1]:80",
        "[2002:c000:201::1]:80",
        "[64:ff9b::c000:201]:80",
    ] {
        check(&open, to, Ok(()));
    }
    for (to, rule) in [
        ("169.254.169.254:80", Rule::LinkLocal),
        ("169.254.0.0:80", Rule::LinkLocal),
        ("169.254.255.255:80", Rule::LinkLocal),
        ("[fe80::1]:80", Rule::LinkLocal),
        ("[febf::1]:80", Rule::LinkLocal),
        ("[fd00:ec2::254]:80", Rule::Metadata),
        ("224.0.0.1:80", Rule::Multicast),
        ("239.255.255.255:80", Rule::Multicast),
        ("[ff02::1]:80", Rule::Multicast),
        ("255.255.255.255:80", Rule::Broadcast),
        ("0.0.0.0:80", Rule::Unspecified),
        ("[::]:80", Rule::Unspecified),
    ] {
        check(&open, to, Err(rule));
    }
}

#[test]
fn an_ipv4_address_inside_an_ipv6_address_is_what_counts() {
    let open = Egress::default();
    for to in [
        "[::ffff:169.254.169.254]:80",
        "[::169.254.169.254]:80",
        "[2002:a9fe:a9fe::1]:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[64:ff9b:1::a9fe:a9fe]:80",
        "[64:ff9b:1:2:3:4:a9fe:a9fe]:80",
    ] {
        check(&open, to, Err(Rule::LinkLocal));
    }
    check(&open, "[::ffff:0.0.0.0]:80", Err(Rule::Unspecified));
    check(&open, "[::ffff:255.255.255.255]:80", Err(Rule::Broadcast));
    check(&open, "[::ffff:224.0.0.1]:80", Err(Rule::Multicast));

    let closed = Egress { allow: nets(&["192.0.2.0/24"]), ..Egress::default() };
    check(&closed, "[::ffff:192.0.2.9]:80", Ok(()));
    check(&closed, "[::ffff:198.51.100.9]:80", Err(Rule::NotAllowed));
    // The wrapper alone opens nothing.
    let wrappers = Egress { allow: nets(&["::/0"]), ..Egress::default() };
    check(&wrappers, "[64:ff9b::a9fe:a9fe]:80", Err(Rule::NotAllowed));
}

#[test]
fn allow_lists_everything_that_may_be_reached_and_deny_wins() {
    let egress = Egress {
        allow: nets(&["127.0.1.0/24", "169.254.7.0/24", "2001:db8::/32"]),
        deny: nets(&["127.0.1.128/25", "2001:db8:bad::/48"]),
        own: Vec::new(),
    };
    check(&egress, "127.0.1.1:80", Ok(()));
    check(&egress, "169.254.7.7:80", Ok(()));
    check(&egress, "[2001:db8::1]:443", Ok(()));
    check(&egress, "127.0.0.1:80", Err(Rule::NotAllowed));
    check(&egress, "169.254.169.254:80", Err(Rule::NotAllowed));
    check(&egress, "[::1]:80", Err(Rule::NotAllowed));
    check(&egress, "127.0.1.200:80", Err(Rule::Denied(egress.deny[0])));
    check(&egress, "[::ffff:127.0.1.200]:80", Err(Rule::Denied(egress.deny[0])));
    check(&egress, "[2001:db8:bad::1]:80", Err(Rule::Denied(egress.deny[1])));

    let only_deny = Egress { deny: nets(&["10.0.0.0/8", "2002::/16"]), ..Egress::default() };
    check(&only_deny, "11.0.0.1:80", Ok(()));
    check(&only_deny, "10.1.2.3:80", Err(Rule::Denied(only_deny.deny[0])));
    check(&only_deny, "[2002:c000:201::1]:80", Err(Rule::Denied(only_deny.deny[1])));
}

#[test]
fn the_own_api_is_out_of_reach_by_every_name_it_has() {
    let own = |own: &str| Egress { own: vec![own.parse().unwrap()], ..Egress::default() };
    let api = Err(Rule::OwnApi);

    let loopback = own("127.0.0.1:8353");
    check(&loopback, "127.0.0.1:8353", api);
    check(&loopback, "[::ffff:127.0.0.1]:8353", api);
    check(&loopback, "0.0.0.0:8353", api);
    check(&loopback, "127.0.0.1:80", Ok(()));
    check(&loopback, "127.0.0.2:8353", Ok(()));
    check(&loopback, "[::1]:8353", Ok(()));

    for wildcard in [own("0.0.0.0:8353"), own("[::]:8353")] {
        check(&wildcard, "127.0.0.1:8353", api);
        check(&wildcard, "127.9.9.9:8353", api);
        check(&wildcard, "[::1]:8353", api);
        check(&wildcard, "0.0.0.0:8353", api);
        check(&wildcard, "127.0.0.1:8354", Ok(()));
        check(&wildcard, "192.0.2.1:8353", Ok(()));
    }

    let allowed = Egress { allow: nets(&["127.0.0.0/8"]), ..own("127.0.0.1:8353") };
    check(&allowed, "127.0.0.1:8353", api);
    check(&allowed, "127.0.0.1:8354", Ok(()));
}

#[test]
fn an_api_on_every_address_is_recognised_by_the_connection_to_oneself() {
    let wildcard = Egress { own: vec!["0.0.0.0:8353".parse().unwrap()], ..Egress::default() };
    let check = |from: &str, to: &str, want| {
        let got = wildcard.check_connected(from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(got, want, "{from} to {to}");
    };
    check("192.0.2.7:50000", "192.0.2.7:8353", Err(Rule::OwnApi));
    check("192.0.2.7:50000", "192.0.2.7:80", Ok(()));
    check("192.0.2.7:50000", "192.0.2.8:8353", Ok(()));
}
