//! Documents to sentences, many documents at a time.

use std::time::Duration;

use rayon::prelude::*;

use crate::deadline::guard::Guard;
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{Chunk, Document, Rejection, SplitDocument};
use crate::sentences::sentences;

/// Splits documents into sentences.
#[derive(Debug)]
pub struct Split {
    guard: Guard,
}

impl Default for Split {
    fn default() -> Self {
        Self { guard: Guard::new(Self::NAME) }
    }
}

impl Split {
    /// Rejects documents on which the stage has worked for longer than `limit`.
    #[must_use]
    pub fn within(self, limit: Option<Duration>) -> Self {
        Self { guard: self.guard.within(limit) }
    }
}

impl Stage for Split {
    const NAME: &'static str = "split";
    type In = Chunk<Document>;
    type Out = Chunk<SplitDocument>;

    fn process(&mut self, chunk: Self::In, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        let outcomes: Vec<Result<SplitDocument, Rejection>> = chunk
            .documents
            .into_par_iter()
            .map(|document| {
                let sentences = self.guard.on(&document, || sentences(&document.text))?;
                Ok(SplitDocument { document, sentences })
            })
            .collect();
        let mut documents = Vec::with_capacity(outcomes.len());
        for document in outcomes {
            match document {
                Ok(document) => documents.push(document),
                Err(rejection) => out.reject(rejection)?,
            }
        }
        out.emit(Chunk { documents, input_bytes: chunk.input_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::run_inline;
    use crate::record::Reason;

    #[test]
    fn a_document_that_takes_too_long_is_rejected_and_the_next_one_is_split() {
        for long in ["One. ", "One\n\n", "One\n"] {
            let documents = [long.repeat(10_000), "Two.".into()].map(Document::of_text).to_vec();
            let chunk = Chunk { documents, input_bytes: 1 };
            let split = Split::default().within(Some(Duration::ZERO));
            let (chunks, rejections) = run_inline(split, [chunk]).unwrap();
            assert_eq!((rejections[0].reason, rejections[0].stage), (Reason::TooSlow, "split"), "{long:?}");
            assert_eq!((rejections.len(), chunks[0].documents.len()), (1, 1));
        }
    }
}
