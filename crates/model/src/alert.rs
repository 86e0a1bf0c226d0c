//! Alerts: whom to tell of what (policies), over what (webhooks, PagerDuty, mail), and when not to (silences).

pub mod destination;
pub mod history;
pub mod key;
pub mod policy;
pub mod silence;

pub use destination::{HttpUrl, PagerDuty, Standing, Webhook, WebhookType};
pub use history::{Channel, DeliveryResult, HistoryEntry};
pub use key::{AlertDocument, AlertKey};
pub use policy::{AlertPolicy, AlertType, EventSource, Filters, Mechanisms, NewHealth};
pub use silence::Silence;
