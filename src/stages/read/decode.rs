//! Bytes to text: by byte order mark, as UTF-8, or by detection.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use super::Refusal;
use crate::record::Reason;

/// A text, and the WHATWG name of the encoding that it came in.
pub(super) type Decoded = (String, &'static str);

/// Decodes `bytes`, without their byte order mark.
pub(super) fn decode(bytes: Vec<u8>) -> Result<Decoded, Refusal> {
    if let Some((encoding, mark_length)) = Encoding::for_bom(&bytes) {
        return decode_as(encoding, &bytes[mark_length..]);
    }
    if bytes.contains(&0) {
        return Err(Refusal::new(
            Reason::NotText,
            "holds zero bytes: binary data, or UTF-16 without a byte order mark",
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, UTF_8.name())),
        Err(error) => decode_as(detect(error.as_bytes()), error.as_bytes()),
    }
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<Decoded, Refusal> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| (text.into_owned(), encoding.name()))
        .ok_or_else(|| {
            Refusal::new(Reason::NotText, format!("is not valid UTF-8, and not valid {} either", encoding.name()))
        })
}
