//! Expressions that are right by their types, and nothing but random otherwise.

use std::net::IpAddr;

use crate::ast::{
    Addresses, Argument, Case, Expr, Index, Logic, Quantifier, Relation, Test, Value,
};
use crate::function::Function;
use crate::scheme::{FIELDS, Field, Known, MapField, Scalar};

/// The same numbers for the same seed (splitmix64).
pub(super) struct Dice(u64);

const TEXTS: [&[u8]; 14] = [
    b"a",
    b"b",
    b"ab",
    b"Ab",
    b"",
    b"abc",
    b"lb.example.com",
    b"ENAM",
    b"example.com.",
    b"GET",
    b"\xff",
    "é".as_bytes(),
    b"\"\\#\n\x7f",
    b"192.0.2.1",
];
const NUMBERS: [i64; 8] = [0, 1, 2, 28, -1, 65_000, i64::MIN, i64::MAX];
const PATTERNS: [&str; 9] =
    ["a", "^a", "b$", "a.c", "", "[ab]+c", "(?i)AB", "\"#a|\\d", "(?u)^.$|\\bé\\b"];
const WILDCARDS: [&[u8]; 7] = [b"*", b"a*", b"*B", b"A*b*", br"\*a", b"", b"*.*"];
const ADDRESSES: [&str; 6] =
    ["192.0.2.1", "192.0.2.200", "198.51.100.7", "2001:db8::1", "2001:db8:0:1::", "::1"];

/// A condition that is `depth` levels deep at most.
pub(super) fn condition(dice: &mut Dice, depth: u32) -> Expr {
    clause(dice, depth, None)
}

/// With `star`, a condition of each of its elements.
fn clause(dice: &mut Dice, depth: u32, star: Option<&Value>) -> Expr {
    let less = depth.saturating_sub(1);
    match dice.below(if depth == 0 { 4 } else { 10 }) {
        0..4 => comparison(dice, less, star),
        4 | 5 if star.is_none() => Expr::Compare(quantified(dice, less), Test::IsTrue),
        6 => Expr::Not(Box::new(clause(dice, less, star))),
        _ => {
            let operands = (0..2 + dice.below(2)).map(|_| clause(dice, less, star)).collect();
            Expr::Logic(dice.one(&[Logic::Or, Logic::Xor, Logic::And]), operands)
        }
    }
}

fn quantified(dice: &mut Dice, depth: u32) -> Value {
    let star = star(dice, depth);
    let quantifier = dice.one(&[Quantifier::Any, Quantifier::All]);
    let inner = match dice.below(5) {
        // The array itself, without its star.
        0 => {
            let call = affix(dice, depth, star);
            Expr::Compare(call, Test::IsTrue)
        }
        _ => clause(dice, depth, Some(&star)),
    };
    Value::Quantified(quantifier, Box::new(inner))
}

fn comparison(dice: &mut Dice, depth: u32, star: Option<&Value>) -> Expr {
    let of = match star {
        None => dice.one(&[Scalar::String, Scalar::String, Scalar::Int, Scalar::Ip, Scalar::Bool]),
        Some(_) => dice.one(&[Scalar::String, Scalar::String, Scalar::Int, Scalar::Bool]),
    };
    let value = match star {
        None => single(dice, depth, of),
        Some(star) => of_each(dice, depth, of, star),
    };
    Expr::Compare(value, test(dice, of))
}

fn test(dice: &mut Dice, of: Scalar) -> Test {
    let relation = dice.one(&RELATIONS);
    let items = dice.below(4);
    match (of, dice.below(7)) {
        (Scalar::Bool, _) => Test::IsTrue,
        (Scalar::String, 0) => Test::Contains(dice.text()),
        (Scalar::String, 1) => Test::Matches(dice.one(&PATTERNS).into()),
        (Scalar::String, 2) => {
            let case = dice.one(&[Case::Sensitive, Case::Insensitive]);
            Test::Wildcard(case, dice.one(&WILDCARDS).to_vec())
        }
        (Scalar::String, 3) => Test::InTexts((0..items).map(|_| dice.text()).collect()),
        (Scalar::String, _) => Test::Text(relation, dice.text()),
        (Scalar::Int, 0) => Test::BitwiseAnd(dice.one(&NUMBERS)),
        (Scalar::Int, 1 | 2) => Test::InNumbers((0..items).map(|_| dice.numbers()).collect()),
        (Scalar::Int, _) => Test::Number(relation, dice.one(&NUMBERS)),
        (Scalar::Ip, 0..3) => Test::InAddresses((0..items).map(|_| dice.addresses()).collect()),
        (Scalar::Ip, _) => Test::Address(relation, dice.address()),
    }
}

