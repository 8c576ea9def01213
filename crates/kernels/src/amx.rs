//! Products of small bf16 matrices in AMX's tiles: registers of 16 rows of 64 bytes, which a processor multiplies as a whole.
//!
//! Rust's own functions for them are not stable yet, so the few instructions are inline assembly.

use std::arch::asm;
use std::marker::PhantomData;

use crate::Bf16;
use crate::dispatch::detects_tiles;

/// The rows of a tile.
pub(crate) const ROWS: usize = 16;

/// The rows and the columns of a product of [`Loaded::multiply`]: two tiles each way. Also the number of bf16 in a row of a tile.
pub(crate) const SIDE: usize = 2 * ROWS;

/// 32 rows and 32 columns of the matrix on the right. Element `r` holds the values of rows `2r` and `2r + 1`, the first in the lower half
/// of each pair: 16 columns, then the other 16.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [[[u32; ROWS]; 2]; ROWS]);

impl Block {
    pub(crate) const EMPTY: Self = Self([[[0; ROWS]; 2]; ROWS]);
}

/// 32 values of a row.
pub(crate) type Line<T> = [T; SIDE];

/// Proof that this process may use tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiles(());

/// Proof that the tiles of this thread are configured. They are released when this is dropped.
pub(crate) struct Loaded {
    _permission: Tiles,
    of_thread: PhantomData<*mut ()>,
}

/// The sizes of the tiles, as `ldtilecfg` reads them.
#[repr(C, align(64))]
struct Sizes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Asks the system for permission. `None` if there are no tiles, or if it refuses.
    #[expect(unsafe_code, reason = "the standard library cannot ask for it")]
    pub(crate) fn find() -> Option<Self> {
        const REQUEST: libc::c_ulong = 0x1023;
        const TILE_DATA: libc::c_ulong = 18;
        if !detects_tiles() {
            return None;
        }
        // SAFETY: `ARCH_REQ_XCOMP_PERM` takes a number and gives one, and changes nothing but what the process may do.
        let refused = unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST, TILE_DATA) };
        (refused == 0).then_some(Self(()))
    }

    /// Configures the tiles of this thread.
    #[expect(unsafe_code, reason = "there are no stable functions for tiles")]
    pub(crate) fn load(self) -> Loaded {
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
    #[expect(unsafe_code, reason = "there are no stable functions for tiles")]
    fn drop(&mut self) {
        // SAFETY: the next user of tiles configures them first.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) }
    }
}

