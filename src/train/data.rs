//! Labelled sets to batches: which rows an epoch sees, in which order, and what is known of them.

use std::borrow::Cow;

use rayon::prelude::*;

use super::recipe::{Recipe, SetRecipe};
use super::sets::TrainSet;
use super::teacher::{self, Opinions};
use super::variants::variants;
use super::{Checkpoint, Event, TrainError, count};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{RowPassage, passages};
use crate::labelled::{Gold, LabelledError, LabelledRow};
use crate::model::{HeadKind, Passage, Tokenizer};

/// All that a model learns from.
pub(super) struct Data {
    pub(super) examples: Vec<Example>,
}

/// A passage with what is known of its segments.
pub(super) struct Example {
    passage: Passage,
    /// The text without its neighbours, where it has any.
    alone: Option<Passage>,
    /// The first of the segments that something is known of.
    first_segment: usize,
    /// What heads learn from that and the following segments.
    pub(super) lessons: Vec<Lesson>,
    /// How often it is seen in an epoch.
    pub(super) weight: f64,
}

/// What a head learns from an example.
pub(super) struct Lesson {
    /// The head, by its place in the recipe.
    pub(super) head: usize,
    /// What is known of each segment.
    pub(super) truths: Vec<Truth>,
    /// How much it counts.
    pub(super) weight: f64,
}

/// What is known of one segment.
pub(super) enum Truth {
    /// How far each label of a sequence head applies.
    Segment(Vec<f32>),
    /// The same for each token, of a token head.
    Tokens(Vec<Vec<f32>>),
}

/// What is read as one passage: an example, or several that have nothing to do with each other.
pub(super) type Row = Vec<Pick>;

/// An example as an epoch sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    /// By its place in [`Data::examples`].
    pub(super) example: usize,
    /// Whether it is read without its neighbours.
    is_alone: bool,
}

impl Data {
    /// Tokenises `sets` and asks their teachers, which may take long; what they say is kept in the checkpoint.
    pub(super) fn of(
        recipe: &Recipe,
        sets: Vec<TrainSet>,
        tokenizer: &Tokenizer,
        checkpoint: &Checkpoint,
        observe: &mut impl FnMut(Event<'_>),
    ) -> Result<Self, TrainError> {
        let mut data = Self { examples: Vec::new() };
        for TrainSet { head, set: place, mut rows } in sets {
            let (name, head_recipe) = recipe.heads.get_index(head).expect("the place comes from the recipe");
            let set = &head_recipe.sets[place];
            let made_up = set.variants.as_size();
            rows.extend(variants(&rows, made_up, head_recipe.labels.len(), recipe.training.seed.get()));
            let ask = || teacher::opinions(recipe, name, set, &rows, observe);
            let opinions = checkpoint.opinions(&format!("{name}-{place:02}"), ask)?;
            data.examples.extend(Source { recipe, head, set, tokenizer }.examples(&rows, &opinions)?);
        }
        Ok(data)
    }

    /// What an example reads.
    pub(super) fn passage(&self, pick: Pick) -> &Passage {
        let example = &self.examples[pick.example];
        example.alone.as_ref().filter(|_| pick.is_alone).unwrap_or(&example.passage)
    }

    /// What is read as one: the example's passage, or those of all examples in a row.
    pub(super) fn passage_of(&self, row: &Row) -> Cow<'_, Passage> {
        match row.as_slice() {
            &[pick] => Cow::Borrowed(self.passage(pick)),
            picks => Cow::Owned(Passage::chained(picks.iter().map(|&pick| self.passage(pick)))),
        }
    }

    /// The first segment of an example's passage which something is known of.
    pub(super) fn first_segment(&self, pick: Pick) -> usize {
        let example = &self.examples[pick.example];
        if pick.is_alone && example.alone.is_some() { 0 } else { example.first_segment }
    }

    /// The batches of an epoch, which depend on `seed` and `epoch` alone.
    pub(super) fn batches(&self, recipe: &Recipe, epoch: u64) -> Vec<Vec<Row>> {
        let training = &recipe.training;
        let budget = training.batch_tokens.as_size();
        let mut chance = fastrand::Rng::with_seed(training.seed.get().wrapping_mul(1_000_003).wrapping_add(epoch));
        let mut picks = self.picks(&mut chance, training.context_dropout.get());
        chance.shuffle(&mut picks);
        let mut rows = self.rows(&mut chance, picks, training.strangers.get(), recipe.model.passage_tokens.as_size());
        // Sorted by length within a window, so that batches have little padding and are still mixed.
        let window = (rows.len() / 8).clamp(1, 2048);
        let mut batches = Vec::new();
        for window in rows.chunks_mut(window) {
            window.sort_by_cached_key(|row| self.length(row));
            batches.extend(self.cut(window, budget));
        }
        chance.shuffle(&mut batches);
        batches
    }

