//! Folders of a store, walked like folders of a disk: in the order of names, level by level, with the same rules for what is left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use glob::{MatchOptions, Pattern};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use object_store::list::PaginatedListOptions;
use object_store::path::Path as Key;
use object_store::{ListResult, ObjectMeta};

use super::address::Address;
use super::client::{Client, Stores, key};
use super::error::{Kind, StoreError};
use super::object::{Begun, Entry, Version, find};
use crate::input::find::IGNORE_FILE;
use crate::pipeline::Interrupt;

/// Files of rules for what is left out are not longer than this.
const MAX_IGNORE_BYTES: u64 = 1 << 20;

/// The path that stands for the root of a walk in rules for what is left out.
const ROOT: &str = "/root";

/// An object of a walk.
#[derive(Debug)]
pub(crate) struct Found {
    entry: Entry,
    is_named: bool,
}

impl Found {
    /// The object, and whether it was named itself and not found in a folder.
    pub(crate) fn into_parts(self) -> (Entry, bool) {
        (self.entry, self.is_named)
    }
}

/// The objects of one level and the folders below it, by their names, or a failure and its address.
type Outcome<T> = Result<T, (String, StoreError)>;

impl Stores {
    /// Checks that something can be read at an address.
    ///
    /// # Errors
    /// There is nothing, or it cannot be read.
    pub(crate) fn check(&self, address: &Address) -> Result<(), StoreError> {
        let interrupt = Interrupt::default();
        let client = self.client(address)?;
        if !address.is_folder() {
            match find(&client, address, &interrupt) {
                Err(error) if error.is_missing() && !address.scheme().is_web() => {}
                found => return found.map(|_| ()),
            }
        }
        let folder = address.as_folder();
        if has_anything(&client, &folder, &interrupt)? {
            return Ok(());
        }
        Err(StoreError::new(
            Kind::Missing,
            address.to_string(),
            "does not exist: no object has this name or begins with it and `/`",
        ))
    }

    /// The objects and folders that a pattern fits, in the order of their names.
    ///
    /// # Errors
    /// A pattern that is none, or a list that cannot be read.
    pub(crate) fn expand(&self, address: &Address) -> Result<Vec<Address>, StoreError> {
        let interrupt = Interrupt::default();
        let client = self.client(address)?;
        match find(&client, address, &interrupt) {
            Ok(_) => return Ok(vec![address.clone()]),
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
        let parts: Vec<&str> = address.key().split('/').filter(|part| !part.is_empty()).collect();
        let mut found = Vec::new();
        let search = Search { client, address, parts, interrupt };
        search.descend("", 0, &mut found)?;
        Ok(found)
    }

    /// The objects at an address: one, or all below a folder. After a failure, the walk goes on behind the folder that failed.
    pub(crate) fn walk(
        &self,
        address: &Address,
        ignored: &[String],
        interrupt: &Interrupt,
    ) -> impl Iterator<Item = Outcome<Found>> + Send + use<> {
        let walk = match self.client(address) {
            Ok(client) => {
                let rules = rules(ROOT, ignored.iter().map(String::as_str));
                Ok(Walk { client, root: address.clone(), rules, interrupt: interrupt.clone(), levels: None })
            }
            Err(error) => Err((address.to_string(), error)),
        };
        let (walk, failure) = match walk {
            Ok(walk) => (Some(walk), None),
            Err(failure) => (None, Some(Err(failure))),
        };
        failure.into_iter().chain(walk.into_iter().flatten())
    }
}

/// Rules for what is left out below a folder.
fn rules<'r>(folder: &str, lines: impl Iterator<Item = &'r str>) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    for line in lines {
        // As on a disk, a line that is no rule is passed over.
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// A walk over the objects at an address.
struct Walk {
    client: Client,
    root: Address,
    /// The rules of the configuration.
    rules: Gitignore,
    interrupt: Interrupt,
    /// The folders on the way to the next object. `None` before the first.
    levels: Option<Vec<Level>>,
}

/// What is left of a folder.
struct Level {
    children: std::vec::IntoIter<Child>,
    /// The rules of its own file.
    rules: Option<Gitignore>,
}

/// A part of a folder.
#[derive(Debug)]
struct Child {
    name: String,
    /// Its name in the bucket. That of a folder ends with `/`.
    key: String,
    /// `None` for a folder.
    meta: Option<ObjectMeta>,
}

impl Iterator for Walk {
    type Item = Outcome<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.interrupt.is_requested() {
            return None;
        }
        if self.levels.is_none() {
            self.levels = Some(Vec::new());
            match self.begin() {
                Ok(None) => {}
                Ok(Some(found)) => return Some(Ok(found)),
                Err(error) => return Some(Err((self.root.to_string(), error))),
            }
        }
        loop {
            let child = self.levels.as_mut()?.last_mut()?.children.next();
            let Some(child) = child else {
                self.levels.as_mut()?.pop();
                continue;
            };
            if self.is_passed_over(&child) {
                continue;
            }
            if let Some(meta) = child.meta {
                return Some(Ok(self.found(&meta)));
            }
            let folder = self.root.with_key(child.key);
            if let Err(error) = self.enter(&folder) {
                return Some(Err((folder.to_string(), error)));
            }
        }
    }
}

