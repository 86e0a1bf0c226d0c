//! The fields of each record type, in the order of the wire, which is that of the text: one table.

use trimtab_model::RecordType;

/// One field: its name in a `data` object and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

/// How a field is written in text and on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Ipv4,
    Ipv6,
    U8,
    U16,
    /// A DNSSEC algorithm: a number, or its mnemonic.
    Algorithm,
    /// A certificate type of RFC 4398 section 2.1: a number, or its mnemonic.
    CertType,
    Name,
    /// Letters and digits behind their length.
    Tag,
    /// One string behind its length.
    Text,
    /// Strings up to the end, each behind its length.
    Texts,
    /// One string up to the end.
    RestText,
    RestHex,
    RestBase64,
    /// RFC 9460 section 2.1.
    ServiceParams,
    /// All of RFC 1876.
    Location,
}

use Shape::{
    Algorithm, CertType, Ipv4, Ipv6, Location, Name, RestBase64, RestHex, RestText, ServiceParams,
    Tag, Text, Texts, U8, U16,
};

const IPV4: &[Field] = &[field("address", Ipv4)];
const IPV6: &[Field] = &[field("address", Ipv6)];
const HOST: &[Field] = &[field("target", Name)];
const MX: &[Field] = &[field("priority", U16), field("target", Name)];
const TXT: &[Field] = &[field("text", Texts)];
const KEY: &[Field] = &[field("public_key", RestBase64)];
const LOC: &[Field] = &[field("location", Location)];
const CAA: &[Field] = &[field("flags", U8), field("tag", Tag), field("value", RestText)];
const CERT: &[Field] = &[
    field("type", CertType),
    field("key_tag", U16),
    field("algorithm", Algorithm),
    field("certificate", RestBase64),
];
const DNSKEY: &[Field] = &[
    field("flags", U16),
    field("protocol", U8),
    field("algorithm", Algorithm),
    field("public_key", RestBase64),
];
const DS: &[Field] = &[
    field("key_tag", U16),
    field("algorithm", Algorithm),
    field("digest_type", U8),
    field("digest", RestHex),
];
const SERVICE: &[Field] =
    &[field("priority", U16), field("target", Name), field("value", ServiceParams)];
const NAPTR: &[Field] = &[
    field("order", U16),
    field("preference", U16),
    field("flags", Text),
    field("service", Text),
    field("regex", Text),
    field("replacement", Name),
];
const TLSA: &[Field] = &[
    field("usage", U8),
    field("selector", U8),
    field("matching_type", U8),
    field("certificate", RestHex),
];
const SRV: &[Field] =
    &[field("priority", U16), field("weight", U16), field("port", U16), field("target", Name)];
const SSHFP: &[Field] = &[field("algorithm", U8), field("type", U8), field("fingerprint", RestHex)];
const URI: &[Field] = &[field("priority", U16), field("weight", U16), field("target", RestText)];

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

/// The fields of a type. Names are those of the API's `data` objects.
pub(super) const fn fields(kind: RecordType) -> &'static [Field] {
    match kind {
        RecordType::A => IPV4,
        RecordType::Aaaa => IPV6,
        RecordType::Cname | RecordType::Ns | RecordType::Ptr => HOST,
        RecordType::Mx => MX,
        RecordType::Txt => TXT,
        RecordType::Openpgpkey => KEY,
        RecordType::Loc => LOC,
        RecordType::Caa => CAA,
        RecordType::Cert => CERT,
        RecordType::Dnskey => DNSKEY,
        RecordType::Ds => DS,
        RecordType::Https | RecordType::Svcb => SERVICE,
        RecordType::Naptr => NAPTR,
        RecordType::Smimea | RecordType::Tlsa => TLSA,
        RecordType::Srv => SRV,
        RecordType::Sshfp => SSHFP,
        RecordType::Uri => URI,
    }
}

/// Whether the API shows the first field as the record's `priority`, apart from its content.
pub(super) const fn priority_is_apart(kind: RecordType) -> bool {
    matches!(kind, RecordType::Mx | RecordType::Srv | RecordType::Uri)
}

/// Whether the API shows the field as the record's `priority` alone, although the type has a `data` object.
pub(super) fn is_beside_data(kind: RecordType, field: &Field) -> bool {
    kind == RecordType::Uri && field.name == "priority"
}

/// Whether the API shows a `data` object.
pub(super) const fn has_data(kind: RecordType) -> bool {
    !matches!(
        kind,
        RecordType::A
            | RecordType::Aaaa
            | RecordType::Cname
            | RecordType::Mx
            | RecordType::Ns
            | RecordType::Openpgpkey
            | RecordType::Ptr
            | RecordType::Txt
    )
}

/// Whether the API shows the names in it without their last dot.
pub(super) const fn shows_bare_names(kind: RecordType) -> bool {
    matches!(
        kind,
        RecordType::Cname | RecordType::Mx | RecordType::Ns | RecordType::Ptr | RecordType::Srv
    )
}
