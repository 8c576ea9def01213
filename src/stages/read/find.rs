//! Which files there are: arguments to files, folders walked in the order of their names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::{Refusal, shown, unreadable};
use crate::config::Order;
use crate::record::{Place, Reason};

/// Why there is nothing to walk.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A path that is neither there nor a pattern.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// A pattern that fits no file.
    #[error("`{pattern}` fits no file")]
    NoMatch {
        /// As given.
        pattern: String,
    },
    /// A pattern that is none.
    #[error("`{pattern}` is no valid pattern")]
    Pattern {
        /// As given.
        pattern: String,
        /// Why.
        #[source]
        cause: glob::PatternError,
    },
    /// Nothing was named.
    #[error("no input: name files or folders, or set `[input] paths`")]
    NoInput,
}

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.txt`: one document a file.
    PlainText,
    /// `.jsonl`: one document a line.
    JsonLines,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" | "text" => Some(Self::PlainText),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// A file to read, or a place that could not be walked.
#[derive(Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What its documents are called where they have no id: its path below the folder that was named.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    fault: Option<std::io::Error>,
}

impl Source {
    /// What to read it as.
    pub(super) fn check(&self) -> Result<Format, Refusal> {
        if let Some(error) = &self.fault {
            return Err(unreadable(error));
        }
        if !self.path.is_file() {
            return Err(Refusal::new(Reason::Unreadable, "is no regular file"));
        }
        Format::of(&self.path).ok_or_else(|| {
            Refusal::new(Reason::UnknownFormat, "is neither plain text (.txt) nor JSON Lines (.jsonl) by its name")
        })
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::file(shown(&self.path))
    }
}

/// How much there is to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Survey {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Finds the files under the paths that were named.
#[derive(Debug, Clone)]
pub struct Finder {
    roots: Vec<PathBuf>,
    order: Order,
    output: PathBuf,
}

impl Finder {
    /// Checks `paths`: files, folders or patterns. What a run writes into `output` is never read as input.
    ///
    /// # Errors
    /// A path that does not exist, a pattern that fits nothing, or no path at all.
    pub fn new(paths: &[PathBuf], output: &Path) -> Result<Self, FindError> {
        if paths.is_empty() {
            return Err(FindError::NoInput);
        }
        let mut roots = Vec::new();
        for path in paths {
            expand(path, &mut roots)?;
        }
        Ok(Self { roots: without_repeats(roots), order: Order::Name, output: output.to_owned() })
    }

    /// Finds files in another order.
    #[must_use]
    pub fn in_order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// The files, one by one. In the order of names nothing is kept in memory but the folders on the way; to have the newest first,
    /// all of them are.
    #[must_use]
    pub fn sources(&self) -> Box<dyn Iterator<Item = Source> + Send> {
        match self.order {
            Order::Name => Box::new(self.walk()),
            Order::Newest => {
                let changed = |source: &Source| source.path.metadata().and_then(|file| file.modified()).ok();
                let mut sources: Vec<_> = self.walk().map(|source| (changed(&source), source)).collect();
                // Stable: of equals the first by name comes first.
                sources.sort_by_key(|(changed, _)| std::cmp::Reverse(*changed));
                Box::new(sources.into_iter().map(|(_, source)| source))
            }
        }
    }

    fn walk(&self) -> impl Iterator<Item = Source> + Send + use<> {
        // Only now: a run makes its output folder after its paths have been checked.
        let output = self.output.canonicalize().ok();
        self.roots.clone().into_iter().flat_map(move |root| walk(root, output.clone()))
    }

    /// Walks once to see how much there is.
    #[must_use]
    pub fn survey(&self) -> Survey {
        self.sources().fold(Survey::default(), |survey, source| Survey {
            files: survey.files + 1,
            bytes: survey.bytes + source.bytes,
        })
    }
}

fn expand(path: &Path, roots: &mut Vec<PathBuf>) -> Result<(), FindError> {
    if path.symlink_metadata().is_ok() {
        roots.push(path.to_owned());
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
    roots.extend(matches.filter_map(Result::ok));
    if roots.len() == before { Err(FindError::NoMatch { pattern }) } else { Ok(()) }
}

/// Leaves out roots that are named twice or lie below another, so that no file is read twice.
fn without_repeats(roots: Vec<PathBuf>) -> Vec<PathBuf> {
    let real = |root: &PathBuf| root.canonicalize().unwrap_or_else(|_| root.clone());
    let all: HashSet<PathBuf> = roots.iter().map(real).collect();
    let mut kept = HashSet::new();
    roots
        .into_iter()
        .filter(|root| {
            let path = real(root);
            let lies_below_another = path.ancestors().skip(1).any(|ancestor| all.contains(ancestor));
            !lies_below_another && kept.insert(path)
        })
        .collect()
}

fn walk(root: PathBuf, output: Option<PathBuf>) -> impl Iterator<Item = Source> + Send {
    let is_wanted = move |entry: &DirEntry| {
        let is_output = entry.file_type().is_dir() && output.is_some() && entry.path().canonicalize().ok() == output;
        entry.depth() == 0 || !(is_hidden(entry) || is_output)
    };
    WalkDir::new(&root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_wanted)
        .filter_map(move |entry| source_of(entry, &root))
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|name| name.starts_with('.'))
}

/// A file that was named is always a source; one that was met on a walk only where its name says that it can be read.
fn source_of(entry: walkdir::Result<DirEntry>, root: &Path) -> Option<Source> {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => {
            let path = error.path().unwrap_or(root).to_owned();
            return Some(Source { name: name_of(&path, root), path, bytes: 0, fault: Some(error.into()) });
        }
    };
    let is_named = entry.depth() == 0 && !entry.path().is_dir();
    let is_met = entry.file_type().is_file() && Format::of(entry.path()).is_some();
    if !is_named && !is_met {
        return None;
    }
    let bytes = entry.path().metadata().map_or(0, |metadata| metadata.len());
    Some(Source { name: name_of(entry.path(), root), path: entry.into_path(), bytes, fault: None })
}

/// `2031/03/vote.txt` below `archive` is `2031.03.vote`.
fn name_of(path: &Path, root: &Path) -> String {
    let below = match path.strip_prefix(root) {
        Ok(below) if !below.as_os_str().is_empty() => below,
        _ => Path::new(path.file_name().unwrap_or(path.as_os_str())),
    };
    shown(&below.with_extension("")).replace('/', ".")
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
        let finder = Finder::new(&paths, &folder.join("output")).unwrap();
        finder.sources().map(|source| source.name).collect()
    }

    #[test]
    fn the_newest_come_first_where_that_is_wanted() {
        let folder = folder();
        let file = std::fs::File::options().write(true).open(folder.path().join("b.txt")).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
        let finder = Finder::new(&[folder.path().to_owned()], &folder.path().join("output")).unwrap();
        let names = finder.in_order(Order::Newest).sources().map(|source| source.name);
        assert_eq!(names.collect::<Vec<_>>()[0], "b");
    }

    #[test]
    fn a_folder_gives_its_articles_and_not_the_results_of_earlier_runs() {
        let folder = folder();
        assert_eq!(names(folder.path(), &[""]), ["a.x", "a.y", "b"]);
    }

    #[test]
    fn results_are_no_input_even_where_their_folder_is_made_later() {
        let folder = tempfile::tempdir().unwrap();
        let finder = Finder::new(&[folder.path().to_owned()], &folder.path().join("output")).unwrap();
        std::fs::create_dir(folder.path().join("output")).unwrap();
        std::fs::write(folder.path().join("output/documents.jsonl"), "x").unwrap();
        assert_eq!(finder.sources().count(), 0);
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
        let missing = Finder::new(&["no/such/file.txt".into()], Path::new("output")).unwrap_err();
        assert_eq!(missing.to_string(), "`no/such/file.txt` does not exist");
        let unmatched = Finder::new(&["no/such/*.txt".into()], Path::new("output")).unwrap_err();
        assert_eq!(unmatched.to_string(), "`no/such/*.txt` fits no file");
    }

    #[test]
    fn the_survey_counts_files_and_bytes() {
        let folder = folder();
        let finder = Finder::new(&[folder.path().to_owned()], &folder.path().join("output")).unwrap();
        assert_eq!(finder.survey(), Survey { files: 3, bytes: 3 });
    }
}
