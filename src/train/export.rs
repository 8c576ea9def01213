//! Fitted weights to a complete model folder.

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
use crate::record::Label;

/// What a model has from its base as it is.
const SETTINGS: [&str; 2] = ["config.json", "tokenizer.json"];

/// What is fitted.
pub(super) const WEIGHTS: [&str; 2] = ["encoder.safetensors", HEADS];

/// The weights of heads.
pub(super) const HEADS: &str = "heads.safetensors";

/// The files that the manifest lists, in its order.
fn files() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().chain(WEIGHTS)
}

/// What is known of the model, for people.
pub(super) const CARD: &str = "MODEL_CARD.md";

/// What a folder is a model by.
const MANIFEST: &str = "model.toml";

/// Writes the average weights as a model to `folder`: encoder in half precision, heads in f32, the base's configuration
/// and tokenizer, and the manifest.
pub(super) fn export(recipe: &Recipe, optimizer: &Optimizer, folder: &Path) -> Result<(), TrainError> {
    begin(&recipe.model.base, folder)?;
    let [of_encoder, of_heads] = WEIGHTS.map(|name| folder.join(name));
    let half = |(name, tensor): (String, Tensor)| (name, tensor.to_kind(Kind::Half));
    let encoder: Vec<_> = optimizer.averages("encoder.").into_iter().map(half).collect();
    write_tensors(&encoder, &of_encoder)?;
    write_tensors(&optimizer.averages("heads."), &of_heads)?;
    write_manifest(recipe, folder, &IndexMap::new())
}

/// Makes the folder `to` of a model that has the settings of the one in `from`; weights and manifest are left to be written.
pub(super) fn begin(from: &Path, to: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(to).map_err(file_error(to))?;
    copy(SETTINGS.into_iter(), from, to)
}

fn copy(mut names: impl Iterator<Item = &'static str>, from: &Path, to: &Path) -> Result<(), TrainError> {
    names.try_for_each(|name| {
        std::fs::copy(from.join(name), to.join(name)).map(|_| ()).map_err(file_error(&from.join(name)))
    })
}

/// Writes `tensors` to a safetensors file at `path`.
pub(super) fn write_tensors(tensors: &[(String, Tensor)], path: &Path) -> Result<(), TrainError> {
    Tensor::write_safetensors(tensors, path).map_err(at(path))
}

/// What has been fitted for heads, by their names.
pub(super) type Calibrations = IndexMap<String, Calibration>;

/// What has been fitted for a head whose weights stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Calibration {
    /// What the outputs of a sequence head are divided by, and how those of a document's sentences are combined.
    Sequence { temperature: f64, document: Option<DocumentScaling> },
    /// What is added to the outputs of a token head, a number a label.
    Offsets(Vec<f64>),
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

/// Puts the files of `from` into `to`, the manifest last, so that a folder half filled is refused by its checksums.
pub(super) fn publish(from: &Path, to: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(to).map_err(file_error(to))?;
    files().chain([CARD, MANIFEST]).try_for_each(|name| publish_file(name, from, to))
}

/// Puts the card of `from`, where there is one, and the manifest into `to`, whose other files are the same.
pub(super) fn publish_calibrated(from: &Path, to: &Path) -> Result<(), TrainError> {
    let card = [CARD].into_iter().filter(|name| from.join(name).exists());
    card.chain([MANIFEST]).try_for_each(|name| publish_file(name, from, to))
}

fn publish_file(name: &str, from: &Path, to: &Path) -> Result<(), TrainError> {
    let (part, path) = (to.join(format!("{name}.part")), to.join(name));
    std::fs::copy(from.join(name), &part).map_err(file_error(&part))?;
    std::fs::rename(&part, &path).map_err(file_error(&path))
}

/// Copies what the manifest of `from` lists to `to`.
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
        Some(Calibration::Offsets(offsets)) => {
            let numbers: Vec<_> = offsets.iter().map(|offset| format!("{offset:.1}")).collect();
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

fn inline(label: &Label) -> String {
    let fields = [("code", label.code.as_ref()), ("label", Some(&label.label)), ("iptc", label.iptc.as_ref())];
    let fields = fields.iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted((*value)?))));
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
