//! The labelled sets of a recipe, read and found good before anything is computed: a slip in the last line of the last
//! file costs seconds, not hours.

use std::collections::HashMap;
use std::path::Path;

use super::TrainError;
use super::recipe::{AlsoRecipe, HeadRecipe, Recipe, SetRecipe};
use super::teacher;
use crate::labelled::{LabelledError, LabelledRow, LabelledSet};

/// All sets of a recipe.
pub(super) struct Sets {
    /// Those to learn from.
    pub(super) train: Vec<TrainSet>,
    /// Those to measure by.
    pub(super) dev: Vec<DevSet>,
}

/// A set to learn from.
pub(super) struct TrainSet {
    /// The head, by its place in the recipe.
    pub(super) head: usize,
    /// The set, by its place in the head's recipe.
    pub(super) set: usize,
    pub(super) rows: Vec<LabelledRow>,
    /// What other heads learn from the same rows.
    pub(super) also: Vec<AlsoRows>,
}

/// What another head learns from the rows of a set.
pub(super) struct AlsoRows {
    /// The head, by its place in the recipe.
    pub(super) head: usize,
    /// How much it counts beside the set's own head.
    pub(super) weight: f64,
    /// What is known of each of the set's rows; `None` where nothing is.
    pub(super) rows: Vec<Option<LabelledRow>>,
}

/// A set to measure by.
pub(super) struct DevSet {
    /// The head, by its place in the recipe.
    pub(super) head: usize,
    pub(super) name: String,
    pub(super) decides: bool,
    pub(super) set: LabelledSet,
}

impl Sets {
    /// Reads all of them, and checks that their teachers can teach.
    pub(super) fn read(recipe: &Recipe) -> Result<Self, TrainError> {
        let mut train = Vec::new();
        for (head, (name, head_recipe)) in recipe.heads.iter().enumerate() {
            for (set, set_recipe) in head_recipe.sets.iter().enumerate() {
                teacher::check(recipe, name, set_recipe)?;
                let rows = read(&set_recipe.train, set_recipe, head_recipe)?.rows;
                let mut also = Vec::new();
                for (other, recipe_of_other) in &set_recipe.also {
                    also.push(also_rows(recipe, set_recipe, other, recipe_of_other, &rows)?);
                }
                train.push(TrainSet { head, set, rows, also });
            }
        }
        Ok(Self { train, dev: DevSet::read_all(recipe)? })
    }
}

impl DevSet {
    /// Whether what `head`, by its place in the recipe, finds in it counts for more than a report.
    pub(super) fn decides_for(&self, head: usize) -> bool {
        self.head == head && self.decides
    }

    /// Reads those of a recipe.
    pub(super) fn read_all(recipe: &Recipe) -> Result<Vec<Self>, TrainError> {
        let mut sets = Vec::new();
        for (head, head_recipe) in recipe.heads.values().enumerate() {
            for set_recipe in &head_recipe.sets {
                let name = &set_recipe.name;
                if let Some(path) = &set_recipe.dev {
                    let set = read(path, set_recipe, head_recipe)?;
                    sets.push(Self { head, name: name.clone(), decides: set_recipe.decides, set });
                }
                for (other, also) in &set_recipe.also {
                    let Some(path) = also.dev_file(set_recipe) else { continue };
                    let (head, _, other) = recipe.heads.get_full(other).expect("the recipe has been checked for it");
                    let set = LabelledSet::read(path, &also.layout, &other.manifest())?;
                    sets.push(Self { head, name: name.clone(), decides: also.decides, set });
                }
            }
        }
        Ok(sets)
    }
}

/// What the head called `other` learns from `rows`: those of its own file with the same line, or in another file the same id.
fn also_rows(
    recipe: &Recipe,
    set: &SetRecipe,
    other: &str,
    also: &AlsoRecipe,
    rows: &[LabelledRow],
) -> Result<AlsoRows, TrainError> {
    let (head, _, head_recipe) = recipe.heads.get_full(other).expect("the recipe has been checked for it");
    let path = also.train_file(set);
    let mut found = HashMap::new();
    for row in LabelledSet::read(path, &also.layout, &head_recipe.manifest())?.rows {
        let key = if also.train.is_some() { row.id.clone() } else { Some(row.line.to_string()) };
        found.insert(key, row);
    }
    let mut matched = Vec::new();
    for row in rows {
        let key = if also.train.is_some() { row.id.clone() } else { Some(row.line.to_string()) };
        let other = found.remove(&key).filter(|_| key.is_some());
        matched.push(other.filter(|other| other.text == row.text));
    }
    if matched.iter().all(Option::is_none) {
        let message = format!("no row has the `id` and the text of a row of `{}`", set.train.display());
        return Err(LabelledError::Invalid { path: path.to_owned(), line: 1, message }.into());
    }
    Ok(AlsoRows { head, weight: also.weight, rows: matched })
}

/// Reads the file at `path` as the set says.
fn read(path: &Path, set: &SetRecipe, head: &HeadRecipe) -> Result<LabelledSet, TrainError> {
    Ok(LabelledSet::read(path, &set.layout, &head.manifest())?)
}
