//! The nights that a night is compared with.

use super::day::Day;
use crate::config::DriftConfig;
use crate::output::schema::{DayKind, RestartRecord};

/// The nights that a night is compared with. None of them is the night itself or later.
#[derive(Debug, Clone)]
pub(super) struct Reference<'d> {
    /// Nights of the same kind that ended well, the first one first.
    pub(super) all: Vec<&'d Day>,
    /// Those of them with the same results: the same models, tasks, program and processor.
    pub(super) same_results: Vec<&'d Day>,
    /// Those with the same configuration file; all of them until there are enough.
    pub(super) same_input: Vec<&'d Day>,
    /// The change behind which the same results end.
    pub(super) restart: Option<RestartRecord>,
    /// The first night with the configuration file of tonight, if volumes are compared with nights before it.
    pub(super) configured: Option<u32>,
}

impl<'d> Reference<'d> {
    /// The nights to compare the one at `index` with.
    pub(super) fn find(days: &'d [Day], index: usize, config: &DriftConfig) -> Self {
        let tonight = &days[index];
        let minimum = minimum(config);
        let all = same_kind(&days[..index], tonight.kind, config);
        let changed = days[..index].iter().rposition(|day| !tonight.setup.result_changes(&day.setup).is_empty());
        let first = changed.map_or(0, |changed| changed + 1);
        let same_results = since(&all, &days[first]);
        let restart = changed.filter(|_| same_results.len() < all.len()).map(|changed| RestartRecord {
            night: days[first].night,
            nights_used: count(same_results.len()),
            changes: tonight.setup.result_changes(&days[changed].setup),
        });
        let configured = days[..index].iter().rposition(|day| tonight.setup.configuration_change(&day.setup).is_some());
        let first = configured.map_or(0, |changed| changed + 1);
        let configured = since(&all, &days[first]);
        let is_mixed = configured.len() < minimum && configured.len() < all.len();
        let same_input = if is_mixed { all.clone() } else { configured };
        Self { all, same_results, same_input, restart, configured: is_mixed.then(|| days[first].night) }
    }
}

/// The nights from `first` on.
fn since<'d>(days: &[&'d Day], first: &Day) -> Vec<&'d Day> {
    days.iter().copied().filter(|day| day.night >= first.night).collect()
}

/// The latest nights of a kind that ended well. Holidays are compared with weekends too, and weekends with holidays, where there are too
/// few of their own.
fn same_kind<'d>(days: &'d [Day], kind: DayKind, config: &DriftConfig) -> Vec<&'d Day> {
    let own = latest(days, config, |day| day.kind == kind);
    if own.len() >= minimum(config) || kind == DayKind::Workday {
        return own;
    }
    let free = latest(days, config, |day| day.kind != DayKind::Workday);
    if free.len() >= minimum(config) { free } else { own }
}

fn latest<'d>(days: &'d [Day], config: &DriftConfig, is_wanted: impl Fn(&Day) -> bool) -> Vec<&'d Day> {
    let wanted = days.iter().rev().filter(|day| day.is_finished() && is_wanted(day));
    let mut latest: Vec<&Day> = wanted.take(config.nights.as_size()).collect();
    latest.reverse();
    latest
}

/// The smallest number of nights to compare with.
pub(super) fn minimum(config: &DriftConfig) -> usize {
    config.minimum.get_ref().as_size()
}

/// A number of nights for the output.
pub(super) fn count(nights: usize) -> u32 {
    u32::try_from(nights).unwrap_or(u32::MAX)
}
