//! The tasks of a configuration, joined with the models and heads that do them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use toml::Spanned;

use crate::config::values::{Share, Workers};
use crate::config::{Config, ConfigError, ModelConfig, NoModel, TaskConfig, listed};
use crate::digest::{hexadecimal, sha256_of_all};
use crate::model::{DocumentScaling, HeadKind, HeadManifest, HeadOutputs, ModelError, ModelFolder, Report, Runtime};
use crate::own_labels::{OwnLabelError, OwnLabelSettings, OwnLabels};
use crate::record::{ConfidenceWeights, Label, Verdict};

/// The reasons why tasks cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The configuration names something that a model does not have.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A model cannot be used.
    #[error("cannot load model `{name}` from `{}`", path.display())]
    Model {
        /// Its name in the configuration.
        name: String,
        /// Its folder.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: ModelError,
    },
    /// A model is nowhere.
    #[error(transparent)]
    NoModel(#[from] NoModel),
    /// Own labels cannot be used.
    #[error(transparent)]
    OwnLabels(#[from] OwnLabelError),
}

/// A model that at least one task uses.
#[derive(Debug, Clone)]
pub struct UsedModel {
    /// Its name in the configuration.
    pub name: String,
    /// Its files.
    pub folder: ModelFolder,
    /// Its precision, device and number of workers.
    pub runtime: Runtime,
    /// The maximum number of tokens in a batch.
    pub batch_tokens: usize,
    /// The heads that are used, in the order of the tasks.
    pub heads: Vec<String>,
    /// True if its results include the vectors of sentences.
    pub wants_vectors: bool,
}

/// The number of digits by which people tell models of one name and revision apart.
const FINGERPRINT_DIGITS: usize = 8;

impl Tasks {
    /// A hash of all tasks and models, of their runtimes, and of the version of this program without its last number: a patch release
    /// does not change results. 64 hexadecimal digits. The caller adds the revisions of the program's parts.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut parts = vec![concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR")).to_owned()];
        for UsedModel { folder, runtime, heads, .. } in &self.models {
            parts.push(folder.manifest().fingerprint.clone());
            parts.extend([runtime.precision.as_str(), runtime.device.as_str()].map(str::to_owned));
            parts.extend(heads.iter().cloned());
        }
        for LabelTask { name, model, source, min_score, .. } in &self.labels {
            match source {
                LabelSource::Head { slot } => parts.push(format!("{name} {model} {slot} {min_score}")),
                LabelSource::Own(own) => parts.push(format!("{name} {model} {} {:?}", own.digest(), own.thresholds())),
            }
        }
        for BoilerplateTask { name, model, slot, min_score } in &self.boilerplate {
            parts.push(format!("{name} {model} {slot} {min_score}"));
        }
        if let Some(AttributionTask { name, model, slot, min_score, .. }) = &self.attribution {
            parts.push(format!("{name} {model} {slot} {min_score}"));
        }
        hexadecimal(&sha256_of_all(parts.iter().map(String::as_str)))
    }
}

impl Tasks {
    /// What [`Self::fingerprint`] is taken of, by name, for people.
    #[must_use]
    pub fn parts(&self) -> IndexMap<String, String> {
        let mut parts = IndexMap::new();
        for UsedModel { name, folder, runtime, heads, .. } in &self.models {
            let manifest = folder.manifest();
            let fingerprint = manifest.fingerprint.chars().take(FINGERPRINT_DIGITS).collect::<String>();
            parts.insert(format!("model {name}"), format!("{} {} ({fingerprint})", manifest.name, manifest.revision));
            parts.insert(format!("precision of {name}"), runtime.precision.to_string());
            parts.insert(format!("device of {name}"), runtime.device.as_str().to_owned());
            parts.insert(format!("heads of {name}"), heads.join(", "));
        }
        for LabelTask { name, source, .. } in &self.labels {
            if let LabelSource::Own(own) = source {
                let digest: String = own.digest().chars().take(FINGERPRINT_DIGITS).collect();
                parts.insert(format!("[tasks.{name}] labels"), format!("{} labels ({digest})", own.labels().len()));
            }
        }
        let has_head = |task: &&LabelTask| matches!(task.source, LabelSource::Head { .. });
        let labels = self.labels.iter().filter(has_head).map(|task| (&task.name, task.min_score));
        let boilerplate = self.boilerplate.iter().map(|task| (&task.name, task.min_score));
        let attribution = self.attribution.iter().map(|task| (&task.name, task.min_score));
        for (name, min_score) in labels.chain(boilerplate).chain(attribution) {
            parts.insert(format!("[tasks.{name}] min_score"), min_score.to_string());
        }
        parts
    }
}

