//! LZ4, frame by frame. The decoder takes the end of a stream inside a frame for the end of the frame, so that a cut is found here.

use std::io::Read;

use lz4_flex::frame::FrameDecoder;

use crate::input::refusal::Refusal;
use crate::input::stream::Stream;

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// The content of the frames of a file, joined.
pub(super) struct Frames<'s, 'r> {
    state: State<'s, 'r>,
}

enum State<'s, 'r> {
    Between(&'s mut Stream<'r>),
    Inside(Box<FrameDecoder<Endless<'s, 'r>>>),
    Ended,
}

impl<'s, 'r> Frames<'s, 'r> {
    pub(super) fn new(stream: &'s mut Stream<'r>) -> Self {
        Self { state: State::Between(stream) }
    }
}

impl Read for Frames<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(stream) => {
                    if stream.is_at_end() {
                        return Ok(0);
                    }
                    if !stream.peek(MAGIC.len()).starts_with(&MAGIC) {
                        let message = "cannot be unpacked: something else follows what was compressed";
                        return Err(Refusal::damaged(message).into());
                    }
                    self.state = State::Inside(Box::new(FrameDecoder::new(Endless(stream))));
                }
                State::Inside(mut decoder) => match decoder.read(into)? {
                    0 => self.state = State::Between(decoder.into_inner().0),
                    length => {
                        self.state = State::Inside(decoder);
                        return Ok(length);
                    }
                },
            }
        }
    }
}

/// A stream that fails at its end.
struct Endless<'s, 'r>(&'s mut Stream<'r>);

impl Read for Endless<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(into)? {
            0 if !into.is_empty() => Err(Refusal::truncated("is cut short").into()),
            length => Ok(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};

    use super::*;
    use crate::record::Reason;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let info = FrameInfo::new().block_size(BlockSize::Max64KB).content_checksum(true);
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let mut text = Vec::new();
        let outcome = Frames::new(&mut Stream::new(bytes)).read_to_end(&mut text);
        outcome.map(|_| text).map_err(|error| Refusal::from(error).reason)
    }

    #[test]
    fn frames_are_joined() {
        let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let frames = [packed(b"one "), packed(&long), packed(b"two")].concat();
        assert_eq!(unpacked(&frames), Ok([b"one ", long.as_slice(), b"two"].concat()));
    }

    #[test]
    fn a_frame_that_is_cut_is_truncated_wherever_it_is() {
        let frame = packed(&b"It rained all night. ".repeat(10_000));
        for end in (1..frame.len()).step_by(97).chain([frame.len() - 8, frame.len() - 4, frame.len() - 1]) {
            let outcome = unpacked(&frame[..end]);
            // What is left of the magic number is no frame.
            assert_eq!(outcome, Err(if end < MAGIC.len() { Reason::Damaged } else { Reason::Truncated }), "{end}");
        }
        let mut damaged = frame;
        damaged[30] ^= 0xff;
        assert_eq!(unpacked(&damaged), Err(Reason::Damaged));
        assert_eq!(unpacked(&[packed(b"one"), b"two".to_vec()].concat()), Err(Reason::Damaged));
    }
}
