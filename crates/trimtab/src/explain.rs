//! `trimtab explain`: the steps of a decision, as the node makes it now.

use std::net::IpAddr;

use hyper::Method;
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::cli::{Exit, Explain, Failure, say};
use crate::client::Client;
use crate::demo::world::city_network;

pub(crate) async fn run(options: &Explain) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let account = client.account().await?;
    let subnet = match (&options.ecs, &options.from) {
        (Some(net), _) => Some(*net),
        (None, Some(place)) => Some(network_of(place)?),
        (None, None) => None,
    };
    let body = json!({
        "name": options.name,
        "type": options.kind,
        "ecs": subnet.map(|net| net.to_string()),
        "resolver": options.resolver.map(|ip| ip.to_string()),
    });
    let path = format!("/accounts/{account}/trimtab/explain");
    let envelope = client.call(Method::POST, &path, Some(&body)).await?;
    if options.server.json {
        say(&envelope["result"]);
    } else {
        print_steps(&envelope["result"]);
    }
    Ok(())
}

/// An address stands for its /24 or /48: what resolvers pass on (RFC 7871 section 11.1).
fn network_of(place: &str) -> Result<IpNet, Failure> {
    if let Ok(net) = place.parse::<IpNet>() {
        return Ok(net);
    }
    if let Ok(address) = place.parse::<IpAddr>() {
        let length = if address.is_ipv4() { 24 } else { 48 };
        let net =
            IpNet::new(address, length).map_err(|why| Failure::from_error(Exit::Usage, &why))?;
        return Ok(net.trunc());
    }
    city_network(place).ok_or_else(|| {
        let cities: Vec<&str> = crate::demo::world::cities().collect();
        let known = cities.join(", ");
        Failure::new(Exit::Usage, format!("--from {place}: neither an address nor one of {known}"))
    })
}

fn print_steps(result: &Value) {
    let steps = result["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, step) in steps.iter().enumerate() {
        say(format_args!("{:>2}  {}", index + 1, step["description"].as_str().unwrap_or("")));
    }
}
