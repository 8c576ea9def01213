//! Trains a model by a recipe: fine-tunes an encoder and all its heads together on labelled sets.
//!
//! Each epoch writes a model folder, which is evaluated with the code that a run uses. The best epoch, or a mean of models, is
//! calibrated and becomes the model.

/// Synthetic texts for teachers.
mod augment;
/// The mean of several models.
mod average;
/// Scores and calibration on dev sets.
mod calibrate;
/// The model card.
mod card;
/// The state that a killed training continues from.
mod checkpoint;
/// Labelled sets to batches.
mod data;
/// Errors that end a training.
mod error;
/// Progress for an observer.
mod event;
/// Weights to a model folder.
mod export;
/// The loss function.
mod loss;
/// The encoder and the heads.
mod network;
/// The decoding offsets of token heads.
mod offsets;
/// Gradients to updates of weights.
mod optimizer;
/// `recipe.toml`.
pub mod recipe;
/// The scores of epochs.
pub mod scores;
/// Labelled sets, read and checked.
mod sets;
/// The targets of a batch.
mod targets;
/// Soft labels from finished models.
mod teacher;

use std::path::{Path, PathBuf};
use std::time::Instant;

use tch::{Kind, TchError, Tensor};

use crate::config::Device;
use crate::model::{HeadKind, Runtime, TokenBatch, Tokenizer, to_i64};
use calibrate::DevSets;
use card::Facts;
use checkpoint::Checkpoint;
use data::{Data, Row, Target};
pub use error::TrainError;
use error::{at, file_error};
pub use event::{Event, Step};
use export::CARD;
use loss::Loss;
use network::{Network, States};
use optimizer::Optimizer;
use recipe::{HeadRecipe, Recipe};
use scores::{EpochScores, SetScores, selection_score};
use sets::{DevSet, Sets};
use targets::Targets;

/// A training that is ready to run: recipe, sets and base have been checked.
pub struct Training {
    recipe: Recipe,
    checkpoint: Checkpoint,
    data: Data,
    dev: Vec<DevSet>,
    /// The loss function of each head.
    losses: Vec<Loss>,
    network: Network,
    optimizer: Optimizer,
    /// The scores of the finished epochs.
    epochs: Vec<EpochScores>,
    /// The end of the model card.
    notes: String,
}

impl std::fmt::Debug for Training {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training").field("recipe", &self.recipe).field("epochs", &self.epochs).finish_non_exhaustive()
    }
}

