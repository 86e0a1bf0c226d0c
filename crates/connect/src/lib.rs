//! The one way out of this node: a resolved address is checked, then exactly that address is connected to.
//! And what TLS shows and trusts, from PEM, and the cryptography below it.

pub mod challenges;
pub mod connector;
pub mod datagram;
pub mod echo;
pub mod egress;
pub mod error;
pub mod identity;
pub mod provider;
pub mod resolver;
pub mod session;
pub mod source;
pub mod tls;

pub use challenges::Challenges;
pub use connector::{Connector, Detour, Detours, keep_alive};
pub use datagram::{Icmp, IcmpError};
pub use echo::Echo;
pub use egress::{Egress, Rule};
pub use error::{ConnectError, TlsFault};
pub use identity::{Chain, ChainError, KeyError, roots};
pub use resolver::{Found, Resolver};
/// Whom a certificate must be for: a name or an address.
pub use rustls::pki_types::ServerName;
pub use session::Session;
pub use source::{Source, SourceError};
pub use tls::{Profile, ProfileError, Ready, Spoken, Tls, Trust, os_roots};
