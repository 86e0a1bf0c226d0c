//! `dig TXT _why.NAME`: the decision that the name would get now, told to those who may know.

use trimtab_steer::explain;
use trimtab_steer::tell::tell;

use super::walk::Walk;
use crate::facts::Rcode;
use crate::name::Wire;
use crate::reply::Full;
use crate::zone::{A, CLASS_IN, Found, Zone};

const WHY: &[u8] = b"\x04_why";

// === impl Walk ===

impl Walk<'_, '_> {
    pub(super) fn asks_why(&self) -> bool {
        self.scratch.name.wire().starts_with(WHY) && self.view.node.explains_to(self.from)
    }

    /// One TXT record for each step, numbered, because records have no order. Nobody may keep them.
    pub(super) fn tell_why(&mut self) -> Result<Rcode, Full> {
        let zones = self.view.zones;
        let name: Wire = self.scratch.name.wire().iter().copied().skip(WHY.len()).collect();
        let known = self.scratch.name.read(&name).is_ok();
        let Some(zone) = zones.find(&self.scratch.name, A).filter(|_| known) else {
            return Ok(Rcode::Refused);
        };
        self.reply.authoritative = true;
        for (number, sentence) in self.sentences(zone).iter().enumerate() {
            let line = format!("{:02} {sentence}", number.saturating_add(1));
            self.reply.text(CLASS_IN, 0, &line)?;
        }
        Ok(Rcode::NoError)
    }

    fn sentences(&mut self, zone: &Zone) -> Vec<String> {
        let world = self.view.world;
        let Found::Balanced(slot) = zone.lookup(&self.scratch.name, A) else {
            return vec!["no load balancer stands at this name: its records answer".into()];
        };
        let Some(balancer) = world.balancer(slot) else { return Vec::new() };
        if balancer.proxied {
            return vec![format!("{} is proxied: this node's own addresses answer", balancer.name)];
        }
        let name = self.scratch.name.presentation();
        let client = self.client(&name);
        let (decision, steps) = explain(world, balancer, &client, self.now, self.dice);
        let mut told = tell(balancer, &decision.why, &steps, world, self.now);
        told.push(format!("trace {:016x}", self.dice));
        told
    }
}
