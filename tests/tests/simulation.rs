//! The whole system against an exchange that does everything wrong. `cargo xtask prove` runs many more seeds.
#![allow(missing_docs)] // test code

use pampero_tests::simulation::{Canary, Fault, Run, run};

#[test]
fn nothing_is_lost_doubled_adopted_wrongly_or_beyond_a_limit_and_everything_comes_together() {
    let report = run(0..80, None);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.fewest_intents >= 20 && report.fewest_faults >= 15, "{report:#?}");
}

#[test]
fn every_kind_of_fault_strikes() {
    let report = run(1_000..1_030, None);
    let never: Vec<_> = Fault::ALL.iter().filter(|fault| !report.hits.contains_key(fault)).collect();
    assert!(never.is_empty(), "never seen: {never:?}");
    assert!(report.crashes > 0 && report.adopted > 0 && report.unknown > 0 && report.fills > 0);
}

#[test]
fn every_planted_bug_is_found() {
    for canary in Canary::ALL {
        let report = run(0..1_000, Some(canary));
        assert!(!report.findings.is_empty(), "{canary:?} was not found within {} seeds", report.seeds);
    }
}

#[test]
fn a_seed_leaves_the_same_trace_every_time() {
    let (first, second) = (run(7..9, None), run(7..9, None));
    assert_eq!(first.hits, second.hits);
    assert!(first.findings.is_empty() && second.findings.is_empty());
}

/// Seeds that failed once.
#[test]
fn what_was_found_stays_mended() {
    let findings = |seed| Run::of(seed, None).findings.into_iter().map(move |what| (seed, what));
    let found: Vec<_> = [2_265, 2_779, 6_755, 8_806].into_iter().flat_map(findings).collect();
    assert_eq!(found, []);
}
