//! The words for rules, pool sets and shedding.

use trimtab_model::balancer::{FixedResponse, Overrides, PoolSet, PoolSetMatch, Rule, RuleAction};
use trimtab_model::pool::{LoadShedding, ShedPolicy};

use super::{Stage, weight};

impl Stage {
    pub(super) fn rule(&mut self, rest: &str) {
        let (head, action) = rest.split_once(" => ").unwrap();
        let (head, condition) = head.split_once(": ").unwrap_or((head, ""));
        let mut rule = Rule {
            name: String::new(),
            condition: condition.trim().into(),
            disabled: false,
            priority: 0,
            terminates: false,
            action: self.action(action),
        };
        for word in head.split_whitespace() {
            match word.split_once('=') {
                Some(("priority", number)) => rule.priority = number.parse().unwrap(),
                None if word == "terminates" => rule.terminates = true,
                None if word == "disabled" => rule.disabled = true,
                None if word == ":" => {}
                _ => panic!("{}: unknown word {word}", self.title),
            }
        }
        self.balancer.as_mut().unwrap().rules.push(rule);
    }

    pub(super) fn pool_set(&mut self, rest: &str) {
        let (head, action) = rest.split_once("=> ").unwrap();
        let (mut pops, mut countries, mut regions) = (Vec::new(), Vec::new(), Vec::new());
        let disabled = head.starts_with("disabled");
        let head = head.trim_start_matches("disabled");
        for word in head.split_whitespace() {
            for code in word[4..].split(',') {
                match &word[..4] {
                    "pop=" => pops.push(code.parse().unwrap()),
                    "cou=" => countries.push(code.parse().unwrap()),
                    "reg=" => regions.push(code.parse().unwrap()),
                    _ => panic!("{}: unknown word {word}", self.title),
                }
            }
        }
        let matches = match head.trim() {
            "" => PoolSetMatch::Everything,
            _ => PoolSetMatch::Topology { pops, countries, regions },
        };
        let action = self.action(action);
        let set = PoolSet { name: String::new(), disabled, matches, action };
        self.balancer.as_mut().unwrap().pool_sets.push(set);
    }

    fn action(&self, text: &str) -> RuleAction {
        if let Some(status) = text.strip_prefix("fixed") {
            let status_code = status.strip_prefix('=').map(|status| status.parse().unwrap());
            let response = FixedResponse { status_code, ..FixedResponse::default() };
            return RuleAction::FixedResponse(response);
        }
        let mut over = Overrides::default();
        for word in text.split(' ') {
            let (key, value) = word.split_once('=').unwrap();
            let pools = || value.split(',').map(|name| self.id(name)).collect::<Vec<_>>();
            match key.split_once('.') {
                None if key == "policy" => over.steering_policy = Some(value.parse().unwrap()),
                None if key == "default" => over.default_pools = Some(pools()),
                None if key == "pools" => over.pools = Some(pools()),
                None if key == "fallback" => over.fallback_pool = Some(self.id(value)),
                None if key == "ttl" => over.ttl = Some(value.parse().unwrap()),
                None if key == "affinity" => over.session.affinity = Some(value.parse().unwrap()),
                None if key == "across" => over.failover_across_pools = Some(value == "yes"),
                None if key == "ecs" => {
                    let location = over.location_strategy.get_or_insert_default();
                    location.prefer_ecs = Some(value.parse().unwrap());
                }
                Some(("region", code)) => {
                    let regions = over.region_pools.get_or_insert_default();
                    regions.insert(code.parse().unwrap(), pools());
                }
                Some(("weight", name)) => {
                    let weights = over.pool_weights.get_or_insert_default();
                    weights.insert(self.id(name), weight(value));
                }
                _ => panic!("{}: unknown key {key}", self.title),
            }
        }
        RuleAction::Overrides(Box::new(over))
    }
}

pub(super) fn shedding(text: &str) -> LoadShedding {
    let (percent, policy) = match text.strip_suffix("hash") {
        Some(percent) => (percent, ShedPolicy::Hash),
        None => (text, ShedPolicy::Random),
    };
    LoadShedding {
        default_percent: percent.parse().unwrap(),
        default_policy: policy,
        ..LoadShedding::default()
    }
}
