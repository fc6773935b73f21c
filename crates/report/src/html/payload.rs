//! What the charts are drawn from, as columns that the page's script unpacks.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pampero_model::{DECIMALS, MarketId};
use serde_json::{Value as Json, json};

use crate::columns::{Order, pack};
use crate::format::Format;
use crate::fund::Fund;
use crate::record::{FillRecord, RunRecord};

/// A curve keeps about this many steps from its lowest to its highest value: more than any screen has rows. What is
/// finer is rounded away, which is most of the bytes.
const STEPS: i128 = 100_000;
/// Differences of whole numbers up to this are exact in the script, their sign bit included.
const SCRIPT_INTEGERS: u128 = 1 << 50;
/// Shares are kept to a hundredth of a percent.
const SHARE_STEPS: f64 = 1e4;

/// The description of the data, as JSON, and the data in base64.
pub(crate) fn payload(record: &RunRecord) -> (Json, String) {
    let mut columns = Columns::default();
    let millis = |nanos: i64| i128::from(nanos.div_euclid(1_000_000));
    columns.add("time", Order::Second, 0, record.equity.iter().map(|point| millis(point.time.as_nanos())));
    let decimals = Format::of(record).decimals();
    let equity =
        columns.curve("equity", decimals, record.equity.iter().map(|point| point.equity.units()).collect());
    let price_decimals = record.markets.get(record.main_market).map_or(2, |m| u32::from(m.quote_decimals));
    let prices: Vec<i128> = record.equity.iter().map(|point| point.price.units().into()).collect();
    let price = columns.curve("price", price_decimals, prices);
    columns.add("exposure", Order::First, -4, exposures(record).into_iter());
    if !record.flows.is_empty() {
        columns.add("unit", Order::First, -8, units(record).into_iter());
    }
    let (reasons, held) = fills(&mut columns, record);
    let market = record.markets.get(record.main_market);
    let code = |currency: Option<pampero_model::Currency>| {
        currency.map(|currency| currency.code().to_uppercase()).unwrap_or_default()
    };
    let ends = |point: Option<&crate::record::EquityPoint>| point.map_or(0, |point| point.time.as_millis());
    let (from, to) = (ends(record.equity.first()), ends(record.equity.last()));
    let gaps = i64::try_from(record.equity.len().saturating_sub(1)).unwrap_or(i64::MAX).max(1);
    let step = ((to - from) / gaps).max(1);
    let meta = json!({
        "columns": columns.list,
        "from": from,
        "to": to,
        "step": step,
        "seconds": step < 60_000,
        "currency": code(Some(record.report_currency)),
        "base": code(market.map(|market| market.base)),
        "quote": code(market.map(|market| market.quote)),
        "money_digits": digits(decimals, equity),
        "price_digits": digits(price_decimals, price),
        "held": held,
        "reasons": reasons,
    });
    (meta, columns.base64())
}

/// How many decimals there are to print of a curve in steps of `10^exponent`.
fn digits(decimals: u32, exponent: i32) -> u32 {
    decimals.min(u32::try_from(-exponent).unwrap_or(0))
}

#[derive(Default)]
struct Columns {
    list: Vec<Json>,
    bytes: Vec<u8>,
}

impl Columns {
    /// Adds numbers that are multiples of `10^exponent`.
    fn add(&mut self, name: &str, order: Order, exponent: i32, values: impl ExactSizeIterator<Item = i128>) {
        let order_number = if order == Order::First { 1 } else { 2 };
        let description =
            json!({"name": name, "count": values.len(), "order": order_number, "exponent": exponent});
        self.list.push(description);
        pack(&mut self.bytes, order, values);
    }

