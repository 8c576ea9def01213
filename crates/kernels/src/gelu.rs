//! The Gaussian error linear unit.

/// `x` times the share of a normal distribution below `x`, exact to 1.9e-4 or an eighth of a bf16's last bit, whichever is more.
///
/// Between -[`FAR`] and [`FAR`] the share is a half plus `x` times a polynomial in the square of `x`. The polynomial was fitted by least
/// squares, with weights adjusted until the largest error was minimal. Below, the result is that of -[`FAR`]; above, it is `x`.
#[inline(always)]
pub(crate) fn gelu_of(x: f32) -> f32 {
    let x = if x < -FAR { -FAR } else { x };
    let near = if x > FAR { FAR } else { x };
    let square = near * near;
    let mut value = TERMS[0];
    for term in &TERMS[1..] {
        value = value.mul_add(square, *term);
    }
    x * value.mul_add(near, 0.5)
}

/// Beyond this, the share is 0 or 1 to four digits.
const FAR: f32 = 4.0;

/// The coefficients of the polynomial, the highest power first.
const TERMS: [f32; 7] =
    [2.278_083_7e-8, -1.598_571_9e-6, 4.795_492_4e-5, -8.140_098e-4, 8.772_361e-3, -6.457_305e-2, 3.978_833e-1];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    #[test]
    fn it_is_exact_to_what_a_bf16_can_tell() {
        for step in -9000..9000_i16 {
            let input = f32::from(step) / 1000.0;
            let (exact, found) = (reference::gelu(f64::from(input)), f64::from(gelu_of(input)));
            assert!((found - exact).abs() <= (exact.abs() * 0.000_49).max(1.9e-4), "{input}: {found} for {exact}");
        }
        assert!(gelu_of(f32::NAN).is_nan());
    }
}
