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
    assert_eq!(config.limits.min_monitor_interval, 10);
    assert_eq!(config.dns.rrl, Rrl { per_second: 50, burst: 125, slip: 2, exempt: vec![] });
    assert_eq!(config.node.pop.code(), "FRA");
}

#[test]
fn every_documented_key_is_read() {
    let config = Config::read(include_str!("every_key.toml")).unwrap();
    assert_eq!(config.node.extra_pops.len(), 2);
    assert_eq!(config.egress.allow.len(), 1);
    assert_eq!(config.limits.min_monitor_interval, 1);
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
            ["invalid IP address", ":3:10"],
        ),
        (
            "data_dir = \"d\"\n[limits]\nmin_monitor_interval = 0\n",
            ["must be at least 1 second", ":3:1"],
        ),
    ] {
        let shown = refusal(text);
        for part in wanted {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
        assert!(shown.contains('┬') || shown.contains('─'), "no caret in\n{shown}");
    }
}
