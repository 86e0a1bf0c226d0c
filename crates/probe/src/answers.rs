//! The parsers of what endpoints send, for those who throw random bytes at them.

pub use crate::dns::{Answer, Question};
pub use crate::grpc::Serving;
pub use crate::ldap::BindResult;
pub use crate::smtp::Reply;
