//! Arrow IPC, files (Feather version 2) and streams: a row a document. Both are read from their beginning to their end as they come, one record
//! batch at a time. Only the columns that the configuration names are kept and unpacked.

/// Record batches: the buffers of columns, and arrays made of them.
mod batch;
/// Values of a column.
mod cells;
/// The messages that a stream consists of.
mod messages;
/// A stream of which every row is answered.
mod rows;
/// The columns of a schema.
mod schema;

pub(crate) use rows::{ArrowStream, RowBatch};

use std::io::BufRead;
use std::ops::ControlFlow;

use arrow_ipc::{Message, MessageHeader};

use super::Format;
use super::beginning::Beginning;
use super::columns::put_row;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::layers::Container;
use crate::input::refusal::{Refusal, guarded};
use crate::input::stream::{Exactly, Stream};
use crate::record::Reason;
use batch::Batches;
use messages::Next;
use schema::{EmptyText, Table};

pub(super) static FORMAT: Format = Format {
    extensions: &["arrow", "feather", "ipc"],
    is_one_record: false,
    recognise: |beginning| {
        let has_extension = beginning.has_extension(FORMAT.extensions);
        is_marked(beginning.head()) || begins_stream(beginning, has_extension)
    },
    read,
};

/// The first and the last bytes of a file.
const MARK: &[u8] = b"ARROW1";

/// The bytes of the mark, filled up.
const MARK_BYTES: usize = 8;

/// Zero bytes may follow the mark, no more than this, so that the first message begins at a round place.
const MAX_PADDING_BYTES: usize = 256;

/// The first bytes of a file of Feather version 1, which has another structure.
const FEATHER_1: &[u8] = b"FEA1";

/// Tells whether bytes begin a file of any version.
fn is_marked(head: &[u8]) -> bool {
    head.starts_with(MARK) || head.starts_with(FEATHER_1)
}

/// Tells whether a stream begins with the message of a schema. Before 2019 messages had no mark, so that the name has to tell as well.
fn begins_stream(beginning: &mut Beginning<'_, '_>, has_extension: bool) -> bool {
    let is_marked = beginning.head().starts_with(&messages::CONTINUATION);
    let Some(length) = messages::first_length(beginning.head()).filter(|_| is_marked || has_extension) else {
        return false;
    };
    messages::is_schema(beginning.wide(length))
}

/// Reads every row.
fn read(stream: &mut Stream<'_>, container: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    let is_file = stream.peek(MARK_BYTES).starts_with(MARK);
    match open(stream, is_file, collector) {
        Ok(table) => read_batches(stream, Batches::new(table), is_file, container, collector),
        Err(refusal) => collector.refuse(Position::Whole, refusal, b""),
    }
}

/// The columns by the first message, which has the schema.
fn open(stream: &mut Stream<'_>, is_file: bool, collector: &Collector<'_>) -> Result<Table, Refusal> {
    if stream.peek(MARK_BYTES).starts_with(FEATHER_1) {
        let message = "is of Feather version 1, which is not read: write it again as version 2, or as Parquet";
        return Err(Refusal::new(Reason::UnknownFormat, message));
    }
    if is_file {
        stream.take_exactly(MARK_BYTES)?;
        let zeros = stream.peek(MAX_PADDING_BYTES).iter().take(MAX_PADDING_BYTES).take_while(|byte| **byte == 0);
        let padding = zeros.count();
        stream.consume(padding);
    }
    let Next::Message(bytes) = messages::next(stream)? else {
        return Err(Refusal::truncated("is cut short: it has no schema"));
    };
    guarded(|| Table::new(messages::parse(&bytes)?, &collector.settings().fields, EmptyText::IsRefused))
}

