//! Attention, linear layers and norms on CPUs, on plain slices: for bf16 here, for f32 in [`single`].
//!
//! They use the processor's widest vectors, and a single pass over memory for steps that follow each other. The kernels for bf16 compute in
//! f32 and round once. A row's result depends on that row alone.
//!
//! `unsafe` code is only in the modules for AVX-512 and AMX, which SECURITY.md lists. Everything public is safe to call on any machine: the
//! constructors of kernels that need a processor feature return `None` if it is missing.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined into a dispatched call is compiled for the processor's vectors"
)]

/// Products of small matrices in AMX tiles.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
/// Fused attention.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod attention;
/// Products of matrices in AVX-512 vectors.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod avx512;
/// bf16 numbers.
mod bf16;
/// The choice of a kernel for this processor.
mod dispatch;
/// The exponential function.
mod exp;
/// The Gaussian error linear unit.
mod gelu;
/// Attention heads in memory.
mod heads;
/// Linear layers.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linear;
/// Layer norms.
mod norm;
/// The same results by plain loops: the oracle of the tests.
#[cfg(test)]
mod reference;
/// Loops over rows.
mod rows;
/// Kernels for f32.
pub mod single;
/// Stand-ins for kernels on platforms that cannot have them.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod unsupported;

pub use bf16::{Bf16, round_half_even, to_f32};
pub use dispatch::{FusedAttention, has_amx, multiplies_bf16};
pub use heads::Heads;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use linear::PackedLinear;
pub use norm::{NormWeights, norm_of_sum};
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use unsupported::PackedLinear;

/// The number of rows of a bf16 layer is a multiple of this.
pub const ROW_BLOCK: usize = 32;

/// Slices whose lengths do not fit each other or the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError(String);

impl ShapeError {
    /// An error with this message.
    #[must_use]
    pub fn new(message: String) -> Self {
        Self(message)
    }
}

impl std::fmt::Display for ShapeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}

/// The threads that share a linear layer's rows. Results do not depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread alone.
    One,
    /// The threads of rayon's pool.
    Pool,
}
