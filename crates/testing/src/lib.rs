//! Skips tests that need more than every machine has.
//!
//! A skipped test writes a line such as `skipped: needs amx (amx::tests::a_product_is_exact)` past the capture of the test
//! runner, so that it shows and `.ci/run` can count it. `PRESSRUN_REQUIRE=amx,avx512` makes tests that need these fail instead.

use std::fmt;
use std::io::Write;

/// A capability of the machine that a test needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Tiles that multiply bf16 matrices.
    Amx,
    /// Vectors of 512 bits that multiply pairs of bf16.
    Avx512,
    /// Folders that even root cannot write to.
    ImmutableFolders,
    /// The right to mount file systems.
    Mount,
    /// moto, which acts as S3: `scripts/moto.sh` fetches it.
    Moto,
}

impl Need {
    const ALL: [Self; 5] = [Self::Amx, Self::Avx512, Self::ImmutableFolders, Self::Mount, Self::Moto];

    /// The word for it in `PRESSRUN_REQUIRE`.
    fn word(self) -> &'static str {
        match self {
            Self::Amx => "amx",
            Self::Avx512 => "avx512",
            Self::ImmutableFolders => "chattr",
            Self::Mount => "mount",
            Self::Moto => "moto",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amx => "amx",
            Self::Avx512 => "avx512bf16",
            Self::ImmutableFolders => "chattr +i",
            Self::Mount => "mount",
            Self::Moto => "moto",
        })
    }
}

/// Reports that the running test, or a part of it, is skipped because the machine lacks `need`.
///
/// # Panics
///
/// If `PRESSRUN_REQUIRE` names the need, or something unknown.
pub fn skip(need: Need) {
    assert_not_required(need, &std::env::var("PRESSRUN_REQUIRE").unwrap_or_default());
    let thread = std::thread::current();
    let line = format!("skipped: needs {need} ({})\n", thread.name().unwrap_or("unnamed"));
    // `eprintln!` would be captured. A test that cannot write to stderr is still skipped.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Passes `found` on, and reports a skipped test if it is `None`.
///
/// # Panics
///
/// If `found` is `None`, as [`skip`].
pub fn found_or_skip<T>(need: Need, found: Option<T>) -> Option<T> {
    if found.is_none() {
        skip(need);
    }
    found
}

fn assert_not_required(need: Need, required: &str) {
    for word in required.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        assert!(Need::ALL.iter().any(|need| need.word() == word), "PRESSRUN_REQUIRE names `{word}`, which is unknown");
        assert!(word != need.word(), "PRESSRUN_REQUIRE asks for {word}, and this machine has no {need}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_skipped_where_other_needs_are_required() {
        assert_not_required(Need::Mount, "");
        assert_not_required(Need::Mount, "amx, avx512");
    }

    #[test]
    #[should_panic(expected = "PRESSRUN_REQUIRE asks for avx512, and this machine has no avx512bf16")]
    fn a_required_need_fails_the_test() {
        assert_not_required(Need::Avx512, "amx,avx512");
    }

    #[test]
    #[should_panic(expected = "PRESSRUN_REQUIRE names `avx`, which is unknown")]
    fn an_unknown_word_fails_the_test() {
        assert_not_required(Need::Mount, "avx");
    }
}
