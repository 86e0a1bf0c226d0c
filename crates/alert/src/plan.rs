//! The decision: what was told against what is, and who has to hear of the difference.

use std::collections::BTreeMap;

use trimtab_model::alert::{AlertType, Channel, DeliveryResult};
use trimtab_model::{AccountId, Timestamp};

use crate::book::Book;
use crate::incident::{Incident, ListenerId, MEMBERS_MAX, Member, Owed, Told};
use crate::listener::{self, Listener};
use crate::message::{CheckFacts, DETAILS_MAX, Facts, Message, News, Phase, Turn};
use crate::parcel::{Destination, Ending, Parcel};
use crate::seen::{Condition, Seen, Subject};

/// Entries of the history that one step makes: no more are kept of an account.
const HELD_BACK_MAX: usize = 1000;
/// Of all parcels of a step, half of what a transaction of the store takes.
const STEP_BYTES_MAX: usize = 16 << 20;

/// One moment to decide in.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) now: Timestamp,
    pub(crate) book: &'a Book,
    pub(crate) seen: &'a Seen,
    /// What is known of a subject, for those that turned.
    pub(crate) facts: &'a dyn Fn(&Subject) -> Facts,
}

/// Where new names come from, and how many parcels may still be made.
pub(crate) struct Mint<'a> {
    pub(crate) id: &'a mut dyn FnMut() -> String,
    pub(crate) number: u64,
    pub(crate) room: usize,
}

/// What one incident comes to: stored in one transaction or not at all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) incident: Incident,
    pub(crate) parcels: Vec<Parcel>,
    /// Never to be sent.
    pub(crate) held_back: Vec<(Parcel, DeliveryResult)>,
    /// Of the parcels.
    pub(crate) bytes: usize,
}

/// One thing that turned, before anybody is told.
#[derive(Clone, Debug)]
struct Turned {
    subject: Subject,
    turn: Turn,
}

/// Through whom a message goes out.
struct Heading<'a> {
    listener: ListenerId,
    name: String,
    description: String,
    /// None: it is gone.
    follows: Option<&'a Listener<'a>>,
}

/// Is there anything to tell? Cheap enough for every snapshot.
pub(crate) fn differs(told: &Told, seen: &Seen) -> bool {
    let told = told.renamed(seen);
    let known = told.bad();
    let began = seen.bad().any(|(subject, _)| !known.contains(subject));
    began || told.0.values().any(|incident| incident.open().any(|s| turn(seen, s).is_some()))
}

/// Everything that has to be told now. With its steps applied nothing is left to tell.
pub(crate) fn plan(told: &Told, look: Look<'_>, mint: &mut Mint<'_>) -> Vec<Step> {
    let told = told.renamed(look.seen);
    let mut steps: Vec<Step> =
        told.0.values().filter_map(|incident| update(incident, look, mint)).collect();
    for ((account, alert_type), subjects) in begun(&told, look.seen) {
        for members in subjects.chunks(MEMBERS_MAX) {
            steps.push(begin(account, alert_type, members, look, mint));
        }
    }
    steps
}

/// None: it goes on.
fn turn(seen: &Seen, subject: &Subject) -> Option<Turn> {
    match seen.condition(subject) {
        Condition::Good => Some(Turn::Healthy),
        Condition::Unwatched => Some(Turn::Unwatched),
        Condition::Bad | Condition::NoWord => None,
    }
}

/// What became unhealthy together is one incident.
fn begun(told: &Told, seen: &Seen) -> BTreeMap<(AccountId, AlertType), Vec<Subject>> {
    let mut begun: BTreeMap<_, Vec<Subject>> = BTreeMap::new();
    let known = told.bad();
    for (subject, account) in seen.bad().filter(|(subject, _)| !known.contains(subject)) {
        begun.entry((account, subject.alert_type())).or_default().push(subject.clone());
    }
    begun
}

fn begin(
    account: AccountId,
    alert_type: AlertType,
    subjects: &[Subject],
    look: Look<'_>,
    mint: &mut Mint<'_>,
) -> Step {
    let members = subjects.iter().map(|subject| member(subject, look));
    let incident = Incident {
        id: (mint.id)(),
        account,
        alert_type,
        began: look.now,
        members: members.collect(),
        told: Vec::new(),
        silenced: Vec::new(),
        owed: Vec::new(),
    };
    let mut step = Step { incident, parcels: Vec::new(), held_back: Vec::new(), bytes: 0 };
    for listener in listener::all(look.book, account) {
        let heard = subjects.iter().filter(|subject| {
            let never_enabled = is_born_disabled(look.book, subject);
            !never_enabled && listener.follows(subject) && listener.wants(subject, Turn::Unhealthy)
        });
        let turned = heard.map(|s| Turned { subject: s.clone(), turn: Turn::Unhealthy });
        let turned: Vec<_> = turned.collect();
        if turned.is_empty() {
            continue;
        }
        let message = step.message(&Heading::of(&listener), &turned, Phase::Start, look);
        if listener.is_silenced(look.book, look.now) {
            step.incident.silenced.push(listener.id());
            step.hold_back(listener.destinations(), &message, DeliveryResult::Silenced, mint);
        } else {
            step.incident.told.push(listener.id());
            step.owe(&listener, &turned, look);
            step.send(listener.destinations(), message, mint);
        }
    }
    step
}

