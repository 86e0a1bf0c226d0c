//! Whom a pool tells of changes, and of which, on the wire.

use serde::Serialize;
use trimtab_model::pool::{EMAIL_CHARS_MAX, Notify, NotifyFilter, NotifyRule};
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, line, shown};

/// Which changes are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<NotificationRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<NotificationRule>,
}

/// `healthy: null` tells both directions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationRule {
    pub disable: bool,
    pub healthy: Option<bool>,
}

// === impl NotificationFilter ===

impl From<&NotifyFilter> for NotificationFilter {
    fn from(filter: &NotifyFilter) -> NotificationFilter {
        let rule =
            |rule: NotifyRule| NotificationRule { disable: rule.disable, healthy: rule.healthy };
        NotificationFilter { pool: filter.pool.map(rule), origin: filter.origin.map(rule) }
    }
}

pub(super) fn read(body: &mut Object<'_>) -> Option<Notify> {
    let email = body.or("notification_email", String::new(), email);
    let filter = body.optional("notification_filter", notification_filter);
    Some(Notify { email: email?, filter: filter? })
}

/// Addresses separated by commas, or nothing.
pub(super) fn email(node: &mut Node<'_>) -> Option<String> {
    let list = line(EMAIL_CHARS_MAX)(node)?;
    let parts = list.split(',').map(str::trim);
    let bad = parts.clone().find(|part| !is_email(part)).filter(|_| !list.is_empty());
    if let Some(bad) = bad {
        node.refuse(format_args!("invalid email address: {}", shown(bad)));
        return None;
    }
    Some(list)
}

/// Enough to tell a slip of the pen; whether it exists is known by sending.
pub(crate) fn is_email(text: &str) -> bool {
    let sides = text.split_once('@');
    sides.is_some_and(|(mailbox, domain)| {
        !mailbox.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

fn notification_filter(node: &mut Node<'_>) -> Option<NotifyFilter> {
    let mut fields = node.object()?;
    let pool = fields.optional("pool", notification_rule);
    let origin = fields.optional("origin", notification_rule);
    Some(NotifyFilter { pool: pool?, origin: origin? })
}

fn notification_rule(node: &mut Node<'_>) -> Option<NotifyRule> {
    let mut fields = node.object()?;
    let disable = fields.or("disable", false, flag);
    let healthy = fields.optional("healthy", flag);
    Some(NotifyRule { disable: disable?, healthy: healthy? })
}
