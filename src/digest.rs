//! SHA-256 in hexadecimal digits, to tell texts, files and configurations apart.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The digest of `bytes`, in 64 lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The digest of several texts in a row, each with its length before it.
pub(crate) fn sha256_of_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

/// The digest of a file, which is read piece by piece.
pub(crate) fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&digest.finalize())),
            length => digest.update(&buffer[..length]),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [hexadecimal_digit(byte >> 4), hexadecimal_digit(byte & 15)]).collect()
}

/// The digit of a value below 16.
fn hexadecimal_digit(value: u8) -> char {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    char::from(DIGITS[usize::from(value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_its_well_known_digest() {
        assert_eq!(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
