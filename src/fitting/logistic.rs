//! Logistic regression with weighted rows and an L2 penalty, all in f64 and in a fixed order, so that the same rows give the same bits.
//!
//! Newton's method; each step is found by conjugate gradients (Lin, Weng and Keerthi, "Trust Region Newton Method for Logistic Regression",
//! 2008) and shortened until the objective falls.

/// The largest number of Newton steps.
const STEPS: usize = 40;
/// The largest number of conjugate gradients in a step.
const GRADIENTS: usize = 40;
/// The gradient at which the search ends, in proportion to the first one.
const TOLERANCE: f64 = 1e-4;

/// A row with its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'v> {
    /// The features.
    pub(super) vector: &'v [f64],
    /// True for a positive row.
    pub(super) is_positive: bool,
    /// The weight of the row, above 0.
    pub(super) weight: f64,
}

/// The coefficients of a line through the space of features.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// One coefficient for each feature; the last one is the bias.
    coefficients: Vec<f64>,
}

impl Line {
    /// A line that gives 0 everywhere.
    pub(super) fn zero(features: usize) -> Self {
        Self { coefficients: vec![0.0; features + 1] }
    }

    /// The coefficients of the features.
    pub(super) fn direction(&self) -> &[f64] {
        &self.coefficients[..self.coefficients.len() - 1]
    }

    /// The bias.
    pub(super) fn bias(&self) -> f64 {
        self.coefficients[self.coefficients.len() - 1]
    }

    /// The log-odds that a row with these features is positive.
    pub(super) fn log_odds(&self, vector: &[f64]) -> f64 {
        product(&self.coefficients, vector)
    }

    /// The line with the least loss: the weighted log loss of `rows`, plus half of `penalty` times the squared length of the direction. The
    /// search begins at `self`. The bias is not penalised.
    pub(super) fn fitted(mut self, rows: &[Row<'_>], penalty: f64) -> Self {
        let problem = Problem { rows, penalty };
        let mut state = problem.state(&self.coefficients);
        let first = length(&state.gradient);
        for _ in 0..STEPS {
            if length(&state.gradient) <= TOLERANCE * first.max(f64::MIN_POSITIVE) {
                break;
            }
            let step = problem.newton_step(&state);
            let Some((coefficients, next)) = problem.descend(&self.coefficients, &step, &state) else { break };
            self.coefficients = coefficients;
            state = next;
        }
        self
    }
}

/// The rows and the penalty.
struct Problem<'r, 'v> {
    rows: &'r [Row<'v>],
    penalty: f64,
}

/// The objective at a point, with what its derivatives need.
struct State {
    loss: f64,
    gradient: Vec<f64>,
    /// The second derivative of each row's loss by its log-odds, with the weight of the row.
    curvatures: Vec<f64>,
}

impl Problem<'_, '_> {
    fn state(&self, coefficients: &[f64]) -> State {
        let bias = coefficients.len() - 1;
        let mut loss = 0.0;
        let mut gradient: Vec<f64> = coefficients.iter().map(|value| self.penalty * value).collect();
        gradient[bias] = 0.0;
        for value in &coefficients[..bias] {
            loss += 0.5 * self.penalty * value * value;
        }
        let mut curvatures = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            let odds = product(coefficients, row.vector);
            let signed = if row.is_positive { odds } else { -odds };
            // ln(1 + exp(-x)) without overflow.
            loss += row.weight * ((-signed.abs()).exp().ln_1p() + (-signed).max(0.0));
            let probability = 1.0 / (1.0 + (-odds).exp());
            let error = row.weight * (probability - if row.is_positive { 1.0 } else { 0.0 });
            add_scaled(&mut gradient, error, row.vector);
            curvatures.push(row.weight * probability * (1.0 - probability));
        }
        State { loss, gradient, curvatures }
    }

    /// The product of the second derivatives and `direction`.
    fn curvature(&self, state: &State, direction: &[f64]) -> Vec<f64> {
        let bias = direction.len() - 1;
        let mut result: Vec<f64> = direction.iter().map(|value| self.penalty * value).collect();
        result[bias] = 0.0;
        for (row, curvature) in self.rows.iter().zip(&state.curvatures) {
            add_scaled(&mut result, curvature * product(direction, row.vector), row.vector);
        }
        result
    }

    /// The step at which the quadratic approximation is least, found by conjugate gradients.
    fn newton_step(&self, state: &State) -> Vec<f64> {
        let mut step = vec![0.0; state.gradient.len()];
        let mut rest: Vec<f64> = state.gradient.iter().map(|value| -value).collect();
        let mut direction = rest.clone();
        let mut rest_squared = squared(&rest);
        let enough = 0.01 * rest_squared;
        for _ in 0..GRADIENTS {
            if rest_squared <= enough {
                break;
            }
            let image = self.curvature(state, &direction);
            let bend: f64 = direction.iter().zip(&image).map(|(one, other)| one * other).sum();
            if bend <= 0.0 {
                break;
            }
            let distance = rest_squared / bend;
            for place in 0..step.len() {
                step[place] += distance * direction[place];
                rest[place] -= distance * image[place];
            }
            let next = squared(&rest);
            let share = next / rest_squared;
            rest_squared = next;
            for (value, rest) in direction.iter_mut().zip(&rest) {
                *value = rest + share * *value;
            }
        }
        step
    }

    /// Goes from `start` along `step`, as far as the objective falls enough. `None` if it does not fall.
    fn descend(&self, start: &[f64], step: &[f64], state: &State) -> Option<(Vec<f64>, State)> {
        /// The least fall, in proportion to that of a straight line.
        const ENOUGH: f64 = 1e-4;
        let slope: f64 = state.gradient.iter().zip(step).map(|(one, other)| one * other).sum();
        let mut distance = 1.0;
        for _ in 0..30 {
            let coefficients: Vec<f64> = start.iter().zip(step).map(|(value, step)| value + distance * step).collect();
            let next = self.state(&coefficients);
            if next.loss < state.loss + ENOUGH * distance * slope {
                return Some((coefficients, next));
            }
            distance /= 2.0;
        }
        None
    }
}

