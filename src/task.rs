//! The tasks of a configuration, joined with the models and heads that do them.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::config::values::Workers;
use crate::config::{Config, ConfigError, ModelConfig, TaskConfig, listed};
use crate::digest::{hexadecimal, sha256_of_all};
use crate::model::{DocumentScaling, HeadKind, HeadManifest, ModelError, ModelFolder, Report, Runtime};
use crate::record::{ConfidenceWeights, Label};

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
        for LabelTask { name, model, slot, min_score, .. } in &self.labels {
            parts.push(format!("{name} {model} {slot} {min_score}"));
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
        let labels = self.labels.iter().map(|task| (&task.name, task.min_score));
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
    /// The head, by its place in [`crate::model::HeadOutputs::sequences`].
    pub slot: usize,
    /// The labels, in the order of the head.
    pub labels: Vec<Label>,
    /// The form in which probabilities are reported.
    pub report: Report,
    /// The threshold, 0 to 1: a less probable label becomes "unsure".
    pub min_score: f32,
    /// The weights by which a document's sentences and title change each other's labels; `None` if each sentence is labelled
    /// alone.
    pub document: Option<DocumentScaling>,
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
        let mut tasks = Self::default();
        for (name, task) in &config.tasks {
            let model = tasks.open_model(config, task.model.get_ref())?;
            let head = tasks.head_of_task(config, model, task)?;
            match head.kind {
                HeadKind::Sequence => tasks.add_labels(name, model, task, head),
                HeadKind::Token => tasks.add_attribution(config, name, model, task, &head)?,
            }
            tasks.models[model].heads.push(task.head.get_ref().clone());
        }
        Ok(tasks)
    }

    /// The place of the model called `name`. Opens it if no earlier task uses it.
    fn open_model(&mut self, config: &Config, name: &str) -> Result<usize, TaskError> {
        if let Some(place) = self.models.iter().position(|model| model.name == name) {
            return Ok(place);
        }
        let settings = &config.models[name];
        let model = open_used_model(name, settings).map_err(|cause| TaskError::Model {
            name: name.to_owned(),
            path: settings.path.clone(),
            cause,
        })?;
        self.models.push(model);
        Ok(self.models.len() - 1)
    }

    fn head_of_task(&self, config: &Config, model: usize, task: &TaskConfig) -> Result<HeadManifest, ConfigError> {
        let heads = &self.models[model].folder.manifest().heads;
        heads.get(task.head.get_ref()).cloned().ok_or_else(|| {
            let message = format!(
                "model `{}` has no head `{}`, expected one of {}",
                task.model.get_ref(),
                task.head.get_ref(),
                listed(heads.keys())
            );
            config.file.invalid(task.head.span(), &message)
        })
    }

    fn add_labels(&mut self, name: &str, model: usize, task: &TaskConfig, head: HeadManifest) {
        let min_score = threshold(task);
        let name = name.to_owned();
        // Sequence heads of one model have the order of their tasks.
        let models = self.labels.iter().map(|task| task.model).chain(self.boilerplate.iter().map(|task| task.model));
        let slot = models.filter(|&other| other == model).count();
        if head.report == Report::Boilerplate {
            self.boilerplate.push(BoilerplateTask { name, model, slot, min_score });
            return;
        }
        let HeadManifest { labels, report, document, .. } = head;
        self.labels.push(LabelTask { name, model, slot, labels, report, min_score, document });
    }

    fn add_attribution(
        &mut self,
        config: &Config,
        name: &str,
        model: usize,
        task: &TaskConfig,
        head: &HeadManifest,
    ) -> Result<(), ConfigError> {
        if let Some(first) = &self.attribution {
            let message = format!("task `{}` finds attributions already: there can be one such task", first.name);
            return Err(config.file.invalid(task.head.span(), &message));
        }
        let tags = head.labels.iter().map(|label| Tag::parse(&label.label)).collect::<Option<Vec<_>>>();
        let tags = tags.ok_or_else(|| {
            let message = format!("head `{}` labels something else than source, cue and content", task.head.get_ref());
            config.file.invalid(task.head.span(), &message)
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
    task.min_score.get() as f32
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

fn open_used_model(name: &str, settings: &ModelConfig) -> Result<UsedModel, ModelError> {
    let workers = match settings.workers {
        Workers::Auto => None,
        Workers::Count(count) => Some(count.get()),
    };
    let folder = ModelFolder::open(&settings.path)?;
    let runtime = Runtime::resolve(settings.precision, settings.device, workers)?;
    Ok(UsedModel {
        name: name.to_owned(),
        folder,
        runtime,
        batch_tokens: settings.batch_tokens.as_size(),
        heads: Vec::new(),
    })
}
