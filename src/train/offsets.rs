//! The decoding offsets of a token head: numbers that are added to the scores of its labels. The loss counts tokens, so the
//! most probable labels do not have the best F1 of parts.
//!
//! The encoder runs once over the dev sets. Its outputs are kept, and each trial only decodes them again.

use rayon::prelude::*;

use super::TrainError;
use super::scores::mean;
use crate::evaluate::measure::BATCH_TOKENS;
use crate::evaluate::{Marked, TaggingScores, words};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{PassageOutputs, infer_rows_with};
use crate::labelled::{LabelledRow, LabelledSet};
use crate::model::{HeadManifest, Model, ModelError, TokenOutputs, Tokenizer};

/// The number of steps in an offset of 1. Offsets are multiples of 0.2, which a manifest holds exactly.
const STEPS_PER_UNIT: f64 = 5.0;

/// The least gain of a step. A smaller one is chance.
const LEAST_GAIN: f64 = 0.0005;

/// A dev set with the outputs of a token head, without the texts' hidden states. It takes 4 bytes for each token and label
/// and about 32 more for each token: 60 for a head with seven labels, or 12 MB for 200,000 tokens.
pub(super) struct DecodableSet<'s> {
    set: &'s LabelledSet,
    tags: TagSet,
    /// The outputs for each batch.
    outputs: Vec<TokenOutputs>,
    /// The passages of each row.
    rows: Vec<Vec<PassageOutputs<SegmentPlace>>>,
}

/// The place of a segment in [`DecodableSet::outputs`].
#[derive(Debug, Clone, Copy)]
struct SegmentPlace {
    batch: usize,
    segment: usize,
}

/// The labels of tokens for each batch and each of its segments.
type Labels = Vec<Vec<Vec<usize>>>;

impl<'s> DecodableSet<'s> {
    /// Runs `model`, which was loaded with `head` alone, on `set`.
    pub(super) fn infer(
        set: &'s LabelledSet,
        head: &HeadManifest,
        tokenizer: &Tokenizer,
        model: &mut Model,
    ) -> Result<Self, ModelError> {
        let mut outputs = Vec::new();
        let rows = infer_rows_with(&set.rows, tokenizer, BATCH_TOKENS, |batch| {
            outputs.push(model.token_outputs(batch)?);
            let batch_place = outputs.len() - 1;
            let segments = 0..batch.segments().len();
            Ok(segments.map(|segment| SegmentPlace { batch: batch_place, segment }).collect())
        })?;
        Ok(Self { set, tags: TagSet::new(&head.labels), outputs, rows })
    }

    /// The mean F1 of the parts, counted in words, with `offsets` added to the scores of the labels.
    fn macro_f1(&self, model: &Model, offsets: &[f64]) -> Result<f64, ModelError> {
        let mut labels = Labels::new();
        for outputs in &self.outputs {
            labels.push(model.decode(outputs, offsets)?);
        }
        let tags = &self.tags;
        let rows = self.set.rows.par_iter().zip(&self.rows);
        let marked: Vec<Marked> = rows.map(|(row, passages)| marked(row, passages, &labels, tags)).collect();
        Ok(TaggingScores::from_rows(&marked, &tags.parts).macro_f1.unwrap_or(0.0))
    }
}

/// A row with the marks that `labels` make in its passages.
fn marked(row: &LabelledRow, passages: &[PassageOutputs<SegmentPlace>], labels: &Labels, tags: &TagSet) -> Marked {
    let mut found = Vec::new();
    for passage in passages {
        let mut of_passage = Vec::new();
        for place in &passage.outputs {
            of_passage.extend(&labels[place.batch][place.segment]);
        }
        found.extend(tags.marks(&row.text, &of_passage, &passage.passage.ranges()));
    }
    Marked { words: words(&row.text), gold: row.gold.marks().to_vec(), found, relations: None }
}

