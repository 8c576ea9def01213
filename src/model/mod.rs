//! A model: one encoder, any number of heads, a tokenizer, and a manifest that lists them.
//!
//! Only this module and `train` name `tch` and `rust_bert`. A `Model` lives on one thread; every worker loads its
//! own from the same `ModelFolder`.

/// Tokens of many passages, one after another.
pub mod batch;
/// BERT on a stream of tokens, without padding.
mod bert;
/// `config.json`: the sizes of an encoder.
pub(crate) mod config;
/// The scores of a document and of its sentences, from each other's probabilities.
pub mod document;
/// Tokens to hidden states.
mod encoder;
/// The heads: hidden states to probabilities and token labels.
pub(crate) mod heads;
/// Our kernels for bf16 on CPUs.
mod kernels;
/// Linear layers.
mod linear;
/// `model.toml`: the contents of a model folder, with checksums.
pub mod manifest;
/// `MPNet`, a family of encoders that `rust_bert` lacks.
mod mpnet;
/// Matrix products with weights in oneDNN's order.
mod onednn;
/// Encoders on rectangles of tokens, with padding.
mod padded;
/// Sentences to passages.
pub mod passage;
/// Text to tokens.
pub mod tokenizer;
/// The networks of encoders. The only place that names `rust_bert`.
pub(crate) mod transformer;
/// The meaning of a sentence as numbers.
mod vector;
/// The best allowed path through the scores of token labels.
mod viterbi;
/// Files of weights to tensors.
pub(crate) mod weights;
/// A cache of the tokens of words.
mod word_cache;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::Kind;

pub use batch::TokenBatch;
pub use heads::TokenOutputs;
pub use manifest::{DocumentScaling, HeadKind, HeadManifest, Manifest, Report, TokenLimits};
pub use passage::{Passage, TokenizedText};
pub use tokenizer::Tokenizer;
pub use vector::SentenceVector;

use crate::config::{Device, Precision};
use bert::PackedBert;
use config::EncoderConfig;
use encoder::Encoder;
use heads::Heads;
use kernels::multiplies_bf16;
use padded::PaddedEncoder;

/// Raise it by one if the same passage, weights and precision no longer give the same outputs as before (tokens, kernels, heads), or
/// if the same text is cut into other passages. It is also part of the keys of cached outputs. See `src/revisions.rs`.
pub const REVISION: u32 = 4;

/// An error of any kind that caused another.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The reasons why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// A file of the model has contents that are not valid.
    #[error("cannot use `{}`", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault.
        #[source]
        cause: Cause,
    },
    /// A file of the model is not the one that its manifest was written for.
    #[error("`{}` has been changed: its SHA-256 is {found}, `model.toml` says {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// As the manifest has it.
        expected: String,
        /// As the file is.
        found: String,
    },
    /// The weights come in a format that can run code when it is loaded.
    #[error("`{}` holds pickled weights, which can run code when they are loaded: convert them to safetensors", path.display())]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A GPU was asked for and libtorch has none.
    #[error("`device = \"cuda\"` needs a libtorch with CUDA and an NVIDIA GPU, and there is {found}")]
    NoCuda {
        /// The device that libtorch has instead.
        found: &'static str,
    },
    /// libtorch refused an operation.
    #[error("libtorch failed on `{}`", path.display())]
    Torch {
        /// The model's folder or file.
        path: PathBuf,
        /// The error of libtorch.
        #[source]
        cause: tch::TchError,
    },
    /// The encoder refused an operation.
    #[error("the encoder failed")]
    Encoder {
        /// The error of libtorch or of rust-bert.
        #[source]
        cause: Cause,
    },
    /// An operation panicked.
    #[error("the model panicked: {message}")]
    Panicked {
        /// The message of the panic, which has no error value.
        message: String,
    },
    /// The tokenizer refused a text.
    #[error("the tokenizer failed")]
    Tokenizer {
        /// The error of the tokenizer.
        #[source]
        cause: tokenizers::Error,
    },
}

/// A model's files, checked against their manifest.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    path: PathBuf,
    manifest: Manifest,
}

/// The precision, the device and the number of workers that a configuration gives a model on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runtime {
    /// The type of the numbers that it multiplies.
    pub precision: FloatType,
    /// The CPU or the GPUs.
    pub device: Device,
    /// The number of copies that run in parallel, each in a thread of its own.
    pub workers: usize,
}

/// The class of this processor by the way in which it multiplies bf16: `amx`, `bf16`, or `f32` if it does not. Scores differ by class in
/// their last digits.
#[must_use]
pub fn processor_class() -> &'static str {
    if kernels::has_amx() {
        "amx"
    } else if kernels::multiplies_bf16() {
        "bf16"
    } else {
        "f32"
    }
}

