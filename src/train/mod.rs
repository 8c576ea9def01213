//! Labelled sets to a model: fits an encoder and all its heads at once, by a recipe.
//!
//! After every epoch the weights stand in a model folder of their own, as a run would load it, and are measured through
//! the same code as a run reads with. What comes out is the best of them, or a mean, calibrated.

/// The mean of several models.
mod blend;
/// Words about a model.
mod card;
/// What is needed to go on after a kill.
mod checkpoint;
/// Labelled sets to batches.
mod data;
/// What a model is worth, and what makes it worth more without another training.
mod dev;
/// Why a training cannot go on.
mod error;
/// Weights to a model folder.
mod export;
/// What is known of a batch.
mod known;
/// What an answer costs.
mod loss;
/// Encoder and heads.
mod network;
/// Gradients to steps.
mod optimizer;
/// `recipe.toml`.
pub mod recipe;
/// What an epoch is worth.
pub mod scores;
/// Labelled sets, read and found good.
mod sets;
/// A model that says how likely labels are.
mod teacher;
/// Made-up texts for teachers.
mod variants;

use std::path::{Path, PathBuf};
use std::time::Instant;

use tch::{Kind, TchError, Tensor};

use crate::config::Device;
use crate::model::{HeadKind, Runtime, TokenBatch, Tokenizer, to_i64};
use card::Facts;
use checkpoint::Checkpoint;
use data::{Data, Row, Truth};
use dev::Dev;
pub use error::TrainError;
use error::{at, file_error};
use export::CARD;
use known::Known;
use loss::Loss;
use network::{Network, States};
use optimizer::Optimizer;
use recipe::Recipe;
use scores::{EpochScores, SetScores};
use sets::{DevSet, Sets};

/// What a training has to say while it goes on.
#[derive(Debug, Clone)]
pub enum Event<'e> {
    /// A teacher is asked about a set, which can take minutes.
    Asking {
        /// What the teacher's folder is called.
        teacher: &'e str,
        /// The set's name.
        set: &'e str,
        /// How many texts the set has, those made up of others included.
        texts: usize,
    },
    /// All sets have been read.
    Read {
        /// Passages to learn from.
        examples: usize,
        /// Batches in all epochs.
        batches: usize,
    },
    /// It goes on after this epoch.
    Resumed(&'e EpochScores),
    /// A batch has been learnt from.
    Step(Step),
    /// An epoch has ended and been saved.
    Epoch(&'e EpochScores),
    /// What comes out: the chosen epoch, or the mean that is wanted, calibrated.
    Finished(&'e EpochScores),
}

/// One batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch in the epoch, from 1.
    pub batch: usize,
    /// Batches in the epoch.
    pub batches: usize,
    /// The mean loss of the epoch so far.
    pub loss: f64,
    /// The norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Tokens read a second in the epoch so far, padding left out.
    pub tokens_per_second: f64,
}

/// A training that is ready to go: recipe, sets and base have been read and found good.
pub struct Training {
    recipe: Recipe,
    checkpoint: Checkpoint,
    data: Data,
    /// The sets to measure by.
    dev: Vec<DevSet>,
    losses: Vec<Loss>,
    network: Network,
    optimizer: Optimizer,
    epochs: Vec<EpochScores>,
    /// What closes the model card.
    notes: String,
}

impl std::fmt::Debug for Training {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training").field("recipe", &self.recipe).field("epochs", &self.epochs).finish_non_exhaustive()
    }
}

