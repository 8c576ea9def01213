//! The reason why a store or an object in it cannot be used, in words without secrets.

use crate::input::refusal::Refusal;
use crate::record::Reason;

/// A store or an object that cannot be used. It has no cause: the causes are texts of libraries, which may have signed addresses in them. What
/// they say is in the message, without those.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` {message}")]
pub struct StoreError {
    /// The address, without its query.
    url: String,
    message: String,
    kind: Kind,
}

/// The kind of a fault, which decides about its consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not an address that can be used, or this program cannot use it.
    Address,
    /// Nothing is there.
    Missing,
    /// This object may not be read with the credentials.
    Denied,
    /// The credentials are not valid or are missing: nothing in the store can be read.
    Credentials,
    /// The certificate of the server is not trusted.
    Untrusted,
    /// It is another object than before.
    Changed,
    /// The server does not answer, or says that it cannot, however often it is asked.
    Unavailable,
    /// The run was asked to stop while it waited.
    Stopped,
    /// Anything else.
    Unusable,
}

impl StoreError {
    pub(crate) fn new(kind: Kind, url: impl Into<String>, message: impl Into<String>) -> Self {
        Self { url: url.into(), message: message.into(), kind }
    }

    pub(super) fn address(url: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::Address, url, message)
    }

    /// True if nothing is there.
    pub(crate) fn is_missing(&self) -> bool {
        self.kind == Kind::Missing
    }

    /// True if it is another object than before.
    pub(crate) fn is_change(&self) -> bool {
        self.kind == Kind::Changed
    }

    /// True if the run was asked to stop while it waited.
    pub(crate) fn is_stop(&self) -> bool {
        self.kind == Kind::Stopped
    }

    /// The same for a request that is not sent again.
    pub(super) fn given_up(self) -> Self {
        let message = format!("{}, however often it is asked (`[input] retry_seconds`)", self.message);
        if self.is_passing() { Self { message, ..self } } else { self }
    }

    /// True if the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// True if the rest of the store cannot be read either, so that a run has to end.
    pub(crate) fn is_of_store(&self) -> bool {
        matches!(self.kind, Kind::Credentials | Kind::Untrusted | Kind::Unavailable)
    }

    /// True if the configuration or the environment has to change before it can be read.
    #[must_use]
    pub fn is_of_configuration(&self) -> bool {
        matches!(self.kind, Kind::Address | Kind::Denied | Kind::Credentials | Kind::Untrusted)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let reason = if error.kind == Kind::Changed { Reason::Changed } else { Reason::Unreadable };
        Self::new(reason, error.message)
    }
}