fn member(subject: &Subject, look: Look<'_>) -> Member {
    let (name, check) = match subject.pool() {
        Some(pool) => (look.book.pools.get(&pool).map(|it| it.name.clone()), None),
        None => {
            let Facts { name, check, .. } = (look.facts)(subject);
            (Some(name), check.map(|of| CheckFacts { failing_regions: Vec::new(), ..of }))
        }
    };
    Member {
        subject: subject.clone(),
        name: name.unwrap_or_default(),
        check,
        endpoint: look.seen.endpoint(subject),
        ended: None,
    }
}

/// A pool that was made disabled never changed; that it is enabled later is news.
fn is_born_disabled(book: &Book, subject: &Subject) -> bool {
    match subject {
        Subject::Enablement(pool) => book.pools.get(pool).is_some_and(|pool| pool.born_disabled),
        Subject::Pool(_) | Subject::Origin(..) | Subject::Check(_) => false,
    }
}

/// None: nothing in it turned.
fn update(before: &Incident, look: Look<'_>, mint: &mut Mint<'_>) -> Option<Step> {
    let turned = before.open().filter_map(|subject| {
        let turn = turn(look.seen, subject)?;
        Some(Turned { subject: subject.clone(), turn })
    });
    let turned: Vec<_> = turned.collect();
    if turned.is_empty() {
        return None;
    }
    let mut incident = before.clone();
    for member in &mut incident.members {
        if turned.iter().any(|turned| turned.subject == member.subject) {
            member.ended = member.ended.or(Some(look.now));
        }
    }
    let mut step = Step { incident, parcels: Vec::new(), held_back: Vec::new(), bytes: 0 };
    for listener in listener::all(look.book, before.account) {
        step.tell_of_end(&listener, &turned, look, mint);
    }
    step.tell_of_deleted_pools(&turned, look, mint);
    Some(step)
}

// === impl Step ===

impl Step {
    /// An end follows every start that was sent, whatever silence has begun since. Those who asked for ends alone
    /// get them as well, unless nobody knows how it ended.
    fn tell_of_end(
        &mut self,
        listener: &Listener<'_>,
        turned: &[Turned],
        look: Look<'_>,
        mint: &mut Mint<'_>,
    ) {
        let followed = turned.iter().filter(|turned| listener.follows(&turned.subject));
        let followed: Vec<Turned> = followed.cloned().collect();
        if followed.is_empty() || self.incident.silenced.contains(&listener.id()) {
            return;
        }
        let was_told = self.incident.told.contains(&listener.id());
        let phase = match self.incident.open().any(|open| listener.follows(open)) {
            true => Phase::Start,
            false => Phase::End,
        };
        let wanted = followed.iter().filter(|turned| {
            let known = was_told || turned.turn == Turn::Healthy;
            known && listener.wants(&turned.subject, turned.turn)
        });
        let wanted: Vec<Turned> = wanted.cloned().collect();
        let held_back = !was_told && listener.is_silenced(look.book, look.now);
        let heading = Heading::of(listener);
        let mut heard = Vec::new();
        if !wanted.is_empty() && held_back {
            let message = self.message(&heading, &wanted, phase, look);
            self.hold_back(listener.destinations(), &message, DeliveryResult::Silenced, mint);
        } else if !wanted.is_empty() {
            let message = self.message(&heading, &wanted, phase, look);
            heard = listener.destinations();
            heard.retain(|to| to.channel() != Channel::PagerDuty);
            self.send(heard.clone(), message, mint);
        }
        // An incident there stays open until it is resolved, whatever a filter says of good news, and whatever the
        // policy names by now.
        if was_told && phase == Phase::End {
            let message = self.message(&heading, &followed, phase, look);
            let mut to = self.owed(listener);
            to.retain(|to| to.channel() != Channel::Email && !heard.contains(to));
            self.send(to, message, mint);
        }
    }

    fn owe(&mut self, listener: &Listener<'_>, turned: &[Turned], look: Look<'_>) {
        let told: Vec<&Subject> = turned.iter().map(|turned| &turned.subject).collect();
        let to = listener.owed(look.book, &told);
        let (listener, name) = (listener.id(), listener.name());
        self.incident.owed.push(Owed { listener, name, to });
    }

    /// An incident that an earlier version began does not say.
    fn owed(&self, listener: &Listener<'_>) -> Vec<Destination> {
        let owed = self.incident.owed.iter().find(|owed| owed.listener == listener.id());
        owed.map(|owed| owed.to.clone()).unwrap_or_else(|| {
            let mut to = listener.destinations();
            to.retain(|to| to.channel() == Channel::PagerDuty);
            to
        })
    }

