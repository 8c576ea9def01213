//! Hidden states to what is reported: a linear layer a head, all in f32.

use std::collections::HashMap;
use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::encoder::HiddenStates;
use super::manifest::Temperature;
use super::path::Transitions;
use super::{HeadKind, Manifest, ModelError, Reading, TokenBatch};

/// The heads that were asked for, in that order.
#[derive(Debug)]
pub(super) struct Heads {
    sequences: Vec<Linear>,
    tokens: Vec<(Linear, Transitions)>,
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
                HeadKind::Sequence => heads.sequences.push(linear.over(head.temperature)),
                HeadKind::Token => heads.tokens.push((linear, Transitions::new(&head.labels))),
            }
        }
        Ok(heads)
    }

    pub(super) fn apply(&self, hidden: &HiddenStates, batch: &TokenBatch) -> Result<Vec<Reading>, TchError> {
        let mut readings = vec![Reading { sequences: Vec::new(), tokens: Vec::new() }; batch.segments().len()];
        let pooled = mean_pool(&hidden.states, batch)?;
        for head in &self.sequences {
            let probabilities = head.forward(&pooled)?.f_softmax(-1, Kind::Float)?.to_device(Device::Cpu);
            for (reading, row) in readings.iter_mut().zip(Vec::<Vec<f32>>::try_from(&probabilities)?) {
                reading.sequences.push(row);
            }
        }
        for (head, transitions) in &self.tokens {
            let scores = head.forward(&hidden.states)?.f_log_softmax(-1, Kind::Float)?.to_device(Device::Cpu);
            let paths = best_paths(&scores, transitions, batch)?;
            for (reading, (row, tokens)) in readings.iter_mut().zip(batch.segments()) {
                reading.tokens.push(paths[*row][tokens.clone()].to_vec());
            }
        }
        Ok(readings)
    }
}

/// The label of each token of each row, without padding.
fn best_paths(scores: &Tensor, transitions: &Transitions, batch: &TokenBatch) -> Result<Vec<Vec<usize>>, TchError> {
    let (width, labels) =
        (batch.width(), scores.size().last().map_or(1, |&labels| usize::try_from(labels).unwrap_or(1)));
    let scores = Vec::<f32>::try_from(scores.f_contiguous()?.f_view(-1)?)?;
    let row = |(row, length): (usize, &usize)| {
        let start = row * width * labels;
        transitions.best_path(&scores[start..start + length * labels])
    };
    Ok(batch.lengths().iter().enumerate().map(row).collect())
}

impl Linear {
    fn from_tensors(tensors: &HashMap<String, Tensor>, name: &str, device: Device) -> Option<Self> {
        let weight = tensors.get(&format!("{name}.weight"))?.to_kind(Kind::Float).transpose(0, 1).to_device(device);
        let bias = tensors.get(&format!("{name}.bias"))?.to_kind(Kind::Float).to_device(device);
        Some(Self { weight, bias })
    }

    /// Itself with its outputs divided by `temperature`.
    fn over(self, temperature: Option<Temperature>) -> Self {
        match temperature.map(Temperature::get) {
            Some(divisor) => Self { weight: self.weight / divisor, bias: self.bias / divisor },
            None => self,
        }
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_matmul(&self.weight)?.f_add(&self.bias)
    }
}

/// The mean over each segment's tokens, f32 of the shape `[segments, hidden size]`, of `states` in the shape
/// `[rows, width, hidden size]`.
pub(super) fn mean_pool(states: &Tensor, batch: &TokenBatch) -> Result<Tensor, TchError> {
    // One product with a sparse matrix of shares costs less than a slice and a mean for each segment.
    let tokens = batch.lengths().len() * batch.width();
    let mut shares = vec![0_f32; batch.segments().len() * tokens];
    for ((row, segment), shares) in batch.segments().iter().zip(shares.chunks_exact_mut(tokens.max(1))) {
        let start = row * batch.width();
        #[expect(clippy::cast_precision_loss, reason = "a segment has some hundred tokens")]
        let share = 1.0 / segment.len().max(1) as f32;
        shares[start + segment.start..start + segment.end].fill(share);
    }
    let shape = [batch.segments().len(), tokens].map(|size| i64::try_from(size).unwrap_or(i64::MAX));
    let shares = Tensor::from_slice(&shares).f_view(shape)?.to_device(states.device());
    shares.f_matmul(&states.f_reshape([shape[1], -1])?)
}
