//! What stands where HTTP/3 is in a program that was built without it.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::watch;

use crate::server::StartError;
use crate::settings::Settings;
use crate::tls::Acceptor;
use crate::worker::Worker;

/// There is none.
pub(crate) struct Socket(Infallible);

pub(crate) fn bind_all(
    settings: &Settings,
    threads: usize,
    _acceptor: &Acceptor,
) -> Result<Vec<Vec<Socket>>, StartError> {
    match settings.http3 {
        true => Err(StartError::NoHttp3),
        false => Ok((0..threads).map(|_| Vec::new()).collect()),
    }
}

pub(crate) async fn accept(_: Arc<Worker>, socket: Socket, _: watch::Receiver<bool>) {
    match socket.0 {}
}
