//! What the name of a file says: what it should hold, how it is compressed, and what its documents are called.

/// What a file holds, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Html,
    Json,
    JsonLines,
    Csv,
    Tsv,
    Xml,
    Web,
    Parquet,
    Archive,
    Unknown,
}

/// The ends of names that are compressed files, and what they leave of the name.
const COMPRESSIONS: [(&str, &str); 9] = [
    (".gz", ""),
    (".zst", ""),
    (".zstd", ""),
    (".bz2", ""),
    (".xz", ""),
    (".tgz", ".tar"),
    (".tzst", ".tar"),
    (".tbz2", ".tar"),
    (".txz", ".tar"),
];

/// The name of a file without the end that says how it is compressed.
pub(super) fn without_compression(name: &str) -> &str {
    let is_end = |end: &str| {
        name.len() > end.len()
            && name.is_char_boundary(name.len() - end.len())
            && name[name.len() - end.len()..].eq_ignore_ascii_case(end)
    };
    let end = COMPRESSIONS.iter().find(|(end, rest)| rest.is_empty() && is_end(end));
    end.map_or(name, |(end, _)| &name[..name.len() - end.len()])
}

/// What a file of that name should hold, compressed or not.
pub(super) fn kind_of(name: &str) -> Kind {
    let is_compressed_tar =
        |extension: &str| COMPRESSIONS.iter().any(|(end, rest)| !rest.is_empty() && &end[1..] == extension);
    let extension = extension(without_compression(name));
    match extension.as_str() {
        "txt" | "text" => Kind::Text,
        "html" | "htm" | "xhtml" => Kind::Html,
        "json" | "ninjs" => Kind::Json,
        "jsonl" | "ndjson" => Kind::JsonLines,
        "csv" => Kind::Csv,
        "tsv" | "tab" => Kind::Tsv,
        "xml" | "nitf" | "newsml" | "rss" | "atom" | "rdf" | "sgm" | "sgml" => Kind::Xml,
        "warc" | "arc" | "wet" => Kind::Web,
        "parquet" => Kind::Parquet,
        "tar" | "zip" => Kind::Archive,
        other if is_compressed_tar(other) => Kind::Archive,
        _ => Kind::Unknown,
    }
}

fn extension(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// `2031/03/vote.txt.gz` is `2031.03.vote`.
pub(super) fn dotted(name: &str) -> String {
    let name = without_compression(name);
    let length = extension(name).len();
    let stem = if length == 0 { name } else { &name[..name.len() - length - 1] };
    stem.trim_start_matches("./").replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_should_hold() {
        let kinds = ["a.jsonl.gz", "A.TXT", "a.tar.zst", "a.tgz", "a.b/c", "a.gz", "a.warc.gz", ".gz"].map(kind_of);
        let expected =
            [Kind::JsonLines, Kind::Text, Kind::Archive, Kind::Archive, Kind::Unknown, Kind::Unknown, Kind::Web];
        assert_eq!(kinds[..7], expected);
        assert_eq!(kinds[7], Kind::Unknown);
        assert_eq!(["2031/03/vote.txt.gz", "./a.html", "wire"].map(dotted), ["2031.03.vote", "a", "wire"]);
    }
}
