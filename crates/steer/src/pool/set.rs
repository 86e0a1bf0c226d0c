//! The endpoints of a pool that may be answered, sorted by what is asked for.

use std::collections::HashSet;
use std::net::IpAddr;

use trimtab_model::Name;

use crate::Wanted;
use crate::pool::{Endpoint, Service};

/// What may be answered to one kind of question; what belongs to one endpoint is neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    members: Box<[Member]>,
    /// The members without those whose record one before them has too; None where all records differ.
    distinct: Option<Box<[Member]>>,
    /// Sum of the members' weights; never 0 when there are any.
    total: u32,
    /// True when no endpoint of the pool differs in weight from another; never where one endpoint is asked for.
    equal: bool,
}

/// One record that may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Index in the pool's endpoints.
    pub endpoint: u16,
    /// Hundredths. An endpoint's first address has all of its weight and the others none, so that a name
    /// with many addresses is drawn no more often than one with few.
    pub weight: u8,
    pub data: Data,
    /// The endpoint's.
    pub hash: u64,
}

/// What the record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    Address(IpAddr),
    /// The endpoint's [`Service`](crate::pool::Service) and host name.
    Service,
}

/// What a client sees of a member: equal records cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Record<'a> {
    Address(IpAddr),
    Service(Option<Service>, Option<&'a Name>),
}

/// One set for each kind of question.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets {
    a: Set,
    aaaa: Set,
    mx: Set,
    srv: Set,
    one: Set,
}

// === impl Sets ===

impl Sets {
    pub(super) fn new(endpoints: &[Endpoint], eligible: impl Fn(usize) -> bool) -> Sets {
        let equal = weights_are_equal(endpoints);
        let set = |wanted| {
            let members = endpoints.iter().enumerate().filter(|(index, _)| eligible(*index));
            let members = members.flat_map(|(index, endpoint)| members_of(index, endpoint, wanted));
            let set = Set::of_pool(members.collect(), equal && wanted != Wanted::Endpoint);
            set.told_once(endpoints)
        };
        Sets {
            a: set(Wanted::A),
            aaaa: set(Wanted::Aaaa),
            mx: set(Wanted::Mx),
            srv: set(Wanted::Srv),
            one: set(Wanted::Endpoint),
        }
    }

    pub(super) fn of(&self, wanted: Wanted) -> &Set {
        match wanted {
            Wanted::A => &self.a,
            Wanted::Aaaa => &self.aaaa,
            Wanted::Mx => &self.mx,
            Wanted::Srv => &self.srv,
            Wanted::Endpoint => &self.one,
        }
    }

    pub(super) fn draws_as(&self, other: &Sets) -> bool {
        Wanted::RECORDS.into_iter().all(|wanted| self.of(wanted).draws_as(other.of(wanted)))
    }
}

pub(super) fn everyone(endpoints: &[Endpoint]) -> Box<[Member]> {
    let numbered = endpoints.iter().enumerate();
    numbered.flat_map(|(index, endpoint)| members_of(index, endpoint, Wanted::Endpoint)).collect()
}

fn weights_are_equal(endpoints: &[Endpoint]) -> bool {
    let mut weights = endpoints.iter().filter(|endpoint| endpoint.enabled).map(|e| e.weight);
    let first = weights.next();
    weights.all(|weight| Some(weight) == first)
}

fn members_of(index: usize, endpoint: &Endpoint, wanted: Wanted) -> impl Iterator<Item = Member> {
    let Endpoint { weight, hash, .. } = *endpoint;
    let number = u16::try_from(index);
    let service = (!wanted.is_address() && endpoint.tells(wanted)).then_some(Data::Service);
    let addresses = endpoint.addresses().iter().filter(move |address| wanted.takes(**address));
    let data = addresses.map(|&address| Data::Address(address)).chain(service);
    data.filter_map(move |data| Some(Member { endpoint: number.ok()?, weight, data, hash }))
}

// === impl Set ===

impl Set {
    /// Weights are equal when no member differs from another; the members of one endpoint must be
    /// neighbours, each with the whole weight of the endpoint.
    pub fn new(members: impl Iterator<Item = Member>) -> Set {
        let members: Vec<Member> = members.collect();
        let first = members.first().map(|member| member.weight);
        let equal = members.iter().all(|member| Some(member.weight) == first);
        Set::of_pool(members, equal)
    }

    /// Endpoints of weight 0 serve only when nobody weighs more, then all alike.
    fn of_pool(mut members: Vec<Member>, equal: bool) -> Set {
        if members.iter().any(|member| member.weight > 0) {
            members.retain(|member| member.weight > 0);
        }
        let mut before = None;
        for member in &mut members {
            let first = before.replace(member.endpoint) != Some(member.endpoint);
            member.weight = if first { member.weight.max(1) } else { 0 };
        }
        let total = members.iter().fold(0, |sum: u32, m| sum.saturating_add(m.weight.into()));
        Set { members: members.into(), distinct: None, total, equal }
    }

    /// RFC 2181 section 5: an answer has no record twice. Found out here, because the answer to a query has no time
    /// for it; what is drawn or hashed is one record, and there each endpoint keeps its chance.
    fn told_once(mut self, endpoints: &[Endpoint]) -> Set {
        if !self.equal || self.members.len() < 2 {
            return self;
        }
        let mut told = HashSet::with_capacity(self.members.len());
        let is_new = |member: &&Member| {
            let endpoint = endpoints.get(usize::from(member.endpoint));
            endpoint.is_some_and(|endpoint| told.insert(member.data.record(endpoint)))
        };
        let distinct: Box<[Member]> = self.members.iter().filter(is_new).copied().collect();
        self.distinct = (distinct.len() < self.members.len()).then_some(distinct);
        self
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// What an answer with all of them has.
    pub fn distinct(&self) -> &[Member] {
        self.distinct.as_deref().unwrap_or(&self.members)
    }

    pub fn total_weight(&self) -> u32 {
        self.total
    }

    pub fn weights_are_equal(&self) -> bool {
        self.equal
    }

    /// Whether both give every endpoint the same chance. Addresses may differ: a name whose addresses rotate is
    /// drawn as before, unless another endpoint had or has them too.
    pub(super) fn draws_as(&self, other: &Set) -> bool {
        let weighed = |member: &Member| (member.endpoint, member.weight);
        self.equal == other.equal
            && self.members.iter().map(weighed).eq(other.members.iter().map(weighed))
            && self.distinct().iter().map(weighed).eq(other.distinct().iter().map(weighed))
    }
}

// === impl Data ===

impl Data {
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Data::Address(address) => Some(address),
            Data::Service => None,
        }
    }

    /// With its endpoint.
    pub(crate) fn record(self, endpoint: &Endpoint) -> Record<'_> {
        match self {
            Data::Address(address) => Record::Address(address),
            Data::Service => Record::Service(endpoint.service, endpoint.host_name()),
        }
    }
}
