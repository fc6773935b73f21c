//! A run kept in one compact file, so that its reports can be made again.
//!
//! The file is gzip. Inside: a line that names the format and its version, a line of JSON with everything but the
//! equity, and the equity in four columns of differences (time in nanoseconds; equity, exposure and price in units of
//! 1e-8), so that `zcat record.gz | head -2` shows what the run was.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pampero_model::{Cash, Price, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::columns::{Order, pack, unpack};
use crate::record::{EquityPoint, RunRecord};

/// The file among those of a run.
pub(crate) const RECORD: &str = "record.gz";
const FORMAT: &str = "pampero run 1";

/// A run could not be read back.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is no run in the folder.
    #[error("{}: no run is kept here (no {RECORD}): name a folder that `pampero backtest --out` wrote", .0.display())]
    NoRun(PathBuf),
    /// The file is of another version of the format, or of something else.
    #[error(
        "{}: `{found}` is not a format this version reads (`{FORMAT}`): run the backtest again to write it anew",
        path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// What its first line says.
        found: String,
    },
    /// The file is damaged.
    #[error("{}: the run is damaged: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    points: usize,
    run: &'a RunRecord,
}

#[derive(Deserialize)]
struct Kept {
    points: usize,
    run: RunRecord,
}

/// Writes the file.
pub(crate) fn write_record(path: &Path, record: &RunRecord) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let mut encoder = GzEncoder::new(file, Compression::fast());
    writeln!(encoder, "{FORMAT}")?;
    serde_json::to_writer(&mut encoder, &Written { points: record.equity.len(), run: record })?;
    encoder.write_all(b"\n")?;
    let mut bytes = Vec::with_capacity(record.equity.len() * 16);
    let points = || record.equity.iter();
    pack(&mut bytes, Order::Second, points().map(|point| point.time.as_nanos().into()));
    pack(&mut bytes, Order::First, points().map(|point| point.equity.units()));
    pack(&mut bytes, Order::First, points().map(|point| point.exposure.units()));
    pack(&mut bytes, Order::First, points().map(|point| point.price.units().into()));
    encoder.write_all(&bytes)?;
    encoder.finish()?.flush()
}

/// Reads a run back from a folder that [`write_files`](crate::write_files) wrote. What the run took in time is not kept.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn read_run(directory: &Path) -> Result<RunRecord, ReadError> {
    let path = directory.join(RECORD);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ReadError::NoRun(directory.to_owned()));
        }
        Err(source) => return Err(ReadError::Io { path, source }),
    };
    let damaged = |reason: String| ReadError::Damaged { path: path.clone(), reason };
    let mut lines = BufReader::new(GzDecoder::new(BufReader::new(file)));
    let mut format = Vec::new();
    // A file of anything else may have no line at all.
    lines.by_ref().take(64).read_until(b'\n', &mut format).map_err(|error| damaged(error.to_string()))?;
    let found = String::from_utf8_lossy(&format).trim_end().to_owned();
    if found != FORMAT {
        return Err(ReadError::Version { path, found });
    }
    let mut header = Vec::new();
    lines.read_until(b'\n', &mut header).map_err(|error| damaged(error.to_string()))?;
    let kept: Kept = serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
    let mut bytes = Vec::new();
    lines.read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
    let equity = equity(&bytes, kept.points).ok_or_else(|| damaged("the equity is cut short".to_owned()))?;
    Ok(RunRecord { equity, ..kept.run })
}

fn equity(mut bytes: &[u8], points: usize) -> Option<Vec<EquityPoint>> {
    let times = unpack(&mut bytes, Order::Second, points)?;
    let mut amounts = || unpack(&mut bytes, Order::First, points);
    let (equity, exposure, prices) = (amounts()?, amounts()?, amounts()?);
    let point = |(((time, equity), exposure), price): (((i128, i128), i128), i128)| {
        Some(EquityPoint {
            time: Timestamp::from_nanos(i64::try_from(time).ok()?),
            equity: Cash::from_units(equity),
            exposure: Cash::from_units(exposure),
            price: Price::from_units(i64::try_from(price).ok()?),
        })
    };
    let equity = times.into_iter().zip(equity).zip(exposure).zip(prices).map(point).collect::<Option<_>>()?;
    bytes.is_empty().then_some(equity)
}
