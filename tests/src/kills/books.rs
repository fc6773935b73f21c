//! The books of both sides: what the journal says that was wanted and counted, and what the exchange accepted and executed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pampero_engine::EventKind;
use pampero_model::{
    Cash, Fill, FillId, Money, OrderId, Price, Quantity, Side, Size, UpdateKind, VenueOrderId, VenueStatus,
};
use pampero_runtime::execution::{Alarm, Note};
use pampero_runtime::tape::{Step, Tape};
use pampero_sandbox::{AcceptedOrder, Sandbox};
use pampero_store::journal::Journal;

use super::Report;
use super::ground::BASES;

/// What tells an order from every other: its side, its price with its fingerprint, and its size.
type Face = (Side, Price, i128);

/// What all sessions of a journal say.
#[derive(Default)]
pub struct Books {
    intents: BTreeMap<Face, OrderId>,
    /// In quote for a buy, in base for a sell, as the exchange counts.
    executed: BTreeMap<OrderId, i128>,
    fills: BTreeSet<(Side, FillId)>,
    /// Units of each currency by its code.
    ledger: BTreeMap<String, i128>,
    /// Second copies that were found, all of them bids.
    copies: BTreeSet<VenueOrderId>,
    reconciled: bool,
    problems: Vec<String>,
}

fn face(side: Side, price: Price, size: Size) -> Face {
    let units = match size {
        Size::Quote(quote) => quote.units(),
        Size::Base(base) => base.units().into(),
    };
    (side, price, units)
}

/// Own orders that are not over.
pub fn open(truth: &[AcceptedOrder]) -> Vec<String> {
    let over =
        |order: &&AcceptedOrder| matches!(order.status, VenueStatus::Cancelled | VenueStatus::Completed);
    let open = own(truth).filter(|order| !over(order));
    open.map(|order| format!("{} {} {:?}", order.side, order.id, order.status)).collect()
}

fn own(truth: &[AcceptedOrder]) -> impl Iterator<Item = &AcceptedOrder> {
    truth.iter().filter(|order| order.user.is_some())
}

/// What the exchange writes off when it completes an order: less than 1e-8 of base is worth. The balances, which are
/// compared to the last unit, say that no more is missing.
fn dust_of(order: &AcceptedOrder) -> i128 {
    match (order.status, order.side) {
        (VenueStatus::Completed, Side::Buy) => i128::from(order.price.units() / pampero_model::SCALE) + 1,
        (VenueStatus::Completed, Side::Sell) => 1,
        _ => 0,
    }
}

impl Books {
    /// Reads a journal from its first session to its last, every check of its chain included.
    pub fn read(path: &Path) -> Result<Self, String> {
        let journal = Journal::open_read_only(path).map_err(|error| error.to_string())?;
        journal.verify().map_err(|error| error.to_string())?;
        let mut books = Self::default();
        for session in journal.sessions().map_err(|error| error.to_string())? {
            let mut tape = Tape::new(&journal, session.id, 0).map_err(|error| error.to_string())?;
            while let Some(step) = tape.step().map_err(|error| error.to_string())? {
                match step {
                    Step::Event { event, .. } => {
                        if let EventKind::Order(update) = event.kind
                            && let UpdateKind::Fill(fill) = update.kind
                        {
                            books.fill(&fill);
                        }
                    }
                    Step::Note { text, .. } => {
                        if let Ok(note) = serde_json::from_str(text) {
                            books.note(note);
                        }
                    }
                    Step::Started { .. } => {}
                }
            }
        }
        Ok(books)
    }

    fn book(&mut self, code: &str, units: i128) {
        *self.ledger.entry(code.to_owned()).or_default() += units;
    }

    fn fill(&mut self, fill: &Fill) {
        if !self.fills.insert((fill.side, fill.id)) {
            self.problems.push(format!("execution {} {} was counted twice", fill.side, fill.id));
        }
        let (base, quote) = (i128::from(fill.base.units()), fill.quote.units());
        let own_units = if fill.side == Side::Buy { quote } else { base };
        *self.executed.entry(fill.order).or_default() += own_units;
        let code = BASES.get(usize::from(fill.market.0)).copied().unwrap_or_default();
        let (base, quote) = match fill.side {
            Side::Buy => (base - fill.fee, -quote),
            Side::Sell => (-base, quote - fill.fee),
        };
        self.book(code, base);
        self.book("usd", quote);
    }

