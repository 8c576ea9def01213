//! `recipe.toml` to a valid [`Recipe`]: what a model is trained on and how.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use crate::config::values::{Share, Whole};
use crate::config::{ConfigError, ConfigFile, Precision};
use crate::labelled::Layout;
use crate::model::{HeadKind, HeadManifest, ReadingLimits, Report};
use crate::record::Label;

/// What a model is trained on and how. Relative paths have been resolved against the file's folder.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The file itself.
    pub file: ConfigFile,
    /// The file that the heads come from, where that is another one.
    pub heads_file: Option<ConfigFile>,
    /// What comes out.
    pub model: ModelRecipe,
    /// How it is fitted.
    pub training: TrainingRecipe,
    /// The heads, by name.
    pub heads: IndexMap<String, HeadRecipe>,
}

/// What comes out of a training.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecipe {
    /// The model's name.
    pub name: String,
    /// What to tell this version of the weights from another by.
    pub revision: String,
    /// The folder of the encoder to begin from: `config.json`, `tokenizer.json`, `model.safetensors`; or a model folder.
    pub base: PathBuf,
    /// What the model card says of that encoder and its licence.
    pub base_note: String,
    /// The folder to write.
    pub output: PathBuf,
    /// The folder of the labelled files; without it they are looked for from the recipe's own folder.
    pub data: Option<PathBuf>,
    /// A Markdown file that closes the model card: what was tried, what the model cannot do.
    pub notes: Option<PathBuf>,
    /// Whether the mean of the weights of all epochs comes out, not the best epoch (stochastic weight averaging, Izmailov et al. 2018).
    #[serde(default)]
    pub mean_of_epochs: bool,
    /// Finished models to take the mean with in the end.
    #[serde(default)]
    pub blend: Vec<Blend>,
    /// The longest sentence to read, in tokens.
    #[serde(default = "Whole::constant::<256>")]
    pub max_tokens: Whole<3, 512>,
    /// How many tokens to read at once, of sentences that stand together.
    #[serde(default = "Whole::constant::<128>")]
    pub passage_tokens: Whole<16, 512>,
    /// How many tokens of a document's title stand in front of each of its passages. Without it passages have no title.
    pub title_tokens: Option<Whole<1, 128>>,
}

/// The mean of weights that were fitted apart, from the same encoder, is often better than either of them ("model soup",
/// Wortsman et al. 2022).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    /// A finished model of the same encoder and heads.
    pub model: PathBuf,
    /// Its share of the mean.
    pub share: Share,
}

/// How a model is fitted.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingRecipe {
    /// How often the sets are gone through, at most.
    pub epochs: Whole<1, 1000>,
    /// Stop after so many epochs without a better one.
    pub patience: Whole<1, 1000>,
    /// How many tokens a batch has at most, padding included.
    pub batch_tokens: Whole<16, 65_536>,
    /// The highest learning rate of the encoder.
    pub learning_rate: f64,
    /// The highest learning rate of the heads.
    pub head_learning_rate: f64,
    /// What each deeper layer's learning rate is multiplied by, counted from the last.
    pub layer_decay: Share,
    /// The share of all steps in which the learning rate rises; then it falls to nothing.
    pub warm_up: Share,
    /// The decay of weights (`AdamW`).
    pub weight_decay: f64,
    /// The largest norm of a step's gradient.
    pub clip_norm: f64,
    /// The share of an encoder's states that is dropped at random.
    pub dropout: Share,
    /// The share of a head's input that is dropped at random.
    pub head_dropout: Share,
    /// The share of rows with neighbours that are read without them.
    pub context_dropout: Share,
    /// The share of documents' passages that are read without their title.
    pub title_dropout: Share,
    /// The share of texts without neighbours that are read in one passage with other such texts.
    pub strangers: Share,
    /// How slowly the average of the weights, which is what comes out, follows them; 0 for the weights themselves.
    pub average: Share,
    /// The weight of the difference between two readings of a text under dropout (R-Drop, Liang et al. 2021); 0 for
    /// one reading.
    pub r_drop: f64,
    /// Whether the embeddings of words are fitted, too.
    pub fit_embeddings: bool,
    /// Where all chance comes from.
    pub seed: Whole<0, 4_294_967_295>,
    /// bf16 multiplies faster where the processor can; weights and their updates are f32 all the same.
    pub precision: Precision,
    /// How many threads multiply matrices; 0 for one a core.
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
            strangers: Share::default(),
            average: Share::default(),
            r_drop: 0.0,
            fit_embeddings: true,
            seed: Whole::constant::<1>(),
            precision: Precision::Auto,
            threads: Whole::constant::<0>(),
        }
    }
}

