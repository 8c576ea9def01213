//! A model: one encoder, any number of heads, a tokenizer, and a manifest that lists them.
//!
//! On a CPU a BERT runs by our own code (`bert.rs`). What needs libtorch is in `torch`, which is only there with the Cargo feature of that
//! name: GPUs and other families. A `Model` lives on one thread; copies of it share their weights where they can.

/// Tokens of many passages, one after another.
pub mod batch;
/// BERT on CPUs, on a stream of tokens without padding.
mod bert;
/// `config.json`: the sizes of an encoder.
pub(crate) mod config;
/// The scores of a document and of its sentences, from each other's probabilities.
pub mod document;
/// Tokens to hidden states.
mod encoder;
/// The heads: hidden states to probabilities and token labels.
pub(crate) mod heads;
/// `model.toml`: the contents of a model folder, with checksums.
pub mod manifest;
/// The kernels of each kind of number.
mod numbers;
/// Sentences to passages.
pub mod passage;
/// Text to tokens.
pub mod tokenizer;
/// Encoders by libtorch.
#[cfg(feature = "torch")]
pub(crate) mod torch;
/// The meaning of a sentence as numbers.
mod vector;
/// The best allowed path through the scores of token labels.
mod viterbi;
/// Files of weights to numbers.
pub(crate) mod weights;
/// A cache of the tokens of words.
mod word_cache;

use std::path::{Path, PathBuf};

use pressrun_kernels::{has_amx, multiplies_bf16};
use serde::{Deserialize, Serialize};

pub use batch::TokenBatch;
pub use heads::TokenOutputs;
pub use manifest::{DocumentScaling, HeadKind, HeadManifest, Manifest, Report, TokenLimits};
pub use passage::{Passage, TokenizedText};
pub use tokenizer::Tokenizer;
pub use vector::SentenceVector;

use crate::config::{Device, Precision};
use bert::BertConfig;
use config::EncoderConfig;
use encoder::Encoder;
use heads::Heads;

/// Raise it by one if the same passage, weights and precision no longer give the same outputs as before (tokens, kernels, heads), or
/// if the same text is cut into other passages. It is also part of the keys of cached outputs. See `src/revisions.rs`.
pub const REVISION: u32 = 5;

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
    /// bf16 was asked for, and there are no kernels for it.
    #[error("`precision = \"bf16\"` needs {needed}; `auto` takes f32 here")]
    NoBf16 {
        /// What is missing.
        needed: &'static str,
    },
    /// The same bits on every processor were asked for, and cannot be had.
    #[error("{fault} does not give the same results on every processor: `[run] portable` needs a BERT in f32 on a CPU")]
    NotPortable {
        /// What stands in the way.
        fault: &'static str,
    },
    /// This build has no libtorch.
    #[error("{wanted} needs libtorch, and this build has none: build with the Cargo feature `torch`")]
    NoTorch {
        /// What was asked for.
        wanted: &'static str,
    },
    /// libtorch refused an operation.
    #[error("libtorch failed on `{}`", path.display())]
    Torch {
        /// The model's folder or file.
        path: PathBuf,
        /// The error of libtorch.
        #[source]
        cause: Cause,
    },
    /// The encoder or a head refused an operation.
    #[error("the model failed")]
    Encoder {
        /// The error of the kernels, of libtorch or of rust-bert.
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
    /// The number of threads that share a linear layer of one copy. Results do not depend on it.
    #[serde(skip)]
    pub threads: usize,
}

