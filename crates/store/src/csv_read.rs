//! Text files: recognising their layout, and reading them fast.
//!
//! The file is read in blocks cut at line ends. Workers take turns to fetch and hash a block, then split and parse
//! their blocks side by side; finished blocks are joined in order, so memory holds the columns and a few blocks,
//! never the text. Reading, hashing and checking 1,000,000 candles takes as long as the `csv` crate takes to split the
//! same file into fields (bench `load`). Quoted cells are rare in market data: a file that holds a quote anywhere is
//! read again with the `csv` crate.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::cell::{self, TimeUnit};
use crate::dataset::LoadOptions;
use crate::error::DataError;
use crate::layout::{Layout, Reading};
use crate::rows::{RowParser, Rows, choose_symbol};

/// Bytes of a block.
const BLOCK: usize = 1 << 20;
/// Bytes from which the layout is recognised.
const HEAD: usize = 1 << 16;
/// What some programs put before the text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// More threads than this wait for the hash of the blocks.
const MAX_WORKERS: usize = 4;

/// A text file, read.
pub(crate) struct CsvRead {
    pub(crate) rows: Rows,
    pub(crate) layout: Layout,
    pub(crate) hash: blake3::Hash,
    pub(crate) bytes: u64,
    pub(crate) symbol: Option<String>,
    pub(crate) synthetic: Option<String>,
    pub(crate) time_in: String,
}

/// Reads a whole text file of `length` bytes.
pub(crate) fn read<R: Read + Seek + Send>(
    path: &Path,
    mut reader: R,
    length: u64,
    options: &LoadOptions,
) -> Result<CsvRead, DataError> {
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(DataError::io(path, "read it"))?;
    let sniffed = Sniffed::of_head(path, &head, options.time_unit)?;
    let rewind = |reader: &mut R| reader.seek(SeekFrom::Start(0)).map_err(DataError::io(path, "read it"));
    let wanted = match (&options.symbol, &sniffed.first_symbol) {
        (Some(symbol), Some(_)) => Some(symbol.as_bytes()),
        (None, Some(first)) => Some(first.as_bytes()),
        (_, None) => None,
    };
    rewind(&mut reader)?;
    let parser = RowParser::new(&sniffed.layout, wanted);
    let plain =
        read_blocks(&mut reader, length, &sniffed, &parser).map_err(DataError::io(path, "read it"))?;
    let (rows, hash, bytes) = if let Some(read) = plain {
        read
    } else {
        rewind(&mut reader)?;
        read_quoted(path, reader, &sniffed, parser.clone())?
    };
    let symbol = match sniffed.layout.symbol {
        Some(_) => Some(choose_symbol(path, &rows.symbols, options.symbol.as_deref())?),
        None => None,
    };
    let Sniffed { layout, synthetic, time_in, .. } = sniffed;
    Ok(CsvRead { rows, layout, hash, bytes, symbol, synthetic, time_in })
}

/// What the beginning of a file tells.
struct Sniffed {
    layout: Layout,
    delimiter: u8,
    /// Lines before the first row of data: remarks, the publisher's address, the header.
    skip: u64,
    first_symbol: Option<String>,
    synthetic: Option<String>,
    /// How times are written, in words.
    time_in: String,
}

