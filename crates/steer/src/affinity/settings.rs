//! The settings of session affinity: the balancer's own, and what rules put in their place.

use trimtab_model::balancer::{
    self as model, COOKIE_TTL, COOKIE_TTL_DEFAULT, HEADER_TTL, HEADER_TTL_DEFAULT, SameSite,
    Secure, SessionAffinity, SessionOverrides, ZeroDowntimeFailover,
};

/// How clients of one request stay where they were: lent by the balancer and its rules.
#[derive(Clone, Copy, Debug)]
pub struct Affinity<'a> {
    pub kind: SessionAffinity,
    /// Seconds: from the session's beginning for cookies, of silence for headers. Means nothing while affinity is off.
    pub ttl: u32,
    /// As configured; an entry may be `cookie:` and names of cookies.
    pub headers: &'a [Box<str>],
    pub require_all_headers: bool,
    pub samesite: SameSite,
    pub secure: Secure,
    pub failover: ZeroDowntimeFailover,
    /// Seconds that a disabled endpoint keeps its sessions.
    pub drain: u32,
}

/// The balancer's own.
#[derive(Clone, Debug)]
pub struct Configured {
    kind: SessionAffinity,
    /// 0 where none was given.
    ttl: u32,
    headers: Box<[Box<str>]>,
    require_all_headers: bool,
    samesite: SameSite,
    secure: Secure,
    failover: ZeroDowntimeFailover,
    drain: u32,
}

/// What a rule replaces; None is left alone. Nobody overrides how long endpoints drain.
#[derive(Clone, Debug)]
pub(crate) struct Overrides {
    kind: Option<SessionAffinity>,
    ttl: Option<u32>,
    headers: Option<Box<[Box<str>]>>,
    require_all_headers: Option<bool>,
    samesite: Option<SameSite>,
    secure: Option<Secure>,
    failover: Option<ZeroDowntimeFailover>,
}

// === impl Affinity ===

impl Affinity<'_> {
    /// A rule may turn cookies into headers and leave a time-to-live that headers cannot have: then theirs holds.
    pub(crate) fn resolve(&mut self) {
        let (range, default) = match self.kind {
            SessionAffinity::None => return,
            SessionAffinity::Cookie | SessionAffinity::IpCookie => (COOKIE_TTL, COOKIE_TTL_DEFAULT),
            SessionAffinity::Header => (HEADER_TTL, HEADER_TTL_DEFAULT),
        };
        if !range.contains(&self.ttl) {
            self.ttl = default;
        }
    }
}

// === impl Configured ===

impl Configured {
    pub(crate) fn build(written: &model::Affinity) -> Configured {
        let attributes = &written.attributes;
        Configured {
            kind: written.kind,
            ttl: written.ttl.unwrap_or(0),
            headers: boxed(&attributes.headers),
            require_all_headers: attributes.require_all_headers,
            samesite: attributes.samesite,
            secure: attributes.secure,
            failover: attributes.zero_downtime_failover,
            drain: attributes.drain_duration,
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.kind != SessionAffinity::None
    }

    pub(crate) fn drain_seconds(&self) -> u32 {
        self.drain
    }

    pub(crate) fn lend(&self) -> Affinity<'_> {
        Affinity {
            kind: self.kind,
            ttl: self.ttl,
            headers: &self.headers,
            require_all_headers: self.require_all_headers,
            samesite: self.samesite,
            secure: self.secure,
            failover: self.failover,
            drain: self.drain,
        }
    }
}

// === impl Overrides ===

impl Overrides {
    /// None when the rule says nothing of sessions.
    pub(crate) fn build(written: &SessionOverrides) -> Option<Overrides> {
        if *written == SessionOverrides::default() {
            return None;
        }
        let attributes = written.attributes.clone().unwrap_or_default();
        Some(Overrides {
            kind: written.affinity,
            ttl: written.ttl,
            headers: attributes.headers.as_deref().map(boxed),
            require_all_headers: attributes.require_all_headers,
            samesite: attributes.samesite,
            secure: attributes.secure,
            failover: attributes.zero_downtime_failover,
        })
    }

    pub(crate) fn turn_on(&self) -> bool {
        self.kind.is_some_and(|kind| kind != SessionAffinity::None)
    }

    pub(crate) fn apply<'a>(&'a self, to: &mut Affinity<'a>) {
        to.kind = self.kind.unwrap_or(to.kind);
        to.ttl = self.ttl.unwrap_or(to.ttl);
        to.headers = self.headers.as_deref().unwrap_or(to.headers);
        to.require_all_headers = self.require_all_headers.unwrap_or(to.require_all_headers);
        to.samesite = self.samesite.unwrap_or(to.samesite);
        to.secure = self.secure.unwrap_or(to.secure);
        to.failover = self.failover.unwrap_or(to.failover);
    }
}

fn boxed(headers: &[String]) -> Box<[Box<str>]> {
    headers.iter().map(|header| header.as_str().into()).collect()
}
