//! Arguments to files: finds patterns, and walks folders in the order of their names.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::formats;
use super::names::{document_name, kind};
use super::part::{Listing, Part, PartError};
use super::pieces::{Pieces, is_cuttable};
use super::random_access::RandomAccess;
use super::refusal::Refusal;
use super::store::{Address, Entry, Object, StoreError, Stores};
use crate::config::{Order, is_url};
use crate::pipeline::Interrupt;
use crate::record::{Place, Reason};

/// A reason why there is nothing to walk.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A path that is neither there nor a pattern.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// A pattern that matches no file.
    #[error("`{pattern}` matches no file")]
    NoMatch {
        /// As given.
        pattern: String,
    },
    /// A pattern that is none.
    #[error("`{pattern}` is not a valid pattern")]
    Pattern {
        /// As given.
        pattern: String,
        /// The fault in it.
        #[source]
        cause: glob::PatternError,
    },
    /// A store, or something in it, that cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Web addresses that differ only in what is not shown.
    #[error("`{url}` is named twice, with different queries: results could not tell them apart")]
    SameUrl {
        /// The address, without its query.
        url: String,
    },
    /// Nothing was named.
    #[error("no input: name files or folders, or set `[input] paths`")]
    NoInput,
}

impl FindError {
    /// True if the configuration or the environment has to change.
    pub(crate) fn is_of_configuration(&self) -> bool {
        match self {
            Self::Store(error) => error.is_of_configuration(),
            Self::SameUrl { .. } => true,
            Self::Missing { .. } | Self::NoMatch { .. } | Self::Pattern { .. } | Self::NoInput => false,
        }
    }
}

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// A file to read, or a place that could not be walked.
#[derive(Debug)]
pub struct Source {
    /// The file, or its address without a query; `-` for standard input.
    pub path: PathBuf,
    /// The name of its documents if they have no id: its path below the folder that was named.
    pub name: String,
    /// Its size, or that of the pieces of a part.
    pub bytes: u64,
    /// Its number among all files that are found, also those of other parts, from 0.
    pub number: u64,
    /// True if it was met on a walk and its name does not tell whether it can be read, so that its content has to.
    is_unknown: bool,
    /// The pieces to read, if the file is so large that parts share it.
    pieces: Option<Pieces>,
    content: Content,
}

/// The way to the bytes of a file.
#[derive(Debug)]
enum Content {
    /// Its path.
    File,
    /// An object in a store.
    Object(Entry),
    /// None: a place on a disk that could not be walked.
    Fault(std::io::Error),
    /// None: a place in a store that could not be walked.
    StoreFault(StoreError),
}

/// A file that has been opened, and what it was like then.
#[derive(Debug)]
pub(crate) struct Opened {
    file: Option<RandomAccess>,
    state: Option<State>,
}

/// The reason why a file cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// It cannot be used.
    Refused(Refusal),
    /// Nothing in its store can be used, or the run was asked to stop.
    Store(StoreError),
}

impl From<Refusal> for OpenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        if error.is_of_store() || error.is_stop() { Self::Store(error) } else { Self::Refused(error.into()) }
    }
}

/// So much is read of an object to see what it is.
const SNIFFED_BYTES: u64 = 1 << 16;

/// Size and time of a file, which change when somebody writes into it.
type State = (u64, Option<std::time::SystemTime>);

impl Source {
    /// Opens it. An object is waited for until `interrupt` is requested.
    pub(crate) fn open(&self, interrupt: &Interrupt) -> Result<Opened, OpenError> {
        match &self.content {
            Content::File => Ok(self.open_file()?),
            Content::Fault(error) => Err(unreadable(error).into()),
            Content::StoreFault(error) => Err(error.clone().into()),
            Content::Object(entry) => {
                let object = entry.open(self.first_bytes(), interrupt)?;
                Ok(Opened { file: Some(RandomAccess::Object(object)), state: None })
            }
        }
    }

    /// Asks for the first bytes of an object, which then come while other files are read.
    #[must_use]
    pub fn begin(self) -> Self {
        if let Content::Object(entry) = &self.content {
            entry.begin(self.first_bytes());
        }
        self
    }

    /// The number of bytes of an object to ask for at first.
    fn first_bytes(&self) -> u64 {
        if self.is_unknown { SNIFFED_BYTES } else { u64::MAX }
    }

