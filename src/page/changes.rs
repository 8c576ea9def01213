//! Alarms in words: a clause for the headline, and a line with the numbers behind it.

use super::words;
use crate::output::schema::{AlarmCause, AlarmKind, AlarmRecord, ChangeRecord, ChangedPart, DayKind, MovedRecord};

/// The largest number of characters shown of a name.
const NAME_CHARACTERS: usize = 60;

/// An alarm in words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// A clause, without a capital letter and a full stop: `Sports rose to 31 % of statements`.
    pub(super) clause: String,
    /// The numbers behind it: `17 % is usual on a weekend, 14 % to 20 % the usual range of 8 nights`.
    pub(super) numbers: String,
    /// The likely cause.
    pub(super) cause: AlarmCause,
    /// The reason for that cause.
    pub(super) because: Option<String>,
    /// The numbers for a picture.
    pub(super) range: Option<Range>,
    /// The task and the label that moved.
    pub(super) label: Option<(String, String)>,
    /// The source that it is about.
    pub(super) source: Option<String>,
    /// What moved along with it.
    pub(super) moved: Vec<String>,
    /// Statements that show it.
    pub(super) examples: Vec<String>,
}

/// A number among the usual ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) value: f64,
    pub(super) usual: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) unit: Unit,
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Share,
    Tone,
    Score,
}

impl Unit {
    /// A number in this unit.
    pub(super) fn show(self, number: f64) -> String {
        match self {
            Self::Count => words::about(number),
            Self::Share => words::percent(number),
            Self::Tone => words::tone(number),
            Self::Score => format!("{number:.2}"),
        }
    }
}

/// The alarm in words. `kind` is the kind of tonight's day.
pub(super) fn change(alarm: &AlarmRecord, kind: DayKind) -> Change {
    let range = range(alarm);
    let twice = if alarm.twice { ", for the second time in a row" } else { "" };
    let numbers = range.map_or_else(String::new, |range| format!("{}{twice}", numbers(&range, alarm, kind)));
    Change {
        clause: clause(alarm, range.as_ref()),
        numbers,
        cause: alarm.cause,
        because: alarm.because.as_deref().map(|because| words::excerpt(because, 4 * NAME_CHARACTERS)),
        range,
        label: (alarm.what == AlarmKind::Share).then(|| alarm.task.clone().zip(alarm.label.clone())).flatten(),
        source: alarm.source.clone(),
        moved: alarm.moved.iter().map(moved).collect(),
        examples: alarm.examples.clone(),
    }
}

/// Something that moved along with an alarm, in a few words.
fn moved(moved: &MovedRecord) -> String {
    let name = moved.name.as_ref().or(moved.label.as_ref()).or(moved.source.as_ref());
    match (moved.what, name) {
        (AlarmKind::MissingSource, Some(source)) => format!("silence of {source}"),
        (AlarmKind::Share | AlarmKind::Volume, Some(name)) => name.clone(),
        (AlarmKind::Language, Some(language)) => format!("language {language}"),
        (AlarmKind::Section, Some(section)) => format!("section {section}"),
        (AlarmKind::Flag, Some(flag)) => format!("remark “{flag}”"),
        (AlarmKind::Score, _) => format!("scores of {}", moved.task.as_deref().unwrap_or("labels")),
        (AlarmKind::Volume, None) => "number of stories".to_owned(),
        (AlarmKind::Speakers, _) => "quotations without a speaker".to_owned(),
        (AlarmKind::Rejected, _) => "rejections".to_owned(),
        (what, _) => what.as_str().replace('_', " "),
    }
}

fn range(alarm: &AlarmRecord) -> Option<Range> {
    let unit = match alarm.what {
        AlarmKind::Tone => Unit::Tone,
        AlarmKind::Score => Unit::Score,
        AlarmKind::Share
        | AlarmKind::Speakers
        | AlarmKind::Rejected
        | AlarmKind::Copies
        | AlarmKind::Language
        | AlarmKind::Section
        | AlarmKind::Flag => Unit::Share,
        AlarmKind::MissingSource | AlarmKind::Change | AlarmKind::Volume | AlarmKind::Length | AlarmKind::Speed => {
            Unit::Count
        }
    };
    Some(Range { value: alarm.value?, usual: alarm.usual?, low: alarm.low?, high: alarm.high?, unit })
}

