//! Reads and checks the labelled sets of a recipe before anything is computed: a slip in the last line of the last file
//! costs seconds, not hours.

use std::collections::HashMap;
use std::path::Path;

use super::TrainError;
use super::recipe::{AlsoRecipe, HeadRecipe, Recipe, SetRecipe};
use super::teacher;
use crate::labelled::{LabelledError, LabelledRow, LabelledSet};

/// All sets of a recipe.
pub(super) struct Sets {
    /// The training sets.
    pub(super) train: Vec<TrainSet>,
    /// The dev sets.
    pub(super) dev: Vec<DevSet>,
}

/// A training set.
pub(super) struct TrainSet {
    /// The index of the head in the recipe.
    pub(super) head: usize,
    /// The index of the set in the head's recipe.
    pub(super) set: usize,
    pub(super) rows: Vec<LabelledRow>,
    /// The labels of other heads for the same rows.
    pub(super) also: Vec<AlsoRows>,
}

/// The labels of another head for the rows of a set.
pub(super) struct AlsoRows {
    /// The index of the head in the recipe.
    pub(super) head: usize,
    /// The weight of its targets relative to those of the set's own head.
    pub(super) weight: f64,
    /// For each row of the set the same text with the other head's labels; `None` where there is none.
    pub(super) rows: Vec<Option<LabelledRow>>,
}

/// A dev set.
pub(super) struct DevSet {
    /// The index of the head in the recipe.
    pub(super) head: usize,
    pub(super) name: String,
    /// The scores are used neither to select the best epoch nor to calibrate.
    pub(super) report_only: bool,
    pub(super) set: LabelledSet,
}

impl Sets {
    /// Reads all of them, and checks that their teachers have the right heads.
    pub(super) fn load(recipe: &Recipe) -> Result<Self, TrainError> {
        let mut train = Vec::new();
        for (head, (name, head_recipe)) in recipe.heads.iter().enumerate() {
            for (set, set_recipe) in head_recipe.sets.iter().enumerate() {
                teacher::check(recipe, name, set_recipe)?;
                let rows = load_file(&set_recipe.train, set_recipe, head_recipe)?.rows;
                let mut also = Vec::new();
                for (other, recipe_of_other) in &set_recipe.also {
                    also.push(load_also(recipe, set_recipe, other, recipe_of_other, &rows)?);
                }
                train.push(TrainSet { head, set, rows, also });
            }
        }
        Ok(Self { train, dev: DevSet::load_all(recipe)? })
    }
}

impl DevSet {
    /// True if the set is used to calibrate the head with the index `head` and to select its best epoch.
    pub(super) fn selects_for(&self, head: usize) -> bool {
        self.head == head && !self.report_only
    }

    /// Reads the dev sets of a recipe.
    pub(super) fn load_all(recipe: &Recipe) -> Result<Vec<Self>, TrainError> {
        let mut sets = Vec::new();
        for (head, head_recipe) in recipe.heads.values().enumerate() {
            for set_recipe in &head_recipe.sets {
                let name = &set_recipe.name;
                if let Some(path) = &set_recipe.dev {
                    let set = load_file(path, set_recipe, head_recipe)?;
                    sets.push(Self { head, name: name.clone(), report_only: set_recipe.report_only, set });
                }
                for (other, also) in &set_recipe.also {
                    let Some(path) = also.dev_file(set_recipe) else { continue };
                    let (head, _, other) = recipe.heads.get_full(other).expect("the recipe has been checked for it");
                    let set = LabelledSet::load(path, &also.layout, &other.manifest())?;
                    sets.push(Self { head, name: name.clone(), report_only: also.report_only, set });
                }
            }
        }
        Ok(sets)
    }
}

/// The labels of the head called `other` for `rows`. They come from the row with the same id in a file of its own, or
/// from the same line of the set's own file.
fn load_also(
    recipe: &Recipe,
    set: &SetRecipe,
    other: &str,
    also: &AlsoRecipe,
    rows: &[LabelledRow],
) -> Result<AlsoRows, TrainError> {
    let (head, _, head_recipe) = recipe.heads.get_full(other).expect("the recipe has been checked for it");
    let path = also.train_file(set);
    let mut rows_of_other = HashMap::new();
    for row in LabelledSet::load(path, &also.layout, &head_recipe.manifest())?.rows {
        if let Some(key) = join_key(&row, also) {
            rows_of_other.insert(key, row);
        }
    }
    let mut matched = Vec::new();
    for row in rows {
        let other = join_key(row, also).and_then(|key| rows_of_other.remove(&key));
        matched.push(other.filter(|other| other.text == row.text));
    }
    if matched.iter().all(Option::is_none) {
        let message = format!("no row has the `id` and the text of a row of `{}`", set.train.display());
        return Err(LabelledError::Invalid { path: path.to_owned(), line: 1, message }.into());
    }
    Ok(AlsoRows { head, weight: also.weight, rows: matched })
}

/// The key by which the rows of both heads are joined: the id if the labels have a file of their own, otherwise the line.
fn join_key(row: &LabelledRow, also: &AlsoRecipe) -> Option<String> {
    if also.train.is_some() { row.id.clone() } else { Some(row.line.to_string()) }
}

fn load_file(path: &Path, set: &SetRecipe, head: &HeadRecipe) -> Result<LabelledSet, TrainError> {
    Ok(LabelledSet::load(path, &set.layout, &head.manifest())?)
}
