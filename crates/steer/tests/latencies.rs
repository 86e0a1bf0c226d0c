//! Which rows of a table of latencies are about a pool.

use trimtab_geo::Latencies;
use trimtab_health::PoolHealth;
use trimtab_model::{self as model, PoolId};
use trimtab_steer::Pool;

#[test]
fn semantics_14_a_table_of_latencies_names_pools_by_name_or_id() {
    let config =
        model::Pool { id: PoolId::new([0xab; 16]), name: "fra".into(), ..trimtab_testkit::pool() };
    let id = "ab".repeat(16);
    let found = |rows: &str| {
        let table = Latencies::parse(&format!("source,pool,ms\n{rows}")).unwrap();
        let pool = Pool::build(&config, PoolHealth::unmonitored(0)).measured_by(Some(&table));
        (pool.loaded, table.pool_number("fra"), table.pool_number(&id))
    };
    let (loaded, by_name, _) = found("WEU,fra,5\nWEU,iad,7\n");
    assert!(loaded.is_some() && loaded == by_name);
    let (loaded, _, by_id) = found(&format!("WEU,iad,7\nWEU,{id},5\n"));
    assert!(loaded.is_some() && loaded == by_id);
    let (loaded, by_name, _) = found(&format!("WEU,{id},5\nWEU,fra,7\n"));
    assert_eq!(loaded, by_name, "the name comes first");
    assert_eq!(found("WEU,iad,7\n").0, None);
}
