//! The pages of the reference that the program itself knows: commands, keys of the configuration, statistics.

use std::fmt::Write as _;

use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::config::{KEYS, tables};

/// The pages, each with its file name; `cargo xtask docs` writes them to `docs/reference`.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    vec![("commands.md", commands()), ("configuration.md", configuration()), ("statistics.md", statistics())]
}

const MADE: &str = "<!-- Made by `cargo xtask docs` from";

/// What `--help` says of each command.
fn commands() -> String {
    let mut page = format!(
        "{MADE} the command line itself. -->\n# Commands\n\nWhat `pampero COMMAND --help` says, all of it. \
         [Exit codes](exit-codes.md) stand on a page of their own.\n"
    );
    let mut root = Cli::command().term_width(80);
    root.build();
    let children: Vec<&Command> = children(&root).collect();
    for child in &children {
        // Writing to a string does not fail.
        let _ = write!(page, "\n* [{0}](#pampero-{0}): {1}", child.get_name(), about(child));
    }
    page.push('\n');
    for child in children {
        describe(&mut page, child, "pampero");
    }
    page
}

/// The commands below this one that do something; clap's own `help` says nothing new.
fn children(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|child| child.get_name() != "help" && !child.is_hide_set())
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn describe(page: &mut String, command: &Command, above: &str) {
    let name = format!("{above} {}", command.get_name());
    let help = command.clone().render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for child in children(command) {
        describe(page, child, &name);
    }
}

/// Every table and key of the configuration.
fn configuration() -> String {
    let mut page = format!(
        "{MADE} the table of keys that reads the configuration. -->\n# Configuration\n\nOne TOML file for every \
         rung of the ladder. `*` stands for a name of yours, `[]` for each table of a list. `pampero config check \
         FILE` shows all mistakes of a file at once, `pampero config explain KEY` says what stands here and where \
         your file sets it, and `pampero config schema` is the same for an editor.\n"
    );
    for (table, what) in tables() {
        let prefix = format!("{table}.");
        let _ = write!(page, "\n## `{table}`\n\n{what}\n");
        let keys: Vec<_> = KEYS.iter().filter(|key| table_of(&key.path) == Some(*table)).collect();
        if keys.is_empty() {
            continue;
        }
        page.push_str("\n| key | value | left out | meaning |\n|---|---|---|---|\n");
        for key in keys {
            let name = key.path.strip_prefix(&prefix).unwrap_or(&key.path);
            let value = cell(&key.kind.expected());
            let _ = writeln!(page, "| `{name}` | {value} | {} | {} |", cell(key.default), cell(key.what));
        }
    }
    page
}

/// The table that a key stands in: the longest that its path begins with.
fn table_of(path: &str) -> Option<&'static str> {
    let above = |table: &&str| path.strip_prefix(*table).is_some_and(|rest| rest.starts_with('.'));
    tables().map(|(table, _)| *table).filter(above).max_by_key(|table| table.len())
}

/// Text within a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Every statistic with its formula.
fn statistics() -> String {
    let mut page = format!(
        "{MADE} crates/report/src/explain.rs. -->\n# Statistics\n\nWhat the reports say of a run, each with its \
         formula, in the order of the report. `pampero explain NAME` says the same. What is undefined is `n/a`, never \
         0. Money is exact; ratios are computed in floating point from exact equities.\n\n\
         | name | title | formula | undefined if |\n|---|---|---|---|\n"
    );
    for statistic in pampero_report::explanations() {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            statistic.name,
            cell(statistic.title),
            cell(statistic.formula),
            if statistic.undefined.is_empty() { "never" } else { statistic.undefined },
        );
    }
    page
}
