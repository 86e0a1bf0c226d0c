//! The examples that operators read are expressions, and the limits they read are those that hold.

use trimtab_expr::{CHARACTERS_MAX, NESTING_MAX, parse};

const RULES: &str = include_str!("../../../docs/rules.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    RULES.split(&fence).skip(1).filter_map(|behind| behind.split("```").next()).collect()
}

#[test]
fn every_example_is_an_expression() {
    let examples = blocks("expr");
    assert!(examples.len() >= 8, "{}", examples.len());
    for example in examples {
        if let Err(refused) = parse(example) {
            panic!("{refused}");
        }
    }
}

#[test]
fn the_refusal_shown_is_the_one_given() {
    for shown in blocks("text") {
        let source = shown.lines().nth(1).unwrap();
        assert_eq!(parse(source).unwrap_err().to_string(), shown.trim_end());
    }
}

#[test]
fn every_field_of_the_table_is_known() {
    let table = RULES.split("\n## ").find(|part| part.starts_with("Fields")).unwrap();
    let rows = table.lines().filter(|line| {
        ["| `cf.", "| `ip.", "| `dns.", "| `http."].iter().any(|begin| line.starts_with(begin))
    });
    let fields: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(fields.len(), 22);
    for field in fields {
        let indexed = ["", " eq 1", " eq \"a\"", " eq ::1", "[0] eq \"a\"", "[\"a\"][0] eq \"a\""];
        let readable = indexed.iter().any(|rest| parse(&format!("{field}{rest}")).is_ok());
        assert!(readable, "{field}");
    }
}

#[test]
fn limits_are_those_that_hold() {
    assert!(RULES.contains(&format!("| condition | {CHARACTERS_MAX} characters |")));
    assert!(RULES.contains(&format!("calls inside of each other | {NESTING_MAX} |")));
}
