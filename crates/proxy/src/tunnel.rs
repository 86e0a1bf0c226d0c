//! Two connections that speak something of their own: bytes in both directions until both sides are done.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::time::Instant;

use crate::choice::Target;
use crate::exchange::{Pump, Sink, Source};
use crate::h1::Wire;
use crate::upstream::Upstream;
use crate::watch::Watch;

/// Of each direction. Tunnels are many and mostly silent.
const BUFFER_BYTES: usize = 4 * 1024;
/// A tunnel over HTTP/2 in which nothing moves for so long; its stream would otherwise outlive a client that forgot it.
const SILENCE_MAX: Duration = Duration::from_secs(3600);

/// What each side sent beyond its head belongs to the tunnel. The target stays counted as in use until the end.
pub(crate) async fn join(client: Wire, upstream: Upstream, target: &Target) {
    let Some(origin) = upstream.into_wire() else { return };
    let ((mut client, from_client), (mut origin, from_origin)) =
        (client.into_parts(), origin.into_parts());
    let joined = async {
        client.write_all(&from_origin).await?;
        origin.write_all(&from_client).await?;
        copy_bidirectional_with_sizes(&mut client, &mut origin, BUFFER_BYTES, BUFFER_BYTES).await
    };
    if let Err(error) = joined.await {
        tracing::trace!(%error, pool = &*target.pool.name, "a tunnel ended");
    }
}

/// The same where the client's side is a stream of HTTP/2. It ends with the first side that does.
pub(crate) async fn join_stream(
    mut client: impl Source + Sink,
    upstream: Upstream,
    target: &Target,
    watch: &mut Watch,
) {
    let Some(mut origin) = upstream.into_wire() else { return };
    origin.open_ended();
    let (mut up, mut down, mut moved) = (Pump::Moving, Pump::Moving, 0);
    watch.set(Instant::now() + SILENCE_MAX);
    poll_fn(|cx| {
        let before = moved;
        let up = up.poll(cx, &mut client, &mut origin, &mut moved);
        let down = down.poll(cx, &mut origin, &mut client, &mut moved);
        if up.is_ready() || down.is_ready() {
            return Poll::Ready(());
        }
        if moved != before {
            watch.set(Instant::now() + SILENCE_MAX);
        }
        watch.poll(cx).map(|_expired| ())
    })
    .await;
    tracing::trace!(moved, pool = &*target.pool.name, "a tunnel ended");
}
