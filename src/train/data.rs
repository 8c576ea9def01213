//! Labelled sets to batches: the examples of an epoch, their order, and the targets of each.

use std::borrow::Cow;
use std::ops::Range;

use fastrand::Rng;
use rayon::prelude::*;

use super::augment::augment;
use super::recipe::{Recipe, SetRecipe, TrainingRecipe};
use super::sets::{AlsoRows, TrainSet};
use super::teacher::{self, HeadSoftLabels};
use super::{Checkpoint, Event, TrainError, count};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{RowPassage, passages};
use crate::labelled::{DocumentGold, Gold, LabelledError, LabelledRow};
use crate::model::{HeadKind, Passage, Tokenizer};
use crate::record::Label;

/// The examples of all training sets.
pub(super) struct Data {
    pub(super) examples: Vec<Example>,
}

/// The share of the best label in the target of a text with several acceptable labels. The others divide the rest.
const SHARE_OF_BEST: f32 = 0.7;

/// A passage with the targets of its segments.
pub(super) struct Example {
    view: View,
    /// The text without its context and its title, where it has any.
    alone: Option<View>,
    /// The passage is part of a document with labelled sentences.
    is_of_document: bool,
    /// The targets of the heads that have some here.
    pub(super) targets: Vec<HeadTargets>,
    /// The number of times that it is seen in an epoch.
    pub(super) weight: f64,
}

/// The input of an example.
#[derive(Clone)]
struct View {
    passage: Passage,
    /// The index of the first segment with targets.
    first_segment: usize,
}

/// The targets of one head in an example.
pub(super) struct HeadTargets {
    /// The index of the head in the recipe.
    pub(super) head: usize,
    /// The target of each segment that belongs to the text.
    pub(super) segments: Vec<Target>,
    /// The weight of each of them, or of each of their tokens.
    pub(super) weight_of_each: f64,
    /// The target of the document's segment, and its weight.
    pub(super) document: Option<(Target, f64)>,
}

/// The target of one segment.
#[derive(Clone)]
pub(super) enum Target {
    /// There is none.
    Unknown,
    /// The share of each label of a sequence head.
    Label(Vec<f32>),
    /// A mask of the allowed labels of a sequence head: 1 for each, 0 for the others.
    OneOf(Vec<f32>),
    /// The share of each label of a token head, for each token.
    Tokens(Vec<Vec<f32>>),
}

/// The examples that are read as one passage: one, or several unrelated ones.
pub(super) type Row = Vec<Pick>;

/// An example as an epoch sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    /// The index in [`Data::examples`].
    pub(super) example: usize,
    /// Its context is left out.
    is_alone: bool,
}