/// One head and what it learns from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecipe {
    /// What it labels.
    pub kind: HeadKind,
    /// What of its probabilities is reported.
    #[serde(default)]
    pub report: Report,
    /// The labels, in the order of its outputs.
    pub labels: Vec<Label>,
    /// The weight of its loss beside the other heads'.
    #[serde(default = "one")]
    pub loss_weight: f64,
    /// The share of the truth that is spread over all labels.
    #[serde(default)]
    pub label_smoothing: Share,
    /// How much more rare labels count: a label's weight is its share of the rows to the power of minus this, 0 to 1.
    #[serde(default)]
    pub rare_weight: Share,
    /// How much less rows count that are clear already (focal loss, Lin et al. 2017); 0 for not at all.
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
    /// What the model card calls it.
    pub name: String,
    /// Its licence, for the model card.
    pub licence: String,
    /// The file to learn from.
    pub train: PathBuf,
    /// The file to measure by.
    pub dev: Option<PathBuf>,
    /// How often a row is seen in an epoch; below 1 its probability.
    #[serde(default = "one")]
    pub weight: f64,
    /// Whether its scores decide which epoch is best and how probabilities are calibrated.
    #[serde(default = "yes")]
    pub decides: bool,
    /// What other heads learn from the same rows, by their names: a document has labels for several heads.
    #[serde(default)]
    pub also: IndexMap<String, AlsoRecipe>,
    /// How much a document's own label counts beside those of its sentences, for each passage.
    #[serde(default = "half")]
    pub document_weight: f64,
    /// Finished models with the same head: their mean says how likely labels are where the set leaves several open, and of
    /// the others as much as `teacher_share` says. Without them the model being trained chooses among several itself.
    #[serde(default)]
    pub teachers: Vec<PathBuf>,
    /// How much of the teachers' opinion goes into labels that the set is sure of.
    #[serde(default)]
    pub teacher_share: Share,
    /// How many texts to make up of each row, of its words and others', for the teachers to label: where rows are few.
    #[serde(default = "Whole::constant::<0>")]
    pub variants: Whole<0, 100>,
    /// Finished models that say what other heads are to learn from the same reading, by the names of these heads.
    #[serde(default)]
    pub taught: IndexMap<String, PathBuf>,
    /// How much what is taught counts beside what is labelled.
    #[serde(default = "one")]
    pub taught_weight: f64,
    /// How its rows are read.
    #[serde(default)]
    pub layout: Layout,
}

/// What another head learns from the rows of a set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlsoRecipe {
    /// Where its labels stand, if not in the set's own files: rows of the same `id` and text.
    pub train: Option<PathBuf>,
    /// The same for the file to measure by.
    pub dev: Option<PathBuf>,
    /// Whether the head's scores on `dev` decide which epoch is best and how probabilities are calibrated.
    #[serde(default = "yes")]
    pub decides: bool,
    /// How much it counts beside the set's own head.
    #[serde(default = "one")]
    pub weight: f64,
    /// How its labels are read.
    #[serde(default)]
    pub layout: Layout,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    /// A recipe beside this one whose heads and sets are taken: a teacher learns what the model that it teaches learns.
    heads_from: Option<PathBuf>,
    /// Whether the teachers of the sets have a say. The teacher itself has none.
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
                set.taught.clear();
                set.variants = Whole::constant::<0>();
            }
        }
        let mut recipe = Self { file, heads_file, model, training, heads };
        recipe.check()?;
        recipe.resolve_paths();
        Ok(recipe)
    }

    /// The same with the labelled files in another folder.
    #[must_use]
    pub fn with_data(mut self, folder: &Path) -> Self {
        let files = self.heads.values_mut().flat_map(|head| &mut head.sets).flat_map(SetRecipe::files_mut);
        for file in files {
            *file = folder.join(file.file_name().unwrap_or_default());
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
        self.require(self.model.own_share() > -1e-9, "blend", "has shares of more than 1.0 together")?;
        self.require(!self.heads.is_empty(), "heads", "needs at least one head")?;
        for (name, head) in &self.heads {
            self.check_head(name, head)?;
        }
        Ok(())
    }

    fn check_head(&self, name: &str, head: &HeadRecipe) -> Result<(), ConfigError> {
        let section = format!("heads.{name}");
        self.require(head.labels.len() > 1, &section, "needs at least two labels")?;
        let is_fed = !head.sets.is_empty() || self.also(name).next().is_some();
        self.require(is_fed, &section, "needs at least one set, or one of another head that has it in `also`")?;
        let also = head.sets.iter().flat_map(|set| &set.also).all(|(other, also)| {
            name != other && self.heads.contains_key(other) && also.weight > 0.0 && also.weight <= 100.0
        });
        let what = "has a set whose `also` names a head that is its own or unknown, or a `weight` not above 0.0 and at most 100.0";
        self.require(also, &section, what)?;
        let decides = head.sets.iter().any(|set| set.dev.is_some() && set.decides) || self.is_also_measured(name);
        self.require(decides, &section, "needs a set with `dev` that decides which epoch is best")?;
        let taught = head.sets.iter().all(|set| !set.teachers.is_empty() || set.variants.get() == 0);
        self.require(taught, &section, "has a set with `variants`, which need `teachers` to label them")?;
        let made_up = head.kind == HeadKind::Sequence || head.sets.iter().all(|set| set.variants.get() == 0);
        self.require(made_up, &section, "is a token head and has a set with `variants`, which have no marks")?;
        let weights = head.sets.iter().all(|set| set.weight > 0.0 && set.weight <= 100.0);
        self.require(weights, &section, "has a set whose `weight` is not above 0.0 and at most 100.0")?;
        let taught = head.sets.iter().all(|set| set.taught.keys().all(|other| self.is_taught(name, other)));
        self.require(taught, &section, "has a set whose `taught` names a head that is its own or unknown")?;
        let weights = head.sets.iter().all(|set| set.taught_weight > 0.0 && set.taught_weight <= 100.0);
        self.require(weights, &section, "has a set whose `taught_weight` is not above 0.0 and at most 100.0")?;
        self.require(head.loss_weight > 0.0 && head.focal >= 0.0, &section, "has a negative `loss_weight` or `focal`")
    }

    /// What the head called `name` learns from sets of other heads.
    fn also(&self, name: &str) -> impl Iterator<Item = (&SetRecipe, &AlsoRecipe)> {
        self.heads.values().flat_map(|head| &head.sets).filter_map(move |set| Some((set, set.also.get(name)?)))
    }

    fn is_also_measured(&self, name: &str) -> bool {
        self.also(name).any(|(set, also)| also.decides && also.dev_file(set).is_some())
    }

    /// Whether `other` can be taught by sets of the head called `name`.
    fn is_taught(&self, name: &str, other: &str) -> bool {
        name != other && self.heads.contains_key(other)
    }

    /// Points to where `key` first stands in the file.
    fn require(&self, holds: bool, key: &str, what: &str) -> Result<(), ConfigError> {
        if holds {
            return Ok(());
        }
        let at = self.file.text.find(key).unwrap_or(0);
        Err(self.file.invalid(at..at + key.len(), &format!("`{key}` {what}")))
    }

    fn resolve_paths(&mut self) {
        let folder = folder_of(&self.file).to_owned();
        let data = self.model.data.as_ref().map_or_else(|| folder.clone(), |data| folder.join(data));
        let resolve = |path: &mut PathBuf| *path = folder.join(&*path);
        resolve(&mut self.model.base);
        resolve(&mut self.model.output);
        self.model.notes.as_mut().map(resolve).unwrap_or_default();
        self.model.blend.iter_mut().for_each(|blend| resolve(&mut blend.model));
        for set in self.heads.values_mut().flat_map(|head| &mut head.sets) {
            set.teachers.iter_mut().chain(set.taught.values_mut()).for_each(resolve);
            set.files_mut().into_iter().for_each(|file| *file = data.join(&*file));
        }
    }
}

