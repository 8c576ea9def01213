//! Parquet: a row a document. Only the columns that the configuration names are read, some rows at a time; row groups that are small
//! are unpacked side by side.

/// Values of a column.
mod cells;
/// The file, read at any place.
mod chunks;
/// Declared sizes of pages.
mod pages;

use std::ops::Range;
use std::sync::Arc;

use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use rayon::prelude::*;

use super::Format;
use super::columns::{Cell, Column, Leaf, columns, put_row};
use crate::input::collector::{Collector, Flow, Position};
use crate::input::layers::Container;
use crate::input::random_access::RandomAccess;
use crate::input::refusal::{Refusal, guarded};
use crate::input::stream::Stream;
use cells::{Value, Wanted};
use chunks::Chunks;
use pages::PageCheck;

pub(super) static FORMAT: Format = Format {
    extensions: &["parquet"],
    is_one_record: false,
    recognise: |beginning| beginning.head().starts_with(MARK),
    read,
};

/// The first and the last bytes of a file.
const MARK: &[u8] = b"PAR1";

/// So many rows are read of one column before the next one.
const ROWS_AT_ONCE: usize = 256;

/// Row groups are unpacked side by side as long as they have no more bytes than this together,
const MAX_TOGETHER_BYTES: i64 = 32 << 20;

/// and no more rows than this.
const MAX_TOGETHER_ROWS: i64 = 1 << 16;

/// Some rows: the cells of each column in them.
type Rows = Vec<Vec<Option<Cell<Value>>>>;

/// Reads every row. What lies in an archive, is compressed or comes through a pipe is kept in a temporary file meanwhile: the list of its
/// parts stands at its end.
fn read(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let file = match container.file {
        Some(file) => Ok(file.clone()),
        None => kept(stream),
    };
    let opened = file.and_then(|file| {
        let file = Chunks::of(file)?;
        guarded(|| Ok((SerializedFileReader::new(file.clone())?, file)))
    });
    let (reader, file) = match opened {
        Ok(opened) => opened,
        Err(refusal) => return collector.refuse(Position::Whole, refusal, b""),
    };
    let leaves = leaves(reader.metadata().file_metadata().schema_descr());
    let columns = match columns(&leaves, &collector.settings().fields) {
        Ok(columns) => columns,
        Err(refusal) => return collector.refuse(Position::Whole, refusal, b""),
    };
    let pages = PageCheck { file, max_expansion: collector.settings().max_expansion.get() };
    let mut next = 0;
    while next < reader.num_row_groups() {
        let groups = next..next + how_many_together(&reader, next);
        next = groups.end;
        for (number, unpacked) in groups.clone().zip(unpack_together(&reader, groups, &columns, &pages)) {
            let group = guarded(|| Ok(reader.get_row_group(number)?));
            let outcome = group.and_then(|group| {
                if let Some(rows) = unpacked {
                    return put_group(&*group, rows.into_iter().map(Ok), &columns, container, collector);
                }
                check_pages(&*group, number, &columns, &pages)?;
                put_group(&*group, unpack(&*group, &columns)?, &columns, container, collector)
            });
            match outcome {
                Ok(flow) => flow?,
                Err(refusal) => collector.refuse(Position::Record { line: None, byte: None }, refusal, b"")?,
            }
        }
    }
    Flow::Continue(())
}

/// The number of row groups from `first` on that are small enough to be unpacked side by side; at least one.
fn how_many_together(reader: &impl FileReader, first: usize) -> usize {
    let mut bytes = 0_i64;
    let mut rows = 0_i64;
    let small = (first..reader.num_row_groups()).take_while(|&number| {
        let group = reader.metadata().row_group(number);
        bytes = bytes.saturating_add(group.total_byte_size());
        rows = rows.saturating_add(group.num_rows());
        bytes <= MAX_TOGETHER_BYTES && rows <= MAX_TOGETHER_ROWS
    });
    small.count().max(1)
}

/// Each of some row groups, where it is sound; nothing where it is alone and can as well be read row by row.
fn unpack_together(
    reader: &impl FileReader,
    groups: Range<usize>,
    columns: &[Column],
    pages: &PageCheck,
) -> Vec<Option<Vec<Rows>>> {
    if groups.len() < 2 {
        return vec![None];
    }
    groups
        .into_par_iter()
        .map(|number| {
            let rows = guarded(|| {
                let group = reader.get_row_group(number)?;
                check_pages(&*group, number, columns, pages)?;
                unpack(&*group, columns)?.collect()
            });
            rows.ok()
        })
        .collect()
}

fn kept(stream: &mut Stream<'_>) -> Result<RandomAccess, Refusal> {
    let mut file = tempfile::tempfile()?;
    std::io::copy(stream, &mut file)?;
    Ok(RandomAccess::File(Arc::new(file)))
}

