//! Reads `recipe.toml` into a valid [`Recipe`]: the data that a model is trained on, and the settings of the training.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use crate::config::values::{Share, Whole};
use crate::config::{ConfigError, ConfigFile, Precision};
use crate::labelled::Layout;
use crate::model::{HeadKind, HeadManifest, Report, TokenLimits};
use crate::record::Label;

/// The settings and the data of a training. Relative paths have been resolved against the file's folder.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The file itself.
    pub file: ConfigFile,
    /// The file that the heads come from, where that is another one.
    pub heads_file: Option<ConfigFile>,
    /// The model to write.
    pub model: ModelRecipe,
    /// Hyperparameters.
    pub training: TrainingRecipe,
    /// The heads, by name.
    pub heads: IndexMap<String, HeadRecipe>,
}

/// The model that a training writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecipe {
    /// The model's name.
    pub name: String,
    /// The version of the weights.
    pub revision: String,
    /// The folder of the encoder to start from: `config.json`, `tokenizer.json`, `model.safetensors`; or a model folder.
    pub base: PathBuf,
    /// A description of that encoder and its licence, for the model card.
    pub base_note: String,
    /// The folder to write.
    pub output: PathBuf,
    /// The folder of the labelled files; by default the recipe's own folder.
    pub data: Option<PathBuf>,
    /// A Markdown file that is appended to the model card: experiments, limits of the model.
    pub notes: Option<PathBuf>,
    /// Writes the mean of the weights of all epochs, not the best epoch (stochastic weight averaging, Izmailov et al. 2018).
    #[serde(default)]
    pub average_epochs: bool,
    /// Finished models whose weights are averaged with those of the training at its end.
    #[serde(default)]
    pub average_with: Vec<AverageWith>,
    /// The longest sentence to read, in tokens.
    #[serde(default = "Whole::constant::<256>")]
    pub max_tokens: Whole<3, 512>,
    /// The longest passage of neighbouring sentences, in tokens.
    #[serde(default = "Whole::constant::<128>")]
    pub passage_tokens: Whole<16, 512>,
    /// The longest title in front of each passage of a document, in tokens. Without it passages have no title.
    pub title_tokens: Option<Whole<1, 128>>,
}

/// A finished model to average weights with. The mean of models that were fine-tuned separately from the same encoder is often better
/// than each of them ("model soup", Wortsman et al. 2022).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AverageWith {
    /// A finished model of the same encoder and heads.
    pub model: PathBuf,
    /// Its share of the mean.
    pub share: Share,
}

/// Hyperparameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingRecipe {
    /// The maximum number of epochs.
    pub epochs: Whole<1, 1000>,
    /// The number of epochs without improvement after which the training stops.
    pub patience: Whole<1, 1000>,
    /// The maximum number of tokens in a batch, padding included.
    pub batch_tokens: Whole<16, 65_536>,
    /// The highest learning rate of the encoder.
    pub learning_rate: f64,
    /// The highest learning rate of the heads.
    pub head_learning_rate: f64,
    /// The ratio of each layer's learning rate to that of the layer above it.
    pub layer_decay: Share,
    /// The share of all steps in which the learning rate rises; after them it decays linearly to 0.
    pub warm_up: Share,
    /// The weight decay (`AdamW`).
    pub weight_decay: f64,
    /// The norm to which a step's gradient is clipped.
    pub clip_norm: f64,
    /// The dropout rate in the encoder.
    pub dropout: Share,
    /// The dropout rate of the heads' inputs.
    pub head_dropout: Share,
    /// The share of texts with context whose context is left out.
    pub context_dropout: Share,
    /// The share of documents' passages whose title is left out.
    pub title_dropout: Share,
    /// The share of texts without context that are put into one passage with other such texts.
    pub unrelated_context: Share,
    /// The decay of the exponential moving average (EMA) of the weights, which is written in place of the weights; 0 for no average.
    pub ema_decay: Share,
    /// The weight of the divergence between two passes of a batch under dropout (R-Drop, Liang et al. 2021); 0 for a
    /// single pass.
    pub r_drop: f64,
    /// Trains the word embeddings, too.
    pub fit_embeddings: bool,
    /// The seed of all random numbers.
    pub seed: Whole<0, 4_294_967_295>,
    /// The precision of the network's computation; weights and their updates are f32 in any case.
    pub precision: Precision,
    /// The number of threads for matrix products; 0 for one per core.
    pub threads: Whole<0, 1024>,
}

