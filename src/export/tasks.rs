//! The labelling tasks whose results a folder has, as far as columns depend on them. The records tell, so no model is needed.

use serde::Serialize;

use crate::output::schema::DocumentRecord;

/// The task that gives topics, if it has its usual name.
const TOPIC: &str = "topic";

/// The labelling tasks of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct TaskFields {
    /// In the order of the output.
    pub(super) tasks: Vec<TaskField>,
    /// The task whose labels are the topics of `daily_topics`.
    pub(super) topic: Option<String>,
    /// The task that measures tone: the first with a `positive` and a `negative` label.
    pub(super) tone: Option<String>,
}

/// A labelling task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TaskField {
    pub(super) name: String,
    pub(super) has_codes: bool,
    pub(super) has_runner_up: bool,
    /// The labels whose probabilities the records have.
    pub(super) probabilities: Vec<String>,
}

impl TaskFields {
    /// Adds what `document` has and earlier ones had not: documents that were written with another configuration can have other tasks.
    pub(super) fn add(&mut self, document: &DocumentRecord) {
        for (name, found) in &document.tasks {
            let place = self.tasks.iter().position(|task| task.name == *name).unwrap_or_else(|| {
                self.tasks.push(TaskField::new(name));
                self.tasks.len() - 1
            });
            let task = &mut self.tasks[place];
            task.has_codes |= found.label.code.is_some();
            task.has_runner_up |= found.label.runner_up.is_some();
            for label in found.label.probabilities.keys() {
                if !task.probabilities.contains(label) {
                    task.probabilities.push(label.clone());
                }
            }
        }
        self.tone = self.tasks.iter().find(|task| task.has_mean()).map(|task| task.name.clone());
        let is_topic = |task: &&TaskField| task.name == TOPIC;
        let topic = self.tasks.iter().find(is_topic).or_else(|| self.tasks.iter().find(|task| !task.has_mean()));
        self.topic = topic.map(|task| task.name.clone());
    }
}

impl TaskField {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), has_codes: false, has_runner_up: false, probabilities: Vec::new() }
    }

    /// True if documents have a mean of positive minus negative probability.
    pub(super) fn has_mean(&self) -> bool {
        ["positive", "negative"].into_iter().all(|label| self.probabilities.iter().any(|known| known == label))
    }
}
