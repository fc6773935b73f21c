//! Every fault that applies × every endpoint of the adapter, over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_tests::fault_matrix::{Settings, run};

#[tokio::test]
async fn no_fault_makes_the_adapter_lie_or_repeat_itself() {
    let report = run(Settings::default()).await.unwrap();
    println!(
        "{} cells: {} faults at {} endpoints in {:.1} s; {:?}",
        report.cells, report.faults, report.endpoints, report.seconds, report.outcomes
    );
    assert!(
        report.failures.is_empty(),
        "{} of {}:\n{}",
        report.failures.len(),
        report.cells,
        report.failures.join("\n")
    );
    assert!(report.hits.len() as u64 == report.faults && report.hits.values().all(|hits| *hits > 0));
    assert!(report.cells > 3_000, "{}", report.cells);
}
