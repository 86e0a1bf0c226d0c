//! Groups of monitors on the wire.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::group::{self as model, DESCRIPTION_CHARS_MAX, MEMBERS_MAX};
use trimtab_model::{MonitorGroupId, MonitorId, Problems, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Node, Object, flag, id, no_extension, text};
use crate::draft::{self, Draft, Resource, Stamp};

/// Several monitors that judge the endpoints of a pool together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonitorGroup {
    #[schema(value_type = String)]
    pub id: MonitorGroupId,
    pub description: String,
    pub members: Vec<MonitorGroupMember>,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
}

/// One monitor of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonitorGroupMember {
    #[schema(value_type = String)]
    pub monitor_id: MonitorId,
    pub enabled: bool,
    pub monitoring_only: bool,
    pub must_be_healthy: bool,
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

/// Reads the body of a POST or PUT.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<Draft<model::MonitorGroup>, Problems> {
    body::read(body, group).map(Draft::new)
}

/// Reads the body of a PATCH, which may leave out what stays.
///
/// # Errors
/// Every problem of what the group would become.
pub fn patch(
    current: &model::MonitorGroup,
    body: &Value,
) -> Result<Draft<model::MonitorGroup>, Problems> {
    read(&Value::Object(draft::merged(&MonitorGroup::from(current), body, &[])?))
}

// === impl MonitorGroup ===

impl From<&model::MonitorGroup> for MonitorGroup {
    fn from(group: &model::MonitorGroup) -> MonitorGroup {
        MonitorGroup {
            id: group.id,
            description: group.description.clone(),
            members: group.members.iter().map(MonitorGroupMember::from).collect(),
            created_on: group.created_on,
            modified_on: group.modified_on,
        }
    }
}

impl From<&model::Member> for MonitorGroupMember {
    fn from(member: &model::Member) -> MonitorGroupMember {
        MonitorGroupMember {
            monitor_id: member.monitor,
            enabled: member.enabled,
            monitoring_only: member.monitoring_only,
            must_be_healthy: member.must_be_healthy,
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }
}

// === impl model::MonitorGroup ===

impl Resource for model::MonitorGroup {
    type Id = MonitorGroupId;

    fn stamp(&self) -> Stamp<MonitorGroupId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<MonitorGroupId>) -> model::MonitorGroup {
        let Stamp { id, created_on, modified_on } = stamp;
        model::MonitorGroup { id, created_on, modified_on, ..self }
    }

    fn settled(
        mut self,
        before: Option<&model::MonitorGroup>,
        now: Timestamp,
    ) -> model::MonitorGroup {
        for member in &mut self.members {
            let known = before.and_then(|group| {
                group.members.iter().find(|known| known.monitor == member.monitor)
            });
            stamp_member(member, known, now);
        }
        self
    }
}

/// A member that stays keeps its times, one that changes is updated now.
fn stamp_member(member: &mut model::Member, known: Option<&model::Member>, now: Timestamp) {
    member.created_at = known.map_or(now, |known| known.created_at);
    member.updated_at = known.map_or(now, |known| known.updated_at);
    if known.is_some_and(|known| known != member) {
        member.updated_at = now;
    }
}

// === reading ===

fn group(body: &mut Object<'_>) -> Option<model::MonitorGroup> {
    let description = body.required("description", text(DESCRIPTION_CHARS_MAX));
    let members = body.required("members", members);
    let extension = body.or("trimtab", (), no_extension);
    extension?;
    Some(model::MonitorGroup {
        id: MonitorGroupId::new([0; 16]),
        description: description?,
        members: members?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn members(node: &mut Node<'_>) -> Option<Vec<model::Member>> {
    let mut seen = Vec::new();
    node.list("member", 1..=MEMBERS_MAX, |node| member(node, &mut seen))
}

fn member(node: &mut Node<'_>, seen: &mut Vec<MonitorId>) -> Option<model::Member> {
    let mut fields = node.object()?;
    let monitor = fields.required("monitor_id", id("monitor"));
    let enabled = fields.required("enabled", flag);
    let monitoring_only = fields.required("monitoring_only", flag);
    let must_be_healthy = fields.required("must_be_healthy", flag);
    if let Some(monitor) = monitor {
        if seen.contains(&monitor) {
            fields.refuse("monitor_id", format_args!("duplicate monitor: {monitor}"));
        }
        seen.push(monitor);
    }
    Some(model::Member {
        monitor: monitor?,
        enabled: enabled?,
        monitoring_only: monitoring_only?,
        must_be_healthy: must_be_healthy?,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples::{refusals, with};
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);
    const LATER: Timestamp = Timestamp::from_micros(2_000_000);

    fn a_member(monitor: u8) -> Value {
        let id = MonitorId::new([monitor; 16]);
        json!({"monitor_id": id, "enabled": true, "monitoring_only": false, "must_be_healthy": false})
    }

    fn body(monitors: &[u8]) -> Value {
        let members: Vec<_> = monitors.iter().copied().map(a_member).collect();
        json!({"description": "front", "members": members})
    }

    fn made(monitors: &[u8]) -> model::MonitorGroup {
        read(&body(monitors)).unwrap().into_new(MonitorGroupId::new([9; 16]), NOW)
    }

    #[test]
    fn refusals_name_the_place() {
        let check = |body: Value, pointer: &str, message: &str| {
            assert_eq!(refusals(read(&body)), [(pointer.into(), message.into())], "{body}");
        };
        let sound = body(&[1]);
        let length = "the member list length must be in range [1, 20]";
        check(
            with(&sound, json!({"description": null})),
            "/description",
            "description is required",
        );
        check(with(&sound, json!({"members": null})), "/members", "members is required");
        check(with(&sound, json!({"members": []})), "/members", length);
        check(body(&[3; 21]), "/members", length);
        let twice = format!("duplicate monitor: {}", "01".repeat(16));
        check(body(&[1, 2, 1]), "/members/2/monitor_id", &twice);
        for field in ["monitor_id", "enabled", "monitoring_only", "must_be_healthy"] {
            let members = json!([with(&a_member(1), json!({ field: null }))]);
            let message = format!("{field} is required");
            check(
                with(&sound, json!({ "members": members })),
                &format!("/members/0/{field}"),
                &message,
            );
        }
        let unread = json!([with(&a_member(1), json!({"monitor_id": "m1"}))]);
        let message = "unknown monitor: m1";
        check(with(&sound, json!({"members": unread})), "/members/0/monitor_id", message);
        let own = json!({"trimtab": {"votes": 2}});
        check(with(&sound, own), "/trimtab/votes", "unknown field: votes");
    }

    #[test]
    fn a_member_that_stays_keeps_its_times_and_one_that_changes_is_updated() {
        let before = made(&[1, 2]);
        let changed = with(&a_member(2), json!({"must_be_healthy": true}));
        let members = json!({"members": [a_member(3), changed, a_member(1)]});
        let (after, _) = patch(&before, &members).unwrap().onto(&before, LATER);
        let times: Vec<_> = after.members.iter().map(|m| (m.created_at, m.updated_at)).collect();
        assert_eq!(times, [(LATER, LATER), (NOW, LATER), (NOW, NOW)]);
        assert_eq!((after.created_on, after.modified_on), (NOW, LATER));
        assert_eq!(after.description, "front");
    }

    #[test]
    fn a_patch_of_nothing_changes_nothing() {
        let before = made(&[1, 2]);
        assert_eq!(patch(&before, &json!({})).unwrap().onto(&before, LATER), (before, false));
    }
}
