//! gzip, member by member: where one is damaged, the next ones are still there. Web archives have one a record. Short ones are unpacked
//! side by side, as far as they are sound; nobody can tell from what comes out.

use std::collections::VecDeque;
use std::io::{BufRead, Read};

use flate2::bufread::GzDecoder;
use rayon::prelude::*;

use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::record::Reason;

/// The start of a member's header: magic and method.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

const HEADER_BYTES: usize = 10;

/// Members that are whole within so many bytes are unpacked side by side.
const WINDOW_BYTES: usize = 1 << 20;

/// So many of them, at most.
const MAX_TOGETHER: usize = 32;

/// And only where they unpack to no more bytes than this.
const MAX_SHORT_BYTES: usize = 1 << 20;

/// The members of a gzip file, joined.
pub(super) struct Members<'s, 'r> {
    state: State<'s, 'r>,
    window_bytes: usize,
}

enum State<'s, 'r> {
    /// Before a member, or the end.
    Between(&'s mut Stream<'r>),
    /// Inside the first of members that have been unpacked.
    Unpacked(&'s mut Stream<'r>, VecDeque<Member>),
    Inside(Box<GzDecoder<&'s mut Stream<'r>>>),
    /// Before what is no member.
    Stray(&'s mut Stream<'r>),
    /// Somewhere behind what is damaged.
    Lost(&'s mut Stream<'r>),
    Ended,
}

impl<'s, 'r> Members<'s, 'r> {
    pub(super) fn new(stream: &'s mut Stream<'r>) -> Self {
        Self { state: State::Between(stream), window_bytes: WINDOW_BYTES }
    }
}

impl Read for Members<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(stream) => self.state = next(stream, self.window_bytes)?,
                State::Unpacked(stream, mut members) => {
                    let Some(member) = members.front_mut() else {
                        self.state = State::Between(stream);
                        continue;
                    };
                    let length = member.rest().read(into)?;
                    member.taken += length;
                    if length == 0 && !into.is_empty() {
                        stream.consume(member.packed_bytes);
                        members.pop_front();
                    }
                    self.state = State::Unpacked(stream, members);
                    if length > 0 || into.is_empty() {
                        return Ok(length);
                    }
                }
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

/// A member that has been unpacked.
struct Member {
    packed_bytes: usize,
    bytes: Vec<u8>,
    /// The number of bytes that have been given out.
    taken: usize,
}

impl Member {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// The one that `packed` begins with, where it is short, whole and sound.
    fn unpack(packed: &[u8]) -> Option<Self> {
        let mut decoder = GzDecoder::new(packed);
        let mut bytes = Vec::new();
        let length = decoder.by_ref().take(MAX_SHORT_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
        let packed_bytes = packed.len() - decoder.into_inner().len();
        (length <= MAX_SHORT_BYTES).then_some(Self { packed_bytes, bytes, taken: 0 })
    }
}

/// The members that `packed` begins with, as far as they are short, whole and sound. What only looks like a member lies inside one, and
/// is passed over with it.
fn unpack_together(packed: &[u8]) -> VecDeque<Member> {
    let starts = memchr::memmem::find_iter(packed, &MAGIC).filter(|&at| is_header(&packed[at..]));
    let starts: Vec<usize> = starts.take(MAX_TOGETHER).collect();
    if starts.len() < 2 {
        return VecDeque::new();
    }
    let unpacked: Vec<Option<Member>> = starts.par_iter().map(|&at| Member::unpack(&packed[at..])).collect();
    let mut next = 0;
    let mut members = VecDeque::new();
    for (start, member) in starts.into_iter().zip(unpacked) {
        if start < next {
            continue;
        }
        let Some(member) = member.filter(|_| start == next) else { break };
        next += member.packed_bytes;
        members.push_back(member);
    }
    members
}

/// The next members. Zeros behind the last one fill up a block of a tape.
fn next<'s, 'r>(stream: &'s mut Stream<'r>, window_bytes: usize) -> std::io::Result<State<'s, 'r>> {
    loop {
        if stream.peek(MAGIC.len()).starts_with(&MAGIC[..2]) {
            let window = stream.peek(window_bytes);
            let members = unpack_together(&window[..window.len().min(window_bytes)]);
            return Ok(if members.is_empty() {
                State::Inside(Box::new(GzDecoder::new(stream)))
            } else {
                State::Unpacked(stream, members)
            });
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

/// True if these bytes can be a header. All fields are checked, so that damaged data seldom look like one by chance.
fn is_header(bytes: &[u8]) -> bool {
    bytes.get(..HEADER_BYTES).is_some_and(|header| {
        let flags = header[3];
        let level = header[8];
        let system = header[9];
        header.starts_with(&MAGIC) && flags & 0xe0 == 0 && matches!(level, 0 | 2 | 4) && (system <= 13 || system == 255)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out, with what is said of damage where it comes.
    fn unpacked(bytes: &[u8], window_bytes: usize) -> (Vec<u8>, Vec<(usize, String)>, u64) {
        let mut stream = Stream::new(bytes);
        let (mut members, mut text, mut said) = (Members::new(&mut stream), Vec::new(), Vec::new());
        members.window_bytes = window_bytes;
        loop {
            match members.read_to_end(&mut text) {
                Ok(_) => break,
                Err(error) => {
                    let refusal = Refusal::from(error);
                    said.push((text.len(), refusal.message));
                    if !refusal.goes_on {
                        break;
                    }
                }
            }
        }
        (text, said, stream.position())
    }

    #[test]
    fn short_members_are_unpacked_together_and_long_ones_and_what_is_cut_are_not() {
        let (short, long) = (packed(b"short"), packed(&vec![b'x'; MAX_SHORT_BYTES + 1]));
        let lengths = |parts: &[&[u8]]| {
            unpack_together(&parts.concat()).iter().map(|member| member.bytes.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[&short, &short, &packed(b""), &short]), [5, 5, 0, 5]);
        assert_eq!(lengths(&[&short, &short, &short[..20]]), [5, 5]);
        assert_eq!(lengths(&[&short, &long, &short]), [5]);
        assert_eq!(lengths(&[&short, b"\0\0", &short]), [5], "what stands between is for others to judge");
        assert!(lengths(&[&long, &short]).is_empty() && lengths(&[&short]).is_empty());
    }

    #[test]
    fn what_looks_like_a_member_inside_of_one_is_none() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(&packed(b"inner")).unwrap();
        let outer = encoder.finish().unwrap();
        let bytes = [&outer[..], &packed(b"next")].concat();
        assert_eq!(unpacked(&bytes, WINDOW_BYTES), unpacked(&bytes, 1));
        assert_eq!(unpack_together(&bytes).len(), 2);
    }

    proptest! {
        #[test]
        fn nobody_can_tell_what_was_unpacked_together(
            members in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cut in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
            window_bytes in 2_usize..3000,
        ) {
            let mut bytes = members.iter().flat_map(|member| packed(member)).collect::<Vec<_>>();
            for (at, byte) in damage {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            if is_cut && !bytes.is_empty() {
                bytes.truncate(cut.index(bytes.len()));
            }
            prop_assert_eq!(unpacked(&bytes, window_bytes), unpacked(&bytes, 1));
        }
    }
}
