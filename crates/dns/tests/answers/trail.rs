//! That a name is explained by what answers for it.

use trimtab_dns::{End, trail};
use trimtab_steer::{BalancerSlot, Wanted};

use crate::stage::Stage;

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.zone("example.com");
    for line in [
        "x.w 300 A 192.0.2.1",
        "text.w 300 TXT text",
        "deep.empty.w 300 A 192.0.2.1",
        "lb 300 A 192.0.2.1",
        "lb 300 MX 1 mail.example.com.",
        "off 300 A 192.0.2.1",
        "proxied 300 A 192.0.2.1 ; cf_tags=cf-proxied:true",
        "del 300 NS ns.example.org.",
        "alias 300 CNAME lb.example.com.",
        "*.many 300 CNAME alias.example.com.",
        "out 300 CNAME www.example.net.",
        "self 300 CNAME self",
        "c0 300 CNAME c1",
    ] {
        stage.zone_line(line);
    }
    for number in 1..8 {
        stage.zone_line(&format!("c{number} 300 CNAME c{}", number + 1));
    }
    stage.zone("in.w.example.com");
    stage.zone_line("records 300 A 192.0.2.1");
    stage.pool("a : 198.51.100.1 up");
    for name in ["*.w", "lb", "www.del", "c8"] {
        stage.balancer(&format!("{name}.example.com off default=a fallback=a"));
    }
    stage.balancer("off.example.com off default=a fallback=a disabled");
    stage
}

#[test]
fn semantics_24_the_trail_of_a_name_ends_at_what_answers_for_it() {
    let built = stage().build();
    let view = built.view();
    let check = |name: &str, wanted, want: (&[&str], End)| {
        let found = trail(view.zones, view.world, &name.parse().unwrap(), wanted);
        let hops: Vec<&str> = found.hops.iter().map(|hop| hop.name.as_str()).collect();
        assert_eq!((&hops[..], found.end), want, "{name} {wanted}");
    };
    let alone = |name: &str, end| check(name, Wanted::A, (&[name], end));
    let balancer = |slot| End::Balancer(BalancerSlot(slot));
    alone("lb.example.com", balancer(1));
    alone("other.w.example.com", balancer(0));
    alone("a.b.w.example.com", balancer(0));
    alone("*.w.example.com", balancer(0));
    alone("w.example.com", End::NoData);
    alone("x.w.example.com", End::Records);
    alone("text.w.example.com", End::NoData);
    alone("empty.w.example.com", End::NoData);
    alone("a.empty.w.example.com", End::NoName);
    alone("off.example.com", End::Records);
    alone("proxied.example.com", End::Records);
    alone("www.del.example.com", End::Delegated("del.example.com".into()));
    alone("records.in.w.example.com", End::Records);
    alone("none.in.w.example.com", End::NoName);
    alone("example.net", End::Elsewhere);
    let lb = "lb.example.com";
    check(lb, Wanted::Mx, (&[lb], End::Records));
    check(lb, Wanted::Srv, (&[lb], End::NoData));
    check(lb, Wanted::Aaaa, (&[lb], balancer(1)));
    let alias = "alias.example.com";
    check(alias, Wanted::A, (&[alias, lb], balancer(1)));
    check("q.many.example.com", Wanted::A, (&["q.many.example.com", alias, lb], balancer(1)));
    let outside = ["out.example.com", "www.example.net"];
    check(outside[0], Wanted::A, (&outside, End::Elsewhere));
    alone("self.example.com", End::Endless);
}

#[test]
fn a_trail_is_as_long_as_the_chain_of_an_answer() {
    let built = stage().build();
    let view = built.view();
    let check = |name: &str, want: (usize, End)| {
        let found = trail(view.zones, view.world, &name.parse().unwrap(), Wanted::A);
        assert_eq!((found.hops.len(), found.end), want, "{name}");
    };
    check("c1.example.com", (8, End::Balancer(BalancerSlot(3))));
    check("c0.example.com", (8, End::Endless));
}
