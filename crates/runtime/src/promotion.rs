//! What must be shown before a strategy trades real money.
//!
//! A strategy climbs: paper, rehearsal on a sandbox, production. What it has shown is kept as [`Evidence`] for its
//! name, its version and its parameters; after a change of any of them it starts anew. [`judge`] says what is
//! missing, and [`production_gate`] puts that beside the limits, the check-up and the account. All of it is pure.

use std::fmt;

use pampero_model::{Span, Timestamp};
use pampero_store::journal::Evidence as Row;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::state_dir::{StateDir, StateError, io_error, read_private, write_private};

/// Which strategy, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub strategy: String,
    /// The version of the crate that holds it.
    pub version: String,
    /// Hash of its parameters.
    pub parameters: String,
}

/// What was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shown {
    /// It traded on paper. A long session may show itself in pieces, each for the time since the last.
    Paper {
        /// For so long, ending when the evidence was written.
        lasted: Span,
        /// With so many executions.
        fills: u64,
    },
    /// It passed the whole rehearsal.
    Rehearsal {
        /// How many steps it had.
        steps: u32,
    },
}

/// Something a strategy has shown. In the journal it is a row of texts:
///
/// ```
/// use pampero_model::{Span, Timestamp};
/// use pampero_runtime::promotion::{Evidence, Shown, Subject};
/// use pampero_store::journal;
/// let subject = Subject { strategy: "maker".into(), version: "0.1.0".into(), parameters: "ab12".into() };
/// let shown = Shown::Paper { lasted: Span::from_hours(2), fills: 3 };
/// let evidence = Evidence { subject, shown, environment: "local".into(), at: Timestamp::from_secs(9) };
/// let row = journal::Evidence::from(&evidence);
/// assert_eq!(row.kind, "paper");
/// assert_eq!(Evidence::try_from(row).unwrap(), evidence);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Which strategy.
    pub subject: Subject,
    /// What.
    pub shown: Shown,
    /// Where: `local`, `sandbox` or `production`.
    pub environment: String,
    /// When it was written down.
    pub at: Timestamp,
}

impl From<&Evidence> for Row {
    fn from(evidence: &Evidence) -> Self {
        let Subject { strategy, version, parameters } = evidence.subject.clone();
        let kind = match evidence.shown {
            Shown::Paper { .. } => "paper",
            Shown::Rehearsal { .. } => "rehearsal",
        };
        Self {
            kind: kind.to_owned(),
            strategy,
            version,
            parameters,
            environment: evidence.environment.clone(),
            at: evidence.at,
            details: serde_json::to_string(&evidence.shown).unwrap_or_default(), // plain data
        }
    }
}

/// A row that is no evidence.
#[derive(Debug, Error)]
#[error("the {kind} evidence of {at} cannot be read: {source}")]
pub struct EvidenceError {
    kind: String,
    at: Timestamp,
    source: serde_json::Error,
}

impl TryFrom<Row> for Evidence {
    type Error = EvidenceError;

    fn try_from(row: Row) -> Result<Self, EvidenceError> {
        let Row { kind, strategy, version, parameters, environment, at, details } = row;
        let shown = serde_json::from_str(&details).map_err(|source| EvidenceError { kind, at, source })?;
        Ok(Self { subject: Subject { strategy, version, parameters }, shown, environment, at })
    }
}

/// How much must be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// Time on paper. 24 h.
    pub paper_time: Span,
    /// Executions on paper. 20.
    pub paper_fills: u64,
    /// How long ago the last passed rehearsal may be. 7 days.
    pub rehearsal_age: Span,
}

impl Default for Requirements {
    fn default() -> Self {
        Self { paper_time: Span::from_hours(24), paper_fills: 20, rehearsal_age: Span::from_hours(7 * 24) }
    }
}

/// What a strategy has shown, and what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Time on paper; sessions side by side count once.
    pub paper_time: Span,
    /// Executions on paper.
    pub paper_fills: u64,
    /// When it last passed the rehearsal.
    pub rehearsed: Option<Timestamp>,
    /// What is missing, in words, with what to do.
    pub missing: Vec<String>,
}

