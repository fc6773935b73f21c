//! What goes wrong, how often, and the randomness that decides.

use pampero_model::Span;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

/// Seeded randomness: the only source of it in a run.
#[derive(Clone, Debug)]
pub struct Chance(Pcg64Mcg);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    pub fn percent(&mut self, percent: u32) -> bool {
        percent > 0 && self.0.random_range(0..100_u32) < percent
    }

    /// A number between two, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// Something that depends on everything drawn so far.
    pub fn end_state(&mut self) -> u64 {
        self.0.random()
    }
}

/// Everything that can go wrong or happen by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No connection: provably not sent.
    ConnectFails,
    /// The request never arrives.
    RequestLost,
    /// The request is carried out, the answer never arrives.
    ResponseLost,
    /// The request is carried out 10 to 120 s after its client gave up.
    AppliedLate,
    /// An error before anything was done.
    ErrorBefore,
    /// An error after it was done.
    ErrorAfter,
    /// The connection breaks after it was done.
    ResetAfter,
    /// 429.
    TooManyRequests,
    /// A clear refusal.
    Refused,
    /// The network in front of the exchange carries a request out twice.
    AppliedTwice,
    /// The order meets its counterpart at once, and is never on a list.
    InstantFill,
    /// The order is executed in part.
    PartialFill,
    /// Lists show the order late.
    ListedLate,
    /// A read fails.
    ReadFails,
    /// A read is refused with 429.
    ReadTooMany,
    /// A list is up to 20 s old.
    StaleList,
    /// A list leaves an order out.
    ListOmits,
    /// An order that is there is "not found".
    NotFoundForLive,
    /// An order is shown as it was at first.
    StatusBackwards,
    /// An order is shown with a word that nobody knows.
    StrangeStatus,
    /// An execution is listed late.
    FillListedLate,
    /// Executions are listed twice.
    FillsRepeated,
    /// Executions are listed in another order.
    FillsOutOfOrder,
    /// Balances are up to 15 s old.
    StaleBalances,
    /// A cancellation fails.
    CancelFails,
    /// A cancellation is accepted and forgotten.
    CancelLost,
    /// A cancellation is carried out, the answer never arrives.
    CancelAnswerLost,
    /// The order is executed while it is being cancelled.
    FilledWhileCancelling,
    /// A person trades on the same account.
    HumanOrder,
    /// And cancels.
    HumanCancel,
    /// And moves money in and out.
    HumanTransfer,
    /// The exchange's clock is off.
    ClockSkew,
    /// The program dies before the journal is synced.
    CrashBeforeSync,
    /// After the sync and before the request.
    CrashBeforePost,
    /// After the request and before the answer.
    CrashBeforeAnswer,
    /// After the answer and before it is recorded.
    CrashBeforeRecord,
    /// Between the reads of a comparison.
    CrashInReconcile,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 37] = [
        Self::ConnectFails,
        Self::RequestLost,
        Self::ResponseLost,
        Self::AppliedLate,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::ResetAfter,
        Self::TooManyRequests,
        Self::Refused,
        Self::AppliedTwice,
        Self::InstantFill,
        Self::PartialFill,
        Self::ListedLate,
        Self::ReadFails,
        Self::ReadTooMany,
        Self::StaleList,
        Self::ListOmits,
        Self::NotFoundForLive,
        Self::StatusBackwards,
        Self::StrangeStatus,
        Self::FillListedLate,
        Self::FillsRepeated,
        Self::FillsOutOfOrder,
        Self::StaleBalances,
        Self::CancelFails,
        Self::CancelLost,
        Self::CancelAnswerLost,
        Self::FilledWhileCancelling,
        Self::HumanOrder,
        Self::HumanCancel,
        Self::HumanTransfer,
        Self::ClockSkew,
        Self::CrashBeforeSync,
        Self::CrashBeforePost,
        Self::CrashBeforeAnswer,
        Self::CrashBeforeRecord,
        Self::CrashInReconcile,
    ];
}

/// How often what happens in one run. Every run draws its own, sometimes extreme: some bugs show only when nearly
/// every read fails.
#[derive(Clone, Debug)]
pub struct Profile {
    rates: Vec<(Fault, u32)>,
    /// How often somebody trades with an open order in a moment, in percent.
    pub trading: u32,
    /// How far the exchange's clock is off.
    pub skew: Span,
}

impl Profile {
    /// A profile of its own for a run.
    pub fn draw(chance: &mut Chance) -> Self {
        let mut rates = Vec::new();
        for fault in Fault::ALL {
            let highest = Self::highest(fault);
            // A third of the kinds is absent, a few are extreme.
            let rate = match chance.between(0, 9) {
                0..=2 => 0,
                3..=8 => chance.between(0, highest / 3),
                _ => chance.between(highest / 3, highest),
            };
            rates.push((fault, u32::try_from(rate).unwrap_or(0)));
        }
        let skew =
            if chance.percent(30) { Span::from_secs(chance.between(-86_400, 86_400)) } else { Span::ZERO };
        Self { rates, trading: u32::try_from(chance.between(1, 12)).unwrap_or(1), skew }
    }

    /// The most that is drawn, in percent of the occasions.
    const fn highest(fault: Fault) -> i64 {
        match fault {
            Fault::ReadFails => 90,
            Fault::StaleList
            | Fault::ListOmits
            | Fault::FillListedLate
            | Fault::ListedLate
            | Fault::FillsRepeated
            | Fault::FillsOutOfOrder
            | Fault::StaleBalances => 60,
            Fault::CancelFails | Fault::CancelLost | Fault::CancelAnswerLost => 50,
            Fault::FilledWhileCancelling | Fault::InstantFill => 45,
            Fault::RequestLost | Fault::ResponseLost | Fault::AppliedLate => 40,
            Fault::ErrorBefore | Fault::ErrorAfter | Fault::ResetAfter => 30,
            Fault::ReadTooMany
            | Fault::TooManyRequests
            | Fault::NotFoundForLive
            | Fault::StatusBackwards
            | Fault::ConnectFails
            | Fault::StrangeStatus => 20,
            Fault::CrashBeforeSync
            | Fault::CrashBeforePost
            | Fault::CrashBeforeAnswer
            | Fault::CrashBeforeRecord => 10,
            Fault::HumanOrder | Fault::HumanCancel => 8,
            Fault::AppliedTwice | Fault::Refused => 6,
            Fault::HumanTransfer => 3,
            Fault::CrashInReconcile => 2,
            Fault::PartialFill | Fault::ClockSkew => 0,
        }
    }

    /// Everything goes wrong half as often.
    pub fn ease(&mut self) {
        for (_, rate) in &mut self.rates {
            *rate /= 2;
        }
    }

    /// Nothing goes wrong any more.
    pub fn calm(&self) -> Self {
        Self { rates: Vec::new(), trading: 0, skew: self.skew }
    }

    /// How often a fault strikes, in percent of its occasions.
    pub fn rate(&self, fault: Fault) -> u32 {
        self.rates.iter().find(|(of, _)| *of == fault).map_or(0, |(_, rate)| *rate)
    }

    /// Lets a kind strike that often at least.
    pub fn at_least(&mut self, fault: Fault, percent: u32) {
        for (_, rate) in self.rates.iter_mut().filter(|(of, _)| *of == fault) {
            *rate = percent.max(*rate);
        }
    }

    /// Leaves a kind out.
    pub fn without(&mut self, fault: Fault) {
        self.rates.retain(|(of, _)| *of != fault);
    }
}