impl From<ParquetError> for Refusal {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::EOF(message) => Self::truncated(format!("is cut short: {message}")),
            ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
                Ok(error) => Self::from(*error),
                Err(cause) => Self::damaged(format!("is no Parquet that can be read: {cause}")),
            },
            error => Self::damaged(format!("is no Parquet that can be read: {error}")),
        }
    }
}

/// The columns of a file, in their order.
fn leaves(schema: &SchemaDescriptor) -> Vec<Leaf> {
    schema.columns().iter().map(|column| leaf(column)).collect()
}

/// A column. Lists have levels in between that nobody names.
fn leaf(column: &ColumnDescriptor) -> Leaf {
    const OF_LISTS: [&str; 6] = ["list", "element", "item", "array", "bag", "array_element"];
    let parts = column.path().parts();
    let is_list = column.max_rep_level() > 0;
    let is_only_part = parts.len() == 1;
    let named = parts.iter().filter(|part| is_only_part || !is_list || !OF_LISTS.contains(&part.as_str()));
    Leaf { names: named.cloned().collect(), is_list }
}

/// Refuses a group if a page of one of the columns declares to unpack to too much.
fn check_pages(
    group: &dyn RowGroupReader,
    number: usize,
    columns: &[Column],
    pages: &PageCheck,
) -> Result<(), Refusal> {
    guarded(|| columns.iter().try_for_each(|column| pages.check(number, group.metadata().column(column.leaf))))
}

/// The rows of a group, some at a time.
fn unpack<'g>(
    group: &'g dyn RowGroupReader,
    columns: &'g [Column],
) -> Result<impl Iterator<Item = Result<Rows, Refusal>> + 'g, Refusal> {
    let mut readers = guarded(|| {
        let open = |column: &'g Column| -> Result<(ColumnReader, &'g Column), Refusal> {
            Ok((group.get_column_reader(column.leaf)?, column))
        };
        columns.iter().map(open).collect::<Result<Vec<_>, Refusal>>()
    })?;
    let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    Ok(std::iter::from_fn(move || {
        let rows = left.min(ROWS_AT_ONCE);
        left -= rows;
        let read = |(reader, column): &mut (ColumnReader, &Column)| {
            let known = group.metadata().schema_descr().column(column.leaf);
            cells::read(reader, &Wanted { rows, items: column.items, column: &known })
        };
        (rows > 0).then(|| guarded(|| readers.iter_mut().map(read).collect()))
    }))
}

