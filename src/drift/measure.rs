//! The numbers of a night that are compared, and the scale on which each is compared.

use std::collections::BTreeMap;

use super::day::{Day, Tally, real};
use crate::output::schema::AlarmKind;

/// The shortest time of a run whose speed is judged, in seconds: before it, loading the model is most of the work.
const MIN_SECONDS: f64 = 60.0;

/// A number of a night.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    /// Documents written.
    Volume,
    /// Documents written of a source.
    SourceVolume(String),
    /// The share of rejections among documents.
    Rejected,
    /// The share of copies among documents.
    Copies,
    /// The share of attributions without a speaker.
    Speakers,
    /// Characters a document.
    Length,
    /// The share of a label among statements.
    Share { task: String, label: String },
    /// The mean tone of statements.
    Tone { task: String },
    /// The mean score of a task.
    Score { task: String },
    /// The share of a language among documents.
    Language(String),
    /// The share of a section of the newspaper among documents.
    Section(String),
    /// The share of documents with a remark on their text.
    Flag(String),
    /// Statements a second.
    Speed,
}

/// The value of a measure in a night, and the number of documents that it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) value: f64,
    pub(super) documents: f64,
}

/// The scale on which values are compared. On it, a change of the same size means the same for small and large values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// The logarithm of a count. It has the noise of a count, and at least a tenth is usual.
    Count,
    /// The logarithm of a mean of positive values whose spread is about their mean.
    Size,
    /// The arcsine of the root of a share, with Anscombe's correction for small counts.
    Share,
    /// The value itself: a mean of documents' values with this standard deviation, and at least so much noise.
    Mean { deviation: f64, least: f64 },
    /// The logarithm of a speed. Machines that are shared vary by more than a tenth.
    Speed,
}

/// The direction in which a value is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Less and more.
    Both,
    /// More only.
    Up,
    /// Less only.
    Down,
}

impl Measure {
    /// The value in a night whose documents are those of `tally`; `None` if there is too little to judge.
    pub(super) fn sample(&self, day: &Day, tally: &Tally, min_statements: u64) -> Option<Sample> {
        let documents = tally.documents;
        match self {
            Self::Volume => Some(Sample { value: real(documents), documents: real(documents) }),
            Self::SourceVolume(source) => {
                let documents = real(day.sources.get(source).map_or(0, |tally| tally.documents));
                Some(Sample { value: documents, documents })
            }
            Self::Rejected => share(tally.rejected, documents.saturating_add(tally.rejected), u64::MAX),
            Self::Copies => share(tally.copies, documents, u64::MAX),
            Self::Speakers => share(tally.unattributed, tally.attributions, documents),
            Self::Length => mean(real(tally.characters), documents, documents).filter(|length| length.value > 0.0),
            Self::Share { task, label } => {
                let labelled = at_least(tally.labelled(task), min_statements)?;
                share(tally.with_label(task, label), labelled, documents)
            }
            Self::Tone { task } => {
                let labelled = at_least(tally.labelled(task), min_statements)?;
                mean(tally.tone_sum, labelled, documents)
            }
            Self::Score { task } => {
                at_least(tally.labelled(task), min_statements)?;
                let documents = Some(real(documents)).filter(|&documents| documents > 0.0)?;
                Some(Sample { value: day.score(task)?, documents })
            }
            Self::Language(code) => share_of_name(&day.languages, code),
            Self::Section(section) => share_of_name(&day.sections, section),
            Self::Flag(flag) => share(day.flags.get(flag).copied().unwrap_or_default(), documents, u64::MAX),
            Self::Speed => {
                let statements: u64 = day.total.labels.keys().map(|task| tally.labelled(task)).max()?;
                at_least(statements, min_statements)?;
                let seconds = Some(day.seconds).filter(|&seconds| seconds >= MIN_SECONDS)?;
                Some(Sample { value: real(statements) / seconds, documents: real(documents) })
            }
        }
    }

    pub(super) fn scale(&self) -> Scale {
        match self {
            Self::Volume | Self::SourceVolume(_) => Scale::Count,
            Self::Length => Scale::Size,
            Self::Tone { .. } => Scale::Mean { deviation: 0.3, least: 0.01 },
            Self::Score { .. } => Scale::Mean { deviation: 0.1, least: 0.005 },
            Self::Speed => Scale::Speed,
            Self::Rejected
            | Self::Copies
            | Self::Speakers
            | Self::Share { .. }
            | Self::Language(_)
            | Self::Section(_)
            | Self::Flag(_) => Scale::Share,
        }
    }

    pub(super) fn direction(&self) -> Direction {
        match self {
            Self::Rejected => Direction::Up,
            Self::Speed => Direction::Down,
            _ => Direction::Both,
        }
    }

    /// True if the source of documents is known for what is measured, so that a source can be left out.
    pub(super) fn is_by_source(&self) -> bool {
        use Measure::{Copies, Length, Share, Speakers, Tone, Volume};
        matches!(self, Volume | Copies | Speakers | Length | Share { .. } | Tone { .. })
    }

    /// True if the value depends on the results of models and rules, and not only on what came in.
    pub(super) fn is_of_results(&self) -> bool {
        !matches!(self, Self::Volume | Self::SourceVolume(_) | Self::Section(_))
    }

