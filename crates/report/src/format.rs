//! Numbers as people read them.

use pampero_model::{Cash, Currency, DECIMALS, Span, Timestamp};

use crate::explain::Value;
use crate::record::RunRecord;

/// What is printed where a statistic is undefined.
const UNDEFINED: &str = "n/a";

/// A statistic as the report prints it: `12.34 %`, `1,000.00`, `3d 4h`, or `n/a` where it is undefined.
///
/// ```
/// # use pampero_report::{Value, show, RunRecord};
/// # fn example(record: &RunRecord) {
/// assert_eq!(show(Value::Fraction(0.125), record), "12.50 %");
/// assert_eq!(show(Value::Undefined, record), "n/a");
/// # }
/// ```
pub fn show(value: Value, record: &RunRecord) -> String {
    Format::of(record).value(value)
}

/// How amounts of the report currency are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    decimals: u32,
}

impl Format {
    /// With the decimals that the run's markets print of the report currency; two if none knows it.
    pub fn of(record: &RunRecord) -> Self {
        let currency = record.report_currency;
        let known = record.markets.iter().find_map(|(_, market)| decimals_of(market, currency));
        Self { decimals: known.map_or(2, u32::from).min(DECIMALS) }
    }

    /// How many decimals of the report currency are printed.
    pub const fn decimals(self) -> u32 {
        self.decimals
    }

    pub fn value(self, value: Value) -> String {
        match value {
            Value::Undefined => UNDEFINED.to_owned(),
            Value::Count(count) => group(&count.to_string()),
            Value::Fraction(fraction) => percent(fraction),
            Value::Number(number) => float(number),
            Value::Money(amount) => self.money(amount),
            Value::Time(span) => duration(span),
        }
    }

    /// An amount rounded to the currency's decimals, a tie to the even digit, with thousands apart.
    pub fn money(self, amount: Cash) -> String {
        let step = 10_u128.pow(DECIMALS - self.decimals);
        let magnitude = amount.units().unsigned_abs();
        let (mut steps, rest) = (magnitude / step, magnitude % step);
        if rest * 2 > step || (rest * 2 == step && steps % 2 == 1) {
            steps += 1;
        }
        let one = 10_u128.pow(self.decimals);
        let sign = if amount.is_negative() && steps > 0 { "-" } else { "" };
        let whole = group(&(steps / one).to_string());
        if self.decimals == 0 {
            return format!("{sign}{whole}");
        }
        let width = usize::try_from(self.decimals).unwrap_or(0);
        format!("{sign}{whole}.{:0width$}", steps % one)
    }
}

fn decimals_of(market: &pampero_model::Market, currency: Currency) -> Option<u8> {
    if market.quote == currency {
        Some(market.quote_decimals)
    } else {
        (market.base == currency).then_some(market.base_decimals)
    }
}

pub(crate) fn percent(fraction: f64) -> String {
    format!("{} %", float(fraction * 100.0))
}

/// Two decimals, thousands apart, scientific where that would be a wall of digits; never `-0.00`.
fn float(number: f64) -> String {
    if !number.is_finite() {
        return UNDEFINED.to_owned();
    }
    if number.abs() >= 1e9 {
        return format!("{number:.2e}");
    }
    let text = format!("{number:.2}");
    let unsigned = text.trim_start_matches('-');
    let sign = if text.starts_with('-') && unsigned != "0.00" { "-" } else { "" };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "00"));
    format!("{sign}{}.{fraction}", group(whole))
}

/// Sets a comma between each three digits.
///
/// ```
/// assert_eq!(pampero_report::group("1234567"), "1,234,567");
/// ```
pub fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The two largest units of a time: `3d 4h`, `12m 30s`, `1.25s`.
pub(crate) fn duration(span: Span) -> String {
    let seconds = span.as_nanos() / 1_000_000_000;
    let pair = |large: i64, large_name: &str, small: i64, small_name: &str| {
        let (wholes, rest) = (seconds / large, seconds % large / small);
        if rest == 0 {
            format!("{wholes}{large_name}")
        } else {
            format!("{wholes}{large_name} {rest}{small_name}")
        }
    };
    match seconds {
        86_400.. => pair(86_400, "d", 3_600, "h"),
        3_600.. => pair(3_600, "h", 60, "m"),
        60.. => pair(60, "m", 1, "s"),
        _ => format!("{}s", (span.as_secs_f64() * 1e3).round() / 1e3),
    }
}

/// `2024-01-31`, or `2024-01-31 12:30` where it is not midnight.
pub(crate) fn instant(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some("00:00")) => date.to_owned(),
        (Some(date), Some(clock)) => format!("{date} {clock}"),
        _ => text,
    }
}

/// A text as markup shows it, also between quotes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Breaks a text into lines of at most `width` characters, between words where it can.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_to_the_currency_and_grouped() {
        let format = |decimals, text: &str| Format { decimals }.money(text.parse().unwrap());
        assert_eq!(format(2, "1234567.891"), "1,234,567.89");
        assert_eq!(format(2, "0.125"), "0.12"); // a tie goes to the even digit
        assert_eq!(format(2, "0.135"), "0.14");
        assert_eq!(format(2, "-999.999"), "-1,000.00");
        assert_eq!(format(2, "-0.001"), "0.00");
        assert_eq!(format(0, "12.5"), "12");
        assert_eq!(format(8, "-0.00000001"), "-0.00000001");
    }

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(percent(0.1234), "12.34 %");
        assert_eq!(percent(-0.000_001), "0.00 %");
        assert_eq!(float(12_345.678), "12,345.68");
        assert_eq!(float(-1.5e12), "-1.50e12");
        assert_eq!(duration(Span::from_secs(90_061)), "1d 1h");
        assert_eq!(duration(Span::from_secs(3_600)), "1h");
        assert_eq!(duration(Span::from_secs(95)), "1m 35s");
        assert_eq!(duration(Span::from_millis(1_250)), "1.25s");
        assert_eq!(duration(Span::ZERO), "0s");
        assert_eq!(instant("2024-01-31T00:00:00Z".parse().unwrap()), "2024-01-31");
        assert_eq!(instant("2024-01-31T12:30:10.5Z".parse().unwrap()), "2024-01-31 12:30");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities a", 7), ["incomprehensibilities", "a"]);
    }
}