impl Verdict {
    /// Whether nothing is missing.
    pub const fn is_enough(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Judges whether a strategy has shown enough by now. Evidence from the future does not count, and neither does a
/// rehearsal on production.
///
/// ```
/// use pampero_model::Timestamp;
/// use pampero_runtime::promotion::{Requirements, Subject, judge};
/// let subject = Subject { strategy: "maker".into(), version: "0.1.0".into(), parameters: "ab12".into() };
/// let verdict = judge(&[], &Requirements::default(), &subject, Timestamp::from_secs(0));
/// assert_eq!(verdict.missing.len(), 3);
/// assert!(verdict.missing[0].starts_with("24 h more on paper"));
/// ```
pub fn judge(evidence: &[Evidence], required: &Requirements, subject: &Subject, now: Timestamp) -> Verdict {
    let own = || evidence.iter().filter(|one| one.subject == *subject && one.at <= now);
    let mut sessions = Vec::new();
    let (mut paper_fills, mut rehearsed) = (0_u64, None);
    for one in own() {
        match one.shown {
            Shown::Paper { lasted, fills } => {
                paper_fills = paper_fills.saturating_add(fills);
                sessions.push((one.at.minus(lasted.max(Span::ZERO)), one.at));
            }
            Shown::Rehearsal { .. } if one.environment != "production" => {
                rehearsed = rehearsed.max(Some(one.at));
            }
            Shown::Rehearsal { .. } => {}
        }
    }
    let paper_time = covered(sessions);
    let mut missing = Vec::new();
    if paper_time < required.paper_time {
        let left = required.paper_time.as_nanos().saturating_sub(paper_time.as_nanos());
        missing.push(format!(
            "{} more on paper ({} of {}): run `pampero paper` with this configuration",
            hours(Span::from_nanos(left)),
            hours(paper_time),
            hours(required.paper_time)
        ));
    }
    if paper_fills < required.paper_fills {
        missing.push(format!(
            "{} more executions on paper ({paper_fills} of {}): let it trade longer",
            required.paper_fills - paper_fills,
            required.paper_fills
        ));
    }
    match rehearsed {
        None => missing.push("a rehearsal: run `pampero rehearse --env sandbox` with this configuration".to_owned()),
        Some(at) if now.since(at) > required.rehearsal_age => missing.push(format!(
            "a newer rehearsal (the last passed {} ago, at most {} count): run `pampero rehearse --env sandbox`",
            hours(now.since(at)),
            hours(required.rehearsal_age)
        )),
        Some(_) => {}
    }
    Verdict { paper_time, paper_fills, rehearsed, missing }
}

/// How much time a number of sessions covers together.
fn covered(mut sessions: Vec<(Timestamp, Timestamp)>) -> Span {
    sessions.sort_unstable();
    let (mut total, mut until) = (0_i64, Timestamp::from_nanos(i64::MIN));
    for (start, end) in sessions {
        let start = start.max(until);
        if end > start {
            total = total.saturating_add(end.since(start).as_nanos());
            until = end;
        }
    }
    Span::from_nanos(total)
}

/// Hours and minutes, rounded down.
fn hours(span: Span) -> impl fmt::Display {
    struct Hours(i64);
    impl fmt::Display for Hours {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match (self.0 / 60, self.0 % 60) {
                (0, minutes) => write!(f, "{minutes} min"),
                (hours, 0) => write!(f, "{hours} h"),
                (hours, minutes) => write!(f, "{hours} h {minutes} min"),
            }
        }
    }
    Hours(span.as_nanos() / Span::from_minutes(1).as_nanos())
}

/// Which of the limits without a permissive default are set. Those of every strategy and market that trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsSet {
    /// The size of an order.
    pub order: bool,
    /// The size of a position.
    pub position: bool,
    /// The loss of a day.
    pub daily_loss: bool,
    /// The fall from the highest.
    pub drawdown: bool,
}

/// What a start on production brings along.
#[derive(Clone, Copy, Debug)]
pub struct ProductionRequest<'a> {
    /// The limits.
    pub limits: LimitsSet,
    /// What `pampero doctor` found wrong; nothing if all was well.
    pub check_up: &'a [String],
    /// What the strategies have shown, by name.
    pub verdicts: &'a [(String, Verdict)],
    /// The reason for which a person accepts what is missing.
    pub accept_risk: Option<&'a str>,
    /// The account at each venue.
    pub accounts: &'a [AccountClaim],
}

/// An account that is to be traded, and what a person said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountClaim {
    /// The account that the key belongs to.
    pub account: String,
    /// The account that was confirmed before, from [`confirmed_account`].
    pub confirmed: Option<String>,
    /// The account as typed by a person just now.
    pub typed: Option<String>,
}

impl AccountClaim {
    /// What stands in the way of it.
    fn refusal(&self) -> Option<String> {
        let Self { account, confirmed, typed } = self;
        match (confirmed, typed) {
            (Some(before), _) if before != account => Some(format!(
                "the key belongs to account {account}, and account {before} was confirmed: use its key, or another \
                 --state DIR for the other account"
            )),
            (Some(_), _) => None,
            (None, Some(typed)) if typed.trim() == account => None,
            (None, Some(_)) => Some(format!("what was typed is not the account of the key, {account}")),
            (None, None) => {
                Some(format!("account {account} was never confirmed: type its number when asked"))
            }
        }
    }
}

/// The shortest reason that says something.
const SHORTEST_REASON: usize = 10;

