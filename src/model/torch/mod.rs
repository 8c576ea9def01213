//! Encoders by libtorch: on GPUs, of families that we have no code of our own for, and for training. The only place besides `train` that names
//! `tch`, and the only one that names `rust_bert`.

/// `MPNet`, a family of encoders that `rust_bert` lacks.
mod mpnet;
/// BERT on a stream of tokens, for GPUs.
mod packed;
/// Encoders on rectangles of tokens, with padding.
mod padded;
/// Tokens of many passages as a rectangle.
mod rectangle;
/// The networks of encoders. The only place that names `rust_bert`.
pub(crate) mod transformer;
/// Weights to tensors.
pub(crate) mod variables;

use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::batch::HiddenStates;
use super::bert::BertConfig;
use super::encoder::Encoder;
use super::{FloatType, ModelError, Runtime};
use crate::config;
use packed::PackedBert;
use padded::PaddedEncoder;

impl FloatType {
    /// Its name in libtorch.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Bf16 => Kind::BFloat16,
            Self::F32 => Kind::Float,
        }
    }
}

/// The encoder in `folder` for the worker with the number `worker`, which on GPUs is that of its GPU.
pub(super) fn load_encoder(folder: &Path, runtime: &Runtime, worker: usize) -> Result<Box<dyn Encoder>, ModelError> {
    tch::set_num_threads(i32::try_from(runtime.threads).unwrap_or(1));
    let device = match runtime.device {
        config::Device::Cuda => Device::Cuda(worker),
        config::Device::Cpu => Device::Cpu,
    };
    let kind = runtime.precision.kind();
    match BertConfig::load(folder)? {
        Some(config) => Ok(Box::new(PackedBert::load(folder, &config, device, kind)?)),
        None => Ok(Box::new(PaddedEncoder::load(folder, device, kind)?)),
    }
}

/// The number of GPUs.
///
/// # Errors
/// [`ModelError::NoCuda`] if there is none.
pub(super) fn cuda_devices() -> Result<usize, ModelError> {
    if !tch::Cuda::is_available() {
        return Err(ModelError::NoCuda { found: "a libtorch for the CPU only, or no driver" });
    }
    match usize::try_from(tch::Cuda::device_count()) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(ModelError::NoCuda { found: "no GPU" }),
    }
}

/// The hidden states in `tensor`, of the shape `[rows, hidden size]`.
fn hidden_states(tensor: &Tensor) -> Result<HiddenStates, TchError> {
    let (_, size) = tensor.size2()?;
    let values = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?.f_view(-1)?;
    Ok(HiddenStates { values: Vec::try_from(values)?, size: usize::try_from(size).unwrap_or(0) })
}

fn failed(cause: TchError) -> ModelError {
    ModelError::Encoder { cause: cause.into() }
}
