//! The language again, in the most obvious way: every value owned, every array collected.

use std::cmp::Ordering;
use std::net::IpAddr;

use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;

use super::functions::{apply, split, text_of};
use super::request::{Http, Kind, Sample, VERSION};
use crate::ast::{
    Addresses, Argument, Case, Expr, Index, Logic, Quantifier, Relation, Test, Value,
};
use crate::function::Function;

type Lines = Vec<(Vec<u8>, Vec<u8>)>;
pub(super) type Items = Vec<Option<One>>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum One {
    Text(Vec<u8>),
    Number(i64),
    Address(IpAddr),
    Flag(bool),
}

/// `None` is absent, everywhere.
#[derive(Clone, Debug)]
pub(super) enum Got {
    One(Option<One>),
    List(Option<Items>),
    Star(Option<Items>),
    Map(Option<Lines>),
    MapStar(Option<Lines>),
}

enum Truth {
    One(bool),
    Each(Option<Vec<bool>>),
}

pub(super) fn holds(expr: &Expr, sample: &Sample) -> bool {
    match truth(expr, sample) {
        Truth::One(holds) => holds,
        Truth::Each(_) => panic!("{expr} is no condition"),
    }
}

fn truth(expr: &Expr, sample: &Sample) -> Truth {
    match expr {
        Expr::Not(inner) => match truth(inner, sample) {
            Truth::One(holds) => Truth::One(!holds),
            Truth::Each(each) => {
                Truth::Each(Some(each.unwrap_or(vec![]).into_iter().map(|holds| !holds).collect()))
            }
        },
        Expr::Logic(logic, operands) => {
            let mut truths = operands.iter().map(|operand| truth(operand, sample));
            let first = truths.next().unwrap();
            truths.fold(first, |left, right| match (left, right) {
                (Truth::One(left), Truth::One(right)) => Truth::One(both(*logic, left, right)),
                (Truth::Each(left), Truth::Each(right)) => {
                    let (left, right) = (left.unwrap_or(vec![]), right.unwrap_or(vec![]));
                    assert_eq!(left.len(), right.len());
                    let pairs = left.into_iter().zip(right);
                    Truth::Each(Some(pairs.map(|(a, b)| both(*logic, a, b)).collect()))
                }
                _ => panic!("{expr} is of two kinds"),
            })
        }
        Expr::Compare(of, test) => match value(of, sample) {
            Got::One(one) => Truth::One(passes(one, test)),
            Got::Star(items) => Truth::Each(Some(
                items.unwrap_or(vec![]).into_iter().map(|item| passes(item, test)).collect(),
            )),
            Got::List(items) => Truth::Each(
                items.map(|items| items.into_iter().map(|item| passes(item, test)).collect()),
            ),
            Got::Map(_) | Got::MapStar(_) => panic!("{expr} compares a map"),
        },
    }
}

fn both(logic: Logic, left: bool, right: bool) -> bool {
    match logic {
        Logic::Or => left || right,
        Logic::Xor => left != right,
        Logic::And => left && right,
    }
}

fn passes(one: Option<One>, test: &Test) -> bool {
    let Some(one) = one else { return false };
    match (one, test) {
        (One::Flag(flag), Test::IsTrue) => flag,
        (One::Text(text), Test::Text(relation, with)) => related(*relation, text.cmp(with)),
        (One::Text(text), Test::Contains(needle)) => {
            needle.is_empty() || text.windows(needle.len()).any(|window| window == needle)
        }
        (One::Text(text), Test::Matches(pattern)) => matches(pattern, &text),
        (One::Text(text), Test::Wildcard(Case::Sensitive, pattern)) => wild(pattern, &text),
        (One::Text(text), Test::Wildcard(Case::Insensitive, pattern)) => {
            wild(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
        }
        (One::Text(text), Test::InTexts(items)) => items.contains(&text),
        (One::Number(number), Test::Number(relation, with)) => related(*relation, number.cmp(with)),
        (One::Number(number), Test::BitwiseAnd(bits)) => number & bits != 0,
        (One::Number(number), Test::InNumbers(items)) => {
            items.iter().any(|(first, last)| (first..=last).contains(&&number))
        }
        (One::Address(address), Test::Address(relation, with)) => {
            match address.is_ipv4() == with.is_ipv4() {
                true => related(*relation, address.cmp(with)),
                false => *relation == Relation::Ne,
            }
        }
        (One::Address(address), Test::InAddresses(items)) => {
            items.iter().any(|item| in_item(address, *item))
        }
        (one, test) => panic!("{one:?}{test}"),
    }
}

fn related(relation: Relation, order: Ordering) -> bool {
    match relation {
        Relation::Eq => order == Ordering::Equal,
        Relation::Ne => order != Ordering::Equal,
        Relation::Lt => order == Ordering::Less,
        Relation::Le => order != Ordering::Greater,
        Relation::Gt => order == Ordering::Greater,
        Relation::Ge => order != Ordering::Less,
    }
}

fn matches(pattern: &str, text: &[u8]) -> bool {
    let bytes = syntax::Config::new().unicode(false).utf8(false);
    let thompson = thompson::Config::new().utf8(false);
    let machine = PikeVM::builder().syntax(bytes).thompson(thompson).build(pattern).unwrap();
    machine.is_match(&mut machine.create_cache(), text)
}

fn wild(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|at| wild(rest, &text[at..])),
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
            text.first() == Some(byte) && wild(rest, &text[1..])
        }
    }
}

