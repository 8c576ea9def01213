//! `model.toml`: the contents of a model folder. It lists every file with its SHA-256, so a run notices a changed file.

use std::collections::HashSet;
use std::path::{Component, Path};

use indexmap::IndexMap;
use serde::Deserialize;

use super::ModelError;
use crate::config::values::Whole;
use crate::digest::{sha256, sha256_of_file};
use crate::record::{ConfidenceWeights, Label};

/// The description of a model folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format.
    pub schema: Whole<1, 1>,
    /// The model's name.
    pub name: String,
    /// The version of the weights.
    pub revision: String,
    /// The encoder's family.
    pub architecture: Architecture,
    /// The way in which hidden states become one vector a sentence.
    pub pooling: Pooling,
    /// The maximum length of a sentence, in tokens, special tokens included. Longer ones are truncated.
    pub max_tokens: Whole<3, 8192>,
    /// The maximum length of a passage of several sentences, in tokens, special tokens included. Without it each sentence is a
    /// passage of its own.
    pub passage_tokens: Option<Whole<3, 8192>>,
    /// The maximum number of tokens of a document's title in front of each of its passages. Without it passages have no title.
    pub title_tokens: Option<Whole<1, 8192>>,
    /// SHA-256 of each file, in hexadecimal digits.
    pub files: IndexMap<String, String>,
    /// Its heads, by name.
    pub heads: IndexMap<String, HeadManifest>,
    /// SHA-256 of the manifest itself: whatever changes in the folder, this changes too.
    #[serde(skip)]
    pub fingerprint: String,
}

/// The families of encoders that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// BERT (Devlin et al. 2019).
    Bert,
    /// `MPNet` (Song et al. 2020).
    Mpnet,
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bert => "bert",
            Self::Mpnet => "mpnet",
        })
    }
}

/// The way in which hidden states become one vector a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over the sentence's tokens; over special tokens too if it is a passage of its own.
    Mean,
}

/// The maximum lengths of a model's inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLimits {
    /// The longest sentence, in tokens, special tokens included.
    pub text_tokens: usize,
    /// The longest passage of several sentences, in tokens, special tokens included. Without it each sentence is a passage of
    /// its own.
    pub passage_tokens: Option<usize>,
    /// The longest title in front of a passage, in tokens, special tokens left out. Without it passages have no title.
    pub title_tokens: Option<usize>,
}

/// One head: a linear layer, `<name>.weight` and `<name>.bias` in `heads.safetensors`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadManifest {
    /// Labels texts or tokens.
    pub kind: HeadKind,
    /// The form in which its probabilities are reported; for sequence heads.
    #[serde(default)]
    pub report: Report,
    /// The divisor of its logits that makes its probabilities calibrated; for sequence heads. 1 without it.
    pub temperature: Option<Temperature>,
    /// The weights by which a document's sentences and title change each other's labels; for sequence heads. Without it each
    /// sentence is labelled alone.
    pub document: Option<DocumentScaling>,
    /// Numbers added to its logits, which balance precision and recall: none, or one for each label; for token heads.
    #[serde(default)]
    pub offsets: Vec<f64>,
    /// The weights by which attributions are scored; for token heads that mark sources, cues and contents. Without them the
    /// weights of the newsroom model count.
    pub confidence: Option<ConfidenceWeights>,
    /// The labels, in the order of its outputs.
    pub labels: Vec<Label>,
}

/// The parameters that combine a sequence head's scores in a document: [`super::document`] has the formulas.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentScaling {
    /// The weight of the document in the score of each of its sentences, 0 to 100.
    pub weight: f64,
    /// The weight of the title in the document, relative to the mean of its sentences, 0 to 100.
    pub title_weight: f64,
    /// The divisor of the logits of the document's own scores.
    pub temperature: Temperature,
}

/// The kinds of heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadKind {
    /// Labels a whole text.
    Sequence,
    /// Labels each token as `O`, `B-name` or `I-name`.
    Token,
}

/// The forms in which a sequence head's probabilities are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The best label and the next: for many labels.
    #[default]
    RunnerUp,
    /// Every label's probability: for few labels.
    Distribution,
    /// None of them: a sentence whose last label is probable enough gets the flag `boilerplate`, and no label from any head.
    Boilerplate,
}

