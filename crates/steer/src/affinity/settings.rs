//! The settings of session affinity: the balancer's own, and what rules put in their place.

use std::ops::ControlFlow;

use trimtab_expr::Headers;
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

    /// Visits what makes a session by headers, name and value of each header and cookie. False when the request has none
    /// of them, or not all where all are needed: then it has no session.
    pub fn visit_keys(&self, headers: &dyn Headers, mut visit: impl FnMut(&[u8], &[u8])) -> bool {
        let (mut wanted, mut found) = (0_usize, 0_usize);
        let mut count = |is_there: bool| {
            wanted = wanted.saturating_add(1);
            found = found.saturating_add(usize::from(is_there));
        };
        for name in self.headers {
            match name.strip_prefix("cookie:") {
                Some(cookies) => cookies
                    .split(',')
                    .for_each(|cookie| count(visit_cookie(headers, cookie.trim(), &mut visit))),
                None => count(visit_header(headers, name, &mut visit)),
            }
        }
        if self.require_all_headers { found == wanted } else { found > 0 }
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

fn visit_header(headers: &dyn Headers, name: &str, visit: &mut impl FnMut(&[u8], &[u8])) -> bool {
    let mut is_there = false;
    headers.each(&mut |key, value| {
        if key.eq_ignore_ascii_case(name.as_bytes()) {
            is_there = true;
            visit(key, value);
        }
        ControlFlow::Continue(())
    });
    is_there
}

fn visit_cookie(headers: &dyn Headers, name: &str, visit: &mut impl FnMut(&[u8], &[u8])) -> bool {
    let name = name.as_bytes();
    let mut is_there = false;
    headers.named(b"cookie", &mut |line| {
        let pairs = line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        for value in pairs.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"=")) {
            is_there = true;
            visit(name, value);
        }
        ControlFlow::Continue(())
    });
    is_there
}

fn boxed(headers: &[String]) -> Box<[Box<str>]> {
    headers.iter().map(|header| header.as_str().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(&'static [(&'static str, &'static str)]);

    impl Headers for Lines {
        fn each<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {
            for (name, value) in self.0 {
                assert!(visit(name.as_bytes(), value.as_bytes()).is_continue());
            }
        }
    }

    #[test]
    fn a_session_by_headers_needs_one_of_them_or_all() {
        const LINES: Lines = Lines(&[
            ("x-user", "7"),
            ("cookie", "a=1; b=2;ab=3"),
            ("cookie", "a=4"),
            ("x-user", "8"),
        ]);
        let check = |headers: &[&str], any: bool, all: bool, want: &[(&str, &str)]| {
            let headers: Vec<Box<str>> = headers.iter().map(|&header| header.into()).collect();
            for (require_all_headers, has) in [(false, any), (true, all)] {
                let configured = Configured::build(&model::Affinity { ..Default::default() });
                let affinity =
                    Affinity { headers: &headers, require_all_headers, ..configured.lend() };
                let mut keys = Vec::new();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let got = affinity.visit_keys(&LINES, |k, v| keys.push((text(k), text(v))));
                let want: Vec<_> =
                    want.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
                assert_eq!((got, keys), (has, want), "{headers:?}, all: {require_all_headers}");
            }
        };
        check(&["x-user"], true, true, &[("x-user", "7"), ("x-user", "8")]);
        check(&["X-User", "x-other"], true, false, &[("x-user", "7"), ("x-user", "8")]);
        check(&["cookie:b, a"], true, true, &[("b", "2"), ("a", "1"), ("a", "4")]);
        check(&["cookie:b,c"], true, false, &[("b", "2")]);
        check(&["x-other"], false, false, &[]);
    }
}
