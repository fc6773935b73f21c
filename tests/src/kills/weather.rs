//! What goes wrong between the trader and the exchange, and what strikes whom.

use pampero_sandbox::{FaultCount, FaultRule};

use super::Report;

/// A fault: its code and form, where, how often in a hundred, and at which request in any case, of the first few: 8 that
/// ask for something, 16 that read.
type Line = (&'static str, &'static str, &'static str, u32, Option<u64>, Option<u32>);

/// Where orders are placed.
const PLACING: &[Line] = &[
    ("F01", "refused", "POST /bids", 10, Some(8), None),
    ("F03", "swallowed", "POST /asks", 3, Some(4), None),
    ("F04", "lost", "POST /bids", 3, Some(3), None),
    ("F05", "late", "POST /asks", 4, Some(3), Some(2_000)),
    ("F06", "before_headers", "POST /bids", 4, Some(2), None),
    ("F06", "mid_body", "POST /asks", 4, Some(1), None),
    ("F07", "truncated", "POST /bids", 4, Some(1), None),
    ("F07", "slow", "POST /asks", 4, Some(7), Some(5)),
    ("F08", "status", "POST /bids", 4, Some(4), None),
    ("F09", "status", "POST /asks", 4, Some(2), None),
    ("F10", "cloudflare", "POST /bids", 4, Some(6), None),
    ("F11", "retry_after", "POST /asks", 3, Some(5), Some(1_000)),
    ("F14", "funds", "POST /bids", 4, Some(5), None),
    ("F15", "cut", "POST /asks", 4, Some(6), None),
    ("F24", "cancelled", "POST /bids", 4, Some(7), None),
    ("F37", "delayed", "POST /asks", 4, Some(8), Some(1_500)),
];

/// Where they are cancelled, and where the account is read.
const LOOKING: &[Line] = &[
    ("F23", "lost", "POST /bids/{id}/cancel", 10, Some(2), None),
    ("F23", "slow", "POST /asks/{id}/cancel", 10, Some(2), Some(2_000)),
    ("F08", "status", "POST /asks/{id}/cancel", 10, Some(3), None),
    ("F04", "lost", "POST /bids/{id}/cancel", 0, Some(4), None),
    ("F08", "status", "GET /orders", 5, Some(8), None),
    ("F11", "plain", "GET /orders", 0, Some(10), None),
    ("F15", "cut", "GET /orders", 4, Some(5), None),
    ("F19", "stale", "GET /orders", 6, Some(12), None),
    ("F21", "late", "GET /orders", 6, Some(15), None),
    ("F03", "swallowed", "GET /orders", 0, Some(16), None),
    ("F15", "wrong_types", "GET /trades", 3, Some(6), None),
    ("F19", "late", "GET /trades", 10, Some(9), None),
    ("F21", "duplicated", "GET /trades", 10, Some(7), None),
    ("F21", "shuffled", "GET /trades", 10, Some(11), None),
    ("F08", "status", "GET /trades", 4, Some(13), None),
    ("F13", "missing", "GET /bids/{id}", 4, Some(4), None),
    ("F25", "backwards", "GET /asks/{id}", 6, Some(3), None),
    ("F35", "new_status", "GET /bids/{id}", 4, Some(2), None),
];

/// The network in front of the exchange carries an order out twice, which stops trading until a person has looked.
const DOUBLING: &[Line] = &[("F18", "twice", "POST /bids", 10, Some(2), None)];

/// What a lane has to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Calm,
    /// Faults where orders are placed.
    Placing,
    /// Faults where they are cancelled and read.
    Looking,
    /// All of that, and orders that are carried out twice.
    Everything,
}

impl Weather {
    /// Every second lane is calm.
    pub const fn of(seed: u64) -> Self {
        match seed % 6 {
            1 => Self::Placing,
            3 => Self::Looking,
            5 => Self::Everything,
            _ => Self::Calm,
        }
    }

    /// The faults, each at another request at every turn, so that the rare ones come early in some lives.
    pub fn rules(self, turn: u64) -> Vec<FaultRule> {
        let lines: Vec<&[Line]> = match self {
            Self::Calm => vec![],
            Self::Placing => vec![PLACING],
            Self::Looking => vec![LOOKING],
            Self::Everything => vec![PLACING, LOOKING, DOUBLING],
        };
        lines.into_iter().flatten().map(|line| rule(line, turn)).collect()
    }
}

fn rule(line: &Line, turn: u64) -> FaultRule {
    let (fault, mode, endpoint, percent, on, ms) = *line;
    let round = if endpoint.starts_with("POST") { 8 } else { 16 };
    FaultRule {
        fault: fault.to_owned(),
        mode: Some(mode.to_owned()),
        endpoint: endpoint.to_owned(),
        probability: pampero_model::Rate::from_units(i64::from(percent) * (pampero_model::SCALE / 100)),
        on: on.map(|on| (on - 1 + turn) % round + 1).into_iter().collect(),
        limit: None,
        ms,
        status: None,
        count: None,
    }
}

fn name(rule: &FaultRule) -> String {
    format!("{} {} at {}", rule.fault, rule.mode.as_deref().unwrap_or_default(), rule.endpoint)
}

/// A report in which nothing has struck yet.
pub fn silent() -> Report {
    let mut report = Report::default();
    report
        .faults
        .extend([PLACING, LOOKING, DOUBLING].into_iter().flatten().map(|line| (name(&rule(line, 0)), 0)));
    report
}

/// Adds what struck.
pub fn count(report: &mut Report, counts: &[FaultCount]) {
    for counted in counts {
        *report.faults.entry(name(&counted.rule)).or_default() += counted.hits;
    }
}
