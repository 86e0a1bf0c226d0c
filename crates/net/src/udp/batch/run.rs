//! Answers that leave in one message. A resolver that asks through one socket, and a front end that hands its clients'
//! queries on, send many queries in a row; the kernel takes their answers as the segments of one large datagram
//! (`UDP_SEGMENT`, udp(7)) and walks its way out once instead of for each.

use std::net::SocketAddr;

use super::{BATCH, REPLY_ROOM};

/// Answers in one message that the kernel takes at most (`UDP_MAX_SEGMENTS`).
const ANSWERS_MAX: usize = 64;
/// Longest datagram over IPv4: 65,535 less both headers.
const BYTES_MAX: usize = 65_507;

/// One answer, and the query that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) query: usize,
    pub(super) to: SocketAddr,
    /// Where its bytes begin among those of all replies.
    pub(super) at: usize,
    pub(super) len: usize,
}

/// Neighbours that leave together: all as long as the first but the last, which may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: Answer,
    pub(super) answers: usize,
    bytes: usize,
}

// === impl Run ===

impl Run {
    pub(super) fn of(first: Answer) -> Run {
        Run { first, answers: 1, bytes: first.len }
    }

    /// Whether the answer can be the next of this run.
    #[inline]
    pub(super) fn takes(&self, answer: &Answer) -> bool {
        let is_even = self.bytes == self.first.len * self.answers;
        let fits = self.answers < ANSWERS_MAX && self.bytes + answer.len <= BYTES_MAX;
        // An empty segment would be none.
        let is_segment = 0 < answer.len && answer.len <= self.first.len;
        is_even && fits && is_segment && answer.to == self.first.to
    }

    pub(super) fn push(&mut self, answer: &Answer) {
        self.answers += 1;
        self.bytes += answer.len;
    }
}

// A segment's length is sixteen bits, and an index of a reply is below both.
const _: () = assert!(BATCH <= ANSWERS_MAX && REPLY_ROOM <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    /// How many answers of these lengths and clients leave together, run by run.
    fn runs(answers: &[(usize, &str)]) -> Vec<usize> {
        let mut runs: Vec<Run> = Vec::new();
        for (query, &(len, to)) in answers.iter().enumerate() {
            let answer = Answer { query, to: to.parse().unwrap(), at: 0, len };
            match runs.last_mut().filter(|run| run.takes(&answer)) {
                Some(run) => run.push(&answer),
                None => runs.push(Run::of(answer)),
            }
        }
        runs.iter().map(|run| run.answers).collect()
    }

    #[test]
    fn neighbours_to_one_client_leave_together_while_they_are_as_long_as_the_first() {
        let (a, b, c) = ("192.0.2.1:53", "192.0.2.1:54", "192.0.2.2:53");
        let check = |answers: &[(usize, &str)], want: &[usize]| {
            assert_eq!(runs(answers), want, "{answers:?}");
        };
        check(&[], &[]);
        check(&[(80, a)], &[1]);
        check(&[(80, a), (80, a), (80, a)], &[3]);
        check(&[(80, a), (80, b), (80, c), (80, a)], &[1, 1, 1, 1]);
        check(&[(80, a), (80, a), (80, b), (80, b)], &[2, 2]);
        // A shorter one is the last; a longer one begins anew.
        check(&[(80, a), (80, a), (79, a), (79, a), (80, a)], &[3, 1, 1]);
        check(&[(80, a), (81, a)], &[1, 1]);
        check(&[(80, a), (10, a), (10, a), (10, a)], &[2, 2]);
        check(&[(80, a), (0, a), (80, a)], &[1, 1, 1]);
        check(&[(0, a), (0, a)], &[1, 1]);
        check(&[(80, "[2001:db8::1]:53"), (80, "[2001:db8::1]:53")], &[2]);
        check(&vec![(80, a); 130], &[64, 64, 2]);
        check(&vec![(4096, a); 40], &[15, 15, 10]);
        check(&vec![(1232, a); 64], &[53, 11]);
    }
}