impl UsedModel {
    /// The error for a model that cannot be used because of `cause`.
    #[must_use]
    pub fn failed(&self, cause: ModelError) -> TaskError {
        TaskError::Model { name: self.name.clone(), path: self.folder.path().to_owned(), cause }
    }
}

/// A task that gives every statement one label of a list.
#[derive(Debug, Clone)]
pub struct LabelTask {
    /// The field that it fills.
    pub name: String,
    /// The model, by its place in [`Tasks::models`].
    pub model: usize,
    /// The origin of the scores.
    pub source: LabelSource,
    /// The labels, in the order of the head or of the file of own labels.
    pub labels: Vec<Label>,
    /// The form in which probabilities are reported.
    pub report: Report,
    /// The threshold, 0 to 1: a less probable label becomes "unsure". Own labels have thresholds of their own.
    pub min_score: f32,
    /// The weights by which a document's sentences and title change each other's labels; `None` if each sentence is labelled
    /// alone.
    pub document: Option<DocumentScaling>,
}

/// The origin of the scores of a labelling task.
#[derive(Debug, Clone)]
pub enum LabelSource {
    /// A head of the model.
    Head {
        /// The head, by its place in [`HeadOutputs::sequences`].
        slot: usize,
    },
    /// Own labels, from the vectors of sentences.
    Own(Arc<OwnLabels>),
}

impl LabelTask {
    /// The score of each label for a sentence by itself. Empty if the model has not computed what the task needs.
    #[must_use]
    pub fn scores(&self, output: &HeadOutputs) -> Vec<f32> {
        match &self.source {
            LabelSource::Head { slot } => output.sequences.get(*slot).cloned().unwrap_or_default(),
            LabelSource::Own(own) => output.vector.as_ref().map(|vector| own.scores(vector)).unwrap_or_default(),
        }
    }

    /// The label that fits best, whether or not it reaches its threshold; of equals it is the first. `None` without scores.
    #[must_use]
    pub fn best(&self, scores: &[f32]) -> Option<usize> {
        match &self.source {
            LabelSource::Own(own) => own.best(scores),
            LabelSource::Head { .. } => {
                (0..scores.len()).reduce(|best, other| if scores[other] > scores[best] { other } else { best })
            }
        }
    }

    /// The threshold of a label, 0 to 1.
    #[must_use]
    pub fn threshold(&self, label: usize) -> f32 {
        match &self.source {
            LabelSource::Head { .. } => self.min_score,
            LabelSource::Own(own) => own.thresholds().get(label).copied().unwrap_or_default(),
        }
    }

    /// The verdict for these scores: the best label, or none if it does not reach its threshold.
    #[must_use]
    pub fn judge(&self, scores: Vec<f32>) -> Verdict {
        let best = self.best(&scores);
        let score = best.map_or(0.0, |best| scores[best]);
        Verdict { label: best.filter(|&best| score >= self.threshold(best)), score, probabilities: scores }
    }
}

/// A task that finds boilerplate: sentences that state nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct BoilerplateTask {
    /// Its name in the configuration.
    pub name: String,
    /// The model, by its place in [`Tasks::models`].
    pub model: usize,
    /// The head, by its place in [`crate::model::HeadOutputs::sequences`].
    pub slot: usize,
    /// The threshold, 0 to 1: with at least this probability of the head's last label, a sentence is boilerplate.
    pub min_score: f32,
}

impl BoilerplateTask {
    /// True if these results are those of boilerplate.
    #[must_use]
    pub fn finds(&self, output: &HeadOutputs) -> bool {
        let probabilities = output.sequences.get(self.slot);
        probabilities.and_then(|probabilities| probabilities.last()).is_some_and(|&score| score >= self.min_score)
    }
}

