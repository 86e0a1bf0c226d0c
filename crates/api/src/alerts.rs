//! What the API asks of whoever delivers alerts.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use trimtab_api_types::v1::alerting::Tested;
use trimtab_model::alert::{AlertPolicy, PagerDuty, Webhook};
use trimtab_model::{Account, Timestamp};

/// Filled in by whoever runs the deliverer.
#[derive(Clone)]
pub struct AlertPort {
    /// Why nothing is sent to this address; None when the node may go there.
    pub forbids: Arc<dyn Fn(SocketAddr) -> Option<String> + Send + Sync>,
    /// Sends a message that says it is a test, once, to each.
    pub test: Arc<dyn Fn(AlertTest) -> BoxFuture<'static, Vec<Tested>> + Send + Sync>,
    /// Does the node know a mail server?
    pub has_mail: bool,
}

/// Whom to send a test to.
#[derive(Clone, Debug)]
pub struct AlertTest {
    pub account: Account,
    /// None: it is the destination that is tested.
    pub policy: Option<AlertPolicy>,
    pub emails: Vec<String>,
    pub webhooks: Vec<Webhook>,
    pub pagerduty: Vec<PagerDuty>,
    pub at: Timestamp,
}
