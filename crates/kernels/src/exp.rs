//! The exponential function.

/// e to the power of a number that is not positive, to about seven digits. Powers too small for a normal number are 0 or the least one.
///
/// Cody and Waite's reduction to half an octave around 0, then the first terms of the series.
#[inline(always)]
pub(crate) fn exp(power: f32) -> f32 {
    /// Added to a small number, this leaves the number, rounded to an integer, in the last bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const LEAST: f32 = -87.0;
    let power = if power > LEAST { power } else { LEAST };
    let rounded = power * std::f32::consts::LOG2_E + ROUND;
    let octaves = rounded - ROUND;
    let rest = (power - octaves * LN_2_HIGH) - octaves * LN_2_LOW;
    let mut value: f32 = 1.0 / 720.0;
    for term in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        value = value.mul_add(rest, term);
    }
    value * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_standard_library() {
        for step in 0..60_000_u16 {
            let power = -f32::from(step) / 690.0;
            assert!((exp(power) - power.exp()).abs() <= 3e-7 * power.exp(), "{power}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }
}
