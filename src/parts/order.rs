//! The admissions of all parts in the order of the input. Memory has one block of each part.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::path::Path;

use super::PartsError;
use super::admissions::{Admission, Admissions};

/// The admissions of several parts, those of the first file first. If parts share a file, its records have numbers in their order; otherwise
/// all of them are in one part.
pub(crate) struct InOrder {
    parts: Vec<Peekable<Admissions>>,
    /// The numbers of the next file and record of each part that has one, and the part's place.
    next: BinaryHeap<Reverse<(u64, u64, usize)>>,
}

impl InOrder {
    pub(crate) fn new<'p>(folders: impl IntoIterator<Item = &'p Path>) -> Result<Self, PartsError> {
        let parts = folders.into_iter().map(|folder| Admissions::open(folder).map(Iterator::peekable));
        let mut in_order = Self { parts: parts.collect::<Result<_, _>>()?, next: BinaryHeap::new() };
        for part in 0..in_order.parts.len() {
            in_order.look_ahead(part)?;
        }
        Ok(in_order)
    }

    /// Notes the file and the record of the next admission of a part.
    fn look_ahead(&mut self, part: usize) -> Result<(), PartsError> {
        if let Some(Err(error)) = self.parts[part].next_if(Result::is_err) {
            return Err(error);
        }
        if let Some(Ok(admission)) = self.parts[part].peek() {
            self.next.push(Reverse((admission.file, admission.record, part)));
        }
        Ok(())
    }

    /// The next admission, and the place of its part.
    fn advance(&mut self) -> Result<Option<(usize, Admission)>, PartsError> {
        let Some(Reverse((.., part))) = self.next.pop() else { return Ok(None) };
        let admission = self.parts[part].next().transpose()?;
        self.look_ahead(part)?;
        Ok(admission.map(|admission| (part, admission)))
    }
}

impl Iterator for InOrder {
    type Item = Result<(usize, Admission), PartsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::admissions::tests::{admission, write};
    use super::*;

    #[test]
    fn files_come_in_their_order_whichever_part_has_them() {
        let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        write(folders[0].path(), [admission(1, "a"), admission(1, "b"), admission(5, "c")]);
        write(folders[1].path(), []);
        write(folders[2].path(), [admission(0, "d"), admission(2, "e"), admission(7, "f")]);
        let in_order = InOrder::new(folders.iter().map(tempfile::TempDir::path)).unwrap();
        let found: Vec<(usize, String)> = in_order.map(Result::unwrap).map(|(part, found)| (part, found.id)).collect();
        let expected = [(2, "d"), (0, "a"), (0, "b"), (2, "e"), (0, "c"), (2, "f")];
        assert_eq!(found, expected.map(|(part, id)| (part, id.to_owned())));
    }

    #[test]
    fn records_of_a_file_that_parts_share_come_in_their_order() {
        let folders: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
        let at = |record, id| Admission { record, ..admission(3, id) };
        write(folders[0].path(), [at(4, "c"), at(4, "d"), at(5, "e"), admission(4, "g")]);
        write(folders[1].path(), [at(1, "a"), at(3, "b"), at(10, "f")]);
        let in_order = InOrder::new(folders.iter().map(tempfile::TempDir::path)).unwrap();
        let found: Vec<String> = in_order.map(|found| found.unwrap().1.id).collect();
        assert_eq!(found, ["a", "b", "c", "d", "e", "f", "g"]);
    }
}
