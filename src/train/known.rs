//! What is known of a batch, as tensors.

use tch::{Kind, TchError, Tensor};

use super::data::{Data, Row, Truth};
use super::{loss, to_i64};
use crate::model::TokenBatch;

/// What is known of a batch for one head.
pub(super) struct Known {
    /// The segments, or the tokens, that something is known of.
    pub(super) places: Vec<i64>,
    /// How far each label applies to each of them.
    shares: Vec<f32>,
    /// How much each of them counts; those of a lesson sum up to its weight.
    pub(super) weights: Vec<f32>,
    /// 1 where the shares only say which labels are possible, 0 elsewhere.
    open: Vec<f32>,
    labels: usize,
}

impl Known {
    pub(super) fn of(
        head: usize,
        labels: usize,
        data: &Data,
        batch: &[Row],
        tokens: &TokenBatch,
        copies: usize,
    ) -> Self {
        let mut known = Self { places: Vec::new(), shares: Vec::new(), weights: Vec::new(), open: Vec::new(), labels };
        let mut segment = 0;
        for &pick in std::iter::repeat_n(batch, copies).flatten().flatten() {
            let example = &data.examples[pick.example];
            let document = segment;
            let first = segment + data.first_segment(pick);
            segment += data.passage(pick).segments.len();
            for lesson in example.lessons_of(head) {
                #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
                let weight = lesson.weight_of_each as f32;
                if let Some((truth, weight)) = &lesson.document {
                    #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
                    known.add(truth, document, tokens.segments()[document].start, *weight as f32);
                }
                for (place, truth) in (first..).zip(&lesson.truths) {
                    known.add(truth, place, tokens.segments()[place].start, weight);
                }
            }
        }
        known
    }

    fn add(&mut self, truth: &Truth, segment: usize, first_token: usize, weight: f32) {
        match truth {
            Truth::Unknown => {}
            Truth::Segment(shares) => self.push(segment, shares, weight, false),
            Truth::OneOf(mask) => self.push(segment, mask, weight, true),
            Truth::Tokens(tokens) => {
                (first_token..).zip(tokens).for_each(|(token, shares)| self.push(token, shares, weight, false));
            }
        }
    }

    fn push(&mut self, place: usize, shares: &[f32], weight: f32, is_open: bool) {
        self.open.push(if is_open { 1.0 } else { 0.0 });
        self.places.push(to_i64(place));
        self.shares.extend(shares);
        self.weights.push(weight);
    }

    /// How far two readings of the same examples differ.
    pub(super) fn divergence(&self, outputs: &Tensor) -> Result<Tensor, TchError> {
        let weights = &self.weights[..self.weights.len() / 2];
        loss::divergence(outputs, &Tensor::from_slice(weights))
    }

    /// How far each label applies, of the shape `[places, labels]`. Where only the possible labels are known they apply as
    /// far as the head, by its `outputs`, has it among them: its loss is then that of their probability together.
    pub(super) fn share_rows(&self, outputs: &Tensor) -> Result<Tensor, TchError> {
        let shares = Tensor::from_slice(&self.shares).f_view([-1, to_i64(self.labels)])?;
        if !self.open.contains(&1.0) {
            return Ok(shares);
        }
        let open = Tensor::from_slice(&self.open).f_view([-1, 1])?;
        let among = outputs.f_detach()?.f_softmax(-1, Kind::Float)?.f_mul(&shares)?;
        let among =
            among.f_div(&among.f_sum_dim_intlist(-1, true, Kind::Float)?.f_clamp_min(f64::from(f32::MIN_POSITIVE))?)?;
        // shares + open * (among - shares)
        shares.f_add(&open.f_mul(&among.f_sub(&shares)?)?)
    }
}
