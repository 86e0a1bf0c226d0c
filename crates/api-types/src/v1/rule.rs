//! Rules of a balancer on the wire.

mod overrides;

use serde::Serialize;
use trimtab_model::balancer::{
    self as model, CONDITION_CHARS_MAX, CONTENT_TYPE_CHARS_MAX, FIXED_STATUS, LOCATION_CHARS_MAX,
    MESSAGE_BODY_CHARS_MAX, RULE_NAME_CHARS_MAX, RULES_MAX, RuleAction,
};
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, line, text, whole};

pub use overrides::Overrides;

pub(super) use overrides::flat;

/// A condition and what it changes. Exactly one of `fixed_response` and `overrides` is there.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Rule {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub condition: String,
    pub disabled: bool,
    pub priority: u32,
    pub terminates: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<FixedResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
}

/// An answer that needs no pool: as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FixedResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
}

/// Clients with 32-bit numbers must be able to send back what they got.
const PRIORITY_MAX: u32 = i32::MAX as u32;

// === impl Rule ===

impl From<&model::Rule> for Rule {
    fn from(rule: &model::Rule) -> Rule {
        let (fixed_response, overrides) = parts(&rule.action);
        Rule {
            name: rule.name.clone(),
            condition: rule.condition.clone(),
            disabled: rule.disabled,
            priority: rule.priority,
            terminates: rule.terminates,
            fixed_response,
            overrides,
        }
    }
}

// === impl FixedResponse ===

impl From<&model::FixedResponse> for FixedResponse {
    fn from(response: &model::FixedResponse) -> FixedResponse {
        let model::FixedResponse { status_code, content_type, location, message_body } =
            response.clone();
        FixedResponse { content_type, location, message_body, status_code }
    }
}

/// The two fields that an action is on the wire, of rules and of pool sets.
pub(super) fn parts(action: &RuleAction) -> (Option<FixedResponse>, Option<Overrides>) {
    match action {
        RuleAction::FixedResponse(response) => (Some(FixedResponse::from(response)), None),
        RuleAction::Overrides(over) => (None, Some(Overrides::from(&**over))),
    }
}

pub(super) fn list(node: &mut Node<'_>) -> Option<Vec<model::Rule>> {
    node.list("rules", 0..=RULES_MAX, rule)
}

fn rule(node: &mut Node<'_>) -> Option<model::Rule> {
    let mut fields = node.object()?;
    let name = fields.or("name", String::new(), line(RULE_NAME_CHARS_MAX));
    let condition = fields.or("condition", String::new(), condition);
    let disabled = fields.or("disabled", false, flag);
    let priority = fields.or("priority", 0, whole(0..=PRIORITY_MAX));
    let terminates = fields.or("terminates", false, flag);
    let action = action(&mut fields, overrides::read);
    let action = action?;
    let fixed = matches!(action, RuleAction::FixedResponse(_));
    Some(model::Rule {
        name: name?,
        condition: condition?,
        disabled: disabled?,
        priority: priority?,
        terminates: fixed || terminates?,
        action,
    })
}

/// Kept as it was written; that it can be read is seen now, so that no request ever finds out.
fn condition(node: &mut Node<'_>) -> Option<String> {
    let written = text(CONDITION_CHARS_MAX)(node)?;
    match trimtab_expr::parse(&written) {
        Ok(_expression) => Some(written),
        Err(error) => {
            node.refuse(error);
            None
        }
    }
}

/// Exactly one of the two. Go clients send `overrides: {}` beside a fixed response, which says nothing.
pub(super) fn action(
    fields: &mut Object<'_>,
    overrides: impl FnOnce(&mut Node<'_>) -> Option<model::Overrides>,
) -> Option<RuleAction> {
    let fixed = fields.optional("fixed_response", fixed_response);
    let over = fields.optional("overrides", overrides);
    match (fixed?, over?) {
        (Some(fixed), None) => Some(RuleAction::FixedResponse(fixed)),
        (Some(fixed), Some(over)) if over == model::Overrides::default() => {
            Some(RuleAction::FixedResponse(fixed))
        }
        (Some(_), Some(_)) => {
            fields.refuse("overrides", "fixed_response and overrides exclude each other");
            None
        }
        (None, Some(over)) => Some(RuleAction::Overrides(Box::new(over))),
        (None, None) => {
            fields.refuse("overrides", "one of overrides and fixed_response is required");
            None
        }
    }
}

fn fixed_response(node: &mut Node<'_>) -> Option<model::FixedResponse> {
    let mut fields = node.object()?;
    let content_type = fields.optional("content_type", line(CONTENT_TYPE_CHARS_MAX));
    let location = fields.optional("location", line(LOCATION_CHARS_MAX));
    let message_body = fields.optional("message_body", text(MESSAGE_BODY_CHARS_MAX));
    let status_code = fields.optional("status_code", whole(FIXED_STATUS));
    Some(model::FixedResponse {
        status_code: status_code?,
        content_type: content_type?,
        location: location?,
        message_body: message_body?,
    })
}

#[cfg(test)]
mod tests;