/// Whether a strategy may trade real money, with what is missing and was accepted by a person, for the banner and the
/// journal; if not, everything that stands in the way, with what to do.
///
/// The limits and the accounts must be right in any case. Accounts that were typed just now are to be kept with
/// [`confirm_account`]. A check-up with findings and missing evidence can be
/// accepted by a person with a reason.
///
/// # Errors
///
/// What stands in the way, one line each.
pub fn production_gate(request: &ProductionRequest<'_>) -> Result<Vec<String>, Vec<String>> {
    let ProductionRequest { limits, check_up, verdicts, accept_risk, accounts } = *request;
    let mut refusals = Vec::new();
    let limit = |set: bool, what: &str, keys: &str| {
        (!set).then(|| format!("no limit for {what} is set: set {keys} in [limits]"))
    };
    refusals.extend(limit(
        limits.order,
        "an order",
        "`max_order_value`, or `max_order_notional` for each market",
    ));
    refusals.extend(limit(
        limits.position,
        "a position",
        "`max_exposure`, or `max_position` for each market",
    ));
    refusals.extend(limit(limits.daily_loss, "the loss of a day", "`max_daily_loss`"));
    refusals.extend(limit(limits.drawdown, "the fall from the highest", "`max_drawdown`"));
    refusals.extend(accounts.iter().filter_map(AccountClaim::refusal));
    let mut acceptable: Vec<String> = check_up.iter().map(|finding| format!("check-up: {finding}")).collect();
    for (strategy, verdict) in verdicts {
        acceptable.extend(verdict.missing.iter().map(|missing| format!("{strategy}: {missing}")));
    }
    match accept_risk.map(str::trim) {
        _ if acceptable.is_empty() => {}
        None => refusals.append(&mut acceptable),
        Some(reason) if reason.chars().count() < SHORTEST_REASON => {
            refusals.push(format!("`--accept-risk` wants a reason of {SHORTEST_REASON} letters at least"));
            refusals.append(&mut acceptable);
        }
        Some(_) => {}
    }
    if refusals.is_empty() { Ok(acceptable) } else { Err(refusals) }
}

#[derive(Serialize, Deserialize)]
struct AccountRecord {
    account: String,
    confirmed_at: Timestamp,
}

/// The account that was confirmed for an environment; at a further venue, if one is named.
///
/// # Errors
///
/// [`StateError`] where the file cannot be read. One that holds something else is an error too, and not "never
/// confirmed".
pub fn confirmed_account(state: &StateDir, venue: Option<&str>) -> Result<Option<String>, StateError> {
    let path = state.account_file(venue);
    let Some(content) = read_private(&path)? else { return Ok(None) };
    let record: AccountRecord =
        serde_json::from_slice(&content).map_err(|error| io_error(&path, "read")(error.into()))?;
    Ok(Some(record.account))
}