/// The kernels that compute results on this processor, by what they are chosen by: its architecture, its maker (whose code the library of
/// f32 products tells apart), its class and its widest vectors. Results are the same to the last bit on processors with the same ones.
#[must_use]
pub fn kernels_in_use() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let maker = cpuinfo.lines().find_map(|line| line.strip_prefix("vendor_id")?.split_once(':'));
    let maker = maker.map_or("unknown", |(_, maker)| maker.trim());
    format!("{} {maker} {} {}", std::env::consts::ARCH, processor_class(), widest_vectors())
}

/// The widest vectors of this processor.
fn widest_vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return "avx2";
        }
    }
    "baseline"
}

/// The numbers that an encoder multiplies: [`Precision`] without `Auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FloatType {
    /// 16 bits, 8 of them for the exponent.
    Bf16,
    /// 32 bits.
    F32,
}

/// The results of a model's heads for one segment of a passage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadOutputs {
    /// For each sequence head that was loaded, in that order: the probability of each label, in the head's order.
    pub sequences: Vec<Vec<f32>>,
    /// For each token head that was loaded, in that order: the label of each token of the segment, by its place in the head's
    /// labels.
    pub tokens: Vec<Vec<usize>>,
    /// For each of these labels its probability, in 255ths.
    pub confidences: Vec<Vec<u8>>,
    /// The vector of the segment, if vectors were asked for.
    pub vector: Option<SentenceVector>,
}

/// An encoder and heads in memory.
pub struct Model {
    path: PathBuf,
    device: tch::Device,
    /// The number of different tokens that the encoder knows.
    vocabulary: i64,
    encoder: Box<dyn Encoder>,
    heads: Heads,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ModelFolder {
    /// Reads the manifest of the folder at `path` and checks every file against it.
    ///
    /// # Errors
    /// A file that is missing, unreadable, tampered with or pickled.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let manifest = Manifest::load(path)?;
        manifest.verify(path)?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Loads its tokenizer.
    ///
    /// # Errors
    /// If `tokenizer.json` is not a tokenizer.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        Tokenizer::load(&self.path.join("tokenizer.json"), self.manifest.limits())
    }

    /// Loads its tokenizer for texts and passages of other lengths than its own. Titles are as long as its own.
    ///
    /// # Errors
    /// If `tokenizer.json` is not a tokenizer, or the encoder has too few positions.
    pub fn tokenizer_within(&self, limits: TokenLimits) -> Result<Tokenizer, ModelError> {
        let limits = TokenLimits { title_tokens: self.manifest.limits().title_tokens, ..limits };
        let config = EncoderConfig::load(&self.path.join("config.json"))?;
        config.check_limits(limits).map_err(|fault| self.invalid(fault.into()))?;
        Tokenizer::load(&self.path.join("tokenizer.json"), limits)
    }

    /// Loads one copy of it for the worker with the number `worker`, from 0, with the heads named in `heads`. On GPUs a worker's
    /// number is that of its GPU.
    ///
    /// # Errors
    /// If there is no such head, or weights are missing or do not fit `config.json`.
    pub fn load(&self, runtime: &Runtime, worker: usize, heads: &[&str]) -> Result<Model, ModelError> {
        let device = match runtime.device {
            Device::Cuda => tch::Device::Cuda(worker),
            Device::Cpu => tch::Device::Cpu,
        };
        let config = EncoderConfig::load(&self.path.join("config.json"))?;
        config.check_limits(self.manifest.limits()).map_err(|fault| self.invalid(fault.into()))?;
        let encoder = load_encoder(&self.path, device, runtime.precision.kind())?;
        let wanted = heads.iter().map(|name| self.head(name)).collect::<Result<Vec<_>, _>>()?;
        let heads = Heads::load(&self.path.join("heads.safetensors"), &wanted, config.hidden_size, device)?;
        Ok(Model { path: self.path.clone(), device, vocabulary: config.vocab_size, encoder, heads })
    }

    fn head<'h>(&'h self, name: &'h str) -> Result<(&'h str, &'h HeadManifest), ModelError> {
        let head = self.manifest.heads.get(name).map(|head| (name, head));
        head.ok_or_else(|| self.invalid(format!("there is no head `{name}`").into()))
    }

    fn invalid(&self, cause: Cause) -> ModelError {
        ModelError::Invalid { path: self.path.join("model.toml"), cause }
    }
}

impl Model {
    /// Itself with [`HeadOutputs::vector`] in its results, or without.
    #[must_use]
    pub fn with_vectors(mut self, wants_vectors: bool) -> Self {
        self.heads.wants_vectors = wants_vectors;
        self
    }

