//! The scripts that complete commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::process::Command;

use support::pampero;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = pampero(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        for word in ["pampero", "backtest", "conservative", "resample"] {
            assert!(ran.stdout.contains(word), "{shell}: no {word}");
        }
    }
    assert_eq!(pampero(&["completions", "cmd"]).code, 2);
}

/// What bash offers after the words so far.
#[test]
fn bash_completes_commands_options_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("pampero.bash");
    std::fs::write(&script, pampero(&["completions", "bash"]).stdout).unwrap();
    let offered = |words: &str, last: &str| {
        let count = words.split(' ').count();
        let previous = words.rsplit(' ').next().unwrap();
        let asked = format!(
            "source {}\nCOMP_WORDS=({words} '{last}'); COMP_CWORD={count}; _pampero pampero '{last}' '{previous}'\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = Command::new("bash").args(["--norc", "-c", &asked]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(offered("pampero", "backt").trim(), "backtest");
    assert!(offered("pampero backtest", "--fil").contains("--fill"));
    assert!(offered("pampero new x --template", "").contains("maker"));
}
