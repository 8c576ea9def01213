//! Writes trained weights as a complete model folder.

use std::fmt::Write;
use std::path::Path;

use indexmap::IndexMap;
use tch::{Kind, Tensor};

use super::optimizer::Optimizer;
use super::recipe::{HeadRecipe, Recipe};
use super::{TrainError, at, file_error};
use crate::digest::sha256_of_file;
use crate::model::config::EncoderConfig;
use crate::model::manifest::Architecture;
use crate::model::{DocumentScaling, HeadKind, Report};
use crate::record::{ConfidenceWeights, Label};

/// The files that a model copies from its base.
const SETTINGS: [&str; 2] = ["config.json", "tokenizer.json"];

/// The files with trained weights.
pub(super) const WEIGHTS: [&str; 2] = ["encoder.safetensors", HEADS];

/// The file with the weights of the heads.
pub(super) const HEADS: &str = "heads.safetensors";

/// The files that the manifest lists, in its order.
fn files() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().chain(WEIGHTS)
}

/// The model card.
pub(super) const CARD: &str = "MODEL_CARD.md";

/// The manifest.
const MANIFEST: &str = "model.toml";

/// Writes the average weights as a model to `folder`: encoder in half precision, heads in f32, the base's configuration
/// and tokenizer, and the manifest.
pub(super) fn export(recipe: &Recipe, optimizer: &Optimizer, folder: &Path) -> Result<(), TrainError> {
    begin(&recipe.model.base, folder)?;
    let [encoder_path, heads_path] = WEIGHTS.map(|name| folder.join(name));
    let mut encoder = Vec::new();
    for (name, tensor) in optimizer.averages("encoder.") {
        encoder.push((name, tensor.f_to_kind(Kind::Half)?));
    }
    write_tensors(&encoder, &encoder_path)?;
    write_tensors(&optimizer.averages("heads."), &heads_path)?;
    write_manifest(recipe, folder, &IndexMap::new())
}

/// Creates the folder `to` with the configuration and the tokenizer of the model in `from`, but without weights and manifest.
pub(super) fn begin(from: &Path, to: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(to).map_err(file_error(to))?;
    copy(SETTINGS.into_iter(), from, to)
}

fn copy(names: impl Iterator<Item = &'static str>, from: &Path, to: &Path) -> Result<(), TrainError> {
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).map_err(file_error(&from.join(name)))?;
    }
    Ok(())
}

/// Writes `tensors` to a safetensors file at `path`.
pub(super) fn write_tensors(tensors: &[(String, Tensor)], path: &Path) -> Result<(), TrainError> {
    Tensor::write_safetensors(tensors, path).map_err(at(path))
}

/// The calibration of heads, by their names.
pub(super) type Calibrations = IndexMap<String, Calibration>;

/// The calibration of a head, whose weights it does not change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Calibration {
    /// The temperature of a sequence head, and the settings that combine its outputs for the sentences of a document.
    Sequence { temperature: f64, document: Option<DocumentScaling> },
    /// The decoding offsets of a token head, a number for each label, which is added to its score; and the weights by which
    /// attributions are scored, if there is a set to fit them on.
    Token { offsets: Vec<f64>, confidence: Option<ConfidenceWeights> },
}

/// Writes `model.toml` for the files in `folder`.
pub(super) fn write_manifest(recipe: &Recipe, folder: &Path, calibrations: &Calibrations) -> Result<(), TrainError> {
    let mut digests = Vec::new();
    for name in files() {
        let path = folder.join(name);
        digests.push((name, sha256_of_file(&path).map_err(file_error(&path))?));
    }
    let family = EncoderConfig::load(&folder.join("config.json"))?.model_type;
    let path = folder.join(MANIFEST);
    std::fs::write(&path, manifest(recipe, family, &digests, calibrations)).map_err(file_error(&path))
}

/// Copies the files of `from` to `to`, the manifest last: the checksums of a half-copied folder do not match.
pub(super) fn publish(from: &Path, to: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(to).map_err(file_error(to))?;
    for name in files().chain([CARD, MANIFEST]) {
        publish_file(name, from, to)?;
    }
    Ok(())
}