/// Takes in the rows of a group, up to the first that cannot be read.
fn put_group(
    group: &dyn RowGroupReader,
    rows: impl Iterator<Item = Result<Rows, Refusal>>,
    columns: &[Column],
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Result<Flow, Refusal> {
    for column in columns {
        let packed = group.metadata().column(column.leaf).compressed_size();
        container.budget.add_read(u64::try_from(packed).unwrap_or(0));
    }
    for rows in rows {
        let mut cells = rows?;
        for number in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let of_row = cells.iter_mut().map(|cells| cells.get_mut(number).and_then(Option::take));
            let found: Vec<_> = columns.iter().zip(of_row).filter_map(|(column, cell)| Some((column, cell?))).collect();
            let flow = put_row(&found, None, container, collector)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
    Ok(Flow::Continue(()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
    use ::parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
    use ::parquet::file::properties::{WriterProperties, WriterVersion};
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use crate::input::formats::testing::{read_articles, read_rejections, read_texts};
    use crate::record::Reason;

    /// A file with one row group. Its first column has `texts`, and its second one the same number of days since 1970.
    fn file(texts: &[&str]) -> Vec<u8> {
        file_with(texts, WriterProperties::default())
    }

    fn file_with(texts: &[&str], properties: WriterProperties) -> Vec<u8> {
        let schema = "message m { required binary text (STRING); required int32 published (DATE); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let texts: Vec<ByteArray> = texts.iter().map(|text| ByteArray::from(*text)).collect();
        column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let days: Vec<i32> = (0..).take(texts.len()).collect();
        column.typed::<Int32Type>().write_batch(&days, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn a_row_is_a_document() {
        let articles = read_articles("a", &file(&["One.", "Two."]));
        let found: Vec<_> =
            articles.iter().map(|article| (article.text.as_str(), article.metadata.published.as_deref())).collect();
        assert_eq!(found, [("One.", Some("1970-01-01")), ("Two.", Some("1970-01-02"))]);
    }

    /// A file with one row that has three lists or objects, each with these strings.
    fn file_of_lists(schema: &str, lists: [&[&str]; 3], definition: i16) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for list in lists {
            let mut column = group.next_column().unwrap().unwrap();
            let items: Vec<ByteArray> = list.iter().map(|item| ByteArray::from(*item)).collect();
            let definitions = vec![definition; items.len()];
            let repetitions: Vec<i16> = (0..items.len()).map(|place| i16::from(place > 0)).collect();
            column.typed::<ByteArrayType>().write_batch(&items, Some(&definitions), Some(&repetitions)).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn items_of_a_list_are_paragraphs_or_names() {
        let schema = "message m {
            optional group text (LIST) { repeated group list { optional binary element (STRING); } }
            optional group byline (LIST) { repeated group list { optional binary element (STRING); } }
            optional group section (LIST) { repeated group list { optional binary element (STRING); } } }";
        let lists = [&["One.", "Two."][..], &["Ida Brenn", "Per Holm"], &["Local", "Harbour"]];
        let article = &read_articles("a.parquet", &file_of_lists(schema, lists, 3))[0];
        assert_eq!(article.text, "One.\n\nTwo.");
        assert_eq!(article.metadata.byline.as_deref(), Some("Ida Brenn, Per Holm"));
        assert_eq!(article.metadata.section.as_deref(), Some("Local"));
    }

    #[test]
    fn items_of_a_list_may_be_objects() {
        let schema = "message m {
            optional group text (LIST) { repeated group list { optional group element { optional binary content (STRING); } } }
            optional group byline (LIST) { repeated group list { optional group element { optional binary name (STRING); } } }
            optional group source (LIST) { repeated group list { optional group element { optional binary name (STRING); } } } }";
        let lists = [&["<p>One.</p>", "<p>Two.</p>"][..], &["Ida Brenn"], &["Courier"]];
        let article = &read_articles("a.parquet", &file_of_lists(schema, lists, 4))[0];
        assert_eq!((article.text.as_str(), article.metadata.byline.as_deref()), ("One.\n\nTwo.", Some("Ida Brenn")));
        assert_eq!(article.metadata.source.as_deref(), Some("Courier"));
    }

    /// An unsigned number in the way of Thrift: seven bits a byte.
    fn varint(mut number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
        bytes
    }

    #[test]
    fn a_page_that_declares_to_unpack_to_too_much_is_refused_before_it_is_unpacked() {
        let text = "a".repeat(1 << 21);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(false)
            .build();
        let mut bytes = file_with(&[&text], properties);
        assert_eq!(read_texts("a.parquet", &bytes), [Ok(text.clone())]);
        // The page has the length of the text in front. A positive number is doubled. The new size takes as many bytes as the old one.
        let declared = [&[0x15], varint(2 * (text.len() as u64 + 4)).as_slice()].concat();
        let most = [&[0x15], varint((1 << 28) - 2).as_slice()].concat();
        let at = memchr::memmem::find(&bytes, &declared).unwrap();
        bytes[at..at + most.len()].copy_from_slice(&most);
        assert_eq!(read_texts("a.parquet", &bytes), [Err(Reason::TooLarge)]);
    }

    #[test]
    fn a_page_that_unpacks_to_more_than_it_declares_is_refused_whatever_its_compression() {
        // Brotli makes any number of bytes of a few. gzip cannot, so that the page has to be long.
        let mut random = fastrand::Rng::with_seed(7);
        let noise: String = (0..1 << 20).map(|_| random.alphanumeric()).collect();
        let cases = [
            (Compression::BROTLI(BrotliLevel::default()), "a".repeat(1 << 21), WriterVersion::PARQUET_1_0),
            (Compression::BROTLI(BrotliLevel::default()), "a".repeat(1 << 21), WriterVersion::PARQUET_2_0),
            (Compression::GZIP(GzipLevel::default()), noise.repeat(2), WriterVersion::PARQUET_1_0),
        ];
        for (compression, text, version) in cases {
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_dictionary_enabled(false)
                .set_encoding(Encoding::PLAIN)
                .set_writer_version(version)
                .build();
            let mut bytes = file_with(&[&text], properties);
            assert_eq!(read_texts("a.parquet", &bytes), [Ok(text.clone())]);
            let declared = [&[0x15], varint(2 * (text.len() as u64 + 4)).as_slice()].concat();
            let less = [&[0x15], varint(2 * (text.len() as u64 - 70_000)).as_slice()].concat();
            let at = memchr::memmem::find(&bytes, &declared).unwrap();
            bytes[at..at + less.len()].copy_from_slice(&less);
            let rejections = read_rejections("a.parquet", &bytes);
            assert_eq!(rejections.len(), 1);
            let message = &rejections[0].message;
            assert!(
                message.contains("unpacks to more than the") && rejections[0].reason == Reason::Damaged,
                "{message}"
            );
        }
    }

    #[test]
    fn a_file_that_is_cut_short_has_no_list_of_its_parts() {
        let bytes = file(&["One.", " "]);
        assert_eq!(read_texts("a.parquet", &bytes), [Ok("One.".to_owned()), Err(Reason::Empty)]);
        let cut = read_texts("a.parquet", &bytes[..bytes.len() - 20]);
        assert!(matches!(cut[..], [Err(Reason::Damaged | Reason::Truncated)]), "{cut:?}");
    }
}