    fn open_file(&self) -> Result<Opened, Refusal> {
        if self.is_standard_input() {
            return Ok(Opened { file: None, state: None });
        }
        let metadata = self.path.metadata().map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(Refusal::new(Reason::Unreadable, "is no regular file"));
        }
        let file = File::open(&self.path).map_err(|error| unreadable(&error))?;
        let file = RandomAccess::File(Arc::new(file));
        Ok(Opened { file: Some(file), state: Some((metadata.len(), metadata.modified().ok())) })
    }

    /// The time of the last change, if the file can be looked at.
    fn modified(&self) -> Option<std::time::SystemTime> {
        match &self.content {
            Content::Object(entry) => entry.modified(),
            _ => self.path.metadata().and_then(|file| file.modified()).ok(),
        }
    }

    /// True if not even a walk was possible because nothing in its store can be used.
    fn is_fault_of_store(&self) -> bool {
        matches!(&self.content, Content::StoreFault(error) if error.is_of_store())
    }

    /// True if its content has to show whether it can be read.
    pub(crate) fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// The pieces to read, if not all of it.
    pub(crate) fn pieces(&self) -> Option<&Pieces> {
        self.pieces.as_ref()
    }

    /// The kind by which it is counted if it is left out.
    pub(crate) fn kind(&self) -> String {
        kind(&shown(&self.path))
    }

    fn is_standard_input(&self) -> bool {
        self.path.as_os_str() == STANDARD_INPUT
    }

    /// Its place in the results.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::file(shown(&self.path))
    }
}

fn unreadable(error: &std::io::Error) -> Refusal {
    Refusal::new(Reason::Unreadable, format!("cannot be read: {error}"))
}

impl Opened {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> Box<dyn Read + '_> {
        match &self.file {
            Some(RandomAccess::File(file)) => Box::new(&**file),
            Some(RandomAccess::Object(object)) => object.reader(),
            None => Box::new(std::io::stdin()),
        }
    }

    /// The file, if it can be read at any place: standard input cannot, nor can files of some web servers.
    pub(crate) fn file(&self) -> Option<&RandomAccess> {
        self.file.as_ref().filter(|file| match file {
            RandomAccess::File(_) => true,
            RandomAccess::Object(object) => object.has_ranges(),
        })
    }

    /// The object, if it is one.
    pub(crate) fn object(&self) -> Option<&Object> {
        match &self.file {
            Some(RandomAccess::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// The number of bytes that it had.
    pub(crate) fn length(&self) -> u64 {
        let of_object = self.object().map(Object::length);
        of_object.or(self.state.map(|(length, _)| length)).unwrap_or(0)
    }

    /// Describes the change of a file since it was opened, if there is one.
    pub(crate) fn change(&self, source: &Source) -> Option<String> {
        let (length, modified) = self.state?;
        match source.path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Some("went away while it was read: what is here is what it held when it was opened".to_owned())
            }
            Err(error) => Some(format!("cannot be looked at again: {error}")),
            Ok(now) if (now.len(), now.modified().ok()) != (length, modified) => {
                Some(format!("changed while it was read: it had {length} bytes, and has {} now", now.len()))
            }
            Ok(_) => None,
        }
    }
}

/// The amount of input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Survey {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A path that was named.
#[derive(Debug, Clone)]
struct Root {
    path: PathBuf,
    /// The address, if it is one; the path is the same without its query.
    address: Option<Address>,
}

impl From<PathBuf> for Root {
    fn from(path: PathBuf) -> Self {
        Self { path, address: None }
    }
}

impl From<Address> for Root {
    fn from(address: Address) -> Self {
        Self { path: address.to_string().into(), address: Some(address) }
    }
}

/// Finds the files under the paths that were named.
#[derive(Debug, Clone)]
pub struct Finder {
    roots: Vec<Root>,
    stores: Stores,
    interrupt: Interrupt,
    order: Order,
    ignored: Vec<String>,
    output: PathBuf,
    /// The part to find, and the largest file that is in a part as a whole.
    part: Option<(Part, u64)>,
}

/// A file of this name says what a walk leaves out below its folder, as `.gitignore` does for git.
pub(super) const IGNORE_FILE: &str = ".pressrunignore";

impl Finder {
    /// Checks `paths`: files, folders, patterns, or `-` for standard input. Of `listed`, files and folders, one that is not there becomes
    /// a rejection: a list is made before a run, and may be long. What a run writes into `output` is never read as input.
    ///
    /// # Errors
    /// A path that does not exist, a pattern that fits nothing, or no path at all.
    pub fn new(paths: &[PathBuf], listed: Vec<PathBuf>, output: &Path) -> Result<Self, FindError> {
        Self::with_stores(paths, listed, output, Stores::default())
    }

