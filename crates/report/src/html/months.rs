//! Returns by calendar month, in UTC.

use pampero_model::Timestamp;

use crate::fund::Fund;
use crate::record::RunRecord;

/// A year's returns as fractions: of each month that the run touched, and of all of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Year {
    /// Four digits.
    pub name: String,
    pub months: [Option<f64>; 12],
    pub total: f64,
}

/// Nothing if there was not always something to earn a return on.
pub(crate) fn years(record: &RunRecord) -> Vec<Year> {
    let mut fund = Fund::new(record);
    let mut years: Vec<Year> = Vec::new();
    let Some(first) = record.equity.first() else { return years };
    let mut value = first.equity.to_f64();
    let (mut month_start, mut year_start) = (value, value);
    let mut month = Month::of(first.time);
    for point in &record.equity {
        // A month includes the value at the instant in which it ends.
        if let Some(open) = month.as_ref().filter(|month| point.time > month.end) {
            add(&mut years, open, value / month_start - 1.0, value / year_start - 1.0);
            let next = Month::of(point.time);
            month_start = value;
            if next.as_ref().is_some_and(|next| next.year != open.year) {
                year_start = value;
            }
            month = next;
        }
        value = fund.value_of(point, point.equity.to_f64());
    }
    if let Some(open) = &month {
        add(&mut years, open, value / month_start - 1.0, value / year_start - 1.0);
    }
    if fund.is_sound() { years } else { Vec::new() }
}

fn add(years: &mut Vec<Year>, month: &Month, of_month: f64, of_year: f64) {
    if years.last().is_none_or(|last| last.name != month.year) {
        years.push(Year { name: month.year.clone(), months: [None; 12], total: 0.0 });
    }
    let Some(year) = years.last_mut() else { return };
    year.total = of_year;
    if let Some(cell) = year.months.get_mut(month.index) {
        *cell = Some(of_month);
    }
}

struct Month {
    year: String,
    /// From zero.
    index: usize,
    end: Timestamp,
}

impl Month {
    fn of(time: Timestamp) -> Option<Self> {
        let text = time.to_string();
        let (year, number) = (text.get(..4)?, text.get(5..7)?.parse::<usize>().ok()?);
        let next = if number == 12 {
            format!("{:04}-01-01T00:00:00Z", year.parse::<u16>().ok()? + 1)
        } else {
            format!("{year}-{:02}-01T00:00:00Z", number + 1)
        };
        Some(Self { year: year.to_owned(), index: number.checked_sub(1)?, end: next.parse().ok()? })
    }
}