impl Sniffed {
    fn of_head(path: &Path, head: &[u8], unit: Option<TimeUnit>) -> Result<Self, DataError> {
        let empty = || DataError::Empty { path: path.to_owned() };
        let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
        let mut lines =
            head.split(|byte| *byte == b'\n').zip(1_u64..).map(|(line, number)| (cell::trim(line), number));
        let mut synthetic = None;
        let (first, number) = loop {
            let (line, number) = lines.next().ok_or_else(empty)?;
            if let Some(remark) = line.strip_prefix(b"# synthetic:") {
                synthetic = Some(String::from_utf8_lossy(remark).trim().to_owned());
            } else if !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b"http") {
                break (line, number);
            }
        };
        let delimiter = delimiter_of(first);
        let cells = split_quoted(first, delimiter);
        let is_header = !cells.iter().any(|cell| cell::units(cell.as_bytes()).is_some());
        let (mut layout, skip, data) = if is_header {
            let layout = Layout::by_name(path, &cells, unit)?;
            let data = lines.find(|(line, _)| !line.is_empty()).ok_or_else(empty)?.0;
            (layout, number, split_quoted(data, delimiter))
        } else {
            (Layout::headerless(path, &cells, unit)?, number - 1, cells)
        };
        let cell_of = |at: usize| data.get(at).cloned().unwrap_or_default();
        let mut time_in = String::new();
        for source in &mut layout.sources {
            match source.from {
                // Ids that are not numbers identify nothing here.
                Some((at, Reading::Id)) if cell::id(cell_of(at).trim().as_bytes()).is_none() => {
                    source.from = None;
                }
                Some((at, Reading::Time(unit))) => {
                    time_in = match (unit, cell::integer(cell_of(at).trim().as_bytes())) {
                        (Some(unit), Some(_)) => unit.name().to_owned(),
                        (None, Some(number)) => TimeUnit::of_magnitude(number).name().to_owned(),
                        (_, None) => "text".to_owned(),
                    }
                }
                _ => {}
            }
        }
        let first_symbol = layout.symbol.map(|at| cell_of(at).trim().to_owned());
        Ok(Self { layout, delimiter, skip, first_symbol, synthetic, time_in })
    }
}

/// The one of `,`, `;`, tab and `|` that a line holds most of.
pub(crate) fn delimiter_of(line: &[u8]) -> u8 {
    let count = |delimiter: &u8| memchr::memchr_iter(*delimiter, line).count();
    // The last of equals wins, so the most common one stands last.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// The cells of a line that may hold quotes.
fn split_quoted(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(_) => record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
        Err(_) => Vec::new(),
    }
}

/// The file as a sequence of blocks that end at line ends, hashed as they pass.
struct Blocks<R> {
    reader: R,
    hasher: blake3::Hasher,
    bytes: u64,
    index: u64,
    /// The beginning of a line that the last block did not hold whole.
    carry: Vec<u8>,
    failure: Option<io::Error>,
    quoted: bool,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            hasher: blake3::Hasher::new(),
            bytes: 0,
            index: 0,
            carry: Vec::new(),
            failure: None,
            quoted: false,
            ended: false,
        }
    }

    /// Fills the buffer with the next block; gives its number.
    fn next(&mut self, block: &mut Vec<u8>) -> Option<u64> {
        block.clear();
        block.append(&mut self.carry);
        while !self.ended && self.failure.is_none() && !self.quoted {
            let start = block.len();
            match self.reader.by_ref().take(BLOCK as u64).read_to_end(block) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) => self.failure = Some(error),
            }
            let fresh = block.get(start..).unwrap_or_default();
            self.hasher.update(fresh);
            self.bytes += fresh.len() as u64;
            self.quoted |= memchr::memchr(b'"', fresh).is_some();
            if let Some(end) = memchr::memrchr(b'\n', fresh) {
                self.carry = block.split_off(start + end + 1);
                break;
            }
        }
        if block.is_empty() || self.quoted || self.failure.is_some() {
            return None;
        }
        self.index += 1;
        Some(self.index - 1)
    }
}

/// Joins blocks in order, whichever is finished first.
struct Joiner {
    rows: Rows,
    next: u64,
    early: BTreeMap<u64, Rows>,
    /// Emptied blocks, whose memory serves again.
    spare: Vec<Rows>,
    length: u64,
}

impl Joiner {
    fn add(&mut self, index: u64, block: Rows, bytes: usize) {
        if index == 0 {
            self.reserve(block.table.len(), bytes);
        }
        self.early.insert(index, block);
        while let Some(block) = self.early.remove(&self.next) {
            self.spare.push(self.rows.append(block));
            self.next += 1;
        }
    }