    /// Runs a batch in one forward pass: the outputs for each of [`TokenBatch::segments`], in order.
    ///
    /// # Errors
    /// If the batch has a token that the encoder does not know, or libtorch fails, for example on memory.
    pub fn infer(&mut self, batch: &TokenBatch) -> Result<Vec<HeadOutputs>, ModelError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.check_ids(batch)?;
        tch::no_grad(|| {
            let states = self.encoder.encode(batch)?;
            self.heads.apply(&states, batch).map_err(|cause| ModelError::Torch { path: self.path.clone(), cause })
        })
    }

    /// The probabilities of token labels in a batch, for the distillation of another model. For each of
    /// [`TokenBatch::segments`] and each token head that was loaded: the probabilities of the first token's labels, then those
    /// of the second token's, and so on in one vector.
    ///
    /// # Errors
    /// As [`Self::infer`].
    pub fn token_probabilities(&mut self, batch: &TokenBatch) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.check_ids(batch)?;
        tch::no_grad(|| {
            let states = self.encoder.encode(batch)?;
            let probabilities = self.heads.token_probabilities(&states, batch);
            probabilities.map_err(|cause| ModelError::Torch { path: self.path.clone(), cause })
        })
    }

    /// The outputs of the first token head that was asked for, to decode them several times with other offsets.
    ///
    /// # Errors
    /// As [`Self::infer`], and where no token head was asked for.
    pub fn token_outputs(&mut self, batch: &TokenBatch) -> Result<TokenOutputs, ModelError> {
        self.check_ids(batch)?;
        let outputs = tch::no_grad(|| {
            let states = self.encoder.encode(batch)?;
            let outputs = self.heads.token_outputs(&states, batch);
            outputs.map_err(|cause| ModelError::Torch { path: self.path.clone(), cause })
        })?;
        outputs.ok_or_else(|| ModelError::Invalid {
            path: self.path.join("model.toml"),
            cause: "no token head has been loaded".into(),
        })
    }

    /// For each segment of the batch of `outputs` the labels of its tokens, with `offsets`, one for each label, added to the
    /// scores. They are the labels that [`Self::infer`] gives if the manifest has these offsets.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn decode(&self, outputs: &TokenOutputs, offsets: &[f64]) -> Result<Vec<Vec<usize>>, ModelError> {
        tch::no_grad(|| self.heads.decode(outputs, offsets))
            .map_err(|cause| ModelError::Torch { path: self.path.clone(), cause })
    }

    /// Checks that the encoder knows every token: a tokenizer may belong to another encoder, and libtorch does not check on a
    /// GPU.
    fn check_ids(&self, batch: &TokenBatch) -> Result<(), ModelError> {
        match batch.ids().iter().find(|&&id| id >= self.vocabulary) {
            None => Ok(()),
            Some(id) => Err(ModelError::Invalid {
                path: self.path.join("tokenizer.json"),
                cause: format!("it gives token {id}, and the encoder knows {} tokens", self.vocabulary).into(),
            }),
        }
    }

    /// True if the outputs for a passage are the same to the last bit whatever else is in its batch. That depends on the code that
    /// libtorch has for this processor, so it is tested: a passage alone, and among others in batches of several sizes.
    ///
    /// # Errors
    /// As [`Self::infer`].
    pub fn is_batch_invariant(&mut self) -> Result<bool, ModelError> {
        /// Numbers of neighbours, each of 43 tokens.
        const NEIGHBOURS: [usize; 3] = [0, 11, 24];
        if !self.encoder.is_packed() || self.device != tch::Device::Cpu {
            return Ok(false);
        }
        // Any vocabulary has at least eight entries.
        let ids: Vec<u32> = (0..43).map(|place| place * place % 8).collect();
        let mut outputs = Vec::with_capacity(NEIGHBOURS.len());
        for neighbours in NEIGHBOURS {
            let others = std::iter::repeat_n(ids.as_slice(), neighbours);
            let batch = TokenBatch::from_rows(std::iter::once(&ids[..11]).chain(others));
            outputs.push(self.infer(&batch)?.swap_remove(0));
        }
        Ok(outputs.iter().all(|output| *output == outputs[0]))
    }

    /// The number of tokens that are computed for `batch`, padding included.
    #[must_use]
    pub fn computed_tokens(&self, batch: &TokenBatch) -> usize {
        self.encoder.computed_tokens(batch)
    }

    /// Computes the matrix products of the encoder's linear layers for `tokens` tokens, and nothing else: a lower bound of the
    /// time of a pass, for benchmarks. `None` for encoders that are not packed.
    #[must_use]
    pub fn products(&self, tokens: usize) -> Option<Result<(), ModelError>> {
        tch::no_grad(|| self.encoder.products(tokens))
    }
}