impl Data {
    /// Tokenises `sets` and runs their teachers, which may take long; the soft labels are kept in the checkpoint.
    pub(super) fn new(
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
            let copies = set.augmented_copies.as_size();
            rows.extend(augment(&rows, copies, head_recipe.labels.len(), recipe.training.seed.get()));
            let soft_labels = checkpoint.soft_labels(&format!("{name}-{place:02}"), || {
                teacher::soft_labels(recipe, name, set, &rows, observe)
            })?;
            let source = Source { recipe, head, set, also: &also, tokenizer };
            data.examples.extend(source.examples(&rows, &soft_labels)?);
        }
        Ok(data)
    }

    /// The passage of an example.
    pub(super) fn passage(&self, pick: Pick) -> &Passage {
        &self.view(pick).passage
    }

    fn view(&self, pick: Pick) -> &View {
        let example = &self.examples[pick.example];
        example.alone.as_ref().filter(|_| pick.is_alone).unwrap_or(&example.view)
    }

    /// The passage of a row: that of its example, or those of its examples one after another.
    pub(super) fn passage_of(&self, row: &Row) -> Cow<'_, Passage> {
        match row.as_slice() {
            &[pick] => Cow::Borrowed(self.passage(pick)),
            picks => Cow::Owned(Passage::chained(picks.iter().map(|&pick| self.passage(pick)))),
        }
    }

    /// The index of the first segment of an example's passage that has targets.
    pub(super) fn first_segment(&self, pick: Pick) -> usize {
        self.view(pick).first_segment
    }

    /// The batches of an epoch, which depend only on `seed` and `epoch`.
    pub(super) fn batches(&self, recipe: &Recipe, epoch: u64) -> Vec<Vec<Row>> {
        let training = &recipe.training;
        let budget = training.batch_tokens.as_size();
        let mut rng = Rng::with_seed(training.seed.get().wrapping_mul(1_000_003).wrapping_add(epoch));
        let mut picks = self.picks(&mut rng, training);
        rng.shuffle(&mut picks);
        let share = training.unrelated_context.get();
        let mut rows = self.rows(&mut rng, picks, share, recipe.model.passage_tokens.as_size());
        // Sorted by length within a window, so that batches have little padding and are still mixed.
        let window = (rows.len() / 8).clamp(1, 2048);
        let mut batches = Vec::new();
        for window in rows.chunks_mut(window) {
            window.sort_by_cached_key(|row| self.length(row));
            batches.extend(self.split_into_batches(window, budget));
        }
        rng.shuffle(&mut batches);
        batches
    }

    /// The examples of an epoch, in the order of the sets.
    fn picks(&self, rng: &mut Rng, training: &TrainingRecipe) -> Vec<Pick> {
        let mut picks = Vec::new();
        for (place, example) in self.examples.iter().enumerate() {
            let dropout = if example.is_of_document { training.title_dropout } else { training.context_dropout }.get();
            let mut rest = example.weight;
            while rest >= 1.0 || rng.f64() < rest {
                picks.push(Pick { example: place, is_alone: rng.f64() < dropout });
                rest -= 1.0;
            }
        }
        picks
    }

    /// Puts a share of the examples without context together, in passages of at most `passage_tokens`. The model learns that
    /// sentences in one passage can be unrelated.
    fn rows(&self, rng: &mut Rng, picks: Vec<Pick>, share: f64, passage_tokens: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut unrelated = Row::new();
        for pick in picks {
            if self.passage(pick).segments.len() > 1 || rng.f64() >= share {
                rows.push(vec![pick]);
                continue;
            }
            unrelated.push(pick);
            if unrelated.len() > 1 && self.length(&unrelated) > passage_tokens {
                let next = unrelated.split_off(unrelated.len() - 1);
                rows.push(std::mem::replace(&mut unrelated, next));
            }
        }
        if !unrelated.is_empty() {
            rows.push(unrelated);
        }
        rows
    }

    fn length(&self, row: &Row) -> usize {
        self.passage_of(row).ids.len()
    }

    fn split_into_batches(&self, rows: &[Row], budget: usize) -> Vec<Vec<Row>> {
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
    /// The targets of the head with the index `head`.
    pub(super) fn targets_of(&self, head: usize) -> impl Iterator<Item = &HeadTargets> {
        self.targets.iter().filter(move |targets| targets.head == head)
    }
}

impl HeadTargets {
    /// Targets whose weights sum to `weight`, however many segments or tokens there are.
    fn new(head: usize, segments: Vec<Target>, weight: f64) -> Self {
        let size = segments.iter().map(Target::size).sum::<usize>().max(1);
        Self { head, segments, weight_of_each: weight / count(size), document: None }
    }

    /// The sum of their weights.
    pub(super) fn weight(&self) -> f64 {
        let size = self.segments.iter().map(Target::size).sum();
        self.weight_of_each * count(size) + self.document.as_ref().map_or(0.0, |&(_, weight)| weight)
    }
}

impl Target {
    /// The number of segments or tokens that have a target.
    fn size(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::Label(_) | Self::OneOf(_) => 1,
            Self::Tokens(tokens) => tokens.len(),
        }
    }

    /// The target of a text with the acceptable labels at `places`, the best first, of `labels` labels in all.
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
        Self::Label(shares)
    }

    /// The target of a text for which the labels at `places` are allowed, of `labels` labels in all.
    fn one_of(places: &[usize], labels: usize) -> Self {
        let mut mask = vec![0.0; labels];
        for &place in places {
            mask[place] = 1.0;
        }
        Self::OneOf(mask)
    }

    /// The target with the share of `soft`, a teacher's probabilities, mixed in. Where several labels are allowed, the teacher
    /// chooses among them.
    fn with_teacher(&self, soft: Self, share: f32) -> Self {
        match (self, soft) {
            (Self::Tokens(tokens), Self::Tokens(soft)) => {
                let mut mixed = Vec::new();
                for (token, soft) in tokens.iter().zip(&soft) {
                    mixed.push(teacher::mix(token, soft, share));
                }
                Self::Tokens(mixed)
            }
            (Self::Label(shares), Self::Label(soft)) => Self::Label(teacher::mix(shares, &soft, share)),
            (Self::OneOf(mask), Self::Label(soft)) => Self::Label(teacher::restrict(mask, &soft)),
            (_, soft) => soft,
        }
    }
}

