//! Who is told of what: policies, and the mail addresses of pools.

use std::collections::BTreeSet;

use trimtab_model::alert::policy::{Enablement, Filters};
use trimtab_model::alert::{AlertPolicy, EventSource, NewHealth, WebhookType};
use trimtab_model::pool::NotifyRule;
use trimtab_model::{AccountId, PoolId, Timestamp};

use crate::book::{Book, PoolEntry};
use crate::incident::ListenerId;
use crate::message::Turn;
use crate::parcel::Destination;
use crate::seen::Subject;

/// Somebody to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener<'a> {
    Policy(AccountId, &'a AlertPolicy),
    PoolMail(PoolId, &'a PoolEntry),
}

/// Of an account, in a fixed order.
pub(crate) fn all(book: &Book, account: AccountId) -> Vec<Listener<'_>> {
    let policies =
        book.policies.iter().filter(|((of, _), policy)| *of == account && policy.enabled);
    let policies = policies.map(|((account, _), policy)| Listener::Policy(*account, policy));
    let pools = book.pools.iter();
    let mails = pools.filter(|(_, pool)| pool.account == account && !pool.notify.email.is_empty());
    policies.chain(mails.map(|(id, pool)| Listener::PoolMail(*id, pool))).collect()
}

// === impl Listener ===

impl Listener<'_> {
    pub(crate) fn id(&self) -> ListenerId {
        match self {
            Listener::Policy(_, policy) => ListenerId::Policy(policy.id),
            Listener::PoolMail(pool, _) => ListenerId::PoolMail(*pool),
        }
    }

    /// Is the subject any of its business, whatever became of it?
    pub(crate) fn follows(&self, subject: &Subject) -> bool {
        match self {
            Listener::Policy(_, policy) => {
                policy.alert_type == subject.alert_type() && follow(&policy.filters, subject)
            }
            Listener::PoolMail(pool, _) => {
                subject.pool() == Some(*pool)
                    && self.rule(subject).is_some_and(|rule| !rule.disable)
            }
        }
    }

    pub(crate) fn wants(&self, subject: &Subject, turn: Turn) -> bool {
        let health = match turn {
            Turn::Unhealthy => NewHealth::Unhealthy,
            Turn::Healthy | Turn::Unwatched => NewHealth::Healthy,
        };
        match self {
            Listener::Policy(_, policy) => want(&policy.filters, subject, health),
            Listener::PoolMail(..) => self.rule(subject).is_some_and(|rule| match rule.healthy {
                None => true,
                Some(healthy) => healthy == (health == NewHealth::Healthy),
            }),
        }
    }

    pub(crate) fn is_silenced(&self, book: &Book, now: Timestamp) -> bool {
        match self {
            Listener::Policy(account, policy) => book.is_silenced(*account, policy.id, now),
            Listener::PoolMail(..) => false,
        }
    }

    /// As messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Listener::Policy(_, policy) => policy.name.clone(),
            Listener::PoolMail(_, pool) => format!("pool {}", pool.name),
        }
    }

    /// Each once, however often it is named.
    pub(crate) fn destinations(&self) -> Vec<Destination> {
        let mut named = BTreeSet::new();
        self.named().into_iter().filter(|to| named.insert(to.clone())).collect()
    }

    /// Of those that are told of a start, who has to hear of the end even if nobody names them any more: services whose
    /// incidents stay open until they are closed, and the addresses of a pool, which go with it.
    pub(crate) fn owed(&self, book: &Book, told: &[&Subject]) -> Vec<Destination> {
        let told_ends = told.iter().any(|subject| self.wants(subject, Turn::Unwatched));
        let stays_open = |to: &Destination| match to {
            Destination::PagerDuty(..) => true,
            Destination::Webhook(account, id) => {
                let hook = book.webhooks.get(&(*account, *id));
                hook.is_some_and(|hook| hook.kind == WebhookType::Opsgenie)
            }
            Destination::Email(_) => matches!(self, Listener::PoolMail(..)) && told_ends,
        };
        self.destinations().into_iter().filter(stays_open).collect()
    }

    fn named(&self) -> Vec<Destination> {
        match self {
            Listener::Policy(account, policy) => {
                let of = &policy.mechanisms;
                let mails = of.email.iter().cloned().map(Destination::Email);
                let hooks = of.webhooks.iter().map(|id| Destination::Webhook(*account, *id));
                let services = of.pagerduty.iter().map(|id| Destination::PagerDuty(*account, *id));
                mails.chain(hooks).chain(services).collect()
            }
            Listener::PoolMail(_, pool) => {
                let mails = pool.notify.email.split(',').map(str::trim);
                let mails = mails.filter(|mail| !mail.is_empty());
                mails.map(|mail| Destination::Email(mail.into())).collect()
            }
        }
    }

    /// What a pool's filter says; None where it is not about such a subject. Without a filter both are told.
    fn rule(&self, subject: &Subject) -> Option<NotifyRule> {
        let Listener::PoolMail(_, pool) = self else { return None };
        let filter = pool.notify.filter.unwrap_or_default();
        match subject {
            Subject::Pool(_) => Some(filter.pool.unwrap_or_default()),
            Subject::Origin(..) => Some(filter.origin.unwrap_or_default()),
            Subject::Enablement(_) | Subject::Check(_) => None,
        }
    }
}

/// What is empty lets everything through.
fn follow(filters: &Filters, subject: &Subject) -> bool {
    let of_pool = subject.pool().is_none_or(|pool| passes(&filters.pool_id, &pool));
    of_pool
        && match subject {
            Subject::Pool(_) => passes(&filters.event_source, &EventSource::Pool),
            Subject::Origin(..) => passes(&filters.event_source, &EventSource::Origin),
            Subject::Enablement(_) => true,
            Subject::Check(id) => passes(&filters.health_check_id, &id.to_string()),
        }
}

fn want(filters: &Filters, subject: &Subject, health: NewHealth) -> bool {
    match subject {
        Subject::Pool(_) | Subject::Origin(..) => passes(&filters.new_health, &health),
        Subject::Check(_) => passes(&filters.status, &health),
        Subject::Enablement(_) => {
            let enablement = match health {
                NewHealth::Healthy => Enablement::Enabled,
                NewHealth::Unhealthy => Enablement::Disabled,
            };
            passes(&filters.enabled, &enablement)
        }
    }
}

fn passes<T: PartialEq>(filter: &[T], value: &T) -> bool {
    filter.is_empty() || filter.contains(value)
}
