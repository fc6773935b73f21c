//! Rules that say when a fault happens, and what has happened so far.

use std::collections::BTreeMap;

use pampero_model::{Rate, Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{FAULTS, find};
use crate::path::Dice;

/// When a fault happens.
///
/// ```
/// use pampero_sandbox::FaultRule;
/// let rule: FaultRule = toml::from_str("fault = 'F04'\nendpoint = 'POST /bids'\non = [3]")?;
/// assert_eq!((rule.fault.as_str(), rule.on), ("F04", vec![3]));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Its code, such as `F04`.
    pub fault: String,
    /// Which of its forms; the first one if it is not said.
    #[serde(default)]
    pub mode: Option<String>,
    /// Where: a name such as `POST /bids/{id}/cancel`, a beginning such as `GET *`, or `*`.
    #[serde(default = "everywhere")]
    pub endpoint: String,
    /// How likely it is each time, from 0 to 1.
    #[serde(default, deserialize_with = "read_probability", serialize_with = "write_probability")]
    pub probability: Rate,
    /// At which requests to the endpoint it happens, counted from one since the rule was set.
    #[serde(default)]
    pub on: Vec<u64>,
    /// How often it happens at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// A duration, where the fault has one.
    #[serde(default)]
    pub ms: Option<u32>,
    /// A status, where the fault has one.
    #[serde(default)]
    pub status: Option<u16>,
    /// A number, where the fault has one.
    #[serde(default)]
    pub count: Option<u32>,
}

fn everywhere() -> String {
    "*".to_owned()
}

fn read_probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
    let number = f64::deserialize(deserializer)?;
    number.to_string().parse().map_err(serde::de::Error::custom)
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn write_probability<S: Serializer>(probability: &Rate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(probability.to_f64())
}

impl FaultRule {
    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), String> {
        let Some(kind) = find(&self.fault) else {
            let known: Vec<&str> = FAULTS.iter().map(|kind| kind.code).collect();
            return Err(format!(
                "`{}` is no fault of the sandbox, which knows {}",
                self.fault,
                known.join(", ")
            ));
        };
        let unknown = self.mode.as_deref().filter(|mode| !kind.modes.contains(mode));
        if let Some(mode) = unknown {
            return Err(format!("{} has no mode `{mode}`: use one of {}", kind.code, kind.modes.join(", ")));
        }
        if self.probability.is_negative() || self.probability > Rate::ONE {
            return Err(format!("a probability of {} is not between 0 and 1", self.probability));
        }
        if self.on.is_empty() && self.probability.is_zero() {
            return Err("it never happens: give it a `probability` above 0 or a list `on`".to_owned());
        }
        if self.status.is_some_and(|status| !(100..=999).contains(&status)) {
            return Err("a status has three digits".to_owned());
        }
        Ok(())
    }

    fn covers(&self, endpoint: &str) -> bool {
        match self.endpoint.strip_suffix('*') {
            Some(beginning) => endpoint.starts_with(beginning),
            None => self.endpoint == endpoint,
        }
    }
}

/// A fault that happens now.
#[derive(Clone, Debug)]
pub struct Hit {
    pub code: &'static str,
    pub mode: String,
    pub ms: Option<u32>,
    pub status: Option<u16>,
    pub count: Option<u32>,
}

impl Hit {
    pub fn is(&self, code: &str, mode: &str) -> bool {
        self.code == code && self.mode == mode
    }

    pub fn span_or(&self, default: u32) -> Span {
        Span::from_millis(self.ms.unwrap_or(default).into())
    }
}

/// How often a rule was asked and how often it struck.
#[derive(Clone, Debug, Serialize)]
pub struct FaultCount {
    /// The rule.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// Requests to its endpoint since it was set.
    pub requests: u64,
    /// How often it happened.
    pub hits: u64,
}

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    rules: Vec<FaultCount>,
    dice: Dice,
    /// Hits by fault since the start, whatever rule they came from.
    totals: BTreeMap<&'static str, u64>,
    /// Until when everything is in maintenance.
    maintenance: Option<Timestamp>,
    /// Until when endpoints are clogged.
    clogged: BTreeMap<String, Timestamp>,
}