    /// What a copy executed. Only bids are copied here, and they pay their fee in what they buy.
    fn foreign_fill(&mut self, side: Side, base: Quantity, quote: Cash, fee: Money) {
        if side == Side::Sell {
            return self.problems.push(format!("an ask that is not ours sold {base}"));
        }
        self.book(fee.currency.code(), i128::from(base.units()) - fee.units);
        self.book("usd", -quote.units());
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Intent { order, .. } => {
                if let Some(other) = self.intents.insert(face(order.side, order.price, order.size), order.id)
                {
                    self.problems.push(format!("intents {other} and {} look the same", order.id));
                }
            }
            Note::Baseline { totals, .. } => {
                for money in totals {
                    self.book(money.currency.code(), money.units);
                }
            }
            Note::ForeignFill { side, base, quote, fee, .. } => {
                self.foreign_fill(side, base, quote, fee);
            }
            Note::Transfer { money, .. } => self.book(money.currency.code(), money.units),
            Note::Duplicate { venue_order, .. } => {
                self.copies.insert(venue_order);
            }
            Note::Reconciled { .. } => self.reconciled = true,
            // The second copy of an order that was over before the last start belongs to nobody any more.
            Note::Foreign { side, price, size, venue_order, .. }
                if self.intents.contains_key(&face(side, price, size)) =>
            {
                self.copies.insert(venue_order);
            }
            Note::Difference { .. } | Note::Foreign { .. } => self.problems.push(format!("{note:?}")),
            Note::Alarm { code: Alarm::Overfilled | Alarm::FillGap | Alarm::Key, .. } => {
                self.problems.push(format!("{note:?}"));
            }
            _ => {}
        }
    }

    /// Compares with the exchange, and counts.
    pub fn compare(mut self, sandbox: &Sandbox, report: &mut Report) {
        let truth = sandbox.accepted_orders();
        let mut seen: BTreeMap<OrderId, u64> = BTreeMap::new();
        let mut executed: BTreeMap<OrderId, (i128, i128)> = BTreeMap::new();
        let mut problems: Vec<String> =
            open(&truth).iter().map(|order| format!("still open: {order}")).collect();
        for order in own(&truth) {
            let face = (order.side, order.price, order.amount.units());
            let Some(id) = self.intents.get(&face) else {
                problems.push(format!("accepted and never written down: {order:?}"));
                continue;
            };
            *seen.entry(*id).or_default() += 1;
            let done = order.amount.units() - order.remaining.units();
            let (expected, dust) = executed.entry(*id).or_default();
            *expected += done;
            *dust += dust_of(order);
            report.orders += 1;
            report.partial += u64::from(done > 0 && order.status == VenueStatus::Cancelled);
        }
        let copies: u64 = seen.values().map(|count| count - 1).sum();
        // What a copy executed counts for the account, not for the order.
        executed.retain(|order, _| seen.get(order) == Some(&1));
        // One that went as it came, unexecuted, need not be found.
        if u64::try_from(self.copies.len()).is_ok_and(|found| found > copies) {
            problems
                .push(format!("{copies} orders are there twice, {:?} were taken for copies", self.copies));
        }
        problems.append(&mut self.problems);
        problems.extend(self.differences(sandbox, &executed));
        if !self.reconciled {
            problems.push("the account was never compared".to_owned());
        }
        report.copies += copies;
        report.fills += u64::try_from(self.fills.len()).unwrap_or(u64::MAX);
        report.failures.extend(problems);
    }

    fn differences(&self, sandbox: &Sandbox, executed: &BTreeMap<OrderId, (i128, i128)>) -> Vec<String> {
        let mut found = Vec::new();
        for (order, (units, dust)) in executed {
            let counted = self.executed.get(order).copied().unwrap_or(0);
            if !(0..=*dust).contains(&(units - counted)) {
                let (counted, units) = (Cash::from_units(counted), Cash::from_units(*units));
                found.push(format!("order {order}: {units} executed, {counted} counted"));
            }
        }
        for money in sandbox.balances() {
            let code = money.currency.code().to_owned();
            let booked = self.ledger.get(&code).copied().unwrap_or(0);
            if booked != money.units {
                found.push(format!("{code}: the account has {money}, the journal {booked} units"));
            }
        }
        found
    }
}
