//! Standard output and standard error: a closed pipe is no error, colours only where they can be seen.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};

use crate::advice::Advised as _;
use crate::error::Failure;
pub(crate) use crate::table::{fitted, rows, table, wrapped};

/// What JSON objects say they are, such as `pampero.data-list/1`: a process carries out one command.
static SCHEMA: OnceLock<String> = OnceLock::new();
/// Whether an object was printed.
static ANSWERED: AtomicBool = AtomicBool::new(false);
/// Version of the shapes of all objects. A shape that loses a field, or changes what one means, gets the next one.
const VERSION: u32 = 1;

/// Says which command this process carries out, by its words: `data`, `list`.
pub(crate) fn begin(command: &[&str]) {
    // The first one stays: there is no other.
    let name = if command.is_empty() { "ladder".to_owned() } else { command.join("-") };
    let _ = SCHEMA.set(format!("pampero.{name}/{VERSION}"));
}

/// An object with what it is.
pub(crate) fn with_schema(mut object: Json) -> Json {
    if let Some(fields) = object.as_object_mut() {
        let schema = SCHEMA.get().map_or("pampero/1", String::as_str);
        fields.insert("schema".to_owned(), schema.into());
    }
    object
}

/// Writes to standard output. A reader that has gone away, such as `head`, ends the output quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::run(format!("standard output: {error}"), error.advice()))
        }
        _ => Ok(()),
    }
}

/// Writes sentences to standard output, no line wider than 80 columns.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    print(&fitted(text))
}

/// Writes one JSON object, on one line and with its schema, to standard output.
pub(crate) fn print_json(object: &Json) -> Result<(), Failure> {
    ANSWERED.store(true, Ordering::Relaxed);
    print(&format!("{}\n", with_schema(object.clone())))
}

/// Writes why a command failed as a JSON object, unless its answer says so already.
pub(crate) fn print_failure(failure: &Failure) {
    if !ANSWERED.load(Ordering::Relaxed) {
        // The failure itself is what matters.
        let _ = print_json(&json!({ "error": failure.to_json() }));
    }
}

/// Writes to standard error; if that fails there is nobody to tell.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether standard output shows colours.
pub(crate) fn color_on_stdout() -> bool {
    io::stdout().is_terminal() && colors_wanted()
}

/// Whether standard error shows colours.
pub(crate) fn color_on_stderr() -> bool {
    io::stderr().is_terminal() && colors_wanted()
}

fn colors_wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
