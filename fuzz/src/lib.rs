//! What the targets share: a folder in memory, and what holds for every span.

/// What holds for everything that is read.
pub mod reading;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pressrun::record::Span;

/// A folder of this process, in memory where the system has such.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = root.join("pressrun-fuzz").join(std::process::id().to_string());
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        folder
    })
}

/// Writes a file of the folder.
pub fn put(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, content).expect("a file can be written");
    path
}

/// Lets rayon work on the thread that asks: handing work over would take longer than most of it.
pub fn work_on_one_thread() {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().expect("nobody has used rayon");
}

/// Lets a panic in a library be, which readers make a rejection of. One in our own code still ends the process.
pub fn forgive_libraries() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_of_library = panic.location().is_some_and(|location| location.file().contains("/registry/src/"));
        if !is_of_library {
            abort(panic);
        }
    }));
}

/// The text of a span, which has to be the same place in bytes and in code points.
pub fn slice<'t>(span: &Span, text: &'t str) -> &'t str {
    let slice = text.get(span.byte_start..span.byte_end).expect("a span lies in the text, on character boundaries");
    let start = text[..span.byte_start].chars().count();
    assert_eq!((span.start, span.end), (start, start + slice.chars().count()), "{span:?}");
    slice
}

/// The rest of `input` after its first zero byte, and what is before that as text.
pub fn text_and_rest(input: &[u8]) -> (String, &[u8]) {
    let end = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    (String::from_utf8_lossy(&input[..end]).into_owned(), input.get(end + 1..).unwrap_or_default())
}
