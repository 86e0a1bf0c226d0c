//! `trimtab probe`: the endpoints of a pool as a monitor sees them now.

use serde_json::{Value, json};

use crate::cli::{Exit, Failure, Probe, say};
use crate::client::{Client, text};

/// What was seen of all endpoints.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

pub(crate) async fn run(options: &Probe) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let account = client.account().await?;
    let base = format!("/accounts/{account}");
    let monitor = client.find(&base, "monitors", "description", &options.monitor).await?;
    let pool = client.find(&base, "pools", "name", &options.pool).await?;
    let mut body = json!({"monitor": monitor, "pool": pool});
    for (field, value) in [("origin", &options.origin), ("pop", &options.pop)] {
        if let Some(value) = value {
            body[field] = json!(value);
        }
    }
    let mut tally = Tally::default();
    client.lines(&format!("{base}/trimtab/probe"), &body, |line| tally.take(line, options)).await?;
    match tally {
        Tally { passed: 0, failed: 0 } => {
            Err(Failure::new(Exit::Failed, "the pool has no endpoint"))
        }
        Tally { failed: 0, .. } => Ok(()),
        Tally { passed, failed } => {
            let all = passed + failed;
            Err(Failure::new(Exit::Failed, format!("{failed} of {all} endpoints fail")))
        }
    }
}

// === impl Tally ===

impl Tally {
    fn take(&mut self, line: &str, options: &Probe) -> Result<(), Failure> {
        let told: Value = serde_json::from_str(line).map_err(|why| {
            Failure::new(Exit::Failed, format!("a line of the answer is no JSON: {why}"))
        })?;
        match told["verdict"]["healthy"].as_bool() {
            Some(true) => self.passed += 1,
            Some(false) => self.failed += 1,
            None => {}
        }
        if options.server.json {
            say(line);
        } else if options.verbose {
            verbose(&told).iter().for_each(say);
        } else if told["verdict"].is_object() {
            say(brief(&told));
        }
        Ok(())
    }
}

/// One endpoint on one line.
fn brief(told: &Value) -> String {
    let verdict = &told["verdict"];
    let (name, address, rtt) =
        (text(&told["origin"]), text(&told["address"]), text(&verdict["rtt"]));
    if verdict["healthy"] == true {
        let status = match verdict["response_code"].as_u64() {
            Some(status) if status > 0 => format!("  status {status}"),
            Some(_) | None => String::new(),
        };
        return format!("pass  {name} ({address})  {rtt}{status}");
    }
    let (reason, why) = (text(&verdict["failure_reason"]), text(&told["text"]));
    format!("FAIL  {name} ({address})  {reason}: {why}")
}

/// A step on one line, and after a verdict all that is known.
fn verbose(told: &Value) -> Vec<String> {
    let at = told["at_ms"].as_f64().unwrap_or_default();
    let (name, step) = (text(&told["origin"]), text(&told["step"]));
    let verdict = &told["verdict"];
    if !verdict.is_object() {
        return vec![format!("{at:9.3} ms  {name}  {step:<10}  {}", text(&told["text"]))];
    }
    let mut lines = vec![format!("{at:9.3} ms  {}", brief(told))];
    let phases = verdict["phases"].as_object().into_iter().flatten();
    let phases: Vec<String> = phases.map(|(part, millis)| format!("{part} {millis} ms")).collect();
    lines.push(format!("              tries {}  {}", verdict["tries"], phases.join("  ")));
    if let Some(answer) = verdict["answer"].as_str() {
        lines.push(format!("              answer began with: {answer}"));
    }
    lines.push(format!("              repeat with: {}", text(&verdict["repeat"])));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(verdict: Value) -> Value {
        let mut told = json!({
            "origin": "a", "address": "192.0.2.1", "pop": "FRA", "at_ms": 12.5, "step": "verdict",
            "text": "connect: connection refused",
        });
        told["verdict"] = verdict;
        told
    }

    fn verdict(healthy: bool, code: u64) -> Value {
        json!({
            "healthy": healthy, "response_code": code, "rtt": "1.5ms", "tries": 2,
            "failure_reason": "TCP connection failed", "phases": {"connect": 1.5, "tls": 2.0},
            "answer": "\\x00", "repeat": "nc -vz -w 5 192.0.2.1 22",
        })
    }

    #[test]
    fn an_endpoint_is_a_line_of_its_own() {
        let check =
            |healthy, code, want: &str| assert_eq!(brief(&told(verdict(healthy, code))), want);
        check(true, 0, "pass  a (192.0.2.1)  1.5ms");
        check(true, 204, "pass  a (192.0.2.1)  1.5ms  status 204");
        let failed = "FAIL  a (192.0.2.1)  TCP connection failed: connect: connection refused";
        check(false, 0, failed);
    }

    #[test]
    fn every_step_is_a_line_and_a_verdict_is_told_in_full() {
        let step = json!({"origin": "a", "at_ms": 0.25, "step": "sent", "text": "HELO me"});
        assert_eq!(verbose(&step), ["    0.250 ms  a  sent        HELO me"]);
        let want = [
            "   12.500 ms  FAIL  a (192.0.2.1)  TCP connection failed: connect: connection refused",
            "              tries 2  connect 1.5 ms  tls 2.0 ms",
            r"              answer began with: \x00",
            "              repeat with: nc -vz -w 5 192.0.2.1 22",
        ];
        assert_eq!(verbose(&told(verdict(false, 0))), want);
    }
}
