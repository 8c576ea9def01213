//! Record batches: finds the buffers of the wanted columns, takes them out of the body within limits, and makes arrays of them. The library
//! would unpack whatever a buffer holds and all columns of a batch, so this is done here.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Read};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, make_array, new_empty_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_ipc::{CompressionType, FieldNode, Message, MetadataVersion, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, UnionMode};

use super::messages::damaged;
use super::schema::{Table, Way, nameless, with_bytes};
use crate::input::layers::most_unpacked_bytes;
use crate::input::refusal::Refusal;
use crate::input::stream::Exactly;
use crate::record::Reason;

/// The wanted columns of a batch have no more bytes than this together, before and after they are unpacked.
const MAX_BATCH_BYTES: u64 = 1 << 30;

/// The length before a packed buffer that says that it is not packed.
const NOT_PACKED: i64 = -1;

/// Unpacks the batches of a table.
pub(super) struct Batches {
    pub(super) table: Arc<Table>,
    /// The values of dictionaries, by their ids.
    dictionaries: HashMap<i64, ArrayRef>,
}

/// The wanted columns of a batch.
pub(super) struct Rows {
    pub(super) length: usize,
    /// The values of each column.
    pub(super) arrays: Vec<ArrayRef>,
}

impl Batches {
    pub(super) fn new(table: Table) -> Self {
        Self { table: Arc::new(table), dictionaries: HashMap::new() }
    }

    /// Unpacks the wanted columns of a record batch.
    pub(super) fn unpack(
        &self,
        message: &Message<'_>,
        body: &mut Exactly<'_, '_>,
        max_expansion: u64,
    ) -> Result<Rows, Refusal> {
        let batch = message.header_as_record_batch().ok_or_else(|| damaged("a message has no record batch"))?;
        let length = usize::try_from(batch.length()).map_err(|_| damaged("a record batch has a negative length"))?;
        let body = Body { bytes: body, length: message.bodyLength(), max_expansion };
        let arrays = self.arrays(batch, &self.table.fields, &self.table.ways, body)?;
        if arrays.iter().any(|array| array.len() != length) {
            return Err(damaged("the columns of a record batch differ in length"));
        }
        Ok(Rows { length, arrays })
    }

    /// Keeps the values of a dictionary, or adds them to those that are there. Returns the number of bytes that were copied for that.
    pub(super) fn add_dictionary(
        &mut self,
        message: &Message<'_>,
        body: &mut Exactly<'_, '_>,
        max_expansion: u64,
    ) -> Result<u64, Refusal> {
        let batch = message.header_as_dictionary_batch().ok_or_else(|| damaged("a message has no dictionary"))?;
        let id = batch.id();
        let before = self.dictionaries.remove(&id);
        let Some(kind) = self.table.dictionary_type(id) else { return Ok(0) };
        let Some(data) = batch.data() else { return Err(damaged("a dictionary has no values")) };
        let body = Body { bytes: body, length: message.bodyLength(), max_expansion };
        let mut arrays = self.arrays(data, &[nameless(kind)], &[Way::to_first()], body)?;
        let Some(mut values) = arrays.pop() else { return Ok(0) };
        let mut copied = 0;
        if batch.isDelta() {
            let Some(before) = before else { return Err(damaged("a dictionary goes on that is not there")) };
            values = arrow_select::concat::concat(&[&*before, &*values]).map_err(damaged)?;
            copied = values.get_buffer_memory_size() as u64;
        }
        self.dictionaries.insert(id, values);
        let bytes: usize = self.dictionaries.values().map(Array::get_buffer_memory_size).sum();
        if bytes as u64 > MAX_BATCH_BYTES {
            self.dictionaries.clear();
            return Err(too_large(bytes as u64));
        }
        Ok(copied)
    }

    /// The arrays at the ends of `ways`.
    fn arrays(
        &self,
        batch: RecordBatch<'_>,
        fields: &[FieldRef],
        ways: &[Way],
        body: Body<'_, '_, '_>,
    ) -> Result<Vec<ArrayRef>, Refusal> {
        let parts = Walk::new(batch, self.table.version).parts(fields, ways)?;
        let mut wanted = Vec::new();
        for part in &parts {
            part.add_buffers(&mut wanted);
        }
        let buffers = body.take_buffers(batch, wanted)?;
        parts.iter().map(|part| Ok(make_array(part.data(&buffers, &self.dictionaries)?))).collect()
    }
}

