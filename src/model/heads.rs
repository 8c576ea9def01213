//! Hidden states to what is reported: a linear layer a head, all in f32.

use std::collections::HashMap;
use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::encoder::HiddenStates;
use super::{HeadKind, Manifest, ModelError, Reading, TokenBatch};

/// The heads that were asked for, in that order.
#[derive(Debug)]
pub(super) struct Heads {
    sequences: Vec<Linear>,
    tokens: Vec<Linear>,
}

#[derive(Debug)]
struct Linear {
    /// Of the shape `[hidden size, labels]`.
    weight: Tensor,
    bias: Tensor,
}

impl Heads {
    pub(super) fn load(path: &Path, manifest: &Manifest, names: &[&str], device: Device) -> Result<Self, ModelError> {
        let torch = |cause| ModelError::Torch { path: path.to_owned(), cause };
        let tensors: HashMap<String, Tensor> = Tensor::read_safetensors(path).map_err(torch)?.into_iter().collect();
        let mut heads = Self { sequences: Vec::new(), tokens: Vec::new() };
        for name in names {
            let invalid =
                |what: &str| ModelError::Invalid { path: path.to_owned(), message: format!("head `{name}`: {what}") };
            let head = manifest.heads.get(*name).ok_or_else(|| invalid("not in the manifest"))?;
            let linear =
                Linear::from_tensors(&tensors, name, device).ok_or_else(|| invalid("weight or bias missing"))?;
            if linear.bias.size() != [i64::try_from(head.labels.len()).unwrap_or(0)] {
                return Err(invalid("another number of outputs than labels"));
            }
            match head.kind {
                HeadKind::Sequence => heads.sequences.push(linear),
                HeadKind::Token => heads.tokens.push(linear),
            }
        }
        Ok(heads)
    }

    pub(super) fn apply(&self, hidden: &HiddenStates, batch: &TokenBatch) -> Result<Vec<Reading>, TchError> {
        let mut readings = vec![Reading { sequences: Vec::new(), tokens: Vec::new() }; batch.lengths().len()];
        let pooled = mean_pool(hidden)?;
        for head in &self.sequences {
            let probabilities = head.forward(&pooled)?.f_softmax(-1, Kind::Float)?.to_device(Device::Cpu);
            for (reading, row) in readings.iter_mut().zip(Vec::<Vec<f32>>::try_from(&probabilities)?) {
                reading.sequences.push(row);
            }
        }
        for head in &self.tokens {
            let best = head.forward(&hidden.states)?.f_argmax(-1, false)?.to_device(Device::Cpu);
            let rows = Vec::<Vec<i64>>::try_from(&best)?;
            for ((reading, row), &length) in readings.iter_mut().zip(rows).zip(batch.lengths()) {
                reading
                    .tokens
                    .push(row.into_iter().take(length).filter_map(|label| usize::try_from(label).ok()).collect());
            }
        }
        Ok(readings)
    }
}

impl Linear {
    fn from_tensors(tensors: &HashMap<String, Tensor>, name: &str, device: Device) -> Option<Self> {
        let weight = tensors.get(&format!("{name}.weight"))?.to_kind(Kind::Float).transpose(0, 1).to_device(device);
        let bias = tensors.get(&format!("{name}.bias"))?.to_kind(Kind::Float).to_device(device);
        Some(Self { weight, bias })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_matmul(&self.weight)?.f_add(&self.bias)
    }
}

/// The mean over real tokens, of the shape `[texts, hidden size]`.
fn mean_pool(hidden: &HiddenStates) -> Result<Tensor, TchError> {
    let sum = hidden.states.f_mul(&hidden.mask)?.f_sum_dim_intlist(1, false, Kind::Float)?;
    sum.f_div(&hidden.mask.f_sum_dim_intlist(1, false, Kind::Float)?)
}
