//! One place loses its way to a pool: people are shown it, and clients notice nothing.

use std::collections::BTreeSet;
use std::time::Instant;

use hyper::Method;
use serde_json::{Value, json};

use super::{FAILOVER_WITHIN, LOOK_EVERY, STORY, Tally, become_true, has_fallen};
use crate::cli::Failure;
use crate::client::{items, text};
use crate::demo::World;
use crate::demo::act::wish_mood;

/// A place, and why it says that an endpoint is down.
type Failing = BTreeSet<(String, String)>;

/// One place that sees a pool down is in the matrix with its reason, and nowhere else.
pub(super) async fn names_one(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    let cut = ("NRT".to_owned(), "TCP Timeout".to_owned());
    wish_mood(&world.client, "fra", &json!({ "mood": "partition", "pop": cut.0 })).await?;
    let want = Failing::from([cut]);
    let seen = failing_places(world, &want).await?;
    tally.check(seen == want, || format!("the matrix names the place that is cut off: {seen:?}"));
    become_true(world, tally, "in a partition", &STORY).await?;
    let fell = has_fallen(world, "fra").await?;
    tally.check(!fell, || "one place alone flips nothing".to_owned());
    wish_mood(&world.client, "fra", &json!({ "mood": "heal" })).await?;
    let seen = failing_places(world, &Failing::new()).await?;
    tally.check(seen.is_empty(), || format!("the place is back: {seen:?}"));
    Ok(())
}

/// Which places see an origin of fra down, and why: as wanted, or what it is when the time is over.
async fn failing_places(world: &World, want: &Failing) -> Result<Failing, Failure> {
    let path = format!("/accounts/{}/trimtab/health/matrix", world.client.account().await?);
    let (started, mut looks) = (Instant::now(), tokio::time::interval(LOOK_EVERY));
    loop {
        looks.tick().await;
        let matrix = world.client.call(Method::GET, &path, None).await?;
        let pools = items(&matrix["result"]).iter().filter(|pool| pool["name"] == "fra");
        let origins = pools.flat_map(|pool| items(&pool["origins"]));
        let monitors = origins.flat_map(|origin| items(&origin["monitors"]));
        let down = monitors
            .flat_map(|monitor| items(&monitor["places"]))
            .filter(|place| place["state"] == "down");
        let word = |place: &Value, field: &str| text(&place[field]).to_owned();
        let seen = down.map(|place| (word(place, "pop"), word(place, "failure_reason"))).collect();
        if seen == *want || started.elapsed() > FAILOVER_WITHIN {
            return Ok(seen);
        }
    }
}
