//! Looking up the keys of a configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use support::{folder, pampero, pampero_in};

#[test]
fn the_shipped_configurations_are_right() {
    for name in ["quickstart.toml", "market-maker.toml"] {
        let file = format!("{}/../../config/{name}", env!("CARGO_MANIFEST_DIR"));
        let ran = pampero(&["config", "check", &file]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
        assert!(ran.flat().contains("with limits"), "{}", ran.stdout);
    }
}

#[test]
fn a_key_is_explained_with_the_line_that_sets_it() {
    let folder = folder(&[("a.toml", "[account]\nars = \"5\"\n\n[limits]\nmax_drawdown = 0.2\n")]);
    let ran = pampero_in(folder.path(), &["config", "explain", "limits.max_drawdown", "a.toml"]);
    insta::assert_snapshot!(ran.stdout);
    let ran = pampero_in(folder.path(), &["config", "explain", "run.seed", "a.toml"]);
    assert!(ran.stdout.contains("Not set in a.toml"), "{}", ran.stdout);
}

#[test]
fn the_schema_knows_every_key_and_no_other() {
    let ran = pampero(&["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let limits = &schema["properties"]["limits"];
    assert_eq!(limits["additionalProperties"], false);
    assert!(limits["properties"]["max_drawdown"]["description"].as_str().unwrap().contains("highest"));
    let market = &limits["properties"]["markets"]["additionalProperties"];
    assert!(market["properties"]["max_position"].is_object());
    assert_eq!(schema["properties"]["strategy"]["type"], "array");
    let of_strategy = &schema["properties"]["strategy"]["items"]["properties"]["limits"]["properties"];
    assert_eq!(of_strategy["max_drawdown"], limits["properties"]["max_drawdown"]);
}
