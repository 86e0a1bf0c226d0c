use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;

static EMBEDDED: LazyLock<Operators> = LazyLock::new(|| Operators::embedded().unwrap());

fn parsed(rows: &str) -> Operators {
    Operators::parse(&format!("prefix,operator,site\n{rows}")).unwrap()
}

/// `operator site prefix`.
fn shown(operators: &Operators, address: &str) -> Option<String> {
    let found = operators.find(address.parse().unwrap())?;
    let site = found.site.map(|code| code.to_string()).unwrap_or_default();
    Some(format!("{} {site} {}", found.operator, found.prefix))
}

#[test]
fn known_addresses_are_their_operators() {
    let check = |address: &str, wanted: Option<&str>| {
        assert_eq!(shown(&EMBEDDED, address).as_deref(), wanted, "{address}");
    };
    check("8.8.8.8", Some("google  24"));
    check("2001:4860:4860::8888", Some("google  48"));
    check("172.253.197.12", Some("google FRA 24"));
    check("172.217.33.200", Some("google FRA 25"));
    check("74.125.18.130", Some("google SYD 26"));
    check("2a00:1450:4001:c00::101", Some("google FRA 48"));
    check("2607:f8b0:4004:1001::7", Some("google LAX 52"));
    check("2607:f8b0:4023:401::7", Some("google UOS 54"));
    check("1.1.1.1", Some("cloudflare  24"));
    check("172.68.1.1", Some("cloudflare  13"));
    check("9.9.9.9", Some("quad9  24"));
    check("74.63.25.240", Some("quad9  20"));
    check("2620:171:f0::1", Some("quad9  44"));
    check("208.67.222.222", Some("opendns  21"));
    check("45.90.28.249", Some("nextdns  22"));
    check("94.140.14.14", Some("adguard  23"));
    check("76.76.2.11", Some("control-d  24"));
    check("77.88.8.8", Some("yandex  32"));
    check("2a09::", Some("dns-sb  128"));
    check("2a09::1", None);
    check("::ffff:172.253.197.12", Some("google FRA 120"));
    for address in ["10.0.0.1", "192.0.2.1", "2001:db8::1", "0.0.0.0", "255.255.255.255", "::"] {
        check(address, None);
    }
}

#[test]
fn every_row_of_the_table_counts() {
    let rows = include_str!("../../data/resolvers.csv").lines().skip(1);
    let (mut prefixes, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let [prefix, operator, site]: [&str; 3] =
            row.split(',').collect::<Vec<_>>().try_into().unwrap();
        let prefix: IpNet = prefix.parse().unwrap();
        assert!(prefixes.insert(prefix), "{prefix} is twice there");
        assert!(site.is_empty() || pop(site.parse().unwrap()).is_some(), "{site} is unknown");
        pairs.insert((operator, site));
        let found = EMBEDDED.find(prefix.network()).unwrap();
        let site: Option<Pop> = (!site.is_empty()).then(|| site.parse().unwrap());
        assert_eq!((found.operator, found.site), (operator, site), "{prefix}");
    }
    assert_eq!((prefixes.len(), EMBEDDED.sites.len()), (943, pairs.len()));
    let keys: BTreeSet<u64> = EMBEDDED.sites.iter().map(|site| site.key).collect();
    assert_eq!(keys.len(), pairs.len(), "two sites have one key");
}

#[test]
fn the_longest_prefix_counts() {
    let operators = parsed(
        "198.51.0.0/16,wide,\n198.51.100.0/24,wide,FRA\n198.51.100.128/25,narrow,\n2001:db8::/32,wide,\n2001:db8::5,narrow,AMS",
    );
    let check = |address: &str, wanted: Option<&str>| {
        assert_eq!(shown(&operators, address).as_deref(), wanted, "{address}");
    };
    check("198.51.1.1", Some("wide  18"));
    check("198.51.100.1", Some("wide FRA 25"));
    check("198.51.100.200", Some("narrow  25"));
    check("198.52.0.1", None);
    check("2001:db8::5", Some("narrow AMS 128"));
    check("2001:db8::4", Some("wide  128"));
    check("2001:db8:8000::", Some("wide  33"));
}

/// Persistence outlives a new table only if these stay as they are.
#[test]
fn a_key_depends_on_operator_and_site_alone() {
    let check = |operator: &str, site: &str, wanted: u64| {
        let rows = format!("192.0.2.0/24,{operator},{site}");
        let others = format!("198.51.100.0/24,a,\n{rows}\n203.0.113.0/24,z,FRA");
        for text in [rows, others] {
            let operators = parsed(&text);
            let found = operators.find("192.0.2.7".parse().unwrap()).unwrap();
            assert_eq!(found.key, wanted, "{operator} {site}: {:#x}", found.key);
        }
    };
    check("google", "FRA", 0xe497_9ab9_9c9e_e63a);
    check("google", "", 0xe75b_7c72_5d23_2686);
    // The published test vector of FNV-1a for this text.
    check("foobar", "", 0x8594_4171_f739_67e8);
}

#[test]
fn every_problem_is_reported_with_its_line() {
    let check = |text: &str, wanted: &[(usize, &str)]| {
        let problems = Operators::parse(text).unwrap_err();
        let found: Vec<_> =
            problems.first.iter().map(|problem| (problem.line, problem.text.as_str())).collect();
        assert_eq!(found, wanted, "{text}");
    };
    check("", &[(0, "there is no row prefix,operator,site")]);
    check("# none\n192.0.2.0/24,a,", &[(2, "the first row is not prefix,operator,site")]);
    check(
        "prefix,operator,site\n192.0.2.1/24,A,fra\n\n192.0.2.0/24,a\n192.0.2.0/24,,QQQ",
        &[
            (2, "192.0.2.1/24 has bits set behind its length: write 192.0.2.0/24"),
            (2, "\"A\" is not the name of an operator such as dns-sb"),
            (2, "\"fra\" is not an airport code such as FRA"),
            (4, "2 fields where prefix,operator,site are due"),
            (5, "\"\" is not the name of an operator such as dns-sb"),
            (5, "\"QQQ\" is not an airport code such as FRA"),
        ],
    );
    check(
        "prefix,operator,site\n192.0.2.1,a,\n192.0.2.1/32,b,\n::ffff:10.0.0.0/104,a,",
        &[
            (3, "192.0.2.1/32 is on line 2 too"),
            (4, "::ffff:10.0.0.0/104 holds IPv4 addresses: write the prefix of those"),
        ],
    );
    let shown = Operators::parse("prefix,operator,site\nx,a,").unwrap_err().to_string();
    let wanted =
        "table of resolver operators is refused: line 2: \"x\" is not an address or prefix";
    assert_eq!(shown, wanted);
}
