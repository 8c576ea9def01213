//! The targets of a batch for one head, as tensors.

use tch::{Kind, TchError, Tensor};

use super::data::{Data, Row, Target};
use super::{loss, to_i64};
use crate::model::TokenBatch;

/// The targets of a batch for one head.
pub(super) struct Targets {
    /// The indices of the segments, or of the tokens, that have a target.
    pub(super) places: Vec<i64>,
    /// For each place the share of each label, in a row.
    shares: Vec<f32>,
    /// The weight of each place in the loss.
    pub(super) weights: Vec<f32>,
    /// 1 for each place whose shares are a mask of allowed labels, 0 for others.
    is_mask: Vec<f32>,
    labels: usize,
}

impl Targets {
    /// Collects the targets of `batch`, which stands `copies` times in `tokens`, for the head with the index `head`.
    pub(super) fn new(
        head: usize,
        labels: usize,
        data: &Data,
        batch: &[Row],
        tokens: &TokenBatch,
        copies: usize,
    ) -> Self {
        let mut targets =
            Self { places: Vec::new(), shares: Vec::new(), weights: Vec::new(), is_mask: Vec::new(), labels };
        let mut segment = 0;
        for &pick in std::iter::repeat_n(batch, copies).flatten().flatten() {
            let example = &data.examples[pick.example];
            let document = segment;
            let first = segment + data.first_segment(pick);
            segment += data.passage(pick).segments.len();
            for of_head in example.targets_of(head) {
                #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
                let weight = of_head.weight_of_each as f32;
                if let Some((target, weight)) = &of_head.document {
                    #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
                    targets.add(target, document, tokens.segments()[document].start, *weight as f32);
                }
                for (place, target) in (first..).zip(&of_head.segments) {
                    targets.add(target, place, tokens.segments()[place].start, weight);
                }
            }
        }
        targets
    }

    fn add(&mut self, target: &Target, segment: usize, first_token: usize, weight: f32) {
        match target {
            Target::Unknown => {}
            Target::Label(shares) => self.push(segment, shares, weight, false),
            Target::OneOf(mask) => self.push(segment, mask, weight, true),
            Target::Tokens(tokens) => {
                for (token, shares) in (first_token..).zip(tokens) {
                    self.push(token, shares, weight, false);
                }
            }
        }
    }

    fn push(&mut self, place: usize, shares: &[f32], weight: f32, is_mask: bool) {
        self.is_mask.push(if is_mask { 1.0 } else { 0.0 });
        self.places.push(to_i64(place));
        self.shares.extend(shares);
        self.weights.push(weight);
    }

    /// The divergence between two passes of the same examples.
    pub(super) fn divergence(&self, outputs: &Tensor) -> Result<Tensor, TchError> {
        let weights = &self.weights[..self.weights.len() / 2];
        loss::divergence(outputs, &Tensor::from_slice(weights))
    }

    /// The share of each label, of the shape `[places, labels]`. Where several labels are allowed, the shares are the head's own
    /// probabilities in `outputs`, restricted to them: the loss is then that of their total probability.
    pub(super) fn shares(&self, outputs: &Tensor) -> Result<Tensor, TchError> {
        let shares = Tensor::from_slice(&self.shares).f_view([-1, to_i64(self.labels)])?;
        if !self.is_mask.contains(&1.0) {
            return Ok(shares);
        }
        let is_mask = Tensor::from_slice(&self.is_mask).f_view([-1, 1])?;
        let allowed = outputs.f_detach()?.f_softmax(-1, Kind::Float)?.f_mul(&shares)?;
        let total = allowed.f_sum_dim_intlist(-1, true, Kind::Float)?;
        let restricted = allowed.f_div(&total.f_clamp_min(f64::from(f32::MIN_POSITIVE))?)?;
        // shares + is_mask * (restricted - shares)
        shares.f_add(&is_mask.f_mul(&restricted.f_sub(&shares)?)?)
    }
}