impl Default for TrainingRecipe {
    fn default() -> Self {
        Self {
            epochs: Whole::constant::<4>(),
            patience: Whole::constant::<2>(),
            batch_tokens: Whole::constant::<2048>(),
            learning_rate: 1e-4,
            head_learning_rate: 1e-3,
            layer_decay: Share::of_percent::<100>(),
            warm_up: Share::of_percent::<10>(),
            weight_decay: 0.01,
            clip_norm: 1.0,
            dropout: Share::of_percent::<10>(),
            head_dropout: Share::of_percent::<10>(),
            context_dropout: Share::of_percent::<15>(),
            title_dropout: Share::of_percent::<10>(),
            unrelated_context: Share::default(),
            ema_decay: Share::default(),
            r_drop: 0.0,
            fit_embeddings: true,
            seed: Whole::constant::<1>(),
            precision: Precision::Auto,
            threads: Whole::constant::<0>(),
        }
    }
}

/// One head and its training data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecipe {
    /// The kind of head.
    pub kind: HeadKind,
    /// The probabilities that a run reports.
    #[serde(default)]
    pub report: Report,
    /// The labels, in the order of its outputs.
    pub labels: Vec<Label>,
    /// The weight of its loss relative to the other heads.
    #[serde(default = "one")]
    pub loss_weight: f64,
    /// Label smoothing: the share of each target that is spread over all labels.
    #[serde(default)]
    pub label_smoothing: Share,
    /// The exponent of class weights, 0 to 1: a label's weight is its share of the rows to the power of minus this.
    #[serde(default)]
    pub rare_weight: Share,
    /// The exponent of the focal loss (Lin et al. 2017); 0 for plain cross-entropy.
    #[serde(default)]
    pub focal: f64,
    /// The labelled sets.
    #[serde(default)]
    pub sets: Vec<SetRecipe>,
}

/// One labelled set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRecipe {
    /// Its name, for the model card.
    pub name: String,
    /// Its licence, for the model card.
    pub licence: String,
    /// The training file.
    pub train: PathBuf,
    /// The dev file.
    pub dev: Option<PathBuf>,
    /// The folder of its files, for a set that lies beside its recipe; by default the folder of all labelled files.
    pub data: Option<PathBuf>,
    /// The number of times that each row is seen in an epoch; below 1 the probability that it is seen.
    #[serde(default = "one")]
    pub weight: f64,
    /// Only reports the scores on `dev`: they are used neither to select the best epoch nor to calibrate.
    #[serde(default)]
    pub report_only: bool,
    /// The labels of other heads for the same rows, by the names of these heads: a document has labels for several heads.
    #[serde(default)]
    pub also: IndexMap<String, AlsoRecipe>,
    /// The weight of a document's own label in each of its passages; a sentence's label has the weight 1.
    #[serde(default = "half")]
    pub document_weight: f64,
    /// Finished models with the same head, for knowledge distillation. Where a row allows several labels, the mean of the teachers'
    /// probabilities becomes the target; other targets are mixed with it by `teacher_share`. Without teachers, the loss of a row that
    /// allows several labels is that of their total probability.
    #[serde(default)]
    pub teachers: Vec<PathBuf>,
    /// The share of the teachers' probabilities in the target of a row with one known label.
    #[serde(default)]
    pub teacher_share: Share,
    /// The number of synthetic texts to make from each row, which the teachers label (data augmentation).
    #[serde(default = "Whole::constant::<0>")]
    pub augmented_copies: Whole<0, 100>,
    /// Teachers of other heads for the texts of this set, by the names of these heads.
    #[serde(default)]
    pub distilled_heads: IndexMap<String, PathBuf>,
    /// The weight of the distilled heads' targets; a labelled row has the weight 1.
    #[serde(default = "one")]
    pub distilled_weight: f64,
    /// The fields of its rows.
    #[serde(default)]
    pub layout: Layout,
}

