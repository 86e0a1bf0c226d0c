//! One question of DNS, and what its answer says.

use std::net::{Ipv4Addr, Ipv6Addr};

use domain::base::iana::{Class, Rtype};
use domain::base::{Message, MessageBuilder, Name, ParsedName};
use domain::rdata::AllRecordData;
use trimtab_model::monitor::extension::Dns;

/// Records whose data an error repeats; a server decides how many there are.
const SHOWN_MAX: usize = 5;

/// A question as it is sent, and what its answer is compared with.
#[derive(Clone, Debug)]
pub struct Question {
    message: Message<Vec<u8>>,
    rtype: Rtype,
}

/// An answer to this very question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub rcode: u8,
    /// To be asked for again over TCP.
    pub truncated: bool,
    /// The data of the records of the type that was asked for, as `dig` shows it.
    pub data: Vec<String>,
}

// === impl Question ===

impl Question {
    /// Recursion is desired, as `dig` has it: resolvers need it, authoritative servers ignore it.
    pub fn new(asked: &Dns, id: u16) -> Option<Question> {
        let name: Name<Vec<u8>> = asked.name.as_str().parse().ok()?;
        let rtype = Rtype::from_int(asked.rtype.number());
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_id(id);
        builder.header_mut().set_rd(true);
        let mut question = builder.question();
        question.push((name, rtype, Class::IN)).ok()?;
        Some(Question { message: question.into_message(), rtype })
    }

    pub fn bytes(&self) -> &[u8] {
        self.message.as_slice()
    }

    /// None when it is the answer to something else.
    ///
    /// # Errors
    /// When it is no message at all.
    pub fn answer(&self, bytes: &[u8]) -> Result<Option<Answer>, &'static str> {
        let message = Message::from_octets(bytes).map_err(|_| "it is shorter than a header")?;
        if !message.is_answer(&self.message.for_slice_ref()) && !self.is_bare_refusal(&message) {
            return Ok(None);
        }
        let header = message.header();
        Ok(Some(Answer {
            rcode: header.rcode().to_int(),
            truncated: header.tc(),
            data: self.data(&message)?,
        }))
    }

    /// A server that cannot or will not read the question need not repeat it (RFC 1035 section 7.3).
    fn is_bare_refusal(&self, message: &Message<&[u8]>) -> bool {
        let (header, counts) = (message.header(), message.header_counts());
        header.qr() && header.id() == self.message.header().id() && counts.qdcount() == 0
    }

    fn data(&self, message: &Message<&[u8]>) -> Result<Vec<String>, &'static str> {
        let answer = message.answer().map_err(|_| "its question cannot be read")?;
        // What follows a cut is not worth complaining about: it is asked for again.
        if message.header().tc() {
            return Ok(Vec::new());
        }
        let mut data = Vec::new();
        for record in answer.limit_to::<AllRecordData<_, ParsedName<_>>>() {
            let record = record.map_err(|_| "its records cannot be read")?;
            if record.rtype() == self.rtype {
                data.push(record.data().to_string());
            }
        }
        Ok(data)
    }
}

// === impl Answer ===

impl Answer {
    /// Whether one of the records says this; case, quotes and dots at the end do not matter.
    pub fn holds(&self, wanted: &str) -> bool {
        let wanted = plain(wanted);
        self.data.iter().any(|data| plain(data) == wanted)
    }

    /// For people.
    pub fn shown(&self) -> String {
        match self.data.len() {
            0 => "none".into(),
            1..=SHOWN_MAX => listed(&self.data),
            count => {
                let first = listed(self.data.get(..SHOWN_MAX).unwrap_or_default());
                format!("{first} and {} more", count - SHOWN_MAX)
            }
        }
    }
}

/// A text that is empty is shown as one, or nobody would see that there is any.
fn listed(data: &[String]) -> String {
    let shown = data.iter().map(|data| if data.is_empty() { "\"\"" } else { data });
    shown.collect::<Vec<_>>().join(", ")
}