    /// As [`Self::new`]. Paths may also be addresses of objects in `stores`.
    ///
    /// # Errors
    /// As [`Self::new`], and a store that cannot be read.
    pub(crate) fn with_stores(
        paths: &[PathBuf],
        listed: Vec<PathBuf>,
        output: &Path,
        stores: Stores,
    ) -> Result<Self, FindError> {
        if paths.is_empty() && listed.is_empty() {
            return Err(FindError::NoInput);
        }
        let mut roots = Vec::new();
        for path in paths {
            match address_of(path)? {
                Some(address) => expand_address(address, &stores, &mut roots)?,
                None => expand(path, &mut roots)?,
            }
        }
        for path in listed {
            let address = address_of(&path)?;
            roots.push(address.map_or_else(|| Root::from(path), Root::from));
        }
        let roots = without_repeats(roots)?;
        Ok(Self {
            roots,
            stores,
            interrupt: Interrupt::default(),
            order: Order::Name,
            ignored: Vec::new(),
            output: output.to_owned(),
            part: None,
        })
    }

    /// Waits for stores only until `interrupt` is requested. The files that were not found then are missing.
    #[must_use]
    pub fn until(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// Leaves out on walks what one of `patterns` fits, which are written as in `.gitignore`.
    #[must_use]
    pub fn ignoring(self, patterns: Vec<String>) -> Self {
        Self { ignored: patterns, ..self }
    }

    /// Finds files in another order.
    #[must_use]
    pub fn in_order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Finds only the files of one part of the input, if there is one. Large files are cut into pieces of so many bytes.
    ///
    /// # Errors
    /// Standard input, which has no parts.
    pub fn of_part(self, part: Option<Part>, piece_bytes: u64) -> Result<Self, PartError> {
        if part.is_some() && self.roots.iter().any(|root| root.path.as_os_str() == STANDARD_INPUT) {
            return Err(PartError::StandardInput);
        }
        Ok(Self { part: part.map(|part| (part, piece_bytes)), ..self })
    }

    /// The files, one by one, also those whose content will show that they are left out. In the order of names nothing is kept in memory but
    /// the folders on the way; to have the newest first, all of them are.
    #[must_use]
    pub fn sources(&self) -> Box<dyn Iterator<Item = Source> + Send> {
        self.of_its_part(self.all_sources())
    }

    /// As [`Self::sources`], and adds all files to `listing`, also those of other parts.
    #[must_use]
    pub fn listed_sources(&self, listing: Listing) -> Box<dyn Iterator<Item = Source> + Send> {
        let piece_bytes = self.part.map_or(u64::MAX, |(_, piece_bytes)| piece_bytes);
        self.of_its_part(self.all_sources().inspect(move |source| {
            let path = shown(&source.path);
            // Parts that see different sizes of a file may all leave out a piece.
            let shared_bytes = (source.bytes > piece_bytes && is_cuttable(&path)).then_some(source.bytes);
            listing.add(&path, shared_bytes);
        }))
    }

    /// Leaves out the files of other parts.
    fn of_its_part(
        &self,
        sources: impl Iterator<Item = Source> + Send + 'static,
    ) -> Box<dyn Iterator<Item = Source> + Send> {
        match self.part {
            None => Box::new(sources),
            Some((part, piece_bytes)) => Box::new(sources.filter_map(move |source| of_part(source, part, piece_bytes))),
        }
    }

    /// The files of all parts, with their numbers.
    fn all_sources(&self) -> impl Iterator<Item = Source> + Send + use<> {
        let sources: Box<dyn Iterator<Item = Source> + Send> = match self.order {
            Order::Name => Box::new(self.walk()),
            Order::Newest => {
                let mut sources: Vec<_> = self.walk().map(|source| (source.modified(), source)).collect();
                // Stable: of equals the first by name comes first.
                sources.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
                Box::new(sources.into_iter().map(|(_, source)| source))
            }
        };
        sources.zip(0..).map(|(source, number)| Source { number, ..source })
    }

    fn walk(&self) -> impl Iterator<Item = Source> + Send + use<> {
        // Only now: a run makes its output folder after its paths have been checked.
        let output = self.output.canonicalize().ok();
        let Self { stores, interrupt, ignored, .. } = self.clone();
        self.roots.clone().into_iter().flat_map(move |Root { path, address }| match address {
            None => walk(path, &ignored, output.clone()),
            Some(address) => walk_store(path, &address, &stores, &ignored, &interrupt),
        })
    }

    /// Walks once to see how much there is. Files of unknown names count, because nobody has opened them yet.
    #[must_use]
    pub fn survey(&self) -> Survey {
        self.sources().fold(Survey::default(), |survey, source| Survey {
            files: survey.files + 1,
            bytes: survey.bytes + source.bytes,
        })
    }
}

/// The address that a path is, if it is one and no path of a disk.
fn address_of(path: &Path) -> Result<Option<Address>, StoreError> {
    match path.to_str() {
        Some(text) if is_url(path) => Address::parse(text).map(Some),
        _ => Ok(None),
    }
}

fn expand_address(address: Address, stores: &Stores, roots: &mut Vec<Root>) -> Result<(), FindError> {
    if !address.is_pattern() {
        stores.check(&address)?;
        roots.push(address.into());
        return Ok(());
    }
    let found = stores.expand(&address)?;
    if found.is_empty() {
        return Err(FindError::NoMatch { pattern: address.to_string() });
    }
    roots.extend(found.into_iter().map(Root::from));
    Ok(())
}

fn expand(path: &Path, roots: &mut Vec<Root>) -> Result<(), FindError> {
    if path.as_os_str() == STANDARD_INPUT || path.symlink_metadata().is_ok() {
        roots.push(path.to_owned().into());
        return Ok(());
    }
    let pattern = path.to_string_lossy().into_owned();
    if !pattern.contains(['*', '?', '[']) {
        return Err(FindError::Missing { path: path.to_owned() });
    }
    let before = roots.len();
    // As in a shell, `*` does not match hidden files.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let matches =
        glob::glob_with(&pattern, options).map_err(|cause| FindError::Pattern { pattern: pattern.clone(), cause })?;
    // A folder that cannot be listed is met again, and reported, when a walk reaches it.
    roots.extend(matches.filter_map(Result::ok).map(Root::from));
    if roots.len() == before { Err(FindError::NoMatch { pattern }) } else { Ok(()) }
}

/// Leaves out roots that are named twice or lie below another, so that no file is read twice.
fn without_repeats(roots: Vec<Root>) -> Result<Vec<Root>, FindError> {
    let all: HashSet<PathBuf> = roots.iter().map(|root| real_path(&root.path)).collect();
    let mut kept: HashMap<PathBuf, Option<Address>> = HashMap::new();
    let mut unique = Vec::new();
    for root in roots {
        let path = real_path(&root.path);
        if path.ancestors().skip(1).any(|ancestor| all.contains(ancestor)) {
            continue;
        }
        match kept.entry(path) {
            Slot::Vacant(slot) => {
                slot.insert(root.address.clone());
                unique.push(root);
            }
            Slot::Occupied(slot) => {
                let (one, other) = (slot.get().as_ref(), root.address.as_ref());
                if one.is_some_and(|one| other.is_some_and(|other| one.differs_in_query(other))) {
                    return Err(FindError::SameUrl { url: shown(&root.path) });
                }
            }
        }
    }
    Ok(unique)
}

fn real_path(path: &Path) -> PathBuf {
    if is_url(path) {
        return path.to_owned();
    }
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn walk(root: PathBuf, ignored: &[String], output: Option<PathBuf>) -> Box<dyn Iterator<Item = Source> + Send> {
    if root.as_os_str() == STANDARD_INPUT {
        let name = "stdin".to_owned();
        return Box::new(std::iter::once(Source {
            path: root,
            name,
            bytes: 0,
            number: 0,
            is_unknown: false,
            pieces: None,
            content: Content::File,
        }));
    }
    let ignored = patterns(&root, ignored);
    let walk = WalkBuilder::new(&root)
        .standard_filters(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .sort_by_file_name(std::cmp::Ord::cmp)
        .filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_output = is_folder && output.is_some() && entry.path().canonicalize().ok() == output;
            let is_passed_over = is_hidden(entry) || is_output || ignored.matched(entry.path(), is_folder).is_ignore();
            entry.depth() == 0 || !is_passed_over
        })
        .build();
    Box::new(walk.filter_map(move |entry| source_of(entry, &root)))
}

/// A file if `part` has it or some of its pieces.
fn of_part(source: Source, part: Part, piece_bytes: u64) -> Option<Source> {
    if source.is_fault_of_store() {
        // Every part ends there: its own files may be among those that were not found.
        return Some(source);
    }
    let path = shown(&source.path);
    match Pieces::new(part, &path, source.bytes, piece_bytes) {
        None => part.has(&path).then_some(source),
        Some(pieces) => match pieces.own_bytes(source.bytes) {
            0 => None,
            bytes => Some(Source { bytes, pieces: Some(pieces), ..source }),
        },
    }
}

/// The configuration has checked each of them.
fn patterns(root: &Path, ignored: &[String]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in ignored {
        let _ = builder.add_line(None, pattern);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|name| name.starts_with('.'))
}

/// A file that was named is always read. One that was met on a walk is read if its name or, later, its content shows that it can be.
fn source_of(entry: Result<DirEntry, ignore::Error>, root: &Path) -> Option<Source> {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => {
            let path = path_of(&error).unwrap_or(root).to_owned();
            let fault = error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
            return Some(Source {
                name: name_of(&path, root),
                path,
                bytes: 0,
                number: 0,
                is_unknown: false,
                pieces: None,
                content: Content::Fault(fault),
            });
        }
    };
    let is_named = entry.depth() == 0 && !entry.path().is_dir();
    let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
    if !is_named && !is_file {
        return None;
    }
    let is_unknown = !is_named && !formats::is_readable(&shown(Path::new(entry.file_name())));
    let bytes = entry.path().metadata().map_or(0, |metadata| metadata.len());
    Some(Source {
        name: name_of(entry.path(), root),
        path: entry.into_path(),
        bytes,
        number: 0,
        is_unknown,
        pieces: None,
        content: Content::File,
    })
}