impl Runtime {
    /// Resolves `precision`, `device` and a number of `workers` (`None` for as many as the machine has cores or GPUs) on this
    /// machine. Gives libtorch one thread a worker.
    ///
    /// # Errors
    /// [`ModelError::NoCuda`] if a GPU is wanted and there is none.
    pub fn resolve(precision: Precision, device: Device, workers: Option<usize>) -> Result<Self, ModelError> {
        tch::set_num_threads(1);
        let available = match device {
            Device::Cpu => std::thread::available_parallelism().map_or(1, usize::from),
            Device::Cuda => cuda_devices()?,
        };
        let has_bf16 = device == Device::Cuda || multiplies_bf16();
        Ok(Self {
            precision: match precision {
                Precision::Bf16 => FloatType::Bf16,
                Precision::Auto if has_bf16 => FloatType::Bf16,
                Precision::Auto | Precision::F32 => FloatType::F32,
            },
            device,
            // A GPU has one worker: more would only share it.
            workers: workers.unwrap_or(available).min(if device == Device::Cuda { available } else { usize::MAX }),
        })
    }

    /// Gives one model `threads` threads for each matrix product. For commands in which nothing else runs.
    pub fn use_threads(&self, threads: usize) {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
    }
}

impl FloatType {
    /// Its name in configurations and reports. It is part of fingerprints and of cache keys, so it never changes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }

    /// Its name in libtorch.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Bf16 => Kind::BFloat16,
            Self::F32 => Kind::Float,
        }
    }
}

impl std::fmt::Display for FloatType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

fn cuda_devices() -> Result<usize, ModelError> {
    if !tch::Cuda::is_available() {
        return Err(ModelError::NoCuda { found: "a libtorch for the CPU only, or no driver" });
    }
    match usize::try_from(tch::Cuda::device_count()) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(ModelError::NoCuda { found: "no GPU" }),
    }
}

/// A description of this kind of processor, one property a line: libtorch has other code for other kinds, which rounds
/// differently.
#[must_use]
pub fn processor() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let first_core = cpuinfo.split("\n\n").next().unwrap_or_default();
    let mut description = std::env::consts::ARCH.to_owned();
    for line in first_core.lines() {
        if ["model name", "flags", "Features", "CPU part"].iter().any(|name| line.starts_with(name)) {
            description.push('\n');
            description.push_str(line);
        }
    }
    description
}

/// The encoder in `folder`: packed if we have a packed network of its family, otherwise in rectangles.
fn load_encoder(folder: &Path, device: tch::Device, kind: Kind) -> Result<Box<dyn Encoder>, ModelError> {
    match PackedBert::load(folder, device, kind)? {
        Some(packed) => Ok(Box::new(packed)),
        None => Ok(Box::new(PaddedEncoder::load(folder, device, kind)?)),
    }
}

/// A size in the type that libtorch has for sizes.
pub(crate) fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_the_encoder_does_not_know_is_rejected() {
        let folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = Runtime::resolve(Precision::F32, Device::Cpu, Some(1)).unwrap();
        let mut model = folder.load(&runtime, 0, &["topic"]).unwrap();
        let mut infer = |ids: &[u32]| model.infer(&TokenBatch::from_rows(std::iter::once(ids)));
        assert!(infer(&[101, 30521, 102]).is_ok());
        let message = crate::causes::chain(&infer(&[101, 30522, 102]).unwrap_err());
        assert!(message.ends_with("it gives token 30522, and the encoder knows 30522 tokens"), "{message}");
    }

    #[test]
    fn kept_outputs_are_decoded_as_if_the_manifest_had_the_offsets() {
        let mut folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = Runtime::resolve(Precision::F32, Device::Cpu, Some(1)).unwrap();
        let text = folder.tokenizer().unwrap().tokenize("\"It will rain,\" Ann Lee told reporters on Monday.").unwrap();
        let ids = text.ids;
        let batch = TokenBatch::from_rows([ids.as_slice(), &ids[..9]].into_iter());
        folder.manifest.heads["attribution"].offsets.clear();
        let mut plain = folder.load(&runtime, 0, &["attribution"]).unwrap();
        let outputs = plain.token_outputs(&batch).unwrap();
        let mut different = std::collections::HashSet::new();
        for offset in [-4.0, -0.6, 0.2, 6.0] {
            let offsets = vec![0.0, offset, 0.0, 0.2, -offset, offset, 0.4];
            folder.manifest.heads["attribution"].offsets.clone_from(&offsets);
            let mut shifted = folder.load(&runtime, 0, &["attribution"]).unwrap();
            let expected: Vec<Vec<usize>> =
                shifted.infer(&batch).unwrap().into_iter().map(|mut output| output.tokens.remove(0)).collect();
            assert_eq!(plain.decode(&outputs, &offsets).unwrap(), expected, "{offset}");
            different.insert(expected);
        }
        assert!(different.len() > 1, "the offsets change labels");
        let mut sequence = folder.load(&runtime, 0, &["topic"]).unwrap();
        assert!(sequence.token_outputs(&batch).is_err());
    }
}
