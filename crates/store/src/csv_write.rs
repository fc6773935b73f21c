//! The text form of a series: exact, with a header that [`load`](crate::load) recognises.

use std::io::{self, Write};

use pampero_model::{Price, Timestamp};

use crate::dataset::{Kind, Series};
use crate::table::{Role, Table};

/// Writes a series as CSV. Times are RFC 3339, amounts exact decimals; a series that is synthetic says so in a first
/// line `# synthetic: …`.
///
/// ```
/// use pampero_store::{LoadOptions, load_bytes, write_csv};
/// let dataset = load_bytes("a", b"ts;price;qty;side\n1700000000;10.5;2;sell\n", &LoadOptions::default())?;
/// let mut text = Vec::new();
/// write_csv(&dataset.series, None, &mut text)?;
/// assert_eq!(text, b"time,id,price,quantity,side\n2023-11-14T22:13:20Z,0,10.5,2,sell\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of the writer.
pub fn write_csv(series: &Series, synthetic: Option<&str>, writer: &mut impl Write) -> io::Result<()> {
    let mut writer = io::BufWriter::new(writer);
    if let Some(label) = synthetic {
        writeln!(writer, "# synthetic: {}", label.replace(['\n', '\r'], " "))?;
    }
    let kind = series.kind();
    let header = kind.columns().iter().map(|(name, _)| if *name == "aggressor" { "side" } else { *name });
    writeln!(writer, "{}", header.collect::<Vec<_>>().join(","))?;
    let table = Table::of_series(series);
    for index in 0..table.len() {
        for (at, (value, (_, role))) in table.row(index).into_iter().zip(kind.columns()).enumerate() {
            if at > 0 {
                writer.write_all(b",")?;
            }
            match role {
                Role::Time => write!(writer, "{}", Timestamp::from_nanos(value))?,
                Role::Price | Role::Quantity => write!(writer, "{}", Price::from_units(value))?,
                Role::Id => write!(writer, "{}", value.cast_unsigned())?,
                Role::Rank => write!(writer, "{value}")?,
                Role::Side => writer.write_all(name_of_side(kind, value))?,
            }
        }
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

const fn name_of_side(kind: Kind, side: i64) -> &'static [u8] {
    match (kind, side) {
        (_, 0) => b"",
        (Kind::Books, 1..) => b"bid",
        (Kind::Books, _) => b"ask",
        (_, 1..) => b"buy",
        (_, _) => b"sell",
    }
}
