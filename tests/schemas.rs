//! The JSON Schemas of the output, which are generated from its types. `UPDATE_SCHEMAS=1 cargo test --test schemas` writes them
//! anew; the diff is the review.

mod support;

use support::root;

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let is_update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for (name, schema) in pressrun::output::schema::json_schemas() {
        let path = root().join(format!("docs/schema/{name}.schema.json"));
        let generated = format!("{schema:#}\n");
        if is_update {
            std::fs::write(&path, &generated).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap();
        assert!(published == generated, "{} differs: see the head of this test", path.display());
    }
}
