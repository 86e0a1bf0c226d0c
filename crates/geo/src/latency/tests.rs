use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::feed::FEED_LINES_MAX;

fn parsed(rows: &str) -> Latencies {
    Latencies::parse(&format!("source,pool,ms\n{rows}")).unwrap()
}

/// `pool=micros` for every pool that has a latency, and the prefix.
fn shown(measured: Measured<'_>, table: &Latencies) -> String {
    let pools = table.pools().filter_map(|pool| {
        let latency = measured.latency(table.pool_number(pool)?)?;
        Some(format!("{pool}={} ", latency.as_micros()))
    });
    format!("{}/{}", pools.collect::<String>(), measured.prefix())
}

#[test]
fn the_most_specific_source_answers_pool_by_pool() {
    let table = parsed(
        "WEU,a,90\nWEU,c,91.5\nAS64496,a,80\nAS64496,d,81\n\
         198.51.0.0/16,a,70\n198.51.0.0/16,b,71\n198.51.100.0/24,a,60.125\n198.51.100.7,e,0\n\
         2001:db8::/32,a,50\n2001:db8:1::/48,b,51\n2001:db8:1:2::/64,c,52\n2001:db8:4::/48,b,53\n",
    );
    let check = |address: &str, asn: Option<u32>, region: Option<Region>, wanted: &str| {
        let measured = table.locate(address.parse().unwrap(), || (asn, 0), region);
        assert_eq!(shown(measured, &table), wanted, "{address} {asn:?} {region:?}");
    };
    let (asn, weu) = (Some(64_496), Some(Region::Weu));
    check("198.51.100.7", None, None, "a=60125 b=71000 e=0 /32");
    check("198.51.100.200", None, None, "a=60125 b=71000 /25");
    check("198.51.100.200", asn, weu, "a=60125 b=71000 c=91500 d=81000 /25");
    check("198.51.99.1", None, weu, "a=70000 b=71000 c=91500 /22");
    check("203.0.113.1", asn, weu, "a=80000 c=91500 d=81000 /5");
    check("203.0.113.1", Some(1), weu, "a=90000 c=91500 /5");
    check("203.0.113.1", Some(1), Some(Region::Oc), "/5");
    check("2001:db8:1:2::9", None, weu, "a=50000 b=51000 c=52000 /64");
    check("2001:db8:1:3::9", None, weu, "a=50000 b=51000 c=91500 /64");
    check("2001:db8:2::9", None, None, "a=50000 /47");
    check("2001:db8:4::9", None, None, "a=50000 b=53000 /48");
    check("2001:db9::", None, None, "/32");
    check("::ffff:198.51.100.200", None, None, "a=60125 b=71000 /121");
    assert_eq!(table.pools().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    assert_eq!(table.pool_number("f"), None);
}

#[test]
fn what_a_table_does_not_have_narrows_no_answer() {
    let any: IpAddr = "192.0.2.1".parse().unwrap();
    let of_regions = parsed("WEU,a,1");
    let never = || panic!("a table without systems asks for none");
    assert_eq!(shown(of_regions.locate(any, never, Some(Region::Weu)), &of_regions), "a=1000 /0");
    let of_ipv6 = parsed("2001:db8::/64,a,1");
    assert_eq!(shown(of_ipv6.locate(any, never, None), &of_ipv6), "/0");
    let of_all = parsed("0.0.0.0/0,a,1\n::/0,a,2");
    assert_eq!(shown(of_all.locate(any, never, None), &of_all), "a=1000 /0");
    let ipv6 = "2001:db8::".parse().unwrap();
    assert_eq!(shown(of_all.locate(ipv6, never, None), &of_all), "a=2000 /0");
    let empty = parsed("");
    assert_eq!(shown(empty.locate(ipv6, never, None), &empty), "/0");
}

#[test]
fn the_first_and_the_last_address_can_be_listed() {
    let table = parsed(
        "0.0.0.0,a,1\n255.255.255.255,a,2\n::,a,3\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,a,4\nffff::/16,b,5",
    );
    let check = |address: &str, wanted: &str| {
        let measured = table.locate(address.parse().unwrap(), || (None, 0), None);
        assert_eq!(shown(measured, &table), wanted, "{address}");
    };
    check("0.0.0.0", "a=1000 /32");
    check("0.0.0.1", "/32");
    check("255.255.255.255", "a=2000 /32");
    check("::", "a=3000 /128");
    check("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "a=4000 b=5000 /128");
    check("ffff::", "b=5000 /17");
}

#[test]
fn every_problem_is_reported_with_its_line() {
    let check = |text: &str, wanted: &[(usize, &str)]| {
        let problems = Latencies::parse(text).unwrap_err();
        let found: Vec<_> =
            problems.first.iter().map(|problem| (problem.line, problem.text.as_str())).collect();
        assert_eq!(found, wanted, "{text}");
    };
    check("", &[(0, "there is no row source,pool,ms")]);
    check("WEU,a,1", &[(1, "the first row is not source,pool,ms")]);
    let no_source =
        |text| format!("{text:?} is not a prefix, a system such as AS3320 or a region such as WEU");
    for text in ["moon", "AS", "AS0", "AS4294967296", "as1", "weu", ""] {
        check(&format!("source,pool,ms\n{text},a,1"), &[(2, &no_source(text))]);
    }
    for text in ["", "-1", "1e3", "60000.001", "60001", "1.2345", "1.", ".5", "+1", "99999999999"] {
        let wanted = format!("{text:?} is not a time from 0 to 60000 ms with up to 3 decimals");
        check(&format!("source,pool,ms\nWEU,a,{text}"), &[(2, &wanted)]);
    }
    check(
        "# Route 66\nsource,pool,ms\n10.0.0.1/8,,x\n\nWEU,a\nAS1,a,1\n10.0.0.0/33,a,1\nAS1,a,2",
        &[
            (3, "10.0.0.1/8 has bits set behind its length: write 10.0.0.0/8"),
            (3, "the pool is missing"),
            (3, "\"x\" is not a time from 0 to 60000 ms with up to 3 decimals"),
            (5, "2 fields where source,pool,ms are due"),
            (7, "\"10.0.0.0/33\" is not an address or prefix"),
            (8, "AS1 to a is on line 6 too"),
        ],
    );
    let shown = Latencies::parse("source,pool,ms\nWEU,,1").unwrap_err().to_string();
    assert_eq!(shown, "table of latencies is refused: line 2: the pool is missing");
}

#[test]
fn a_table_that_is_too_large_is_refused() {
    let check = |text: &str, wanted: &str| {
        let problems = Latencies::parse(text).unwrap_err().first;
        assert_eq!(
            problems.iter().map(|p| (p.line, p.text.as_str())).collect::<Vec<_>>(),
            [(0, wanted)]
        );
    };
    check(&"\n".repeat(FEED_LINES_MAX + 1), "more than 67108864 bytes or 1000000 lines");
    let pools: String = (0..=10_000).map(|pool| format!("WEU,{pool},1\n")).collect();
    check(&format!("source,pool,ms\n{pools}"), "more than 10000 pools");
}

/// A source as it is written, and the addresses it holds: family, first, bits.
#[derive(Clone, Debug)]
enum Written {
    V4(u32, u8),
    V6(u128, u8),
    System(u32),
    Region(Region),
}

impl Written {
    fn text(&self) -> String {
        match self {
            Written::V4(first, bits) => format!("{}/{bits}", Ipv4Addr::from_bits(*first)),
            Written::V6(first, bits) => format!("{}/{bits}", Ipv6Addr::from_bits(*first)),
            Written::System(number) => format!("AS{number}"),
            Written::Region(region) => region.to_string(),
        }
    }

    /// How specific the source is for a client; None where it is not the client's.
    fn rank(&self, address: IpAddr, asn: u32, region: Region) -> Option<u16> {
        let holds = match (self, address) {
            (Written::V4(first, bits), IpAddr::V4(address)) => {
                (first ^ address.to_bits()).leading_zeros() >= u32::from(*bits)
            }
            (Written::V6(first, bits), IpAddr::V6(address)) => {
                (first ^ address.to_bits()).leading_zeros() >= u32::from(*bits)
            }
            (Written::V4(..) | Written::V6(..), IpAddr::V4(_) | IpAddr::V6(_)) => false,
            (Written::System(number), _) => *number == asn,
            (Written::Region(own), _) => *own == region,
        };
        holds.then_some(match self {
            Written::V4(_, bits) | Written::V6(_, bits) => u16::from(*bits) + 2,
            Written::System(_) => 1,
            Written::Region(_) => 0,
        })
    }
}

/// In 10.0.0.0/8 and 2001:db8::/32, or all of the family, so that sources nest and touch.
fn written() -> impl Strategy<Value = Written> {
    let v4 = (any::<u32>(), prop_oneof![Just(0_u8), 6_u8..=32]).prop_map(|(low, bits)| {
        let address = (10 << 24) | (low & 0x3_0303);
        Written::V4(address & !u32::MAX.checked_shr(bits.into()).unwrap_or(0), bits)
    });
    let v6 = (any::<u128>(), prop_oneof![Just(0_u8), 30_u8..=48, 49_u8..=128]).prop_map(
        |(low, bits)| {
            let address = (0x2001_0db8 << 96) | (low & (0x3 << 80 | 0x3 << 64 | 0x3));
            Written::V6(address & !u128::MAX.checked_shr(bits.into()).unwrap_or(0), bits)
        },
    );
    let region = proptest::sample::select(&Region::ALL[..3]).prop_map(Written::Region);
    prop_oneof![4 => v4, 4 => v6, 1 => (1_u32..4).prop_map(Written::System), 1 => region]
}

fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<u32>().prop_map(|low| (10 << 24) | (low & 0x3_0303));
    let v6 =
        any::<u128>().prop_map(|low| (0x2001_0db8 << 96) | (low & (0x3 << 80 | 0x3 << 64 | 0x3)));
    prop_oneof![
        v4.prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        v6.prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
    ]
}

/// Another address under the prefix.
fn neighbour(address: IpAddr, prefix: u8, other: u128) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let beyond = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & !beyond | other as u32 & beyond).into()
        }
        IpAddr::V6(v6) => {
            let beyond = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & !beyond | other & beyond).into()
        }
    }
}