/// The class of this processor by the way in which it multiplies bf16: `amx`, `bf16`, or `f32` if it does not. Scores in bf16 differ by
/// class in their last digits.
#[must_use]
pub fn processor_class() -> &'static str {
    if has_amx() {
        "amx"
    } else if multiplies_bf16() {
        "bf16"
    } else {
        "f32"
    }
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
    device: Device,
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

    /// The precision, the device and the number of `workers` (`None` for as many as the machine has cores or GPUs) for this model on this
    /// machine.
    ///
    /// # Errors
    /// [`ModelError::NoCuda`] if a GPU is wanted and there is none, [`ModelError::NoBf16`] if bf16 is wanted and cannot be computed.
    pub fn runtime(&self, precision: Precision, device: Device, workers: Option<usize>) -> Result<Runtime, ModelError> {
        let runtime = Runtime::resolve(precision, device, workers)?;
        let Some(config) = BertConfig::load(&self.path)?.filter(|_| device == Device::Cpu) else { return Ok(runtime) };
        let needed = if !multiplies_bf16() {
            "a processor with AVX-512 and instructions for bf16"
        } else if !config.fits_bf16() {
            "a model whose sizes are multiples of 32"
        } else {
            return Ok(runtime);
        };
        match precision {
            Precision::Bf16 => Err(ModelError::NoBf16 { needed }),
            Precision::Auto | Precision::F32 => Ok(Runtime { precision: FloatType::F32, ..runtime }),
        }
    }

    /// As [`Self::runtime`], with results that are the same bits on every processor.
    ///
    /// # Errors
    /// [`ModelError::NotPortable`] if bf16 or a GPU is asked for, or the model is one that libtorch runs.
    pub fn portable_runtime(
        &self,
        precision: Precision,
        device: Device,
        workers: Option<usize>,
    ) -> Result<Runtime, ModelError> {
        if precision == Precision::Bf16 {
            return Err(ModelError::NotPortable { fault: "`precision = \"bf16\"`" });
        }
        if device != Device::Cpu {
            return Err(ModelError::NotPortable { fault: "`device = \"cuda\"`" });
        }
        if BertConfig::load(&self.path)?.is_none() {
            return Err(ModelError::NotPortable { fault: "a model of another family than BERT" });
        }
        self.runtime(Precision::F32, device, workers)
    }

    /// Loads one copy of it for the worker with the number `worker`, from 0, with the heads named in `heads`. On GPUs a worker's
    /// number is that of its GPU.
    ///
    /// # Errors
    /// If there is no such head, or weights are missing or do not fit `config.json`.
    pub fn load(&self, runtime: &Runtime, worker: usize, heads: &[&str]) -> Result<Model, ModelError> {
        let config = EncoderConfig::load(&self.path.join("config.json"))?;
        config.check_limits(self.manifest.limits()).map_err(|fault| self.invalid(fault.into()))?;
        let encoder = load_encoder(&self.path, &config, runtime, worker)?;
        let wanted = heads.iter().map(|name| self.head(name)).collect::<Result<Vec<_>, _>>()?;
        let heads = Heads::load(&self.path.join("heads.safetensors"), &wanted, config.hidden_size)?;
        Ok(Model { path: self.path.clone(), device: runtime.device, vocabulary: config.vocab_size, encoder, heads })
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

    /// A copy for another thread that shares the weights of this one. `None` if they cannot be shared.
    #[must_use]
    pub fn sharing_weights(&self) -> Option<Self> {
        let encoder = self.encoder.sharing_weights()?;
        Some(Self {
            path: self.path.clone(),
            device: self.device,
            vocabulary: self.vocabulary,
            encoder,
            heads: self.heads.clone(),
        })
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
        let states = self.encoder.encode(batch)?;
        self.heads.apply(&states, batch).map_err(failed)
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
        let states = self.encoder.encode(batch)?;
        self.heads.token_probabilities(&states, batch).map_err(failed)
    }

    /// The outputs of the first token head that was asked for, to decode them several times with other offsets.
    ///
    /// # Errors
    /// As [`Self::infer`], and where no token head was asked for.
    pub fn token_outputs(&mut self, batch: &TokenBatch) -> Result<TokenOutputs, ModelError> {
        self.check_ids(batch)?;
        let states = self.encoder.encode(batch)?;
        let outputs = self.heads.token_outputs(&states, batch).map_err(failed)?;
        outputs.ok_or_else(|| ModelError::Invalid {
            path: self.path.join("model.toml"),
            cause: "no token head has been loaded".into(),
        })
    }

    /// For each segment of the batch of `outputs` the labels of its tokens, with `offsets`, one for each label, added to the
    /// scores. They are the labels that [`Self::infer`] gives if the manifest has these offsets.
    ///
    /// # Errors
    /// Where there are not as many offsets as labels.
    pub fn decode(&self, outputs: &TokenOutputs, offsets: &[f64]) -> Result<Vec<Vec<usize>>, ModelError> {
        self.heads.decode(outputs, offsets).map_err(failed)
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

    /// True if the outputs for a passage are the same to the last bit whatever else is in its batch. It is tested with a passage
    /// alone, and among others in batches of several sizes.
    ///
    /// # Errors
    /// As [`Self::infer`].
    pub fn is_batch_invariant(&mut self) -> Result<bool, ModelError> {
        /// Numbers of neighbours, each of 43 tokens.
        const NEIGHBOURS: [usize; 3] = [0, 11, 24];
        if !self.encoder.is_packed() || self.device != Device::Cpu {
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
        self.encoder.products(tokens)
    }
}

impl Runtime {
    /// Resolves `precision`, `device` and a number of `workers` (`None` for as many as the machine has cores or GPUs) on this
    /// machine, for a model of any kind. See [`ModelFolder::runtime`].
    ///
    /// # Errors
    /// [`ModelError::NoCuda`] if a GPU is wanted and there is none.
    pub fn resolve(precision: Precision, device: Device, workers: Option<usize>) -> Result<Self, ModelError> {
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
            threads: 1,
        })
    }

    /// Itself with so many threads for each linear layer. For commands in which nothing else runs.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The kernels that compute results, by what they are chosen by: f32 on a CPU gives the same bits on every processor, bf16 on those of
    /// one class, and a GPU on those of one kind.
    #[must_use]
    pub fn kernels(&self) -> String {
        match (self.device, self.precision) {
            (Device::Cuda, precision) => format!("cuda {precision}"),
            (Device::Cpu, FloatType::F32) => "f32".to_owned(),
            (Device::Cpu, FloatType::Bf16) if has_amx() => "bf16 amx".to_owned(),
            (Device::Cpu, FloatType::Bf16) => "bf16 avx512".to_owned(),
        }
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
}

impl std::fmt::Display for FloatType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "torch")]
use torch::cuda_devices;

