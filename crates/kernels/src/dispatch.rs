//! The choice of a kernel for this processor.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use std::sync::LazyLock;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::attention::{TileAttention, VectorAttention};
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
use crate::unsupported::{TileAttention, VectorAttention};
use crate::{Bf16, Heads, ShapeError};

/// The number of values in a line; heads are made of whole lines.
const LINE: usize = 32;

/// True if the processor multiplies matrices of bf16 in tiles, and the system lets this process do so.
#[must_use]
pub fn has_amx() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return crate::amx::Tiles::find().is_some();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    return false;
}

/// Detects whether the processor has tiles for bf16. The standard library's check is not stable yet.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) fn detects_tiles() -> bool {
    static HAS_AMX: LazyLock<bool> = LazyLock::new(|| {
        let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        processors.lines().find(|line| line.starts_with("flags")).is_some_and(|flags| flags.contains("amx_bf16"))
    });
    *HAS_AMX
}

/// True if there are kernels for bf16 for this processor: it needs instructions that multiply them.
#[must_use]
pub fn multiplies_bf16() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return crate::avx512::Vectors::find().is_some();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    return false;
}

/// Attention in one pass, with memory for intermediate results.
pub struct FusedAttention(Kind);

/// An implementation of attention.
enum Kind {
    Tiles(TileAttention),
    /// For processors that multiply bf16 in vectors only.
    Vectors(VectorAttention),
}

impl FusedAttention {
    /// The fastest implementation. `None` if the processor has none, or if heads of `size` states are not made of whole lines of 32.
    #[must_use]
    pub fn find(size: usize) -> Option<Self> {
        Self::with_amx(size).or_else(|| Self::with_avx512(size))
    }

    /// Puts what each head attends to into `places`, which holds `[tokens, heads * size]`. `rows` are the queries, keys and values,
    /// as `[tokens, 3 * heads * size]`.
    ///
    /// # Errors
    ///
    /// A [`ShapeError`] if the lengths do not fit `shape`, or heads are not made of whole lines.
    pub fn attend(&mut self, rows: &[Bf16], shape: Heads, places: &mut [Bf16]) -> Result<(), ShapeError> {
        shape.check(rows, 3)?;
        shape.check(places, 1)?;
        if !shape.size.is_multiple_of(LINE) {
            return Err(ShapeError(format!("{shape:?} for lines of {LINE}")));
        }
        match &mut self.0 {
            Kind::Tiles(tiles) => tiles.attend(rows, shape, places),
            Kind::Vectors(vectors) => vectors.attend(rows, shape, places),
        }
        Ok(())
    }

    fn with_amx(size: usize) -> Option<Self> {
        TileAttention::find(size).map(|tiles| Self(Kind::Tiles(tiles)))
    }

    fn with_avx512(size: usize) -> Option<Self> {
        VectorAttention::find(size).map(|vectors| Self(Kind::Vectors(vectors)))
    }
}

#[cfg(test)]
mod tests {
    use pressrun_testing::{Need, found_or_skip};

    use super::*;
    use crate::reference::{self, difference, random};
    use crate::to_f32;

    const HEADS: usize = 5;
    const NAN: Bf16 = 0x7fc0;

    /// Each implementation of this machine.
    fn implementations() -> Vec<FusedAttention> {
        let with_amx = found_or_skip(Need::Amx, FusedAttention::with_amx(32));
        let with_avx512 = found_or_skip(Need::Avx512, FusedAttention::with_avx512(32));
        with_amx.into_iter().chain(with_avx512).collect()
    }

    fn shape(passages: usize, length: usize, size: usize) -> Heads {
        Heads { passages, length, count: HEADS, size }
    }

    fn random_rows(shape: Heads) -> Vec<Bf16> {
        random(shape.passages * shape.length * 3 * shape.count * shape.size, 0.8)
    }

    fn attended(attention: &mut FusedAttention, rows: &[Bf16], shape: Heads) -> Vec<Bf16> {
        let mut places = vec![1; rows.len() / 3];
        attention.attend(rows, shape, &mut places).unwrap();
        places
    }

    #[test]
    fn it_is_attention_for_any_length() {
        const SHAPES: [(usize, usize); 9] =
            [(1, 32), (2, 32), (15, 64), (16, 32), (17, 32), (126, 32), (33, 64), (64, 96), (200, 32)];
        for mut attention in implementations() {
            for (length, size) in SHAPES {
                let shape = shape(2, length, size);
                let rows = random_rows(shape);
                let found = attended(&mut attention, &rows, shape);
                let difference = difference(&found, &reference::attention(&reference::widened(&rows), shape));
                assert!(difference < 0.006, "{length} tokens, {size} states: {difference}");
            }
        }
    }

    #[test]
    fn a_passage_is_the_same_beside_any_other() {
        for mut attention in implementations() {
            for length in [3, 28, 45] {
                let one = shape(1, length, 32);
                let both = shape(2, length, 32);
                let mut rows = random_rows(both);
                let half = rows.len() / 2;
                rows[half..].fill(NAN);
                let beside = attended(&mut attention, &rows, both);
                let alone = attended(&mut attention, &rows[..half], one);
                assert!(alone == beside[..alone.len()], "{length}");
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        let shape = shape(1, 20, 32);
        let mut rows = random_rows(shape);
        rows[7 * 3 * HEADS * 32..][..3 * HEADS * 32].fill(NAN);
        for mut attention in implementations() {
            assert!(attended(&mut attention, &rows, shape).into_iter().all(|value| to_f32(value).is_nan()));
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(FusedAttention::find(24).is_none() && FusedAttention::find(0).is_none());
        let rows = random_rows(shape(1, 20, 32));
        let mut places = vec![0; rows.len() / 3];
        for mut attention in implementations() {
            assert!(attention.attend(&rows, shape(1, 21, 32), &mut places).is_err());
            assert!(attention.attend(&rows, Heads { count: 10, ..shape(1, 20, 16) }, &mut places).is_err());
            assert!(attention.attend(&rows, shape(1, 20, 32), &mut places[1..]).is_err());
        }
    }
}