/// A column, or what lies around one, as it stands in the lists of a batch.
struct Part {
    kind: DataType,
    length: usize,
    has_nulls: bool,
    /// The numbers of its buffers. The first one tells which values are null.
    buffers: Range<usize>,
    /// The column inside.
    inner: Option<Box<Part>>,
    /// The id of its dictionary.
    dictionary: Option<i64>,
}

impl Part {
    fn add_buffers(&self, wanted: &mut Vec<usize>) {
        wanted.extend(self.buffers.clone());
        if let Some(inner) = &self.inner {
            inner.add_buffers(wanted);
        }
    }

    /// Makes an array of buffers. The library checks that they fit the type.
    fn data(
        &self,
        buffers: &BTreeMap<usize, Buffer>,
        dictionaries: &HashMap<i64, ArrayRef>,
    ) -> Result<ArrayData, Refusal> {
        let mut own = self.buffers.clone().filter_map(|number| buffers.get(&number).cloned());
        let validity = own.next().filter(|validity| self.has_nulls && !validity.is_empty());
        if validity.as_ref().is_some_and(|validity| validity.len() < self.length.div_ceil(8)) {
            return Err(damaged("a column has fewer values than it says"));
        }
        let mut inner = Vec::new();
        if let Some(part) = &self.inner {
            inner.push(part.data(buffers, dictionaries)?);
        }
        if let (Some(id), DataType::Dictionary(_, values)) = (self.dictionary, &self.kind) {
            let known = dictionaries.get(&id).cloned();
            inner.push(known.unwrap_or_else(|| new_empty_array(values)).into_data());
        }
        let kind = match (&self.kind, inner.first()) {
            (DataType::Struct(_), Some(inner)) => DataType::Struct(vec![nameless(inner.data_type().clone())].into()),
            (DataType::List(_), Some(inner)) => DataType::List(nameless(inner.data_type().clone())),
            (DataType::LargeList(_), Some(inner)) => DataType::LargeList(nameless(inner.data_type().clone())),
            (DataType::FixedSizeList(_, length), Some(inner)) => {
                DataType::FixedSizeList(nameless(inner.data_type().clone()), *length)
            }
            (kind, _) => kind.clone(),
        };
        let data = ArrayData::builder(kind).len(self.length).null_bit_buffer(validity).buffers(own.collect());
        data.child_data(inner).align_buffers(true).build().map_err(damaged)
    }
}

/// Walks over the fields of a batch, and the lists of their lengths and buffers, in step.
struct Walk<'m> {
    batch: RecordBatch<'m>,
    version: MetadataVersion,
    at: Place,
}

/// A place in the lists of a batch.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    nodes: usize,
    buffers: usize,
    variadics: usize,
}

impl<'m> Walk<'m> {
    fn new(batch: RecordBatch<'m>, version: MetadataVersion) -> Self {
        Self { batch, version, at: Place::default() }
    }

    /// The parts at the ends of `ways`.
    fn parts(mut self, fields: &[FieldRef], ways: &[Way]) -> Result<Vec<Part>, Refusal> {
        let mut parts: Vec<Option<Part>> = ways.iter().map(|_| None).collect();
        let last = ways.iter().map(|way| way.field).max().unwrap_or(0);
        for (number, field) in fields.iter().enumerate().take(last + 1) {
            let begin = self.at;
            for (part, way) in parts.iter_mut().zip(ways).filter(|(_, way)| way.field == number) {
                self.at = begin;
                *part = self.part(field, Some(&way.inner))?;
            }
            self.at = begin;
            self.part(field, None)?;
        }
        parts.into_iter().collect::<Option<_>>().ok_or_else(|| damaged("a column is not where the schema says"))
    }

