//! Large files in pieces of a fixed size, so that parts can share them. The path of the file and the number of a piece alone decide the part
//! that has it; a record is in the piece in which its first byte lies.

use super::part::Part;

/// The extensions of files that are cut: a record of theirs begins at the beginning of a line.
const EXTENSIONS: [&str; 2] = [".jsonl", ".ndjson"];

/// The pieces of a large file, some of which are in one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pieces {
    part: Part,
    path: String,
    /// The number of bytes of a piece.
    piece_bytes: u64,
}

impl Pieces {
    /// The pieces of the file that was found as `path` and has `length` bytes. `None` if it is in one part as a whole.
    pub(super) fn new(part: Part, path: &str, length: u64, piece_bytes: u64) -> Option<Self> {
        let is_cut = length > piece_bytes && is_cuttable(path);
        is_cut.then(|| Self { part, path: path.to_owned(), piece_bytes })
    }

    /// True if the part has the first piece. It also has the whole file, if that turns out to be something else than its name says.
    pub(crate) fn has_first(&self) -> bool {
        self.has(0)
    }

    /// True if the part has the piece of the byte at this offset.
    pub(super) fn has(&self, byte: u64) -> bool {
        match byte / self.piece_bytes {
            0 => self.part.has(&self.path),
            number => self.part.has(&format!("{}#{number}", self.path)),
        }
    }

    /// The end of the piece of the byte at this offset.
    pub(super) fn end(&self, byte: u64) -> u64 {
        (byte / self.piece_bytes + 1).saturating_mul(self.piece_bytes)
    }

    /// The beginning of the next piece of the part behind the byte at this offset, in a file of so many bytes.
    pub(super) fn next_own(&self, byte: u64, length: u64) -> Option<u64> {
        let mut begin = self.end(byte);
        while begin < length {
            if self.has(begin) {
                return Some(begin);
            }
            begin = self.end(begin);
        }
        None
    }

    /// The number of bytes in pieces of the part, in a file of so many bytes.
    pub(super) fn own_bytes(&self, length: u64) -> u64 {
        let mut bytes = 0;
        let mut begin = Some(0).filter(|_| self.has_first()).or_else(|| self.next_own(0, length));
        while let Some(at) = begin {
            bytes += self.end(at).min(length) - at;
            begin = self.next_own(at, length);
        }
        bytes
    }
}

/// Tells whether a file of this name may be cut into pieces.
pub(super) fn is_cuttable(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    EXTENSIONS.iter().any(|extension| path.ends_with(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(number: u32, length: u64) -> Option<Pieces> {
        Pieces::new(Part::new(number, 3).unwrap(), "in/archive.jsonl", length, 100)
    }

    #[test]
    fn each_byte_is_in_one_part_by_path_and_piece_alone() {
        let parts = [0, 1, 2].map(|number| pieces(number, 2001).unwrap());
        let mut pieces = [0; 3];
        for byte in 0..2001 {
            let owners: Vec<usize> = (0..3).filter(|&part| parts[part].has(byte)).collect();
            assert_eq!(owners.len(), 1, "{byte}");
            pieces[owners[0]] += 1;
        }
        assert_eq!(pieces.map(|bytes: u64| bytes > 200), [true; 3], "{pieces:?}");
        assert_eq!([0, 1, 2].map(|part: usize| parts[part].own_bytes(2001)), pieces);
        // Another version may not move pieces to other parts: int.from_bytes(sha256(b"in/archive.jsonl#7").digest()[:8]) % 3
        assert_eq!((0..3).find(|&part| parts[part].has(799)), Some(0));
    }

    #[test]
    fn the_own_pieces_come_one_by_one() {
        let first = pieces(0, 2001).unwrap();
        let mut at = 0;
        while let Some(begin) = first.next_own(at, 2001) {
            assert!(begin % 100 == 0 && begin > at && first.has(begin));
            assert!((at / 100 + 1..begin / 100).all(|piece| !first.has(piece * 100)));
            at = begin;
        }
        assert_eq!(first.next_own(at, 2001), None);
    }

    #[test]
    fn only_large_files_of_lines_are_cut() {
        let part = Part::new(0, 2).unwrap();
        let is_cut = |path, length| Pieces::new(part, path, length, 100).is_some();
        assert!(is_cut("a.jsonl", 101) && is_cut("b/A.NDJSON", 101));
        for (path, length) in [("a.jsonl", 100), ("a.jsonl.gz", 101), ("a.csv", 101), ("a.json", 101), ("jsonl", 101)] {
            assert!(!is_cut(path, length), "{path}");
        }
    }
}
