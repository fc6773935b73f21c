//! How this program is called: by its name, or through cargo in the folder of a project.

use std::path::{Path, PathBuf};

/// The name of the program.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from);
    let name = called.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "pampero".to_owned())
}

/// Whether the working directory is a package of cargo's that this program was built from.
pub(crate) fn in_project() -> bool {
    let built_by_cargo = std::env::current_exe().is_ok_and(|program| {
        // `target/debug/…` or `target/release/…`, wherever the target directory is.
        let folder = program.parent();
        let profile =
            folder.and_then(Path::file_name).is_some_and(|name| name == "debug" || name == "release");
        profile && folder.is_some_and(|folder| folder.join("deps").is_dir())
    });
    built_by_cargo && Path::new("Cargo.toml").is_file()
}

/// A command as one would type it here.
pub(crate) fn command(words: &str, trades: bool) -> String {
    let start = match (in_project(), trades) {
        (false, _) => program(),
        (true, false) => "cargo run --".to_owned(),
        (true, true) => "cargo run --features live --".to_owned(),
    };
    if words.is_empty() { start.trim_end_matches(" --").to_owned() } else { format!("{start} {words}") }
}