impl Faults {
    pub fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        let totals = FAULTS.iter().map(|kind| (kind.code, 0)).collect();
        let dice = Dice::new(seed ^ 0xfa17);
        let mut faults =
            Self { rules: Vec::new(), dice, totals, maintenance: None, clogged: BTreeMap::new() };
        faults.set(rules);
        faults
    }

    /// Puts rules in place of those in force. Totals go on.
    pub fn set(&mut self, rules: Vec<FaultRule>) {
        self.rules = rules.into_iter().map(|rule| FaultCount { rule, requests: 0, hits: 0 }).collect();
        self.maintenance = None;
        self.clogged.clear();
    }

    pub fn counts(&self) -> &[FaultCount] {
        &self.rules
    }

    pub fn totals(&self) -> &BTreeMap<&'static str, u64> {
        &self.totals
    }

    /// Which faults happen to a request.
    pub fn draw(&mut self, endpoint: &str, now: Timestamp) -> Vec<Hit> {
        let mut hits = Vec::new();
        for entry in self.rules.iter_mut().filter(|entry| entry.rule.covers(endpoint)) {
            entry.requests += 1;
            if entry.rule.limit.is_some_and(|limit| entry.hits >= limit) {
                continue;
            }
            let chances = (entry.rule.probability.units() / 100).unsigned_abs();
            let drawn = chances > 0 && self.dice.one_in_a_million(chances);
            let Some(kind) = find(&entry.rule.fault) else { continue };
            if !drawn && !entry.rule.on.contains(&entry.requests) {
                continue;
            }
            entry.hits += 1;
            *self.totals.entry(kind.code).or_default() += 1;
            let first = kind.modes.first().copied().unwrap_or_default();
            let FaultRule { mode, ms, status, count, .. } = &entry.rule;
            let mode = mode.clone().unwrap_or_else(|| first.to_owned());
            hits.push(Hit { code: kind.code, mode, ms: *ms, status: *status, count: *count });
        }
        self.remember_outages(endpoint, now, &hits);
        hits
    }

    fn remember_outages(&mut self, endpoint: &str, now: Timestamp, hits: &[Hit]) {
        for hit in hits {
            match hit.code {
                "F34" => self.maintenance = Some(now.plus(hit.span_or(60_000))),
                "F36" => {
                    let most = hit.ms.unwrap_or(10_000).into();
                    let until = now.plus(Span::from_millis(self.dice.up_to(most)));
                    self.clogged.insert(endpoint.to_owned(), until);
                }
                _ => {}
            }
        }
    }

    /// Whether an endpoint is out of order for now.
    pub fn is_down(&self, endpoint: &str, now: Timestamp) -> bool {
        let until = self.clogged.get(endpoint).copied().max(self.maintenance);
        until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> FaultRule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn scripted_faults_happen_at_their_requests_and_are_counted() {
        let mut faults =
            Faults::new(vec![rule("fault = 'F04'\nendpoint = 'POST /bids'\non = [2, 3]\nlimit = 1")], 1);
        let now = Timestamp::from_secs(0);
        let mut hits = |endpoint| faults.draw(endpoint, now).len();
        assert_eq!(
            [hits("POST /bids"), hits("POST /asks"), hits("POST /bids"), hits("POST /bids")],
            [0, 0, 1, 0]
        );
        assert_eq!((faults.counts()[0].requests, faults.counts()[0].hits), (3, 1));
        assert_eq!(faults.totals()["F04"], 1);
    }

    #[test]
    fn drawn_faults_come_as_often_as_they_should_and_depend_on_the_seed() {
        let run = |seed| {
            let mut faults =
                Faults::new(vec![rule("fault = 'F08'\nendpoint = 'GET *'\nprobability = 0.25")], seed);
            (0..4_000)
                .map(|_| !faults.draw("GET /orders", Timestamp::from_secs(0)).is_empty())
                .collect::<Vec<_>>()
        };
        let hits = run(1).iter().filter(|hit| **hit).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn maintenance_ends() {
        let mut faults = Faults::new(vec![rule("fault = 'F34'\non = [1]\nms = 1000")], 1);
        faults.draw("GET /orders", Timestamp::from_secs(10));
        assert!(faults.is_down("GET /candles", Timestamp::from_millis(10_999)));
        assert!(!faults.is_down("GET /candles", Timestamp::from_millis(11_000)));
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        for (text, problem) in [
            ("fault = 'F99'\non = [1]", "`F99` is no fault"),
            ("fault = 'F06'\nmode = 'sideways'\non = [1]", "F06 has no mode `sideways`"),
            ("fault = 'F06'", "it never happens"),
            ("fault = 'F06'\nprobability = 1.5", "not between 0 and 1"),
            ("fault = 'F08'\non = [1]\nstatus = 5", "three digits"),
        ] {
            let found = rule(text).check().unwrap_err();
            assert!(found.contains(problem), "{found}");
        }
        assert!(rule("fault = 'f06'\nmode = 'mid_body'\nprobability = 0.1").check().is_ok());
    }
}