/// The product of coefficients and features, plus the bias.
fn product(coefficients: &[f64], vector: &[f64]) -> f64 {
    dot(&coefficients[..vector.len()], vector) + coefficients[vector.len()]
}

/// The sum of products, in four columns, so that the compiler can use vector instructions and the order stays the same.
pub(super) fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut columns = [0.0; 4];
    let (one_rows, one_rest) = one.as_chunks::<4>();
    let (other_rows, other_rest) = other.as_chunks::<4>();
    for (one, other) in one_rows.iter().zip(other_rows) {
        for place in 0..4 {
            columns[place] += one[place] * other[place];
        }
    }
    let rest: f64 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    (columns[0] + columns[1]) + (columns[2] + columns[3]) + rest
}

/// Adds `factor` times the features to `sums`, and `factor` to the last of them.
fn add_scaled(sums: &mut [f64], factor: f64, vector: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(vector) {
        *sum += factor * value;
    }
    if let Some(bias) = sums.last_mut() {
        *bias += factor;
    }
}

fn squared(values: &[f64]) -> f64 {
    dot(values, values)
}

fn length(values: &[f64]) -> f64 {
    squared(values).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_line_has_no_gradient() {
        let vectors: Vec<Vec<f64>> = (0..40_u32)
            .map(|number| {
                vec![f64::from(number % 7) / 7.0, f64::from(number * number % 11) / 11.0, f64::from(number % 3)]
            })
            .collect();
        let rows: Vec<Row<'_>> = vectors
            .iter()
            .enumerate()
            .map(|(number, vector)| Row {
                vector,
                is_positive: vector[0] + vector[1] > 0.9,
                weight: if number % 2 == 0 { 1.0 } else { 0.1 },
            })
            .collect();
        let line = Line::zero(3).fitted(&rows, 0.1);
        let state = Problem { rows: &rows, penalty: 0.1 }.state(&line.coefficients);
        assert!(length(&state.gradient) < 1e-3, "{:?}", state.gradient);
        let right = rows.iter().filter(|row| (line.log_odds(row.vector) > 0.0) == row.is_positive).count();
        assert!(right >= 36, "{right}");
    }

    #[test]
    fn with_a_bias_alone_the_probability_is_the_weighted_share() {
        let row = |is_positive, weight| Row { vector: &[], is_positive, weight };
        let line = Line::zero(0).fitted(&[row(true, 1.0), row(true, 0.5), row(false, 0.5)], 1.0);
        assert!((1.0 / (1.0 + (-line.bias()).exp()) - 0.75).abs() < 1e-3, "{line:?}");
    }

    #[test]
    fn rows_that_can_be_told_apart_end_at_a_finite_line() {
        let row = |vector: &'static [f64], is_positive| Row { vector, is_positive, weight: 1.0 };
        let line = Line::zero(1).fitted(&[row(&[1.0], true), row(&[-1.0], false)], 0.01);
        assert!(line.direction()[0] > 0.5 && line.direction()[0].is_finite());
    }
}
