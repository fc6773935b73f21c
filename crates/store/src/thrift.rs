//! The shape of what frames Parquet: footer and page headers, in Thrift's compact protocol.
//!
//! They are gone through before the library reads them, to refuse what claims to hold more than there is room for. The library
//! (60.1) passes over a list that it does not know as often as the list says, at no cost in bytes for booleans and beyond the
//! end, so that a damaged file of a kilobyte would keep it busy for minutes. What it knows it reads by the field's number
//! alone: a field of another kind than the format says is refused too, since everything behind it would mean something else.

use self::Kind::{Binary, Bool, Byte, Double, Integer, List, Struct};

/// Structures within structures; the library takes as many.
const DEPTH: u8 = 64;

/// What a field of a known number holds.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Byte,
    Integer,
    Double,
    Binary,
    List(&'static Self),
    /// The kinds of the fields that the library reads; others are passed over.
    Struct(&'static [(i16, Self)]),
}

impl Kind {
    /// Whether a value of this kind is written under a code.
    const fn is_code(self, code: u8) -> bool {
        match self {
            Bool => matches!(code, 1 | 2),
            Byte => code == 3,
            Integer => matches!(code, 4..=6),
            Double => code == 7,
            Binary => code == 8,
            List(_) => matches!(code, 9 | 10),
            Struct(_) => code == 12,
        }
    }
}

const EMPTY: Kind = Struct(&[]);
const INTEGERS: Kind = List(&Integer);

#[rustfmt::skip]
const PAGE_HEADER: Kind = Struct(&[
    (1, Integer), (2, Integer), (COMPRESSED_SIZE, Integer), (4, Integer),
    (5, Struct(&[(1, Integer), (2, Integer), (3, Integer), (4, Integer)])), // data
    (6, EMPTY), // index
    (7, Struct(&[(1, Integer), (2, Integer), (3, Bool)])), // dictionary
    (8, Struct(&[(1, Integer), (2, Integer), (3, Integer), (4, Integer), (5, Integer), (6, Integer), (7, Bool)])), // data
]);
const COMPRESSED_SIZE: i16 = 3;

const FOOTER: Kind = Struct(&[
    (1, Integer),
    (2, List(&SCHEMA_ELEMENT)),
    (3, Integer),
    (4, List(&ROW_GROUP)),
    (5, List(&Struct(&[(1, Binary), (2, Binary)]))), // keys and values
    (6, Binary),
    (7, List(&Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))), // column orders
]);

#[rustfmt::skip]
const SCHEMA_ELEMENT: Kind = Struct(&[
    (1, Integer), (2, Integer), (3, Integer), (4, Binary), (5, Integer), (6, Integer), (7, Integer), (8, Integer), (9, Integer),
    (10, LOGICAL_TYPE),
]);

#[rustfmt::skip]
const LOGICAL_TYPE: Kind = Struct(&[
    (1, EMPTY), (2, EMPTY), (3, EMPTY), (4, EMPTY),
    (5, Struct(&[(1, Integer), (2, Integer)])), // decimal
    (6, EMPTY),
    (7, CLOCK), (8, CLOCK),
    (10, Struct(&[(1, Byte), (2, Bool)])), // integer
    (11, EMPTY), (12, EMPTY), (13, EMPTY), (14, EMPTY), (15, EMPTY),
    (16, Struct(&[(1, Byte)])), // variant
    (17, Struct(&[(1, Binary)])), // geometry
    (18, Struct(&[(1, Binary), (2, Integer)])), // geography
    (19, EMPTY),
]);
/// A time of day, or a time: whether it is in UTC, and its unit.
const CLOCK: Kind = Struct(&[(1, Bool), (2, Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))]);

#[rustfmt::skip]
const ROW_GROUP: Kind = Struct(&[
    (1, List(&COLUMN_CHUNK)),
    (2, Integer), (3, Integer),
    (4, List(&Struct(&[(1, Integer), (2, Bool), (3, Bool)]))), // sorting
    (5, Integer), (7, Integer),
]);

#[rustfmt::skip]
const COLUMN_CHUNK: Kind = Struct(&[
    (1, Binary), (2, Integer), (3, COLUMN), (4, Integer), (5, Integer), (6, Integer), (7, Integer),
]);

