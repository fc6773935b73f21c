//! Explaining statistics, codes and strategies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::pampero;

#[test]
fn a_statistic_has_its_formula() {
    insta::assert_snapshot!(pampero(&["explain", "sharpe"]).stdout);
}

#[test]
fn a_code_of_the_risk_gate_has_its_meaning() {
    insta::assert_snapshot!(pampero(&["explain", "max-position"]).stdout);
}

#[test]
fn every_name_of_the_list_is_explained() {
    let list = pampero(&["explain", "--json"]).json();
    let names = list["statistics"].as_array().unwrap().iter().map(|entry| &entry["name"]);
    let codes = list["codes"].as_array().unwrap().iter().map(|entry| &entry["code"]);
    let all: Vec<&str> = names.chain(codes).map(|name| name.as_str().unwrap()).collect();
    assert!(all.len() > 60);
    for name in all.iter().step_by(9) {
        assert_eq!(pampero(&["explain", name]).code, 0, "{name}");
    }
}

#[test]
fn strategies_are_listed_with_their_parameters() {
    let text = pampero(&["strategies"]).stdout;
    assert!(text.contains("sma-cross 0.") && text.contains("market-maker 0."), "{text}");
    let json = pampero(&["strategies", "--json"]).json();
    assert_eq!(json["strategies"][0]["parameters"]["slow"], 30);
}