const RELATIONS: [Relation; 6] =
    [Relation::Eq, Relation::Ne, Relation::Lt, Relation::Le, Relation::Gt, Relation::Ge];

fn single(dice: &mut Dice, depth: u32, of: Scalar) -> Value {
    let less = depth.saturating_sub(1);
    if depth == 0 || dice.chance() {
        return field(dice, of);
    }
    match of {
        Scalar::String if dice.chance() => index(array(dice, less), Index::Nth(dice.below(3))),
        Scalar::String => text_call(dice, less),
        Scalar::Int => match dice.below(3) {
            0 => call(Function::Len, [array(dice, less)], []),
            1 => {
                let star = star(dice, less);
                index(call(Function::Len, [star], []), Index::Nth(dice.below(2)))
            }
            _ => {
                let of = single(dice, less, Scalar::String);
                call(Function::Len, [of], [])
            }
        },
        Scalar::Ip => {
            let bits = |most: u32, dice: &mut Dice| Argument::Number((1 + dice.below(most)).into());
            let bits = [bits(32, dice), bits(128, dice)];
            call(Function::Cidr, [field(dice, Scalar::Ip)], bits)
        }
        Scalar::Bool => match dice.below(3) {
            0 => quantified(dice, less),
            1 => {
                let star = star(dice, less);
                index(affix(dice, less, star), Index::Nth(dice.below(2)))
            }
            _ => {
                let of = single(dice, less, Scalar::String);
                affix(dice, less, of)
            }
        },
    }
}

fn text_call(dice: &mut Dice, depth: u32) -> Value {
    match dice.below(4) {
        0 => {
            let of = dice.one(&[Scalar::Int, Scalar::Ip, Scalar::Bool]);
            call(Function::ToString, [single(dice, depth, of)], [])
        }
        1 => {
            let separator = dice.one(&[&b","[..], b"ab"]).to_vec();
            call(Function::Join, [array(dice, depth)], [Argument::Text(separator)])
        }
        2 => {
            // Whole documents only: what is behind the value is not looked at.
            let document = index(key(dice), Index::Nth(dice.below(2)));
            call(Function::LookupJsonString, [document], path(dice))
        }
        _ => {
            let of = single(dice, depth, Scalar::String);
            of_text(dice, depth, of)
        }
    }
}

/// A String made of a String, or of each of several.
fn of_text(dice: &mut Dice, depth: u32, of: Value) -> Value {
    match dice.below(7) {
        0 => call(Function::Lower, [of], []),
        1 => call(Function::Upper, [of], []),
        2 => {
            let parts = (0..=dice.below(2)).map(|_| argument(dice, depth));
            let parts: Vec<Argument> = parts.collect();
            call(Function::Concat, [of], parts)
        }
        3 => {
            let places = (0..=dice.below(2)).map(|_| Argument::Number(dice.one(&NUMBERS)));
            let places: Vec<Argument> = places.collect();
            call(Function::Substring, [of], places)
        }
        4 => {
            let options = dice.one(&[None, Some(&b"r"[..]), Some(b"u"), Some(b"ur")]);
            call(Function::UrlDecode, [of], options.map(|o| Argument::Text(o.to_vec())))
        }
        5 => call(Function::DecodeBase64, [of], []),
        _ => call(Function::RemoveBytes, [of], [argument(dice, depth)]),
    }
}

fn affix(dice: &mut Dice, depth: u32, of: Value) -> Value {
    let function = dice.one(&[Function::StartsWith, Function::EndsWith]);
    call(function, [of], [argument(dice, depth)])
}

fn argument(dice: &mut Dice, depth: u32) -> Argument {
    match dice.below(3) {
        0 => Argument::Value(single(dice, depth, Scalar::String)),
        _ => Argument::Text(dice.text()),
    }
}

/// A value for each element of `star`, behind a star of its own when it is a call.
fn of_each(dice: &mut Dice, depth: u32, of: Scalar, star: &Value) -> Value {
    let star = star.clone();
    let called = match of {
        Scalar::String if depth == 0 || dice.chance() => return star,
        Scalar::String => of_text(dice, depth, star),
        Scalar::Int if is_of_call(&star) || dice.chance() => call(Function::Len, [star], []),
        // Whole documents only, as above.
        Scalar::Int => call(Function::LookupJsonInteger, [star], path(dice)),
        Scalar::Bool | Scalar::Ip => affix(dice, depth, star),
    };
    match of {
        Scalar::Bool if dice.chance() => called,
        _ => index(called, Index::Each),
    }
}