#[rustfmt::skip]
const COLUMN: Kind = Struct(&[
    (1, Integer), (2, INTEGERS), (4, Integer), (5, Integer), (6, Integer), (7, Integer), (9, Integer), (10, Integer), (11, Integer),
    (12, Struct(&[ // statistics
        (1, Binary), (2, Binary), (3, Integer), (4, Integer), (5, Binary), (6, Binary), (7, Bool), (8, Bool), (9, Integer),
    ])),
    (13, List(&Struct(&[(1, Integer), (2, Integer), (3, Integer)]))), // encodings
    (14, Integer), (15, Integer),
    (16, Struct(&[(1, Integer), (2, INTEGERS), (3, INTEGERS)])), // sizes
    (17, Struct(&[(1, BOX), (2, INTEGERS)])), // geography
]);
#[rustfmt::skip]
const BOX: Kind = Struct(&[
    (1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double),
]);

/// Whether the footer of a file is sound. A file without one is the library's to refuse.
pub(crate) fn check_footer(file: &[u8]) -> Result<(), String> {
    let Some((rest, [a, b, c, d, b'P', b'A', b'R', b'1'])) = file.split_last_chunk::<8>() else {
        return Ok(());
    };
    let length = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
    let footer = rest.len().checked_sub(length).and_then(|at| rest.get(at..));
    let Some(footer) = footer else { return Ok(()) };
    Walk { bytes: footer }.structure(FOOTER, DEPTH).map_err(|problem| format!("in its footer, {problem}"))?;
    Ok(())
}

/// Whether the headers of a column's pages are sound, and its pages lie within it.
pub(crate) fn check_pages(column: &[u8]) -> Result<(), String> {
    let mut walk = Walk { bytes: column };
    while !walk.bytes.is_empty() {
        let at = column.len() - walk.bytes.len();
        let place = |problem| format!("in the page header at byte {at}, {problem}");
        let size = walk.structure(PAGE_HEADER, DEPTH).map_err(place)?;
        let size = size.and_then(|size| u64::try_from(size).ok()).ok_or("its size is missing".to_owned());
        walk.skip(size.map_err(place)?).map_err(place)?;
    }
    Ok(())
}

/// Goes through values; what is left is in front.
struct Walk<'a> {
    bytes: &'a [u8],
}

