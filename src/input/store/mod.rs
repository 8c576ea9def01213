//! Input from object stores and web servers: addresses to files that are read like those of a disk. What is asynchronous stays in here.

/// In place of stores, in a program without them.
#[cfg(not(feature = "object-store"))]
mod absent;
/// Addresses of objects and folders.
#[cfg_attr(not(feature = "object-store"), allow(dead_code, reason = "for those who can read there"))]
mod address;
/// Connections, and waiting for them.
#[cfg(feature = "object-store")]
mod client;
/// Failures in words.
#[cfg_attr(not(feature = "object-store"), allow(dead_code, reason = "without stores, there is one failure"))]
mod error;
/// The library's failures, described.
#[cfg(feature = "object-store")]
mod fault;
/// Folders, walked.
#[cfg(feature = "object-store")]
mod folder;
/// Objects, read.
#[cfg(feature = "object-store")]
mod object;
#[cfg(all(test, feature = "object-store"))]
mod tests;

#[cfg(not(feature = "object-store"))]
pub(crate) use absent::{Entry, Object, Stores};
pub(crate) use address::Address;
#[cfg(feature = "object-store")]
pub(crate) use client::Stores;
pub use error::StoreError;
#[cfg(feature = "object-store")]
pub(crate) use object::{Entry, Object};
