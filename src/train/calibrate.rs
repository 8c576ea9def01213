//! Scores a model on the dev sets and calibrates it.

use std::path::Path;

use indexmap::IndexMap;

use super::export::{self, Calibration};
use super::offsets::{DecodableSet, fit_offsets};
use super::recipe::Recipe;
use super::scores::SetScores;
use super::sets::DevSet;
use super::{TrainError, threads};
use crate::config::{Device, Precision};
use crate::evaluate::measure::{DocumentProbabilities, Measured};
use crate::evaluate::{attributions, fit_confidence, fit_document_scaling, fit_temperature};
use crate::labelled::LabelledSet;
use crate::model::{HeadKind, HeadManifest, Model, ModelFolder, Report, Tokenizer};
use crate::record::ConfidenceWeights;

/// The dev sets of a recipe.
#[derive(Clone, Copy)]
pub(super) struct DevSets<'t> {
    pub(super) recipe: &'t Recipe,
    pub(super) sets: &'t [DevSet],
}

/// A model with one head, ready to be run on dev sets.
struct Candidate {
    head: HeadManifest,
    tokenizer: Tokenizer,
    model: Model,
}

impl DevSets<'_> {
    /// The scores of the model in `folder` on each set.
    pub(super) fn scores(self, folder: &Path) -> Result<Vec<SetScores>, TrainError> {
        let mut scores = Vec::new();
        for dev in self.sets {
            let Candidate { head, tokenizer, mut model } = self.load(folder, dev.head)?;
            let measured = Measured::new(&dev.set, &head, &tokenizer, &mut model)?;
            scores.push(SetScores::new(self.head_name(dev.head), &dev.name, dev.report_only, &measured));
        }
        Ok(scores)
    }

    /// Calibrates the model in `folder` on the sets that are not only reported, and writes the result to its manifest.
    pub(super) fn calibrate(self, folder: &Path) -> Result<(), TrainError> {
        // The fit needs uncalibrated outputs, and the model may have been calibrated before.
        let mut calibrations = IndexMap::new();
        export::write_manifest(self.recipe, folder, &calibrations)?;
        for (head, (name, recipe)) in self.recipe.heads.iter().enumerate() {
            let sets: Vec<&DevSet> = self.sets.iter().filter(|dev| dev.selects_for(head)).collect();
            if sets.is_empty() {
                continue;
            }
            let candidate = self.load(folder, head)?;
            match recipe.kind {
                HeadKind::Sequence => {
                    calibrations.insert(name.clone(), candidate.calibrate_sequence_head(&sets)?);
                }
                HeadKind::Token => {
                    let offsets = candidate.fit_offsets(&sets)?;
                    calibrations
                        .insert(name.clone(), Calibration::Token { offsets: offsets.clone(), confidence: None });
                    // Probabilities depend on the offsets, so the model is loaded with them.
                    export::write_manifest(self.recipe, folder, &calibrations)?;
                    let confidence = self.load(folder, head)?.fit_confidence(self.sets, head)?;
                    calibrations.insert(name.clone(), Calibration::Token { offsets, confidence });
                }
            }
        }
        export::write_manifest(self.recipe, folder, &calibrations)
    }

    /// Loads the model in `folder` with the head with the index `head`.
    fn load(self, folder: &Path, head: usize) -> Result<Candidate, TrainError> {
        let folder = ModelFolder::open(folder)?;
        let runtime = folder.runtime(Precision::Auto, Device::Cpu, Some(1))?.with_threads(threads(self.recipe));
        let name = self.head_name(head);
        Ok(Candidate {
            head: folder.manifest().heads[name].clone(),
            tokenizer: folder.tokenizer()?,
            model: folder.load(&runtime, 0, &[name])?,
        })
    }

    fn head_name(&self, head: usize) -> &str {
        self.recipe.heads.get_index(head).map_or("", |(name, _)| name)
    }
}

/// Returns true if attributions in a set have acts.
fn has_acts(set: &LabelledSet) -> bool {
    set.rows.iter().flat_map(|row| &row.attributions).any(|attribution| attribution.act.is_some())
}

impl Candidate {
    /// Fits the temperature, and the settings that combine the sentences of a document. If there are documents, only they
    /// count, as they are the input of a run.
    fn calibrate_sequence_head(mut self, sets: &[&DevSet]) -> Result<Calibration, TrainError> {
        // Boilerplate in one sentence does not make its neighbours boilerplate, so nothing is combined.
        let combines = self.head.report != Report::Boilerplate;
        if combines && sets.iter().any(|dev| dev.set.has_documents()) {
            let mut documents = Vec::new();
            for dev in sets {
                documents.extend(DocumentProbabilities::infer(&dev.set, &self.tokenizer, &mut self.model)?);
            }
            let (temperature, document) = fit_document_scaling(&documents);
            return Ok(Calibration::Sequence { temperature, document: Some(document) });
        }
        let mut rows = Vec::new();
        for dev in sets {
            let measured = Measured::new(&dev.set, &self.head, &self.tokenizer, &mut self.model)?;
            if let Measured::Classified(classification) = measured {
                rows.push(classification.rows);
            }
        }
        Ok(Calibration::Sequence { temperature: fit_temperature(&rows), document: None })
    }

    /// Fits the decoding offsets of a token head.
    fn fit_offsets(mut self, sets: &[&DevSet]) -> Result<Vec<f64>, TrainError> {
        let mut decodable = Vec::new();
        for dev in sets {
            decodable.push(DecodableSet::infer(&dev.set, &self.head, &self.tokenizer, &mut self.model)?);
        }
        fit_offsets(&self.model, self.head.labels.len(), &decodable)
    }

    /// Fits the weights by which attributions are scored, on the sets of the head at place `head` whose attributions have acts, also
    /// on those that are only reported: they change no weight of the model. `None` without such a set.
    fn fit_confidence(mut self, sets: &[DevSet], head: usize) -> Result<Option<ConfidenceWeights>, TrainError> {
        let mut examples = Vec::new();
        for dev in sets.iter().filter(|dev| dev.head == head && has_acts(&dev.set)) {
            let measured = Measured::new(&dev.set, &self.head, &self.tokenizer, &mut self.model)?;
            if let Measured::Marked(rows, _) = measured {
                examples.extend(attributions::examples(&rows));
            }
        }
        Ok(fit_confidence(&examples))
    }
}
