//! The parts of a file's name: the extension, the compression, and the name of its documents.

/// The extensions of compressed files, and what is left of the name without the compression.
const COMPRESSIONS: [(&str, &str); 10] = [
    (".gz", ""),
    (".zst", ""),
    (".zstd", ""),
    (".bz2", ""),
    (".xz", ""),
    (".lz4", ""),
    (".tgz", ".tar"),
    (".tzst", ".tar"),
    (".tbz2", ".tar"),
    (".txz", ".tar"),
];

/// The name of a file without the extension of its compression.
pub(super) fn without_compression(name: &str) -> &str {
    let compression = COMPRESSIONS.iter().find(|(extension, rest)| rest.is_empty() && ends_with(name, extension));
    compression.map_or(name, |(extension, _)| &name[..name.len() - extension.len()])
}

/// Compares without regard to case. A name that is nothing but the extension does not count.
fn ends_with(name: &str, extension: &str) -> bool {
    let Some(start) = name.len().checked_sub(extension.len()) else { return false };
    start > 0 && name.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(extension))
}

/// The extension of a file, in small letters and without a dot; that of its content if the file is compressed.
pub(super) fn extension(name: &str) -> String {
    last_extension(without_compression(name))
}

/// Tells whether a file of this name is an archive, compressed or not.
pub(super) fn is_archive(name: &str) -> bool {
    let extension = extension(name);
    matches!(extension.as_str(), "tar" | "zip" | "wacz")
        || COMPRESSIONS.iter().any(|(compressed, rest)| !rest.is_empty() && compressed[1..] == extension)
}

fn last_extension(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// The name of the documents of a file: `2031/03/vote.txt.gz` gives `2031.03.vote`.
pub(super) fn document_name(name: &str) -> String {
    let name = without_compression(name);
    let length = last_extension(name).len();
    let stem = if length == 0 { name } else { &name[..name.len() - length - 1] };
    stem.trim_start_matches("./").replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_is_that_of_the_content() {
        let extensions = ["a.jsonl.gz", "A.TXT", "a.tar.zst", "a.tgz", "a.b/c", "a.gz", ".gz"].map(extension);
        assert_eq!(extensions, ["jsonl", "txt", "tar", "tgz", "", "", "gz"]);
        assert_eq!(["a.tar.zst", "a.TGZ", "a.zip", "a.gz", "tar"].map(is_archive), [true, true, true, false, false]);
    }

    #[test]
    fn documents_are_named_after_folders_and_file() {
        assert_eq!(["2031/03/vote.txt.gz", "./a.html", "wire"].map(document_name), ["2031.03.vote", "a", "wire"]);
    }
}
