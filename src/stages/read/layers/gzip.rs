//! gzip, member by member: where one is damaged, the next ones are still there. Web archives have one a record.

use std::io::{BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::record::Reason;
use crate::stages::read::refusal::Refusal;
use crate::stages::read::stream::Stream;

/// What a member's header begins with: magic and method.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

const HEADER_BYTES: usize = 10;

/// The members of a gzip file, joined.
pub(super) struct Members<'s, 'r> {
    state: State<'s, 'r>,
}

enum State<'s, 'r> {
    /// Before a member, or the end.
    Between(&'s mut Stream<'r>),
    Inside(Box<GzDecoder<&'s mut Stream<'r>>>),
    /// Before what is no member.
    Stray(&'s mut Stream<'r>),
    /// Somewhere behind what is damaged.
    Lost(&'s mut Stream<'r>),
    Ended,
}

impl<'s, 'r> Members<'s, 'r> {
    pub(super) fn new(stream: &'s mut Stream<'r>) -> Self {
        Self { state: State::Between(stream) }
    }
}

impl Read for Members<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(stream) => self.state = next(stream)?,
                State::Stray(stream) => {
                    self.state = State::Lost(stream);
                    let message = "cannot be unpacked: something else follows what was compressed";
                    return Err(Refusal { goes_on: true, ..Refusal::damaged(message) }.into());
                }
                State::Lost(stream) => self.state = search(stream)?,
                State::Inside(mut decoder) => match decoder.read(into) {
                    Ok(0) if !into.is_empty() => self.state = State::Between(decoder.into_inner()),
                    Ok(length) => {
                        self.state = State::Inside(decoder);
                        return Ok(length);
                    }
                    Err(error) => {
                        let mut refusal = Refusal::from(error);
                        if refusal.reason == Reason::Damaged {
                            refusal.goes_on = true;
                            self.state = State::Lost(decoder.into_inner());
                        }
                        return Err(refusal.into());
                    }
                },
            }
        }
    }
}

/// The next member. Zeros behind the last one fill up a block of a tape.
fn next<'s, 'r>(stream: &'s mut Stream<'r>) -> std::io::Result<State<'s, 'r>> {
    loop {
        if stream.peek(MAGIC.len()).starts_with(&MAGIC[..2]) {
            return Ok(State::Inside(Box::new(GzDecoder::new(stream))));
        }
        let bytes = stream.fill_buf()?;
        if bytes.is_empty() {
            return Ok(State::Ended);
        }
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        if zeros == 0 {
            return Ok(State::Stray(stream));
        }
        stream.consume(zeros);
    }
}

/// The next place where a member can begin.
fn search<'s, 'r>(stream: &'s mut Stream<'r>) -> std::io::Result<State<'s, 'r>> {
    loop {
        let bytes = stream.peek(HEADER_BYTES);
        if bytes.len() < HEADER_BYTES {
            let length = bytes.len();
            stream.consume(length);
            return Ok(State::Between(stream));
        }
        let found = memchr::memmem::find_iter(bytes, &MAGIC).find(|&at| is_header(&bytes[at..]));
        if let Some(at) = found {
            stream.consume(at);
            return Ok(State::Between(stream));
        }
        let passed = bytes.len() - (HEADER_BYTES - 1);
        stream.consume(passed);
    }
}

/// Whether these bytes can be a header. Damaged data look like one by chance more rarely, the more of it is looked at.
fn is_header(bytes: &[u8]) -> bool {
    bytes.get(..HEADER_BYTES).is_some_and(|header| {
        let (flags, level, system) = (header[3], header[8], header[9]);
        header.starts_with(&MAGIC) && flags & 0xe0 == 0 && matches!(level, 0 | 2 | 4) && (system <= 13 || system == 255)
    })
}
