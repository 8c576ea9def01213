//! An object: read from its beginning to its end in requests of some megabytes, one ahead of the reader, or at any place. Every request asks for
//! the version that was opened, so that an object which changes is an error and never a mixture.

use std::collections::VecDeque;
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::address::Address;
use super::client::{Client, Patience, key, panicked, receive, runtime, wait};
use super::error::{Kind, StoreError};
use super::fault::describe;
use crate::input::refusal::Refusal;
use crate::pipeline::Interrupt;

/// The size of a request.
const BLOCK_BYTES: u64 = 4 << 20;

/// So many blocks are kept of an object that is read at any place.
const KEPT_BLOCKS: usize = 8;

/// An object that was found, and its version.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(super) client: Client,
    pub(super) address: Address,
    /// Its size, which is 0 if the server does not tell.
    pub(super) bytes: u64,
    pub(super) version: Version,
    /// False if its server can only send it as a whole.
    pub(super) has_ranges: bool,
    /// The request for its first bytes, if it was sent before somebody opened it.
    pub(super) begun: Begun,
}

/// A request that was sent and whose answer nobody has taken yet.
pub(super) type Begun = Arc<Mutex<Option<JoinHandle<Result<Bytes, StoreError>>>>>;

/// The version of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Version {
    e_tag: Option<String>,
    modified: Option<SystemTime>,
}

impl Version {
    pub(super) fn of(meta: &ObjectMeta) -> Self {
        Self { e_tag: meta.e_tag.clone(), modified: Some(SystemTime::from(meta.last_modified)) }
    }

    /// True if both are the same, as far as the server tells. A list may give a time with a fraction of a second, and an object one without.
    fn is(&self, other: &Self) -> bool {
        match (&self.e_tag, &other.e_tag) {
            (Some(one), Some(other)) => one.trim_matches('"') == other.trim_matches('"'),
            _ => match (self.modified, other.modified) {
                (Some(one), Some(other)) => seconds(one) == seconds(other),
                _ => true,
            },
        }
    }

