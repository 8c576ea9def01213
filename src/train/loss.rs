//! The loss of a head's outputs against their targets.

use tch::{Kind, TchError, Tensor};

/// The loss function of a head.
#[derive(Debug)]
pub(super) struct Loss {
    /// The weight of each label, f32 of the shape `[labels]`; their mean over the rows is 1.
    pub(super) label_weights: Tensor,
    /// Label smoothing: the share of each target that is spread over all labels.
    pub(super) smoothing: f64,
    /// The exponent of the focal loss (Lin et al. 2017).
    pub(super) focal: f64,
}

impl Loss {
    /// The weighted sum of the rows' cross-entropies of `outputs` with `shares`, both of the shape `[rows, labels]`. The
    /// weights have the shape `[rows]`.
    pub(super) fn sum(&self, outputs: &Tensor, shares: &Tensor, row_weights: &Tensor) -> Result<Tensor, TchError> {
        #[expect(clippy::cast_precision_loss, reason = "a head has some dozen labels")]
        let labels = self.label_weights.numel() as f64;
        let log = outputs.f_log_softmax(-1, Kind::Float)?;
        let smoothed = shares.f_mul_scalar(1.0 - self.smoothing)?.f_add_scalar(self.smoothing / labels)?;
        let mut loss = smoothed.f_mul(&log)?.f_sum_dim_intlist(-1, false, Kind::Float)?.f_neg()?;
        if self.focal > 0.0 {
            let right = shares.f_mul(&log.f_exp()?)?.f_sum_dim_intlist(-1, false, Kind::Float)?;
            loss = loss.f_mul(&right.f_neg()?.f_add_scalar(1.0)?.f_clamp_min(0.0)?.f_pow_tensor_scalar(self.focal)?)?;
        }
        let weights = shares.f_matmul(&self.label_weights)?.f_mul(row_weights)?;
        loss.f_mul(&weights)?.f_sum(Kind::Float)
    }
}

/// The weighted sum over rows of the symmetric Kullback-Leibler divergence between the two halves of `outputs`: two passes of
/// the same rows under dropout (R-Drop, Liang et al. 2021).
pub(super) fn divergence(outputs: &Tensor, row_weights: &Tensor) -> Result<Tensor, TchError> {
    let halves = outputs.f_log_softmax(-1, Kind::Float)?.f_chunk(2, 0)?;
    let first = &halves[0];
    let second = &halves[1];
    let difference = first.f_sub(second)?;
    let weighted = first.f_exp()?.f_sub(&second.f_exp()?)?.f_mul(&difference)?;
    let rows = weighted.f_sum_dim_intlist(-1, false, Kind::Float)?;
    rows.f_mul(row_weights)?.f_sum(Kind::Float)?.f_mul_scalar(0.5)
}

/// The class weight of each label, from the number of its rows in `counts`: its share to the power of `-rare_weight`, scaled so
/// that the mean over rows is 1. A label without rows has the weight 0.
pub(super) fn label_weights(counts: &[f64], rare_weight: f64) -> Vec<f32> {
    let total: f64 = counts.iter().sum();
    let mut raw = Vec::with_capacity(counts.len());
    for &count in counts {
        raw.push(if count > 0.0 { (count / total).powf(-rare_weight) } else { 0.0 });
    }
    let mean = raw.iter().zip(counts).map(|(weight, count)| weight * count / total).sum::<f64>();
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
    raw.iter().map(|weight| (weight / mean) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(smoothing: f64, focal: f64) -> Loss {
        Loss { label_weights: Tensor::from_slice(&[1.0_f32, 1.0]), smoothing, focal }
    }

    fn sum(loss: &Loss, outputs: [f32; 2], shares: [f32; 2]) -> f64 {
        let row = |values: [f32; 2]| Tensor::from_slice(&values).view([1, 2]);
        f64::try_from(loss.sum(&row(outputs), &row(shares), &Tensor::from_slice(&[1.0_f32])).unwrap()).unwrap()
    }

    #[test]
    fn a_confident_right_answer_has_no_loss() {
        assert!(sum(&loss(0.0, 0.0), [20.0, 0.0], [1.0, 0.0]) < 1e-6);
        assert!((sum(&loss(0.0, 0.0), [0.0, 0.0], [1.0, 0.0]) - 2_f64.ln()).abs() < 1e-6);
        assert!(sum(&loss(0.1, 0.0), [20.0, 0.0], [1.0, 0.0]) > 0.5, "unless labels are smoothed");
    }

    #[test]
    fn the_focal_loss_lowers_the_weight_of_easy_rows() {
        let (plain, focal) = (loss(0.0, 0.0), loss(0.0, 2.0));
        let share = |outputs| sum(&focal, outputs, [1.0, 0.0]) / sum(&plain, outputs, [1.0, 0.0]);
        assert!((share([0.0, 0.0]) - 0.25).abs() < 1e-5);
        assert!(share([3.0, 0.0]) < 0.01);
    }

    #[test]
    fn rare_labels_weigh_more_and_the_mean_is_one() {
        assert_eq!(label_weights(&[3.0, 1.0, 0.0], 0.0), [1.0, 1.0, 0.0]);
        let weights = label_weights(&[3.0, 1.0, 0.0], 1.0);
        assert!((weights[1] / weights[0] - 3.0).abs() < 1e-6 && weights[2] == 0.0);
        assert!((weights[0] * 0.75 + weights[1] * 0.25 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn equal_passes_do_not_diverge() {
        let outputs = Tensor::from_slice(&[1.0_f32, 2.0, 1.0, 2.0, 0.0, 5.0, 0.0, 5.0]).view([4, 2]);
        let ones = Tensor::from_slice(&[1.0_f32, 1.0]);
        let swapped = Tensor::from_slice(&[1.0_f32, 2.0, 0.0, 5.0, 1.0, 2.0, 0.0, 5.0]).view([4, 2]);
        assert!(f64::try_from(divergence(&outputs, &ones).unwrap()).unwrap() > 0.1);
        assert!(f64::try_from(divergence(&swapped, &ones).unwrap()).unwrap().abs() < 1e-6);
    }
}