/// The task that finds attributions.
#[derive(Debug, Clone)]
pub struct AttributionTask {
    /// Its name in the configuration.
    pub name: String,
    /// The model, by its place in [`Tasks::models`].
    pub model: usize,
    /// The head, by its place in [`crate::model::HeadOutputs::tokens`].
    pub slot: usize,
    /// The meaning of each label of the head, in the order of the labels.
    pub tags: Vec<Tag>,
    /// The weights by which attributions are scored, if the model has some.
    pub confidence: Option<ConfidenceWeights>,
    /// The threshold, 0 to 1: an attribution with a lower score is left out.
    pub min_score: f32,
}

/// The role of a token in an attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Not in an attribution.
    Outside,
    /// The first token of a part.
    Begin(Part),
    /// A further token of a part.
    Inside(Part),
}

/// The parts of an attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The words for the speaker.
    Source,
    /// The words that report it.
    Cue,
    /// The words that were said.
    Content,
}

/// All tasks of a run, and the models that do them.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// The models in use.
    pub models: Vec<UsedModel>,
    /// The labelling tasks, in the order of the output.
    pub labels: Vec<LabelTask>,
    /// The tasks that find boilerplate.
    pub boilerplate: Vec<BoilerplateTask>,
    /// The task that finds attributions, if there is one.
    pub attribution: Option<AttributionTask>,
}

impl Tasks {
    /// Opens the models that `config` uses, checks their files, and finds each task's head.
    ///
    /// # Errors
    /// If a model cannot be used or lacks a head that a task names, if a second task finds attributions, or if the labels of such
    /// a task are not those of source, cue and content.
    pub fn resolve(config: &Config) -> Result<Self, TaskError> {
        let mut tasks = Self::without_own_labels(config)?;
        for (place, (name, task)) in config.tasks.iter().enumerate() {
            if let Some(path) = &task.labels {
                let model = tasks.open_model(config, task.model.get_ref())?;
                let fingerprint = &tasks.models[model].folder.manifest().fingerprint;
                let own = OwnLabels::load(name, path.get_ref(), fingerprint, own_label_settings(task))?;
                tasks.add_own_labels(config, place, name, model, own);
            }
        }
        Ok(tasks)
    }

