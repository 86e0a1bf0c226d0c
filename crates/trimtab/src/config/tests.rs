use super::*;

fn refusal(text: &str) -> String {
    let (span, why) = Config::read(text).unwrap_err();
    let path = PathBuf::from("server.toml");
    Refusal::Wrong { path, text: text.into(), span, why }.to_string()
}

#[test]
fn only_the_data_folder_is_required() {
    let config = Config::read("data_dir = \"./data\"").unwrap();
    assert_eq!(config.api.listen, SocketAddr::from(([127, 0, 0, 1], 8353)));
    assert_eq!(config.dns.listen, [SocketAddr::from(([127, 0, 0, 1], 1053))]);
    assert_eq!(config.limits, Limits { min_monitor_interval: 10, max_checks_per_second: 5_000 });
    assert_eq!(config.dns.rrl, Rrl { per_second: 50, burst: 125, slip: 2, exempt: vec![] });
    assert_eq!(config.node.pop.code(), "FRA");
    assert_eq!((config.dns.keep_decisions, config.proxy.keep_decisions), (1000, 1000));
}

#[test]
fn every_documented_key_is_read() {
    let config = Config::read(include_str!("every_key.toml")).unwrap();
    assert_eq!(config.node.extra_pops.len(), 2);
    let source = |list: &[&str]| {
        let list: Vec<_> = list.iter().map(|ip| ip.parse().unwrap()).collect();
        trimtab_connect::Source::new(&list).unwrap()
    };
    let sources: Vec<_> =
        config.node.sources.iter().map(|(pop, from)| (pop.to_string(), from)).collect();
    let (iad, nrt) = (source(&["127.0.0.4"]), source(&["127.0.0.3", "fd00::3"]));
    assert_eq!(sources, [("IAD".to_owned(), iad), ("NRT".to_owned(), nrt)]);
    assert_eq!(config.egress.allow.len(), 1);
    assert_eq!(config.proxy.keep_decisions, 500);
    assert_eq!(config.limits, Limits { min_monitor_interval: 1, max_checks_per_second: 100 });
}

#[test]
fn unknown_keys_and_wrong_values_show_line_and_caret() {
    for (text, wanted) in [
        ("data_dir = \"d\"\n[node]\npopp = \"FRA\"\n", ["unknown field `popp`", "server.toml:3:1"]),
        ("data_dir = \"d\"\n[node]\npop = \"fra\"\n", ["\"fra\" is not an airport code", ":3:7"]),
        ("data_dir = \"d\"\n[node]\npop = \"QQQ\"\n", ["no airport has the code QQQ", ":3:1"]),
        ("data_dir = \"d\"\n[api]\nlisten = \"nine\"\n", ["invalid socket address", ":3:10"]),
        ("data_dir = 5\n", ["invalid type: integer `5`", ":1:12"]),
        ("[node]\n", ["missing field `data_dir`", "server.toml:1:1"]),
        (
            "data_dir = \"d\"\n[egress]\nallow = [\"10.0.0.0/33\"]\n",
            ["is no network such as", ":3:10"],
        ),
        (
            "data_dir = \"d\"\n[limits]\nmin_monitor_interval = 0\n",
            ["must be at least 1 second", ":3:1"],
        ),
        ("data_dir = \"d\"\n[limits]\nmax_checks_per_second = 0\n", ["must be at least 1", ":3:1"]),
        (
            "data_dir = \"d\"\n[acme]\ndirectory = \"http://ca.test/\"\ncontact = [\"mailto:a@b.c\"]\n",
            ["is not an https address", ":3:13"],
        ),
        (
            "data_dir = \"d\"\n[acme]\ndirectory = \"https://ca.test/\"\ncontact = []\n",
            ["must name whom", ":4:1"],
        ),
        (
            "data_dir = \"d\"\n[acme]\ndirectory = \"https://ca.test/\"\ncontact = [\"mailto:a@b.c\"]\nchallenge = \"http-01\"\n",
            ["dns-01", ":5:13"],
        ),
        (
            "data_dir = \"d\"\n[proxy]\nclient_certificates = \"maybe\"\n",
            ["unknown variant `maybe`", ":3:23"],
        ),
        (
            "data_dir = \"d\"\n[proxy]\nclient_certificates = \"required\"\n",
            ["needs a client_ca", ":3:1"],
        ),
    ] {
        check_refusal(text, wanted);
    }
}

#[test]
fn sources_are_of_places_that_are_probed_for_one_of_each_family() {
    for (sources, wanted) in [
        (
            "{ FRA = [\"127.0.0.2\"], QQQ = [\"127.0.0.3\"] }",
            ["no airport has the code QQQ", ":5:34"],
        ),
        ("{ LHR = [\"127.0.0.2\"] }", ["LHR is neither pop nor one of extra_pops", ":5:13"]),
        ("{ fra = [\"127.0.0.2\"] }", ["\"fra\" is not an airport code", ":5:13"]),
        ("{ NRT = [\"::3\", \"127.0.0.3\", \"::4\"] }", ["::3 and ::4 are of one family", ":5:19"]),
        ("{ NRT = [\"127.0.0.300\"] }", ["invalid IP address", ":5:20"]),
        ("{ NRT = [\"0.0.0.0\"] }", ["no connection can leave from 0.0.0.0", ":5:19"]),
    ] {
        let node = "[node]\npop = \"FRA\"\nextra_pops = [\"NRT\"]";
        check_refusal(&format!("data_dir = \"d\"\n{node}\nsources = {sources}\n"), wanted);
    }
}