fn is_of_call(value: &Value) -> bool {
    match value {
        Value::Index(inner, _) => is_of_call(inner),
        Value::Call(..) => true,
        Value::Field(_) | Value::Quantified(..) => false,
    }
}

fn array(dice: &mut Dice, depth: u32) -> Value {
    let less = depth.saturating_sub(1);
    match dice.below(if depth == 0 { 3 } else { 6 }) {
        0 => {
            let array = dice.one(&["http.request.uri.args.names", "http.request.uri.args.values"]);
            Value::Field(Known::find(array).unwrap())
        }
        1 | 2 => key(dice),
        3 => {
            let text = single(dice, less, Scalar::String);
            let separator = dice.one(&[&b","[..], b"a"]).to_vec();
            let limit = Argument::Number(dice.one(&[1, 2, 3, 128]));
            call(Function::Split, [text], [Argument::Text(separator), limit])
        }
        4 => {
            let second = Argument::Value(array(dice, less));
            call(Function::Concat, [array(dice, less)], [second])
        }
        _ => {
            let star = star(dice, less);
            of_text(dice, less, star)
        }
    }
}

fn key(dice: &mut Dice) -> Value {
    let name = dice.one(&["a", "b", "cookie", "A"]);
    index(Value::Field(map(dice)), Index::Key(name.into()))
}

/// Something with `[*]` that has strings for elements.
fn star(dice: &mut Dice, depth: u32) -> Value {
    match dice.below(4) {
        0 => {
            let every = index(Value::Field(map(dice)), Index::Each);
            let inner = if dice.chance() { Index::Each } else { Index::Nth(dice.below(2)) };
            index(every, inner)
        }
        _ => index(array(dice, depth), Index::Each),
    }
}

fn map(dice: &mut Dice) -> &'static Known {
    let wanted = dice.one(&[Field::Map(MapField::Headers), Field::Map(MapField::Args)]);
    let name = FIELDS.iter().find(|known| known.field == wanted).unwrap().name;
    Known::find(name).unwrap()
}

fn field(dice: &mut Dice, of: Scalar) -> Value {
    let fields = FIELDS.iter().filter(|known| match known.field {
        Field::Text(_) => of == Scalar::String,
        Field::Number(_) => of == Scalar::Int,
        Field::Flag(_) => of == Scalar::Bool,
        Field::Source => of == Scalar::Ip,
        Field::Array(_) | Field::Map(_) => false,
    });
    let names: Vec<&'static str> = fields.map(|known| known.name).collect();
    Value::Field(Known::find(dice.one(&names)).unwrap())
}

fn path(dice: &mut Dice) -> Vec<Argument> {
    let step = |dice: &mut Dice| match dice.chance() {
        true => Argument::Text(dice.one(&["a", "b"]).into()),
        false => Argument::Number(dice.below(4).into()),
    };
    (0..=dice.below(2)).map(|_| step(dice)).collect()
}

fn index(value: Value, index: Index) -> Value {
    Value::Index(Box::new(value), index)
}

fn call(
    function: Function,
    first: [Value; 1],
    others: impl IntoIterator<Item = Argument>,
) -> Value {
    Value::Call(function, first.into_iter().map(Argument::Value).chain(others).collect())
}

// === impl Dice ===

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(limit)).unwrap()
    }

    pub(super) fn chance(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len().try_into().unwrap()) as usize]
    }

    pub(super) fn address(&mut self) -> IpAddr {
        self.one(&ADDRESSES).parse().unwrap()
    }

    fn text(&mut self) -> Vec<u8> {
        self.one(&TEXTS).to_vec()
    }

    fn numbers(&mut self) -> (i64, i64) {
        let (a, b) = (self.one(&NUMBERS), self.one(&NUMBERS));
        (a.min(b), a.max(b))
    }

    fn addresses(&mut self) -> Addresses {
        match self.below(4) {
            0 => Addresses::Network("192.0.2.0".parse().unwrap(), 24),
            1 => Addresses::Network("2001:db8::".parse().unwrap(), 32 + self.below(64) as u8),
            2 => Addresses::Range("192.0.2.1".parse().unwrap(), "198.51.100.0".parse().unwrap()),
            _ => Addresses::One(self.address()),
        }
    }
}