    /// As [`Self::resolve`], without the tasks that have own labels: these need not be fitted. Their models give vectors.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn without_own_labels(config: &Config) -> Result<Self, TaskError> {
        let mut tasks = Self::default();
        for (name, task) in &config.tasks {
            let model = tasks.open_model(config, task.model.get_ref())?;
            tasks.models[model].wants_vectors |= config.cache.vectors || task.labels.is_some();
            let Some(head_name) = &task.head else { continue };
            let head = tasks.head_of_task(config, model, task, head_name)?;
            match head.kind {
                HeadKind::Sequence => tasks.add_labels(name, model, task, head),
                HeadKind::Token => tasks.add_attribution(config, name, model, task, head_name, &head)?,
            }
            tasks.models[model].heads.push(head_name.get_ref().clone());
        }
        Ok(tasks)
    }

    /// Adds a task with own labels at its place: labelling tasks have the order of the configuration, in which it is the task number
    /// `place`.
    fn add_own_labels(&mut self, config: &Config, place: usize, name: &str, model: usize, own: Arc<OwnLabels>) {
        let is_before = |task: &LabelTask| config.tasks.get_index_of(&task.name).is_some_and(|other| other < place);
        let at = self.labels.iter().take_while(|task| is_before(task)).count();
        self.labels.insert(
            at,
            LabelTask {
                name: name.to_owned(),
                model,
                labels: own.labels().to_vec(),
                source: LabelSource::Own(own),
                report: Report::RunnerUp,
                min_score: 0.0,
                document: None,
            },
        );
    }

    /// The place of the model called `name`. Opens it if no earlier task uses it.
    fn open_model(&mut self, config: &Config, name: &str) -> Result<usize, TaskError> {
        if let Some(place) = self.models.iter().position(|model| model.name == name) {
            return Ok(place);
        }
        let settings = &config.models[name];
        let path = settings.folder(name)?;
        let model = open_used_model(name, path, settings, config.run.portable).map_err(|cause| TaskError::Model {
            name: name.to_owned(),
            path: path.to_owned(),
            cause,
        })?;
        self.models.push(model);
        Ok(self.models.len() - 1)
    }

    fn head_of_task(
        &self,
        config: &Config,
        model: usize,
        task: &TaskConfig,
        head: &Spanned<String>,
    ) -> Result<HeadManifest, ConfigError> {
        let heads = &self.models[model].folder.manifest().heads;
        heads.get(head.get_ref()).cloned().ok_or_else(|| {
            let message = format!(
                "model `{}` has no head `{}`, expected one of {}",
                task.model.get_ref(),
                head.get_ref(),
                listed(heads.keys())
            );
            config.file.invalid(head.span(), &message)
        })
    }

    fn add_labels(&mut self, name: &str, model: usize, task: &TaskConfig, head: HeadManifest) {
        let min_score = threshold(task);
        let name = name.to_owned();
        // Sequence heads of one model have the order of their tasks.
        // Own labels are not there yet.
        let models = self.labels.iter().map(|task| task.model).chain(self.boilerplate.iter().map(|task| task.model));
        let slot = models.filter(|&other| other == model).count();
        if head.report == Report::Boilerplate {
            self.boilerplate.push(BoilerplateTask { name, model, slot, min_score });
            return;
        }
        let HeadManifest { labels, report, document, .. } = head;
        let source = LabelSource::Head { slot };
        self.labels.push(LabelTask { name, model, source, labels, report, min_score, document });
    }

    fn add_attribution(
        &mut self,
        config: &Config,
        name: &str,
        model: usize,
        task: &TaskConfig,
        head_name: &Spanned<String>,
        head: &HeadManifest,
    ) -> Result<(), ConfigError> {
        if let Some(first) = &self.attribution {
            let message = format!("task `{}` finds attributions already: there can be one such task", first.name);
            return Err(config.file.invalid(head_name.span(), &message));
        }
        let tags = head.labels.iter().map(|label| Tag::parse(&label.label)).collect::<Option<Vec<_>>>();
        let tags = tags.ok_or_else(|| {
            let message = format!("head `{}` labels something else than source, cue and content", head_name.get_ref());
            config.file.invalid(head_name.span(), &message)
        })?;
        self.attribution = Some(AttributionTask {
            name: name.to_owned(),
            model,
            slot: 0,
            tags,
            confidence: head.confidence,
            min_score: threshold(task),
        });
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a threshold; the models compute in f32")]
fn threshold(task: &TaskConfig) -> f32 {
    task.min_score.map_or(0.0, Share::get) as f32
}

/// The keys of a task that concern own labels.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a threshold; scores are f32 throughout")]
pub fn own_label_settings(task: &TaskConfig) -> OwnLabelSettings {
    OwnLabelSettings {
        has_several: task.has_several_labels(),
        min_precision: task.wanted_precision(),
        min_score: task.min_score.map(|score| score.get() as f32),
    }
}

impl Tag {
    /// Parses a label of the form `O`, `B-source`, `I-source`; `None` if it has another form.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        if label == "O" {
            return Some(Self::Outside);
        }
        let (position, part) = label.split_once('-')?;
        let part = match part {
            "source" => Part::Source,
            "cue" => Part::Cue,
            "content" => Part::Content,
            _ => return None,
        };
        match position {
            "B" => Some(Self::Begin(part)),
            "I" => Some(Self::Inside(part)),
            _ => None,
        }
    }
}

fn open_used_model(
    name: &str,
    path: &Path,
    settings: &ModelConfig,
    is_portable: bool,
) -> Result<UsedModel, ModelError> {
    let workers = match settings.workers {
        Workers::Auto => None,
        Workers::Count(count) => Some(count.get()),
    };
    let folder = ModelFolder::open(path)?;
    let runtime = if is_portable {
        folder.portable_runtime(settings.precision, settings.device, workers)?
    } else {
        folder.runtime(settings.precision, settings.device, workers)?
    };
    Ok(UsedModel {
        name: name.to_owned(),
        folder,
        runtime,
        batch_tokens: settings.batch_tokens.as_size(),
        heads: Vec::new(),
        wants_vectors: false,
    })
}