/// Finds offsets with a high mean over `sets` of the F1, by hill climbing from zero. `model` is the one that the sets have
/// been inferred with.
pub(super) fn fit_offsets(model: &Model, labels: usize, sets: &[DecodableSet<'_>]) -> Result<Vec<f64>, TrainError> {
    let steps = climb(vec![0; labels], |steps| {
        let offsets = offsets_of(steps);
        let mut scores = Vec::new();
        for set in sets {
            scores.push(set.macro_f1(model, &offsets)?);
        }
        Ok::<f64, TrainError>(mean(&scores))
    })?;
    Ok(offsets_of(&steps))
}

fn offsets_of(steps: &[i32]) -> Vec<f64> {
    steps.iter().map(|&steps| f64::from(steps) / STEPS_PER_UNIT).collect()
}

/// Moves from `place` one step along one axis at a time, until no step raises the score by [`LEAST_GAIN`]. The score is at
/// most 1, so this ends.
fn climb<E>(mut place: Vec<i32>, mut score: impl FnMut(&[i32]) -> Result<f64, E>) -> Result<Vec<i32>, E> {
    let mut best = score(&place)?;
    loop {
        let before = best;
        for axis in 0..place.len() {
            for step in [1, -1] {
                place[axis] += step;
                let new = score(&place)?;
                if new >= best + LEAST_GAIN {
                    best = new;
                } else {
                    place[axis] -= step;
                }
            }
        }
        if best <= before {
            return Ok(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Device, Precision};
    use crate::evaluate::measure::{Measured, Scores};
    use crate::labelled::Layout;
    use crate::model::ModelFolder;

    #[test]
    fn a_climb_ends_at_the_top_or_where_no_single_step_helps() {
        let top = |place: &[i32]| Ok::<_, ()>(1.0 - 0.01 * f64::from((place[0] - 2).pow(2) + (place[1] + 1).pow(2)));
        assert_eq!(climb(vec![0, 0, 0], top), Ok(vec![2, -1, 0]));
        assert_eq!(climb(vec![0, 0], |place| Ok::<_, ()>(0.0001 * f64::from(place[0]))), Ok(vec![0, 0]));
        assert_eq!(climb(vec![0], |_| Err::<f64, _>("libtorch failed")), Err("libtorch failed"));
    }

    #[test]
    fn offsets_are_the_numbers_that_a_manifest_holds() {
        for steps in -500..=500 {
            let [offset] = offsets_of(&[steps])[..] else { panic!() };
            assert_eq!(format!("{offset:.1}").parse::<f64>(), Ok(offset));
        }
    }

    #[test]
    fn kept_outputs_have_the_score_of_a_new_inference() {
        let folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = folder.runtime(Precision::F32, Device::Cpu, Some(1)).unwrap();
        let mut model = folder.load(&runtime, 0, &["attribution"]).unwrap();
        let tokenizer = folder.tokenizer().unwrap();
        let head = &folder.manifest().heads["attribution"];
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = [
            r#"{"text":"The mayor said the bridge would open on Monday. Critics doubt it.","attributions":[{"source":[[0,9]],"cue":[[10,14]],"content":[[15,48]]}]}"#,
            r#"{"text":"Rain fell in the north, according to Ann Lee.","attributions":[{"source":[[37,44]],"cue":[[24,36]],"content":[[0,22]]}]}"#,
            r#"{"text":"Nobody spoke.","attributions":[]}"#,
        ];
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let set = LabelledSet::load(file.path(), &Layout::default(), head).unwrap();
        let Scores::Tagging(scores) = Measured::new(&set, head, &tokenizer, &mut model).unwrap().scores(None) else {
            panic!("a token head");
        };
        let decodable = DecodableSet::infer(&set, head, &tokenizer, &mut model).unwrap();
        let unchanged = decodable.macro_f1(&model, &vec![0.0; head.labels.len()]).unwrap();
        assert_eq!(Some(unchanged), scores.macro_f1);
        assert!(unchanged > 0.3, "{scores:?}");
        let mut outside = vec![0.0; head.labels.len()];
        outside[0] = 100.0;
        assert!(decodable.macro_f1(&model, &outside).unwrap() < 1e-9, "every token is outside");
    }
}
