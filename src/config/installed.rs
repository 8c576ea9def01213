//! Data that was installed with the program: models beside it, in `../share/pressrun`.

use std::path::{Component, Path, PathBuf};

use super::listed;

/// A model folder that is nowhere.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no model `{name}` in {}: install the package pressrun-model-newsroom, or set `[models.{name}] path` to a model folder, such as \
     models/newsroom of the source code of pressrun",
    listed(places.iter().map(|place| place.display()))
)]
pub struct NoModel {
    /// Its name in the configuration.
    pub name: String,
    /// The places that were tried.
    pub places: Vec<PathBuf>,
}

/// The place of a relative path, such as `models/newsroom`, among the data that was installed with the program: `../share/pressrun` from the
/// folder of the program. `None` for a path that leads elsewhere, or if the system cannot tell where the program is.
#[must_use]
pub fn installed(path: &Path) -> Option<PathBuf> {
    let is_inside = path.components().all(|step| matches!(step, Component::Normal(_)));
    // A link to the program, as pipx and uv make it, is not its place.
    let program = std::env::current_exe().and_then(std::fs::canonicalize).ok()?;
    let prefix = program.parent()?.parent()?;
    is_inside.then(|| prefix.join("share/pressrun").join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_paths_without_steps_up_are_installed() {
        let model = installed(Path::new("models/newsroom")).unwrap();
        assert!(model.ends_with("share/pressrun/models/newsroom"), "{}", model.display());
        assert_eq!(installed(Path::new("/models/newsroom")), None);
        assert_eq!(installed(Path::new("../models/newsroom")), None);
    }
}
