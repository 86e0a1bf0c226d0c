//! Random expressions over random facts: printed and read back, and evaluated twice, in two ways.

mod functions;
mod generator;
mod reference;
mod request;

use proptest::prelude::*;

use crate::ast::Expr;
use crate::expression::{CHARACTERS_MAX, Expression, parse};
use generator::{Dice, condition};
use request::Sample;

/// Of expressions, each over several facts.
const EXPRESSIONS: u64 = 4_000;
const FACTS_EACH: u64 = 8;

fn read(expr: &Expr) -> Expression {
    let text = expr.to_string();
    parse(&text).unwrap_or_else(|refused| panic!("{refused}"))
}

#[test]
fn evaluation_is_that_of_the_obvious_evaluator() {
    let (mut held, mut compared) = (0_u64, 0_u64);
    for seed in 0..EXPRESSIONS {
        let mut dice = Dice::new(seed);
        let expr = condition(&mut dice, 3);
        let expression = read(&expr);
        for _ in 0..FACTS_EACH {
            let sample = Sample::new(&mut dice);
            let expected = reference::holds(&expr, &sample);
            let found = sample.with(|facts| expression.matches(facts));
            assert_eq!(found, expected, "{expr}\n{sample:?}");
            held = held.saturating_add(found.into());
            compared = compared.saturating_add(1);
        }
    }
    // Were nearly all of one kind, little would have been compared.
    assert!((compared / 5..compared / 5 * 4).contains(&held), "{held} of {compared} hold");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_printed_is_read_as_the_same(seed: u64, depth in 0_u32..5) {
        let expr = condition(&mut Dice::new(seed), depth);
        let text = expr.to_string();
        if text.chars().count() <= CHARACTERS_MAX {
            let again = parse(&text).map_err(|refused| TestCaseError::fail(refused.to_string()))?;
            prop_assert_eq!(again.expr(), Some(&expr), "{}", text);
            prop_assert_eq!(again.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&String::from_utf8_lossy(&bytes)));
    }

    /// Text that is nearly an expression goes further in.
    #[test]
    fn semantics_23_no_broken_expression_panics(
        seed: u64,
        at in any::<prop::sample::Index>(),
        piece in "[ -~]{0,3}|\\[\\*\\]|r#*\"|\\\\x|\\.\\.|é|\\n",
        remove in 0_usize..4,
    ) {
        let mut dice = Dice::new(seed);
        let mut text: Vec<char> = condition(&mut dice, 2).to_string().chars().collect();
        let at = at.index(text.len());
        let end = at.saturating_add(remove).min(text.len());
        text.splice(at..end, piece.chars());
        let text: String = text.into_iter().collect();
        match parse(&text) {
            Ok(expression) => drop(Sample::new(&mut dice).with(|facts| expression.matches(facts))),
            Err(refused) => {
                prop_assert!(refused.span.start <= refused.span.end);
                prop_assert!(text.get(refused.span.start..).is_some(), "{}", refused);
                prop_assert!(refused.to_string().starts_with("Filter parsing error ("));
            }
        }
    }
}
