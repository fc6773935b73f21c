//! Whether the adapter told the truth.

use std::time::Duration;

use pampero_exchange::{Ambiguity, Error};

use super::endpoints::{Effect, Endpoint, Said};
use super::faults::{Expect, Fault};
use super::stand::Cell;

/// What is wrong with a cell; nothing if all is well.
pub(super) fn problems(fault: &Fault, endpoint: &Endpoint, cell: &Cell, patience: Duration) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    check(cell.hits == 1, "the fault did not strike once");
    check(cell.arrived <= 1, "the request arrived more than once");
    // Far more than any answer takes, and less than a hang.
    check(cell.elapsed < patience + Duration::from_secs(10), "it took too long");
    if let Some(error) = cell.said.error() {
        let text = error.to_string();
        check(
            text.chars().count() <= 600 && !text.chars().any(char::is_control),
            "an error that is not presentable",
        );
        check(!text.contains(&cell.token), "an error with a key");
    }
    if endpoint.effect == Effect::Create {
        check(creates_truly(fault, cell), &format!("{} were created", cell.created));
        check(create_said(fault.expect, &cell.said), "not what should be said");
    } else {
        check(read_said(fault.expect, &cell.said, &cell.clean), "not what should be said");
    }
    problems
}

/// Whether what is said of a request that creates agrees with what the exchange has.
fn creates_truly(fault: &Fault, cell: &Cell) -> bool {
    let most = if fault.code == "F18" { 2 } else { 1 };
    let there = match &cell.said {
        Said::Done(_) => (1..=most).contains(&cell.created),
        Said::Rejected(_) | Said::NotSent(_) => cell.created == 0,
        Said::Unknown(_) => cell.created <= most,
        Said::Failed(_) => false,
    };
    there && (!matches!(fault.expect, Expect::Refused { .. }) || cell.created == 0)
}

fn create_said(expect: Expect, said: &Said) -> bool {
    match (expect, said) {
        (Expect::Silence, Said::Unknown(error)) => *error == Error::Ambiguous(Ambiguity::Timeout),
        (Expect::Refused { code, certain: true }, Said::Rejected(error)) => error.code() == code,
        (Expect::Refused { certain: false, .. } | Expect::Broken | Expect::Error(_), Said::Unknown(_))
        | (Expect::Same, Said::Done(_))
        | (Expect::Readable, Said::Done(_) | Said::Unknown(_)) => true,
        (Expect::Malformed, Said::Unknown(error)) => error.is_alarm(),
        _ => false,
    }
}

fn read_said(expect: Expect, said: &Said, clean: &Said) -> bool {
    match (expect, said) {
        (Expect::Silence, Said::Failed(error)) => *error == Error::Ambiguous(Ambiguity::Timeout),
        (Expect::Broken, Said::Failed(error)) => matches!(error, Error::Ambiguous(Ambiguity::Connection(_))),
        (Expect::Refused { code, .. } | Expect::Error(code), Said::Failed(error)) => error.code() == code,
        (Expect::Malformed, Said::Failed(error)) => matches!(error, Error::Malformed(_)),
        (Expect::Same, Said::Done(found)) => matches!(clean, Said::Done(clean) if clean == found),
        (Expect::Readable, Said::Done(_) | Said::Failed(Error::Malformed(_))) => true,
        _ => false,
    }
}