fn numbers(range: &Range, alarm: &AlarmRecord, kind: DayKind) -> String {
    let Range { usual, low, high, unit, .. } = *range;
    let nights = words::counted(alarm.nights_used.into(), "night", "nights");
    let day = match kind {
        DayKind::Workday => "on a workday",
        DayKind::Weekend => "at a weekend",
        DayKind::Holiday => "on a holiday",
    };
    format!(
        "{} is usual {day}; {} to {} would be within the range of {nights}",
        unit.show(usual),
        unit.show(low),
        unit.show(high)
    )
}

fn clause(alarm: &AlarmRecord, range: Option<&Range>) -> String {
    let is_rise = range.is_none_or(|range| range.value >= range.usual);
    let value = range.map_or_else(String::new, |range| range.unit.show(range.value));
    let verb = if is_rise { "rose" } else { "fell" };
    let name = &words::excerpt(name(alarm), NAME_CHARACTERS);
    let source = alarm.source.as_deref().map(|source| words::excerpt(source, NAME_CHARACTERS));
    let source = source.as_deref();
    match alarm.what {
        AlarmKind::MissingSource => format!("{} fell silent", source.unwrap_or("a source")),
        AlarmKind::Change => "pressrun itself changed".to_owned(),
        AlarmKind::Volume => volume(source, range),
        AlarmKind::Share if alarm.label.as_deref() == Some("unsure") => {
            format!("statements without a sure {} {verb} to {value}", alarm.task.as_deref().unwrap_or("label"))
        }
        AlarmKind::Share => format!("{name} {verb} to {value} of statements"),
        AlarmKind::Tone => format!("the tone turned {} ({value})", if is_rise { "brighter" } else { "darker" }),
        AlarmKind::Score => format!(
            "the model is {} sure of its {} ({value})",
            if is_rise { "more" } else { "less" },
            alarm.task.as_deref().unwrap_or("labels")
        ),
        AlarmKind::Speakers => format!("quotations without a known speaker {verb} to {value}"),
        AlarmKind::Rejected => format!("{value} of the input was rejected"),
        AlarmKind::Copies => format!("copies {verb} to {value} of stories"),
        AlarmKind::Length => {
            format!("stories are {} than usual ({value} characters)", if is_rise { "longer" } else { "shorter" })
        }
        AlarmKind::Language => format!("stories in the language “{name}” {verb} to {value}"),
        AlarmKind::Section => format!("stories of the section “{name}” {verb} to {value}"),
        AlarmKind::Flag => format!("stories with the remark “{name}” {verb} to {value}"),
        AlarmKind::Speed => {
            format!("the run was {} ({value} statements a second)", if is_rise { "faster" } else { "slower" })
        }
    }
}

/// The name of the label.
pub(super) fn name(alarm: &AlarmRecord) -> &str {
    alarm.name.as_deref().or(alarm.label.as_deref()).unwrap_or("a label")
}

fn volume(source: Option<&str>, range: Option<&Range>) -> String {
    let Some(range) = range else { return "the number of stories changed".to_owned() };
    let (now, usual) = (words::counted(words::whole(range.value), "story", "stories"), words::about(range.usual));
    match source {
        Some(source) => format!("{source} sent {now} instead of {usual}"),
        None => format!("{now} arrived instead of {usual}"),
    }
}

