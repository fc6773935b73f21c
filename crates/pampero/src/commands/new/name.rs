//! What a project may be called.

use pampero_engine::StrategyDefinition;

use crate::error::Failure;

/// The name of a project in its three forms.
pub(super) struct Name {
    /// The package's and the program's, such as `my-maker`.
    pub package: String,
    /// The crate's in code, such as `my_maker`.
    pub krate: String,
    /// The strategy's in configurations, such as `my-maker`.
    pub strategy: String,
}

/// Longer names make unreadable tables.
const LONGEST: usize = 40;

impl Name {
    /// Takes a name that collides with nothing.
    pub fn new(name: &str, definitions: &[StrategyDefinition]) -> Result<Self, Failure> {
        let refuse = |why: String| {
            Failure::usage(
                format!("a project cannot be called `{name}`: {why}"),
                "choose another name, such as my-strategy",
            )
        };
        let (krate, strategy) = (name.replace('-', "_"), name.replace('_', "-"));
        if let Some(why) = wrong_form(name) {
            return Err(refuse(why.to_owned()));
        }
        if KEYWORDS.contains(&krate.as_str()) {
            return Err(refuse("it is a word of the Rust language".to_owned()));
        }
        if STANDARD.contains(&krate.as_str()) {
            return Err(refuse("Rust itself has a crate of that name".to_owned()));
        }
        if CARGO.contains(&krate.as_str()) {
            return Err(refuse("cargo keeps a folder of that name beside the program".to_owned()));
        }
        if krate == "pampero" || krate.starts_with("pampero_") {
            return Err(refuse("names that begin with `pampero` are the framework's own crates".to_owned()));
        }
        if DEPENDENCIES.contains(&krate.as_str()) {
            return Err(refuse("the project depends on a crate of that name".to_owned()));
        }
        if definitions.iter().any(|definition| definition.name() == strategy) {
            return Err(refuse("there is a strategy of that name already".to_owned()));
        }
        Ok(Self { package: name.to_owned(), krate, strategy })
    }
}

fn wrong_form(name: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    match name.chars().next() {
        None => Some("it is empty"),
        Some(first) if !first.is_ascii_lowercase() => Some("it must begin with a small letter from a to z"),
        _ if !name.chars().all(allowed) => Some("only small letters, digits, `-` and `_` may stand in it"),
        _ if name.ends_with(['-', '_']) => Some("it ends with a dash"),
        _ if name.len() > LONGEST => Some("it is longer than 40 letters"),
        _ => None,
    }
}

/// Words that are no identifiers, or will not be.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Crates that come with the compiler.
const STANDARD: &[&str] = &["alloc", "core", "proc_macro", "std", "test"];

/// Folders of cargo's in a target directory, where the program would lie.
const CARGO: &[&str] = &["build", "deps", "examples", "incremental"];

/// What a project depends on beside Pampero's crates.
const DEPENDENCIES: &[&str] = &["proptest", "serde"];
