//! The reason why a record is refused, while its place is not known.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::pipeline::panic_message;
use crate::record::{EXCERPT_CHARACTERS, Place, Reason, Rejection};

/// The stage that refuses records.
pub(crate) const STAGE: &str = "read";

/// So many bytes of a record are enough for an excerpt.
pub(super) const EXCERPT_BYTES: usize = 4 * EXCERPT_CHARACTERS;

/// The reason why a record is refused: becomes a [`Rejection`] where the place and the bytes are known.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(super) reason: Reason,
    pub(super) message: String,
    /// True if there is more to read behind it.
    pub(super) goes_on: bool,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), goes_on: false }
    }

    pub(super) fn damaged(message: impl Into<String>) -> Self {
        Self::new(Reason::Damaged, message)
    }

    pub(super) fn truncated(message: impl Into<String>) -> Self {
        Self::new(Reason::Truncated, message)
    }

    pub(super) fn too_large(bytes: u64, limit: u64) -> Self {
        let message = format!("has {bytes} bytes or more; `[input] max_document_bytes` allows {limit}");
        Self::new(Reason::TooLarge, message)
    }

    pub(crate) fn into_rejection(self, place: Place, bytes: &[u8]) -> Rejection {
        Rejection { place, stage: STAGE, reason: self.reason, message: self.message, excerpt: excerpt(bytes) }
    }
}

fn excerpt(bytes: &[u8]) -> String {
    let beginning = &bytes[..bytes.len().min(EXCERPT_BYTES)];
    String::from_utf8_lossy(beginning).chars().take(EXCERPT_CHARACTERS).collect()
}

/// Does `work`; where it panics, what it worked on is refused.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    // What a panic may leave half done is the work's own, and is dropped with it.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Refusal::new(Reason::Panicked, format!("panicked: {}", panic_message(&*panic)))))
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// So that what unpacks can say more than that it failed.
impl From<Refusal> for std::io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>) {
            let inner = error.into_inner().and_then(|inner| inner.downcast::<Self>().ok());
            return inner.map_or_else(|| Self::damaged("cannot be unpacked"), |refusal| *refusal);
        }
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::truncated("is cut short"),
            // What has no number comes from a library, not from the system.
            _ if error.raw_os_error().is_none() => Self::damaged(format!("cannot be unpacked: {error}")),
            _ => Self::new(Reason::Unreadable, format!("cannot be read: {error}")),
        }
    }
}
