//! The Gaussian error linear unit.

use tch::{TchError, Tensor};

use super::{Bf16, from_f32, to_f32, values_mut};

/// GELU of bf16 `values`, in their place.
pub(in crate::model) fn gelu(values: &mut Tensor) -> Result<(), TchError> {
    pulp::Arch::new().dispatch(Gelu { values: values_mut(values)? });
    Ok(())
}

struct Gelu<'g> {
    values: &'g mut [Bf16],
}

impl pulp::WithSimd for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for value in self.values {
            *value = from_f32(gelu_of(to_f32(*value)));
        }
    }
}

/// `x` times the share of a normal distribution that lies below `x`, exact to 1.9e-4 or an eighth of a bf16's last bit, whichever is more.
///
/// Within [`FAR`] that share is a half and `x` times a polynomial in the square of `x`, fitted by least squares that were weighted anew until
/// the largest error was least; below it GELU is what it is at the border, above it `x`.
#[inline(always)]
pub(super) fn gelu_of(x: f32) -> f32 {
    let x = if x < -FAR { -FAR } else { x };
    let near = if x > FAR { FAR } else { x };
    let square = near * near;
    let mut value = TERMS[0];
    for term in &TERMS[1..] {
        value = value.mul_add(square, *term);
    }
    x * value.mul_add(near, 0.5)
}

/// From here on the share is 0 or 1 to four digits.
const FAR: f32 = 4.0;

/// Of the square; the highest power first.
const TERMS: [f32; 7] =
    [2.278_083_7e-8, -1.598_571_9e-6, 4.795_492_4e-5, -8.140_098e-4, 8.772_361e-3, -6.457_305e-2, 3.978_833e-1];

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::super::tests::{difference, random};
    use super::*;

    #[test]
    fn it_is_exact_to_what_a_bf16_can_tell() {
        let inputs = Tensor::arange_start_step(-9.0, 9.0, 0.001, (Kind::Double, tch::Device::Cpu));
        let exact = Vec::<f64>::try_from(inputs.gelu("none")).unwrap();
        for (input, exact) in Vec::<f64>::try_from(inputs).unwrap().into_iter().zip(exact) {
            #[expect(clippy::cast_possible_truncation, reason = "a small number")]
            let found = f64::from(gelu_of(input as f32));
            assert!((found - exact).abs() <= (exact.abs() * 0.000_49).max(1.9e-4), "{input}: {found} for {exact}");
        }
        assert!(gelu_of(f32::NAN).is_nan());
    }

    #[test]
    fn it_is_taken_of_each_value() {
        let values = random(&[5, 33], 3.0);
        let exact = values.to_kind(Kind::Float).gelu("none");
        let mut found = values.copy();
        gelu(&mut found).unwrap();
        assert!(difference(&found, &exact) < 0.005);
    }
}
