//! Labelled sets to batches: which rows an epoch sees, in which order, and what is known of them.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::recipe::{Recipe, SetRecipe, TrainingRecipe};
use super::sets::{AlsoRows, TrainSet};
use super::teacher::{self, Opinions};
use super::variants::variants;
use super::{Checkpoint, Event, TrainError, count};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{RowPassage, passages};
use crate::labelled::{DocumentGold, Gold, LabelledError, LabelledRow, StatementGold};
use crate::model::{HeadKind, Passage, Tokenizer};
use crate::record::Label;

/// All that a model learns from.
pub(super) struct Data {
    pub(super) examples: Vec<Example>,
}

/// How much of a text's share its best label gets where several are acceptable; the others share the rest.
const SHARE_OF_BEST: f32 = 0.7;

/// A passage with what is known of its segments.
pub(super) struct Example {
    view: View,
    /// The text without its neighbours and its title, where it has any.
    alone: Option<View>,
    /// Whether it is of a document with labelled sentences.
    is_of_document: bool,
    /// What heads learn from it.
    pub(super) lessons: Vec<Lesson>,
    /// How often it is seen in an epoch.
    pub(super) weight: f64,
}

/// How an example is read.
#[derive(Clone)]
struct View {
    passage: Passage,
    /// The first of the segments that something is known of.
    first_segment: usize,
}

/// What a head learns from an example.
pub(super) struct Lesson {
    /// The head, by its place in the recipe.
    pub(super) head: usize,
    /// What is known of each segment that belongs to the text.
    pub(super) truths: Vec<Truth>,
    /// How much each of them, or each of their tokens, counts.
    pub(super) weight_of_each: f64,
    /// What is known of the document, and how much it counts: learnt from the document's segment.
    pub(super) document: Option<(Truth, f64)>,
}

