//! The OpenAPI document is committed, and is the one that this code makes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::handlers;
use crate::openapi::document;

/// Set it to write the file anew.
const UPDATE: &str = "UPDATE_OPENAPI";

fn refs(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(name) if key == "$ref" => {
                        found.insert(name.clone());
                    }
                    _ => refs(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_committed_document_is_the_one_that_the_routes_make() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/v1.json");
    let made = document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == made, "{} is old; {UPDATE}=1 writes it anew", path.display());
}

#[test]
fn everything_that_is_referred_to_is_there() {
    let made = serde_json::to_value(document()).unwrap();
    let mut found = BTreeSet::new();
    refs(&made, &mut found);
    for name in found {
        let pointer = name.strip_prefix('#').unwrap();
        assert!(made.pointer(pointer).is_some(), "{name} is nowhere");
    }
}

#[test]
fn every_route_is_described_and_has_a_name_of_its_own() {
    let made = serde_json::to_value(document()).unwrap();
    let mut names = BTreeSet::new();
    let mut operations = 0;
    for (path, item) in made["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["summary"].as_str().is_some_and(|s| !s.is_empty()),
                "{method} {path}"
            );
            assert!(names.insert(operation["operationId"].to_string()), "{method} {path}");
            operations += 1;
        }
    }
    assert_eq!(operations, handlers::routes().len());
}
