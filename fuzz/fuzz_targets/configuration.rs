//! Any text as `pipeline.toml`: a configuration that keeps its promises, or an error with its place.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pressrun::config::{Config, ConfigError, ConfigFile, STATEMENT_FIELDS};

fuzz_target!(|text: &str| {
    match Config::parse(ConfigFile { path: "folder/pipeline.toml".into(), text: text.to_owned() }) {
        Ok(config) => assert_keeps_its_promises(&config),
        Err(ConfigError::Invalid { path, line, column, message }) => {
            assert!(path == Path::new("folder/pipeline.toml") && !message.is_empty() && !message.contains('\n'));
            let before = text.split('\n').nth(line - 1).expect("the line is in the text");
            assert!(
                (1..=before.chars().count() + 1).contains(&column),
                "{line}:{column} is not in the text: {message}"
            );
        }
        Err(error) => panic!("no other error can be: {error}"),
    }
});

fn assert_keeps_its_promises(config: &Config) {
    for (name, task) in &config.tasks {
        assert!(config.models.contains_key(task.model.get_ref()), "a task has a model");
        assert!(!STATEMENT_FIELDS.contains(&name.as_str()), "a task's field is its own");
        assert!((0.0..=1.0).contains(&task.min_score.map_or(0.0, |score| score.get())));
    }
    for field in &config.output.fields {
        let field = field.get_ref().as_str();
        assert!(STATEMENT_FIELDS.contains(&field) || config.tasks.contains_key(field), "a field exists");
    }
    let paths =
        config.models.values().map(|model| &model.path).chain([&config.output.directory, &config.cache.directory]);
    for path in paths.chain(&config.input.paths) {
        assert!(path.is_absolute() || path.starts_with("folder"), "paths are resolved");
    }
    assert!((0.0..=1.0).contains(&config.run.max_rejected.get()));
    assert!(config.run.chunk_documents.get() >= 1 && config.run.channel_capacity.get() >= 1);
}