/// Keeps the account that a person has confirmed; at a further venue, if one is named.
///
/// # Errors
///
/// [`StateError`] where the file cannot be written.
pub fn confirm_account(
    state: &StateDir,
    venue: Option<&str>,
    account: &str,
    now: Timestamp,
) -> Result<(), StateError> {
    let record = AccountRecord { account: account.to_owned(), confirmed_at: now };
    let path = state.account_file(venue);
    let bytes =
        serde_json::to_vec_pretty(&record).map_err(|error| io_error(&path, "written")(error.into()))?;
    write_private(&path, &bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subject() -> Subject {
        Subject { strategy: "maker".into(), version: "0.1.0".into(), parameters: "ab12".into() }
    }

    fn evidence(hour: i64, shown: Shown) -> Evidence {
        Evidence { subject: subject(), shown, environment: "sandbox".into(), at: at(hour) }
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_secs(hour * 3_600)
    }

    fn paper(hour: i64, hours: i64, fills: u64) -> Evidence {
        evidence(hour, Shown::Paper { lasted: Span::from_hours(hours), fills })
    }

    fn verdict(evidence: &[Evidence], hour: i64) -> Verdict {
        judge(evidence, &Requirements::default(), &subject(), at(hour))
    }

    #[test]
    fn enough_is_enough_and_what_is_missing_is_said() {
        let mut shown = vec![paper(100, 20, 15), evidence(101, Shown::Rehearsal { steps: 7 })];
        let missing = verdict(&shown, 102).missing;
        assert_eq!(missing.len(), 2);
        assert!(missing[0].starts_with("4 h more on paper (20 h of 24 h)"), "{missing:?}");
        assert!(missing[1].starts_with("5 more executions"), "{missing:?}");
        shown.push(paper(110, 4, 5));
        assert!(verdict(&shown, 110).is_enough());
        let later = verdict(&shown, 101 + 7 * 24 + 1).missing;
        assert!(later[0].contains("169 h ago"), "{later:?}");
    }

    #[test]
    fn other_parameters_the_future_and_a_rehearsal_on_production_do_not_count() {
        let mut shown = vec![paper(100, 24, 20), evidence(101, Shown::Rehearsal { steps: 7 })];
        assert!(verdict(&shown, 102).is_enough());
        assert_eq!(verdict(&shown, 99).missing.len(), 3);
        shown[0].subject.parameters = "cd34".into();
        shown[1].environment = "production".into();
        assert_eq!(verdict(&shown, 102).missing.len(), 3);
    }

    #[test]
    fn sessions_side_by_side_count_once() {
        let shown = [paper(24, 12, 0), paper(24, 12, 0), paper(20, 12, 0), paper(50, 2, 0), paper(51, -5, 0)];
        assert_eq!(verdict(&shown, 60).paper_time, Span::from_hours(18));
    }

    fn request<'a>(verdicts: &'a [(String, Verdict)], check_up: &'a [String]) -> ProductionRequest<'a> {
        ProductionRequest {
            limits: LimitsSet { order: true, position: true, daily_loss: true, drawdown: true },
            check_up,
            verdicts,
            accept_risk: None,
            accounts: &[],
        }
    }

    fn claim(account: &str, confirmed: Option<&str>, typed: Option<&str>) -> AccountClaim {
        let [confirmed, typed] = [confirmed, typed].map(|text| text.map(str::to_owned));
        AccountClaim { account: account.into(), confirmed, typed }
    }

    #[test]
    fn nothing_but_a_reason_replaces_evidence_and_nothing_replaces_limits() {
        let bad = [("maker".to_owned(), verdict(&[], 0))];
        let findings = ["the clock is 3 s off".to_owned()];
        let mut asked = request(&bad, &findings);
        assert_eq!(production_gate(&asked).unwrap_err().len(), 4);
        asked.accept_risk = Some("  because ");
        assert!(production_gate(&asked).unwrap_err()[0].contains("wants a reason"));
        asked.accept_risk = Some("a week on paper with the version before");
        assert_eq!(production_gate(&asked).unwrap().len(), 4);
        asked.limits = LimitsSet::default();
        let refusals = production_gate(&asked).unwrap_err();
        assert_eq!(refusals.len(), 4);
        assert!(refusals[3].contains("max_drawdown"), "{refusals:?}");
    }

    #[test]
    fn the_account_is_typed_once_and_never_changes() {
        let asked =
            |accounts: &[AccountClaim]| production_gate(&ProductionRequest { accounts, ..request(&[], &[]) });
        let confirmed = claim("1234", Some("1234"), None);
        assert_eq!(asked(std::slice::from_ref(&confirmed)), Ok(vec![]));
        let wrong = [
            (claim("1234", Some("99"), Some("1234")), "account 99 was confirmed"),
            (claim("1234", None, None), "account 1234 was never confirmed"),
            (claim("1234", None, Some("4321")), "not the account of the key, 1234"),
        ];
        for (wrong, why) in wrong {
            let refusals = asked(&[confirmed.clone(), wrong]).unwrap_err();
            assert!(refusals.len() == 1 && refusals[0].contains(why), "each venue counts: {refusals:?}");
        }
        assert_eq!(asked(&[confirmed, claim("1234", None, Some(" 1234\n"))]), Ok(vec![]));

        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "production").unwrap();
        for (venue, account) in [(None, "1234"), (Some("north"), "7")] {
            assert_eq!(confirmed_account(&state, venue).unwrap(), None);
            confirm_account(&state, venue, account, at(1)).unwrap();
            assert_eq!(confirmed_account(&state, venue).unwrap().as_deref(), Some(account));
        }
        std::fs::write(state.account_file(None), "1234").unwrap();
        assert!(confirmed_account(&state, None).is_err());
    }

    proptest! {
        #[test]
        fn more_evidence_never_makes_the_verdict_worse(
            sessions in prop::collection::vec((0..200_i64, 0..48_i64, 0..30_u64), 0..12),
            rehearsals in prop::collection::vec(0..200_i64, 0..4),
        ) {
            let mut shown = Vec::new();
            let mut before = verdict(&shown, 200);
            let all = sessions.into_iter().map(|(hour, hours, fills)| paper(hour, hours, fills));
            let all = all.chain(rehearsals.into_iter().map(|hour| evidence(hour, Shown::Rehearsal { steps: 1 })));
            for one in all {
                shown.push(one);
                let now = verdict(&shown, 200);
                prop_assert!(now.paper_time >= before.paper_time && now.paper_fills >= before.paper_fills);
                prop_assert!(now.missing.len() <= before.missing.len());
                // No more than the hours there were.
                prop_assert!(now.paper_time <= Span::from_hours(248));
                before = now;
            }
        }
    }
}