/// A divisor of a head's outputs: above 1 it makes probabilities less extreme.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Temperature(f64);

impl DocumentScaling {
    /// No scaling: each sentence is labelled alone, and the document is the mean of its sentences.
    #[must_use]
    pub fn none() -> Self {
        Self { weight: 0.0, title_weight: 0.0, temperature: Temperature(1.0) }
    }
}

impl Temperature {
    /// The divisor, 0.01 to 100.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Temperature {
    type Error = &'static str;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        if (0.01..=100.0).contains(&value) { Ok(Self(value)) } else { Err("expected a number from 0.01 to 100.0") }
    }
}

/// The files that every model folder has.
const REQUIRED: [&str; 4] = ["config.json", "tokenizer.json", "encoder.safetensors", "heads.safetensors"];

/// The fields of a verdict in the output. A distribution adds a field for each label, so no label may have one of these names.
const VERDICT_FIELDS: [&str; 4] = ["code", "label", "score", "iptc"];

/// A fault in a manifest.
#[derive(Debug, thiserror::Error)]
enum ManifestFault {
    /// The parser's own error shows several lines of the file, so that only its message is kept.
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
    #[error("`{name}` is no file of this folder")]
    Outside { name: String },
    #[error("[files] lacks `{name}`")]
    Unlisted { name: &'static str },
    #[error("head `{name}` {fault}")]
    Head { name: String, fault: HeadFault },
}

/// A fault in a head, as the end of a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
enum HeadFault {
    #[error("has no labels")]
    NoLabels,
    #[error("has the label `{label}` twice")]
    LabelTwice { label: String },
    #[error("has a label `{label}`, which is the name of a field beside its labels")]
    LabelIsField { label: &'static str },
    #[error("has `document`, which is for sequence heads")]
    DocumentOfTokens,
    #[error("has a `document` whose weights are not numbers from 0.0 to 100.0")]
    DocumentWeights,
    #[error("has `offsets`, which are for token heads")]
    OffsetsOfSequences,
    #[error("has {offsets} `offsets` for {labels} labels")]
    OffsetCount { offsets: usize, labels: usize },
    #[error("has `offsets` that are no numbers from -100.0 to 100.0")]
    OffsetValues,
    #[error("has `confidence`, which is for token heads")]
    ConfidenceOfSequences,
}

impl Manifest {
    /// Reads and checks `model.toml` in `folder`.
    ///
    /// # Errors
    /// If it is missing or not valid.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("model.toml");
        let text =
            std::fs::read_to_string(&path).map_err(|cause| ModelError::Unreadable { path: path.clone(), cause })?;
        let mut manifest =
            Self::parse(&text).map_err(|fault| ModelError::Invalid { path: path.clone(), cause: fault.into() })?;
        manifest.fingerprint = sha256(&text);
        Ok(manifest)
    }

