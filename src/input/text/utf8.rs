//! A stream in UTF-16 as the same in UTF-8, so that lines, rows and tags are where they are looked for.

use std::io::{BufRead, Read};

use encoding_rs::{Decoder, Encoding};

use crate::input::stream::Stream;

/// Decodes as it is read; what is broken becomes U+FFFD.
pub(in crate::input) struct Utf8<'s, 'r> {
    stream: &'s mut Stream<'r>,
    decoder: Decoder,
    is_ended: bool,
}

impl<'s, 'r> Utf8<'s, 'r> {
    pub(in crate::input) fn new(stream: &'s mut Stream<'r>, encoding: &'static Encoding) -> Self {
        Self { stream, decoder: encoding.new_decoder(), is_ended: false }
    }
}

impl Read for Utf8<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while !self.is_ended {
            let bytes = self.stream.fill_buf()?;
            let is_last = bytes.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(bytes, into, is_last);
            self.stream.consume(read);
            self.is_ended = is_last && result == encoding_rs::CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
