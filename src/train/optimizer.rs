//! `AdamW` (Loshchilov & Hutter 2019) that keeps weights in f32 whatever the network computes in: in bf16 the small steps
//! of fine-tuning would be lost to rounding. It also keeps an exponential moving average (EMA) of the weights.
//!
//! A batch uses about one in thirty rows of the word embeddings, which are half of a small encoder. Only those rows are
//! updated, and they are not averaged: the average of a rare word would hardly move away from its start.

use std::collections::HashMap;

use tch::nn::VarStore;
use tch::{Kind, TchError, Tensor};

use super::count;
use super::network::Network;
use super::recipe::TrainingRecipe;

const FIRST_MOMENT: f64 = 0.9;
const SECOND_MOMENT: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The weights of a network with the state of the optimizer.
pub(super) struct Optimizer {
    weights: Vec<Weight>,
    /// Steps taken.
    pub(super) steps: usize,
    clip_norm: f64,
    weight_decay: f64,
    ema_decay: f64,
}

/// One tensor of weights.
struct Weight {
    /// `encoder.` or `heads.` and the name in the network.
    name: String,
    /// The network's own tensor, in the precision that it computes in.
    used: Tensor,
    fitted: Fitted,
    /// The moving average, f32. For a sparse weight this is the weight itself.
    average: Tensor,
    learning_rate: f64,
    /// Biases and norms do not decay.
    decays: bool,
    /// Only the rows that a batch uses are updated.
    is_sparse: bool,
}

/// Master weights and their moments, all f32.
struct Fitted {
    weights: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
}

/// The settings of one step, for all weights.
#[derive(Clone, Copy)]
struct Rate {
    /// The share of each weight's learning rate, 0 to 1.
    schedule: f64,
    decay: f64,
    /// The bias corrections of the two moments.
    corrections: (f64, f64),
}

impl Optimizer {
    pub(super) fn new(network: &Network, recipe: &TrainingRecipe) -> Self {
        let mut weights = fitted(&network.encoder_weights, "encoder.", recipe);
        weights.extend(fitted(&network.head_weights, "heads.", recipe));
        Self {
            weights,
            steps: 0,
            clip_norm: recipe.clip_norm,
            weight_decay: recipe.weight_decay,
            ema_decay: recipe.ema_decay.get(),
        }
    }

    /// Updates the weights by the gradients of a batch with the token ids `ids`, with the learning rates scaled by `schedule`
    /// (0 to 1). Gives the norm of the gradient before clipping.
    pub(super) fn step(&mut self, schedule: f64, ids: &[i64]) -> Result<f64, TchError> {
        self.steps += 1;
        let mut rows = ids.to_vec();
        rows.sort_unstable();
        rows.dedup();
        let rows = Tensor::from_slice(&rows);
        tch::no_grad(|| {
            let gradients = self.weights.iter().map(|weight| weight.gradient(&rows)).collect::<Result<Vec<_>, _>>()?;
            let norm = norm(&gradients)?;
            let scale = if norm > self.clip_norm { self.clip_norm / norm } else { 1.0 };
            let rate = Rate { schedule, decay: self.weight_decay, corrections: self.corrections() };
            for (weight, gradient) in self.weights.iter_mut().zip(&gradients) {
                if let Some(gradient) = gradient {
                    let _ = gradient.shallow_clone().f_mul_scalar_(scale)?;
                    weight.step(gradient, rate, &rows)?;
                }
                weight.update_average(self.ema_decay, self.steps)?;
            }
            Ok(norm)
        })
    }

    fn corrections(&self) -> (f64, f64) {
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        (1.0 - FIRST_MOMENT.powi(steps), 1.0 - SECOND_MOMENT.powi(steps))
    }

    /// The average weights whose names begin with `prefix`, without it, in order of their names.
    pub(super) fn averages(&self, prefix: &str) -> Vec<(String, Tensor)> {
        let mut averages = Vec::new();
        for weight in &self.weights {
            if let Some(name) = weight.name.strip_prefix(prefix) {
                averages.push((name.to_owned(), weight.average.shallow_clone()));
            }
        }
        averages
    }

    /// The state that a later training continues from.
    pub(super) fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = Vec::new();
        for weight in &self.weights {
            for (kind, tensor) in STATE.into_iter().zip(weight.tensors()) {
                state.push((format!("{kind}.{}", weight.name), tensor));
            }
        }
        state
    }

    /// Restores a state. False if it belongs to other weights.
    pub(super) fn restore(&mut self, state: &HashMap<String, Tensor>, steps: usize) -> Result<bool, TchError> {
        self.steps = steps;
        tch::no_grad(|| {
            for weight in &mut self.weights {
                for (kind, mut tensor) in STATE.into_iter().zip(weight.tensors()) {
                    match state.get(&format!("{kind}.{}", weight.name)) {
                        Some(saved) if saved.size() == tensor.size() => tensor.f_copy_(saved)?,
                        _ => return Ok(false),
                    }
                }
                weight.used.f_copy_(&weight.fitted.weights)?;
            }
            Ok(true)
        })
    }
}

/// The tensors of a weight that are saved, by these names.
const STATE: [&str; 4] = ["weight", "first_moment", "second_moment", "average"];