/// Reads the messages behind the schema. One that is damaged costs only its rows.
fn read_batches(
    stream: &mut Stream<'_>,
    mut batches: Batches,
    is_file: bool,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Flow {
    loop {
        let position = Position::record(stream.position());
        let bytes = match messages::next(stream) {
            Ok(Next::Message(bytes)) => bytes,
            Ok(Next::Nothing { is_closed }) => {
                let outcome = if is_file { finish(stream, is_closed) } else { Ok(()) };
                return outcome.map_or_else(|refusal| collector.refuse(position, refusal, b""), ControlFlow::Continue);
            }
            Err(refusal) => return collector.refuse(position, refusal, b""),
        };
        let length = match messages::parse(&bytes).and_then(|message| messages::body_length(&message)) {
            Ok(length) => length,
            Err(refusal) => return collector.refuse(position, refusal, b""),
        };
        let mut body = Exactly::new(stream, length);
        let outcome = messages::parse(&bytes)
            .and_then(|message| take_message(&message, &mut body, &mut batches, container, collector));
        let has_failed = outcome.is_err();
        match outcome {
            Ok(flow) => flow?,
            Err(refusal) => collector.refuse(position, refusal, b"")?,
        }
        if let Err(refusal) = skip_rest(&mut body) {
            return if has_failed { ControlFlow::Continue(()) } else { collector.refuse(position, refusal, b"") };
        }
    }
}

fn skip_rest(body: &mut Exactly<'_, '_>) -> Result<(), Refusal> {
    loop {
        let length = body.fill_buf()?.len();
        if length == 0 {
            return Ok(());
        }
        body.consume(length);
    }
}

/// Takes in the rows of a record batch, or keeps the values of a dictionary.
fn take_message(
    message: &Message<'_>,
    body: &mut Exactly<'_, '_>,
    batches: &mut Batches,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Result<Flow, Refusal> {
    let max_expansion = collector.settings().max_expansion.get();
    match message.header_type() {
        MessageHeader::DictionaryBatch => {
            let copied = guarded(|| batches.add_dictionary(message, body, max_expansion))?;
            container.budget.unpack(copied)?;
            Ok(ControlFlow::Continue(()))
        }
        MessageHeader::RecordBatch => {
            let rows = guarded(|| batches.unpack(message, body, max_expansion))?;
            put_rows(&rows, &batches.table, container, collector)
        }
        // Tensors are no tables.
        _ => Ok(ControlFlow::Continue(())),
    }
}

fn put_rows(
    rows: &batch::Rows,
    table: &Table,
    container: Container<'_>,
    collector: &mut Collector<'_>,
) -> Result<Flow, Refusal> {
    for row in 0..rows.length {
        let columns = table.columns.iter().zip(&rows.arrays);
        let cells: Vec<_> = guarded(|| {
            Ok(columns.filter_map(|(column, array)| Some((column, cells::cell(&**array, row, column)?))).collect())
        })?;
        let flow = put_row(&cells, table.flag, container, collector)?;
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Reads what stands behind the last message of a file, whose end has to be there.
fn finish(stream: &mut Stream<'_>, is_closed: bool) -> Result<(), Refusal> {
    let mut end = Vec::new();
    loop {
        let bytes = stream.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        end.extend_from_slice(&bytes[length.saturating_sub(MARK.len())..]);
        stream.consume(length);
        end.drain(..end.len().saturating_sub(MARK.len()));
    }
    if is_closed && end == MARK {
        Ok(())
    } else {
        Err(Refusal::truncated("is cut short: the end of the file is missing"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder};
    use arrow_array::types::Int8Type;
    use arrow_array::{
        Array, ArrayRef, BinaryArray, Date32Array, DictionaryArray, Int32Array, LargeStringArray, NullArray,
        RecordBatch, RunArray, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
    };
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    use arrow_schema::{DataType, Field, Schema};

    use crate::input::formats::testing::{read_articles, read_every_cut, read_rejections, read_texts};
    use crate::record::{Reason, TextFlag};

    const PACKINGS: [Option<CompressionType>; 3] =
        [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)];

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }

    fn strings(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn options(packing: Option<CompressionType>) -> IpcWriteOptions {
        IpcWriteOptions::default().try_with_compression(packing).unwrap()
    }

    fn file(batches: &[RecordBatch], packing: Option<CompressionType>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options(packing)).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        bytes
    }

    fn stream(batches: &[RecordBatch], packing: Option<CompressionType>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer =
            StreamWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options(packing)).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        bytes
    }

    fn two_batches() -> [RecordBatch; 2] {
        let long = "It rained. ".repeat(200);
        let texts = |texts: &[&str], day| {
            batch(vec![
                ("id", Arc::new(Int32Array::from_iter_values((0..).take(texts.len()).map(|id| 10 * day + id))) as _),
                ("text", strings(texts)),
                ("published", Arc::new(Date32Array::from(vec![day; texts.len()])) as _),
            ])
        };
        [texts(&[&long, "Two."], 0), texts(&["Three."], 1)]
    }

    fn ok(texts: &[&str]) -> Vec<Result<String, Reason>> {
        texts.iter().map(|text| Ok((*text).to_owned())).collect()
    }

    #[test]
    fn a_row_is_a_document_in_files_and_streams_packed_or_not() {
        for packing in PACKINGS {
            for bytes in [file(&two_batches(), packing), stream(&two_batches(), packing)] {
                for name in ["a", "a.feather"] {
                    let articles = read_articles(name, &bytes);
                    let found: Vec<_> = articles
                        .iter()
                        .map(|article| (article.own_id.as_deref().unwrap(), article.metadata.published.as_deref()))
                        .collect();
                    let days = [("0", Some("1970-01-01")), ("1", Some("1970-01-01")), ("10", Some("1970-01-02"))];
                    assert_eq!(found, days, "{packing:?}");
                    assert_eq!((articles[0].text.len(), articles[2].text.as_str()), (2200, "Three."));
                }
            }
        }
    }

    #[test]
    fn texts_may_have_any_type_of_texts_or_bytes() {
        let dictionary: DictionaryArray<Int8Type> = vec!["One.", "Two.", "One."].into_iter().collect();
        let columns: [ArrayRef; 4] = [
            Arc::new(LargeStringArray::from(vec!["One.", "Two.", "One."])),
            Arc::new(StringViewArray::from(vec!["One.", "Two.", "One."])),
            Arc::new(BinaryArray::from_vec(vec![b"One.", b"Two.", b"One."])),
            Arc::new(dictionary),
        ];
        for column in columns {
            let kind = column.data_type().clone();
            let bytes = stream(&[batch(vec![("text", column)])], Some(CompressionType::ZSTD));
            assert_eq!(read_texts("a.arrow", &bytes), ok(&["One.", "Two.", "One."]), "{kind}");
        }
    }

    #[test]
    fn items_of_a_list_are_paragraphs_or_names_and_may_be_objects() {
        let mut list = ListBuilder::new(StringBuilder::new());
        list.append_value([Some("One."), None, Some("Two.")]);
        let text: ArrayRef = Arc::new(list.finish());
        let mut list = ListBuilder::new(StringBuilder::new());
        list.append_value([Some("Local"), Some("Harbour")]);
        let object = |name: &str, values: ArrayRef| -> ArrayRef {
            let other = Arc::new(Int32Array::from(vec![7; values.len()])) as ArrayRef;
            let field = |name: &str, array: &ArrayRef| Arc::new(Field::new(name, array.data_type().clone(), true));
            Arc::new(StructArray::from(vec![(field("x", &other), other), (field(name, &values), values)]))
        };
        let batch = batch(vec![
            ("text", text),
            ("section", Arc::new(list.finish())),
            ("source", object("name", strings(&["Courier"]))),
            ("meta", object("title", strings(&["Storm"]))),
        ]);
        let article = &read_articles("a.arrow", &file(&[batch], None))[0];
        assert_eq!(article.text, "One.\n\nTwo.");
        let metadata = &article.metadata;
        assert_eq!((metadata.section.as_deref(), metadata.source.as_deref()), (Some("Local"), Some("Courier")));
    }

    #[test]
    fn columns_that_nobody_names_are_passed_over_whatever_their_type() {
        let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        map.keys().append_value("a");
        map.values().append_value("b");
        map.append(true).unwrap();
        let ends = Int32Array::from(vec![1]);
        let runs: RunArray<arrow_array::types::Int32Type> =
            RunArray::try_new(&ends, &StringArray::from(vec!["x"])).unwrap();
        let time = TimestampMicrosecondArray::from(vec![1_930_374_900_000_000]);
        let zoned = time.clone().with_timezone("Europe/Oslo");
        let batch = batch(vec![
            ("map", Arc::new(map.finish())),
            ("views", Arc::new(StringViewArray::from(vec!["a string of more than twelve bytes"]))),
            ("runs", Arc::new(runs)),
            ("nulls", Arc::new(NullArray::new(1))),
            ("text", strings(&["It rained."])),
            ("published", Arc::new(time)),
            ("modified", Arc::new(zoned)),
            ("title", Arc::new(NullArray::new(1))),
        ]);
        let article = &read_articles("a.arrow", &file(&[batch], Some(CompressionType::LZ4_FRAME)))[0];
        assert_eq!(article.text, "It rained.");
        let metadata = &article.metadata;
        assert_eq!(metadata.published.as_deref(), Some("2031-03-04T07:15:00"));
        assert_eq!(metadata.modified.as_deref(), Some("2031-03-04T07:15:00Z"));
        assert_eq!((&metadata.title, article.flags.len()), (&None, 0));
    }

    #[test]
    fn metadata_of_another_type_are_empty_and_flagged_and_texts_are_named() {
        let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        map.append(true).unwrap();
        let map: ArrayRef = Arc::new(map.finish());
        let flagged = stream(&[batch(vec![("title", Arc::clone(&map)), ("text", strings(&["It rained."]))])], None);
        let article = &read_articles("a.arrow", &flagged)[0];
        assert_eq!((&article.metadata.title, &article.flags[..]), (&None, &[TextFlag::Metadata][..]));
        let reject = |name: &str, array: ArrayRef| {
            let rejections = read_rejections("a.arrow", &stream(&[batch(vec![(name, array)])], None));
            assert_eq!((rejections.len(), rejections[0].reason), (1, Reason::MissingText));
            rejections[0].message.clone()
        };
        assert!(reject("text", map).contains("of the type Map"));
        assert!(reject("text", Arc::new(NullArray::new(3))).contains("nothing"));
        assert!(reject("body", strings(&["It rained."])).contains("its columns are `body`"));
    }

    #[test]
    fn a_text_in_a_wrong_encoding_costs_only_itself() {
        let texts: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"caf\xe9 cr\xe8me", b"\0\x01", b"Three."]));
        let bytes = file(&[batch(vec![("text", texts)])], None);
        let found = read_texts("a.arrow", &bytes);
        assert_eq!(found, [Ok("café crème".to_owned()), Err(Reason::NotText), Ok("Three.".to_owned())]);
    }

    #[test]
    fn feather_of_version_1_is_named() {
        let rejections = read_rejections("a.feather", b"FEA1 and so on FEA1");
        assert_eq!((rejections.len(), rejections[0].reason), (1, Reason::UnknownFormat));
        assert!(rejections[0].message.contains("Feather version 1"));
    }

    #[test]
    fn a_file_cut_anywhere_gives_what_comes_before_and_one_rejection() {
        for packing in PACKINGS {
            let whole = file(&two_batches(), packing);
            read_every_cut("a.arrow", &whole);
            for end in (8..whole.len()).step_by(97) {
                let outcomes = read_texts("a.arrow", &whole[..end]);
                let last = outcomes.last().unwrap().as_ref().unwrap_err();
                assert!(matches!(last, Reason::Truncated | Reason::Damaged), "{end}: {outcomes:?}");
                assert!(outcomes[..outcomes.len() - 1].iter().all(Result::is_ok), "{end}: {outcomes:?}");
            }
            let whole = stream(&two_batches(), packing);
            read_every_cut("a.arrow", &whole);
            // A stream may end without a mark.
            assert_eq!(read_texts("a.arrow", &whole[..whole.len() - 8]).iter().filter(|text| text.is_ok()).count(), 3);
        }
    }

    #[test]
    fn bytes_changed_anywhere_never_make_it_panic() {
        let mut list = ListBuilder::new(StringBuilder::new());
        list.append_value([Some("One."), Some("Two.")]);
        list.append_null();
        let dictionary: DictionaryArray<Int8Type> = vec!["Courier", "Wire"].into_iter().collect();
        let batch = batch(vec![
            ("text", Arc::new(list.finish())),
            ("source", Arc::new(dictionary)),
            ("title", Arc::new(StringViewArray::from(vec![Some("A title of more than twelve bytes"), None]))),
        ]);
        for packing in PACKINGS {
            let bytes = file(std::slice::from_ref(&batch), packing);
            for at in (0..bytes.len()).step_by(3) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x95;
                let outcomes = read_texts("a.arrow", &damaged);
                assert!(!outcomes.contains(&Err(Reason::Panicked)), "{at}: {outcomes:?}");
            }
        }
    }

    #[test]
    fn what_a_buffer_unpacks_to_is_limited_by_what_it_declares() {
        let text = "a".repeat(1_000_003);
        for packing in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
            let bytes = stream(&[batch(vec![("text", strings(&[&text]))])], Some(packing));
            assert_eq!(read_texts("a.arrow", &bytes), ok(&[&text]));
            let at = memchr::memmem::rfind(&bytes, &1_000_003_u64.to_le_bytes()).unwrap();
            for (declared, reason) in
                [(1_u64 << 40, Reason::TooLarge), (100, Reason::Damaged), (u64::MAX - 1, Reason::Damaged)]
            {
                let mut lying = bytes.clone();
                lying[at..at + 8].copy_from_slice(&declared.to_le_bytes());
                assert_eq!(read_texts("a.arrow", &lying), [Err(reason)], "{packing:?} {declared}");
            }
        }
    }

    #[test]
    fn a_batch_that_is_damaged_costs_only_itself() {
        let [first, second] = two_batches();
        let bytes = stream(&[second.clone(), first, second], Some(CompressionType::ZSTD));
        let at = memchr::memmem::find(&bytes, &2204_u64.to_le_bytes()).unwrap();
        let mut lying = bytes.clone();
        lying[at..at + 8].copy_from_slice(&7_u64.to_le_bytes());
        let three = || Ok("Three.".to_owned());
        assert_eq!(read_texts("a.arrow", &lying), [three(), Err(Reason::Damaged), three()]);
        let place = read_rejections("a.arrow", &lying).remove(0).place;
        assert_eq!(place.record, Some(2));
        assert!(place.byte.is_some_and(|byte| byte > 0));
    }

    #[test]
    fn a_dictionary_may_grow() {
        let schema = Arc::new(Schema::new(vec![Field::new(
            "text",
            DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
            true,
        )]));
        let with_values = |texts: &[&str], keys: Vec<i8>| {
            let values = Arc::new(StringArray::from(texts.to_vec()));
            let array = DictionaryArray::<Int8Type>::try_new(keys.into(), values).unwrap();
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(array)]).unwrap()
        };
        let options = IpcWriteOptions::default().with_dictionary_handling(arrow_ipc::writer::DictionaryHandling::Delta);
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
        writer.write(&with_values(&["One.", "Two."], vec![1, 0])).unwrap();
        writer.write(&with_values(&["One.", "Two.", "Three."], vec![2, 0])).unwrap();
        writer.finish().unwrap();
        drop(writer);
        assert_eq!(read_texts("a.arrow", &bytes), ok(&["Two.", "One.", "Three.", "One."]));
    }
}
