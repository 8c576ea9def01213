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
use crate::evaluate::{fit_document_scaling, fit_temperature};
use crate::model::{HeadKind, HeadManifest, Model, ModelFolder, Report, Runtime, Tokenizer};

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
            let calibration = match recipe.kind {
                HeadKind::Sequence => candidate.calibrate_sequence_head(&sets)?,
                HeadKind::Token => candidate.calibrate_token_head(&sets)?,
            };
            calibrations.insert(name.clone(), calibration);
        }
        export::write_manifest(self.recipe, folder, &calibrations)
    }

    /// Loads the model in `folder` with the head with the index `head`.
    fn load(self, folder: &Path, head: usize) -> Result<Candidate, TrainError> {
        let folder = ModelFolder::open(folder)?;
        let runtime = Runtime::resolve(Precision::Auto, Device::Cpu, Some(1))?;
        tch::set_num_threads(threads(self.recipe));
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

    /// Fits the decoding offsets.
    fn calibrate_token_head(mut self, sets: &[&DevSet]) -> Result<Calibration, TrainError> {
        let mut decodable = Vec::new();
        for dev in sets {
            decodable.push(DecodableSet::infer(&dev.set, &self.head, &self.tokenizer, &mut self.model)?);
        }
        Ok(Calibration::Offsets(fit_offsets(&self.model, self.head.labels.len(), &decodable)?))
    }
}
