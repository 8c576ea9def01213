//! Any bytes as `model.toml`: a manifest that can be used, or an error with its line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pressrun::model::{HeadKind, Manifest, ModelError, Report};
use pressrun_fuzz::{folder, put};

fuzz_target!(|bytes: &[u8]| {
    put("model.toml", bytes);
    match Manifest::load(folder()) {
        Ok(manifest) => assert_can_be_used(&manifest),
        Err(ModelError::Invalid { cause, .. }) => assert_names_a_line(bytes, &cause.to_string()),
        Err(ModelError::Unreadable { .. }) => assert!(std::str::from_utf8(bytes).is_err()),
        Err(error) => panic!("no other error can be: {error}"),
    }
});

fn assert_names_a_line(bytes: &[u8], message: &str) {
    let number = message.strip_prefix("line ").and_then(|rest| rest.split_once(':')).map(|(number, _)| number.parse());
    let lines = bytes.split(|&byte| byte == b'\n').count();
    assert!(number.is_none_or(|number| number.is_ok_and(|number: usize| (1..=lines).contains(&number))), "{message}");
}

fn assert_can_be_used(manifest: &Manifest) {
    let limits = manifest.limits();
    assert!(limits.text_tokens >= 3 && limits.passage_tokens.is_none_or(|tokens| tokens >= 3));
    for name in manifest.files.keys() {
        let path = folder().join(name);
        assert_eq!((path.parent(), path.file_name()), (Some(folder()), Some(name.as_ref())), "a file is in the folder");
    }
    let _ = manifest.verify(folder());
    for (name, head) in &manifest.heads {
        assert!(!head.labels.is_empty(), "`{name}` has nothing to tell");
        let names: Vec<&str> = head.labels.iter().map(|label| label.label.as_str()).collect();
        assert!((1..names.len()).all(|place| !names[..place].contains(&names[place])), "`{name}` has a label twice");
        let is_written_out = head.kind == HeadKind::Sequence && head.report == Report::Distribution;
        let reserved = ["code", "label", "score", "iptc"];
        assert!(!is_written_out || !names.iter().any(|name| reserved.contains(name)), "a field is there twice");
    }
}