    /// Passes over a field. Gives the part that `way` leads through, if it does.
    fn part(&mut self, field: &Field, way: Option<&[usize]>) -> Result<Option<Part>, Refusal> {
        let node = self.node()?;
        let begin = self.at.buffers;
        self.at.buffers += self.own_buffers(field.data_type())?;
        let buffers = begin..self.at.buffers;
        if self.at.buffers > self.batch.buffers().map_or(0, |buffers| buffers.len()) {
            return Err(damaged("a record batch has fewer buffers than its schema wants"));
        }
        let mut inner = None;
        for (number, child) in children(field.data_type()).into_iter().enumerate() {
            let way = match (way, field.data_type()) {
                (Some([next, rest @ ..]), DataType::Struct(_)) => (*next == number).then_some(rest),
                (way, _) => way,
            };
            if let Some(part) = self.part(child, way)? {
                inner = Some(Box::new(part));
            }
        }
        if way.is_none() {
            return Ok(None);
        }
        let length = usize::try_from(node.length()).map_err(|_| damaged("a column has a negative length"))?;
        Ok(Some(Part {
            kind: with_bytes(field.data_type()),
            length,
            has_nulls: node.null_count() != 0,
            buffers,
            inner,
            dictionary: dictionary_id(field),
        }))
    }

    fn node(&mut self) -> Result<&'m FieldNode, Refusal> {
        let nodes = self.batch.nodes().filter(|nodes| self.at.nodes < nodes.len());
        let nodes = nodes.ok_or_else(|| damaged("a record batch has fewer columns than its schema"))?;
        self.at.nodes += 1;
        Ok(nodes.get(self.at.nodes - 1))
    }

    /// The number of buffers that a field of a type has itself.
    fn own_buffers(&mut self, kind: &DataType) -> Result<usize, Refusal> {
        Ok(match kind {
            DataType::Null | DataType::RunEndEncoded(..) => 0,
            DataType::Struct(_) | DataType::FixedSizeList(..) => 1,
            DataType::Union(_, mode) => {
                1 + usize::from(self.version < MetadataVersion::V5) + usize::from(*mode == UnionMode::Dense)
            }
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::ListView(_)
            | DataType::LargeListView(_) => 3,
            DataType::Utf8View | DataType::BinaryView => {
                let counts = self.batch.variadicBufferCounts().filter(|counts| self.at.variadics < counts.len());
                let count = counts.map_or(-1, |counts| counts.get(self.at.variadics));
                self.at.variadics += 1;
                let most = self.batch.buffers().map_or(0, |buffers| buffers.len());
                let count = usize::try_from(count).ok().filter(|count| *count <= most);
                2 + count.ok_or_else(|| damaged("a column has another number of buffers than it says"))?
            }
            _ => 2,
        })
    }
}

/// The fields inside a field of a type.
fn children(kind: &DataType) -> Vec<&Field> {
    match kind {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => vec![&**item],
        DataType::Struct(fields) => fields.iter().map(|field| &**field).collect(),
        DataType::RunEndEncoded(ends, values) => vec![&**ends, &**values],
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| &**field).collect(),
        _ => Vec::new(),
    }
}

impl Table {
    /// The type of the values of a dictionary, if a wanted column uses it.
    fn dictionary_type(&self, id: i64) -> Option<DataType> {
        self.ways.iter().find_map(|way| match end(&self.fields[way.field], &way.inner) {
            field if dictionary_id(field) == Some(id) => match field.data_type() {
                DataType::Dictionary(_, values) => Some((**values).clone()),
                _ => None,
            },
            _ => None,
        })
    }
}

/// The field at the end of a way that begins in `field`.
fn end<'f>(field: &'f Field, way: &[usize]) -> &'f Field {
    match (field.data_type(), way) {
        (DataType::Struct(fields), [next, rest @ ..]) => end(&fields[*next], rest),
        (DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _), way) => end(item, way),
        _ => field,
    }
}

#[expect(deprecated, reason = "the library has no other way to the id")]
fn dictionary_id(field: &Field) -> Option<i64> {
    field.dict_id()
}

/// The body of a message: the buffers of all columns.
struct Body<'b, 's, 'r> {
    bytes: &'b mut Exactly<'s, 'r>,
    length: i64,
    max_expansion: u64,
}

/// The place of a buffer in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    offset: u64,
    length: u64,
    number: usize,
}