impl Weight {
    /// Moves the gradient out of the network, as f32: all of it, or the `rows` of a sparse weight. `None` if the weight was not
    /// used.
    fn gradient(&self, rows: &Tensor) -> Result<Option<Tensor>, TchError> {
        let gradient = self.used.f_grad()?;
        if !gradient.defined() {
            return Ok(None);
        }
        let used = if self.is_sparse { gradient.f_index_select(0, rows)? } else { gradient.shallow_clone() };
        let copy = used.f_to_dtype(Kind::Float, false, true)?;
        let _ = gradient.shallow_clone().f_zero_()?;
        Ok(Some(copy))
    }

    fn step(&mut self, gradient: &Tensor, rate: Rate, rows: &Tensor) -> Result<(), TchError> {
        if !self.is_sparse {
            self.fitted.step(gradient, self.learning_rate, self.decays, rate)?;
            return self.used.f_copy_(&self.fitted.weights);
        }
        let mut chosen = self.fitted.rows(rows)?;
        chosen.step(gradient, self.learning_rate, self.decays, rate)?;
        self.fitted.put_rows(rows, &chosen)?;
        self.used.f_index_copy_(0, rows, &chosen.weights.f_to_kind(self.used.kind())?).map(drop)
    }

    /// Its tensors in the order of [`STATE`]. They share their storage with the weight.
    fn tensors(&self) -> [Tensor; 4] {
        let Fitted { weights, first_moment, second_moment } = &self.fitted;
        [weights, first_moment, second_moment, &self.average].map(Tensor::shallow_clone)
    }

    /// Updates the moving average. The decay rises to `ema_decay` over the first steps.
    fn update_average(&mut self, ema_decay: f64, steps: usize) -> Result<(), TchError> {
        if self.is_sparse {
            return Ok(());
        }
        let decay = ema_decay.min(count(steps) / (count(steps) + 9.0));
        if ema_decay == 0.0 {
            self.average.f_copy_(&self.fitted.weights)
        } else {
            self.average.f_lerp_(&self.fitted.weights, 1.0 - decay).map(drop)
        }
    }
}

impl Fitted {
    fn step(&mut self, gradient: &Tensor, learning_rate: f64, decays: bool, rate: Rate) -> Result<(), TchError> {
        let learning_rate = learning_rate * rate.schedule;
        let _ = self.first_moment.f_lerp_(gradient, 1.0 - FIRST_MOMENT)?;
        let _ = self.second_moment.f_lerp_(&gradient.f_square()?, 1.0 - SECOND_MOMENT)?;
        let mut divisor = self.second_moment.f_sqrt()?;
        let _ = divisor.f_div_scalar_(rate.corrections.1.sqrt())?.f_add_scalar_(EPSILON)?;
        let mut change = self.first_moment.f_div(&divisor)?;
        let _ = change.f_mul_scalar_(-learning_rate / rate.corrections.0)?;
        if decays {
            let _ = self.weights.f_mul_scalar_(1.0 - learning_rate * rate.decay)?;
        }
        self.weights.f_add_(&change).map(drop)
    }

    /// A copy of some rows.
    fn rows(&self, rows: &Tensor) -> Result<Self, TchError> {
        Ok(Self {
            weights: self.weights.f_index_select(0, rows)?,
            first_moment: self.first_moment.f_index_select(0, rows)?,
            second_moment: self.second_moment.f_index_select(0, rows)?,
        })
    }

    fn put_rows(&mut self, rows: &Tensor, from: &Self) -> Result<(), TchError> {
        let _ = self.weights.f_index_copy_(0, rows, &from.weights)?;
        let _ = self.first_moment.f_index_copy_(0, rows, &from.first_moment)?;
        self.second_moment.f_index_copy_(0, rows, &from.second_moment).map(drop)
    }
}

/// The trainable weights of a store, in order of their names.
fn fitted(store: &VarStore, prefix: &str, recipe: &TrainingRecipe) -> Vec<Weight> {
    let mut variables: Vec<_> = store.variables().into_iter().collect();
    variables.sort_by(|(a, _), (b, _)| a.cmp(b));
    let layers = 1 + variables.iter().filter_map(|(name, _)| layer(name)).max().unwrap_or(0);
    let mut weights = Vec::new();
    for (name, used) in variables {
        let is_sparse = name.contains("word_embeddings");
        let master = used.detach().to_dtype(Kind::Float, false, true);
        let learning_rate = if prefix == "heads." {
            recipe.head_learning_rate
        } else {
            // The embeddings count as the layer below the first.
            let depth = layers - layer(&name).map_or(0, |layer| layer + 1);
            recipe.learning_rate * recipe.layer_decay.get().powi(depth)
        };
        weights.push(Weight {
            learning_rate,
            decays: used.dim() > 1,
            average: if is_sparse { master.shallow_clone() } else { master.copy() },
            fitted: Fitted { first_moment: master.zeros_like(), second_moment: master.zeros_like(), weights: master },
            name: format!("{prefix}{name}"),
            used,
            is_sparse,
        });
    }
    weights
}

/// The encoder layer of a weight, from 0.
fn layer(name: &str) -> Option<i32> {
    name.split_once("layer.").and_then(|(_, rest)| rest.split('.').next()).and_then(|number| number.parse().ok())
}

/// The norm of all gradients together.
fn norm(gradients: &[Option<Tensor>]) -> Result<f64, TchError> {
    let mut squares = Vec::new();
    for gradient in gradients.iter().flatten() {
        let norm = gradient.f_norm()?;
        squares.push(norm.f_mul(&norm)?);
    }
    f64::try_from(Tensor::f_stack(&squares, 0)?.f_sum(Kind::Double)?.f_sqrt()?)
}