proptest! {
    #[test]
    fn a_table_answers_like_a_scan_of_its_rows(
        rows in proptest::collection::vec((written(), 0_usize..4, 0_u32..=60_000_000), 0..40),
        clients in proptest::collection::vec((address(), 1_u32..5, any::<u128>()), 1..40),
    ) {
        let pools = ["a", "b", "c", "d"];
        let mut listed = std::collections::BTreeMap::new();
        for (source, pool, micros) in rows {
            listed.insert((source.text(), pool), (source, micros));
        }
        let lines = listed.iter().map(|((source, pool), (_, micros))| {
            format!("{source},{},{}.{:03}\n", pools[*pool], micros / 1000, micros % 1000)
        });
        let table = parsed(&lines.collect::<String>());
        let region = Region::Enam;
        let naive = |address, asn, pool| {
            let of_pool = listed.iter().filter(|((_, of), _)| *of == pool);
            let ranked = of_pool.filter_map(|(_, (source, micros))| {
                Some((source.rank(address, asn, region)?, *micros))
            });
            ranked.max_by_key(|&(rank, _)| rank)
                .map(|(_, micros)| Duration::from_micros(micros.into()))
        };
        for (address, asn, other) in clients {
            let measured = table.locate(address, || (Some(asn), 0), Some(region));
            let beside = neighbour(address, measured.prefix(), other);
            for (pool, text) in pools.iter().enumerate() {
                let wanted = naive(address, asn, pool);
                let number = table.pool_number(text);
                prop_assert_eq!(number.and_then(|n| measured.latency(n)), wanted, "{}", address);
                prop_assert_eq!(naive(beside, asn, pool), wanted, "{} beside {}", beside, address);
            }
        }
    }

    #[test]
    fn no_text_is_a_panic(text in "(source,pool,ms\n)?([0-9a-zA-Z:./,\"#-]{0,30}\n){0,5}") {
        if let Err(problems) = Latencies::parse(&text) {
            prop_assert!(!problems.first.is_empty());
        }
    }
}