#[test]
fn mail_that_could_not_be_sent_is_refused_with_line_and_caret() {
    for (text, wanted) in [
        (
            "data_dir = \"d\"\n[smtp]\nhost = \"m.test\"\nfrom = \"nobody\"\n",
            ["\"nobody\" is no mail address", ":4:1"],
        ),
        (
            "data_dir = \"d\"\n[smtp]\nhost = \"m.test\"\nfrom = \"a@b.c\"\ntls = \"maybe\"\n",
            ["starttls, implicit, none", ":5:7"],
        ),
        (
            "data_dir = \"d\"\n[smtp]\nhost = \"m.test\"\nfrom = \"a@b.c\"\nusername = \"u\"\n",
            ["needs a password_file", ":5:1"],
        ),
        (
            "data_dir = \"d\"\n[smtp]\nhost = \"m.test\"\nfrom = \"a@b.c\"\ntls = \"none\"\nusername = \"u\"\npassword_file = \"p\"\n",
            ["not sent without TLS", ":5:1"],
        ),
        (
            "data_dir = \"d\"\n[alerts]\npagerduty_url = \"pagerduty\"\n",
            ["is no http or https address", ":3:1"],
        ),
    ] {
        check_refusal(text, wanted);
    }
}

#[test]
fn what_a_start_would_trip_over_is_refused() {
    let many =
        |count: usize| (0..count).map(|n| format!("\"10.0.{n}.0\"")).collect::<Vec<_>>().join(", ");
    let long = "x".repeat(101);
    let at = |address: &str| format!("{address} is taken by");
    for (rest, wanted) in [
        (format!("[dns]\nexplain_to = [{}]", many(65)), ["at most 64", ":3:1"]),
        (format!("[node]\nname = \"{long}\""), ["101 bytes", ":3:1"]),
        (format!("[dns]\nversion = \"{long}\""), ["101 bytes", ":3:1"]),
        (format!("[proxy]\naddresses = [{}]", many(9)), ["9 proxy addresses", ":3:1"]),
        ("[proxy]\naddresses = [\"0.0.0.0\"]".into(), ["can connect to 0.0.0.0", ":3:1"]),
        ("[node]\nextra_pops = [\"NRT\", \"NRT\"]".into(), ["NRT is named twice", ":3:1"]),
        ("[node]\nextra_pops = [\"FRA\"]".into(), ["FRA is named twice", ":3:1"]),
        ("[api]\nrequests_per_minute = 0".into(), ["must be at least 1", ":3:1"]),
        ("[store]\nengine = \"sqlite\"\nfoo = 1".into(), ["unknown field `foo`", ":"]),
        ("[proxy]\nhttp = [\"127.0.0.1:8353\"]".into(), [&at("127.0.0.1:8353"), ":3:1"]),
        ("[proxy]\nhttp = [\"0.0.0.0:1053\"]".into(), [&at("0.0.0.0:1053"), ":3:1"]),
        ("[dns]\nlisten = [\"[::1]:53\", \"[::1]:53\"]".into(), [&at("[::1]:53"), ":3:1"]),
        ("[proxy]\nhttp = [\"[::]:1\"]\nhttps = [\"[::1]:1\"]".into(), [&at("[::1]:1"), ":4:1"]),
    ] {
        check_refusal(&format!("data_dir = \"d\"\n{rest}\n"), wanted);
    }
    for contact in ["ops@example.com", "mailto:", "mailto:A <a@b.c>", "mailto:a@b.c?subject=x"] {
        let acme = format!("[acme]\ndirectory = \"https://ca.test/\"\ncontact = [\"{contact}\"]");
        check_refusal(&format!("data_dir = \"d\"\n{acme}\n"), ["is no contact such as", ":4:1"]);
    }
}

#[test]
fn the_line_that_is_shown_is_that_of_the_key_in_its_table() {
    for (text, wanted) in [
        (
            "# which pop is it?\ndata_dir = \"d\"\n[node]\nname = \"pop\"\npop = \"QQQ\"\n",
            ["no airport has the code QQQ", ":5:1"],
        ),
        (
            "data_dir = \"d\"\n[node]\npop = \"FRA\"\nextra_pops = [\"QQQ\"]\n",
            ["no airport has the code QQQ", ":4:1"],
        ),
        (
            "data_dir = \"d\"\n[dns]\nhostmaster = \"host.a.test\"\n[smtp]\nhost = \"\"\nfrom = \"a@b.c\"\n",
            ["\"\" is no host name", ":5:1"],
        ),
        (
            "data_dir = \"d\"\nnode = { name = \"dns\" }\ndns.tls = [\"127.0.0.1:853\"]\n",
            ["UDP and TCP only", ":3:5"],
        ),
        (
            "data_dir = \"d\"\napi = { listen = \"127.0.0.1:1053\" }\n",
            ["127.0.0.1:1053 is taken by 127.0.0.1:1053 of [api] listen", ":1:1"],
        ),
    ] {
        check_refusal(text, wanted);
    }
}

