//! The functions by name.

/// Functions that can stand in a condition; `any` and `all` are quantifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Cidr,
    Cidr6,
    Concat,
    DecodeBase64,
    EndsWith,
    IsTimedHmacValid,
    Join,
    Len,
    LookupJsonInteger,
    LookupJsonString,
    Lower,
    RemoveBytes,
    Split,
    StartsWith,
    Substring,
    ToString,
    Upper,
    UrlDecode,
}

/// Known names that only rewrite, or read packets.
pub(crate) const NOT_AVAILABLE: [&str; 5] =
    ["bit_slice", "regex_replace", "remove_query_args", "uuidv4", "wildcard_replace"];

// === impl Function ===

impl Function {
    pub(crate) const ALL: [Function; 18] = [
        Function::Cidr,
        Function::Cidr6,
        Function::Concat,
        Function::DecodeBase64,
        Function::EndsWith,
        Function::IsTimedHmacValid,
        Function::Join,
        Function::Len,
        Function::LookupJsonInteger,
        Function::LookupJsonString,
        Function::Lower,
        Function::RemoveBytes,
        Function::Split,
        Function::StartsWith,
        Function::Substring,
        Function::ToString,
        Function::Upper,
        Function::UrlDecode,
    ];

    pub(crate) fn find(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|function| function.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Cidr => "cidr",
            Function::Cidr6 => "cidr6",
            Function::Concat => "concat",
            Function::DecodeBase64 => "decode_base64",
            Function::EndsWith => "ends_with",
            Function::IsTimedHmacValid => "is_timed_hmac_valid_v0",
            Function::Join => "join",
            Function::Len => "len",
            Function::LookupJsonInteger => "lookup_json_integer",
            Function::LookupJsonString => "lookup_json_string",
            Function::Lower => "lower",
            Function::RemoveBytes => "remove_bytes",
            Function::Split => "split",
            Function::StartsWith => "starts_with",
            Function::Substring => "substring",
            Function::ToString => "to_string",
            Function::Upper => "upper",
            Function::UrlDecode => "url_decode",
        }
    }
}
