//! Names as the answer path reads them: wire form, lower case, with the place of every label.

use arrayvec::ArrayVec;
use trimtab_model::Name;

/// RFC 1035 section 2.3.4, with all length bytes and the root.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// A name of 255 bytes has at most this many labels of one byte each, and the root.
const LABELS_MAX: usize = 127;
const LABEL_BYTES_MAX: u8 = 63;

/// A whole name, folded to lower case so that it can be hashed and compared as bytes (RFC 4343).
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    bytes: [u8; NAME_BYTES_MAX],
    /// With the root's zero byte.
    len: u8,
    /// Where each label begins, from the left.
    starts: [u8; LABELS_MAX],
    labels: u8,
}

/// A checked name's wire form.
pub(crate) type Wire = ArrayVec<u8, NAME_BYTES_MAX>;

/// A name as people write it, at worst four characters for each byte.
pub(crate) type Presentation = ArrayVec<u8, { 4 * NAME_BYTES_MAX }>;

/// Bytes that are no name, or one that uses compression where it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadName;

// === impl Folded ===

impl Folded {
    pub(crate) fn root() -> Folded {
        Folded { bytes: [0; NAME_BYTES_MAX], len: 1, starts: [0; LABELS_MAX], labels: 0 }
    }

    /// Takes the name at the front of `wire`; gives its length there. Compression pointers are refused:
    /// a question has nothing to point back to (RFC 1035 section 4.1.2), and stored data holds none.
    pub(crate) fn read(&mut self, wire: &[u8]) -> Result<usize, BadName> {
        let mut at: u8 = 0;
        let mut labels: u8 = 0;
        loop {
            let length = *wire.get(usize::from(at)).ok_or(BadName)?;
            if length == 0 {
                break;
            }
            if length > LABEL_BYTES_MAX {
                return Err(BadName);
            }
            *self.starts.get_mut(usize::from(labels)).ok_or(BadName)? = at;
            labels = labels.saturating_add(1);
            at = at.checked_add(length).and_then(|at| at.checked_add(1)).ok_or(BadName)?;
        }
        let len = at.checked_add(1).ok_or(BadName)?;
        let name = wire.get(..usize::from(len)).ok_or(BadName)?;
        let bytes = self.bytes.get_mut(..usize::from(len)).ok_or(BadName)?;
        bytes.copy_from_slice(name);
        // Length bytes are below 64 and no letters.
        bytes.make_ascii_lowercase();
        self.len = len;
        self.labels = labels;
        Ok(usize::from(len))
    }

    pub(crate) fn labels(&self) -> usize {
        usize::from(self.labels)
    }