/// The labels of another head for the rows of a set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlsoRecipe {
    /// The training file with its labels, if it is not the set's own: rows with the same `id` and text.
    pub train: Option<PathBuf>,
    /// The dev file with its labels.
    pub dev: Option<PathBuf>,
    /// Only reports the head's scores on `dev`: they are used neither to select the best epoch nor to calibrate.
    #[serde(default)]
    pub report_only: bool,
    /// The weight of its targets relative to those of the set's own head.
    #[serde(default = "one")]
    pub weight: f64,
    /// The fields of its labels.
    #[serde(default)]
    pub layout: Layout,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    /// A recipe in the same folder whose heads and sets are used here: a teacher is trained on the data of its student.
    heads_from: Option<PathBuf>,
    /// Uses the teachers of the sets. The recipe of a teacher turns them off.
    #[serde(default = "yes")]
    use_teachers: bool,
    model: ModelRecipe,
    #[serde(default)]
    training: TrainingRecipe,
    #[serde(default)]
    heads: IndexMap<String, HeadRecipe>,
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn yes() -> bool {
    true
}

impl Recipe {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// With the place of the first thing wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(ConfigFile::load(path)?)
    }

    /// Checks the text of `file`.
    ///
    /// # Errors
    /// With the place of the first thing wrong.
    pub fn parse(file: ConfigFile) -> Result<Self, ConfigError> {
        let Sections { heads_from, use_teachers, model, training, mut heads } = file.sections()?;
        let mut heads_file = None;
        if let Some(path) = heads_from {
            let other = ConfigFile::load(&folder_of(&file).join(path))?;
            heads = other.sections::<Sections>()?.heads;
            heads_file = Some(other);
        }
        if !use_teachers {
            for set in heads.values_mut().flat_map(|head| &mut head.sets) {
                set.teachers.clear();
                set.distilled_heads.clear();
                set.augmented_copies = Whole::constant::<0>();
            }
        }
        let mut recipe = Self { file, heads_file, model, training, heads };
        recipe.check()?;
        recipe.resolve_paths();
        Ok(recipe)
    }

    /// The same with the labelled files in another folder. Sets that name a folder of their own keep it.
    #[must_use]
    pub fn with_data(mut self, folder: &Path) -> Self {
        for set in self.heads.values_mut().flat_map(|head| &mut head.sets).filter(|set| set.data.is_none()) {
            for file in set.files_mut() {
                *file = folder.join(file.file_name().unwrap_or_default());
            }
        }
        self
    }

    /// The same with another seed, for a model in a folder of its own: `<output>-3`.
    #[must_use]
    pub fn with_seed(mut self, seed: u32) -> Self {
        self.model.output = self.model.beside_output(&format!("-{seed}"));
        self.training.seed = seed.into();
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        let training = &self.training;
        let positive = [
            ("learning_rate", training.learning_rate),
            ("head_learning_rate", training.head_learning_rate),
            ("clip_norm", training.clip_norm),
        ];
        for (key, value) in positive {
            self.require(value > 0.0 && value.is_finite(), key, "has to be a number above 0.0")?;
        }
        for (key, value) in [("weight_decay", training.weight_decay), ("r_drop", training.r_drop)] {
            self.require(value >= 0.0 && value.is_finite(), key, "has to be a number from 0.0 on")?;
        }
        self.require(self.model.own_share() > -1e-9, "average_with", "has shares of more than 1.0 together")?;
        self.require(!self.heads.is_empty(), "heads", "needs at least one head")?;
        for (name, head) in &self.heads {
            self.check_head(name, head)?;
        }
        Ok(())
    }

    fn check_head(&self, name: &str, head: &HeadRecipe) -> Result<(), ConfigError> {
        let section = format!("heads.{name}");
        self.require(head.labels.len() > 1, &section, "needs at least two labels")?;
        self.require(head.loss_weight > 0.0 && head.focal >= 0.0, &section, "has a negative `loss_weight` or `focal`")?;
        let has_data = !head.sets.is_empty() || self.also(name).next().is_some();
        self.require(has_data, &section, "needs at least one set, or one of another head that has it in `also`")?;
        let can_select = head.sets.iter().any(|set| set.dev.is_some() && !set.report_only)
            || self.also(name).any(|(set, also)| !also.report_only && also.dev_file(set).is_some());
        self.require(
            can_select,
            &section,
            "needs a set with `dev` that is not `report_only`, to select the best epoch",
        )?;
        for set in &head.sets {
            self.check_set(name, head, set, &section)?;
        }
        Ok(())
    }

    fn check_set(&self, name: &str, head: &HeadRecipe, set: &SetRecipe, section: &str) -> Result<(), ConfigError> {
        self.require(
            set.also.iter().all(|(other, also)| self.is_other_head(name, other) && is_weight(also.weight)),
            section,
            "has a set whose `also` names a head that is its own or unknown, or a `weight` not above 0.0 and at most 100.0",
        )?;
        let is_augmented = set.augmented_copies.get() > 0;
        self.require(
            !is_augmented || !set.teachers.is_empty(),
            section,
            "has a set with `augmented_copies`, which need `teachers` to label them",
        )?;
        self.require(
            !is_augmented || head.kind == HeadKind::Sequence,
            section,
            "is a token head and has a set with `augmented_copies`, which have no marks",
        )?;
        self.require(is_weight(set.weight), section, "has a set whose `weight` is not above 0.0 and at most 100.0")?;
        self.require(
            set.distilled_heads.keys().all(|other| self.is_other_head(name, other)),
            section,
            "has a set whose `distilled_heads` names a head that is its own or unknown",
        )?;
        self.require(
            is_weight(set.distilled_weight),
            section,
            "has a set whose `distilled_weight` is not above 0.0 and at most 100.0",
        )
    }

    /// True if `other` is a head of the recipe, and not the one called `name`.
    fn is_other_head(&self, name: &str, other: &str) -> bool {
        name != other && self.heads.contains_key(other)
    }

    /// The sets of other heads that have labels for the head called `name`.
    fn also(&self, name: &str) -> impl Iterator<Item = (&SetRecipe, &AlsoRecipe)> {
        self.heads.values().flat_map(|head| &head.sets).filter_map(move |set| Some((set, set.also.get(name)?)))
    }

    /// An error at the first place of `key` in the file, unless `holds`.
    fn require(&self, holds: bool, key: &str, what: &str) -> Result<(), ConfigError> {
        if holds {
            return Ok(());
        }
        let at = place_of_key(&self.file.text, key);
        Err(self.file.invalid(at..at + key.len(), &format!("`{key}` {what}")))
    }

    fn resolve_paths(&mut self) {
        let folder = folder_of(&self.file).to_owned();
        let data = self.model.data.as_ref().map_or_else(|| folder.clone(), |data| folder.join(data));
        let mut in_folder = vec![&mut self.model.base, &mut self.model.output];
        in_folder.extend(&mut self.model.notes);
        in_folder.extend(self.model.average_with.iter_mut().map(|other| &mut other.model));
        for set in self.heads.values_mut().flat_map(|head| &mut head.sets) {
            in_folder.extend(set.teachers.iter_mut().chain(set.distilled_heads.values_mut()));
        }
        for path in in_folder {
            *path = folder.join(&*path);
        }
        for set in self.heads.values_mut().flat_map(|head| &mut head.sets) {
            let data = set.data.as_ref().map_or_else(|| data.clone(), |own| folder.join(own));
            for file in set.files_mut() {
                *file = data.join(&*file);
            }
        }
    }
}