fn in_item(address: IpAddr, item: Addresses) -> bool {
    match item {
        Addresses::One(one) => address == one,
        Addresses::Range(first, last) => {
            address.is_ipv4() == first.is_ipv4() && first <= address && address <= last
        }
        Addresses::Network(network, length) => {
            let (address, network) = (bits(address), bits(network));
            let length = usize::from(length);
            address.len() == network.len() && address[..length] == network[..length]
        }
    }
}

fn bits(address: IpAddr) -> Vec<bool> {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0)).collect()
}

fn value(of: &Value, sample: &Sample) -> Got {
    match of {
        Value::Field(known) => field(known.name, sample),
        Value::Quantified(quantifier, expr) => {
            let Truth::Each(each) = truth(expr, sample) else { panic!("{of} has no elements") };
            Got::One(Some(One::Flag(each.is_some_and(|each| match quantifier {
                Quantifier::Any => each.contains(&true),
                Quantifier::All => !each.contains(&false),
            }))))
        }
        Value::Index(inner, index) => indexed(value(inner, sample), index),
        Value::Call(function, arguments) => {
            let arguments: Vec<Got> = arguments.iter().map(|a| argument(a, sample)).collect();
            called(*function, &arguments)
        }
    }
}

fn argument(argument: &Argument, sample: &Sample) -> Got {
    match argument {
        Argument::Value(of) => value(of, sample),
        Argument::Text(text) => Got::One(Some(One::Text(text.clone()))),
        Argument::Number(number) => Got::One(Some(One::Number(*number))),
    }
}

fn indexed(got: Got, index: &Index) -> Got {
    match (got, index) {
        (Got::Map(lines), Index::Key(key)) => {
            let values = lines.map(|lines| {
                let of_key = lines.into_iter().filter(|(name, _)| name == key);
                of_key.map(|(_, value)| Some(One::Text(value))).collect::<Items>()
            });
            Got::List(values.filter(|values| !values.is_empty()))
        }
        (Got::Map(lines), Index::Each) => Got::MapStar(lines),
        (Got::MapStar(lines), Index::Each) => Got::Star(
            lines.map(|lines| lines.into_iter().map(|(_, value)| Some(One::Text(value))).collect()),
        ),
        (Got::MapStar(lines), Index::Nth(place)) => Got::Star(lines.map(|lines| {
            let nth = |at: &usize| {
                let same = lines[..*at].iter().filter(|(name, _)| *name == lines[*at].0);
                same.count() == *place as usize
            };
            let wanted = (0..lines.len()).filter(nth);
            wanted.map(|at| Some(One::Text(lines[at].1.clone()))).collect()
        })),
        (Got::List(items), Index::Each) => Got::Star(items),
        (Got::List(items), Index::Nth(place)) => {
            Got::One(items.and_then(|items| items.get(*place as usize).cloned().flatten()))
        }
        (got, index) => panic!("{got:?}[{index}]"),
    }
}

