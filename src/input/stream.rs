//! Bytes that come piece by piece, can be looked at before they are taken, and can be put back.

use std::io::{BufRead, Read};

use super::refusal::Refusal;

/// The bytes that are read at once, at first: many files are short, and room for more has to be cleared.
const FIRST_PIECE_BYTES: usize = 1 << 13;

/// The bytes that are read at once, at most.
const MAX_PIECE_BYTES: usize = 1 << 18;

/// A stream of bytes. Bytes before a failure are given before the failure; after it there are none, unless it says that it goes on.
pub(crate) struct Stream<'r> {
    inner: Box<dyn Read + 'r>,
    buffer: Vec<u8>,
    start: usize,
    piece_bytes: usize,
    failure: Option<std::io::Error>,
    is_ended: bool,
    position: u64,
}

impl<'r> Stream<'r> {
    pub(crate) fn new(inner: impl Read + 'r) -> Self {
        Self {
            inner: Box::new(inner),
            buffer: Vec::new(),
            start: 0,
            piece_bytes: FIRST_PIECE_BYTES,
            failure: None,
            is_ended: false,
            position: 0,
        }
    }

    /// The number of bytes that have been taken.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes, `wanted` of them where there are so many.
    pub(super) fn peek(&mut self, wanted: usize) -> &[u8] {
        while self.buffer.len() - self.start < wanted && self.failure.is_none() && !self.is_ended {
            self.fetch();
        }
        &self.buffer[self.start..]
    }

    /// Tells whether nothing follows: neither a byte nor a failure.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek(1).is_empty() && self.failure.is_none()
    }

    /// Fails where what has been taken last turns out to be damaged: checksums stand behind what they are of, `distance` bytes away at most.
    pub(super) fn confirm(&mut self, distance: usize) -> Result<(), Refusal> {
        let left = self.peek(distance).len();
        if left < distance && self.failure.as_ref().is_some_and(goes_on) {
            self.consume(left);
            self.fill_buf()?;
        }
        Ok(())
    }

    /// Puts bytes back that have been taken.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.position -= bytes.len() as u64;
        if bytes.len() <= self.start {
            self.start -= bytes.len();
            self.buffer[self.start..self.start + bytes.len()].copy_from_slice(bytes);
        } else {
            self.buffer.splice(..self.start, bytes.iter().copied());
            self.start = 0;
        }
    }

    /// Takes `wanted` bytes.
    pub(super) fn take_exactly(&mut self, wanted: usize) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        self.by_ref().take(wanted as u64).read_to_end(&mut bytes)?;
        if bytes.len() < wanted { Err(Refusal::truncated("is cut short")) } else { Ok(bytes) }
    }

    /// Passes over `length` bytes. `false` where there are fewer.
    pub(super) fn skip(&mut self, mut length: u64) -> Result<bool, Refusal> {
        while length > 0 {
            let available = self.fill_buf()?.len();
            if available == 0 {
                return Ok(false);
            }
            let passed = available.min(usize::try_from(length).unwrap_or(usize::MAX));
            self.consume(passed);
            length -= passed as u64;
        }
        Ok(true)
    }

    /// Reads one piece more behind what is there.
    fn fetch(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + self.piece_bytes, 0);
        let outcome = self.inner.read(&mut self.buffer[length..]);
        self.buffer.truncate(length + outcome.as_ref().map_or(0, |&read| read));
        match outcome {
            Ok(0) => self.is_ended = true,
            Ok(_) => self.piece_bytes = MAX_PIECE_BYTES.min(2 * self.piece_bytes),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => self.failure = Some(error),
        }
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.peek(1).is_empty()
            && let Some(error) = self.failure.take()
        {
            let refusal = Refusal::from(error);
            self.is_ended = !refusal.goes_on;
            return Err(refusal.into());
        }
        Ok(&self.buffer[self.start..])
    }

    fn consume(&mut self, amount: usize) {
        self.start += amount;
        self.position += amount as u64;
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        read_buffered(self, into)
    }
}

/// Tells whether there is more to read behind a failure.
fn goes_on(error: &std::io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()).is_some_and(|refusal| refusal.goes_on)
}

/// Reads what lies in the buffer, as much as there is room for.
fn read_buffered(reader: &mut impl BufRead, into: &mut [u8]) -> std::io::Result<usize> {
    let available = reader.fill_buf()?;
    let length = available.len().min(into.len());
    into[..length].copy_from_slice(&available[..length]);
    reader.consume(length);
    Ok(length)
}

/// So many bytes of a stream, or a failure where it has fewer.
pub(super) struct Exactly<'s, 'r> {
    stream: &'s mut Stream<'r>,
    left: u64,
}

impl<'s, 'r> Exactly<'s, 'r> {
    pub(super) fn new(stream: &'s mut Stream<'r>, length: u64) -> Self {
        Self { stream, left: length }
    }
}

impl Read for Exactly<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        read_buffered(self, into)
    }
}

impl BufRead for Exactly<'_, '_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let available = self.stream.fill_buf()?;
        if available.is_empty() {
            return Err(Refusal::truncated("is cut short").into());
        }
        Ok(&available[..available.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))])
    }

    fn consume(&mut self, amount: usize) {
        self.left -= amount as u64;
        self.stream.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Reason;

    /// Gives its pieces one by one, then fails.
    struct Failing(Vec<&'static [u8]>);

    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let piece = self.0.remove(0);
            into[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn what_came_before_a_failure_is_given_before_it_and_once() {
        let mut stream = Stream::new(Failing(vec![b"on", b"e"]));
        assert_eq!(stream.peek(100), b"one");
        let mut bytes = Vec::new();
        let failure = Refusal::from(stream.read_to_end(&mut bytes).unwrap_err());
        assert_eq!((bytes.as_slice(), failure.reason), (b"one".as_slice(), Reason::Truncated));
        assert!(stream.is_at_end() && stream.fill_buf().unwrap().is_empty());
    }

    #[test]
    fn what_was_put_back_comes_again() {
        let mut stream = Stream::new(b"one two".as_slice());
        assert_eq!(stream.take_exactly(4).unwrap(), b"one ");
        stream.put_back(b"one ");
        assert_eq!(stream.position(), 0);
        assert_eq!(stream.take_exactly(7).unwrap(), b"one two");
        stream.put_back(b"one two");
        stream.put_back(b"");
        assert_eq!(stream.peek(1), b"one two");
    }
}