    /// True if the value tells something about the input by itself.
    pub(super) fn is_of_input(&self) -> bool {
        matches!(self, Self::Rejected | Self::Length | Self::Language(_) | Self::Flag(_))
    }

    pub(super) fn kind(&self) -> AlarmKind {
        match self {
            Self::Volume | Self::SourceVolume(_) => AlarmKind::Volume,
            Self::Rejected => AlarmKind::Rejected,
            Self::Copies => AlarmKind::Copies,
            Self::Speakers => AlarmKind::Speakers,
            Self::Length => AlarmKind::Length,
            Self::Share { .. } => AlarmKind::Share,
            Self::Tone { .. } => AlarmKind::Tone,
            Self::Score { .. } => AlarmKind::Score,
            Self::Language(_) => AlarmKind::Language,
            Self::Section(_) => AlarmKind::Section,
            Self::Flag(_) => AlarmKind::Flag,
            Self::Speed => AlarmKind::Speed,
        }
    }

    pub(super) fn task(&self) -> Option<&str> {
        match self {
            Self::Share { task, .. } | Self::Tone { task } | Self::Score { task } => Some(task),
            _ => None,
        }
    }

    pub(super) fn label(&self) -> Option<&str> {
        match self {
            Self::Share { label, .. } | Self::Language(label) | Self::Section(label) | Self::Flag(label) => Some(label),
            _ => None,
        }
    }

    pub(super) fn source(&self) -> Option<&str> {
        match self {
            Self::SourceVolume(source) => Some(source),
            _ => None,
        }
    }
}

impl Scale {
    /// A value on this scale.
    pub(super) fn scaled(self, sample: Sample) -> f64 {
        let Sample { value, documents } = sample;
        match self {
            Self::Count => value.ln_1p(),
            Self::Size | Self::Speed => value.max(f64::MIN_POSITIVE).ln(),
            Self::Share => ((value * documents + 0.375) / (documents + 0.75)).clamp(0.0, 1.0).sqrt().asin(),
            Self::Mean { .. } => value,
        }
    }

    /// The value at a point of this scale, for a night of so many documents.
    pub(super) fn value(self, scaled: f64, documents: f64) -> f64 {
        match self {
            Self::Count => scaled.exp_m1().max(0.0),
            Self::Size | Self::Speed => scaled.exp(),
            Self::Share => {
                let share = scaled.clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2);
                ((share * (documents + 0.75) - 0.375) / documents.max(1.0)).clamp(0.0, 1.0)
            }
            Self::Mean { .. } => scaled,
        }
    }

    /// The smallest spread that counts as usual, for a night of so many documents where `usual` is the median on this scale: the noise
    /// that a sample of this size has, whatever the nights before say.
    pub(super) fn floor(self, usual: f64, documents: f64) -> f64 {
        /// The logarithms of 1.1 and 1.25.
        const TENTH: f64 = 0.095_31;
        const QUARTER: f64 = 0.223_14;
        let noise = 1.0 / documents.max(1.0).sqrt();
        match self {
            Self::Count => (-usual / 2.0).exp().max(TENTH),
            Self::Size => noise.max(TENTH),
            Self::Share => noise / 2.0,
            Self::Mean { deviation, least } => (deviation * noise).max(least),
            Self::Speed => QUARTER,
        }
    }
}

/// A share of `all`. The statements of a document belong together, so it is as uncertain as a share of `documents`.
fn share(part: u64, all: u64, documents: u64) -> Option<Sample> {
    mean(real(part), all, all.min(documents))
}

/// The share of documents that are counted under a name.
fn share_of_name(counts: &BTreeMap<String, u64>, name: &str) -> Option<Sample> {
    share(counts.get(name).copied().unwrap_or_default(), counts.values().sum(), u64::MAX)
}

/// A mean; `None` of nothing.
fn mean(sum: f64, count: u64, documents: u64) -> Option<Sample> {
    (count > 0 && documents > 0).then(|| Sample { value: sum / real(count), documents: real(documents) })
}

fn at_least(count: u64, minimum: u64) -> Option<u64> {
    Some(count).filter(|&count| count >= minimum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_from_their_scale() {
        let mean = Scale::Mean { deviation: 0.3, least: 0.01 };
        for (scale, value) in [
            (Scale::Count, 0.0),
            (Scale::Count, 812.0),
            (Scale::Share, 0.0),
            (Scale::Share, 0.31),
            (Scale::Share, 1.0),
            (Scale::Size, 2300.0),
            (mean, -0.2),
        ] {
            let back = scale.value(scale.scaled(Sample { value, documents: 120.0 }), 120.0);
            assert!((back - value).abs() < 1e-9, "{scale:?} {value} {back}");
        }
    }

    #[test]
    fn the_fewer_documents_the_more_is_noise() {
        for scale in [Scale::Share, Scale::Mean { deviation: 0.3, least: 0.01 }] {
            assert!(scale.floor(0.5, 50.0) > scale.floor(0.5, 500.0), "{scale:?}");
        }
        assert!(Scale::Count.floor(5_f64.ln(), 0.0) > 4.0 * Scale::Count.floor(500_f64.ln(), 0.0));
    }
}