/// The weights that sets and their heads can have.
fn is_weight(weight: f64) -> bool {
    weight > 0.0 && weight <= 100.0
}

/// The first place of `key` in `text` as a whole word; 0 where it is missing.
fn place_of_key(text: &str, key: &str) -> usize {
    for (place, _) in text.match_indices(key) {
        if !text[..place].ends_with(is_in_word) && !text[place + key.len()..].starts_with(is_in_word) {
            return place;
        }
    }
    0
}

fn is_in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

impl ModelRecipe {
    /// The share of the training's own weights in the mean with other models.
    pub(super) fn own_share(&self) -> f64 {
        1.0 - self.average_with.iter().map(|other| other.share.get()).sum::<f64>()
    }

    /// The path of a folder next to the output, with the same name and `ending`.
    #[must_use]
    pub fn beside_output(&self, ending: &str) -> PathBuf {
        let mut name = self.output.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.output.with_file_name(name)
    }

    /// The longest texts, passages and titles of the model.
    #[must_use]
    pub fn limits(&self) -> TokenLimits {
        TokenLimits {
            text_tokens: self.max_tokens.as_size(),
            passage_tokens: Some(self.passage_tokens.as_size()),
            title_tokens: self.title_tokens.map(Whole::as_size),
        }
    }
}

