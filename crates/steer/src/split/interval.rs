//! Between which shares a count of draws can come from, by Wilson's score interval.

/// A range of shares, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// How sure an interval is to hold the share that draws come from, in standard deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// 99.9 %: what is shown.
    InAThousand,
    /// 99.9999 %: what is told to be wrong. A node has many shares and is looked at often, and nobody wants to be
    /// woken by chance.
    InAMillion,
}

// === impl Sure ===

impl Sure {
    /// The normal quantile of what is left on one side.
    const fn deviations(self) -> f64 {
        match self {
            Sure::InAThousand => 3.290_526_731_491_926,
            Sure::InAMillion => 4.891_638_475_698_727,
        }
    }
}

// === impl Interval ===

impl Interval {
    /// (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n) for a share p of n, as E. B. Wilson gives it in "Probable
    /// Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927). Unlike p ± z √(p(1−p)/n) it holds
    /// for small counts and for shares near 0 and 1 too. Everything while there is no answer.
    pub fn of(count: u64, answers: u64, sure: Sure) -> Interval {
        if answers == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let n = answers as f64;
        let p = count as f64 / n;
        let z = sure.deviations();
        let square = z * z / n;
        let middle = p + square / 2.0;
        let spread = z * (p * (1.0 - p) / n + square / (4.0 * n)).sqrt();
        let [low, high] = [middle - spread, middle + spread].map(|at| at / (1.0 + square));
        // Rounding must not exclude nothing and everything.
        let low = if count == 0 { 0.0 } else { low.max(0.0) };
        let high = if count == answers { 1.0 } else { high.min(1.0) };
        Interval { low, high }
    }

    pub fn contains(self, share: f64) -> bool {
        (self.low..=self.high).contains(&share)
    }

    pub fn width(self) -> f64 {
        self.high - self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside the shares q at which |p − q| = z √(q(1−q)/n), found by bisection with forty decimals.
    #[test]
    fn wilson_score_intervals() {
        let check = |count, answers, want: [f64; 2]| {
            let Interval { low, high } = Interval::of(count, answers, Sure::InAThousand);
            assert!((low - want[0]).abs() < 5e-7, "{count} of {answers}: from {low}");
            assert!((high - want[1]).abs() < 5e-7, "{count} of {answers}: to {high}");
        };
        check(0, 0, [0.0, 1.0]);
        check(0, 1, [0.0, 0.915452]);
        check(1, 1, [0.084548, 1.0]);
        check(0, 100, [0.0, 0.097697]);
        check(10, 100, [0.037492, 0.240666]);
        check(100, 100, [0.902303, 1.0]);
        check(30, 3_000, [0.005541, 0.017984]);
        check(900, 3_000, [0.273229, 0.328210]);
        check(2_100, 3_000, [0.671790, 0.726771]);
        check(3, 1_000_000, [0.000001, 0.000016]);
    }

    #[test]
    fn who_wants_to_be_surer_gets_a_wider_interval() {
        let [narrow, wide] =
            [Sure::InAThousand, Sure::InAMillion].map(|sure| Interval::of(900, 3_000, sure));
        assert!(wide.low < narrow.low && narrow.high < wide.high);
        // |p - q| = z sqrt(q(1-q)/n) at both ends.
        for q in [wide.low, wide.high] {
            let deviations = (0.3 - q).abs() / (q * (1.0 - q) / 3_000.0).sqrt();
            assert!((deviations - 4.891_638).abs() < 1e-5, "{q}: {deviations}");
        }
    }

    #[test]
    fn more_answers_narrow_the_interval_around_the_share() {
        let mut width = 1.0;
        for answers in [10, 100, 1_000, 10_000, 100_000] {
            let interval = Interval::of(answers / 10, answers, Sure::InAThousand);
            assert!(interval.contains(0.1) && interval.width() < width, "{answers}: {interval:?}");
            width = interval.width();
        }
        assert!(width < 0.01);
    }
}
