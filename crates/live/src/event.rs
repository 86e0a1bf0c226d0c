//! What makes the next snapshot: a closed list.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use trimtab_health::{Evidence, Outcome};
use trimtab_model::{Change, Fed, Moment, MonitorId, Name, PoolId, Pop, Record, ZoneId};

/// Everything the publisher listens to.
#[derive(Debug)]
pub enum Event {
    /// Configuration of one store revision.
    Config(Batch),
    /// One probe ended.
    Report(Report),
    /// An endpoint failed requests.
    Passive(Passive),
    /// A host name has other addresses.
    Resolved(Resolved),
    /// Another system says what an endpoint is.
    Fed(Feeding),
}

/// One word, and who waits until answers are made by it.
#[derive(Debug)]
pub struct Feeding {
    pub fed: Fed,
    pub acts: oneshot::Sender<()>,
}

/// All changes of one revision; records come as whole names, so that applying one twice does no harm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub revision: u64,
    /// Everything but records.
    pub changes: Vec<Change>,
    pub names: Vec<NameRecords>,
}

/// All records at one name after the change; none when the name is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct NameRecords {
    pub zone: ZoneId,
    pub name: Name,
    pub records: Vec<Record>,
}

/// One probe's end, as one observer saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub pop: Pop,
    pub pool: PoolId,
    /// [`Target::key`](crate::Target): stays the same while the endpoint does.
    pub endpoint: u64,
    pub monitor: MonitorId,
    pub outcome: Outcome,
    /// Of a probe that failed.
    pub evidence: Option<Arc<Evidence>>,
    pub at: Moment,
}

/// Requests in a row that an endpoint failed, as many as it takes: a weaker word than a probe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passive {
    pub pool: PoolId,
    /// As in a [`Report`].
    pub endpoint: u64,
    pub at: Moment,
}

/// What clients may be told of a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub name: Name,
    /// In order, each once. None: a look-up ended, and nothing it found may be answered.
    pub addresses: Arc<[IpAddr]>,
}
