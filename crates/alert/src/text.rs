//! The words of a message: a line for a phone's lock screen, and a text for whoever was woken by it.

use std::fmt::Write as _;

use trimtab_model::alert::AlertType;

use crate::message::{Facts, Message, News, Phase, Traffic, Turn};
use crate::seen::Subject;

/// Load balancers that a text names for each pool.
const BALANCERS_NAMED_MAX: usize = 5;
/// Of a subject line: what phones show.
const SUBJECT_CHARS_MAX: usize = 160;

/// One line: the worst first, then how much more there is.
pub(crate) fn subject(message: &Message) -> String {
    let mut news: Vec<&News> = message.news.iter().collect();
    news.sort_by_key(|news| (news.turn == Turn::Unwatched, news.is_origin()));
    let state = state(message, news.first().map(|news| news.turn));
    let first = news.first().map_or_else(|| "an alert".into(), |news| name(news));
    let more = news.len().saturating_sub(1).saturating_add(message.more);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    one_line(&format!("[trimtab] {state}: {first}{more}"))
}

/// What became of what the line names.
fn state(message: &Message, first: Option<Turn>) -> &'static str {
    let is_enablement = message.alert_type == AlertType::PoolEnablement;
    match (first, message.phase) {
        _ if message.test => "TEST",
        (Some(Turn::Unhealthy), _) if is_enablement => "DISABLED",
        (Some(Turn::Unhealthy), _) => "DOWN",
        (Some(Turn::Unwatched), _) if is_enablement => "DELETED",
        (Some(Turn::Unwatched), _) => "NOT WATCHED",
        (Some(Turn::Healthy) | None, _) if is_enablement => "ENABLED",
        (Some(Turn::Healthy) | None, Phase::Start) => "PARTLY UP",
        (Some(Turn::Healthy) | None, Phase::End) => "UP",
    }
}

/// The whole of it in plain text.
pub(crate) fn body(message: &Message) -> String {
    let mut text = String::new();
    if message.test {
        line(&mut text, "This is a test. Nothing happened.");
    }
    for news in &message.news {
        tell(&mut text, news);
    }
    if message.more > 0 {
        line(&mut text, &format!("And {} more that are not listed.", message.more));
    }
    if message.still > 0 {
        line(&mut text, &format!("Still unhealthy in this incident: {}.", message.still));
    }
    line(&mut text, "");
    line(&mut text, &format!("At       {}", message.at));
    line(&mut text, &format!("Policy   {}", message.policy_name));
    line(&mut text, &format!("Account  {} ({})", message.account_name, message.account));
    line(&mut text, &format!("Incident {}", message.correlation));
    line(&mut text, "Look at  trimtab status");
    for balancer in balancers(message) {
        line(&mut text, &format!("         trimtab explain {balancer}"));
    }
    text
}

/// `pool fra`, `origin a of pool fra`.
pub(crate) fn name(news: &News) -> String {
    let facts = &news.facts;
    match &news.subject {
        Subject::Pool(_) | Subject::Enablement(_) => format!("pool {}", facts.name),
        Subject::Origin(_, origin) => format!("origin {origin} of pool {}", facts.name),
        Subject::Check(_) => format!("health check {}", facts.name),
    }
}

fn tell(text: &mut String, news: &News) {
    let turn = match (&news.subject, news.turn) {
        (Subject::Enablement(_), Turn::Unhealthy) => "was disabled",
        (Subject::Enablement(_), Turn::Healthy) => "was enabled",
        (Subject::Enablement(_), Turn::Unwatched) => "was deleted while it was disabled",
        (_, Turn::Unhealthy) => "is unhealthy",
        (_, Turn::Healthy) => "is healthy again",
        (_, Turn::Unwatched) => "is not watched any more",
    };
    line(text, &format!("{} {turn}.", capital(&name(news))));
    let facts = &news.facts;
    if let Some(since) = facts.since {
        let was =
            if matches!(news.subject, Subject::Enablement(_)) { "Disabled" } else { "Unhealthy" };
        line(text, &format!("  {was} since {since}."));
    }
    if !facts.reason.is_empty() && news.turn == Turn::Unhealthy {
        line(text, &format!("  Why: {}.", why(facts)));
    }
    if matches!(news.subject, Subject::Pool(_)) && news.turn != Turn::Unwatched {
        let (up, all, least) = (facts.origins_up, facts.origins, facts.minimum_origins);
        line(text, &format!("  {up} of {all} origins are up, {least} are needed."));
    }
    for traffic in facts.traffic.iter().take(BALANCERS_NAMED_MAX) {
        line(text, &format!("  {}", traffic_now(traffic, news.turn)));
    }
}

fn why(facts: &Facts) -> String {
    let mut why = facts.reason.clone();
    if facts.response_code != 0 {
        why = format!("{why} (status {})", facts.response_code);
    }
    if !facts.seen_by.is_empty() {
        why = format!("{why}, as seen from {}", facts.seen_by);
    }
    why
}

fn traffic_now(traffic: &Traffic, turn: Turn) -> String {
    let Traffic { balancer, elsewhere, fallback } = traffic;
    match (turn, elsewhere.is_empty()) {
        (Turn::Healthy, _) => format!("{balancer} may use it again."),
        (Turn::Unwatched, _) => format!("{balancer} may use it, whatever its health is."),
        (Turn::Unhealthy, false) => format!("{balancer} goes on with {}.", elsewhere.join(", ")),
        (Turn::Unhealthy, true) => {
            format!("{balancer} has no usable pool: its fallback {fallback} answers.")
        }
    }
}

/// Each load balancer that has to do with it, once.
pub(crate) fn balancers(message: &Message) -> Vec<&str> {
    let traffic = message.news.iter().flat_map(|news| &news.facts.traffic);
    let mut names: Vec<&str> = traffic.map(|traffic| traffic.balancer.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(BALANCERS_NAMED_MAX);
    names
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(text, "{line}");
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Nothing in a name can begin a line of its own, such as another header of a mail.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(SUBJECT_CHARS_MAX).collect()
}
