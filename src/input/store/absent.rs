//! In place of the stores in a program that was built without them: no store can be used.

use std::io::Read;
use std::time::SystemTime;

use super::{Address, StoreError};
use crate::pipeline::Interrupt;

/// The stores of an input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stores {}

/// An object that was found.
#[derive(Debug, Clone)]
pub(crate) enum Entry {}

/// An object that was opened.
#[derive(Debug, Clone)]
pub(crate) enum Object {}

/// An object of a walk.
#[derive(Debug)]
pub(crate) enum Found {}

impl Stores {
    pub(crate) fn new(_retry_seconds: u64) -> Self {
        Self {}
    }

    #[expect(clippy::unused_self, reason = "as with stores")]
    pub(crate) fn expand(&self, address: &Address) -> Result<Vec<Address>, StoreError> {
        Err(absent(address))
    }

    #[expect(clippy::unused_self, reason = "as with stores")]
    pub(crate) fn check(&self, address: &Address) -> Result<(), StoreError> {
        Err(absent(address))
    }

    #[expect(clippy::unused_self, reason = "as with stores")]
    pub(crate) fn walk(
        &self,
        address: &Address,
        _ignored: &[String],
        _interrupt: &Interrupt,
    ) -> impl Iterator<Item = Result<Found, (String, StoreError)>> + Send + use<> {
        std::iter::once(Err((address.to_string(), absent(address))))
    }
}

fn absent(address: &Address) -> StoreError {
    let message = "is in a store, and this pressrun was built without them: build it with `--features object-store`";
    StoreError::address(address.to_string(), message)
}

impl Found {
    pub(crate) fn into_parts(self) -> (Entry, bool) {
        match self {}
    }
}

impl Entry {
    pub(crate) fn url(&self) -> String {
        match *self {}
    }

    pub(crate) fn bytes(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn modified(&self) -> Option<SystemTime> {
        match *self {}
    }

    pub(crate) fn begin(&self, _first_bytes: u64) {
        match *self {}
    }

    pub(crate) fn open(&self, _first_bytes: u64, _interrupt: &Interrupt) -> Result<Object, StoreError> {
        match *self {}
    }
}

impl Object {
    pub(crate) fn length(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn has_ranges(&self) -> bool {
        match *self {}
    }

    pub(crate) fn failure(&self) -> Option<&StoreError> {
        match *self {}
    }

    pub(crate) fn reader(&self) -> Box<dyn Read + '_> {
        match *self {}
    }

    pub(crate) fn read_at(&self, _into: &mut [u8], _at: u64) -> std::io::Result<usize> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::input::find::Finder;

    #[test]
    fn an_address_is_refused_with_the_way_to_use_it() {
        let error = Finder::new(&["s3://news/2031/".into()], Vec::new(), Path::new("output")).unwrap_err();
        assert!(error.is_of_configuration() && error.to_string().contains("`--features object-store`"), "{error}");
    }
}
