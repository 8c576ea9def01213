//! Soft labels from finished models, for sets that only narrow labels down or whose labels are noisy
//! (knowledge distillation, Hinton et al. 2015).

use std::path::Path;

use indexmap::IndexMap;

use super::card::name_of;
use super::recipe::{Recipe, SetRecipe};
use super::{Event, TrainError, threads};
use crate::config::{Device, Precision};
use crate::labelled::passages::{PassageOutputs, infer_rows, infer_rows_with};
use crate::labelled::{Gold, LabelledRow};
use crate::model::{HeadKind, HeadOutputs, Model, ModelFolder, Tokenizer};

/// The maximum number of tokens in a batch.
const BATCH_TOKENS: usize = 2048;

/// A teacher's probabilities for one head: for each row its segments, for each segment the probability of each label. For
/// a token head those of all tokens of the segment, one after another.
type SoftLabels = Vec<Vec<Vec<f32>>>;

/// The soft labels of the rows of a set, by the names of the heads.
pub(super) type HeadSoftLabels = IndexMap<String, SoftLabels>;

/// Checks that all teachers of a set of the head called `own` have the heads and labels that they are used for.
pub(super) fn check(recipe: &Recipe, own: &str, set: &SetRecipe) -> Result<(), TrainError> {
    for (path, heads) in heads_of_teachers(own, set) {
        open(path, &heads, recipe)?;
    }
    Ok(())
}

/// Runs all teachers of a set of the head called `own` on `rows`. The probabilities of several teachers of one head are
/// averaged.
pub(super) fn soft_labels(
    recipe: &Recipe,
    own: &str,
    set: &SetRecipe,
    rows: &[LabelledRow],
    observe: &mut impl FnMut(Event<'_>),
) -> Result<HeadSoftLabels, TrainError> {
    let mut sums = HeadSoftLabels::new();
    for (path, heads) in heads_of_teachers(own, set) {
        observe(Event::Labelling { teacher: &name_of(path), set: &set.name, texts: rows.len() });
        for (head, labels) in soft_labels_of_teacher(path, heads, recipe, rows)? {
            match sums.get_mut(&head) {
                Some(sum) if have_same_shape(sum, &labels) => add(sum, &labels),
                Some(_) => {
                    let message = "it splits a text into other sentences or tokens than the teacher before it";
                    return Err(TrainError::Teacher { path: path.to_owned(), head, message });
                }
                None => _ = sums.insert(head, labels),
            }
        }
    }
    if let Some(sum) = sums.get_mut(own) {
        #[expect(clippy::cast_precision_loss, reason = "a set has a handful of teachers")]
        let teachers = set.teachers.len() as f32;
        for probability in probabilities(sum) {
            *probability /= teachers;
        }
    }
    Ok(sums)
}

/// The soft labels of the teacher in `path` for each of `heads`. The teacher is loaded once for heads of one kind.
fn soft_labels_of_teacher(
    path: &Path,
    heads: Vec<&str>,
    recipe: &Recipe,
    rows: &[LabelledRow],
) -> Result<HeadSoftLabels, TrainError> {
    let (sequences, tokens): (Vec<&str>, Vec<&str>) =
        heads.into_iter().partition(|head| recipe.heads[*head].kind == HeadKind::Sequence);
    let mut labels = HeadSoftLabels::new();
    if !sequences.is_empty() {
        labels.extend(Teacher::load(path, &sequences, recipe)?.label_segments(rows)?);
    }
    if !tokens.is_empty() {
        labels.extend(Teacher::load(path, &tokens, recipe)?.label_tokens(rows)?);
    }
    Ok(labels)
}

/// True if both have the same numbers of rows, segments and probabilities.
fn have_same_shape(one: &SoftLabels, other: &SoftLabels) -> bool {
    let mut rows = one.iter().zip(other);
    one.len() == other.len() && rows.all(|(one, other)| one.iter().map(Vec::len).eq(other.iter().map(Vec::len)))
}

fn add(sum: &mut SoftLabels, labels: &SoftLabels) {
    for (sum, probability) in probabilities(sum).zip(labels.iter().flatten().flatten()) {
        *sum += probability;
    }
}

fn probabilities(labels: &mut SoftLabels) -> impl Iterator<Item = &mut f32> {
    labels.iter_mut().flatten().flatten()
}

/// For each teacher of a set of the head called `own` the heads that it is used for.
fn heads_of_teachers<'s>(own: &'s str, set: &'s SetRecipe) -> IndexMap<&'s Path, Vec<&'s str>> {
    let mut heads_of: IndexMap<&Path, Vec<&str>> = IndexMap::new();
    for path in &set.teachers {
        heads_of.entry(path).or_default().push(own);
    }
    for (head, path) in &set.distilled_heads {
        heads_of.entry(path).or_default().push(head);
    }
    heads_of
}

