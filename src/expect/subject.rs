//! The results that a test can name: labels of tasks, speakers, acts, and whether a statement is boilerplate.

use toml::Spanned;

use crate::config::{ConfigError, ConfigFile, Expected, listed, most_similar};
use crate::output::line::UNSURE;
use crate::record::{Act, Label, SpeakerKind, Statement, Verdict};
use crate::task::{LabelTask, Tasks};

/// The names of the results that are not labels of tasks.
const OTHERS: [&str; 3] = ["speaker", "act", "boilerplate"];

/// A result of a statement that a test can name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'t> {
    /// The label of a task, given by its place in [`Tasks::labels`].
    Label(usize, &'t LabelTask),
    /// The named speakers of the statement's attributions.
    Speaker,
    /// The acts of the statement's attributions.
    Act,
    /// True for boilerplate.
    Boilerplate,
}

impl<'t> Subject<'t> {
    /// The result with this name.
    ///
    /// # Errors
    /// An unknown name, with its position.
    pub(super) fn resolve(file: &ConfigFile, name: &Spanned<String>, tasks: &'t Tasks) -> Result<Self, ConfigError> {
        if let Some(place) = tasks.labels.iter().position(|task| task.name == *name.get_ref()) {
            return Ok(Self::Label(place, &tasks.labels[place]));
        }
        match name.get_ref().as_str() {
            "speaker" => Ok(Self::Speaker),
            "act" => Ok(Self::Act),
            "boilerplate" => Ok(Self::Boilerplate),
            unknown => {
                let known = listed(tasks.labels.iter().map(|task| task.name.as_str()).chain(OTHERS));
                Err(file.invalid(name.span(), &format!("unknown result `{unknown}`, expected one of {known}")))
            }
        }
    }

    /// Checks that the result can have a value.
    ///
    /// # Errors
    /// A value that it cannot have, with its position.
    pub(super) fn validate(self, file: &ConfigFile, expected: &Spanned<Expected>) -> Result<(), ConfigError> {
        let problem = match (self, expected.get_ref()) {
            (Self::Label(_, task), Expected::AnyOf(names)) => names.iter().find_map(|name| unknown_label(task, name)),
            (Self::Label(_, task), Expected::Is(_)) => {
                Some(format!("`{}` is a label: expected its name or code", task.name))
            }
            (Self::Act, Expected::AnyOf(names)) => names.iter().find_map(|name| unknown_act(name)),
            (Self::Act, Expected::Is(_)) => Some("an act is expected by its name, such as \"say\"".to_owned()),
            (Self::Speaker, Expected::Is(true)) => {
                Some("a speaker is expected by name; false stands for no named speaker".to_owned())
            }
            (Self::Boilerplate, Expected::AnyOf(_)) => Some("`boilerplate` is true or false".to_owned()),
            (Self::Speaker, _) | (Self::Boilerplate, Expected::Is(_)) => None,
        };
        problem.map_or(Ok(()), |message| Err(file.invalid(expected.span(), &message)))
    }

    /// True if the result of `statement` is the expected one.
    pub(super) fn has(self, statement: &Statement, expected: &Expected) -> bool {
        match self {
            Self::Label(place, task) => match &statement.verdicts[place] {
                Some(verdict) => expected.names_any_of(names(task, verdict.label)),
                None => false,
            },
            Self::Speaker if *expected == Expected::Is(false) => speakers(statement).next().is_none(),
            Self::Speaker => expected.names_any_of(speakers(statement)),
            Self::Act => expected.names_any_of(acts(statement)),
            Self::Boilerplate => *expected == Expected::Is(statement.is_boilerplate()),
        }
    }

    /// The result of `statement`, for people.
    pub(super) fn describe(self, statement: &Statement) -> String {
        match self {
            Self::Label(place, task) => {
                statement.verdicts[place].as_ref().map_or("boilerplate".to_owned(), |verdict| label(task, verdict))
            }
            Self::Speaker => joined(speakers(statement), "no named speaker"),
            Self::Act => joined(acts(statement), "no attribution"),
            Self::Boilerplate => statement.is_boilerplate().to_string(),
        }
    }
}

/// A verdict for people: the label, its score and the runner-up.
fn label(task: &LabelTask, verdict: &Verdict) -> String {
    let mut best: Vec<(&Label, f32)> = task.labels.iter().zip(verdict.probabilities.iter().copied()).collect();
    best.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let scored = |(label, score): &(&Label, f32)| format!("{} {score:.2}", label.label);
    match (verdict.label, best.as_slice()) {
        (Some(_), [first, second, ..]) => format!("{} ({})", scored(first), scored(second)),
        (None, [first, ..]) => format!("{UNSURE} ({})", scored(first)),
        _ => UNSURE.to_owned(),
    }
}

/// The names under which a test can expect a label.
fn names(task: &LabelTask, label: Option<usize>) -> Vec<&str> {
    match label {
        Some(label) => {
            let Label { code, label, .. } = &task.labels[label];
            code.iter().chain([label]).map(String::as_str).collect()
        }
        None => vec![UNSURE],
    }
}

fn unknown_label(task: &LabelTask, name: &str) -> Option<String> {
    let known = || (0..task.labels.len()).map(Some).chain([None]).flat_map(|label| names(task, label));
    if known().any(|known| known.to_lowercase() == name.to_lowercase()) {
        return None;
    }
    let guess = most_similar(name, known()).map(|known| format!("; did you mean `{known}`?"));
    Some(format!("task `{}` has no label `{name}`{}", task.name, guess.unwrap_or_default()))
}

fn unknown_act(name: &str) -> Option<String> {
    let is_known = Act::ALL.iter().any(|act| act.as_str() == name.to_lowercase());
    (!is_known)
        .then(|| format!("unknown act `{name}`, expected one of {}", listed(Act::ALL.iter().map(|act| act.as_str()))))
}

fn speakers(statement: &Statement) -> impl Iterator<Item = &str> {
    let all = statement.attributions.iter().flat_map(|attribution| attribution.speaker.iter().chain(&attribution.also));
    all.filter(|speaker| speaker.kind != SpeakerKind::Unnamed).filter_map(|speaker| speaker.name.as_deref())
}

fn acts(statement: &Statement) -> impl Iterator<Item = &'static str> {
    statement.attributions.iter().map(|attribution| attribution.act.as_str())
}

/// Different names, in their order; `none` if there are none.
fn joined<'n>(names: impl Iterator<Item = &'n str>, none: &str) -> String {
    let mut different = Vec::new();
    for name in names {
        if !different.contains(&name) {
            different.push(name);
        }
    }
    if different.is_empty() { none.to_owned() } else { different.join(", ") }
}
