//! `pressrun man`: manual pages. Those of commands come from the command line, `pipeline.toml(5)` from the shipped configuration.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use pressrun::config::reference::{self, KeyReference, SectionReference, ShippedValue};

use crate::cli::{Cli, ManArguments};

/// The program and its version, at the foot of each page.
const SOURCE: &str = concat!("pressrun ", env!("CARGO_PKG_VERSION"));
/// No date, so that a build gives the same bytes on any day. The quotes are for roff: without them the next argument would be the date.
const NO_DATE: &str = "\"\"";
/// The page of the configuration, as its name and section.
const CONFIGURATION: (&str, &str) = ("pipeline.toml", "5");
/// The exit codes of all commands, as in docs/operations.md.
const EXIT_CODES: [(&str, &str); 6] = [
    ("0", "Success, or the deadline was reached."),
    (
        "1",
        "Finished, but a limit was exceeded: more rejected inputs than [run] max_rejected allows, tests that fail, or with --fail and \
         --fail-on alarms and differences.",
    ),
    ("2", "Failed: a disk, a model, a folder that another run is writing to. The message says which."),
    ("3", "With plan --exit-code: there are documents to analyse."),
    ("78", "The configuration is wrong, or differs from that of the results in the output folder."),
    ("130", "Stopped by a signal: everything that had been read is written, the rest is not."),
];

