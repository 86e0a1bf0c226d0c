//! How each record type looks in the API, and the numbers of its refusals.

use trimtab_model::RecordType;

/// Chained under the DNS service's one code for all refusals.
pub mod code {
    pub const NAME: u32 = 9000;
    pub const PROXIED: u32 = 9003;
    pub const NOT_PROXIABLE: u32 = 9004;
    pub const CONTENT_A: u32 = 9005;
    pub const CONTENT_AAAA: u32 = 9006;
    pub const CONTENT_CNAME: u32 = 9007;
    pub const TTL: u32 = 9021;
}

/// How records of one type look in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The API gives its data as an object too.
    pub data: bool,
    /// `priority` is a field of the record.
    pub priority: bool,
    /// An HTTP proxy can stand in for it.
    pub proxiable: bool,
    /// The code under which bad content is refused.
    pub content_code: Option<u32>,
}

// === impl Form ===

impl Form {
    const PLAIN: Form = Form { data: false, priority: false, proxiable: false, content_code: None };
    const DATA: Form = Form { data: true, ..Form::PLAIN };

    const fn address(code: u32) -> Form {
        Form { proxiable: true, content_code: Some(code), ..Form::PLAIN }
    }

    pub const fn of(kind: RecordType) -> Form {
        match kind {
            RecordType::A => Form::address(code::CONTENT_A),
            RecordType::Aaaa => Form::address(code::CONTENT_AAAA),
            RecordType::Cname => Form::address(code::CONTENT_CNAME),
            RecordType::Mx => Form { priority: true, ..Form::PLAIN },
            RecordType::Uri => Form { priority: true, ..Form::DATA },
            RecordType::Ns | RecordType::Openpgpkey | RecordType::Ptr | RecordType::Txt => {
                Form::PLAIN
            }
            RecordType::Caa
            | RecordType::Cert
            | RecordType::Dnskey
            | RecordType::Ds
            | RecordType::Https
            | RecordType::Loc
            | RecordType::Naptr
            | RecordType::Smimea
            | RecordType::Srv
            | RecordType::Sshfp
            | RecordType::Svcb
            | RecordType::Tlsa => Form::DATA,
        }
    }
}