impl Training {
    /// Reads and checks everything that a training needs, restores an interrupted training, and runs the teachers.
    ///
    /// # Errors
    /// The first fault in the sets, the base or a teacher. These are checked before anything is computed.
    pub fn prepare(recipe: Recipe, mut observe: impl FnMut(Event<'_>)) -> Result<Self, TrainError> {
        let tokenizer = Tokenizer::load(&recipe.model.base.join("tokenizer.json"), recipe.model.limits())?;
        let notes = load_notes(&recipe)?;
        let sets = Sets::load(&recipe)?;
        average::check_models(&recipe)?;
        let checkpoint = Checkpoint::open(&recipe)?;
        let runtime = Runtime::resolve(recipe.training.precision, Device::Cpu, Some(1))?;
        tch::set_num_threads(i32::try_from(threads(&recipe)).unwrap_or(1));
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
        let data = Data::new(&recipe, sets.train, &tokenizer, &checkpoint, &mut observe)?;
        let mut losses = Vec::new();
        for (head, head_recipe) in recipe.heads.values().enumerate() {
            losses.push(loss_of_head(head, head_recipe, &data));
        }
        Ok(Self { recipe, checkpoint, data, dev: sets.dev, losses, network, optimizer, epochs, notes })
    }

    /// Runs the remaining epochs and writes the model to the recipe's output folder. Gives the scores of the model.
    ///
    /// # Errors
    /// If the loss is not finite, libtorch fails, or a file cannot be written.
    pub fn run(mut self, mut observe: impl FnMut(Event<'_>)) -> Result<EpochScores, TrainError> {
        let planned = self.recipe.training.epochs.as_size();
        let mut all_steps = 0;
        for epoch in 1..=planned {
            all_steps += self.data.batches(&self.recipe, epoch as u64).len();
        }
        observe(Event::Started { examples: self.data.examples.len(), batches: all_steps });
        if let Some(last) = self.epochs.last() {
            observe(Event::Resumed(last));
        }
        while self.epochs.len() < planned && !self.is_out_of_patience() {
            let scores = self.run_epoch(self.epochs.len() + 1, all_steps, &mut observe)?;
            self.epochs.push(scores.clone());
            self.checkpoint.save(&self.optimizer.state(), self.optimizer.steps, &self.epochs)?;
            observe(Event::Epoch(&scores));
        }
        let scores = self.finish()?;
        observe(Event::Finished(&scores));
        Ok(scores)
    }

    /// True after more epochs without improvement than the recipe allows.
    fn is_out_of_patience(&self) -> bool {
        self.epochs.len() - self.best() > self.recipe.training.patience.as_size()
    }

    /// The best epoch, from 1; 0 before the first.
    fn best(&self) -> usize {
        let mut best: Option<&EpochScores> = None;
        for epoch in &self.epochs {
            if best.is_none_or(|best| epoch.score > best.score) {
                best = Some(epoch);
            }
        }
        best.map_or(0, |best| best.epoch)
    }

    fn run_epoch(
        &mut self,
        epoch: usize,
        all_steps: usize,
        observe: &mut impl FnMut(Event<'_>),
    ) -> Result<EpochScores, TrainError> {
        // Each epoch has its own seed, so that a resumed epoch is the same as an uninterrupted one.
        let seed = self.recipe.training.seed.get().wrapping_mul(7919).wrapping_add(epoch as u64);
        tch::manual_seed(i64::try_from(seed).unwrap_or(0));
        let batches = self.data.batches(&self.recipe, epoch as u64);
        let mean_weights = self.mean_weights(&batches);
        let start = Instant::now();
        let mut tokens = 0;
        let mut losses = 0.0;
        for (place, batch) in batches.iter().enumerate() {
            let tokens_of_batch = self.tokens(batch);
            let loss = self.loss(batch, &tokens_of_batch, &mean_weights)?;
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
        let sets = self.dev_sets().scores(&folder)?;
        Ok(EpochScores {
            epoch,
            loss: losses / count(batches.len()),
            tokens_per_second: count(tokens) / seconds,
            seconds,
            score: selection_score(&sets),
            sets,
        })
    }

    /// The factor of the learning rates in the next step: rises linearly to 1 during the warm-up, then falls linearly to 0.
    fn schedule(&self, all_steps: usize) -> f64 {
        let step = count(self.optimizer.steps) + 1.0;
        let all = count(all_steps);
        let warm_up = (self.recipe.training.warm_up.get() * all).max(1.0);
        (step / warm_up).min((all - step).max(0.0) / (all - warm_up).max(1.0)).min(1.0)
    }

    /// For each head the mean weight of its targets over all examples of an epoch; 1 for a head without targets.
    fn mean_weights(&self, batches: &[Vec<Row>]) -> Vec<f64> {
        let mut weights = vec![0.0; self.recipe.heads.len()];
        let mut examples = 0;
        for pick in batches.iter().flatten().flatten() {
            examples += 1;
            for targets in &self.data.examples[pick.example].targets {
                weights[targets.head] += targets.weight();
            }
        }
        for weight in &mut weights {
            *weight = if *weight > 0.0 { *weight / count(examples) } else { 1.0 };
        }
        weights
    }

    /// The number of passes of each batch: two with R-Drop.
    fn copies(&self) -> usize {
        if self.recipe.training.r_drop > 0.0 { 2 } else { 1 }
    }

    fn tokens(&self, batch: &[Row]) -> TokenBatch {
        let passages: Vec<_> = batch.iter().map(|row| self.data.passage_of(row)).collect();
        TokenBatch::from_passages(std::iter::repeat_n(&passages, self.copies()).flatten().map(AsRef::as_ref))
    }

    /// The mean loss of a batch's examples. The loss of each head is divided by its mean weight, so that over an epoch the
    /// heads count by their `loss_weight` alone.
    fn loss(&self, batch: &[Row], tokens: &TokenBatch, mean_weights: &[f64]) -> Result<Tensor, TrainError> {
        let copies = self.copies();
        let examples = count(batch.iter().map(Vec::len).sum());
        let states = self.network.forward(tokens)?;
        let mut total = Tensor::zeros([], (Kind::Float, tch::Device::Cpu));
        for (head, recipe) in self.recipe.heads.values().enumerate() {
            let targets = Targets::new(head, recipe.labels.len(), &self.data, batch, tokens, copies);
            if targets.places.is_empty() {
                continue;
            }
            let outputs = self.outputs(head, recipe.kind, &states, &targets)?;
            let shares = targets.shares(&outputs)?;
            let mut loss = self.losses[head].sum(&outputs, &shares, &Tensor::from_slice(&targets.weights))?;
            if copies == 2 {
                let divergence = targets.divergence(&outputs)?.f_mul_scalar(self.recipe.training.r_drop)?;
                loss = loss.f_div_scalar(2.0)?.f_add(&divergence)?;
            }
            let weight = recipe.loss_weight / (examples * mean_weights[head]);
            total = total.f_add(&loss.f_mul_scalar(weight)?)?;
        }
        Ok(total)
    }

    fn outputs(&self, head: usize, kind: HeadKind, states: &States, targets: &Targets) -> Result<Tensor, TchError> {
        match kind {
            HeadKind::Sequence => self.network.segment_outputs(head, states, &targets.places),
            HeadKind::Token => self.network.token_outputs(head, states, &targets.places),
        }
    }

    fn dev_sets(&self) -> DevSets<'_> {
        DevSets { recipe: &self.recipe, sets: &self.dev }
    }

    /// Calibrates the best epoch, or the mean of models that the recipe asks for, and writes it to the output folder.
    fn finish(self) -> Result<EpochScores, TrainError> {
        let best = self.best();
        let model = &self.recipe.model;
        let epochs = if model.average_epochs { 1..=self.epochs.len() } else { best..=best };
        let share = model.own_share() / count(epochs.clone().count());
        let mut models = Vec::new();
        for epoch in epochs {
            models.push((self.checkpoint.epoch_folder(epoch), share));
        }
        for other in &model.average_with {
            models.push((other.model.clone(), other.share.get()));
        }
        let mut folder = models[0].0.clone();
        if models.len() > 1 {
            folder = self.checkpoint.average_folder();
            average::write_average(&models, &folder)?;
        }
        self.dev_sets().calibrate(&folder)?;
        let sets = self.dev_sets().scores(&folder)?;
        let score = selection_score(&sets);
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

/// Calibrates the finished model in the recipe's output folder on the recipe's dev sets, and gives its scores. Nothing is
/// trained: in the folder only the manifest and the card change, which also get the recipe's revision.
///
/// # Errors
/// The first fault in the model or the sets. The model is unchanged then.
pub fn calibrate(recipe: &Recipe) -> Result<Vec<SetScores>, TrainError> {
    let output = &recipe.model.output;
    average::check_heads(recipe, output)?;
    let sets = DevSet::load_all(recipe)?;
    let notes = load_notes(recipe)?;
    let dev_sets = DevSets { recipe, sets: &sets };
    // A copy is calibrated, because the manifest is incomplete until the end.
    let folder = calibration_folder(recipe)?;
    export::copy_files(output, folder.path())?;
    dev_sets.calibrate(folder.path())?;
    let scores = dev_sets.scores(folder.path())?;
    let card = std::fs::read_to_string(output.join(CARD)).ok();
    if let Some(card) = card.and_then(|card| card::recalibrated(&card, recipe, &scores, &notes)) {
        let path = folder.path().join(CARD);
        std::fs::write(&path, card).map_err(file_error(&path))?;
    }
    export::publish_calibrated(folder.path(), output)?;
    Ok(scores)
}

/// Creates `<output>.calibration`, which is removed when it is dropped. A folder that a killed calibration has left is
/// replaced.
fn calibration_folder(recipe: &Recipe) -> Result<tempfile::TempDir, TrainError> {
    let path = recipe.model.beside_output(".calibration");
    match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file_error(&path)(error)),
        _ => {}
    }
    let parent = path.parent().unwrap_or(&path);
    let mut folder = tempfile::Builder::new();
    folder.prefix(path.file_name().unwrap_or_default()).rand_bytes(0);
    folder.tempdir_in(parent).map_err(file_error(&path))
}

/// The recipe's notes, which end the model card.
fn load_notes(recipe: &Recipe) -> Result<String, TrainError> {
    match &recipe.model.notes {
        Some(path) => std::fs::read_to_string(path).map_err(file_error(path)),
        None => Ok(String::new()),
    }
}

/// The loss function of the head with the index `head`, with class weights from the labels in `data`.
fn loss_of_head(head: usize, recipe: &HeadRecipe, data: &Data) -> Loss {
    let mut counts = vec![0.0; recipe.labels.len()];
    for example in &data.examples {
        for targets in example.targets_of(head) {
            let weight = example.weight * targets.weight_of_each;
            for target in &targets.segments {
                match target {
                    Target::Unknown => {}
                    Target::Label(shares) | Target::OneOf(shares) => {
                        add(&mut counts, shares, weight / f64::from(shares.iter().sum::<f32>()));
                    }
                    Target::Tokens(tokens) => tokens.iter().for_each(|shares| add(&mut counts, shares, weight)),
                }
            }
        }
    }
    Loss {
        label_weights: Tensor::from_slice(&loss::label_weights(&counts, recipe.rare_weight.get())),
        smoothing: recipe.label_smoothing.get(),
        focal: recipe.focal,
    }
}

fn add(sums: &mut [f64], shares: &[f32], weight: f64) {
    for (sum, &share) in sums.iter_mut().zip(shares) {
        *sum += weight * f64::from(share);
    }
}

/// The number of threads for matrix products.
fn threads(recipe: &Recipe) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = recipe.training.threads.as_size();
    if wanted == 0 { cores } else { wanted }
}

/// The file with the encoder's weights in the folder of a base: a finished model or an encoder.
fn base_weights(base: &Path) -> PathBuf {
    let encoder = base.join("encoder.safetensors");
    if encoder.exists() { encoder } else { base.join("model.safetensors") }
}

/// The size of the weights and the tokenizer in `folder`, in bytes.
fn size_of(folder: &Path) -> Result<u64, TrainError> {
    let mut size = 0;
    for name in export::WEIGHTS.into_iter().chain(["tokenizer.json"]) {
        let path = folder.join(name);
        size += std::fs::metadata(&path).map_err(file_error(&path))?.len();
    }
    Ok(size)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn count(count: usize) -> f64 {
    count as f64
}