/// What is known of one segment.
#[derive(Clone)]
pub(super) enum Truth {
    /// Nothing.
    Unknown,
    /// How far each label of a sequence head applies.
    Segment(Vec<f32>),
    /// 1 for each label of a sequence head that may be the right one, 0 for the others.
    OneOf(Vec<f32>),
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
        for TrainSet { head, set: place, mut rows, also } in sets {
            let (name, head_recipe) = recipe.heads.get_index(head).expect("the place comes from the recipe");
            let set = &head_recipe.sets[place];
            let made_up = set.variants.as_size();
            rows.extend(variants(&rows, made_up, head_recipe.labels.len(), recipe.training.seed.get()));
            let ask = || teacher::opinions(recipe, name, set, &rows, observe);
            let opinions = checkpoint.opinions(&format!("{name}-{place:02}"), ask)?;
            data.examples.extend(Source { recipe, head, set, also: &also, tokenizer }.examples(&rows, &opinions)?);
        }
        Ok(data)
    }

    /// What an example reads.
    pub(super) fn passage(&self, pick: Pick) -> &Passage {
        &self.view(pick).passage
    }

    fn view(&self, pick: Pick) -> &View {
        let example = &self.examples[pick.example];
        example.alone.as_ref().filter(|_| pick.is_alone).unwrap_or(&example.view)
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
        self.view(pick).first_segment
    }

    /// The batches of an epoch, which depend on `seed` and `epoch` alone.
    pub(super) fn batches(&self, recipe: &Recipe, epoch: u64) -> Vec<Vec<Row>> {
        let training = &recipe.training;
        let budget = training.batch_tokens.as_size();
        let mut chance = fastrand::Rng::with_seed(training.seed.get().wrapping_mul(1_000_003).wrapping_add(epoch));
        let mut picks = self.picks(&mut chance, training);
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

    fn picks(&self, chance: &mut fastrand::Rng, training: &TrainingRecipe) -> Vec<Pick> {
        let mut picks = Vec::new();
        for (place, example) in self.examples.iter().enumerate() {
            let dropout = if example.is_of_document { training.title_dropout } else { training.context_dropout }.get();
            let mut rest = example.weight;
            while rest >= 1.0 || chance.f64() < rest {
                picks.push(Pick { example: place, is_alone: chance.f64() < dropout });
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
    /// A lesson that counts for `weight` in all, however many segments or tokens it has.
    fn new(head: usize, truths: Vec<Truth>, weight: f64) -> Self {
        let size = truths.iter().map(Truth::size).sum::<usize>().max(1);
        Self { head, truths, weight_of_each: weight / count(size), document: None }
    }

    /// How much it counts in all.
    pub(super) fn weight(&self) -> f64 {
        let known = self.truths.iter().map(Truth::size).sum();
        self.weight_of_each * count(known) + self.document.as_ref().map_or(0.0, |&(_, weight)| weight)
    }
}

impl Truth {
    /// How many segments or tokens it says something of.
    fn size(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::Segment(_) | Self::OneOf(_) => 1,
            Self::Tokens(tokens) => tokens.len(),
        }
    }

    /// That a text may have the labels at `places`, the best first, of so many `labels`.
    fn ranked(places: &[usize], labels: usize) -> Self {
        let mut shares = vec![0.0; labels];
        match places {
            [] => return Self::Unknown,
            &[only] => shares[only] = 1.0,
            [best, others @ ..] => {
                shares[*best] = SHARE_OF_BEST;
                #[expect(clippy::cast_precision_loss, reason = "a text has a few labels")]
                let share_of_each = (1.0 - SHARE_OF_BEST) / others.len() as f32;
                for &other in others {
                    shares[other] += share_of_each;
                }
            }
        }
        Self::Segment(shares)
    }

    /// That one of the labels at `places` is right, of so many `labels`.
    fn one_of(places: &[usize], labels: usize) -> Self {
        let mut mask = vec![0.0; labels];
        for &place in places {
            mask[place] = 1.0;
        }
        Self::OneOf(mask)
    }
}

/// A set to learn from, and all that it takes to read it.
struct Source<'r> {
    recipe: &'r Recipe,
    /// The head, by its place in the recipe.
    head: usize,
    set: &'r SetRecipe,
    also: &'r [AlsoRows],
    tokenizer: &'r Tokenizer,
}

impl Source<'_> {
    fn examples(&self, rows: &[LabelledRow], opinions: &Opinions) -> Result<Vec<Example>, TrainError> {
        let of_row = |(place, row): (usize, &LabelledRow)| self.of_row(row, &Heard { opinions, place });
        let examples = rows.par_iter().enumerate().map(of_row).collect::<Result<Vec<_>, TrainError>>()?;
        Ok(examples.into_iter().flatten().collect())
    }

    fn of_row(&self, row: &LabelledRow, heard: &Heard<'_>) -> Result<Vec<Example>, TrainError> {
        let passages = passages(row, self.tokenizer)?;
        let mut alone = alone(row, self.tokenizer)?.into_iter();
        let is_of_document = matches!(row.gold, Gold::Document(_));
        let segments = passages.iter().map(|found| found.segments.len()).sum();
        if let Some(head) = heard.other_than(segments) {
            return Err(self.refusal(row, format!("the teacher of `{head}` cuts this text into other sentences")));
        }
        let mut first = 0;
        let mut examples = Vec::new();
        for found in passages {
            let segments = first..first + found.segments.len();
            first = segments.end;
            let mut lessons = self.lessons(row, &found, &segments, heard.of_segments(segments.clone()))?;
            lessons.extend(self.also_lessons(heard.place, &found, &segments));
            examples.push(Example {
                lessons,
                view: View { first_segment: found.segments.start, passage: found.passage },
                alone: alone.next(),
                is_of_document,
                weight: self.set.weight,
            });
        }
        Ok(examples)
    }

    /// What the rows of other heads say of the passage with these `segments` of the row at `place`. There is none for texts
    /// that were made up.
    fn also_lessons(&self, place: usize, found: &RowPassage, segments: &Range<usize>) -> Vec<Lesson> {
        let mut lessons = Vec::new();
        for also in self.also {
            let Some(Some(row)) = also.rows.get(place) else { continue };
            let labels = &self.recipe.heads[also.head].labels;
            let truths = truths(row, found, segments, labels);
            let mut lesson = match &row.gold {
                Gold::Document(gold) => document_lesson(also.head, truths, gold, found, labels.len(), self.set),
                _ => Lesson::new(also.head, truths, 1.0),
            };
            lesson.weight_of_each *= also.weight;
            lessons.push(lesson);
        }
        lessons
    }

    /// What is known of a passage, and what its heads are `taught`.
    fn lessons(
        &self,
        row: &LabelledRow,
        found: &RowPassage,
        segments: &Range<usize>,
        taught: Taught<'_>,
    ) -> Result<Vec<Lesson>, TrainError> {
        let labels = &self.recipe.heads[self.head].labels;
        let mut own = truths(row, found, segments, labels);
        let mut lessons = Vec::new();
        for (name, segments) in taught {
            let (head, _, recipe) = self.recipe.heads.get_full(name).expect("the recipe has been checked for it");
            let said = match recipe.kind {
                HeadKind::Sequence => segments.iter().cloned().map(Truth::Segment).collect(),
                HeadKind::Token => self.of_tokens(row, found, name, segments)?,
            };
            if head == self.head {
                own = self.with_teachers(&own, said);
            } else {
                lessons.push(Lesson::new(head, said, self.set.taught_weight));
            }
        }
        lessons.push(match &row.gold {
            Gold::Document(gold) => document_lesson(self.head, own, gold, found, labels.len(), self.set),
            _ => Lesson::new(self.head, own, 1.0),
        });
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

    /// What is known with what teachers say.
    fn with_teachers(&self, known: &[Truth], said: Vec<Truth>) -> Vec<Truth> {
        #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
        let share = self.set.teacher_share.get() as f32;
        let with = |(place, said): (usize, Truth)| match (said, known.get(place)) {
            (Truth::Tokens(said), Some(Truth::Tokens(known))) => {
                Truth::Tokens(known.iter().zip(&said).map(|(known, said)| teacher::mixed(known, said, share)).collect())
            }
            (Truth::Segment(said), Some(Truth::Segment(known))) => Truth::Segment(teacher::mixed(known, &said, share)),
            (Truth::Segment(said), Some(Truth::OneOf(mask))) => Truth::Segment(teacher::among(mask, &said)),
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

    fn of_segments(&self, segments: Range<usize>) -> Taught<'o> {
        let of =
            |(head, rows): (&'o String, &'o Vec<Vec<Vec<f32>>>)| (head.as_str(), &rows[self.place][segments.clone()]);
        self.opinions.iter().map(of).collect()
    }
}

/// The passages of a row without its neighbours and its title; none where it has neither.
fn alone(row: &LabelledRow, tokenizer: &Tokenizer) -> Result<Vec<View>, TrainError> {
    if row.before.is_empty() && row.after.is_empty() && row.title.is_empty() {
        return Ok(Vec::new());
    }
    let row = LabelledRow { title: String::new(), before: String::new(), after: String::new(), ..row.clone() };
    let passages = passages(&row, tokenizer)?.into_iter();
    Ok(passages.map(|found| View { first_segment: found.segments.start, passage: found.passage }).collect())
}

/// A lesson on sentences of a document, each of which counts as much as a text of its own, and on the document itself.
fn document_lesson(
    head: usize,
    truths: Vec<Truth>,
    gold: &DocumentGold,
    found: &RowPassage,
    labels: usize,
    set: &SetRecipe,
) -> Lesson {
    let document = Some(Truth::ranked(&gold.labels, labels)).filter(|truth| truth.size() > 0);
    let document = document.filter(|_| found.passage.has_document);
    Lesson { head, truths, weight_of_each: 1.0, document: document.map(|truth| (truth, set.document_weight)) }
}

/// What is known of the segments of `found`, which are those with the places `segments` in the row's text.
fn truths(row: &LabelledRow, found: &RowPassage, segments: &Range<usize>, labels: &[Label]) -> Vec<Truth> {
    match &row.gold {
        Gold::Labelled { shares, .. } => segments.clone().map(|_| Truth::Segment(shares.clone())).collect(),
        Gold::OneOf(places) => segments.clone().map(|_| Truth::one_of(places, labels.len())).collect(),
        Gold::Document(gold) => {
            let statement = |statement: &StatementGold| Truth::ranked(&statement.labels, labels.len());
            gold.statements[segments.clone()].iter().map(statement).collect()
        }
        Gold::Marks(marks) => {
            let tags = TagSet::new(labels);
            let mut labels = tags.labels(&found.ranges(), marks).into_iter().map(|label| tags.only(label));
            let mut of = |place: usize| labels.by_ref().take(found.passage.segments[place].tokens.len()).collect();
            found.segments.clone().map(|place| Truth::Tokens(of(place))).collect()
        }
    }
}