fn walk_store(
    root: PathBuf,
    address: &Address,
    stores: &Stores,
    ignored: &[String],
    interrupt: &Interrupt,
) -> Box<dyn Iterator<Item = Source> + Send> {
    let walk = stores.walk(address, ignored, interrupt);
    Box::new(walk.map(move |found| {
        let (url, bytes, is_named, content) = match found {
            Ok(found) => {
                let (entry, is_named) = found.into_parts();
                (entry.url(), entry.bytes(), is_named, Content::Object(entry))
            }
            Err((url, error)) => (url, 0, true, Content::StoreFault(error)),
        };
        let path = PathBuf::from(url);
        let is_unknown = !is_named && !formats::is_readable(&shown(Path::new(path.file_name().unwrap_or_default())));
        Source { name: name_of(&path, &root), path, bytes, number: 0, is_unknown, pieces: None, content }
    }))
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn name_of(path: &Path, root: &Path) -> String {
    let below = match path.strip_prefix(root) {
        Ok(below) if !below.as_os_str().is_empty() => below,
        _ => Path::new(path.file_name().unwrap_or(path.as_os_str())),
    };
    document_name(&shown(below))
}

/// A path as it is shown and hashed: the same on every system.
fn shown(path: &Path) -> String {
    if is_url(path) {
        return path.to_string_lossy().into_owned();
    }
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a/x.jsonl", "a/y.TXT", "a/picture.png", ".hidden.txt", "output/statements/old.jsonl"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        folder
    }

    fn names(folder: &Path, paths: &[&str]) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| folder.join(path)).collect();
        let finder = Finder::new(&paths, Vec::new(), &folder.join("output")).unwrap();
        known_names(&finder)
    }

    /// The names of documents in files whose names tell that they can be read.
    fn known_names(finder: &Finder) -> Vec<String> {
        finder.sources().filter(|source| !source.is_unknown()).map(|source| source.name).collect()
    }

    #[test]
    fn a_file_of_unknown_name_is_found_on_a_walk_and_marked() {
        let folder = folder();
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), &folder.path().join("output")).unwrap();
        let unknown = finder.sources().filter(Source::is_unknown).map(|source| (source.name.clone(), source.kind()));
        assert_eq!(unknown.collect::<Vec<_>>(), [("a.picture".to_owned(), ".png".to_owned())]);
        let named = Finder::new(&[folder.path().join("a/picture.png")], Vec::new(), Path::new("output")).unwrap();
        assert!(named.sources().all(|source| !source.is_unknown()));
    }

    #[test]
    fn the_newest_come_first_where_that_is_wanted() {
        let folder = folder();
        let file = std::fs::File::options().write(true).open(folder.path().join("b.txt")).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), &folder.path().join("output")).unwrap();
        let names = finder.in_order(Order::Newest).sources().map(|source| source.name);
        assert_eq!(names.collect::<Vec<_>>()[0], "b");
    }

    #[test]
    fn the_files_of_all_parts_are_all_files_with_the_same_numbers() {
        let folder = folder();
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), &folder.path().join("output")).unwrap();
        let numbered = |finder: &Finder, listing: Listing| -> Vec<(u64, String)> {
            finder.listed_sources(listing).map(|source| (source.number, source.name)).collect()
        };
        let all = Listing::default();
        let expected = numbered(&finder, all.clone());
        let mut found = Vec::new();
        for number in 0..3 {
            let listing = Listing::default();
            let of_part = finder.clone().of_part(Part::new(number, 3), u64::MAX).unwrap();
            found.extend(numbered(&of_part, listing.clone()));
            assert_eq!(listing.digest(), all.digest());
        }
        found.sort();
        assert_eq!(found, expected);
        let stdin = Finder::new(&["-".into()], Vec::new(), Path::new("output")).unwrap();
        assert_eq!(stdin.of_part(Part::new(0, 2), u64::MAX).unwrap_err(), PartError::StandardInput);
    }

    #[test]
    fn a_folder_gives_its_articles_and_not_the_results_of_earlier_runs() {
        let folder = folder();
        assert_eq!(names(folder.path(), &[""]), ["a.x", "a.y", "b"]);
    }

    #[test]
    fn results_are_no_input_even_where_their_folder_is_made_later() {
        let folder = tempfile::tempdir().unwrap();
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), &folder.path().join("output")).unwrap();
        std::fs::create_dir(folder.path().join("output")).unwrap();
        std::fs::write(folder.path().join("output/documents.jsonl"), "x").unwrap();
        assert_eq!(finder.sources().count(), 0);
    }

    #[test]
    fn what_is_ignored_is_not_found_unless_it_is_named() {
        let folder = folder();
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), Path::new("output")).unwrap();
        let ignoring = finder.clone().ignoring(vec!["*.jsonl".into(), "/output/".into()]);
        assert_eq!(known_names(&ignoring), ["a.y", "b"]);
        std::fs::write(folder.path().join(IGNORE_FILE), "/a/\n").unwrap();
        std::fs::write(folder.path().join("output").join(IGNORE_FILE), "old.*").unwrap();
        assert_eq!(known_names(&finder), ["b"]);
        let below = Finder::new(&[folder.path().join("a")], Vec::new(), Path::new("output")).unwrap();
        assert_eq!(known_names(&below), ["x", "y"]);
    }

    #[test]
    fn what_a_list_names_and_is_not_there_is_said_and_stops_nothing() {
        let folder = folder();
        let list = vec![folder.path().join("gone.txt"), folder.path().join("b.txt")];
        let finder = Finder::new(&[], list, Path::new("output")).unwrap();
        let found: Vec<bool> = finder.sources().map(|source| source.open(&Interrupt::default()).is_ok()).collect();
        assert_eq!(found, [false, true]);
        assert!(Finder::new(&[], Vec::new(), Path::new("output")).is_err());
    }

    #[test]
    fn a_pattern_gives_what_fits() {
        let folder = folder();
        assert_eq!(names(folder.path(), &["a/*.jsonl"]), ["x"]);
    }

    #[test]
    fn no_file_is_found_twice() {
        let folder = folder();
        assert_eq!(names(folder.path(), &["a/x.jsonl", "a", "a", "b.txt", "*.txt"]), ["x", "y", "b"]);
    }

    #[test]
    fn what_does_not_exist_is_an_error() {
        let missing = Finder::new(&["no/such/file.txt".into()], Vec::new(), Path::new("output")).unwrap_err();
        assert_eq!(missing.to_string(), "`no/such/file.txt` does not exist");
        let unmatched = Finder::new(&["no/such/*.txt".into()], Vec::new(), Path::new("output")).unwrap_err();
        assert_eq!(unmatched.to_string(), "`no/such/*.txt` matches no file");
    }

    #[test]
    fn the_survey_counts_files_and_bytes() {
        let folder = folder();
        let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), &folder.path().join("output")).unwrap();
        assert_eq!(finder.survey(), Survey { files: 4, bytes: 4 });
    }
}
