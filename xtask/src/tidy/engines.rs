//! Each engine is named in the few crates that own it, and a deciding crate names none.

use super::DECIDING;
use crate::workspace::Package;

/// Whoever else wants one of these goes through its owner.
const OWNERS: [(&str, &[&str]); 13] = [
    ("axum", &["api", "trimtab"]),
    ("domain", &["dns", "api", "probe", "trimtab", "testkit"]),
    ("h2", &["proxy", "probe"]),
    ("h3", &["proxy"]),
    ("hyper", &["probe", "alert", "acme", "trimtab"]),
    ("lettre", &["alert"]),
    ("libc", &["net"]),
    ("maxminddb", &["geo", "xtask"]),
    ("rusqlite", &["store", "analytics"]),
    ("rustls", &["connect", "proxy", "dns-server", "tunnel", "acme", "trimtab"]),
    ("socket2", &["net", "connect", "l4"]),
    ("quinn", &["proxy", "tunnel"]),
    ("x509-parser", &["connect"]),
];

/// Clocks, dice, sockets, tasks, logs.
const REFUSED_IN_DECIDING: [&str; 9] =
    ["tokio", "futures-util", "hyper", "libc", "socket2", "getrandom", "rand", "tracing", "log"];

pub(super) fn problems(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(problems_of).collect()
}

fn problems_of(package: &Package) -> Vec<String> {
    let name = package.name.strip_prefix("trimtab-").unwrap_or(&package.name);
    let real = package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
    let used: Vec<&str> = real.map(|d| &*d.name).collect();
    let foreign =
        OWNERS.iter().filter(|(engine, owners)| used.contains(engine) && !owners.contains(&name));
    let impure =
        REFUSED_IN_DECIDING.iter().filter(|r| DECIDING.contains(&name) && used.contains(r));
    foreign
        .map(|(engine, owners)| format!("{}: {engine} belongs to {owners:?}", package.name))
        .chain(impure.map(|refused| format!("{}: a deciding crate uses {refused}", package.name)))
        .collect()
}

#[cfg(test)]
pub(super) fn sample(uses: &[(&str, &[&str])]) -> Vec<Package> {
    use crate::workspace::Dependency;
    let used = |name: &&str| Dependency { name: String::from(*name), kind: None };
    let package = |(name, uses): &(&str, &[&str])| Package {
        name: String::from(*name),
        dependencies: uses.iter().map(used).collect(),
    };
    uses.iter().map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(package: &str, uses: &str, expected: &[&str]) {
        assert_eq!(problems(&sample(&[(package, &[uses])])), expected);
    }

    #[test]
    fn an_engine_is_named_by_its_owners_alone() {
        check("trimtab-store", "rusqlite", &[]);
        check(
            "trimtab-live",
            "rusqlite",
            &[r#"trimtab-live: rusqlite belongs to ["store", "analytics"]"#],
        );
    }

    #[test]
    fn a_deciding_crate_has_no_dice_and_no_tasks() {
        check("trimtab-live", "tokio", &[]);
        check("trimtab-dns", "tokio", &["trimtab-dns: a deciding crate uses tokio"]);
        check("trimtab-steer", "getrandom", &["trimtab-steer: a deciding crate uses getrandom"]);
    }

    #[test]
    fn what_only_tests_need_is_free() {
        let mut packages = sample(&[("trimtab-dns", &["tokio"])]);
        packages[0].dependencies[0].kind = Some("dev".into());
        assert_eq!(problems(&packages), Vec::<String>::new());
    }
}