/// A training set with everything that is needed to make examples of it.
struct Source<'r> {
    recipe: &'r Recipe,
    /// The index of the head in the recipe.
    head: usize,
    set: &'r SetRecipe,
    also: &'r [AlsoRows],
    tokenizer: &'r Tokenizer,
}

impl Source<'_> {
    fn examples(&self, rows: &[LabelledRow], soft_labels: &HeadSoftLabels) -> Result<Vec<Example>, TrainError> {
        let rows = rows.par_iter().enumerate();
        let examples = rows.map(|(place, row)| self.examples_of_row(row, &RowSoftLabels { soft_labels, place }));
        Ok(examples.collect::<Result<Vec<_>, TrainError>>()?.into_iter().flatten().collect())
    }

    fn examples_of_row(&self, row: &LabelledRow, soft_labels: &RowSoftLabels<'_>) -> Result<Vec<Example>, TrainError> {
        let passages = passages(row, self.tokenizer)?;
        let mut alone = views_without_context(row, self.tokenizer)?.into_iter();
        let is_of_document = matches!(row.gold, Gold::Document(_));
        let segments = passages.iter().map(|passage| passage.segments.len()).sum();
        if let Some(head) = soft_labels.head_with_other_segments(segments) {
            return Err(self.invalid(row, format!("the teacher of `{head}` splits this text into other sentences")));
        }
        let mut first = 0;
        let mut examples = Vec::new();
        for passage in passages {
            let segments = first..first + passage.segments.len();
            first = segments.end;
            let mut targets = self.targets(row, &passage, &segments, soft_labels)?;
            targets.extend(self.targets_of_other_heads(soft_labels.place, &passage, &segments));
            examples.push(Example {
                targets,
                view: View { first_segment: passage.segments.start, passage: passage.passage },
                alone: alone.next(),
                is_of_document,
                weight: self.set.weight,
            });
        }
        Ok(examples)
    }

    /// The targets of the other heads that have labels for the row with the index `place`. Synthetic texts have none.
    fn targets_of_other_heads(&self, place: usize, passage: &RowPassage, segments: &Range<usize>) -> Vec<HeadTargets> {
        let mut of_heads = Vec::new();
        for also in self.also {
            let Some(Some(row)) = also.rows.get(place) else { continue };
            let labels = &self.recipe.heads[also.head].labels;
            let mut targets =
                self.labelled_targets(also.head, row, passage, gold_targets(row, passage, segments, labels));
            targets.weight_of_each *= also.weight;
            of_heads.push(targets);
        }
        of_heads
    }

    /// The targets of the set's own head, mixed with those of its teachers, and of the heads that are distilled.
    fn targets(
        &self,
        row: &LabelledRow,
        passage: &RowPassage,
        segments: &Range<usize>,
        soft_labels: &RowSoftLabels<'_>,
    ) -> Result<Vec<HeadTargets>, TrainError> {
        #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
        let teacher_share = self.set.teacher_share.get() as f32;
        let mut own = gold_targets(row, passage, segments, &self.recipe.heads[self.head].labels);
        let mut of_heads = Vec::new();
        for (name, probabilities) in soft_labels.of_segments(segments) {
            let (head, _, recipe) = self.recipe.heads.get_full(name).expect("the recipe has been checked for it");
            let soft = match recipe.kind {
                HeadKind::Sequence => probabilities.iter().cloned().map(Target::Label).collect(),
                HeadKind::Token => self.soft_token_targets(row, passage, name, probabilities)?,
            };
            if head == self.head {
                own = own.iter().zip(soft).map(|(target, soft)| target.with_teacher(soft, teacher_share)).collect();
            } else {
                of_heads.push(HeadTargets::new(head, soft, self.set.distilled_weight));
            }
        }
        of_heads.push(self.labelled_targets(self.head, row, passage, own));
        Ok(of_heads)
    }

    /// The targets of a row's segments with their weights. Each sentence of a document weighs as much as a text of its own.
    fn labelled_targets(
        &self,
        head: usize,
        row: &LabelledRow,
        passage: &RowPassage,
        segments: Vec<Target>,
    ) -> HeadTargets {
        match &row.gold {
            Gold::Document(gold) => {
                HeadTargets { head, segments, weight_of_each: 1.0, document: self.document_target(head, gold, passage) }
            }
            _ => HeadTargets::new(head, segments, 1.0),
        }
    }

    /// The target of the document's own segment, if the passage has one and the document has labels.
    fn document_target(&self, head: usize, gold: &DocumentGold, passage: &RowPassage) -> Option<(Target, f64)> {
        if gold.labels.is_empty() || !passage.passage.has_document {
            return None;
        }
        let labels = self.recipe.heads[head].labels.len();
        Some((Target::ranked(&gold.labels, labels), self.set.document_weight))
    }

    /// The `probabilities` of the teacher of the token head called `name`, token by token.
    fn soft_token_targets(
        &self,
        row: &LabelledRow,
        passage: &RowPassage,
        name: &str,
        probabilities: &[Vec<f32>],
    ) -> Result<Vec<Target>, TrainError> {
        let labels = self.recipe.heads[name].labels.len();
        let tokens = passage.own_segments().map(|(segment, _)| segment.tokens.len());
        if !tokens.eq(probabilities.iter().map(|segment| segment.len() / labels)) {
            return Err(self.invalid(row, format!("the teacher of `{name}` splits this text into other tokens")));
        }
        let mut targets = Vec::new();
        for segment in probabilities {
            targets.push(Target::Tokens(segment.chunks_exact(labels).map(<[f32]>::to_vec).collect()));
        }
        Ok(targets)
    }

    fn invalid(&self, row: &LabelledRow, message: String) -> TrainError {
        LabelledError::Invalid { path: self.set.train.clone(), line: row.line, message }.into()
    }
}

