//! What the model in a folder is worth on the sets to measure by, and what makes it worth more without another training.

use std::path::Path;

use indexmap::IndexMap;

use super::export::{self, Calibration};
use super::recipe::Recipe;
use super::scores::{SetScores, deciding_score};
use super::sets::DevSet;
use super::{TrainError, threads};
use crate::config::{Device, Precision};
use crate::evaluate::measure::{DocumentReadings, Measured};
use crate::evaluate::{fit_document_scaling, fit_temperature};
use crate::model::{HeadKind, ModelFolder, Report, Runtime};

/// How far an offset is moved at once.
const STEP: f64 = 0.2;

/// A move that brings less than this is chance.
const LEAST_GAIN: f64 = 0.0005;

/// The sets to measure by, and the recipe that they are of.
#[derive(Clone, Copy)]
pub(super) struct Dev<'t> {
    pub(super) recipe: &'t Recipe,
    pub(super) sets: &'t [DevSet],
}

impl Dev<'_> {
    /// What the model in `folder` is worth on each set.
    pub(super) fn measure(self, folder: &Path) -> Result<Vec<SetScores>, TrainError> {
        self.scores(folder, |_| true)
    }

    /// Fits what is left to fit of the model in `folder`, on the sets that decide, and writes it to the manifest.
    pub(super) fn calibrate(self, folder: &Path) -> Result<(), TrainError> {
        // Measured as the weights are, should it have been calibrated before.
        let mut calibrations = IndexMap::new();
        export::write_manifest(self.recipe, folder, &calibrations)?;
        for (head, (name, recipe)) in self.recipe.heads.iter().enumerate() {
            if !self.sets.iter().any(|dev| dev.decides_for(head)) {
                continue;
            }
            let calibration = match recipe.kind {
                HeadKind::Sequence => self.sequence_calibration(folder, head)?,
                HeadKind::Token => Calibration::Offsets(self.offsets(folder, head)?),
            };
            calibrations.insert(name.clone(), calibration);
        }
        export::write_manifest(self.recipe, folder, &calibrations)
    }

    /// How sentences of documents are combined, and the temperature. Where there are documents to measure by these alone count:
    /// they are what a run reads.
    fn sequence_calibration(self, folder: &Path, head: usize) -> Result<Calibration, TrainError> {
        let mut sets = Vec::new();
        for (_, measured) in self.measured(folder, |dev| dev.decides_for(head))? {
            if let Measured::Classified(found) = measured {
                sets.push(found);
            }
        }
        let readings: Vec<DocumentReadings> = sets.iter().flat_map(|set| set.readings.clone()).collect();
        // What is no statement says nothing of its neighbours.
        let stands_alone = self.recipe.heads[head].report == Report::Boilerplate;
        if readings.is_empty() || stands_alone {
            let rows: Vec<_> = sets.into_iter().map(|set| set.rows).collect();
            return Ok(Calibration::Sequence { temperature: fit_temperature(&rows), document: None });
        }
        let (temperature, document) = fit_document_scaling(&readings);
        Ok(Calibration::Sequence { temperature, document: Some(document) })
    }

    /// What to add to each label's score for the best mean F1 of the parts. What is most likely at each token is not what finds
    /// most: the loss that a head was fitted by counts tokens. Goes uphill, a step of one label at a time, each a reading of the sets.
    fn offsets(self, folder: &Path, head: usize) -> Result<Vec<f64>, TrainError> {
        let (name, labels) = (self.head_name(head), self.recipe.heads[head].labels.len());
        let score = |steps: &[i32]| {
            let offsets = Calibration::Offsets(offsets(steps));
            export::write_manifest(self.recipe, folder, &IndexMap::from([(name.to_owned(), offsets)]))?;
            self.scores(folder, |dev| dev.decides_for(head)).map(|sets| deciding_score(&sets))
        };
        let steps = climb(vec![0; labels], score)?;
        Ok(offsets(&steps))
    }

    fn head_name(&self, head: usize) -> &str {
        self.recipe.heads.get_index(head).map_or("", |(name, _)| name)
    }

    fn scores(self, folder: &Path, wanted: impl Fn(&DevSet) -> bool) -> Result<Vec<SetScores>, TrainError> {
        let of = |(dev, measured): (&DevSet, Measured)| {
            SetScores::of(self.head_name(dev.head), &dev.name, dev.decides, &measured)
        };
        Ok(self.measured(folder, wanted)?.into_iter().map(of).collect())
    }

    /// What the model finds in the sets that are wanted.
    fn measured(
        &self,
        folder: &Path,
        wanted: impl Fn(&DevSet) -> bool,
    ) -> Result<Vec<(&DevSet, Measured)>, TrainError> {
        let folder = ModelFolder::open(folder)?;
        let (tokenizer, runtime) = (folder.tokenizer()?, Runtime::resolve(Precision::Auto, Device::Cpu, Some(1))?);
        tch::set_num_threads(threads(self.recipe));
        let measured = |dev| {
            let DevSet { head, set, .. }: &DevSet = dev;
            let name = self.head_name(*head);
            let mut model = folder.load(&runtime, 0, &[name])?;
            Ok((dev, Measured::new(set, &folder.manifest().heads[name], &tokenizer, &mut model)?))
        };
        self.sets.iter().filter(|dev| wanted(dev)).map(measured).collect()
    }
}

fn offsets(steps: &[i32]) -> Vec<f64> {
    steps.iter().map(|&steps| STEP * f64::from(steps)).collect()
}

/// From `place`, one step along one axis at a time, up to where no step brings [`LEAST_GAIN`] to the score. It is below 1, so
/// that there is an end.
fn climb<E>(mut place: Vec<i32>, mut score: impl FnMut(&[i32]) -> Result<f64, E>) -> Result<Vec<i32>, E> {
    let mut best = score(&place)?;
    loop {
        let before = best;
        for (axis, step) in (0..place.len()).flat_map(|axis| [(axis, 1), (axis, -1)]) {
            place[axis] += step;
            let found = score(&place)?;
            if found >= best + LEAST_GAIN {
                best = found;
            } else {
                place[axis] -= step;
            }
        }
        if best <= before {
            return Ok(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_climb_ends_at_the_top_and_where_nothing_is_to_be_had_at_once() {
        let top = |place: &[i32]| Ok::<_, ()>(1.0 - 0.01 * f64::from((place[0] - 2).pow(2) + (place[1] + 1).pow(2)));
        assert_eq!(climb(vec![0, 0, 0], top), Ok(vec![2, -1, 0]));
        assert_eq!(climb(vec![0, 0], |place| Ok::<_, ()>(0.0001 * f64::from(place[0]))), Ok(vec![0, 0]));
        assert_eq!(climb(vec![0], |_| Err::<f64, _>("libtorch failed")), Err("libtorch failed"));
    }
}