    /// Adds amounts in units of 1e-8, rounded to what can be seen and said; gives the power of ten of the rounding.
    fn curve(&mut self, name: &str, decimals: u32, values: Vec<i128>) -> i32 {
        // Zero says that a price is not known.
        let known = || values.iter().copied().filter(|value| *value != 0);
        let range = known().max().unwrap_or(0).saturating_sub(known().min().unwrap_or(0));
        let finest = 10_i128.pow(DECIMALS - decimals.min(DECIMALS));
        let mut unit = finest;
        while range / (unit * 10) >= STEPS {
            unit *= 10;
        }
        let exponent = i32::try_from(unit.ilog10()).unwrap_or(0) - 8;
        let rounded = values.into_iter().map(|value| {
            let nearest = (value + unit / 2).div_euclid(unit);
            if value == 0 { 0 } else { nearest }
        });
        self.add(name, Order::First, exponent, rounded);
        exponent
    }

    /// Adds amounts in units of 1e-8 to so many decimals, or as many as the script's numbers hold.
    fn exact(&mut self, name: &str, decimals: u32, values: &[i128]) {
        let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        let mut unit = 10_i128.pow(DECIMALS - decimals.min(DECIMALS));
        while largest / unit.unsigned_abs() >= SCRIPT_INTEGERS {
            unit *= 10;
        }
        let exponent = i32::try_from(unit.ilog10()).unwrap_or(0) - 8;
        let rounded: Vec<i128> = values.iter().map(|value| (value + unit / 2).div_euclid(unit)).collect();
        self.add(name, Order::First, exponent, rounded.into_iter());
    }

    fn base64(&self) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        // Writing into memory cannot fail.
        let _ = encoder.write_all(&self.bytes);
        STANDARD.encode(encoder.finish().unwrap_or_default())
    }
}

fn exposures(record: &RunRecord) -> Vec<i128> {
    let share = |point: &crate::record::EquityPoint| {
        let share = point.exposure.to_f64() / point.equity.to_f64();
        if share.is_finite() { rounded((share * SHARE_STEPS).clamp(-1e9, 1e9)) } else { 0 }
    };
    record.equity.iter().map(share).collect()
}

/// The worth of one unit of a fund, in which deposits and withdrawals are no gain and no loss.
fn units(record: &RunRecord) -> Vec<i128> {
    let mut fund = Fund::new(record);
    let first = record.equity.first().map_or(1.0, |point| point.equity.to_f64());
    let unit = |point| fund.value_of(point, point.equity.to_f64()) / first;
    record.equity.iter().map(unit).map(|unit| rounded((unit * 1e8).clamp(-1e15, 1e15))).collect()
}

#[allow(clippy::cast_possible_truncation)] // the callers clamp to what fits by far; for a picture
fn rounded(value: f64) -> i128 {
    value.round() as i128
}

/// The fills of the main market, in columns of their own; gives the texts of the reasons, and what was held before.
fn fills(columns: &mut Columns, record: &RunRecord) -> (Vec<String>, f64) {
    let main: MarketId = record.main_market;
    let fills: Vec<&FillRecord> = record.fills.iter().filter(|filled| filled.fill.market == main).collect();
    let mut reasons: Vec<String> = Vec::new();
    let mut reason_of = Vec::with_capacity(fills.len());
    for filled in &fills {
        let known = reasons.iter().position(|reason| *reason == filled.reason);
        let at = known.unwrap_or_else(|| {
            reasons.push(filled.reason.to_string());
            reasons.len() - 1
        });
        reason_of.push(i128::try_from(at).unwrap_or(0));
    }
    let millis = |filled: &&FillRecord| i128::from(filled.fill.time.as_millis());
    columns.add("fill_time", Order::First, 0, fills.iter().map(millis));
    let decimals = record.markets.get(main).map_or(2, |market| u32::from(market.quote_decimals));
    let prices: Vec<i128> = fills.iter().map(|filled| filled.fill.price.units().into()).collect();
    columns.exact("fill_price", decimals, &prices);
    let changes: Vec<i128> = fills.iter().map(|filled| filled.fill.base_change().units().into()).collect();
    columns.exact("fill_change", DECIMALS, &changes);
    columns.add("fill_reason", Order::First, 0, reason_of.into_iter());
    let held = record.holdings.iter().filter(|holding| holding.market == main);
    let held = held.fold(0.0, |sum, holding| sum + holding.base.to_f64());
    (reasons, held)
}