impl Walk<'_> {
    fn skip(&mut self, count: u64) -> Result<(), String> {
        let rest = usize::try_from(count).ok().and_then(|count| self.bytes.get(count..));
        let left = self.bytes.len();
        self.bytes = rest.ok_or_else(|| format!("{left} bytes are left for a value of {count}"))?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, String> {
        let (byte, rest) = self.bytes.split_first().ok_or("the end is missing")?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number is too long".to_owned())
    }

    fn signed(&mut self) -> Result<i64, String> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Goes through the fields of a structure, and gives the integer that is its third, as of a page header.
    fn structure(&mut self, kind: Kind, depth: u8) -> Result<Option<i64>, String> {
        let known = if let Struct(fields) = kind { fields } else { &[] };
        let (mut id, mut third) = (0_i16, None);
        loop {
            let header = self.byte()?;
            let (step, code) = (header >> 4, header & 0x0F);
            if code == 0 {
                return Ok(third);
            }
            let next = match step {
                0 => i16::try_from(self.signed()?).ok(),
                step => id.checked_add(i16::from(step)),
            };
            id = next.ok_or("a field has no number")?;
            let expected = known.iter().find(|(known, _)| *known == id).map(|(_, kind)| *kind);
            match (expected, code) {
                (Some(kind), _) if !kind.is_code(code) => {
                    return Err(format!("field {id} is of the wrong kind, {code}"));
                }
                // The value of a boolean field is its code.
                (_, 1 | 2) => {}
                (Some(Integer), _) if id == COMPRESSED_SIZE => third = Some(self.signed()?),
                _ => self.value(code, expected, depth)?,
            }
        }
    }

    /// Goes through a value within a structure or collection.
    fn value(&mut self, code: u8, expected: Option<Kind>, depth: u8) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("structures are nested too deeply")?;
        match code {
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => {
                let header = self.byte()?;
                let count = if header >> 4 == 15 { self.varint()? } else { u64::from(header >> 4) };
                self.room_for(count)?;
                let expected = if let Some(List(kind)) = expected { Some(*kind) } else { None };
                let code = header & 0x0F;
                if count > 0 && expected.is_some_and(|kind| !kind.is_code(code)) {
                    return Err(format!("a list is of the wrong kind, {code}"));
                }
                (0..count).try_for_each(|_| self.value(code, expected, depth))
            }
            11 => {
                let count = self.varint()?;
                self.room_for(count.saturating_mul(2))?;
                let codes = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.value(codes >> 4, None, depth)?;
                    self.value(codes & 0x0F, None, depth)
                })
            }
            12 => self.structure(expected.unwrap_or(EMPTY), depth).map(drop),
            13 => self.skip(16),
            // Among them booleans in a list, of which the format has none.
            code => Err(format!("a value is of the unknown kind {code}")),
        }
    }

    /// Every value takes a byte at least.
    fn room_for(&self, count: u64) -> Result<(), String> {
        let left = self.bytes.len();
        if usize::try_from(count).is_ok_and(|count| count <= left) {
            return Ok(());
        }
        Err(format!("a list claims {count} values in {left} bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page header with a size of `size`, one more field, and a body.
    fn page(size: u8, more: &[u8], body: usize) -> Vec<u8> {
        let mut page = vec![0x15, 0x00, 0x15, 0x08, 0x15, size * 2];
        page.extend_from_slice(more);
        page.push(0);
        page.extend(vec![0xFF; body]);
        page
    }

    #[test]
    fn pages_follow_each_other_to_the_end_of_their_column() {
        let column =
            [page(3, &[], 3), page(0, &[0x6C, 0x15, 0x02, 0x11, 0x12, 0x00], 0), page(1, &[], 1)].concat();
        assert_eq!(check_pages(&column), Ok(()));
        assert_eq!(check_pages(&[]), Ok(()));
        let error = check_pages(&column[..column.len() - 1]).unwrap_err();
        assert_eq!(error, "in the page header at byte 23, 0 bytes are left for a value of 1");
        assert!(check_pages(&[0x15, 0x00, 0x00]).unwrap_err().contains("its size is missing"));
    }

    #[test]
    fn what_claims_more_than_there_is_room_for_is_refused() {
        let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0x07];
        for kind in 0x0..=0xF {
            // A list, a set, a map, and a list of such lists.
            let list = [&[0x69, 0xF0 | kind], &huge[..]].concat();
            let set = [&[0x6A, 0xF0 | kind], &huge[..]].concat();
            let map = [&[0x6B], &huge[..], &[kind << 4 | kind]].concat();
            let nested = [&[0x69, 0x19, 0xF0 | kind], &huge[..]].concat();
            for field in [list, set, map, nested] {
                let error = check_pages(&page(50, &field, 50)).unwrap_err();
                assert!(error.contains("2147483647 values in") || error.contains("4294967294"), "{error}");
            }
        }
    }

    #[test]
    fn nesting_has_an_end() {
        assert!(check_pages(&[0xCC; 1_000]).unwrap_err().contains("nested too deeply"));
        assert!(
            check_pages(&[&[0xC9][..], &[0x19; 1_000]].concat()).unwrap_err().contains("nested too deeply")
        );
        assert!(check_pages(&[0x80; 100]).is_err());
    }

    #[test]
    fn what_the_library_would_read_as_something_else_is_refused() {
        for (field, words) in [
            (&[0x68, 0x01, 0xFF][..], None),
            (&[0x18, 0x01, 0xFF], Some("field 4 is of the wrong kind, 8")),
            (&[0x2C, 0x18, 0x01, 0xFF, 0x00], Some("field 1 is of the wrong kind, 8")),
            (&[0x69, 0x21, 0x01, 0x01], Some("a value is of the unknown kind 1")),
            (&[0x6B, 0x01, 0x11, 0x01, 0x01], Some("a value is of the unknown kind 1")),
        ] {
            let error = check_pages(&page(0, field, 0)).err();
            assert_eq!(error.as_deref().map(|error| &error[30..]), words, "{field:?}");
        }
    }
}