/// A change of the program, of a model or of the configuration, as a sentence.
pub(super) fn sentence(change: &ChangeRecord) -> String {
    let part = match (change.part, &change.name) {
        (ChangedPart::Model, Some(name)) => format!("The model “{name}”"),
        (ChangedPart::Model, None) => "A model".to_owned(),
        (ChangedPart::Program, _) => "The program".to_owned(),
        (ChangedPart::Processor, _) => "The class of the processor".to_owned(),
        (ChangedPart::Results, _) => "Tasks, thresholds or fields".to_owned(),
        (ChangedPart::Configuration, _) => "The configuration".to_owned(),
    };
    match change.part {
        ChangedPart::Results => format!("{part} changed."),
        ChangedPart::Configuration => {
            format!("{part} changed in something on which results do not depend ({}).", version(change.now.as_ref()))
        }
        _ => format!("{part} changed from {} to {}.", version(change.before.as_ref()), version(change.now.as_ref())),
    }
}

/// A version, of a hash the beginning.
fn version(version: Option<&String>) -> String {
    version.map_or_else(|| "none".to_owned(), |version| short(version))
}

/// The beginning of a hash; other texts as they are.
pub(super) fn short(version: &str) -> String {
    let is_hash = version.len() == 64 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { version[..8].to_owned() } else { words::excerpt(version, 40) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(what: AlarmKind, value: f64, usual: f64) -> AlarmRecord {
        AlarmRecord {
            night: 28,
            what,
            task: Some("topic".to_owned()),
            label: Some("29".to_owned()),
            name: Some("Sports and Recreation".to_owned()),
            source: None,
            value: Some(value),
            usual: Some(usual),
            low: Some(usual * 0.8),
            high: Some(usual * 1.2),
            strength: Some(5.0),
            nights_used: 8,
            twice: false,
            cause: AlarmCause::World,
            because: None,
            moved: Vec::new(),
            examples: Vec::new(),
        }
    }

    fn clause_of(alarm: &AlarmRecord) -> String {
        change(alarm, DayKind::Weekend).clause.replace('\u{202f}', " ")
    }

    #[test]
    fn an_alarm_is_a_clause_with_its_numbers() {
        let share = alarm(AlarmKind::Share, 0.31, 0.17);
        let words = change(&share, DayKind::Weekend);
        assert_eq!(clause_of(&share), "Sports and Recreation rose to 31 % of statements");
        let numbers = words.numbers.replace('\u{202f}', " ");
        assert_eq!(numbers, "17 % is usual at a weekend; 14 % to 20 % would be within the range of 8 nights");
        assert_eq!(words.label, Some(("topic".to_owned(), "29".to_owned())));
        let twice = change(&AlarmRecord { twice: true, ..share }, DayKind::Workday);
        assert!(twice.numbers.ends_with(", for the second time in a row"), "{}", twice.numbers);
    }

    #[test]
    fn every_kind_of_alarm_has_words() {
        let silent =
            AlarmRecord { source: Some("Irish Times".to_owned()), ..alarm(AlarmKind::MissingSource, 0.0, 6.0) };
        assert_eq!(clause_of(&silent), "Irish Times fell silent");
        let flood = AlarmRecord { source: Some("Reuters".to_owned()), ..alarm(AlarmKind::Volume, 1531.0, 500.0) };
        assert_eq!(clause_of(&flood), "Reuters sent 1,531 stories instead of 500");
        assert_eq!(clause_of(&alarm(AlarmKind::Volume, 18.0, 500.0)), "18 stories arrived instead of 500");
        assert_eq!(clause_of(&alarm(AlarmKind::Tone, -0.3, -0.1)), "the tone turned darker (−0.30)");
        let unsure = AlarmRecord { label: Some("unsure".to_owned()), name: None, ..alarm(AlarmKind::Share, 0.3, 0.1) };
        assert_eq!(clause_of(&unsure), "statements without a sure topic rose to 30 %");
        for what in [
            AlarmKind::Change,
            AlarmKind::Score,
            AlarmKind::Speakers,
            AlarmKind::Rejected,
            AlarmKind::Copies,
            AlarmKind::Length,
            AlarmKind::Language,
            AlarmKind::Section,
            AlarmKind::Flag,
            AlarmKind::Speed,
        ] {
            assert!(clause_of(&alarm(what, 0.3, 0.1)).len() > 10);
        }
    }
}