/// Prints the page of the program, or writes all pages into a folder.
///
/// # Errors
/// If a page cannot be written.
pub(crate) fn man(arguments: &ManArguments) -> anyhow::Result<()> {
    let pages = pages()?;
    let Some(folder) = &arguments.dir else {
        let text = pages.first().map(|page| page.text.as_slice()).unwrap_or_default();
        std::io::stdout().lock().write_all(text)?;
        return Ok(());
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    pages.iter().try_for_each(|page| write(folder, page))
}

fn write(folder: &Path, page: &Page) -> anyhow::Result<()> {
    let path = folder.join(&page.file);
    std::fs::write(&path, &page.text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// A manual page.
struct Page {
    /// The name of its file, such as `pressrun-run.1`.
    file: String,
    /// Its roff.
    text: Vec<u8>,
}

/// All pages. The first is that of the program.
fn pages() -> std::io::Result<Vec<Page>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add_command(&command, &mut pages)?;
    pages.push(Page {
        file: format!("{}.{}", CONFIGURATION.0, CONFIGURATION.1),
        text: configuration_page(&reference::sections()).render().into_bytes(),
    });
    Ok(pages)
}

/// Adds the page of a command, and those of its subcommands.
fn add_command(command: &clap::Command, pages: &mut Vec<Page>) -> std::io::Result<()> {
    let is_program = pages.is_empty();
    let man = Man::new(command.clone()).date(NO_DATE).source(SOURCE).manual("pressrun");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let rest = if is_program { program_sections() } else { Roff::new() };
    rest.to_writer(&mut text)?;
    see_also(is_program).to_writer(&mut text)?;
    pages.push(Page { file: man.get_filename(), text });
    for subcommand in command.get_subcommands() {
        add_command(subcommand, pages)?;
    }
    Ok(())
}

/// The sections that only the page of the program has.
fn program_sections() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        roff.control("TP", []).text([bold(code)]).text([roman(meaning)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    roff.control("TP", []).text([bold("PRESSRUN_LOG")]);
    roff.text([roman("What is logged, such as debug or pressrun=trace. It has precedence over -v and -q.")]);
    roff.control("SH", ["FILES"]);
    roff.control("TP", []).text([italic("pipeline.toml")]);
    roff.text([roman("The configuration, in the current folder unless --config names another file.")]);
    roff.control("TP", []).text([italic("../share/pressrun/models/NAME")]);
    roff.text([roman(
        "Models that were installed with the program, from the folder of the program. A relative path of a model that is not found beside the \
         configuration is looked for there.",
    )]);
    roff
}

fn see_also(is_program: bool) -> Roff {
    let mut roff = Roff::new();
    let mut names = Vec::new();
    if !is_program {
        names.extend([bold("pressrun"), roman("(1), ")]);
    }
    names.extend([bold(CONFIGURATION.0), roman(format!("({})", CONFIGURATION.1))]);
    roff.control("SH", ["SEE ALSO"]).text(names);
    roff
}

/// The page of the configuration.
fn configuration_page(sections: &[SectionReference]) -> Roff {
    let (name, section) = CONFIGURATION;
    let mut roff = Roff::new();
    roff.control("TH", [name, section, NO_DATE, SOURCE, "pressrun"]);
    roff.control("SH", ["NAME"]).text([roman(format!("{name} - configuration of pressrun"))]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([
        roman("A file in TOML. Paths in it are relative to its folder. A missing key has its default; an unknown key is an error. "),
        bold("pressrun init"),
        roman(" writes a file with all keys, "),
        bold("pressrun validate"),
        roman(" checks one."),
    ]);
    roff.control("PP", []);
    roff.text([
        roman("The names "),
        italic("newsroom"),
        roman(" in [models.newsroom] and "),
        italic("topic"),
        roman(" in [tasks.topic] and the like are of your choice. The sections of this page are those of the shipped file."),
    ]);
    roff.control("SH", ["SECTIONS"]);
    for section in sections {
        add_section(section, &mut roff);
    }
    roff.control("SH", ["SEE ALSO"]).text([bold("pressrun"), roman("(1), "), bold("pressrun-init"), roman("(1)")]);
    roff
}

fn add_section(section: &SectionReference, roff: &mut Roff) {
    let heading = if section.is_list { format!("[[{}]]", section.name) } else { format!("[{}]", section.name) };
    roff.control("SS", [heading.as_str()]);
    if !section.meaning.is_empty() {
        roff.text([roman(section.meaning.as_str())]);
    }
    for key in &section.keys {
        roff.control("TP", []).text([bold(key.name.as_str()), roman(" = "), italic(key.allowed.as_str())]);
        roff.text(explanation(key));
    }
}

/// The meaning of a key and its value in the shipped file. Each is a sentence, though the comments of the file have no full stops.
fn explanation(key: &KeyReference) -> Vec<Inline> {
    let mut parts = Vec::new();
    if !key.meaning.is_empty() {
        parts.push(roman(format!("{}. ", key.meaning.trim_end_matches('.'))));
    }
    match &key.value {
        ShippedValue::Default(value) => parts.push(roman(format!("Default: {value}"))),
        ShippedValue::Chosen(value) => parts.push(roman(format!("In the shipped file: {value}"))),
        ShippedValue::Example(value) => parts.push(roman(format!("Example: {value}"))),
        ShippedValue::Absent => {}
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a page, as a reader sees it: without requests, fonts and escapes.
    fn plain(page: &Page) -> String {
        let text = String::from_utf8(page.text.clone()).unwrap();
        let text = ["\\fB", "\\fI", "\\fR", "\\&"].into_iter().fold(text, |text, escape| text.replace(escape, ""));
        text.replace("\\-", "-").replace("\\*(Aq", "'").replace("\\\\", "\\")
    }

    fn page<'p>(pages: &'p [Page], file: &str) -> &'p Page {
        pages.iter().find(|page| page.file == file).unwrap_or_else(|| panic!("there is no {file}"))
    }

    /// Asserts that a page of its own names all options and subcommands of `command`.
    fn assert_has_page(pages: &[Page], command: &clap::Command, name: &str) {
        let text = plain(page(pages, &format!("{name}.1")));
        for argument in command.get_arguments() {
            for option in [
                argument.get_long().map(|long| format!("--{long}")),
                argument.get_short().map(|short| format!("-{short}")),
            ] {
                assert!(option.as_ref().is_none_or(|option| text.contains(option)), "{name}: {option:?}");
            }
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.contains(&help), "{name}: {help}");
        }
        for subcommand in command.get_subcommands() {
            let full_name = format!("{name}-{}", subcommand.get_name());
            assert!(text.contains(&format!("{full_name}(1)")), "{full_name}");
            assert_has_page(pages, subcommand, &full_name);
        }
    }

    #[test]
    fn every_command_has_a_page_that_names_its_options_and_subcommands() {
        let pages = pages().unwrap();
        assert_has_page(&pages, &Cli::command(), "pressrun");
        assert_eq!(pages[0].file, "pressrun.1");
        assert!(pages.iter().any(|page| page.file == "pressrun-labels-fit.1"));
    }

    #[test]
    fn the_page_of_the_configuration_has_every_key_with_its_meaning() {
        let pages = pages().unwrap();
        let text = plain(page(&pages, "pipeline.toml.5"));
        for section in reference::sections() {
            assert!(text.contains(&format!("[{}]", section.name)), "{}", section.name);
            for key in section.keys {
                assert!(text.contains(&format!("\n{} = {}\n", key.name, key.allowed)), "{}", key.name);
                assert!(text.contains(key.meaning.trim_end_matches('.')), "{}", key.meaning);
            }
        }
        assert!(text.contains("Default: 33554432\n"));
    }

    #[test]
    fn no_line_of_text_is_taken_for_a_request() {
        const REQUESTS: [&str; 10] = ["TH", "SH", "SS", "TP", "PP", "IP", "RS", "RE", "br", "ie"];
        for page in pages().unwrap() {
            for line in String::from_utf8(page.text).unwrap().lines() {
                let request = line.strip_prefix('.').map(|rest| rest.split(' ').next().unwrap_or_default());
                let is_known = request.is_none_or(|request| REQUESTS.contains(&request) || request == "el");
                assert!(is_known && !line.starts_with('\''), "{}: {line}", page.file);
            }
        }
    }

    #[test]
    fn backslashes_quotes_and_full_stops_are_text() {
        let key = KeyReference {
            name: "ignore".to_owned(),
            allowed: "a string".to_owned(),
            value: ShippedValue::Default("'\\d-\"'".to_owned()),
            meaning: ".gitignore's \\n".to_owned(),
        };
        let section =
            SectionReference { name: "input".to_owned(), is_list: false, meaning: String::new(), keys: vec![key] };
        let text = configuration_page(&[section]).render();
        let (_, end) = text.split_once(".SS [input]\n").unwrap();
        let expected =
            ".TP\n\\fBignore\\fR = \\fIa string\\fR\n\\&.gitignore\\*(Aqs \\\\n. Default: \\*(Aq\\\\d\\-\"\\*(Aq\n";
        assert!(end.starts_with(expected), "{end}");
    }
}
