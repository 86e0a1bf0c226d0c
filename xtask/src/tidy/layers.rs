//! Layers look down only, and the data path never reaches the control path.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::Package;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Words,
    Decisions,
    Live,
    Ground,
    Edge,
    Program,
}

/// Carries traffic, or feeds what carries it.
const DATA_PATH: [&str; 6] = [
    "trimtab-dns-server",
    "trimtab-proxy",
    "trimtab-l4",
    "trimtab-tunnel",
    "trimtab-bgp",
    "trimtab-probe",
];
/// May be down while traffic flows.
const CONTROL_PATH: [&str; 5] =
    ["trimtab-store", "trimtab-api", "trimtab-analytics", "trimtab-alert", "trimtab-acme"];
/// Edges meet in the program; these pairs are the exceptions.
const EDGES_THAT_MEET: [(&str, &str); 3] = [
    ("trimtab-api", "trimtab-store"),
    ("trimtab-api", "trimtab-analytics"),
    ("trimtab-api", "trimtab-api-types"),
];

// === impl Layer ===

impl Layer {
    /// None for a crate that nobody has given a layer yet.
    fn of(package: &str) -> Option<Layer> {
        Some(match package.strip_prefix("trimtab-").unwrap_or(package) {
            "model" | "expr" | "geo" => Layer::Words,
            "health" | "steer" | "dns" => Layer::Decisions,
            "live" => Layer::Live,
            "net" | "connect" => Layer::Ground,
            "dns-server" | "proxy" | "l4" | "probe" | "tunnel" | "bgp" => Layer::Edge,
            "store" | "api-types" | "api" | "analytics" | "alert" | "acme" | "ui" => Layer::Edge,
            "trimtab" | "testkit" | "xtask" => Layer::Program,
            _ => return None,
        })
    }

    fn may_use(self, used: Layer) -> bool {
        use Layer::{Decisions, Edge, Ground, Live, Program, Words};
        match self {
            Words => matches!(used, Words),
            Decisions => matches!(used, Words | Decisions),
            Live => matches!(used, Words | Decisions),
            Ground => matches!(used, Words | Ground),
            Edge => matches!(used, Words | Decisions | Live | Ground),
            Program => matches!(used, Words | Decisions | Live | Ground | Edge | Program),
        }
    }
}

pub(super) fn problems(packages: &[Package]) -> Vec<String> {
    let graph = graph(packages);
    let mut problems = Vec::new();
    for (&user, uses) in &graph {
        let Some(layer) = Layer::of(user) else {
            problems.push(format!("{user}: has no layer; xtask/src/tidy/layers.rs lists them"));
            continue;
        };
        let upward = uses.iter().filter(|used| {
            let down = Layer::of(used).is_none_or(|used| layer.may_use(used));
            !down && !EDGES_THAT_MEET.contains(&(user, used))
        });
        problems.extend(upward.map(|used| format!("{user}: must not depend on {used}")));
    }
    for start in DATA_PATH {
        let reached = reachable(&graph, start);
        let control = CONTROL_PATH.iter().filter(|control| reached.contains(*control));
        problems.extend(control.map(|control| format!("{start}: data path reaches {control}")));
    }
    problems
}

/// Who needs whom to run, among ourselves; what only tests need is no part of a layer.
fn graph<'a>(packages: &'a [Package]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| &*package.name).collect();
    let uses = |package: &'a Package| -> BTreeSet<&'a str> {
        let real = package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
        real.map(|d| &*d.name).filter(|name| ours.contains(name)).collect()
    };
    packages.iter().map(|package| (&*package.name, uses(package))).collect()
}

fn reachable<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<&str> = graph.get(start).into_iter().flatten().copied().collect();
    while let Some(next) = ahead.pop() {
        if seen.insert(next) {
            ahead.extend(graph.get(next).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::engines::sample;
    use super::*;

    fn check(uses: &[(&str, &[&str])], expected: &[&str]) {
        assert_eq!(problems(&sample(uses)), expected, "{uses:?}");
    }

    #[test]
    fn layers_look_down_only() {
        check(&[("trimtab-steer", &["trimtab-model"]), ("trimtab-model", &[])], &[]);
        check(
            &[("trimtab-model", &["trimtab-steer"]), ("trimtab-steer", &[])],
            &["trimtab-model: must not depend on trimtab-steer"],
        );
        check(
            &[("trimtab-live", &["trimtab-net"]), ("trimtab-net", &[])],
            &["trimtab-live: must not depend on trimtab-net"],
        );
    }

    #[test]
    fn edges_meet_in_the_program() {
        let edges = ("trimtab-store", &[] as &[&str]);
        check(&[("trimtab-api", &["trimtab-store"]), edges], &[]);
        check(&[("trimtab", &["trimtab-store"]), edges], &[]);
        check(
            &[("trimtab-alert", &["trimtab-store"]), edges],
            &["trimtab-alert: must not depend on trimtab-store"],
        );
    }

    #[test]
    fn data_path_never_reaches_the_control_path() {
        check(
            &[
                ("trimtab-probe", &["trimtab-live"]),
                ("trimtab-live", &["trimtab-store"]),
                ("trimtab-store", &[]),
            ],
            &[
                "trimtab-live: must not depend on trimtab-store",
                "trimtab-probe: data path reaches trimtab-store",
            ],
        );
    }

    #[test]
    fn a_new_crate_is_given_a_layer() {
        check(
            &[("trimtab-helm", &[])],
            &["trimtab-helm: has no layer; xtask/src/tidy/layers.rs lists them"],
        );
    }
}
