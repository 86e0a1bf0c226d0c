//! A client that builds queries byte by byte and reads replies with another maker's parser.

use std::fmt::Write as _;
use std::net::SocketAddr;

use domain::base::name::ToLabelIter;
use domain::base::opt::AllOptData;
use domain::base::{Message, ParsedRecord, ToName};
use domain::rdata::AllRecordData;
use trimtab_dns::{DropReason, Facts, Outcome, Scratch, Transport, View, answer};
use trimtab_model::Moment;

pub(crate) const OPT: u16 = 41;

/// A query while it is put together.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    /// Letter case is sent as it stands.
    pub(crate) name: String,
    pub(crate) qtype: u16,
    pub(crate) qclass: u16,
    /// Payload, flags and options of an OPT record.
    pub(crate) edns: Option<(u16, u32, Vec<u8>)>,
    pub(crate) via: Transport,
    pub(crate) from: SocketAddr,
}

impl Query {
    pub(crate) fn new(name: &str, qtype: u16) -> Query {
        Query {
            id: 0xbeef,
            flags: 0,
            name: name.into(),
            qtype,
            qclass: 1,
            edns: None,
            via: Transport::Udp,
            from: "198.51.100.7:5353".parse().unwrap(),
        }
    }

    pub(crate) fn question(&self) -> Vec<u8> {
        let fields = [self.qtype.to_be_bytes(), self.qclass.to_be_bytes()].concat();
        [name(&self.name), fields].concat()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = header(self.id, self.flags, [1, 0, 0, self.edns.is_some().into()]);
        bytes.extend(self.question());
        if let Some((payload, flags, options)) = &self.edns {
            bytes.extend(record(&[0], OPT, *payload, *flags, options));
        }
        bytes
    }

    /// Sends it; every reply must be sound whatever it says.
    pub(crate) fn ask(&self, view: &View<'_>, now: Moment, dice: u64) -> (Vec<u8>, Facts) {
        let (reply, facts) = send(&self.bytes(), self.from, self.via, view, now, dice).unwrap();
        let question = self.question();
        assert_eq!(&reply[12..12 + question.len()], question, "the question comes back as sent");
        let limit = match (self.via, &self.edns) {
            (Transport::Tcp, _) => 65_535,
            (Transport::Udp, None) => 512,
            (Transport::Udp, Some((payload, ..))) => (*payload).clamp(512, 1232),
        };
        assert!(reply.len() <= limit.into(), "{} bytes of at most {limit}", reply.len());
        (reply, facts)
    }
}

/// Hands over raw bytes; what comes back is checked for what every reply must be.
pub(crate) fn send(
    query: &[u8],
    from: SocketAddr,
    via: Transport,
    view: &View<'_>,
    now: Moment,
    dice: u64,
) -> Result<(Vec<u8>, Facts), DropReason> {
    let mut out = vec![0xaa; 65_535];
    let outcome = answer(query, from, via, view, now, dice, &mut Scratch::new(), &mut out);
    match outcome {
        Outcome::Drop(reason) => Err(reason),
        Outcome::Reply { len, facts } => {
            out.truncate(len);
            check_sound(query, &out);
            Ok((out, facts))
        }
    }
}

fn check_sound(query: &[u8], reply: &[u8]) {
    assert_eq!(reply[..2], query[..2], "the id comes back");
    assert_eq!(reply[2] & !0x06, query[2] & 0x79 | 0x80, "QR; opcode and RD as sent");
    assert_eq!(reply[3] & 0xf0, 0, "RA, Z, AD and CD are clear");
    let message = Message::from_octets(reply).unwrap();
    let mut end = 12;
    for question in message.question() {
        end += usize::from(question.unwrap().qname().compose_len()) + 4;
    }
    assert!(end <= reply.len());
    let mut counted = 0;
    for (record, _) in message.iter().flatten() {
        let _: AllRecordData<_, _> = record.to_any_record().unwrap().into_data();
        counted += 1;
    }
    let counts = message.header_counts();
    let want = counts.ancount() + counts.nscount() + counts.arcount();
    assert_eq!(counted, want, "every record counted can be read");
    if message.header().tc() {
        assert_eq!(
            (counts.ancount(), counts.nscount()),
            (0, 0),
            "no part of a set that did not fit"
        );
    }
}

/// The reply as lines: code and flags, then each section's records, then the OPT record.
pub(crate) fn show(reply: &[u8]) -> String {
    let message = Message::from_octets(reply).unwrap();
    let (header, opt) = (message.header(), message.opt());
    let mut text = format!("{}", message.opt_rcode());
    for (set, word) in [(header.aa(), " aa"), (header.tc(), " tc"), (header.rd(), " rd")] {
        text.push_str(if set { word } else { "" });
    }
    let (_, answers, authorities, additionals) = message.sections().unwrap();
    for (section, records) in
        [("answer", answers), ("authority", authorities), ("additional", additionals)]
    {
        let records = records.map(Result::unwrap).filter(|r| r.rtype().to_int() != OPT);
        let mut lines: Vec<_> = records.map(|record| show_record(&record)).collect();
        for same in lines.chunk_by_mut(|a, b| is_drawn(a) && is_drawn(b)) {
            same.sort();
        }
        lines.iter().for_each(|line| write!(text, "\n{section} {line}").unwrap());
    }
    if let Some(opt) = opt {
        write!(text, "\nedns {}", opt.udp_payload_size()).unwrap();
        text.push_str(if opt.dnssec_ok() { " do" } else { "" });
        for option in opt.opt().iter::<AllOptData<_, _>>() {
            match option {
                // Of family 0 the other parser has never heard.
                Err(_) => text.push_str(" unreadable"),
                Ok(AllOptData::ClientSubnet(ecs)) => {
                    let (source, scope) = (ecs.source_prefix_len(), ecs.scope_prefix_len());
                    write!(text, " ecs={}/{source}/{scope}", ecs.addr()).unwrap();
                }
                Ok(AllOptData::Nsid(id)) => {
                    write!(text, " nsid={}", String::from_utf8_lossy(id.as_ref())).unwrap();
                }
                Ok(other) => write!(text, " {other:?}").unwrap(),
            }
        }
    }
    text
}

fn is_drawn(line: &str) -> bool {
    [" A ", " AAAA ", " MX ", " SRV "].iter().any(|kind| line.contains(kind))
}

/// A SOA record is shown without its data: a test of its own reads that.
fn show_record(record: &ParsedRecord<'_, &[u8]>) -> String {
    let (owner, ttl, rtype) = (record.owner().to_vec(), record.ttl().as_secs(), record.rtype());
    if rtype.to_int() == 6 {
        return format!("{owner} {ttl} SOA");
    }
    let data: AllRecordData<_, _> = record.to_any_record().unwrap().into_data();
    format!("{owner} {ttl} {rtype} {data}")
}

pub(crate) fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect()
}

pub(crate) fn record(owner: &[u8], rtype: u16, class: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let mut bytes = owner.to_vec();
    bytes.extend(rtype.to_be_bytes());
    bytes.extend(class.to_be_bytes());
    bytes.extend(ttl.to_be_bytes());
    bytes.extend((rdata.len() as u16).to_be_bytes());
    bytes.extend(rdata);
    bytes
}

pub(crate) fn option(code: u16, value: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), &(value.len() as u16).to_be_bytes(), value].concat()
}

/// A name of the text's labels, in its letter case; `.` is the root.
pub(crate) fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> = Vec::new();
    for label in labels {
        wire.push(label.len() as u8);
        wire.extend(label.bytes());
    }
    wire.push(0);
    wire
}