#[test]
fn listeners_that_cannot_meet_are_let_be() {
    let text = "data_dir = \"d\"\n[dns]\nlisten = [\"0.0.0.0:53\", \"[::]:53\", \"127.0.0.1:0\", \"127.0.0.1:0\"]\n\
                [proxy]\nhttp = [\"127.0.0.1:80\", \"127.0.0.2:80\"]\n";
    assert_eq!(Config::read(text).unwrap().dns.listen.len(), 4);
}

#[test]
fn an_address_alone_is_a_network() {
    let text = "data_dir = \"d\"\n[egress]\ndeny = [\"10.0.0.1\", \"fd00::/8\", \"::1\"]\n";
    let deny = Config::read(text).unwrap().egress.deny;
    let deny: Vec<String> = deny.iter().map(ToString::to_string).collect();
    assert_eq!(deny, ["10.0.0.1/32", "fd00::/8", "::1/128"]);
}

#[test]
fn what_should_be_a_folder_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    let check = |text: &str, want: Option<[&str; 2]>| {
        std::fs::write(&path, text).unwrap();
        match (Config::load(&path), want) {
            (Ok(_), None) => {}
            (Err(refusal), Some(parts)) => {
                let shown = refusal.to_string();
                assert!(parts.iter().all(|part| shown.contains(part)), "{shown}");
            }
            (got, _) => panic!("{text}: {got:?}"),
        }
    };
    check("data_dir = \"new/er\"\n", None);
    check("data_dir = \"there\"\n[proxy]\naccess_log = \"there/log\"\n", None);
    check("data_dir = \"there\"\n[proxy]\naccess_log = \"-\"\n", None);
    check("data_dir = \"file\"\n", Some(["file is no folder", ":1:1"]));
    check("data_dir = \"file/d\"\n", Some(["file is no folder", ":1:1"]));
    let log = |log: &str| format!("data_dir = \"d\"\n[proxy]\naccess_log = \"{log}\"\n");
    check(&log("new/log"), Some(["new is no folder", ":3:1"]));
    check(&log("there"), Some(["there is a folder", ":3:1"]));
}

fn check_refusal(text: &str, wanted: [&str; 2]) {
    let shown = refusal(text);
    for part in wanted {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    assert!(shown.contains('┬') || shown.contains('─'), "no caret in\n{shown}");
}

#[test]
fn a_file_that_cannot_be_used_is_shown_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    let check = |pem: Option<&str>, want: &str| {
        if let Some(pem) = pem {
            std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        }
        let acme = "[acme]\ndirectory = \"https://ca.test\"\ncontact = [\"mailto:a@b.c\"]\nca = \"ca.pem\"";
        for (text, place) in [("[proxy]\nclient_ca = \"ca.pem\"", ":3:13"), (acme, ":5:6")] {
            std::fs::write(&path, format!("data_dir = \"d\"\n{text}\n")).unwrap();
            let shown = Config::load(&path).unwrap_err().to_string();
            assert!(shown.contains(want) && shown.contains(place), "{shown}");
        }
    };
    check(None, "ca.pem: No such file");
    check(Some(""), "ca.pem holds no certificate");
    check(
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        "cannot be a root",
    );
}

#[test]
fn a_password_is_one_line_of_a_file_and_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    let smtp =
        "[smtp]\nhost = \"m.test\"\nfrom = \"a@b.c\"\nusername = \"u\"\npassword_file = \"p\"";
    std::fs::write(&path, format!("data_dir = \"d\"\n{smtp}\n")).unwrap();
    let check = |password: &str, want: Option<&str>| {
        std::fs::write(folder.path().join("p"), password).unwrap();
        match (Config::load(&path), want) {
            (Ok(config), None) => {
                let smtp = config.smtp.as_ref().unwrap();
                assert_eq!(smtp.password_file.as_ref().unwrap().secret().reveal(), "s3cret");
                assert!(!format!("{config:?}").contains("s3cret"));
            }
            (Err(refusal), Some(want)) => {
                let shown = refusal.to_string();
                assert!(shown.contains(want) && shown.contains(":6:17"), "{shown}");
            }
            (got, _) => panic!("{password:?}: {got:?}"),
        }
    };
    check("s3cret\n", None);
    check("", Some("does not hold one line"));
    check("s3\ncret", Some("does not hold one line"));
    check(&"x".repeat(5000), Some("is larger than 4096 bytes"));
}

#[test]
fn http3_is_refused_by_a_program_that_was_built_without_it() {
    let text = "data_dir = \"d\"\n[proxy]\nhttp3 = true\n";
    if cfg!(feature = "http3") {
        assert!(Config::read(text).unwrap().proxy.http3);
        return;
    }
    let shown = refusal(text);
    for part in ["this program was built without HTTP/3", "server.toml:3:1", "http3 = true"] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
}