    fn picks(&self, chance: &mut fastrand::Rng, context_dropout: f64) -> Vec<Pick> {
        let mut picks = Vec::new();
        for (place, example) in self.examples.iter().enumerate() {
            let mut rest = example.weight;
            while rest >= 1.0 || chance.f64() < rest {
                picks.push(Pick { example: place, is_alone: chance.f64() < context_dropout });
                rest -= 1.0;
            }
        }
        picks
    }

    /// Puts a share of the examples that have no neighbours together, in passages of at most `passage_tokens`: neighbours
    /// in a row of their own say nothing of each other, and the model learns not to believe that they do.
    fn rows(&self, chance: &mut fastrand::Rng, picks: Vec<Pick>, share: f64, passage_tokens: usize) -> Vec<Row> {
        let (mut rows, mut strangers) = (Vec::new(), Row::new());
        for pick in picks {
            if self.passage(pick).segments.len() > 1 || chance.f64() >= share {
                rows.push(vec![pick]);
                continue;
            }
            strangers.push(pick);
            if strangers.len() > 1 && self.length(&strangers) > passage_tokens {
                let next = strangers.split_off(strangers.len() - 1);
                rows.push(std::mem::replace(&mut strangers, next));
            }
        }
        rows.extend((!strangers.is_empty()).then_some(strangers));
        rows
    }

    fn length(&self, row: &Row) -> usize {
        self.passage_of(row).ids.len()
    }

    fn cut(&self, rows: &[Row], budget: usize) -> Vec<Vec<Row>> {
        let mut batches: Vec<Vec<Row>> = Vec::new();
        for row in rows {
            let width = self.length(row);
            match batches.last_mut() {
                Some(batch) if (batch.len() + 1) * width <= budget => batch.push(row.clone()),
                _ => batches.push(vec![row.clone()]),
            }
        }
        batches
    }
}

impl Example {
    /// What the head at place `head` learns from it.
    pub(super) fn lessons_of(&self, head: usize) -> impl Iterator<Item = &Lesson> {
        self.lessons.iter().filter(move |lesson| lesson.head == head)
    }
}

impl Lesson {
    /// How much each of its segments, or of their tokens, counts.
    pub(super) fn weight_of_each(&self) -> f64 {
        let size = |truth: &Truth| match truth {
            Truth::Segment(_) => 1,
            Truth::Tokens(tokens) => tokens.len(),
        };
        self.weight / count(self.truths.iter().map(size).sum::<usize>().max(1))
    }
}

/// A set to learn from, and all that it takes to read it.
struct Source<'r> {
    recipe: &'r Recipe,
    /// The head, by its place in the recipe.
    head: usize,
    set: &'r SetRecipe,
    tokenizer: &'r Tokenizer,
}

