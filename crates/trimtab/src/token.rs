//! `trimtab token`: make, list and revoke tokens of the control API.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::{Failure, Server, Token, say};
use crate::client::Client;

/// As many as the node gives at a time.
const PER_PAGE: usize = 50;

pub(crate) async fn run(verb: Token) -> Result<(), Failure> {
    match verb {
        Token::Create { name, server } => create(&name, &server).await,
        Token::List(server) => list(&server).await,
        Token::Revoke { id, server } => revoke(&id, &server).await,
    }
}

/// With every permission on everything, like the first token.
async fn create(name: &str, server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let groups = client.call(Method::GET, "/user/tokens/permission_groups", None).await?;
    let body = json!({
        "name": name,
        "policies": [{
            "effect": "allow",
            "permission_groups": groups["result"],
            "resources": {
                "com.cloudflare.api.account.*": "*",
                "com.cloudflare.api.account.zone.*": "*",
            },
        }],
    });
    let made = client.call(Method::POST, "/user/tokens", Some(&body)).await?;
    print_result(&made, server, |result| text(result, "value"));
    Ok(())
}

async fn list(server: &Server) -> Result<(), Failure> {
    let tokens = Client::new(server)?.all_pages("/user/tokens", PER_PAGE).await?;
    print_result(&json!({ "result": tokens }), server, |result| {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["NAME", "STATUS", "ISSUED", "ID"]);
        for token in result.as_array().map(Vec::as_slice).unwrap_or_default() {
            table.add_row(["name", "status", "issued_on", "id"].map(|key| text(token, key)));
        }
        table.to_string()
    });
    Ok(())
}

async fn revoke(id: &str, server: &Server) -> Result<(), Failure> {
    let path = format!("/user/tokens/{id}");
    let gone = Client::new(server)?.call(Method::DELETE, &path, None).await?;
    print_result(&gone, server, |result| format!("revoked {}", text(result, "id")));
    Ok(())
}

fn print_result(envelope: &Value, server: &Server, show: impl Fn(&Value) -> String) {
    if server.json {
        say(&envelope["result"]);
    } else {
        say(show(&envelope["result"]));
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("").to_owned()
}