    /// The addresses of a pool go with it, and hear that it did.
    fn tell_of_deleted_pools(&mut self, turned: &[Turned], look: Look<'_>, mint: &mut Mint<'_>) {
        for Owed { listener, name, to } in self.incident.owed.clone() {
            let ListenerId::PoolMail(pool) = listener else { continue };
            let of_pool = turned.iter().filter(|turned| turned.subject.pool() == Some(pool));
            let of_pool: Vec<Turned> = of_pool.cloned().collect();
            let is_open = self.incident.open().any(|open| open.pool() == Some(pool));
            if look.book.pools.contains_key(&pool) || of_pool.is_empty() || is_open {
                continue;
            }
            let heading = Heading { listener, name, description: String::new(), follows: None };
            let message = self.message(&heading, &of_pool, Phase::End, look);
            self.send(to, message, mint);
        }
    }

    fn message(
        &self,
        heading: &Heading<'_>,
        turned: &[Turned],
        phase: Phase,
        look: Look<'_>,
    ) -> Message {
        let incident = &self.incident;
        let news = turned.iter().take(DETAILS_MAX).map(|turned| {
            let since = (turned.turn != Turn::Unhealthy).then_some(incident.began);
            let facts = incident.remembered(&turned.subject, (look.facts)(&turned.subject));
            let facts = Facts { since, ..facts };
            News { subject: turned.subject.clone(), turn: turned.turn, facts }
        });
        let follows = |open: &&Subject| heading.follows.is_some_and(|it| it.follows(open));
        let still = match phase {
            // All of it is new.
            Phase::Start if turned.iter().all(|t| t.turn == Turn::Unhealthy) => 0,
            Phase::Start => incident.open().filter(follows).count(),
            Phase::End => 0,
        };
        Message {
            correlation: incident.id.clone(),
            phase,
            alert_type: incident.alert_type,
            at: look.now,
            account: incident.account,
            account_name: look.book.account_name(incident.account).to_owned(),
            policy: match heading.listener {
                ListenerId::Policy(id) => Some(id),
                ListenerId::PoolMail(_) => None,
            },
            policy_name: heading.name.clone(),
            policy_description: heading.description.clone(),
            news: news.collect(),
            more: turned.len().saturating_sub(DETAILS_MAX),
            still,
            test: false,
        }
    }

    /// What there is no room for is not lost without a word.
    fn send(&mut self, to: Vec<Destination>, message: Message, mint: &mut Mint<'_>) {
        let bytes = size(&message).saturating_mul(to.len());
        self.bytes = self.bytes.saturating_add(bytes);
        if to.len() > mint.room || self.bytes > STEP_BYTES_MAX {
            self.hold_back(to, &message, DeliveryResult::Dropped, mint);
            return;
        }
        for to in to {
            mint.room -= 1;
            self.parcels.push(mint.parcel(to, message.clone()));
        }
    }

    /// For each destination an entry of the history.
    fn hold_back(
        &mut self,
        to: Vec<Destination>,
        message: &Message,
        result: DeliveryResult,
        mint: &mut Mint<'_>,
    ) {
        let room = HELD_BACK_MAX.saturating_sub(self.held_back.len());
        let parcels = to.into_iter().take(room);
        let parcels = parcels.map(|to| (mint.parcel(to, message.clone()), result));
        self.held_back.extend(parcels);
    }
}

/// What cannot be written has no size, and fails when it is.
fn size(message: &Message) -> usize {
    serde_json::to_vec(message).map_or(0, |bytes| bytes.len())
}

// === impl Heading ===

impl<'a> Heading<'a> {
    fn of(listener: &'a Listener<'a>) -> Heading<'a> {
        let description = match listener {
            Listener::Policy(_, of) => of.description.clone(),
            Listener::PoolMail(..) => String::new(),
        };
        let (id, name) = (listener.id(), listener.name());
        Heading { listener: id, name, description, follows: Some(listener) }
    }
}

// === impl Mint ===

impl Mint<'_> {
    fn parcel(&mut self, to: Destination, message: Message) -> Parcel {
        let number = self.number;
        self.number = number.saturating_add(1);
        Parcel { number, id: (self.id)(), to, made: message.at, message }
    }
}

// === impl (Parcel, DeliveryResult) ===

/// What the history says of a parcel that is never sent.
pub(crate) fn unsent(result: DeliveryResult, at: Timestamp) -> Ending {
    let error = match result {
        DeliveryResult::Dropped => Some("too many messages are waiting".to_owned()),
        DeliveryResult::Silenced | DeliveryResult::Delivered | DeliveryResult::GivenUp => None,
    };
    Ending { at, result, attempts: 0, error }
}

#[cfg(test)]
mod tests;