/// The soft labels of one row.
struct RowSoftLabels<'o> {
    soft_labels: &'o HeadSoftLabels,
    /// The index of the row in its set.
    place: usize,
}

impl<'o> RowSoftLabels<'o> {
    /// A head whose teacher has another number of segments than `segments`.
    fn head_with_other_segments(&self, segments: usize) -> Option<&'o str> {
        for (head, rows) in self.soft_labels {
            if rows[self.place].len() != segments {
                return Some(head);
            }
        }
        None
    }

    /// The probabilities of the segments in `segments`, by heads.
    fn of_segments(&self, segments: &Range<usize>) -> Vec<(&'o str, &'o [Vec<f32>])> {
        let mut of_heads = Vec::new();
        for (head, rows) in self.soft_labels {
            of_heads.push((head.as_str(), &rows[self.place][segments.clone()]));
        }
        of_heads
    }
}

/// The passages of a row without its context and its title; none where it has neither.
fn views_without_context(row: &LabelledRow, tokenizer: &Tokenizer) -> Result<Vec<View>, TrainError> {
    if row.before.is_empty() && row.after.is_empty() && row.title.is_empty() {
        return Ok(Vec::new());
    }
    let row = LabelledRow { title: String::new(), before: String::new(), after: String::new(), ..row.clone() };
    let mut views = Vec::new();
    for passage in passages(&row, tokenizer)? {
        views.push(View { first_segment: passage.segments.start, passage: passage.passage });
    }
    Ok(views)
}

/// The targets of the own segments of `passage`, which have the indices `segments` in the row's text.
fn gold_targets(row: &LabelledRow, passage: &RowPassage, segments: &Range<usize>, labels: &[Label]) -> Vec<Target> {
    match &row.gold {
        Gold::Labelled { shares, .. } => vec![Target::Label(shares.clone()); segments.len()],
        Gold::OneOf(places) => vec![Target::one_of(places, labels.len()); segments.len()],
        Gold::Document(gold) => {
            let statements = gold.statements[segments.clone()].iter();
            statements.map(|statement| Target::ranked(&statement.labels, labels.len())).collect()
        }
        Gold::Marks(marks) => {
            let tags = TagSet::new(labels);
            let mut tokens = tags.labels(&passage.ranges(), marks).into_iter().map(|label| tags.only(label));
            let mut targets = Vec::new();
            for (segment, _) in passage.own_segments() {
                targets.push(Target::Tokens(tokens.by_ref().take(segment.tokens.len()).collect()));
            }
            targets
        }
    }
}
