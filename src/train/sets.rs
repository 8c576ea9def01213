//! The labelled sets of a recipe, read and found good before anything is computed: a slip in the last line of the last
//! file costs seconds, not hours.

use std::path::Path;

use super::TrainError;
use super::recipe::{HeadRecipe, Recipe, SetRecipe};
use super::teacher;
use crate::labelled::{LabelledRow, LabelledSet};

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
                train.push(TrainSet { head, set, rows });
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
                if let Some(path) = &set_recipe.dev {
                    let set = read(path, set_recipe, head_recipe)?;
                    sets.push(Self { head, name: set_recipe.name.clone(), decides: set_recipe.decides, set });
                }
            }
        }
        Ok(sets)
    }
}

/// Reads the file at `path` as the set says.
fn read(path: &Path, set: &SetRecipe, head: &HeadRecipe) -> Result<LabelledSet, TrainError> {
    Ok(LabelledSet::read(path, &set.layout, &head.manifest())?)
}
