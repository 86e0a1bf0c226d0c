//! Answers as a client sees them: text scenarios, hostile packets, and what holds for every query.
#![expect(clippy::unwrap_used, reason = "what a test calls fails like the test")]

mod client;
mod hostile;
mod limits;
mod scenario;
mod stage;
mod trail;
mod why;

use scenario::play;

#[test]
fn semantics_24_balancers_and_records_at_one_name() {
    play("precedence.scn");
}

#[test]
fn semantics_25_dns_only_answers_are_the_endpoints_that_are_up() {
    play("steered.scn");
}

#[test]
fn semantics_26_proxied_names_are_answered_with_the_node() {
    play("proxied.scn");
}

#[test]
fn semantics_27_answers_live_no_longer_than_the_decision() {
    play("ttl.scn");
}

#[test]
fn semantics_28_host_names_are_answered_by_address_or_alias() {
    play("hostnames.scn");
}

#[test]
fn semantics_24_mail_and_service_records_of_endpoints() {
    play("services.scn");
}

#[test]
fn semantics_29_client_subnets_come_back_with_the_scope_of_the_decision() {
    play("subnet.scn");
}

#[test]
fn semantics_31_records_wildcards_chains_and_denials() {
    play("records.scn");
    play("wildcards.scn");
    play("chains.scn");
}

#[test]
fn semantics_31_delegations() {
    play("delegation.scn");
}

#[test]
fn semantics_31_any_and_questions_that_no_zone_answers() {
    play("questions.scn");
}

#[test]
fn rfc6891_edns_and_rfc5001_server_ids() {
    play("edns.scn");
}
