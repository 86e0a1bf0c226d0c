//! From the host of a request to the balancer that it is proxied by.

use std::collections::HashMap;

use trimtab_model::Name;
use trimtab_steer::BalancerSlot;

/// Enabled, proxied balancers of zones, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    exact: HashMap<Box<[u8]>, BalancerSlot>,
    /// Wildcards, by what follows `*.`
    below: HashMap<Box<[u8]>, BalancerSlot>,
}

/// One name that is proxied.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    pub name: &'a Name,
    pub zone: &'a Name,
    pub balancer: BalancerSlot,
}

/// RFC 1035 section 2.3.4, as text without the last dot; a longer host has more dots to look behind than any name.
const HOST_BYTES_MAX: usize = 253;

// === impl Routes ===

impl Routes {
    /// A name that two zones have is the inner zone's, as it is in DNS.
    pub fn build<'a>(routes: impl Iterator<Item = Route<'a>>) -> Routes {
        let mut routes: Vec<Route<'_>> = routes.collect();
        routes.sort_by_key(|route| route.zone.as_str().len());
        let mut built = Routes::default();
        for Route { name, balancer, .. } in routes {
            match name.as_str().strip_prefix("*.") {
                Some(above) => built.below.insert(above.as_bytes().into(), balancer),
                None => built.exact.insert(name.as_str().as_bytes().into(), balancer),
            };
        }
        built
    }

    /// `host` is in lower case, without port and without a last dot. The exact name counts first, then the closest
    /// wildcard, which stands for names of any depth below it and not for its own.
    pub fn find(&self, host: &[u8]) -> Option<BalancerSlot> {
        if host.len() > HOST_BYTES_MAX {
            return None;
        }
        self.exact.get(host).or_else(|| self.find_wildcard(host)).copied()
    }

    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.below.is_empty()
    }

    fn find_wildcard(&self, host: &[u8]) -> Option<&BalancerSlot> {
        if self.below.is_empty() {
            return None;
        }
        let dots = host.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let mut above = dots.filter_map(|(dot, _)| host.get(dot + 1..));
        above.find_map(|above| self.below.get(above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(names: &[(&str, &str)]) -> Routes {
        let names: Vec<[Name; 2]> = names
            .iter()
            .map(|(name, zone)| [name, zone].map(|text| text.parse().unwrap()))
            .collect();
        let slots = (0..).map(BalancerSlot);
        let routes = names.iter().zip(slots);
        Routes::build(routes.map(|([name, zone], balancer)| Route { name, zone, balancer }))
    }

    #[test]
    fn semantics_24_the_exact_name_is_found_before_the_closest_wildcard() {
        let zone = "example.com";
        let routes = routes(&[
            ("www.example.com", zone),
            ("*.example.com", zone),
            ("*.eu.example.com", zone),
            ("example.com", zone),
        ]);
        let check = |host: &str, want: Option<u32>| {
            assert_eq!(routes.find(host.as_bytes()), want.map(BalancerSlot), "{host}");
        };
        check("www.example.com", Some(0));
        check("example.com", Some(3));
        check("api.example.com", Some(1));
        check("a.b.api.example.com", Some(1));
        check("a.www.example.com", Some(1));
        check("eu.example.com", Some(1));
        check("a.eu.example.com", Some(2));
        check("a.b.eu.example.com", Some(2));
        check("wwwexample.com", None);
        check("example.org", None);
        check("com", None);
        check("", None);
        check(".", None);
        check(".example.com", Some(1));
        let [fits, too_long] = [241, 242].map(|bytes| "a".repeat(bytes) + ".example.com");
        check(&fits, Some(1));
        check(&too_long, None);
    }

    #[test]
    fn a_name_of_two_zones_is_the_inner_ones() {
        let name = "www.eu.example.com";
        for zones in [["example.com", "eu.example.com"], ["eu.example.com", "example.com"]] {
            let want: usize = zones.iter().position(|zone| zone.starts_with("eu")).unwrap();
            let found = routes(&zones.map(|zone| (name, zone))).find(name.as_bytes());
            assert_eq!(found, Some(BalancerSlot(want.try_into().unwrap())));
        }
    }
}