impl Body<'_, '_, '_> {
    /// Takes the buffers of these numbers, unpacked.
    fn take_buffers(self, batch: RecordBatch<'_>, wanted: Vec<usize>) -> Result<BTreeMap<usize, Buffer>, Refusal> {
        let packing = batch.compression().map(|compression| compression.codec());
        let mut extents = self.extents(batch, wanted)?;
        extents.sort_unstable();
        extents.dedup();
        let declared = extents.iter().map(|extent| extent.length).fold(0, u64::saturating_add);
        if declared > MAX_BATCH_BYTES {
            return Err(too_large(declared));
        }
        let mut at = 0;
        let mut unpacked = 0;
        let mut buffers = BTreeMap::new();
        for Extent { offset, length, number } in extents {
            let mut buffer = Vec::new();
            if length > 0 {
                let between = offset.checked_sub(at).ok_or_else(|| damaged("buffers of a record batch overlap"))?;
                skip(self.bytes, between)?;
                at = offset + length;
                self.bytes.by_ref().take(length).read_to_end(&mut buffer)?;
            }
            if let Some(packing) = packing.filter(|_| length > 0) {
                buffer = self.unpack(&buffer, packing, MAX_BATCH_BYTES - unpacked)?;
            }
            unpacked += buffer.len() as u64;
            buffers.insert(number, Buffer::from_vec(buffer));
        }
        Ok(buffers)
    }

    fn extents(&self, batch: RecordBatch<'_>, wanted: Vec<usize>) -> Result<Vec<Extent>, Refusal> {
        let known = batch.buffers();
        let extents = wanted.into_iter().map(|number| {
            let buffer = known.as_ref().filter(|known| number < known.len())?.get(number);
            let end = buffer.offset().checked_add(buffer.length()).filter(|end| *end <= self.length);
            let extent = end.and_then(|_| Some((buffer.offset().try_into().ok()?, buffer.length().try_into().ok()?)));
            extent.map(|(offset, length)| Extent { offset, length, number })
        });
        extents.collect::<Option<_>>().ok_or_else(|| damaged("a buffer is not inside its record batch"))
    }

    /// Unpacks a buffer, which has its length in front. The length is checked before anything is unpacked, and so is its truth.
    fn unpack(&self, buffer: &[u8], packing: CompressionType, most_left: u64) -> Result<Vec<u8>, Refusal> {
        let Some((length, packed)) = buffer.split_first_chunk() else { return Err(damaged("a buffer has no length")) };
        let length = i64::from_le_bytes(*length);
        if length == NOT_PACKED {
            return Ok(packed.to_vec());
        }
        let length = u64::try_from(length).map_err(|_| damaged("a buffer has a negative length"))?;
        let most = most_unpacked_bytes(packed.len() as u64, self.max_expansion).min(most_left);
        if length > most {
            let message = format!(
                "has a buffer that declares to unpack from {} to {length} bytes; at most {most} bytes are allowed (see `[input] max_expansion`)",
                packed.len()
            );
            return Err(Refusal::new(Reason::TooLarge, message));
        }
        let mut decoder: Box<dyn Read + '_> = match packing {
            CompressionType::LZ4_FRAME => Box::new(lz4_flex::frame::FrameDecoder::new(packed)),
            CompressionType::ZSTD => Box::new(zstd::Decoder::with_buffer(packed)?),
            other => return Err(damaged(format!("buffers are packed with {other:?}"))),
        };
        let mut unpacked = Vec::new();
        decoder.by_ref().take(length.saturating_add(1)).read_to_end(&mut unpacked)?;
        if unpacked.len() as u64 != length {
            return Err(damaged("a buffer unpacks to another length than it declares"));
        }
        Ok(unpacked)
    }
}

fn skip(bytes: &mut Exactly<'_, '_>, mut length: u64) -> Result<(), Refusal> {
    while length > 0 {
        let available = bytes.fill_buf()?.len();
        let passed = available.min(usize::try_from(length).unwrap_or(usize::MAX));
        if passed == 0 {
            return Err(Refusal::truncated("is cut short"));
        }
        bytes.consume(passed);
        length -= passed as u64;
    }
    Ok(())
}

fn too_large(bytes: u64) -> Refusal {
    let message = format!(
        "has a record batch or dictionaries with {bytes} bytes in the columns that are read; at most {MAX_BATCH_BYTES} are allowed: \
         write it with fewer rows a batch"
    );
    Refusal::new(Reason::TooLarge, message)
}
