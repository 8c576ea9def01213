//! bf16 numbers, and their slices.

/// The bits of a bf16: the upper half of an f32.
pub type Bf16 = u16;

/// The same value in f32.
#[inline(always)]
#[must_use]
pub fn to_f32(value: Bf16) -> f32 {
    f32::from_bits(u32::from(value) << 16)
}

/// The nearest bf16, and the even one of two. This is how libtorch rounds.
#[inline(always)]
#[must_use]
pub fn round_half_even(value: f32) -> Bf16 {
    const NAN: u16 = 0x7fc0;
    let bits = value.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    if value.is_nan() { NAN } else { rounded }
}

/// Rounds each value of `wide` into `values`.
#[inline(always)]
pub(crate) fn narrow(wide: &[f32], values: &mut [Bf16]) {
    for (value, wide) in values.iter_mut().zip(wide) {
        *value = round_half_even(*wide);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    #[test]
    fn the_nearest_value_is_found_and_the_even_one_of_two() {
        let samples = (0..u32::MAX).step_by(9973);
        // Halfway between two values, and next to it.
        let ties =
            (0..=u32::from(u16::MAX)).flat_map(|upper| [0x7fff, 0x8000, 0x8001].map(|lower| upper << 16 | lower));
        for bits in samples.chain(ties) {
            let value = f32::from_bits(bits);
            let found = round_half_even(value);
            if value.is_nan() {
                assert!(to_f32(found).is_nan(), "{bits:#x}");
            } else {
                assert_eq!(found, reference::round(value), "{value}");
            }
        }
    }
}