impl Walk {
    /// Finds out what the root is. Returns it if it is an object.
    fn begin(&mut self) -> Result<Option<Found>, StoreError> {
        if !self.root.is_folder() {
            match find(&self.client, &self.root, &self.interrupt) {
                Ok(entry) => return Ok(Some(Found { entry, is_named: true })),
                Err(error) if error.is_missing() && !self.root.scheme().is_web() => {
                    let folder = self.root.as_folder();
                    if !has_anything(&self.client, &folder, &self.interrupt)? {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.root = self.root.as_folder();
        let root = self.root.clone();
        self.enter(&root)?;
        Ok(None)
    }

    /// Lists a folder, and goes on in it.
    fn enter(&mut self, folder: &Address) -> Result<(), StoreError> {
        let children = list(&self.client, folder, &self.interrupt)?;
        let rules = match children.iter().find(|child| child.name == IGNORE_FILE) {
            Some(Child { meta: Some(meta), .. }) => Some(self.read_rules(folder, meta)?),
            _ => None,
        };
        if let Some(levels) = &mut self.levels {
            levels.push(Level { children: children.into_iter(), rules });
        }
        Ok(())
    }

    /// Reads the file with the rules of a folder.
    fn read_rules(&self, folder: &Address, meta: &ObjectMeta) -> Result<Gitignore, StoreError> {
        let object = self.found(meta).entry.open(MAX_IGNORE_BYTES, &self.interrupt)?;
        let mut bytes = vec![0; usize::try_from(meta.size.min(MAX_IGNORE_BYTES)).unwrap_or_default()];
        let length = object.read_at(&mut bytes, 0).map_err(|error| {
            StoreError::new(Kind::Unusable, format!("{folder}{IGNORE_FILE}"), format!("cannot be read: {error}"))
        })?;
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        Ok(rules(&self.path(folder.key()), text.lines()))
    }

    /// The path of a key in rules.
    fn path(&self, key: &str) -> String {
        let below = key.strip_prefix(self.root.key()).unwrap_or(key).trim_end_matches('/');
        if below.is_empty() { ROOT.to_owned() } else { format!("{ROOT}/{below}") }
    }

    fn is_passed_over(&self, child: &Child) -> bool {
        if child.name.starts_with('.') {
            return true;
        }
        let is_folder = child.meta.is_none();
        let path = self.path(&child.key);
        if self.rules.matched(&path, is_folder).is_ignore() {
            return true;
        }
        // The rules of the innermost folder that has some for it count.
        let of_files = self.levels.iter().flatten().rev().filter_map(|level| level.rules.as_ref());
        let mut verdicts = of_files.map(|rules| rules.matched(&path, is_folder)).filter(|verdict| !verdict.is_none());
        verdicts.next().is_some_and(|verdict| verdict.is_ignore())
    }

    fn found(&self, meta: &ObjectMeta) -> Found {
        let entry = Entry {
            client: self.client.clone(),
            address: self.root.with_key(meta.location.as_ref()),
            bytes: meta.size,
            version: Version::of(meta),
            has_ranges: true,
            begun: Begun::default(),
        };
        Found { entry, is_named: false }
    }
}

/// The search for what a pattern fits.
struct Search<'a> {
    client: Client,
    address: &'a Address,
    /// The pattern between slashes.
    parts: Vec<&'a str>,
    interrupt: Interrupt,
}

impl Search<'_> {
    /// Adds what fits the parts from `part` on, in the folder with this key.
    fn descend(&self, folder: &str, part: usize, found: &mut Vec<Address>) -> Result<(), StoreError> {
        let Some(&text) = self.parts.get(part) else { return Ok(()) };
        let is_last = part + 1 == self.parts.len();
        let is_any_depth = text == "**";
        if !text.contains(['*', '?', '[']) && !is_last {
            return self.descend(&format!("{folder}{text}/"), part + 1, found);
        }
        let pattern = Pattern::new(text).map_err(|error| {
            StoreError::address(self.address.to_string(), format!("is not a valid pattern: {error}"))
        })?;
        // As in a shell, `*` does not match hidden names.
        let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
        if is_any_depth && !is_last {
            self.descend(folder, part + 1, found)?;
        }
        for child in list(&self.client, &self.address.with_key(folder), &self.interrupt)? {
            let is_folder = child.meta.is_none();
            if !pattern.matches_with(&child.name, options) {
                continue;
            }
            if is_any_depth && is_folder {
                self.descend(&child.key, part, found)?;
            } else if is_last {
                found.push(self.address.with_key(child.key));
            } else if is_folder && !is_any_depth {
                self.descend(&child.key, part + 1, found)?;
            }
        }
        Ok(())
    }
}

/// The parts of a folder in the order of their names: of the pages of a list, all are read.
fn list(client: &Client, folder: &Address, interrupt: &Interrupt) -> Result<Vec<Child>, StoreError> {
    let (objects, folders) = list_pages(client, folder, interrupt)?;
    let folders: BTreeSet<String> = folders.iter().map(|key| format!("{key}/")).collect();
    let objects = objects.into_iter().filter(|meta| {
        // Programs that show a bucket as folders leave an empty object for each of them, in it or beside it.
        let as_folder = format!("{}/", meta.location);
        meta.size > 0 || as_folder != folder.key() && !folders.contains(&as_folder)
    });
    let objects = objects.map(|meta| {
        let key = meta.location.to_string();
        Child { name: last_part(&key).to_owned(), key, meta: Some(meta) }
    });
    let mut children: Vec<Child> = objects.collect();
    children.extend(folders.into_iter().map(|key| {
        let name = last_part(key.trim_end_matches('/')).to_owned();
        Child { name, key, meta: None }
    }));
    // Stable: an object comes before the folder of the same name.
    children.sort_by(|one, other| one.name.as_bytes().cmp(other.name.as_bytes()));
    Ok(children)
}

/// The objects and the folders in a folder. A page that breaks off is asked for again, and not those before it.
fn list_pages(
    client: &Client,
    folder: &Address,
    interrupt: &Interrupt,
) -> Result<(Vec<ObjectMeta>, Vec<Key>), StoreError> {
    let Some(pages) = &client.pages else {
        let prefix = prefix(folder)?;
        let ListResult { objects, common_prefixes, .. } = client.ask(folder, interrupt, move |store| {
            let prefix = prefix.clone();
            async move { store.list_with_delimiter(prefix.as_ref()).await }
        })?;
        return Ok((objects, common_prefixes));
    };
    let mut objects = Vec::new();
    let mut folders = Vec::new();
    let mut token = None;
    loop {
        let page = {
            let pages = Arc::clone(pages);
            let prefix = Some(folder.key().to_owned()).filter(|prefix| !prefix.is_empty());
            client.ask(folder, interrupt, move |_| {
                let pages = Arc::clone(&pages);
                let prefix = prefix.clone();
                let page_token = token.clone();
                let delimiter = Some("/".into());
                let options = PaginatedListOptions { delimiter, page_token, ..PaginatedListOptions::default() };
                async move { pages.list_paginated(prefix.as_deref(), options).await }
            })?
        };
        objects.extend(page.result.objects);
        folders.extend(page.result.common_prefixes);
        if page.page_token.is_none() {
            return Ok((objects, folders));
        }
        token = page.page_token;
    }
}

fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// True if a folder has anything in it.
fn has_anything(client: &Client, folder: &Address, interrupt: &Interrupt) -> Result<bool, StoreError> {
    let prefix = prefix(folder)?;
    client.ask(folder, interrupt, move |store| {
        let prefix = prefix.clone();
        async move { Ok(store.list(prefix.as_ref()).next().await.transpose()?.is_some()) }
    })
}

/// The name of a folder for a list. `None` for all of a bucket.
fn prefix(folder: &Address) -> Result<Option<Key>, StoreError> {
    Ok(Some(key(folder)?).filter(|key| !key.as_ref().is_empty()))
}
