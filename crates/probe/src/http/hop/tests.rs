use crate::secure::server_name;

use super::*;

fn hop(url: &str) -> Hop {
    let (scheme, rest) = absolute(url).unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let address = Address::Ip("192.0.2.1".parse().unwrap());
    Hop { scheme, address, port: scheme.port(), host: host.into(), path: path.into(), home: true }
}

/// `scheme://address:port Host path`, with `home` where the monitor's headers are still sent.
fn tell(hop: &Hop) -> String {
    let Hop { scheme, address, port, host, path, home } = hop;
    let home = if *home { "home" } else { "away" };
    format!("{scheme:?} {}:{port} {host} {path} {home}", bracketed(address))
}

fn check(from: &str, location: &str, want: Option<&str>) {
    let got = hop(from).follow(location).as_ref().map(tell);
    assert_eq!(got.as_deref(), want, "{location:?} from {from}");
}

#[test]
fn relative_redirects_stay_on_the_connection_s_host() {
    let from = "http://www.example.com/a/b/c?q=1";
    for (location, path) in [
        ("/login", "/login"),
        ("/login?next=http://evil.example/", "/login?next=http://evil.example/"),
        ("d", "/a/b/d"),
        ("./d", "/a/b/d"),
        ("../d", "/a/d"),
        ("../../../../d", "/d"),
        ("d/..", "/a/b/"),
        ("/x/../y/./z", "/y/z"),
        ("?q=2", "/a/b/c?q=2"),
        ("", "/a/b/c?q=1"),
        ("#top", "/a/b/c?q=1"),
        ("/login#top", "/login"),
    ] {
        let want = format!("Http 192.0.2.1:80 www.example.com {path} home");
        check(from, location, Some(&want));
    }
}

#[test]
fn a_redirect_to_the_own_name_stays_on_the_endpoint() {
    let from = "http://www.example.com/";
    check(from, "https://WWW.example.com/x", Some("Https 192.0.2.1:443 WWW.example.com /x home"));
    check(
        from,
        "http://www.example.com:8080/",
        Some("Http 192.0.2.1:8080 www.example.com:8080 / home"),
    );
    check(from, "//www.example.com/x", Some("Http 192.0.2.1:80 www.example.com /x home"));
}

#[test]
fn a_redirect_elsewhere_goes_there_without_the_monitor_s_headers() {
    let from = "https://www.example.com/";
    check(
        from,
        "https://other.example.com?x",
        Some("Https other.example.com:443 other.example.com /?x away"),
    );
    check(
        from,
        "https://[2001:db8::1]:8443/",
        Some("Https [2001:db8::1]:8443 [2001:db8::1]:8443 / away"),
    );
    check(from, "HTTP://198.51.100.1/", Some("Http 198.51.100.1:80 198.51.100.1 / away"));
    check(
        from,
        "https://user:secret@other.example.com/",
        Some("Https other.example.com:443 other.example.com / away"),
    );
    // The same host without TLS would show the headers to the network.
    check(from, "http://www.example.com/", Some("Http 192.0.2.1:80 www.example.com / away"));
}

#[test]
fn what_is_not_http_is_not_followed() {
    for location in [
        "ftp://www.example.com/",
        "mailto:someone@example.com",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://a b/",
        "http://2852039166/",
        "http://www.example.com:99999/",
    ] {
        check("http://www.example.com/", location, None);
    }
}

#[test]
fn the_server_name_is_the_host_without_its_port() {
    let check = |host: &str, want: &str| {
        let hop = Hop { host: host.into(), ..hop("https://x/") };
        assert_eq!(server_name(&hop.host).unwrap().to_str(), want, "{host}");
    };
    check("www.example.com", "www.example.com");
    check("www.example.com:8443", "www.example.com");
    check("192.0.2.1:8443", "192.0.2.1");
    check("[2001:db8::1]", "2001:db8::1");
    check("[2001:db8::1]:8443", "2001:db8::1");
    assert!(server_name("a b").is_err());
}
