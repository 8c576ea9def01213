//! Conditions under which a comparison fails: `flips>2%`, `flips.topic>1%`, `speakers>5%`.

use std::fmt;
use std::str::FromStr;

use super::Comparison;

/// A limit on a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    measure: Measure,
    /// The largest share that is allowed, 0 to 1.
    share: f64,
    /// The limit as written.
    text: String,
}

/// A measure that can be limited.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Measure {
    /// The share of statements whose label flipped, of one task, or of the task with most flips.
    Flips(Option<String>),
    /// The share of the old speakers that were lost.
    Speakers,
}

/// A limit that has another form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `flips>2%`, `flips.TASK>2%` or `speakers>2%`, with a percentage from 0 to 100")]
pub struct LimitError;

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (measure, share) = text.split_once('>').ok_or(LimitError)?;
        let percent = share.trim().strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or(LimitError)?;
        let measure = match measure.trim() {
            "flips" => Measure::Flips(None),
            "speakers" => Measure::Speakers,
            other => Measure::Flips(Some(other.strip_prefix("flips.").ok_or(LimitError)?.to_owned())),
        };
        Ok(Self { measure, share: percent / 100.0, text: text.to_owned() })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Limit {
    /// A message if `comparison` exceeds the limit, or does not have what it limits.
    #[must_use]
    pub fn exceeded(&self, comparison: &Comparison) -> Option<String> {
        let found = match &self.measure {
            Measure::Flips(task) => comparison.flipped_share(task.as_deref()),
            Measure::Speakers => Some(comparison.lost_share()),
        };
        match found {
            None => Some(format!("`{self}`: the comparison has no such task")),
            Some(found) if found > self.share => Some(format!("`{self}`: it is {:.2} %", 100.0 * found)),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::TaskComparison;
    use super::*;

    fn exceeded(limit: &str, flips: u64) -> Option<String> {
        let task = TaskComparison { flips, ..TaskComparison::default() };
        let tasks = [("topic".to_owned(), task)].into_iter().collect();
        limit.parse::<Limit>().unwrap().exceeded(&Comparison { statements: 100, tasks, ..Comparison::default() })
    }

    #[test]
    fn a_limit_is_exceeded_above_its_share() {
        assert_eq!(exceeded("flips>2%", 2), None);
        assert_eq!(exceeded("flips > 2 %", 3).as_deref(), Some("`flips > 2 %`: it is 3.00 %"));
        assert_eq!(exceeded("flips.topic>0.5%", 1).as_deref(), Some("`flips.topic>0.5%`: it is 1.00 %"));
        assert!(exceeded("flips.absent>50%", 0).is_some(), "a task that is not there cannot pass");
        assert_eq!(exceeded("speakers>0%", 9), None);
    }

    #[test]
    fn other_forms_are_errors() {
        for text in ["flips", "flips>2", "flips>101%", "labels>2%", "flips<2%", ">2%"] {
            assert_eq!(text.parse::<Limit>(), Err(LimitError), "{text}");
        }
    }
}
