//! One file a format: a stream to raw records, and a raw record to what it says.

/// ARC, which came before WARC.
mod arc;
/// What a crawler got.
pub(super) mod capture;
/// Articles between tags.
pub(super) mod elements;
/// RSS and Atom.
mod feed;
/// Named fields to a document.
mod fields;
/// Web pages.
pub(super) mod html;
/// JSON: a value, several of them, or arrays of them.
pub(super) mod json;
/// A record a line.
pub(super) mod lines;
/// What news agencies exchange.
mod newsml;
/// What news agencies write in JSON.
mod ninjs;
/// What news agencies write in XML.
mod nitf;
/// Columns.
pub(super) mod parquet;
/// Plain text.
pub(super) mod plain;
/// Reuters-21578.
mod reuters;
/// Bytes to a format.
mod sniff;
/// Rows below a row of names.
pub(super) mod table;
/// What crawlers got.
mod warc;
/// XML as a tree.
mod xml;

use super::content::Content;
use super::intake::{Flow, Intake, Spot};
use super::kind::{Kind, kind_of};
use super::layers::Shell;
use super::refusal::Refusal;
use super::stream::Stream;
use super::text::utf8::Utf8;
use crate::record::Reason;
use encoding_rs::{Encoding, UTF_8};
use sniff::Format;

/// Reads what is in `stream` by what it begins with.
pub(super) fn read(stream: &mut Stream<'_>, shell: Shell<'_>, intake: &mut Intake<'_, '_>) -> Flow {
    // A text or a page is decoded as a whole, and keeps the name of its encoding.
    let is_whole = matches!(kind_of(shell.name), Kind::Text | Kind::Html | Kind::Unknown);
    match Encoding::for_bom(stream.peek(3)) {
        Some((encoding, _)) if encoding != UTF_8 && !is_whole => {
            let mut decoded = Stream::new(Utf8::new(stream, encoding));
            read_as_it_is(&mut decoded, shell.without_file(), intake)
        }
        _ => read_as_it_is(stream, shell, intake),
    }
}

fn read_as_it_is(stream: &mut Stream<'_>, shell: Shell<'_>, intake: &mut Intake<'_, '_>) -> Flow {
    let fields = &intake.settings().fields;
    match sniff::format(stream, kind_of(shell.name), fields) {
        Format::Plain => plain::read(stream, intake),
        Format::JsonLines => lines::read(stream, intake),
        Format::Json => json::read(stream, intake),
        Format::Html => plain::read_whole(stream, intake, Content::Html),
        Format::Table => table::read(stream, kind_of(shell.name) == Kind::Tsv, intake),
        Format::Elements(dialect) => elements::read(stream, dialect, intake),
        Format::Parquet => parquet::read(stream, shell, intake),
        Format::Warc => warc::read(stream, intake),
        Format::Arc => arc::read(stream, intake),
        Format::Unknown => {
            let head = stream.peek(1).to_vec();
            intake.refuse(Spot::Whole, Refusal::new(Reason::UnknownFormat, "is of no format that can be read"), &head)
        }
    }
}
