//! The windows and schedules of execution.

use pampero_model::Span;

/// What to do about orders of the account that this program did not place: a person trades by hand, or another
/// program with the same account.
///
/// Under every policy their locked funds are counted, and what they execute is booked as deposits and withdrawals
/// outside the strategies' allocations, so that the ledger still closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignPolicy {
    /// Leave them alone, even when everything of ours is cancelled.
    Ignore,
    /// Take them along: left alone while trading goes on, cancelled with ours on a halt. The engine does not own
    /// them; no strategy sees them.
    Adopt,
    /// Cancel them on sight.
    Cancel,
    /// Halt trading on sight.
    #[default]
    Halt,
}

/// The windows of execution. The defaults rest on what was recorded of the exchange: answers after 36.6 s at the worst,
/// an origin limit of 100 s in the network before it, and an official client that waits up to 16 minutes for an order.
///
/// ```
/// use pampero_model::Span;
/// use pampero_runtime::execution::Settings;
/// let settings = Settings::default();
/// assert!(settings.quarantine < settings.ghost_horizon);
/// assert_eq!(settings.light_busy, Span::from_secs(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to do about orders that are not ours.
    pub foreign: ForeignPolicy,
    /// Light reconciliation (active orders, own executions) while orders are open. Default 5 s.
    pub light_busy: Span,
    /// Light reconciliation while none are. Default 30 s.
    pub light_idle: Span,
    /// Full reconciliation (balances too). Default 20 s, so that balances stay younger than the 30 s after which the
    /// usual limits stop orders.
    pub full: Span,
    /// First wait before looking for an order with an unknown outcome, doubled up to [`poll_longest`](Self::poll_longest).
    /// Default 1 s.
    pub poll_first: Span,
    /// Longest wait between looks, and between repeated cancellations. Default 15 s.
    pub poll_longest: Span,
    /// How long an order with an unknown outcome is looked for, counted from sending, before it may be presumed absent.
    /// Default 180 s.
    pub quarantine: Span,
    /// How many complete and empty reads, all begun after the quarantine, the presumption needs. Default 3.
    pub clean_reads: u32,
    /// How long a presumed absent order keeps its reservation, counted from sending. Default 30 min.
    pub ghost_horizon: Span,
    /// An order younger than this is not missing only because it is not listed. Default 5 s.
    pub protection: Span,
    /// Least time between two reads of which a negative verdict needs both. Default 2 s.
    pub agreement: Span,
    /// How long an order may wait for its side of a book to be free before it is dropped unsent. Default 10 s.
    pub queue_wait: Span,
    /// How long a clean full reconciliation counts for the risk gate. Default 120 s.
    pub reconcile_valid: Span,
    /// How many executions are asked for at first; four times as many whenever they reach back to none that is known.
    /// Default 50.
    pub fills_first: u32,
    /// Most executions asked for, at most half of [`CountedFills::MOST`](pampero_engine::CountedFills::MOST). Beyond, the
    /// gap cannot be closed. Default 3,200.
    pub fills_most: u32,
    /// How long to hold placements after the exchange complained of too many requests. Default 5 s.
    pub rate_pause: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            foreign: ForeignPolicy::default(),
            light_busy: Span::from_secs(5),
            light_idle: Span::from_secs(30),
            full: Span::from_secs(20),
            poll_first: Span::from_secs(1),
            poll_longest: Span::from_secs(15),
            quarantine: Span::from_secs(180),
            clean_reads: 3,
            ghost_horizon: Span::from_minutes(30),
            protection: Span::from_secs(5),
            agreement: Span::from_secs(2),
            queue_wait: Span::from_secs(10),
            reconcile_valid: Span::from_secs(120),
            fills_first: 50,
            fills_most: 3_200,
            rate_pause: Span::from_secs(5),
        }
    }
}
