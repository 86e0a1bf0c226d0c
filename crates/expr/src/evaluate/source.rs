//! Arrays: gone through one element after the other, never collected.

use std::ops::ControlFlow;

use memchr::memmem;

use super::Eval;
use crate::facts::HttpRequest;
use crate::program::{Each, Source, Split, Text};
use crate::scheme::{ArrayField, MapField};

/// Comparing a name with another one.
const WORK_PER_NAME: usize = 8;

/// Takes one element and says whether it wants another.
type Visit<'v, 'e> = &'v mut dyn FnMut(&'e [u8]) -> ControlFlow<()>;

// === impl Eval ===

impl<'e> Eval<'_, 'e> {
    /// None when there is no such array, which is not the same as an empty one.
    pub(super) fn visit(&self, source: &'e Source, visit: Visit<'_, 'e>) -> Option<()> {
        let mut visit = |element| match self.meter.spend(0) {
            Some(()) => visit(element),
            None => ControlFlow::Break(()),
        };
        let there = self.walk(source, &mut visit);
        there.filter(|()| !self.meter.is_spent())
    }

    fn walk(&self, source: &'e Source, visit: Visit<'_, 'e>) -> Option<()> {
        match source {
            Source::Field(field) => {
                let args = self.args()?;
                match field {
                    ArrayField::ArgNames => visit_all(args.map(|(name, _)| name), visit),
                    ArrayField::ArgValues => visit_all(args.map(|(_, value)| value), visit),
                }
                Some(())
            }
            Source::Key(map, key) => self.visit_key(*map, key, visit),
            Source::AllKeys(map, None) => self.visit_map(*map, visit),
            Source::AllKeys(map, Some(place)) => self.visit_places(*map, *place, visit),
            Source::Split(split) => self.visit_split(split, visit),
            Source::Chain(arrays) => self.visit_chain(arrays, visit),
        }
    }

    fn args(&self) -> Option<impl Iterator<Item = (&'e [u8], &'e [u8])> + use<'e>> {
        let request = self.facts.request.http()?;
        self.meter.spend(request.uri.len())?;
        Some(request.args())
    }

    /// The same, where the element at `place` is the current one.
    pub(super) fn at_nth(&self, source: &'e Source, place: usize) -> Option<Self> {
        let mut left = place;
        let mut found = None;
        self.visit(source, &mut |element| match left.checked_sub(1) {
            Some(fewer) => {
                left = fewer;
                ControlFlow::Continue(())
            }
            None => {
                found = Some(element);
                ControlFlow::Break(())
            }
        })?;
        Some(Eval { element: found?, ..*self })
    }

    pub(super) fn count(&self, source: &'e Source) -> Option<i64> {
        let mut count = 0_i64;
        self.visit(source, &mut |_| {
            count = count.saturating_add(1);
            ControlFlow::Continue(())
        })?;
        Some(count)
    }

    /// A key without a value is no key.
    fn visit_key(&self, map: MapField, key: &[u8], visit: Visit<'_, 'e>) -> Option<()> {
        let mut there = None;
        let mut visit = |value| {
            there = Some(());
            visit(value)
        };
        match map {
            MapField::Headers => self.facts.request.http()?.headers.named(key, &mut visit),
            MapField::Args => {
                let of_key = self.args()?.filter(|(name, _)| *name == key);
                visit_all(of_key.map(|(_, value)| value), &mut visit);
            }
        }
        there
    }

    fn visit_map(&self, map: MapField, visit: Visit<'_, 'e>) -> Option<()> {
        match map {
            MapField::Headers => {
                self.facts.request.http()?.headers.each(&mut |_, value| visit(value));
            }
            MapField::Args => visit_all(self.args()?.map(|(_, value)| value), visit),
        }
        Some(())
    }

    /// Of each key the value at `place`: those before it with the same key are counted.
    fn visit_places(&self, map: MapField, place: usize, visit: Visit<'_, 'e>) -> Option<()> {
        let request = self.facts.request.http()?;
        let mut index = 0_usize;
        let mut wanted = |before: &dyn Fn(usize) -> usize| {
            let spent = self.meter.spend(index.saturating_mul(WORK_PER_NAME));
            let wanted = spent.is_some() && before(index) == place;
            index = index.saturating_add(1);
            wanted
        };
        match map {
            MapField::Headers => request.headers.each(&mut |name, value| match wanted(&|index| {
                headers_before(request, name, index)
            }) {
                true => visit(value),
                false => ControlFlow::Continue(()),
            }),
            MapField::Args => {
                let wanted = self.args()?.filter(|(name, _)| {
                    let same = |(other, _): &(&[u8], &[u8])| other == name;
                    wanted(&|index| request.args().take(index).filter(same).count())
                });
                visit_all(wanted.map(|(_, value)| value), visit);
            }
        }
        Some(())
    }

    fn visit_split(&self, split: &'e Split, visit: Visit<'_, 'e>) -> Option<()> {
        let mut rest = self.text(&split.of)?;
        for _ in 1..split.limit {
            let Some(at) = memmem::find(rest, &split.separator) else { break };
            let (part, behind) = rest.split_at_checked(at)?;
            if visit(part).is_break() {
                return Some(());
            }
            rest = behind.get(split.separator.len()..)?;
        }
        // The last one: whether it wants another says nothing.
        let _: ControlFlow<()> = visit(rest);
        Some(())
    }

    /// Arrays that are not there are left out, and so are elements that are not.
    fn visit_chain(&self, arrays: &'e [Each<Text>], visit: Visit<'_, 'e>) -> Option<()> {
        let mut there = None;
        let mut flow = ControlFlow::Continue(());
        for Each { source, value } in arrays {
            let visited = self.visit(source, &mut |element| {
                flow = match (Eval { element, ..*self }).text(value) {
                    Some(text) => visit(text),
                    None => ControlFlow::Continue(()),
                };
                flow
            });
            there = there.or(visited);
            if flow.is_break() {
                break;
            }
        }
        there
    }
}

fn visit_all<'e>(elements: impl Iterator<Item = &'e [u8]>, visit: Visit<'_, 'e>) {
    for element in elements {
        if visit(element).is_break() {
            return;
        }
    }
}

/// How many of the first `index` lines have this name; servers take about a hundred.
fn headers_before(request: &HttpRequest<'_>, name: &[u8], index: usize) -> usize {
    let (mut seen, mut same) = (0_usize, 0_usize);
    request.headers.each(&mut |other, _| {
        if seen == index {
            return ControlFlow::Break(());
        }
        seen = seen.saturating_add(1);
        same = same.saturating_add(usize::from(other == name));
        ControlFlow::Continue(())
    });
    same
}
