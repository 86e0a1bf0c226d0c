//! What a strict reader does not let through, and the status that says so.

/// Why a request goes no further than this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("malformed request line")]
    RequestLine,
    #[error("request line is too long")]
    RequestLineTooLong,
    #[error("malformed header line")]
    HeaderLine,
    #[error("line ends without a carriage return")]
    BareLineFeed,
    #[error("request header fields are too large")]
    HeadTooLarge,
    #[error("too many request header fields")]
    TooManyFields,
    #[error("HTTP version is not supported")]
    Version,
    #[error("method is not allowed")]
    Method,
    #[error("missing, repeated or malformed host")]
    Host,
    #[error("malformed or repeated content-length")]
    ContentLength,
    #[error("content-length and transfer-encoding together")]
    TwoLengths,
    #[error("malformed or repeated transfer-encoding")]
    TransferEncoding,
    #[error("transfer coding is not implemented")]
    TransferCoding,
    #[error("malformed chunk")]
    Chunk,
    #[error("malformed trailer section")]
    Trailers,
    #[error("expectation is not known")]
    Expectation,
    #[error("request header did not arrive in time")]
    HeadTimeout,
    #[error("request body did not arrive in time")]
    BodyTimeout,
}

// === impl Refusal ===

impl Refusal {
    /// RFC 9110 section 15.5 and 15.6, RFC 6585 section 5.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Refusal::RequestLine
            | Refusal::HeaderLine
            | Refusal::BareLineFeed
            | Refusal::Host
            | Refusal::ContentLength
            | Refusal::TwoLengths
            | Refusal::TransferEncoding
            | Refusal::Chunk
            | Refusal::Trailers => 400,
            Refusal::Method => 405,
            Refusal::HeadTimeout | Refusal::BodyTimeout => 408,
            Refusal::RequestLineTooLong => 414,
            Refusal::Expectation => 417,
            Refusal::HeadTooLarge | Refusal::TooManyFields => 431,
            Refusal::TransferCoding => 501,
            Refusal::Version => 505,
        }
    }

    /// The label `reason` of `trimtab_http_refused_total`.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Refusal::RequestLine => "request_line",
            Refusal::RequestLineTooLong => "request_line_too_long",
            Refusal::HeaderLine => "header_line",
            Refusal::BareLineFeed => "bare_line_feed",
            Refusal::HeadTooLarge => "head_too_large",
            Refusal::TooManyFields => "too_many_fields",
            Refusal::Version => "version",
            Refusal::Method => "method",
            Refusal::Host => "host",
            Refusal::ContentLength => "content_length",
            Refusal::TwoLengths => "two_lengths",
            Refusal::TransferEncoding => "transfer_encoding",
            Refusal::TransferCoding => "transfer_coding",
            Refusal::Chunk => "chunk",
            Refusal::Trailers => "trailers",
            Refusal::Expectation => "expectation",
            Refusal::HeadTimeout => "head_timeout",
            Refusal::BodyTimeout => "body_timeout",
        }
    }
}
