//! Numbers in base 128, low bits first; the top bit says that more follows.

/// Reads numbers one after the other.
#[derive(Debug)]
pub(super) struct Numbers<'a>(std::slice::Iter<'a, u8>);

// === impl Numbers ===

impl<'a> Numbers<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Numbers<'a> {
        Numbers(bytes.iter())
    }

    /// How many there are, if the bytes are sound.
    pub(super) fn count(&self) -> usize {
        self.0.as_slice().iter().filter(|&&byte| byte < 0x80).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    /// None at the end, inside a number, and for a number of more than 63 bits.
    #[inline]
    pub(super) fn read(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut shift = 0_u32;
        loop {
            let byte = u64::from(*self.0.next()?);
            number |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift = shift.checked_add(7).filter(|&shift| shift < 63)?;
        }
    }
}

pub(super) fn write(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_written() {
        let numbers = [0, 1, 127, 128, 300, 1 << 21, (1 << 63) - 1];
        let mut bytes = Vec::new();
        numbers.iter().for_each(|&number| write(number, &mut bytes));
        let mut read = Numbers::new(&bytes);
        assert_eq!(read.count(), numbers.len());
        assert_eq!(numbers.map(|_| read.read()), numbers.map(Some));
        assert!(read.is_empty());
        assert_eq!(read.read(), None);
        assert_eq!(Numbers::new(&[0x80]).read(), None, "cut off");
        assert_eq!(Numbers::new(&[0xff; 10]).read(), None, "too long");
    }
}