impl Training {
    /// Reads all that a training needs, and asks teachers; takes up one that was broken off.
    ///
    /// # Errors
    /// The first thing wrong with the sets or the base; nothing has been computed then.
    pub fn prepare(recipe: Recipe, mut observe: impl FnMut(Event<'_>)) -> Result<Self, TrainError> {
        let tokenizer = Tokenizer::load(&recipe.model.base.join("tokenizer.json"), recipe.model.limits())?;
        let notes = notes(&recipe)?;
        let sets = Sets::read(&recipe)?;
        blend::check(&recipe)?;
        let checkpoint = Checkpoint::open(&recipe)?;
        let runtime = Runtime::resolve(recipe.training.precision, Device::Cpu, Some(1))?;
        tch::set_num_threads(threads(&recipe));
        tch::manual_seed(i64::try_from(recipe.training.seed.get()).unwrap_or(0));
        let network = Network::new(&recipe, runtime.precision.kind())?;
        let mut optimizer = Optimizer::new(&network, &recipe.training);
        let mut epochs = Vec::new();
        if let Some(progress) = checkpoint.progress()? {
            if !optimizer.restore(&checkpoint.state(&progress)?, progress.steps)? {
                return Err(TrainError::OtherTraining { folder: checkpoint.epoch_folder(progress.epochs.len()) });
            }
            epochs = progress.epochs;
        }
        let data = Data::of(&recipe, sets.train, &tokenizer, &checkpoint, &mut observe)?;
        let losses = losses(&recipe, &data);
        Ok(Self { recipe, checkpoint, data, dev: sets.dev, losses, network, optimizer, epochs, notes })
    }

    /// Goes through all epochs that are left, and writes the best to the recipe's output folder. Gives its scores.
    ///
    /// # Errors
    /// Where the loss is no number any more, libtorch fails, or a file cannot be written.
    pub fn run(mut self, mut observe: impl FnMut(Event<'_>)) -> Result<EpochScores, TrainError> {
        let planned = self.recipe.training.epochs.as_size();
        let plans: Vec<usize> =
            (1..=planned as u64).map(|epoch| self.data.batches(&self.recipe, epoch).len()).collect();
        let all = plans.iter().sum();
        observe(Event::Read { examples: self.data.examples.len(), batches: all });
        if let Some(last) = self.epochs.last() {
            observe(Event::Resumed(last));
        }
        while self.epochs.len() < planned && !self.is_stale() {
            let scores = self.epoch(self.epochs.len() + 1, all, &mut observe)?;
            self.epochs.push(scores);
            self.checkpoint.save(&self.optimizer.state(), self.optimizer.steps, &self.epochs)?;
            self.epochs.last().into_iter().for_each(|scores| observe(Event::Epoch(scores)));
        }
        let scores = self.finish()?;
        observe(Event::Finished(&scores));
        Ok(scores)
    }

    /// Whether the last epochs brought nothing.
    fn is_stale(&self) -> bool {
        self.epochs.len() - self.best() > self.recipe.training.patience.as_size()
    }

    /// The best epoch, from 1; 0 before the first.
    fn best(&self) -> usize {
        let better =
            |best: usize, epoch: usize| if self.epochs[epoch].score > self.epochs[best].score { epoch } else { best };
        (0..self.epochs.len()).reduce(better).map_or(0, |best| best + 1)
    }

    fn epoch(
        &mut self,
        epoch: usize,
        all_steps: usize,
        observe: &mut impl FnMut(Event<'_>),
    ) -> Result<EpochScores, TrainError> {
        // Each epoch has a chance of its own, so that one that is taken up again goes as it would have gone.
        let seed = self.recipe.training.seed.get().wrapping_mul(7919).wrapping_add(epoch as u64);
        tch::manual_seed(i64::try_from(seed).unwrap_or(0));
        let batches = self.data.batches(&self.recipe, epoch as u64);
        let shares_of_heads = self.shares_of_heads(&batches);
        let (start, mut tokens, mut losses) = (Instant::now(), 0, 0.0);
        for (place, batch) in batches.iter().enumerate() {
            let tokens_of_batch = self.tokens(batch);
            let loss = self.loss(batch, &tokens_of_batch, &shares_of_heads)?;
            let value = f64::try_from(&loss)?;
            if !value.is_finite() {
                let learning_rate = self.recipe.training.learning_rate;
                return Err(TrainError::Diverged { epoch, step: place + 1, loss: value, learning_rate });
            }
            loss.f_backward()?;
            let gradient_norm = self.optimizer.step(self.schedule(all_steps), tokens_of_batch.ids())?;
            losses += value;
            tokens += tokens_of_batch.lengths().iter().sum::<usize>() / self.copies();
            observe(Event::Step(Step {
                epoch,
                batch: place + 1,
                batches: batches.len(),
                loss: losses / count(place + 1),
                gradient_norm,
                tokens_per_second: count(tokens) / start.elapsed().as_secs_f64(),
            }));
        }
        let seconds = start.elapsed().as_secs_f64();
        let folder = self.checkpoint.epoch_folder(epoch);
        export::export(&self.recipe, &self.optimizer, &folder)?;
        let sets = self.dev().measure(&folder)?;
        Ok(EpochScores {
            epoch,
            loss: losses / count(batches.len()),
            tokens_per_second: count(tokens) / seconds,
            seconds,
            score: scores::deciding_score(&sets),
            sets,
        })
    }

    /// The share of the highest learning rate for the next step: rises, then falls to nothing.
    fn schedule(&self, all_steps: usize) -> f64 {
        let (step, all) = (count(self.optimizer.steps) + 1.0, count(all_steps));
        let rising = (self.recipe.training.warm_up.get() * all).max(1.0);
        (step / rising).min((all - step).max(0.0) / (all - rising).max(1.0)).min(1.0)
    }

    /// What each head learns from an example, in the mean over those of an epoch.
    fn shares_of_heads(&self, batches: &[Vec<Row>]) -> Vec<f64> {
        let mut weights = vec![0.0; self.recipe.heads.len()];
        let picks = || batches.iter().flatten().flatten();
        for lesson in picks().flat_map(|pick| &self.data.examples[pick.example].lessons) {
            weights[lesson.head] += lesson.weight();
        }
        let examples = count(picks().count());
        weights.iter().map(|&weight| if weight > 0.0 { weight / examples } else { 1.0 }).collect()
    }

    /// How often a batch is read.
    fn copies(&self) -> usize {
        if self.recipe.training.r_drop > 0.0 { 2 } else { 1 }
    }

    fn tokens(&self, batch: &[Row]) -> TokenBatch {
        let passages: Vec<_> = batch.iter().map(|row| self.data.passage_of(row)).collect();
        TokenBatch::from_passages(std::iter::repeat_n(&passages, self.copies()).flatten().map(AsRef::as_ref))
    }

    /// The mean loss of a batch's examples. A head's lessons count the more the fewer of them there are, so that over an
    /// epoch each head counts by its `loss_weight` alone.
    fn loss(&self, batch: &[Row], tokens: &TokenBatch, shares_of_heads: &[f64]) -> Result<Tensor, TrainError> {
        let (training, copies) = (&self.recipe.training, self.copies());
        let states = self.network.read(tokens)?;
        let mut total = Tensor::zeros([], (Kind::Float, tch::Device::Cpu));
        for (head, recipe) in self.recipe.heads.values().enumerate() {
            let known = Known::of(head, recipe.labels.len(), &self.data, batch, tokens, copies);
            if known.places.is_empty() {
                continue;
            }
            let outputs = self.outputs(head, recipe.kind, &states, &known)?;
            let mut loss =
                self.losses[head].sum(&outputs, &known.share_rows(&outputs)?, &Tensor::from_slice(&known.weights))?;
            if copies == 2 {
                loss = loss.f_div_scalar(2.0)?.f_add(&known.divergence(&outputs)?.f_mul_scalar(training.r_drop)?)?;
            }
            let weight = recipe.loss_weight / (count(batch.iter().map(Vec::len).sum()) * shares_of_heads[head]);
            total = total.f_add(&loss.f_mul_scalar(weight)?)?;
        }
        Ok(total)
    }

    fn outputs(&self, head: usize, kind: HeadKind, states: &States, known: &Known) -> Result<Tensor, TchError> {
        match kind {
            HeadKind::Sequence => self.network.of_segments(head, states, &known.places),
            HeadKind::Token => self.network.of_tokens(head, states, &known.places),
        }
    }

    fn dev(&self) -> Dev<'_> {
        Dev { recipe: &self.recipe, sets: &self.dev }
    }

    /// Calibrates the best epoch, or the mean that is wanted, and makes it the model.
    fn finish(self) -> Result<EpochScores, TrainError> {
        let (best, model) = (self.best(), &self.recipe.model);
        let epochs = if model.mean_of_epochs { 1..=self.epochs.len() } else { best..=best };
        let share = model.own_share() / count(epochs.clone().count());
        let mut models: Vec<_> = epochs.map(|epoch| (self.checkpoint.epoch_folder(epoch), share)).collect();
        models.extend(model.blend.iter().map(|with| (with.model.clone(), with.share.get())));
        let mut folder = models[0].0.clone();
        if models.len() > 1 {
            folder = self.checkpoint.blend_folder();
            blend::blend(&models, &folder)?;
        }
        self.dev().calibrate(&folder)?;
        let sets = self.dev().measure(&folder)?;
        let score = scores::deciding_score(&sets);
        let scores = EpochScores { score, sets, ..self.epochs[best - 1].clone() };
        let path = folder.join(CARD);
        let facts = Facts { scores: &scores, epochs: &self.epochs, size_bytes: size_of(&folder)?, notes: &self.notes };
        let card = card::card(&self.recipe, &facts);
        std::fs::write(&path, card).map_err(file_error(&path))?;
        export::publish(&folder, &self.recipe.model.output)?;
        self.checkpoint.remove()?;
        Ok(scores)
    }
}

/// Calibrates the finished model in the recipe's output folder, on the recipe's sets to measure by, and gives what it is worth then.
/// Nothing is trained: of the folder only the manifest and the card change, also to the revision of the recipe.
///
/// # Errors
/// The first thing wrong with the model or the sets; the model is as it was then.
pub fn calibrate(recipe: &Recipe) -> Result<Vec<SetScores>, TrainError> {
    let output = &recipe.model.output;
    blend::check_heads(recipe, output)?;
    let sets = DevSet::read_all(recipe)?;
    let notes = notes(recipe)?;
    let dev = Dev { recipe, sets: &sets };
    // Beside it: while it is calibrated a model is another one at each step.
    let parent = output.parent().unwrap_or(output);
    let folder = tempfile::tempdir_in(parent).map_err(file_error(parent))?;
    export::copy_files(output, folder.path())?;
    dev.calibrate(folder.path())?;
    let scores = dev.measure(folder.path())?;
    let card = std::fs::read_to_string(output.join(CARD)).ok();
    let card = card.and_then(|card| card::calibrated_anew(&card, recipe, &scores, &notes));
    if let Some(card) = &card {
        let path = folder.path().join(CARD);
        std::fs::write(&path, card).map_err(file_error(&path))?;
    }
    export::publish_calibrated(folder.path(), output)?;
    Ok(scores)
}

/// What the recipe's author has to add to the card.
fn notes(recipe: &Recipe) -> Result<String, TrainError> {
    let path = recipe.model.notes.as_ref();
    path.map_or(Ok(String::new()), |path| std::fs::read_to_string(path).map_err(file_error(path)))
}

/// How each head's rows count, by what its sets hold.
fn losses(recipe: &Recipe, data: &Data) -> Vec<Loss> {
    let loss = |(head, recipe): (usize, &recipe::HeadRecipe)| {
        let mut counts = vec![0.0; recipe.labels.len()];
        let lessons = data.examples.iter().flat_map(|example| {
            example.lessons_of(head).map(|lesson| (lesson, example.weight * lesson.weight_of_each))
        });
        for (lesson, weight) in lessons {
            for truth in &lesson.truths {
                match truth {
                    Truth::Unknown => {}
                    Truth::Segment(shares) | Truth::OneOf(shares) => {
                        add(&mut counts, shares, weight / f64::from(shares.iter().sum::<f32>()));
                    }
                    Truth::Tokens(tokens) => tokens.iter().for_each(|shares| add(&mut counts, shares, weight)),
                }
            }
        }
        Loss {
            label_weights: Tensor::from_slice(&loss::label_weights(&counts, recipe.rare_weight.get())),
            smoothing: recipe.label_smoothing.get(),
            focal: recipe.focal,
        }
    };
    recipe.heads.values().enumerate().map(loss).collect()
}

fn add(sums: &mut [f64], shares: &[f32], weight: f64) {
    sums.iter_mut().zip(shares).for_each(|(sum, &share)| *sum += weight * f64::from(share));
}

fn threads(recipe: &Recipe) -> i32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = recipe.training.threads.as_size();
    i32::try_from(if wanted == 0 { cores } else { wanted }).unwrap_or(1)
}

/// The weights of the folder that a training begins from.
fn base_weights(base: &Path) -> PathBuf {
    let encoder = base.join("encoder.safetensors");
    if encoder.exists() { encoder } else { base.join("model.safetensors") }
}

fn size_of(folder: &Path) -> Result<u64, TrainError> {
    let size = |name: &str| {
        let path = folder.join(name);
        std::fs::metadata(&path).map(|data| data.len()).map_err(file_error(&path))
    };
    export::WEIGHTS.into_iter().chain(["tokenizer.json"]).map(size).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn count(count: usize) -> f64 {
    count as f64
}
