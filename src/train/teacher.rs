//! A model that says how likely labels are, where a set only narrows them down or is not wholly to be believed
//! (knowledge distillation, Hinton et al. 2015).

use std::path::Path;

use indexmap::IndexMap;

use super::card::name_of;
use super::recipe::{Recipe, SetRecipe};
use super::{Event, TrainError, threads};
use crate::config::{Device, Precision};
use crate::labelled::passages::{PassageReading, read_all, read_all_by};
use crate::labelled::{Gold, LabelledRow};
use crate::model::{HeadKind, Model, ModelFolder, Runtime, TokenBatch, Tokenizer};

/// How many tokens a batch has at most.
const BATCH_TOKENS: usize = 2048;

/// What is said of the rows of a set for one head: for each row its segments, for each segment the probability of each
/// label; for a token head those of all its tokens in a row.
type Opinion = Vec<Vec<Vec<f32>>>;

/// What teachers say of the rows of a set, for each head.
pub(super) type Opinions = IndexMap<String, Opinion>;

/// Checks that all teachers of a set of the head called `own` can teach.
pub(super) fn check(recipe: &Recipe, own: &str, set: &SetRecipe) -> Result<(), TrainError> {
    for (path, heads) in heads_of_teachers(own, set) {
        open(path, &heads, recipe)?;
    }
    Ok(())
}

/// Asks all teachers of a set of the head called `own` about `rows`.
pub(super) fn opinions(
    recipe: &Recipe,
    own: &str,
    set: &SetRecipe,
    rows: &[LabelledRow],
    observe: &mut impl FnMut(Event<'_>),
) -> Result<Opinions, TrainError> {
    let mut opinions = Opinions::new();
    for (path, heads) in heads_of_teachers(own, set) {
        observe(Event::Asking { teacher: &name_of(path), set: &set.name, texts: rows.len() });
        for (head, opinion) in opinions_of(path, heads, recipe, rows)? {
            match opinions.get_mut(&head) {
                Some(sum) if is_alike(sum, &opinion) => add(sum, &opinion),
                Some(_) => {
                    let message = "it cuts a text into other sentences or tokens than the teacher before it";
                    return Err(TrainError::Teacher { path: path.to_owned(), head, message });
                }
                None => _ = opinions.insert(head, opinion),
            }
        }
    }
    if let Some(sum) = opinions.get_mut(own) {
        #[expect(clippy::cast_precision_loss, reason = "a set has a handful of teachers")]
        let teachers = set.teachers.len() as f32;
        probabilities(sum).for_each(|probability| *probability /= teachers);
    }
    Ok(opinions)
}

/// What the teacher in `path` says for each of `heads`. Heads of one kind are asked at once.
fn opinions_of(path: &Path, heads: Vec<&str>, recipe: &Recipe, rows: &[LabelledRow]) -> Result<Opinions, TrainError> {
    let is_sequence = |head: &&str| recipe.heads[*head].kind == HeadKind::Sequence;
    let (sequences, tokens): (Vec<&str>, Vec<&str>) = heads.into_iter().partition(is_sequence);
    let mut opinions = Opinions::new();
    if !sequences.is_empty() {
        opinions.extend(Teacher::load(path, &sequences, recipe)?.of_segments(rows)?);
    }
    if !tokens.is_empty() {
        opinions.extend(Teacher::load(path, &tokens, recipe)?.of_tokens(rows)?);
    }
    Ok(opinions)
}

/// Whether two teachers speak of the same segments and tokens.
fn is_alike(one: &Opinion, other: &Opinion) -> bool {
    let sizes = |opinion: &Opinion| -> Vec<Vec<usize>> {
        opinion.iter().map(|segments| segments.iter().map(Vec::len).collect()).collect()
    };
    sizes(one) == sizes(other)
}

fn add(sum: &mut Opinion, opinion: &Opinion) {
    let opinion = opinion.iter().flatten().flatten();
    probabilities(sum).zip(opinion).for_each(|(sum, probability)| *sum += probability);
}

fn probabilities(opinion: &mut Opinion) -> impl Iterator<Item = &mut f32> {
    opinion.iter_mut().flatten().flatten()
}

/// Which heads the teachers of a set of the head called `own` are asked for: a teacher of several reads once for all.
fn heads_of_teachers<'s>(own: &'s str, set: &'s SetRecipe) -> IndexMap<&'s Path, Vec<&'s str>> {
    let mut heads_of: IndexMap<&Path, Vec<&str>> = IndexMap::new();
    let teachers = set.teachers.iter().map(|path| (own, path));
    for (head, path) in teachers.chain(set.taught.iter().map(|(head, path)| (head.as_str(), path))) {
        heads_of.entry(path).or_default().push(head);
    }
    heads_of
}