impl Source<'_> {
    fn examples(&self, rows: &[LabelledRow], opinions: &Opinions) -> Result<Vec<Example>, TrainError> {
        let tags = TagSet::new(&self.recipe.heads[self.head].labels);
        let of_row = |(place, row): (usize, &LabelledRow)| self.of_row(row, &tags, &Heard { opinions, place });
        let examples = rows.par_iter().enumerate().map(of_row).collect::<Result<Vec<_>, TrainError>>()?;
        Ok(examples.into_iter().flatten().collect())
    }

    fn of_row(&self, row: &LabelledRow, tags: &TagSet, heard: &Heard<'_>) -> Result<Vec<Example>, TrainError> {
        let (alone, passages) = (alone(row, self.tokenizer)?, passages(row, self.tokenizer)?);
        let segments = passages.iter().map(|found| found.segments.len()).sum();
        if let Some(head) = heard.other_than(segments) {
            return Err(self.refusal(row, format!("the teacher of `{head}` cuts this text into other sentences")));
        }
        let mut first = 0;
        let example = |found: RowPassage| {
            let taught = heard.of_segments(first..first + found.segments.len());
            first += found.segments.len();
            Ok(Example {
                lessons: self.lessons(row, &found, tags, taught)?,
                first_segment: found.segments.start,
                passage: found.passage,
                alone: alone.clone(),
                weight: self.set.weight,
            })
        };
        passages.into_iter().map(example).collect()
    }

    /// What is known of a passage, and what its heads are `taught`.
    fn lessons(
        &self,
        row: &LabelledRow,
        found: &RowPassage,
        tags: &TagSet,
        taught: Taught<'_>,
    ) -> Result<Vec<Lesson>, TrainError> {
        let (mut own, mut lessons) = (truths(row, found, tags), Vec::new());
        for (name, segments) in taught {
            let (head, _, recipe) = self.recipe.heads.get_full(name).expect("the recipe has been checked for it");
            let said = match recipe.kind {
                HeadKind::Sequence => segments.iter().cloned().map(Truth::Segment).collect(),
                HeadKind::Token => self.of_tokens(row, found, name, segments)?,
            };
            if head == self.head {
                own = self.with_teachers(&row.gold, &own, said);
            } else {
                lessons.push(Lesson { head, truths: said, weight: self.set.taught_weight });
            }
        }
        lessons.push(Lesson { head: self.head, truths: own, weight: 1.0 });
        Ok(lessons)
    }

    /// What the teacher of the token head called `name` says of each token of `segments`.
    fn of_tokens(
        &self,
        row: &LabelledRow,
        found: &RowPassage,
        name: &str,
        segments: &[Vec<f32>],
    ) -> Result<Vec<Truth>, TrainError> {
        let labels = self.recipe.heads[name].labels.len();
        let read = found.own_segments().map(|(segment, _)| segment.tokens.len());
        if !read.eq(segments.iter().map(|said| said.len() / labels)) {
            return Err(self.refusal(row, format!("the teacher of `{name}` cuts this text into other tokens")));
        }
        let rows = |said: &Vec<f32>| Truth::Tokens(said.chunks_exact(labels).map(<[f32]>::to_vec).collect());
        Ok(segments.iter().map(rows).collect())
    }

    /// What is known, which is nothing where the set leaves all open, with what its teachers say.
    fn with_teachers(&self, gold: &Gold, known: &[Truth], said: Vec<Truth>) -> Vec<Truth> {
        #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
        let share = self.set.teacher_share.get() as f32;
        let with = |(place, said): (usize, Truth)| match (said, known.get(place)) {
            (Truth::Tokens(said), Some(Truth::Tokens(known))) => {
                Truth::Tokens(known.iter().zip(&said).map(|(known, said)| teacher::mixed(known, said, share)).collect())
            }
            (Truth::Segment(said), _) => Truth::Segment(teacher::shares(gold, &said, share)),
            (said, _) => said,
        };
        said.into_iter().enumerate().map(with).collect()
    }

    fn refusal(&self, row: &LabelledRow, message: String) -> TrainError {
        LabelledError::Invalid { path: self.set.train.clone(), line: row.line, message }.into()
    }
}

/// For each head the probabilities that its teacher gives the labels of each of some segments.
type Taught<'o> = Vec<(&'o str, &'o [Vec<f32>])>;

/// What teachers say of one row.
struct Heard<'o> {
    opinions: &'o Opinions,
    /// The row's place in its set.
    place: usize,
}

impl<'o> Heard<'o> {
    /// A head whose teacher has found another number of segments.
    fn other_than(&self, segments: usize) -> Option<&'o str> {
        self.opinions.iter().find(|(_, rows)| rows[self.place].len() != segments).map(|(head, _)| head.as_str())
    }

    fn of_segments(&self, segments: std::ops::Range<usize>) -> Taught<'o> {
        let of =
            |(head, rows): (&'o String, &'o Vec<Vec<Vec<f32>>>)| (head.as_str(), &rows[self.place][segments.clone()]);
        self.opinions.iter().map(of).collect()
    }
}

/// The text without its neighbours; none where it has no neighbours.
fn alone(row: &LabelledRow, tokenizer: &Tokenizer) -> Result<Option<Passage>, TrainError> {
    if row.before.is_empty() && row.after.is_empty() {
        return Ok(None);
    }
    let row = LabelledRow { before: String::new(), after: String::new(), ..row.clone() };
    Ok(passages(&row, tokenizer)?.into_iter().next().map(|found| found.passage))
}

fn truths(row: &LabelledRow, found: &RowPassage, tags: &TagSet) -> Vec<Truth> {
    match &row.gold {
        Gold::Labelled { shares, .. } => found.segments.clone().map(|_| Truth::Segment(shares.clone())).collect(),
        // Only a teacher knows which; the recipe has been checked for one.
        Gold::OneOf(_) => Vec::new(),
        Gold::Marks(marks) => {
            let mut labels = tags.labels(&found.ranges(), marks).into_iter().map(|label| tags.only(label));
            let mut of = |place: usize| labels.by_ref().take(found.passage.segments[place].tokens.len()).collect();
            found.segments.clone().map(|place| Truth::Tokens(of(place))).collect()
        }
    }
}
