//! Why a probe failed: one case per cause, with the words that the API uses.

use trimtab_model::words;

words! {
    /// The causes of "Common error codes"; `None` is a pass, and the last three are no probe's word.
    FailureReason {
        None = "No failures",
        TcpConnectionFailed = "TCP connection failed",
        TcpTimeout = "TCP Timeout",
        HttpTimeout = "HTTP timeout occurred",
        HttpInvalidResponse = "HTTP Invalid Response",
        CodeMismatch = "Response code mismatch error",
        BodyMismatch = "Response body mismatch error",
        TlsUntrusted = "TLS untrusted certificate error",
        TlsNameMismatch = "TLS name mismatch error",
        TlsProtocol = "TLS protocol error",
        TlsUnrecognizedName = "TLS unrecognized name error",
        TlsHandshake = "TLS Handshake Failure",
        NoRoute = "No route to host error",
        NetworkUnreachable = "Network Unreachable",
        DnsUnknownHost = "DNS Unknown Host",
        DnsInternal = "DNS Internal",
        ConnectionReset = "Connection Reset by Peer",
        MonitorConfig = "Monitor Config Error",
        Other = "Other Failure",
        Ejected = "Ejected after failed requests",
        Overridden = "Held by an override",
        Fed = "Reported by an external feed",
    }
}

impl FailureReason {
    /// The label of the metric `trimtab_monitor_check_failures_total`.
    pub const fn label(self) -> &'static str {
        match self {
            FailureReason::None => "none",
            FailureReason::TcpConnectionFailed => "tcp_refused",
            FailureReason::TcpTimeout => "tcp_timeout",
            FailureReason::HttpTimeout => "http_timeout",
            FailureReason::HttpInvalidResponse => "http_invalid",
            FailureReason::CodeMismatch => "code_mismatch",
            FailureReason::BodyMismatch => "body_mismatch",
            FailureReason::TlsUntrusted => "cert_untrusted",
            FailureReason::TlsNameMismatch => "cert_name_mismatch",
            FailureReason::TlsProtocol => "tls_protocol",
            FailureReason::TlsUnrecognizedName => "tls_unrecognized_name",
            FailureReason::TlsHandshake => "tls_handshake",
            FailureReason::NoRoute => "no_route",
            FailureReason::NetworkUnreachable => "unreachable",
            FailureReason::DnsUnknownHost => "dns_unknown_host",
            FailureReason::DnsInternal => "dns_internal",
            FailureReason::ConnectionReset => "reset",
            FailureReason::MonitorConfig => "config_error",
            FailureReason::Other => "other",
            FailureReason::Ejected => "ejected",
            FailureReason::Overridden => "overridden",
            FailureReason::Fed => "fed",
        }
    }
}