    /// The whole name.
    pub(crate) fn wire(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// With its last dot; dots and backslashes inside labels behind a backslash, what is not printable as three
    /// digits (RFC 1035 section 5.1).
    pub(crate) fn presentation(&self) -> Presentation {
        let mut text = Presentation::new();
        for number in 0..self.labels() {
            let label = self.bytes.get(self.start(number)..self.start(number.saturating_add(1)));
            for &byte in label.and_then(|label| label.get(1..)).unwrap_or(&[]) {
                match byte {
                    b'.' | b'\\' => text.extend([b'\\', byte]),
                    b'!'..=b'~' => text.extend([byte]),
                    _ => text.extend([
                        b'\\',
                        b'0'.saturating_add(byte / 100),
                        b'0'.saturating_add(byte / 10 % 10),
                        b'0'.saturating_add(byte % 10),
                    ]),
                }
            }
            text.extend([b'.']);
        }
        if text.is_empty() {
            text.extend([b'.']);
        }
        text
    }

    /// Where label number `label` begins; the root's byte for the number behind the last one.
    pub(crate) fn start(&self, label: usize) -> usize {
        match self.starts.get(label) {
            Some(&start) if label < self.labels() => usize::from(start),
            Some(_) | None => usize::from(self.len.saturating_sub(1)),
        }
    }

    /// Where the last `labels` labels begin.
    pub(crate) fn start_of_last(&self, labels: usize) -> usize {
        self.start(self.labels().saturating_sub(labels))
    }

    /// The last `labels` labels and the root.
    pub(crate) fn last(&self, labels: usize) -> &[u8] {
        self.wire().get(self.start_of_last(labels)..).unwrap_or(&[])
    }

    /// From label number `from` up to the zone's own name, which is the last `apex_labels` labels: how a
    /// zone stores its names. Empty for the zone's own name.
    pub(crate) fn relative(&self, from: usize, apex_labels: usize) -> &[u8] {
        let end = self.start_of_last(apex_labels);
        self.bytes.get(self.start(from)..end).unwrap_or(&[])
    }
}

/// The wire form of a checked name, the root's byte included.
pub(crate) fn to_wire(name: &Name) -> Wire {
    // A checked name has at most 253 characters, and a label of it at most 63.
    let mut wire = Wire::new();
    for label in name.labels() {
        wire.push(u8::try_from(label.len()).unwrap_or(0));
        wire.extend(label.bytes());
    }
    wire.push(0);
    wire
}

/// The name without its first label: what it hangs below. None for a name without labels.
pub(crate) fn parent(relative: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = relative.split_first()?;
    rest.get(usize::from(length)..)
}

/// How many labels the bytes hold; a root's byte ends them.
pub(crate) fn count_labels(mut name: &[u8]) -> usize {
    let mut labels = 0_usize;
    while name.first().is_some_and(|&length| length != 0) {
        labels = labels.saturating_add(1);
        name = parent(name).unwrap_or(&[]);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &[u8]) -> Result<Folded, BadName> {
        let mut name = Folded::root();
        name.read(wire).map(|_| name)
    }

    #[test]
    fn rfc1035_2_3_4_limits_of_names_and_labels() {
        let labels = |count: usize, length: u8| {
            let label = [vec![length], vec![b'x'; length.into()]].concat();
            [label.repeat(count), vec![0]].concat()
        };
        for (wire, sound) in [
            (vec![0], true),
            (labels(1, 63), true),
            (labels(127, 1), true),
            (labels(128, 1), false),
            ([labels(3, 63)[..192].to_vec(), labels(1, 61)].concat(), true),
            ([labels(3, 63)[..192].to_vec(), labels(1, 62)].concat(), false),
            ([vec![64], vec![b'x'; 64], vec![0]].concat(), false),
            (vec![64, b'x', 0], false),
            (vec![0xc0, 12], false),
            (vec![1, b'x', 0xc0, 12], false),
            (vec![1, b'x'], false),
            (vec![3, b'x', 0], false),
            (vec![], false),
        ] {
            assert_eq!(
                read(&wire).map(|name| name.wire() == wire),
                sound.then_some(true).ok_or(BadName)
            );
        }
    }

    #[test]
    fn names_are_folded_and_cut_at_labels() {
        let name = read(b"\x03WwW\x07Example\x03com\x00more").unwrap();
        assert_eq!(name.wire(), b"\x03www\x07example\x03com\x00");
        assert_eq!(name.labels(), 3);
        assert_eq!([0, 1, 2, 3, 9].map(|label| name.start(label)), [0, 4, 12, 16, 16]);
        assert_eq!(name.last(2), b"\x07example\x03com\x00");
        assert_eq!(name.last(0), b"\x00");
        assert_eq!(name.relative(0, 2), b"\x03www");
        assert_eq!(name.relative(1, 2), b"");
        assert_eq!(name.relative(0, 1), b"\x03www\x07example");
        assert_eq!(parent(name.relative(0, 1)), Some(&b"\x07example"[..]));
        assert_eq!(count_labels(name.wire()), 3);
        assert_eq!(to_wire(&"www.example.com".parse().unwrap()).as_slice(), name.wire());
    }

    #[test]
    fn rfc1035_5_1_names_are_written_with_escapes() {
        let check = |wire: &[u8], text: &str| {
            let written = read(wire).unwrap().presentation();
            assert_eq!(std::str::from_utf8(&written), Ok(text));
        };
        check(b"\x03WwW\x07Example\x03com\x00", "www.example.com.");
        check(b"\x04a.\\b\x02 \xff\x00", "a\\.\\\\b.\\032\\255.");
        check(b"\x00", ".");
        let longest = [[vec![63], vec![0; 63]].concat().repeat(3), vec![61], vec![0; 61], vec![0]];
        assert_eq!(read(&longest.concat()).unwrap().presentation().len(), (3 * 63 + 61) * 4 + 4);
    }
}