    /// A request for this version alone. A weak tag never matches.
    fn options(&self) -> GetOptions {
        let strong = self.e_tag.clone().filter(|tag| !tag.starts_with("W/"));
        GetOptions { if_match: strong, ..GetOptions::default() }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl Entry {
    /// Its address, without its query.
    pub(crate) fn url(&self) -> String {
        self.address.to_string()
    }

    /// Its size, or 0 if its server does not tell.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The time of its last change, if its server tells.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        self.version.modified
    }

    /// Opens it and reads its first bytes, `first_bytes` at most. If it has changed since it was found, the new version is opened.
    pub(crate) fn open(&self, first_bytes: u64, interrupt: &Interrupt) -> Result<Object, StoreError> {
        match self.open_version(first_bytes, interrupt) {
            Err(error) if error.is_change() => self.find_again(interrupt)?.open_version(first_bytes, interrupt),
            opened => opened,
        }
    }

    /// Asks for the first bytes without waiting for them. [`Self::open`] with the same number of bytes takes them.
    pub(crate) fn begin(&self, first_bytes: u64) {
        let range = self.beginning(first_bytes);
        // If this fails, opening it fails as well and says so.
        if !range.is_empty()
            && let Ok(target) = self.target()
            && let Ok(runtime) = runtime()
        {
            let task = runtime.spawn(async move { target.fetch(range).await });
            *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
    }

    /// The range of the first bytes.
    fn beginning(&self, first_bytes: u64) -> Range<u64> {
        if self.has_ranges { 0..self.bytes.min(first_bytes.min(BLOCK_BYTES)) } else { 0..0 }
    }

    fn target(&self) -> Result<Target, StoreError> {
        Ok(Target {
            client: self.client.clone(),
            address: self.address.clone(),
            key: key(&self.address)?,
            bytes: self.bytes,
            version: self.version.clone(),
        })
    }

    fn open_version(&self, first_bytes: u64, interrupt: &Interrupt) -> Result<Object, StoreError> {
        let target = self.target()?;
        let range = self.beginning(first_bytes);
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let first = match begun {
            _ if range.is_empty() => Bytes::new(),
            Some(task) => wait(async move { task.await.unwrap_or_else(|_| Err(panicked())) }, interrupt)?,
            None => target.read(range, interrupt)?,
        };
        let shared = Shared {
            target,
            has_ranges: self.has_ranges,
            first,
            interrupt: interrupt.clone(),
            failure: OnceLock::new(),
            blocks: Mutex::default(),
        };
        Ok(Object(Arc::new(shared)))
    }

    fn find_again(&self, interrupt: &Interrupt) -> Result<Self, StoreError> {
        find(&self.client, &self.address, interrupt)
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("address", &self.address).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Finds one object by its address.
pub(super) fn find(client: &Client, address: &Address, interrupt: &Interrupt) -> Result<Entry, StoreError> {
    let entry = |meta: &ObjectMeta, has_ranges| Entry {
        client: client.clone(),
        address: address.clone(),
        bytes: meta.size,
        version: Version::of(meta),
        has_ranges,
        begun: Begun::default(),
    };
    let key = key(address)?;
    let is_web = address.scheme().is_web();
    let (meta, has_ranges) = client.ask(address, interrupt, move |store| {
        let key = key.clone();
        async move {
            if !is_web {
                return Ok((store.head(&key).await?, true));
            }
            // Not all web addresses can be asked for their head: one that is signed is signed for reading.
            let options = GetOptions { range: Some(GetRange::Bounded(0..1)), ..GetOptions::default() };
            match store.get_opts(&key, options).await {
                Ok(result) => Ok((result.meta, true)),
                // No ranges, or nothing in it that could be one.
                Err(_) => Ok((store.get_opts(&key, GetOptions::default()).await?.meta, false)),
            }
        }
    })?;
    Ok(entry(&meta, has_ranges))
}

/// An object that was opened. Clones share what was read of it.
#[derive(Clone)]
pub(crate) struct Object(Arc<Shared>);

/// The place of a block, which is empty until somebody has read it.
type Slot = Arc<Mutex<Option<Bytes>>>;

struct Shared {
    target: Target,
    has_ranges: bool,
    /// Its first bytes.
    first: Bytes,
    interrupt: Interrupt,
    /// The failure because of which the run has to end or does end.
    failure: OnceLock<StoreError>,
    /// Some blocks by their numbers, the one that was used last at the end.
    blocks: Mutex<VecDeque<(u64, Slot)>>,
}

impl Object {
    /// Its size, or 0 if its server does not tell.
    pub(crate) fn length(&self) -> u64 {
        self.0.target.bytes
    }

    /// True if it can be read at any place.
    pub(crate) fn has_ranges(&self) -> bool {
        self.0.has_ranges
    }

    /// The failure because of which the run has to end, or the stop that was asked for.
    pub(crate) fn failure(&self) -> Option<&StoreError> {
        self.0.failure.get()
    }

    /// Its bytes, from the first to the last.
    pub(crate) fn reader(&self) -> Box<dyn Read + '_> {
        Box::new(Reader { object: self, block: self.0.first.clone(), ahead: None, is_ended: false })
    }

    /// Reads at a place, no further than to the end of a block.
    pub(crate) fn read_at(&self, into: &mut [u8], at: u64) -> std::io::Result<usize> {
        if into.is_empty() || at >= self.length() {
            return Ok(0);
        }
        let block = self.block(at / BLOCK_BYTES).map_err(|error| self.failed(error))?;
        let bytes = &block[usize::try_from(at % BLOCK_BYTES).unwrap_or(usize::MAX).min(block.len())..];
        let length = bytes.len().min(into.len());
        into[..length].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    /// A block by its number. Who wants the same one waits until it is here.
    fn block(&self, number: u64) -> Result<Bytes, StoreError> {
        let slot = self.slot(number);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*slot {
            return Ok(bytes.clone());
        }
        let begin = number * BLOCK_BYTES;
        let range = begin..self.length().min(begin + BLOCK_BYTES);
        let is_first = number == 0 && self.0.first.len() as u64 == range.end;
        let bytes = if is_first { self.0.first.clone() } else { self.0.target.read(range, &self.0.interrupt)? };
        *slot = Some(bytes.clone());
        Ok(bytes)
    }

    fn slot(&self, number: u64) -> Slot {
        let mut blocks = self.0.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = blocks.iter().position(|(kept, _)| *kept == number);
        let slot = found.and_then(|at| blocks.remove(at)).map_or_else(Slot::default, |(_, slot)| slot);
        if blocks.len() >= KEPT_BLOCKS {
            blocks.pop_front();
        }
        blocks.push_back((number, Arc::clone(&slot)));
        slot
    }

    /// Remembers a failure that ends the run.
    fn failed(&self, error: StoreError) -> std::io::Error {
        if error.is_of_store() || error.is_stop() {
            let _ = self.0.failure.set(error.clone());
        }
        Refusal::from(error).into()
    }

    /// Starts to read from a place to the end.
    fn read_ahead(&self, from: u64) -> Result<Ahead, StoreError> {
        // One block waits here and one is on its way while another one is used.
        let (sender, receiver) = channel(1);
        let target = self.0.target.clone();
        let has_ranges = self.0.has_ranges;
        let task = runtime()?.spawn(async move {
            if has_ranges { target.send_blocks(from, sender).await } else { target.send_whole(sender).await }
        });
        Ok(Ahead { receiver, task })
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("address", &self.0.target.address).finish_non_exhaustive()
    }
}

/// Reads an object from its beginning to its end.
struct Reader<'o> {
    object: &'o Object,
    /// What was read and not taken yet.
    block: Bytes,
    ahead: Option<Ahead>,
    is_ended: bool,
}

/// A task that reads ahead. It ends when this is dropped.
struct Ahead {
    receiver: Receiver<Result<Bytes, StoreError>>,
    task: JoinHandle<()>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader<'_> {
    fn next_block(&mut self) -> Result<Option<Bytes>, StoreError> {
        let shared = &self.object.0;
        let first = shared.first.len() as u64;
        if shared.has_ranges && first >= self.object.length() {
            return Ok(None);
        }
        let ahead = match &mut self.ahead {
            Some(ahead) => ahead,
            None => self.ahead.insert(self.object.read_ahead(first)?),
        };
        receive(&mut ahead.receiver, &shared.interrupt)?.transpose()
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.block.is_empty() && !self.is_ended && !into.is_empty() {
            match self.next_block() {
                Ok(Some(block)) => self.block = block,
                Ok(None) => self.is_ended = true,
                Err(error) => {
                    self.is_ended = true;
                    return Err(self.object.failed(error));
                }
            }
        }
        let length = self.block.len().min(into.len());
        into[..length].copy_from_slice(&self.block.split_to(length));
        Ok(length)
    }
}

/// One version of an object, for requests.
#[derive(Clone)]
struct Target {
    client: Client,
    address: Address,
    key: Key,
    bytes: u64,
    version: Version,
}

impl Target {
    /// Reads a range, and waits for it.
    fn read(&self, range: Range<u64>, interrupt: &Interrupt) -> Result<Bytes, StoreError> {
        let target = self.clone();
        wait(async move { target.fetch(range).await }, interrupt)
    }

    /// Sends the blocks from a place to the end.
    async fn send_blocks(self, from: u64, sender: Sender<Result<Bytes, StoreError>>) {
        let mut begin = from;
        while begin < self.bytes {
            let end = self.bytes.min(begin + BLOCK_BYTES);
            let block = self.fetch(begin..end).await;
            let is_last = block.is_err();
            if sender.send(block).await.is_err() || is_last {
                return;
            }
            begin = end;
        }
    }

    /// Sends all bytes of an object that can only be read as a whole. Nobody can go on where this breaks off.
    async fn send_whole(self, sender: Sender<Result<Bytes, StoreError>>) {
        let mut patience = Patience::new(self.client.retry_time);
        let result = loop {
            match self.client.store.get_opts(&self.key, GetOptions::default()).await {
                Ok(result) => break result,
                Err(error) => {
                    if let Err(error) = patience.wait_after(describe(&error, &self.address)).await {
                        let _ = sender.send(Err(error)).await;
                        return;
                    }
                }
            }
        };
        if result.meta.size != self.bytes || !Version::of(&result.meta).is(&self.version) {
            let _ = sender.send(Err(self.changed())).await;
            return;
        }
        let mut left = self.bytes;
        let mut stream = result.into_stream();
        while let Some(bytes) = stream.next().await {
            let bytes = match bytes {
                Ok(bytes) => Ok(bytes),
                Err(error) => Err(describe(&error, &self.address)),
            };
            left = left.saturating_sub(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
            let is_last = bytes.is_err();
            if sender.send(bytes).await.is_err() || is_last {
                return;
            }
        }
        if left > 0 {
            let _ = sender.send(Err(self.broken())).await;
        }
    }

    /// Reads a range. If an answer breaks off, the rest is asked for.
    async fn fetch(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::with_capacity(length);
        let mut patience = Patience::new(self.client.retry_time);
        loop {
            let before = bytes.len();
            let outcome = self.fetch_into(&mut bytes, &range).await;
            if bytes.len() > before {
                patience = Patience::new(self.client.retry_time);
            }
            let error = match outcome {
                Ok(()) if bytes.len() == length => return Ok(bytes.freeze()),
                Ok(()) => self.broken(),
                Err(error) => error,
            };
            patience.wait_after(error).await?;
        }
    }

    /// Reads what is missing of a range, as far as the answer goes.
    async fn fetch_into(&self, bytes: &mut BytesMut, range: &Range<u64>) -> Result<(), StoreError> {
        let missing = range.start + bytes.len() as u64..range.end;
        let options = GetOptions { range: Some(GetRange::Bounded(missing)), ..self.version.options() };
        let failed = |error: object_store::Error| describe(&error, &self.address);
        let result = self.client.store.get_opts(&self.key, options).await.map_err(failed)?;
        if result.meta.size != self.bytes || !Version::of(&result.meta).is(&self.version) {
            return Err(self.changed());
        }
        let mut stream = result.into_stream();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(failed)?;
            let room = usize::try_from(range.end - range.start).unwrap_or(usize::MAX) - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(())
    }

    fn changed(&self) -> StoreError {
        let message = "changed while it was read: its version is another one than at the beginning";
        StoreError::new(Kind::Changed, self.address.to_string(), message)
    }

    fn broken(&self) -> StoreError {
        let message =
            "cannot be read: the server breaks its answers off, however often it is asked (`[input] retry_seconds`)";
        StoreError::new(Kind::Unavailable, self.address.to_string(), message)
    }
}
