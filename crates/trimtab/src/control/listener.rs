//! Connections to the control side's listener: who is silent is not waited for, and neither is the last one at the end.
//!
//! Tasks, all owned by [`serve`]: one for each connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// For the head of a request, and for the silence between two of a connection.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// Without a byte of a request's body.
const BODY_SILENT_MAX: Duration = Duration::from_secs(30);
/// For what has begun when the listener stops; a call that takes longer has to be made again anyway.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// Connections at a time; others wait in the kernel. Those who configure and scrape are few.
const CONNECTIONS_MAX: usize = 1024;
/// Before the next try when the process has no descriptor left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Until told to stop; requests that have begun are answered first, if that does not take long.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < CONNECTIONS_MAX;
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(ended) = connections.join_next() => tell_panic(ended),
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, router.clone(), stopped.clone()));
                }
                Err(error) => rest(&error).await,
            },
        }
    }
    drop((listener, router));
    drain(connections).await;
    Ok(())
}

async fn drain(mut connections: JoinSet<()>) {
    let all = async {
        while let Some(ended) = connections.join_next().await {
            tell_panic(ended);
        }
    };
    if timeout(DRAIN_WITHIN, all).await.is_err() {
        let open = connections.len();
        tracing::warn!(open, "connections to the API are cut: they did not end in time");
        connections.shutdown().await;
    }
}

/// A client that left before it was let in is its own affair; with no descriptor left, asking at once helps nobody.
async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "the API cannot take a connection");
        sleep(ACCEPT_AGAIN_AFTER).await;
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection to the API broke");
    }
}

/// To stop, or by an owner that is gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    if let Err(gone) = stopped.wait_for(|stopped| *stopped).await {
        tracing::trace!(%gone, "the API stops with its owner");
    }
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(|body| match hyper::body::Body::is_end_stream(&body) {
        true => Body::empty(),
        false => patient(body),
    });
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

/// The body, which ends with an error when its sender falls silent.
fn patient(body: Incoming) -> Body {
    Body::from_stream(stream::try_unfold(body, async |mut body| {
        while let Some(frame) = timeout(BODY_SILENT_MAX, body.frame()).await? {
            let frame = frame.map_err(io::Error::other)?;
            // What follows the data, trailers, is nothing that the API reads.
            if let Ok(data) = frame.into_data() {
                return Ok::<Option<(Bytes, Incoming)>, io::Error>(Some((data, body)));
            }
        }
        Ok(None)
    }))
}

fn tell_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection to the API panicked");
    }
}

#[cfg(test)]
mod tests;
