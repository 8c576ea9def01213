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

/// The longest extension.
const MAX_KIND_BYTES: usize = 12;

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

/// The kind of a file by which those that are left out are counted: `.docx`, or `no extension`. Copies of pages may have a query in
/// their names, as in `story.php?id=12`; it does not count.
pub(super) fn kind(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let file = file.split('?').next().unwrap_or(file);
    let extension = Some(extension(file)).filter(|extension| !extension.is_empty());
    let extension = extension.unwrap_or_else(|| last_extension(file));
    let end = extension.find(|character: char| !character.is_alphanumeric()).unwrap_or(extension.len());
    let word = &extension[..end];
    if word.is_empty() || word.len() > MAX_KIND_BYTES { "no extension".to_owned() } else { format!(".{word}") }
}

/// The name of the documents of a file: `2031/03/vote.txt.gz` gives `2031.03.vote`. A query stays, because it tells pages apart.
pub(super) fn document_name(name: &str) -> String {
    let name = without_compression(name);
    let extension = last_extension(name);
    let length = if extension.contains('?') { 0 } else { extension.len() };
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
        assert_eq!(document_name("news/story.php?id=12"), "news.story.php?id=12");
    }

    #[test]
    fn kinds_are_extensions_without_compression_and_query() {
        let kinds =
            ["a/b.DOCX", "a.svg.gz", "a.gz", "story.php?id=12.5", "README", "a.b/c", "Mr. Smith", "a.averyverylongend"]
                .map(kind);
        let none = "no extension";
        assert_eq!(kinds, [".docx", ".svg", ".gz", ".php", none, none, none, none]);
    }
}
