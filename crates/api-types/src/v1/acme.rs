//! Certificates that this node orders. Not part of the hosted API.

use serde::Serialize;
use trimtab_model::{Name, Timestamp, ZoneId};
use utoipa::ToSchema;

/// What the configuration of the node asks for, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Acme {
    /// False: the node orders none, and the rest is empty.
    pub enabled: bool,
    pub directory: Option<String>,
    /// How names are proved: `dns-01` or `tls-alpn-01`.
    pub challenge: Option<&'static str>,
    pub names: Vec<AcmeName>,
}

/// A name that no uploaded certificate is for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AcmeName {
    #[schema(value_type = String)]
    pub name: Name,
    #[schema(value_type = String)]
    pub zone_id: ZoneId,
    /// `due`, `ordering`, `issued`, `failed` or `impossible`.
    pub state: &'static str,
    /// Of the certificate that is shown; null without one.
    #[schema(value_type = Option<String>)]
    pub expires_on: Option<Timestamp>,
    /// In a row.
    pub failures: u32,
    /// Why the last order failed; null after one that did not.
    pub last_error: Option<String>,
    /// When the next order is made; null when none will be.
    #[schema(value_type = Option<String>)]
    pub next_try: Option<Timestamp>,
}