    /// Makes room for the whole file at the density of a first block, and a little more, so that columns neither
    /// grow by doubling nor hold twice what they need.
    fn reserve(&mut self, rows: usize, bytes: usize) {
        let estimate = u128::from(self.length) * rows as u128 * 21 / 20 / bytes.max(1) as u128;
        self.rows.table.reserve(usize::try_from(estimate).unwrap_or(0));
    }
}

/// Reads the rows of a file without quotes; nothing if it holds one.
fn read_blocks<R: Read + Send>(
    reader: R,
    length: u64,
    sniffed: &Sniffed,
    parser: &RowParser<'_>,
) -> io::Result<Option<(Rows, blake3::Hash, u64)>> {
    let blocks = Mutex::new(Blocks::new(reader));
    let rows = Rows::new(&sniffed.layout);
    let joiner = Mutex::new(Joiner { rows, next: 0, early: BTreeMap::new(), spare: Vec::new(), length });
    let work = || {
        let mut parser = parser.clone();
        let mut text = Vec::new();
        let mut spare = None;
        loop {
            let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).next(&mut text);
            let Some(index) = next else { break };
            let skip = if index == 0 { sniffed.skip } else { 0 };
            let mut block = spare.take().unwrap_or_else(|| Rows::new(&sniffed.layout));
            parse_block(&text, sniffed, skip, &mut parser, &mut block);
            let mut joiner = joiner.lock().unwrap_or_else(PoisonError::into_inner);
            joiner.add(index, block, text.len());
            spare = joiner.spare.pop();
        }
    };
    let whole_blocks = usize::try_from(length / BLOCK as u64).unwrap_or(usize::MAX);
    let workers =
        std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS).min(whole_blocks);
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
    let joiner = joiner.into_inner().unwrap_or_else(PoisonError::into_inner);
    match blocks.failure {
        Some(error) => Err(error),
        None if blocks.quoted => Ok(None),
        None => Ok(Some((joiner.rows, blocks.hasher.finalize(), blocks.bytes))),
    }
}

/// Splits a block into lines and cells. Lines are counted from one within the block.
fn parse_block(text: &[u8], sniffed: &Sniffed, skip: u64, parser: &mut RowParser<'_>, rows: &mut Rows) {
    let mut cells: Vec<&[u8]> = Vec::with_capacity(16);
    let mut rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        rows.line_count += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if rows.line_count <= skip || line.is_empty() {
            continue;
        }
        cells.clear();
        cells.extend(line.split(|byte| *byte == sniffed.delimiter));
        let number = rows.line_count;
        parser.add(&cells, number, rows);
    }
}

/// Reads a file that holds quotes, with the `csv` crate.
fn read_quoted<R: Read>(
    path: &Path,
    reader: R,
    sniffed: &Sniffed,
    mut parser: RowParser<'_>,
) -> Result<(Rows, blake3::Hash, u64), DataError> {
    let mut hashing = Hashing { reader, hasher: blake3::Hasher::new(), bytes: 0 };
    let mut rows = Rows::new(&sniffed.layout);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(sniffed.delimiter)
        .from_reader(&mut hashing);
    let mut record = csv::ByteRecord::new();
    let failed = |error: csv::Error| DataError::io(path, "read it")(io::Error::other(error));
    while reader.read_byte_record(&mut record).map_err(failed)? {
        let line = record.position().map_or(0, csv::Position::line);
        if line <= sniffed.skip {
            continue;
        }
        let cells: Vec<&[u8]> = record.iter().collect();
        parser.add(&cells, line, &mut rows);
    }
    drop(reader);
    Ok((rows, hashing.hasher.finalize(), hashing.bytes))
}

/// A reader that hashes what passes.
struct Hashing<R> {
    reader: R,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }
}
