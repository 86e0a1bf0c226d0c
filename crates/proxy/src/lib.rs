//! The HTTP(S) proxy: the same decision for each request, sessions that stay, failures that clients never see.

pub mod access_log;
mod age;
mod budget;
mod buffers;
mod choice;
mod cookie;
mod costs;
mod exchange;
mod fault;
mod forward;
mod h1;
mod head;
mod http;
mod http2;
#[cfg(feature = "http3")]
mod http3;
#[cfg(not(feature = "http3"))]
#[path = "no_http3.rs"]
mod http3;
mod idle;
mod listener;
mod overload;
mod proxy_header;
mod refusal;
mod replay;
mod reply;
mod request;
pub mod sample;
pub mod server;
mod sessions;
pub mod settings;
mod signals;
mod stream;
pub mod tally;
mod tls;
mod tunnel;
mod upstream;
mod watch;
mod worker;

#[cfg(fuzzing)]
pub use h1::fuzzing::read_connection;
pub use sample::{Chosen, Sample};
pub use server::{Server, StartError};
pub use settings::{ClientCertificates, Settings};
pub use tally::Tally;