/// Opens the folder of a teacher and checks that its `heads` have the labels of the recipe's.
fn open(path: &Path, heads: &[&str], recipe: &Recipe) -> Result<ModelFolder, TrainError> {
    let folder = ModelFolder::open(path)?;
    for &name in heads {
        let message = match folder.manifest().heads.get(name) {
            Some(head) if recipe.heads[name].is_like(head) => continue,
            Some(_) => "its labels are different, or in a different order",
            None => "it has no such head",
        };
        return Err(TrainError::Teacher { path: path.to_owned(), head: name.to_owned(), message });
    }
    Ok(folder)
}

/// The probabilities of a teacher for the labels with 1 in `mask`, renormalised to a sum of 1; 0 for the other labels.
pub(super) fn restrict(mask: &[f32], probabilities: &[f32]) -> Vec<f32> {
    let mut restricted: Vec<f32> = mask.iter().zip(probabilities).map(|(allowed, one)| allowed * one).collect();
    let sum: f32 = restricted.iter().sum();
    for probability in &mut restricted {
        *probability /= sum.max(f32::MIN_POSITIVE);
    }
    restricted
}

/// The mixture of a target with a teacher's probabilities, which have a share of `share`.
pub(super) fn mix(target: &[f32], probabilities: &[f32], share: f32) -> Vec<f32> {
    target.iter().zip(probabilities).map(|(target, soft)| target + share * (soft - target)).collect()
}

/// A finished model with the heads that it teaches. It has its own tokenizer, because another family of encoders has other
/// token ids.
struct Teacher<'h> {
    heads: &'h [&'h str],
    model: Model,
    tokenizer: Tokenizer,
}

impl<'h> Teacher<'h> {
    /// Loads the model in `path` with `heads`.
    fn load(path: &Path, heads: &'h [&'h str], recipe: &Recipe) -> Result<Self, TrainError> {
        let folder = open(path, heads, recipe)?;
        let runtime = folder.runtime(Precision::Auto, Device::Cpu, Some(1))?.with_threads(threads(recipe));
        // Its passages are those of the recipe, so that it labels the segments that are trained on.
        let tokenizer = folder.tokenizer_within(recipe.model.limits())?;
        Ok(Self { heads, model: folder.load(&runtime, 0, heads)?, tokenizer })
    }

    /// Labels segments by sequence heads. Running text is read sentence by sentence: the label of a sentence should not be that
    /// of its neighbours. A text with a label of its own is read in the same context as in training.
    fn label_segments(&mut self, rows: &[LabelledRow]) -> Result<HeadSoftLabels, TrainError> {
        let is_running = rows.iter().any(|row| matches!(row.gold, Gold::Marks(_)));
        let by_sentence = is_running.then(|| self.tokenizer.by_sentence());
        let tokenizer = by_sentence.as_ref().unwrap_or(&self.tokenizer);
        let passages = infer_rows(rows, tokenizer, &mut self.model, BATCH_TOKENS)?;
        Ok(self.by_head(&passages, |output: &HeadOutputs| &output.sequences))
    }

    /// Labels tokens by token heads. An attribution can span sentences, so running text is read in passages.
    fn label_tokens(&mut self, rows: &[LabelledRow]) -> Result<HeadSoftLabels, TrainError> {
        let passages =
            infer_rows_with(rows, &self.tokenizer, BATCH_TOKENS, |batch| self.model.token_probabilities(batch))?;
        Ok(self.by_head(&passages, |probabilities| probabilities))
    }

    /// Sorts the results of all segments by head. `probabilities` gives those of a segment, one item for each head.
    fn by_head<R>(
        &self,
        rows: &[Vec<PassageOutputs<R>>],
        probabilities: impl Fn(&R) -> &Vec<Vec<f32>>,
    ) -> HeadSoftLabels {
        let mut labels = HeadSoftLabels::new();
        for (place, head) in self.heads.iter().enumerate() {
            let mut of_head = SoftLabels::new();
            for passages in rows {
                let segments = passages.iter().flat_map(|passage| &passage.outputs);
                of_head.push(segments.map(|segment| probabilities(segment)[place].clone()).collect());
            }
            labels.insert((*head).to_owned(), of_head);
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teacher_chooses_among_the_allowed_labels() {
        assert_eq!(restrict(&[1.0, 0.0, 1.0], &[0.25, 0.5, 0.25]), [0.5, 0.0, 0.5]);
    }

    #[test]
    fn a_target_is_mixed_with_the_probabilities_of_a_teacher() {
        assert_eq!(mix(&[1.0, 0.0], &[0.5, 0.5], 0.5), [0.75, 0.25]);
        assert_eq!(mix(&[1.0, 0.0], &[0.5, 0.5], 0.0), [1.0, 0.0]);
    }
}