impl Loaded {
    /// Multiplies 32 rows of `left`, whose starts are `left_row` values apart, by the blocks of `right`, and puts the product into 32
    /// rows of `place`, whose starts are `place_row` values apart. Products are summed in f32.
    ///
    /// # Panics
    ///
    /// If `left` or `place` is too short, or rows overlap.
    #[inline(always)]
    #[expect(unsafe_code, reason = "there are no stable functions for tiles")]
    #[expect(clippy::unused_self, reason = "it proves that the tiles are configured")]
    pub(crate) fn multiply(
        &self,
        left: &[Bf16],
        left_row: usize,
        right: &[Block],
        place: &mut [f32],
        place_row: usize,
    ) {
        assert_long_enough(left.len(), left_row, right.len(), place.len(), place_row);
        let place = place.as_mut_ptr();
        // SAFETY: the tiles are configured, as `self` cannot leave this thread; each is 16 rows of 64 bytes. This reads 32 rows of `left`, as
        // wide as `right` has rows, and all of `right`, and writes 32 rows of 32 values to `place`: all within bounds, as asserted.
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

/// Panics unless `multiply` stays within slices of these lengths.
#[inline(always)]
fn assert_long_enough(left: usize, left_row: usize, blocks: usize, place: usize, place_row: usize) {
    let width = blocks * SIDE;
    assert!(width > 0 && left_row >= width && left >= (SIDE - 1) * left_row + width, "left is too short");
    assert!(place_row >= SIDE && place >= (SIDE - 1) * place_row + SIDE, "place is too short");
}

#[cfg(test)]
pub(crate) mod tests {
    use pressrun_testing::{Need, found_or_skip};

    use super::*;
    use crate::reference::{self, random};

    /// Multiplies matrices of 32 rows and 32 columns, 96 values deep, by `multiply`, which takes the arguments of
    /// [`Loaded::multiply`], and checks the product.
    pub(crate) fn check_product(multiply: impl FnOnce(&[Bf16], usize, &[Block], &mut [f32], usize)) {
        const DEPTH: usize = 3 * SIDE;
        const LEFT_ROW: usize = 100;
        const PLACE_ROW: usize = 40;
        const UNTOUCHED: f32 = 9.0;
        let left = random(SIDE * LEFT_ROW, 0.5);
        let columns = random(SIDE * DEPTH, 0.6);
        let blocks: Vec<Block> = (0..DEPTH).step_by(SIDE).map(|first| block(&columns, DEPTH, first)).collect();
        let mut place = vec![UNTOUCHED; SIDE * PLACE_ROW];
        multiply(&left, LEFT_ROW, &blocks, &mut place, PLACE_ROW);

        let rows: Vec<Bf16> = left.chunks(LEFT_ROW).flat_map(|row| &row[..DEPTH]).copied().collect();
        let exact = reference::linear(&rows, DEPTH, &columns, &[0.0; SIDE]);
        for (row, (found, exact)) in place.chunks(PLACE_ROW).zip(exact.chunks(SIDE)).enumerate() {
            for (column, (found, exact)) in found.iter().zip(exact).enumerate() {
                assert!((f64::from(*found) - exact).abs() < 1e-3, "{row}, {column}: {found} for {exact}");
            }
            let is_untouched = found[SIDE..].iter().all(|value| value.to_bits() == UNTOUCHED.to_bits());
            assert!(is_untouched, "{row}: written beyond its columns");
        }
    }

    /// 32 rows, from `first` on, of a matrix that is given by its columns.
    fn block(columns: &[Bf16], depth: usize, first: usize) -> Block {
        let mut block = Block::EMPTY;
        for (pair, halves) in block.0.iter_mut().enumerate() {
            for (column, value) in halves.as_flattened_mut().iter_mut().enumerate() {
                let place = column * depth + first + 2 * pair;
                *value = u32::from(columns[place]) | u32::from(columns[place + 1]) << 16;
            }
        }
        block
    }

    #[test]
    fn a_product_is_that_of_its_values() {
        let Some(tiles) = found_or_skip(Need::Amx, Tiles::find()) else { return };
        check_product(|left, left_row, right, place, place_row| {
            tiles.load().multiply(left, left_row, right, place, place_row);
        });
    }

    /// 31 whole rows and the end of the last one.
    const LEFT: usize = 31 * 100 + 64;
    const PLACE: usize = 31 * 40 + 32;

    #[test]
    fn slices_may_end_with_the_last_value() {
        assert_long_enough(LEFT, 100, 2, PLACE, 40);
    }

    #[test]
    #[should_panic(expected = "left is too short")]
    fn a_left_matrix_without_its_last_value_is_refused() {
        assert_long_enough(LEFT - 1, 100, 2, PLACE, 40);
    }

    #[test]
    #[should_panic(expected = "left is too short")]
    fn rows_of_the_left_matrix_that_overlap_are_refused() {
        assert_long_enough(LEFT, 63, 2, PLACE, 40);
    }

    #[test]
    #[should_panic(expected = "left is too short")]
    fn a_product_with_no_blocks_is_refused() {
        assert_long_enough(LEFT, 100, 0, PLACE, 40);
    }

    #[test]
    #[should_panic(expected = "place is too short")]
    fn a_place_without_its_last_value_is_refused() {
        assert_long_enough(LEFT, 100, 2, PLACE - 1, 40);
    }

    #[test]
    #[should_panic(expected = "place is too short")]
    fn rows_of_a_place_that_overlap_are_refused() {
        assert_long_enough(LEFT, 100, 2, PLACE, 31);
    }

    #[test]
    fn tiles_do_not_read_beyond_a_slice() {
        let Some(tiles) = found_or_skip(Need::Amx, Tiles::find()) else { return };
        let refused = std::panic::catch_unwind(|| {
            tiles.load().multiply(&[0; 500], SIDE, &[Block::EMPTY], &mut [0.0; SIDE * SIDE], SIDE);
        });
        assert!(refused.is_err());
    }
}