#[cfg(not(feature = "torch"))]
fn cuda_devices() -> Result<usize, ModelError> {
    Err(ModelError::NoTorch { wanted: "`device = \"cuda\"`" })
}

/// The encoder in `folder`: by our own code on a CPU if we have a network of its family, otherwise by libtorch.
fn load_encoder(
    folder: &Path,
    config: &EncoderConfig,
    runtime: &Runtime,
    worker: usize,
) -> Result<Box<dyn Encoder>, ModelError> {
    if runtime.device == Device::Cpu
        && let Some(bert) = BertConfig::load(folder)?
    {
        return bert::load(folder, &bert, config, runtime);
    }
    #[cfg(feature = "torch")]
    return torch::load_encoder(folder, runtime, worker);
    #[cfg(not(feature = "torch"))]
    {
        let _ = worker;
        Err(ModelError::NoTorch { wanted: "a model of this family" })
    }
}

fn failed(cause: pressrun_kernels::ShapeError) -> ModelError {
    ModelError::Encoder { cause: cause.into() }
}

/// A size in the type that `config.json` and libtorch have for sizes.
pub(crate) fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_the_encoder_does_not_know_is_rejected() {
        let folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = folder.runtime(Precision::F32, Device::Cpu, Some(1)).unwrap();
        let mut model = folder.load(&runtime, 0, &["topic"]).unwrap();
        let mut infer = |ids: &[u32]| model.infer(&TokenBatch::from_rows(std::iter::once(ids)));
        assert!(infer(&[101, 30521, 102]).is_ok());
        let message = crate::causes::chain(&infer(&[101, 30522, 102]).unwrap_err());
        assert!(message.ends_with("it gives token 30522, and the encoder knows 30522 tokens"), "{message}");
    }

    #[test]
    fn portable_results_need_f32_on_a_cpu() {
        let folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = folder.portable_runtime(Precision::Auto, Device::Cpu, Some(1)).unwrap();
        assert_eq!((runtime.precision, runtime.kernels().as_str()), (FloatType::F32, "f32"));
        for (precision, device) in [(Precision::Bf16, Device::Cpu), (Precision::Auto, Device::Cuda)] {
            let error = folder.portable_runtime(precision, device, Some(1)).unwrap_err();
            assert!(error.to_string().contains("portable"), "{error}");
        }
    }

    #[test]
    fn copies_share_weights_and_give_the_same_outputs() {
        let folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = folder.runtime(Precision::Auto, Device::Cpu, Some(2)).unwrap();
        let mut first = folder.load(&runtime, 0, &["topic", "attribution"]).unwrap();
        let mut second = first.sharing_weights().expect("a BERT shares them");
        let batch = TokenBatch::from_rows([&[101, 2023, 2003, 102][..], &[101, 102]].into_iter());
        assert_eq!(first.infer(&batch).unwrap(), second.infer(&batch).unwrap());
    }

    #[test]
    fn kept_outputs_are_decoded_as_if_the_manifest_had_the_offsets() {
        let mut folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).unwrap();
        let runtime = folder.runtime(Precision::F32, Device::Cpu, Some(1)).unwrap();
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
