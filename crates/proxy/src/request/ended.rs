//! Why a request ends without a response, and whose fault that is.

use std::task::{Context, Poll};

use super::Client;
use crate::exchange::{Broken, Side, Sink};
use crate::fault::Fault;
use crate::head::ResponseHead;
use crate::refusal::Refusal;
use crate::replay::Replay;
use crate::upstream::Upstream;

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Ended {
    Client,
    Refused(Refusal),
    Origin(Fault),
}

pub(super) fn poll_upload<C: Client>(
    cx: &mut Context<'_>,
    client: &mut C,
    upstream: &mut Upstream,
    body: &mut Replay,
) -> Poll<Ended> {
    match body.poll(cx, client, upstream) {
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        Poll::Ready(Err(Side::From(Broken::Refused(refusal)))) => {
            Poll::Ready(Ended::Refused(refusal))
        }
        Poll::Ready(Err(Side::From(_))) => Poll::Ready(Ended::Client),
        // It may have answered before it closed: whoever reads the answer finds out.
        Poll::Ready(Err(Side::To)) => Poll::Pending,
    }
}

/// Who is to blame for it: an origin that has the whole request, or that takes no more of what there is of it; else the
/// client, of whose body nothing more comes.
pub(super) fn silent(cx: &mut Context<'_>, is_sent: bool, upstream: &mut impl Sink) -> Ended {
    match is_sent || upstream.poll_flush(cx).is_pending() {
        true => Ended::Origin(Fault::ResponseTimeout),
        false => Ended::Refused(Refusal::BodyTimeout),
    }
}

pub(super) fn response_or_fault(
    read: Result<Option<ResponseHead>, Broken>,
) -> Result<ResponseHead, Ended> {
    match read {
        Ok(Some(head)) => Ok(head),
        Ok(None) => Err(Ended::Origin(Fault::HungUp)),
        Err(broken) => Err(Ended::Origin(Fault::from(&broken))),
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::exchange::Piece;

    /// An origin that takes what it is sent, or does not.
    struct Origin {
        takes: bool,
    }

    impl Sink for Origin {
        fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
            self.poll_flush(cx)
        }

        fn push(&mut self, _piece: Piece) -> Result<(), Broken> {
            Ok(())
        }

        fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
            if self.takes { Poll::Ready(Ok(())) } else { Poll::Pending }
        }
    }

    #[test]
    fn silence_is_the_fault_of_whom_the_other_side_waits_for() {
        let check = |is_sent, takes, of_origin: bool| {
            let cx = &mut Context::from_waker(Waker::noop());
            let ended = silent(cx, is_sent, &mut Origin { takes });
            let is_of_origin = matches!(ended, Ended::Origin(Fault::ResponseTimeout));
            let is_of_client = matches!(ended, Ended::Refused(Refusal::BodyTimeout));
            assert_eq!((is_of_origin, is_of_client), (of_origin, !of_origin), "{is_sent} {takes}");
        };
        check(true, true, true);
        check(false, true, false);
        check(false, false, true);
    }
}