fn plain(data: &str) -> String {
    // Addresses have many spellings.
    if let Ok(ip) = data.parse::<Ipv6Addr>() {
        return ip.to_string();
    }
    if let Ok(ip) = data.parse::<Ipv4Addr>() {
        return ip.to_string();
    }
    let words = data
        .split_whitespace()
        .map(|word| word.trim_matches('"').strip_suffix('.').unwrap_or(word.trim_matches('"')));
    words.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use domain::base::Ttl;
    use domain::base::iana::Rcode;
    use domain::rdata::{A, Cname, Mx, Txt};
    use trimtab_model::monitor::extension::{QueryType, ResponseCode};

    use super::*;

    fn asked(rtype: QueryType) -> Dns {
        let name = "www.example.com".parse().unwrap();
        Dns { name, rtype, rcode: ResponseCode::NoError, answer: None }
    }

    fn question(rtype: QueryType) -> Question {
        Question::new(&asked(rtype), 0x0102).unwrap()
    }

    fn name(text: &str) -> Name<Vec<u8>> {
        text.parse().unwrap()
    }

    /// An answer with a record of each of some types.
    fn response(question: &Question) -> Vec<u8> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_id(question.message.header().id());
        builder.header_mut().set_qr(true);
        let mut section = builder.question();
        section.push(question.message.sole_question().unwrap()).unwrap();
        let mut answer = section.answer();
        let (owner, ttl) = (name("www.example.com"), Ttl::from_secs(60));
        answer.push((&owner, ttl, Cname::new(name("web.example.com")))).unwrap();
        answer.push((&owner, ttl, A::from_octets(192, 0, 2, 1))).unwrap();
        answer.push((&owner, ttl, A::from_octets(192, 0, 2, 2))).unwrap();
        answer.push((&owner, ttl, Mx::new(10, name("mail.example.com")))).unwrap();
        answer.push((&owner, ttl, Txt::<Vec<u8>>::build_from_slice(b"v=x y").unwrap())).unwrap();
        answer.finish()
    }

    #[test]
    fn rfc_1035_4_1_1_a_question_is_asked_with_recursion_desired() {
        let bytes = question(QueryType::A).bytes().to_vec();
        assert_eq!(&bytes[..12], [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[12..], b"\x03www\x07example\x03com\x00\x00\x01\x00\x01");
    }

    #[test]
    fn records_of_the_type_that_was_asked_for_are_compared_as_people_write_them() {
        let check = |rtype, yes: &[&str], no: &[&str]| {
            let question = question(rtype);
            let answer = question.answer(&response(&question)).unwrap().unwrap();
            assert!(yes.iter().all(|wanted| answer.holds(wanted)), "{answer:?}");
            assert!(!no.iter().any(|wanted| answer.holds(wanted)), "{answer:?}");
        };
        check(QueryType::A, &["192.0.2.1", "192.0.2.2"], &["192.0.2.3", "web.example.com"]);
        check(QueryType::Cname, &["web.example.com.", "WEB.example.com"], &["192.0.2.1"]);
        check(QueryType::Mx, &["10 mail.example.com."], &["mail.example.com"]);
        check(QueryType::Txt, &["\"v=x y\"", "v=x y"], &["v=x"]);
        check(QueryType::Aaaa, &[], &["2001:db8::1"]);
    }

    #[test]
    fn answers_to_something_else_are_none() {
        let mine = question(QueryType::A);
        let good = response(&mine);
        let check = |change: &dyn Fn(&mut Vec<u8>), want| {
            let mut bytes = good.clone();
            change(&mut bytes);
            assert_eq!(mine.answer(&bytes), want, "{bytes:02x?}");
        };
        check(&|bytes| bytes[1] ^= 1, Ok(None));
        check(&|bytes| bytes[2] &= 0x7f, Ok(None));
        check(&|bytes| bytes[13] = b'x', Ok(None));
        check(&|bytes| bytes.truncate(11), Err("it is shorter than a header"));
        check(&|bytes| bytes.truncate(bytes.len() - 1), Err("its records cannot be read"));
        let refused = Answer { rcode: Rcode::REFUSED.to_int(), truncated: false, data: Vec::new() };
        let bare = [1, 2, 0x81, 5, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(mine.answer(&bare), Ok(Some(refused)));
        let cut = Answer { rcode: 0, truncated: true, data: Vec::new() };
        check(&|bytes| bytes[2] |= 2, Ok(Some(cut)));
    }

    #[test]
    fn few_records_are_shown_and_many_are_counted() {
        let shown = |count: usize| {
            let data = vec!["x".to_owned(); count];
            Answer { rcode: 0, truncated: false, data }.shown()
        };
        assert_eq!([shown(0), shown(2), shown(7)], ["none", "x, x", "x, x, x, x, x and 2 more"]);
        let data = vec![String::new()];
        assert_eq!(Answer { rcode: 0, truncated: false, data }.shown(), "\"\"");
    }
}
