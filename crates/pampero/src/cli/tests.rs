//! What holds of every command, over the whole tree of them.
#![allow(clippy::panic)] // test code

use std::fmt::Write as _;

use clap::{Command, CommandFactory};

use super::Cli;

/// Commands that answer with something other than a JSON object, and why.
const WITHOUT_JSON: &[(&str, &str)] =
    &[("config schema", "the schema is JSON itself"), ("completions", "a script for a shell")];

/// Every command that does something, with its words.
fn commands() -> Vec<(String, Command)> {
    fn collect(command: &Command, above: &str, into: &mut Vec<(String, Command)>) {
        for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
            let name = format!("{above} {}", child.get_name()).trim().to_owned();
            if !child.has_subcommands() {
                into.push((name.clone(), child.clone()));
            }
            collect(child, &name, into);
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

/// What is wrong, one line for each command; fails with all of them.
fn nothing_wrong(wrong: &str) {
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_command_answers_in_json_or_says_why_not() {
    let mut wrong = String::new();
    for (name, command) in commands() {
        let has = command.get_arguments().any(|argument| argument.get_id() == "json");
        let excused = WITHOUT_JSON.iter().any(|(other, _)| *other == name);
        if has == excused {
            let _ = writeln!(wrong, "{name}: has --json: {has}, is on the list of those without: {excused}");
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn every_command_has_two_examples_and_its_exit_codes() {
    let mut wrong = String::new();
    for (name, command) in commands() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = examples(&after);
        if examples.len() < 2 {
            let _ = writeln!(wrong, "{name}: {} examples", examples.len());
        }
        if !after.contains("Exit codes:") {
            let _ = writeln!(wrong, "{name}: no exit codes");
        }
        if !examples.iter().any(|example| example.contains(&name)) {
            let _ = writeln!(wrong, "{name}: no example shows it");
        }
    }
    nothing_wrong(&wrong);
}

/// The commands of a help's examples; continued lines are joined.
fn examples(help: &str) -> Vec<String> {
    let text = help.split("Examples:").nth(1).unwrap_or_default().replace("\\\n", " ");
    let typed = |line: &&str| line.starts_with("  pampero ") || line.starts_with("  cargo run -- ");
    text.lines().filter(typed).map(|line| line.trim().replace("cargo run --", "pampero")).collect()
}

#[test]
fn every_example_is_a_command_that_there_is() {
    let mut wrong = String::new();
    for (name, command) in commands() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let all = examples(&after);
        let parts = all.iter().flat_map(|example| example.split(" && ")).map(|part| {
            // What the shell does with it is nothing to us.
            part.split([';', '>', '|']).next().unwrap_or_default().trim()
        });
        for part in parts.filter(|part| part.starts_with("pampero ")) {
            let words = words(part);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Err(message) = crate::check_command_line(&words) {
                let _ = writeln!(wrong, "{name}: `{part}`: {message}");
            }
        }
    }
    nothing_wrong(&wrong);
}

/// Words of a command line with their quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for letter in line.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            (' ', None) => words.push(String::new()),
            (letter, _) => words.iter_mut().last().map_or((), |word| word.push(letter)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_help_fits_eighty_columns() {
    fn look(command: &Command, wrong: &mut String) {
        let mut command = command.clone();
        let helps = [command.render_help().to_string(), command.render_long_help().to_string()];
        for line in helps.iter().flat_map(|help| help.lines()) {
            if line.chars().count() > 80 {
                let _ = writeln!(wrong, "{}: {line}", command.get_name());
            }
        }
        for child in command.get_subcommands() {
            look(child, wrong);
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut wrong = String::new();
    look(&root, &mut wrong);
    nothing_wrong(&wrong);
}

/// What asks a person must be told by an option, too, or programs could not use it.
#[test]
fn what_asks_can_be_told_not_to() {
    let asks = ["buy", "sell", "withdraw", "bots create", "instructions create", "keys create"];
    for (name, command) in commands().into_iter().filter(|(name, _)| asks.contains(&name.as_str())) {
        let has = command.get_arguments().any(|argument| argument.get_id() == "yes");
        assert!(has, "{name} asks and has no --yes");
    }
}