/// Copies the card of `from`, if there is one, and the manifest to `to`. The other files are the same in both.
pub(super) fn publish_calibrated(from: &Path, to: &Path) -> Result<(), TrainError> {
    if from.join(CARD).exists() {
        publish_file(CARD, from, to)?;
    }
    publish_file(MANIFEST, from, to)
}

fn publish_file(name: &str, from: &Path, to: &Path) -> Result<(), TrainError> {
    let part = to.join(format!("{name}.part"));
    let path = to.join(name);
    std::fs::copy(from.join(name), &part).map_err(file_error(&part))?;
    std::fs::rename(&part, &path).map_err(file_error(&path))
}

/// Copies the files that the manifest of `from` lists to `to`.
pub(super) fn copy_files(from: &Path, to: &Path) -> Result<(), TrainError> {
    copy(files(), from, to)
}

fn manifest(recipe: &Recipe, family: Architecture, digests: &[(&str, String)], calibrations: &Calibrations) -> String {
    let model = &recipe.model;
    let mut text = format!(
        "# Written by `pressrun train`. Every file is checked against its SHA-256 before a run begins.\n\n\
         schema = 1\nname = {}\nrevision = {}\narchitecture = \"{family}\"\npooling = \"mean\"\nmax_tokens = {}\n\
         passage_tokens = {}\n{}\n[files]\n",
        quoted(&model.name),
        quoted(&model.revision),
        model.max_tokens.get(),
        model.passage_tokens.get(),
        model.title_tokens.map_or(String::new(), |tokens| format!("title_tokens = {}\n", tokens.get())),
    );
    // Writing to a string cannot fail.
    for (name, digest) in digests {
        let _ = writeln!(text, "\"{name}\" = \"{digest}\"");
    }
    for (name, head) in &recipe.heads {
        text += &head_section(name, head, calibrations.get(name));
    }
    text
}

fn head_section(name: &str, head: &HeadRecipe, calibration: Option<&Calibration>) -> String {
    let kind = match head.kind {
        HeadKind::Sequence => "sequence",
        HeadKind::Token => "token",
    };
    let mut text = format!("\n[heads.{}]\nkind = \"{kind}\"\n", quoted(name));
    if head.kind == HeadKind::Sequence {
        let report = match head.report {
            Report::RunnerUp => "runner_up",
            Report::Distribution => "distribution",
            Report::Boilerplate => "boilerplate",
        };
        let _ = writeln!(text, "report = \"{report}\"");
    }
    let _ = match calibration {
        Some(Calibration::Sequence { temperature, document }) => {
            if let Some(DocumentScaling { weight, title_weight, temperature }) = document {
                let temperature = temperature.get();
                let _ = writeln!(
                    text,
                    "document = {{ weight = {weight:.2}, title_weight = {title_weight:.2}, temperature = {temperature:.4} }}"
                );
            }
            writeln!(text, "temperature = {temperature:.4}")
        }
        Some(Calibration::Token { offsets, confidence }) => {
            let numbers: Vec<_> = offsets.iter().map(|offset| format!("{offset:.1}")).collect();
            if let Some(ConfidenceWeights(weights)) = confidence {
                let named = ConfidenceWeights::NAMES.iter().zip(weights);
                let named: Vec<_> = named.map(|(name, weight)| format!("{name} = {weight:.4}")).collect();
                let _ = writeln!(text, "confidence = {{ {} }}", named.join(", "));
            }
            writeln!(text, "offsets = [{}]", numbers.join(", "))
        }
        None => Ok(()),
    };
    text += "labels = [\n";
    for label in &head.labels {
        let _ = writeln!(text, "  {},", inline(label));
    }
    text + "]\n"
}

/// A label as an inline table of TOML.
fn inline(label: &Label) -> String {
    let mut fields = Vec::new();
    if let Some(code) = &label.code {
        fields.push(format!("code = {}", quoted(code)));
    }
    fields.push(format!("label = {}", quoted(&label.label)));
    if let Some(iptc) = &label.iptc {
        fields.push(format!("iptc = {}", quoted(iptc)));
    }
    format!("{{ {} }}", fields.join(", "))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
