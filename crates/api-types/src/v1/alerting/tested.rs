//! What came of a test. Not part of the hosted API.

use serde::Serialize;
use trimtab_model::alert::Channel;
use utoipa::ToSchema;

/// One destination's answer to a message that says it is a test.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AlertTested)]
pub struct Tested {
    #[schema(value_type = String)]
    pub mechanism_type: Channel,
    pub mechanism: String,
    pub delivered: bool,
    /// Of HTTP or SMTP; null when nothing answered.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: String,
    pub error: Option<String>,
    pub milliseconds: u64,
}