    fn parse(text: &str) -> Result<Self, ManifestFault> {
        let manifest: Self = toml::from_str(text).map_err(|cause| ManifestFault::Syntax {
            line: cause.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
            message: cause.message().to_owned(),
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestFault> {
        if let Some(name) = self.files.keys().find(|name| !is_file_name(name)) {
            return Err(ManifestFault::Outside { name: name.clone() });
        }
        if let Some(name) = REQUIRED.into_iter().find(|&name| !self.files.contains_key(name)) {
            return Err(ManifestFault::Unlisted { name });
        }
        for (name, head) in &self.heads {
            head.check().map_err(|fault| ManifestFault::Head { name: name.clone(), fault })?;
        }
        Ok(())
    }

    /// The maximum lengths of its inputs.
    #[must_use]
    pub fn limits(&self) -> TokenLimits {
        TokenLimits {
            text_tokens: self.max_tokens.as_size(),
            passage_tokens: self.passage_tokens.map(Whole::as_size),
            title_tokens: self.title_tokens.map(Whole::as_size),
        }
    }

    /// Checks every listed file of `folder` against its checksum.
    ///
    /// # Errors
    /// If a file is missing, pickled or changed: for the first such file.
    pub fn verify(&self, folder: &Path) -> Result<(), ModelError> {
        for (name, expected) in &self.files {
            let path = folder.join(name);
            if is_pickle(&path) {
                return Err(ModelError::Pickle { path });
            }
            let found = sha256_of_file(&path).map_err(|cause| ModelError::Unreadable { path: path.clone(), cause })?;
            if !found.eq_ignore_ascii_case(expected) {
                return Err(ModelError::Checksum { path, expected: expected.clone(), found });
            }
        }
        Ok(())
    }
}

impl HeadManifest {
    /// Checks that its labels can be told apart, also in the output, and that its settings are for a head of its kind.
    fn check(&self) -> Result<(), HeadFault> {
        let mut names = HashSet::new();
        if let Some(twice) = self.labels.iter().find(|label| !names.insert(label.label.as_str())) {
            return Err(HeadFault::LabelTwice { label: twice.label.clone() });
        }
        let is_written_out = self.kind == HeadKind::Sequence && self.report == Report::Distribution;
        self.check_offsets()?;
        if let Some(document) = self.document {
            if self.kind != HeadKind::Sequence {
                return Err(HeadFault::DocumentOfTokens);
            }
            if ![document.weight, document.title_weight].iter().all(|weight| (0.0..=100.0).contains(weight)) {
                return Err(HeadFault::DocumentWeights);
            }
        }
        if self.confidence.is_some() && self.kind != HeadKind::Token {
            return Err(HeadFault::ConfidenceOfSequences);
        }
        match VERDICT_FIELDS.into_iter().find(|name| is_written_out && names.contains(name)) {
            Some(label) => Err(HeadFault::LabelIsField { label }),
            None if names.is_empty() => Err(HeadFault::NoLabels),
            None => Ok(()),
        }
    }

    fn check_offsets(&self) -> Result<(), HeadFault> {
        let offsets = self.offsets.len();
        let labels = self.labels.len();
        if self.offsets.is_empty() {
            Ok(())
        } else if self.kind != HeadKind::Token {
            Err(HeadFault::OffsetsOfSequences)
        } else if offsets != labels {
            Err(HeadFault::OffsetCount { offsets, labels })
        } else if self.offsets.iter().any(|offset| !(-100.0..=100.0).contains(offset)) {
            Err(HeadFault::OffsetValues)
        } else {
            Ok(())
        }
    }
}

/// True if `name` is a plain file name: a path could point out of the folder.
fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_one = parts.next() == Some(Component::Normal(name.as_ref())) && parts.next().is_none();
    is_one && !name.contains(['/', '\\'])
}

/// True if the extension is one of a pickle: `.bin`, `.pt` and the like are zipped or plain pickles, `.ot` is a `TorchScript` archive.
fn is_pickle(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["bin", "pt", "pth", "ckpt", "pkl", "ot"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn folder_with(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in REQUIRED {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::write(folder.path().join("model.toml"), manifest).unwrap();
        folder
    }

    fn manifest(files: &str) -> String {
        format!(
            "schema = 1\nname = \"m\"\nrevision = \"1\"\narchitecture = \"bert\"\npooling = \"mean\"\nmax_tokens = 8\n\
             [files]\n{files}\n[heads.mood]\nkind = \"sequence\"\nlabels = [{{ label = \"good\" }}]\n"
        )
    }

    fn all_files() -> String {
        REQUIRED.map(|name| format!("\"{name}\" = \"{EMPTY}\"")).join("\n")
    }

    fn refusal(folder: &Path) -> String {
        crate::causes::chain(&super::super::ModelFolder::open(folder).unwrap_err())
    }

    #[test]
    fn an_untouched_folder_is_accepted() {
        let folder = folder_with(&manifest(&all_files()));
        super::super::ModelFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn a_changed_file_is_refused() {
        let folder = folder_with(&manifest(&all_files()));
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        let message = refusal(folder.path());
        assert!(message.contains("config.json` has been changed") && message.contains(EMPTY), "{message}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = folder_with(&manifest(&all_files()));
        std::fs::remove_file(folder.path().join("heads.safetensors")).unwrap();
        assert!(refusal(folder.path()).contains("heads.safetensors`: "));
        let folder = folder_with(&manifest("\"config.json\" = \"\""));
        assert!(refusal(folder.path()).ends_with("[files] lacks `tokenizer.json`"));
    }

    #[test]
    fn pickled_weights_are_refused() {
        let folder = folder_with(&manifest(&format!("\"pytorch_model.bin\" = \"{EMPTY}\"\n{}", all_files())));
        assert!(refusal(folder.path()).contains("pickled weights"));
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let folder = folder_with(&manifest(&format!("\"../secret\" = \"{EMPTY}\"\n{}", all_files())));
        assert!(refusal(folder.path()).ends_with("`../secret` is no file of this folder"));
    }

    #[test]
    fn a_file_without_a_name_is_refused() {
        let folder = folder_with(&manifest(&format!("\"\" = \"{EMPTY}\"\n{}", all_files())));
        assert!(refusal(folder.path()).ends_with("`` is no file of this folder"));
    }

    #[test]
    fn a_head_without_labels_is_refused() {
        let folder = folder_with(&manifest(&all_files()).replace("{ label = \"good\" }", ""));
        assert!(refusal(folder.path()).ends_with("head `mood` has no labels"));
    }

    #[test]
    fn labels_that_cannot_be_told_apart_are_refused() {
        let labels =
            |second: &str| format!("{{ label = \"good\" }}, {{ label = \"{second}\" }}]\nreport = \"distribution\"");
        let with = |second: &str| manifest(&all_files()).replace("{ label = \"good\" }]", &labels(second));
        let message = refusal(folder_with(&with("good")).path());
        assert!(message.ends_with("head `mood` has the label `good` twice"), "{message}");
        let message = refusal(folder_with(&with("score")).path());
        assert!(message.contains("head `mood` has a label `score`, which"), "{message}");
        super::super::ModelFolder::open(folder_with(&with("bad")).path()).unwrap();
    }

    #[test]
    fn offsets_that_fit_no_labels_are_refused() {
        let with = |kind: &str, offsets: &str| {
            let manifest = manifest(&all_files()).replace("\"sequence\"", &format!("\"{kind}\"\noffsets = {offsets}"));
            folder_with(&manifest)
        };
        assert!(
            refusal(with("sequence", "[0.2]").path()).ends_with("head `mood` has `offsets`, which are for token heads")
        );
        assert!(refusal(with("token", "[0.2, 0.0]").path()).ends_with("head `mood` has 2 `offsets` for 1 labels"));
        assert!(refusal(with("token", "[nan]").path()).ends_with("no numbers from -100.0 to 100.0"));
        super::super::ModelFolder::open(with("token", "[-0.2]").path()).unwrap();
    }

    #[test]
    fn weights_that_fit_no_attributions_are_refused() {
        let with = |kind: &str, weights: &str| {
            let settings = format!("\"{kind}\"\nconfidence = {{ {weights} }}");
            folder_with(&manifest(&all_files()).replace("\"sequence\"", &settings))
        };
        let all = ConfidenceWeights::NAMES.map(|name| format!("{name} = 0.5")).join(", ");
        super::super::ModelFolder::open(with("token", &all).path()).unwrap();
        assert!(refusal(with("sequence", &all).path()).ends_with("has `confidence`, which is for token heads"));
        assert!(refusal(with("token", "bias = 1.0").path()).contains("the weight of `source` is missing"));
        assert!(refusal(with("token", &format!("{all}, mood = 1.0")).path()).contains("unknown feature `mood`"));
        let large = all.replace("cue = 0.5", "cue = 101.0");
        assert!(refusal(with("token", &large).path()).contains("no number from -100.0 to 100.0"));
    }

    #[test]
    fn a_slip_in_the_manifest_is_refused_with_its_line() {
        let folder = folder_with(&manifest(&all_files()).replace("max_tokens", "max_tokes"));
        let message = refusal(folder.path());
        assert!(message.contains("line 6: unknown field `max_tokes`"), "{message}");
    }
}
