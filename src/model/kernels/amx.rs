//! Products of small bf16 matrices in AMX's tiles: registers of 16 rows of 64 bytes, which a processor multiplies as a whole.
//!
//! Rust's own functions for them are not stable yet, so the few instructions that it takes are written out.

use std::arch::asm;
use std::marker::PhantomData;

use super::Bf16;

/// The rows of a tile.
pub(super) const ROWS: usize = 16;

/// The rows and the columns of what [`Loaded::multiply`] computes: two tiles each way. And as many bf16 as a tile has in a row.
pub(super) const SIDE: usize = 2 * ROWS;

/// What is multiplied from the right, 32 rows and 32 columns of it: in the `r`th place stand the values of its rows `2r` and `2r + 1`, the
/// first in the lower half of each; 16 columns, and the other 16.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [[[u32; ROWS]; 2]; ROWS]);

impl Block {
    pub(super) const EMPTY: Self = Self([[[0; ROWS]; 2]; ROWS]);
}

/// 32 values of a row.
pub(super) type Line<T> = [T; SIDE];

/// That this process may use tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles(());

/// That this thread's tiles have been told their sizes; they are given back in the end.
pub(super) struct Loaded {
    _permission: Tiles,
    of_thread: PhantomData<*mut ()>,
}

/// How large each tile is, as `ldtilecfg` reads it.
#[repr(C, align(64))]
struct Sizes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Asks the system; none where there are no tiles or it does not let this process use them.
    #[expect(unsafe_code, reason = "there is no other way to ask")]
    pub(super) fn find() -> Option<Self> {
        const REQUEST: libc::c_ulong = 0x1023;
        const TILE_DATA: libc::c_ulong = 18;
        if !crate::model::has_amx() {
            return None;
        }
        // SAFETY: `ARCH_REQ_XCOMP_PERM` takes a number and gives one, and changes nothing but what the process may do.
        let refused = unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST, TILE_DATA) };
        (refused == 0).then_some(Self(()))
    }

    /// Makes the tiles of this thread ready.
    #[expect(unsafe_code, reason = "see above")]
    pub(super) fn load(self) -> Loaded {
        const TILES: usize = 8;
        let mut sizes = Sizes { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        sizes.row_bytes[..TILES].fill(64);
        sizes.rows[..TILES].fill(16);
        // SAFETY: this process may use tiles, and `sizes` has the 64 bytes that are read. Nothing that the compiler makes uses tiles.
        unsafe {
            asm!("ldtilecfg [{0}]", in(reg) &raw const sizes, options(nostack, readonly, preserves_flags));
        }
        Loaded { _permission: self, of_thread: PhantomData }
    }
}

impl Drop for Loaded {
    #[expect(unsafe_code, reason = "see above")]
    fn drop(&mut self) {
        // SAFETY: whoever uses tiles next says their sizes first.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) }
    }
}

impl Loaded {
    /// Puts 32 rows of `left`, which begin `left_row` values from each other, times `right`, 32 rows of it after 32, into 32 rows of
    /// `place`, which begin `place_row` from each other. Products are summed in f32.
    ///
    /// # Panics
    ///
    /// Where `left` or `place` is too short, or rows overlap.
    #[inline(always)]
    #[expect(unsafe_code, reason = "see above")]
    #[expect(clippy::unused_self, reason = "it tells that the tiles are ready")]
    pub(super) fn multiply(
        &self,
        left: &[Bf16],
        left_row: usize,
        right: &[Block],
        place: &mut [f32],
        place_row: usize,
    ) {
        let width = right.len() * SIDE;
        assert!(width > 0 && left_row >= width && left.len() >= (SIDE - 1) * left_row + width, "left is too short");
        assert!(place_row >= SIDE && place.len() >= (SIDE - 1) * place_row + SIDE, "place is too short");
        let place = place.as_mut_ptr();
        // SAFETY: the tiles are ready, as `self` is of this thread; each is 16 rows of 64 bytes. From `left` 32 rows of `width` values are read,
        // from `right` what it has, and 32 rows of 32 values are written to `place`: all within, as asserted.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{upper} + {left_row}*1]",
                "tileloadd tmm6, [{right} + {right_row}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{right} + {right_row}*1 + 64]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{lower} + {left_row}*1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {upper}, 64",
                "add {lower}, 64",
                "add {right}, 2048",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{place} + {place_row}*1], tmm0",
                "tilestored [{place} + {place_row}*1 + 64], tmm1",
                "tilestored [{lower_place} + {place_row}*1], tmm2",
                "tilestored [{lower_place} + {place_row}*1 + 64], tmm3",
                upper = inout(reg) left.as_ptr() => _,
                lower = inout(reg) left.as_ptr().add(ROWS * left_row) => _,
                right = inout(reg) right.as_ptr() => _,
                steps = inout(reg) right.len() => _,
                place = in(reg) place,
                lower_place = in(reg) place.add(ROWS * place_row),
                left_row = in(reg) left_row * size_of::<Bf16>(),
                right_row = in(reg) size_of::<[[u32; ROWS]; 2]>(),
                place_row = in(reg) place_row * size_of::<f32>(),
                options(nostack),
            );
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{from_f32, to_f32};
    use super::*;

    /// Multiplies three steps by `multiply`, which takes what [`Loaded::multiply`] takes, and looks whether the product is right.
    pub(in super::super) fn check(multiply: impl FnOnce(&[Bf16], usize, &[Block], &mut [f32], usize)) {
        let (steps, left_row, place_row) = (3, 100, 40);
        let value =
            |place: usize| to_f32(from_f32(f32::from(u16::try_from(place * 7919 % 997).unwrap()) / 500.0 - 1.0));
        let left: Vec<Bf16> = (0..SIDE * left_row).map(|place| from_f32(value(place))).collect();
        let right = |row: usize, column: usize| value(row * 31 + column * 17 + 5);
        let pair =
            |row, column| u32::from(from_f32(right(row, column))) | u32::from(from_f32(right(row + 1, column))) << 16;
        let half = |row, first| std::array::from_fn(|column| pair(row, first + column));
        let block =
            |step: usize| Block(std::array::from_fn(|row| [0, ROWS].map(|first| half(step * SIDE + 2 * row, first))));
        let panel: Vec<Block> = (0..steps).map(block).collect();
        let mut place = vec![9.0; SIDE * place_row];
        multiply(&left, left_row, &panel, &mut place, place_row);
        for (row, found) in place.chunks(place_row).enumerate() {
            for (column, found) in found.iter().enumerate().take(SIDE) {
                let exact: f32 =
                    (0..steps * SIDE).map(|inner| to_f32(left[row * left_row + inner]) * right(inner, column)).sum();
                assert!((found - exact).abs() < 1e-3, "{row}, {column}: {found} for {exact}");
            }
            assert!(
                found[SIDE..].iter().all(|value| value.to_bits() == 9.0_f32.to_bits()),
                "written beyond its columns"
            );
        }
    }

    #[test]
    fn a_product_is_that_of_its_values() {
        let Some(tiles) = Tiles::find() else { return };
        check(|left, left_row, right, place, place_row| {
            tiles.load().multiply(left, left_row, right, place, place_row);
        });
    }

    #[test]
    #[should_panic(expected = "too short")]
    fn what_is_too_short_is_not_read() {
        let Some(tiles) = Tiles::find() else { panic!("too short to try: no tiles") };
        tiles.load().multiply(&[0; 500], SIDE, &[Block::EMPTY], &mut [0.0; SIDE * SIDE], SIDE);
    }
}
