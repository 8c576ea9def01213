//! The JSON Schemas of the output and of `pipeline.toml`, which are generated from their types. `UPDATE_SCHEMAS=1 cargo test --test schemas` writes them
//! anew; the diff is the review.

mod support;

use support::root;

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let is_update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let of_output = pressrun::output::schema::json_schemas();
    let of_files =
        [("pipeline", pressrun::config::json_schema()), ("labels", pressrun::own_labels::definition::json_schema())];
    for (name, schema) in of_output.into_iter().chain(of_files) {
        let path = root().join(format!("docs/schema/{name}.schema.json"));
        let generated = format!("{schema:#}\n");
        if is_update {
            std::fs::write(&path, &generated).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap();
        assert!(published == generated, "{} differs: see the head of this test", path.display());
    }
}

/// The errors of a configuration by the schema, as the paths of their places.
fn faults(configuration: &str) -> Vec<String> {
    let configuration: toml::Value = toml::from_str(configuration).unwrap();
    let configuration = serde_json::to_value(configuration).unwrap();
    let validator = jsonschema::validator_for(&pressrun::config::json_schema()).unwrap();
    validator.iter_errors(&configuration).map(|error| error.instance_path.to_string()).collect()
}

#[test]
fn the_schema_of_the_configuration_accepts_the_shipped_one_and_finds_slips() {
    let shipped = std::fs::read_to_string(root().join("pipeline.toml")).unwrap();
    assert_eq!(faults(&shipped), [""; 0]);
    assert_eq!(faults("[run]\nchunk_document = 8\n"), ["/run"]);
    assert_eq!(faults("[run]\nchunk_documents = 0\n"), ["/run/chunk_documents"]);
    assert_eq!(faults("[output]\nlayout = \"flat\"\n"), ["/output/layout"]);
    assert_eq!(faults("[input.fields]\nheadline = \"h\"\n"), ["/input/fields"]);
    assert_eq!(faults("[[tests]]\ntext = \"a\"\nexpect = { topic = [\"1\"], boilerplate = false }\n"), [""; 0]);
    assert_eq!(faults("[[tests]]\ntext = \"a\"\nexpect = { topic = 3 }\n"), ["/tests/0/expect/topic"]);
}