/// The folder of a teacher whose `heads` have the labels of the recipe's.
fn open(path: &Path, heads: &[&str], recipe: &Recipe) -> Result<ModelFolder, TrainError> {
    let folder = ModelFolder::open(path)?;
    for &name in heads {
        let refusal = |message| TrainError::Teacher { path: path.to_owned(), head: name.to_owned(), message };
        let head = folder.manifest().heads.get(name).ok_or_else(|| refusal("it has no such head"))?;
        if !recipe.heads[name].is_like(head) {
            return Err(refusal("its labels are others, or in another order"));
        }
    }
    Ok(folder)
}

/// How far each label applies where those with 1 in `mask` are possible: as the teacher has it among them.
pub(super) fn among(mask: &[f32], probabilities: &[f32]) -> Vec<f32> {
    let sum: f32 = mask.iter().zip(probabilities).map(|(allowed, probability)| allowed * probability).sum();
    let share = |(allowed, probability): (&f32, &f32)| allowed * probability / sum.max(f32::MIN_POSITIVE);
    mask.iter().zip(probabilities).map(share).collect()
}

/// What is known, with `share` of what is taught.
pub(super) fn mixed(known: &[f32], taught: &[f32], share: f32) -> Vec<f32> {
    known.iter().zip(taught).map(|(known, taught)| known + share * (taught - known)).collect()
}

/// A finished model with the heads that it teaches. It reads with a tokenizer of its own, as another family of encoders has
/// other token ids.
struct Teacher<'h> {
    heads: &'h [&'h str],
    model: Model,
    tokenizer: Tokenizer,
}

impl<'h> Teacher<'h> {
    /// Loads the model in `path` to teach `heads`.
    fn load(path: &Path, heads: &'h [&'h str], recipe: &Recipe) -> Result<Self, TrainError> {
        let folder = open(path, heads, recipe)?;
        let runtime = Runtime::resolve(Precision::Auto, Device::Cpu, Some(1))?;
        tch::set_num_threads(threads(recipe));
        Ok(Self { heads, model: folder.load(&runtime, 0, heads)?, tokenizer: folder.tokenizer()? })
    }

    /// Running text is read sentence by sentence: what a teacher makes of a sentence should not be what it makes of the
    /// neighbours. A text with a label of its own is read as it is labelled, among its neighbours.
    fn of_segments(&mut self, rows: &[LabelledRow]) -> Result<Opinions, TrainError> {
        let is_running = rows.iter().any(|row| matches!(row.gold, Gold::Marks(_)));
        let by_sentence = is_running.then(|| self.tokenizer.by_sentence());
        let read = read_all(rows, by_sentence.as_ref().unwrap_or(&self.tokenizer), &mut self.model, BATCH_TOKENS)?;
        Ok(self.by_head(&read, |reading| &reading.sequences))
    }

    /// Who said what goes over sentences, so that running text is read in passages.
    fn of_tokens(&mut self, rows: &[LabelledRow]) -> Result<Opinions, TrainError> {
        let read = |batch: &TokenBatch| self.model.token_probabilities(batch);
        let read = read_all_by(rows, &self.tokenizer, BATCH_TOKENS, read)?;
        Ok(self.by_head(&read, |said| said))
    }

    /// What was found in the rows, which `said` gives for each head of a segment.
    fn by_head<R>(&self, rows: &[Vec<PassageReading<R>>], said: impl Fn(&R) -> &Vec<Vec<f32>>) -> Opinions {
        let of_row = |passages: &Vec<PassageReading<R>>, place: usize| {
            passages.iter().flat_map(|passage| &passage.readings).map(|read| said(read)[place].clone()).collect()
        };
        let of_head =
            |(place, &head): (usize, &&str)| (head.to_owned(), rows.iter().map(|row| of_row(row, place)).collect());
        self.heads.iter().enumerate().map(of_head).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teacher_chooses_among_what_is_possible() {
        assert_eq!(among(&[1.0, 0.0, 1.0], &[0.25, 0.5, 0.25]), [0.5, 0.0, 0.5]);
    }

    #[test]
    fn what_is_known_is_mixed_with_what_is_taught() {
        assert_eq!(mixed(&[1.0, 0.0], &[0.5, 0.5], 0.5), [0.75, 0.25]);
        assert_eq!(mixed(&[1.0, 0.0], &[0.5, 0.5], 0.0), [1.0, 0.0]);
    }
}