impl ModelRecipe {
    /// What the models to blend with leave of the mean to the training's own weights.
    pub(super) fn own_share(&self) -> f64 {
        1.0 - self.blend.iter().map(|blend| blend.share.get()).sum::<f64>()
    }

    /// A folder beside the output, of the same name with `ending`.
    #[must_use]
    pub fn beside_output(&self, ending: &str) -> PathBuf {
        let mut name = self.output.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.output.with_file_name(name)
    }

    /// How much the model is to read at once.
    #[must_use]
    pub fn limits(&self) -> ReadingLimits {
        ReadingLimits {
            text_tokens: self.max_tokens.as_size(),
            passage_tokens: Some(self.passage_tokens.as_size()),
            title_tokens: self.title_tokens.map(Whole::as_size),
        }
    }
}

impl SetRecipe {
    /// Its labelled files.
    fn files_mut(&mut self) -> Vec<&mut PathBuf> {
        let also = self.also.values_mut().flat_map(|also| also.train.iter_mut().chain(&mut also.dev));
        std::iter::once(&mut self.train).chain(&mut self.dev).chain(also).collect()
    }
}

/// The folder that a file stands in.
fn folder_of(file: &ConfigFile) -> &Path {
    file.path.parent().unwrap_or(Path::new(""))
}

impl AlsoRecipe {
    /// The file to learn from, of the set `of`.
    pub(super) fn train_file<'p>(&'p self, of: &'p SetRecipe) -> &'p Path {
        self.train.as_ref().unwrap_or(&of.train)
    }

    /// The file to measure by, of the set `of`.
    pub(super) fn dev_file<'p>(&'p self, of: &'p SetRecipe) -> Option<&'p Path> {
        // Labels in a file of their own have their own file to measure by, or none.
        if self.train.is_some() { self.dev.as_deref() } else { self.dev.as_deref().or(of.dev.as_deref()) }
    }
}

impl HeadRecipe {
    /// The head as a manifest describes it.
    #[must_use]
    pub fn manifest(&self) -> HeadManifest {
        let (kind, report, labels) = (self.kind, self.report, self.labels.clone());
        HeadManifest { kind, report, temperature: None, document: None, offsets: Vec::new(), labels }
    }

    /// Whether a finished model's head is of this kind and has these labels, in this order: its weights can be taken then.
    /// What a label maps to in other vocabularies makes no difference.
    #[must_use]
    pub fn is_like(&self, head: &HeadManifest) -> bool {
        let names = |labels: &[Label]| -> Vec<(Option<String>, String)> {
            labels.iter().map(|label| (label.code.clone(), label.label.clone())).collect()
        };
        self.kind == head.kind && names(&self.labels) == names(&head.labels)
    }
}
