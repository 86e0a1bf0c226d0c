//! Several monitors of one pool: what each is probed by, and how their verdicts become one.

use trimtab_model::MonitorId;
use trimtab_model::group::Role;

use crate::{Schedule, Verdict};

/// One monitor's part in the health of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    pub monitor: MonitorId,
    pub role: Role,
    pub schedule: Schedule,
}

// === impl Probing ===

impl Probing {
    /// A pool with a single monitor.
    pub fn alone(monitor: MonitorId, schedule: Schedule) -> Probing {
        Probing { monitor, role: Role::Voter, schedule }
    }

    pub fn votes(&self) -> bool {
        votes(self.role)
    }
}

pub(crate) fn votes(role: Role) -> bool {
    match role {
        Role::Critical | Role::Voter => true,
        Role::Witness => false,
    }
}

/// The verdict of a group on one endpoint: down as soon as a critical member says so, else only when more than half of
/// those that know do. A critical member that knows nothing yet is waited for.
pub fn together(members: impl Iterator<Item = (Role, Verdict)> + Clone) -> Verdict {
    let voters = members.filter(|(role, _)| votes(*role));
    if voters.clone().next().is_none() {
        return Verdict::Unmonitored;
    }
    let critical = voters.clone().filter(|(role, _)| *role == Role::Critical);
    let critical_says = |said| critical.clone().any(|(_, verdict)| verdict == said);
    if critical_says(Verdict::Down) {
        return Verdict::Down;
    }
    if critical_says(Verdict::Unknown) {
        return Verdict::Unknown;
    }
    let count = |said| voters.clone().filter(|(_, verdict)| *verdict == said).count();
    match (count(Verdict::Up), count(Verdict::Down)) {
        (0, 0) => Verdict::Unknown,
        // A tie is up.
        (up, down) if down > up => Verdict::Down,
        _ => Verdict::Up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Verdict {
        let member = |word: &str| {
            let (role, said) = word.split_once(':').unwrap();
            let role = match role {
                "must" => Role::Critical,
                "vote" => Role::Voter,
                _ => Role::Witness,
            };
            let said = match said {
                "up" => Verdict::Up,
                "down" => Verdict::Down,
                _ => Verdict::Unknown,
            };
            (role, said)
        };
        together(text.split_whitespace().map(member))
    }

    #[test]
    fn semantics_4_a_critical_member_decides_and_else_more_than_half() {
        use Verdict::{Down, Unknown, Unmonitored, Up};
        for (members, want) in [
            ("", Unmonitored),
            ("only:down", Unmonitored),
            ("vote:?", Unknown),
            ("vote:up", Up),
            ("vote:down", Down),
            // A tie is healthy.
            ("vote:up vote:down", Up),
            ("vote:up vote:down vote:down", Down),
            ("vote:up vote:down only:down only:down", Up),
            // Critical members.
            ("must:down vote:up vote:up vote:up", Down),
            ("must:up vote:down vote:down", Down),
            ("must:up vote:down", Up),
            ("must:? vote:up vote:up", Unknown),
            ("must:? must:down", Down),
            // Who knows nothing yet does not vote.
            ("vote:? vote:down vote:up", Up),
            ("vote:? vote:? vote:down", Down),
        ] {
            assert_eq!(verdict(members), want, "{members:?}");
        }
    }
}
