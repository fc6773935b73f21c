//! The strategies that a program has, as it lists and checks them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::collections::BTreeSet;

use ::pampero::builtin_strategies;
use support::{folder, pampero, pampero_in};

#[test]
fn every_parameter_is_described_and_every_default_is_within_its_range() {
    for definition in builtin_strategies() {
        let described: BTreeSet<&str> =
            definition.parameters().iter().map(|parameter| parameter.name).collect();
        let there: BTreeSet<&str> = definition.defaults().keys().map(String::as_str).collect();
        assert_eq!(described, there, "{}", definition.name());
        for parameter in definition.parameters() {
            parameter.check(&definition.defaults()[parameter.name]).unwrap();
            assert!(!parameter.what.is_empty());
        }
    }
}

#[test]
fn every_readme_has_every_parameter() {
    for definition in builtin_strategies() {
        let file = format!("{}/../../strategies/{}/README.md", env!("CARGO_MANIFEST_DIR"), definition.name());
        let readme = std::fs::read_to_string(file).unwrap();
        for parameter in definition.parameters() {
            let row = format!("| `{}` |", parameter.name);
            assert!(readme.contains(&row), "{}: no row of `{}`", definition.name(), parameter.name);
        }
    }
}

#[test]
fn the_list_fits_eighty_columns_and_has_types_defaults_and_ranges() {
    let text = pampero(&["strategies"]).stdout;
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    for words in
        [["fast", "count", "10", "at least 1"], ["half_spread", "share", "0.0005", "at least 0, below 1"]]
    {
        assert!(text.lines().any(|line| words.iter().all(|word| line.contains(word))), "{words:?}\n{text}");
    }
}

#[test]
fn as_json_the_ranges_are_values() {
    let json = pampero(&["strategies", "--json"]).json();
    let sma = json["strategies"].as_array().unwrap().iter().find(|one| one["name"] == "sma-cross").unwrap();
    assert_eq!(sma["version"], env!("CARGO_PKG_VERSION"), "of the crate that holds it");
    let fast = &sma["described"][0];
    assert_eq!(
        (&fast["name"], &fast["type"], &fast["default"]),
        (&"fast".into(), &"count".into(), &10.into())
    );
    assert_eq!(fast["min"]["value"], "1");
    assert_eq!(fast["min"]["included"], true);
}

#[test]
fn a_value_out_of_range_is_refused_with_its_line_and_the_range() {
    let text = "[run]\nreport_currency = \"usd\"\n[[strategy]]\nname = \"sma-cross\"\nmarkets = [\"btc_usd\"]\n\
                [strategy.parameters]\nallocation = \"1.5\"\nslow = 0\n[account]\nusd = \"100\"\n";
    let folder = folder(&[("a.toml", text)]);
    let check = pampero_in(folder.path(), &["config", "check", "a.toml"]);
    assert_eq!(check.code, 3);
    for part in
        ["a.toml:7", "a.toml:8", "`allocation` = `1.5` is out of range", "above 0, at most 1", "at least 2"]
    {
        assert!(check.stderr.contains(part), "{part} in {}", check.stderr);
    }
}