fn called(function: Function, arguments: &[Got]) -> Got {
    let (first, others) = arguments.split_first().unwrap();
    match (function, first) {
        (Function::Len, Got::List(items)) => {
            Got::One(items.as_ref().map(|items| One::Number(items.len() as i64)))
        }
        (Function::Join, Got::List(items)) => Got::One(items.as_ref().map(|items| {
            let texts: Vec<Vec<u8>> = items.iter().flatten().cloned().map(text_of).collect();
            One::Text(texts.join(super::functions::text(&others[0]).unwrap().as_slice()))
        })),
        (Function::Concat, Got::List(_)) => {
            let lists = arguments.iter().filter_map(|argument| match argument {
                Got::List(items) => items.clone(),
                other => panic!("{other:?} is no list"),
            });
            let lists: Vec<Items> = lists.collect();
            let joined = lists.concat().into_iter().filter(Option::is_some).collect();
            Got::List(if lists.is_empty() { None } else { Some(joined) })
        }
        (Function::Split, Got::One(of)) => {
            Got::List(of.clone().map(|of| split(text_of(of), others)))
        }
        (_, Got::One(of)) => Got::One(apply(function, of.clone(), others)),
        (_, Got::Star(items)) => Got::List(items.as_ref().map(|items| {
            let made = items.iter().map(|item| apply(function, item.clone(), others));
            made.collect()
        })),
        (_, first) => panic!("{}({first:?})", function.name()),
    }
}

fn field(name: &str, sample: &Sample) -> Got {
    let text = |text: &str| Got::One(Some(One::Text(text.into())));
    let number = |number: i64| Got::One(Some(One::Number(number)));
    let flag = |flag: bool| Got::One(Some(One::Flag(flag)));
    match name {
        "cf.load_balancer.name" => return text(sample.balancer),
        "cf.load_balancer.region" => return text(sample.region),
        "ip.src" => return Got::One(Some(One::Address(sample.source))),
        "ip.src.asnum" => return Got::One(sample.asn.map(|asn| One::Number(asn.into()))),
        _ => {}
    }
    match (&sample.request, name) {
        (Kind::Dns { name, .. }, "dns.qry.name") => text(name),
        (Kind::Dns { name, .. }, "dns.qry.name.len") => number(name.len() as i64),
        (Kind::Dns { qtype, .. }, "dns.qry.type") => number((*qtype).into()),
        (Kind::Dns { is_question, .. }, "dns.qry.qu") => flag(*is_question),
        (Kind::Dns { client_subnet, .. }, "dns.rr.opt.client") => flag(client_subnet.is_some()),
        (Kind::Dns { client_subnet: Some(address), .. }, "dns.rr.opt.client.addr") => {
            text(&address.to_string())
        }
        (Kind::Http(http), _) if name.starts_with("http.") => http_field(name, http),
        (_, "http.request.headers" | "http.request.uri.args") => Got::Map(None),
        (_, "http.request.uri.args.names" | "http.request.uri.args.values") => Got::List(None),
        _ => Got::One(None),
    }
}

fn http_field(name: &str, http: &Http) -> Got {
    let lines = |wanted: &'static str| {
        let lines = http.headers.iter().filter(move |(name, _)| *name == wanted);
        lines.map(|(_, value)| value.to_vec())
    };
    let text = match name {
        "http.cookie" => {
            let lines: Vec<Vec<u8>> = lines("cookie").collect();
            if lines.is_empty() { None } else { Some(lines.join(&b"; "[..])) }
        }
        "http.host" => Some(http.host.into()),
        "http.referer" => lines("referer").next(),
        "http.request.method" => Some(http.method.into()),
        "http.request.uri" => Some(http.uri().into()),
        "http.request.uri.path" => Some(http.path.into()),
        "http.request.uri.query" => Some(http.query.clone().unwrap_or_default().into()),
        "http.request.version" => Some(VERSION.into()),
        "http.request.timestamp.sec" => return Got::One(Some(One::Number(http.timestamp))),
        "http.request.headers" => {
            let own = |(name, value): &(&str, &[u8])| (name.as_bytes().to_vec(), value.to_vec());
            return Got::Map(Some(http.headers.iter().map(own).collect()));
        }
        "http.request.uri.args" => return Got::Map(Some(args(http))),
        "http.request.uri.args.names" => {
            return Got::List(Some(
                args(http).into_iter().map(|(k, _)| Some(One::Text(k))).collect(),
            ));
        }
        "http.request.uri.args.values" => {
            return Got::List(Some(
                args(http).into_iter().map(|(_, v)| Some(One::Text(v))).collect(),
            ));
        }
        _ => panic!("{name} is new"),
    };
    Got::One(text.map(One::Text))
}

fn args(http: &Http) -> Lines {
    let query = http.query.clone().unwrap_or_default();
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(k, v)| (k.into(), v.into()))
        .collect()
}