impl SetRecipe {
    /// The paths of its labelled files.
    fn files_mut(&mut self) -> Vec<&mut PathBuf> {
        let also = self.also.values_mut().flat_map(|also| also.train.iter_mut().chain(&mut also.dev));
        std::iter::once(&mut self.train).chain(&mut self.dev).chain(also).collect()
    }
}

/// The folder of a file.
fn folder_of(file: &ConfigFile) -> &Path {
    file.path.parent().unwrap_or(Path::new(""))
}

impl AlsoRecipe {
    /// The training file, of the set `of` by default.
    pub(super) fn train_file<'p>(&'p self, of: &'p SetRecipe) -> &'p Path {
        self.train.as_ref().unwrap_or(&of.train)
    }

    /// The dev file, if there is one.
    pub(super) fn dev_file<'p>(&'p self, of: &'p SetRecipe) -> Option<&'p Path> {
        // Labels in a training file of their own also have a dev file of their own, or none.
        if self.train.is_some() { self.dev.as_deref() } else { self.dev.as_deref().or(of.dev.as_deref()) }
    }
}

impl HeadRecipe {
    /// The head as a manifest describes it.
    #[must_use]
    pub fn manifest(&self) -> HeadManifest {
        HeadManifest {
            kind: self.kind,
            report: self.report,
            temperature: None,
            document: None,
            offsets: Vec::new(),
            confidence: None,
            labels: self.labels.clone(),
        }
    }

    /// True if a finished model's head has the same kind and the same labels in the same order, so that its weights can be used.
    /// The labels' mappings to other vocabularies make no difference.
    #[must_use]
    pub fn is_like(&self, head: &HeadManifest) -> bool {
        let mut labels = self.labels.iter().zip(&head.labels);
        self.kind == head.kind
            && self.labels.len() == head.labels.len()
            && labels.all(|(ours, theirs)| ours.code == theirs.code && ours.label == theirs.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_as_a_whole_word() {
        let text = "head_learning_rate = 1\nlearning_rate = 2\n[heads.mood]\n[[model.average_with]]";
        assert_eq!(place_of_key(text, "learning_rate"), 23);
        assert_eq!(place_of_key(text, "heads.mood"), 42);
        assert_eq!(&text[place_of_key(text, "average_with")..], "average_with]]");
        assert_eq!(place_of_key(text, "missing"), 0);
    }
}
