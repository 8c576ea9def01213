//! zstd, also with the dictionary that web archives (`.warc.zst`) bring along in a first frame of its own.

use std::io::Read;

use crate::input::refusal::Refusal;
use crate::input::stream::Stream;

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes of the frame with the dictionary. Other programs skip it.
const DICTIONARY_FRAME: [u8; 4] = [0x5d, 0x2a, 0x4d, 0x18];

/// The first bytes of a dictionary.
const DICTIONARY: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];

/// A dictionary has no more bytes, packed or not.
const MAX_DICTIONARY_BYTES: usize = 16 << 20;

/// Decodes a stream from its first frame to its last.
pub(super) fn decoder<'s, 'r>(
    stream: &'s mut Stream<'r>,
) -> Result<::zstd::Decoder<'static, &'s mut Stream<'r>>, Refusal> {
    let dictionary = dictionary(stream)?;
    Ok(::zstd::Decoder::with_dictionary(stream, &dictionary)?)
}

/// Takes the dictionary off the beginning of a stream. Empty if there is none.
fn dictionary(stream: &mut Stream<'_>) -> Result<Vec<u8>, Refusal> {
    let head = stream.peek(12);
    let Some(&[first, second, third, fourth]) = head.get(4..8) else { return Ok(Vec::new()) };
    let is_packed = head[8..].starts_with(&MAGIC);
    let is_dictionary = is_packed || head[8..].starts_with(&DICTIONARY);
    if !head.starts_with(&DICTIONARY_FRAME) || !is_dictionary {
        return Ok(Vec::new());
    }
    let length = u32::from_le_bytes([first, second, third, fourth]) as usize;
    if length > MAX_DICTIONARY_BYTES {
        return Err(too_large());
    }
    stream.take_exactly(8)?;
    let content = stream.take_exactly(length)?;
    if !is_packed {
        return Ok(content);
    }
    let mut dictionary = Vec::new();
    let decoder = ::zstd::Decoder::with_buffer(content.as_slice())?;
    decoder.take(MAX_DICTIONARY_BYTES as u64 + 1).read_to_end(&mut dictionary)?;
    if dictionary.len() > MAX_DICTIONARY_BYTES { Err(too_large()) } else { Ok(dictionary) }
}

fn too_large() -> Refusal {
    Refusal::damaged(format!("has a dictionary of more than {MAX_DICTIONARY_BYTES} bytes"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::record::Reason;

    fn frame(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        [DICTIONARY_FRAME.as_slice(), &length, content].concat()
    }

    fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let mut stream = Stream::new(bytes);
        let mut decoder = decoder(&mut stream).map_err(|refusal| refusal.reason)?;
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).map_err(|error| Refusal::from(error).reason)?;
        Ok(text)
    }

    #[test]
    fn a_dictionary_serves_all_frames() {
        let samples: Vec<String> =
            (0..400).map(|number| format!("WARC/1.1 record {number} of {}", number * 7)).collect();
        let dictionary = ::zstd::dict::from_samples(&samples, 2048).unwrap();
        assert!(dictionary.starts_with(&DICTIONARY));
        let record = |text: &str| {
            let mut encoder = ::zstd::Encoder::with_dictionary(Vec::new(), 3, &dictionary).unwrap();
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let records = [record("WARC/1.1 record one "), record("WARC/1.1 record two")].concat();
        let expected = b"WARC/1.1 record one WARC/1.1 record two".to_vec();
        for content in [dictionary.clone(), ::zstd::encode_all(dictionary.as_slice(), 3).unwrap()] {
            let archive = [frame(&content), records.clone()].concat();
            assert_eq!(unpacked(&archive), Ok(expected.clone()));
            for end in (1..archive.len()).step_by(97) {
                assert!(
                    unpacked(&archive[..end]).is_ok_and(|text| text.len() < expected.len())
                        || unpacked(&archive[..end]).is_err()
                );
            }
            assert_eq!(unpacked(&archive[..40]), Err(Reason::Truncated));
        }
        assert_eq!(unpacked(&records), Err(Reason::Damaged), "without the dictionary");
    }

    #[test]
    fn other_skippable_frames_are_skipped() {
        let text = ::zstd::encode_all(b"It rained.".as_slice(), 3).unwrap();
        assert_eq!(unpacked(&[frame(b"a note of nobody"), text.clone()].concat()), Ok(b"It rained.".to_vec()));
        assert_eq!(unpacked(&text), Ok(b"It rained.".to_vec()));
        let bomb = ::zstd::encode_all(vec![0; MAX_DICTIONARY_BYTES + 1].as_slice(), 3).unwrap();
        assert_eq!(unpacked(&frame(&bomb)), Err(Reason::Damaged));
    }
}
