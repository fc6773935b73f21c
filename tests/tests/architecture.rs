//! The picture of the house, held by the packages themselves: who may know whom, and what must stay pure.
//!
//! A new package fails here until it is listed in [`ROOMS`] with what it may know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// A folder of packages and the rooms that those may depend on, by folder names.
struct Room {
    /// The folder, or the folder with `*` for all packages in it.
    folder: &'static str,
    knows: &'static [&'static str],
    /// What its tests may know besides.
    tests_know: &'static [&'static str],
    /// Computes only: no I/O, no clock, no async runtime, and quick to build.
    pure: bool,
}

const fn pure(folder: &'static str, knows: &'static [&'static str]) -> Room {
    Room { folder, knows, tests_know: &[], pure: true }
}

const fn room(folder: &'static str, knows: &'static [&'static str]) -> Room {
    Room { folder, knows, tests_know: &[], pure: false }
}

/// What the edges join: all but the face and what it runs.
const JOINED: &[&str] = &[
    "model",
    "venue",
    "engine",
    "indicators",
    "backtest",
    "exchange",
    "bitex",
    "sandbox",
    "store",
    "report",
    "testkit",
];
/// Everything there is, for the packages on top.
const ALL: &[&str] = &[
    "model",
    "venue",
    "engine",
    "indicators",
    "backtest",
    "exchange",
    "bitex",
    "sandbox",
    "store",
    "report",
    "testkit",
    "strategies",
    "runtime",
    "pampero",
];

const ROOMS: &[Room] = &[
    pure("crates/model", &[]),
    pure("crates/venue", &["model"]),
    pure("crates/engine", &["model"]),
    pure("crates/indicators", &["model"]),
    pure("crates/backtest", &["model", "venue", "engine"]),
    // A strategy author rebuilds in seconds: nothing heavy, and the test kit for tests alone.
    Room {
        folder: "strategies/*",
        knows: &["model", "engine", "indicators"],
        tests_know: &["testkit"],
        pure: true,
    },
    room("crates/testkit", &["model", "venue", "engine", "backtest"]),
    room("crates/exchange", &["model"]),
    room("crates/bitex", &["model", "exchange"]),
    room("crates/sandbox", &["model", "venue"]),
    room("crates/store", &["model"]),
    room("crates/report", &["model"]),
    // Only these two put things together.
    room("crates/runtime", JOINED),
    room("crates/pampero", ALL),
    // On top of the house and known by nobody.
    room("benches", ALL),
    room("tests", ALL),
    room("xtask", ALL),
];

/// Packages that mean input and output, an async runtime or a long build.
const HEAVY: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "ureq",
    "axum",
    "rustls",
    "native-tls",
    "openssl-sys",
    "rusqlite",
    "libsqlite3-sys",
    "parquet",
    "arrow",
    "zstd-sys",
    "csv",
    "clap",
    "indicatif",
];

/// What code of a pure room does not say.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "println!",
    "eprintln!",
    "Timestamp::now",
    "Zoned::now",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .expect("cargo metadata")
}

/// The package's folder from the root: `crates/model`.
fn folder(package: &Package) -> String {
    let manifest = package.manifest_path.parent().unwrap().canonicalize().unwrap();
    manifest.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

fn room_of(folder: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| match room.folder.strip_suffix("/*") {
        Some(parent) => folder.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/')),
        None => room.folder == folder,
    })
}

/// The word for a room in the lists of others: its last folder, or `strategies` for any of them.
fn word(room: &Room) -> &'static str {
    match room.folder.strip_suffix("/*") {
        Some(parent) => parent,
        None => room.folder.rsplit('/').next().unwrap(),
    }
}

#[test]
fn every_package_is_a_room_of_the_house() {
    for package in &metadata().packages {
        let folder = folder(package);
        assert!(room_of(&folder).is_some(), "{folder} is new: list it in ROOMS with what it may know");
        let last = folder.rsplit('/').next().unwrap();
        // `cargo xtask` is an alias that names its package.
        let plain = ["pampero", "xtask"].contains(&last);
        let expected = if plain { last.to_owned() } else { format!("pampero-{last}") };
        assert_eq!(package.name.as_str(), expected, "the name of the package in {folder}");
    }
}

#[test]
fn rooms_know_only_the_rooms_they_may() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let folder_name = folder(package);
        let Some(room) = room_of(&folder_name) else { continue };
        for dependency in &package.dependencies {
            let Some(other) = metadata.packages.iter().find(|other| *other.name == dependency.name) else {
                continue;
            };
            let Some(known) = room_of(&folder(other)) else { continue };
            let for_tests = dependency.kind == DependencyKind::Development;
            let allowed =
                room.knows.contains(&word(known)) || (for_tests && room.tests_know.contains(&word(known)));
            if !allowed {
                let purpose = if for_tests { " (for its tests)" } else { "" };
                wrong.push(format!("{folder_name} may not depend on {}{purpose}", other.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rules themselves must not allow what the picture forbids.
#[test]
fn the_rules_hold_what_the_design_promises() {
    let knows = |folder: &str| room_of(folder).unwrap().knows.iter().copied().collect::<BTreeSet<_>>();
    assert!(knows("crates/model").is_empty());
    for room in
        ["crates/bitex", "crates/store", "crates/sandbox", "crates/exchange", "crates/report", "crates/venue"]
    {
        assert!(!knows(room).contains("engine"), "{room} never sees the engine");
    }
    for room in ROOMS.iter().filter(|room| room.pure) {
        for known in room.knows {
            let other = ROOMS.iter().find(|other| word(other) == *known).unwrap();
            assert!(other.pure, "{} is pure and may not know {known}", room.folder);
        }
    }
    for room in ROOMS {
        let together = room.knows.contains(&"engine") && room.knows.contains(&"exchange");
        let on_top = !room.folder.starts_with("crates/") && !room.folder.starts_with("strategies/");
        assert!(
            !together || on_top || ["runtime", "pampero"].contains(&word(room)),
            "{} puts engine and exchange together",
            room.folder
        );
    }
}

/// By what is really built for each package, its own features alone: `cargo metadata` would join the features of
/// all packages.
#[test]
fn pure_rooms_build_nothing_that_does_input_or_output() {
    for package in &metadata().packages {
        if !room_of(&folder(package)).is_some_and(|room| room.pure) {
            continue;
        }
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "--edges",
                "normal,build",
                "--prefix",
                "none",
                "--format",
                "{p}",
            ])
            .args(["--package", package.name.as_str()])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        let built: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(
            built.contains(package.name.as_str()),
            "the tree of {} has no such package:\n{tree}",
            package.name
        );
        let heavy: Vec<&&str> = HEAVY.iter().filter(|heavy| built.contains(*heavy)).collect();
        assert!(heavy.is_empty(), "{} may not build {heavy:?}", package.name);
    }
}

#[test]
fn pure_rooms_speak_of_no_file_no_clock_and_no_thread() {
    for package in &metadata().packages {
        let folder = folder(package);
        if !room_of(&folder).is_some_and(|room| room.pure) {
            continue;
        }
        for file in sources(&root().join(&folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in
                text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
            {
                let found = IMPURE.iter().find(|word| line.contains(**word));
                assert!(found.is_none(), "{}:{}: {}", file.display(), number + 1, line.trim());
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Version, edition, licence, lints and the versions of dependencies are stated once, in the root.
#[test]
fn packages_inherit_what_the_workspace_states() {
    for package in &metadata().packages {
        let path = &package.manifest_path;
        let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let inherits = |value: Option<&toml::Value>| {
            value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
        };
        for key in ["version", "edition", "rust-version", "license", "repository", "publish"] {
            let value = manifest["package"].get(key);
            assert!(inherits(value), "{path}: write `{key}.workspace = true` in [package]");
        }
        assert!(inherits(manifest.get("lints")), "{path}: write `workspace = true` in [lints]");
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                assert!(
                    inherits(Some(value)),
                    "{path}: state the version of `{name}` in the root's Cargo.toml"
                );
            }
        }
        assert!(package.description.is_some(), "{path}: say in `description` what the package is for");
    }
}

/// A strategy can be read in one sitting: its decisions are at most 200 lines of code, without comments, parameters and
/// the crate's face. What is longer holds something that other authors could use, and belongs in the engine, the model
/// or the indicators.
#[test]
fn a_strategy_is_at_most_200_lines() {
    let folders = fs::read_dir(root().join("strategies")).unwrap().map(|entry| entry.unwrap().path());
    for folder in folders.filter(|path| path.join("Cargo.toml").exists()) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let logic = sources(&folder.join("src"))
            .into_iter()
            .filter(|file| !["lib.rs", "params.rs"].contains(&file.file_name().unwrap().to_str().unwrap()));
        let counted: usize = logic.map(|file| code_lines(&fs::read_to_string(file).unwrap())).sum();
        assert!((20..=200).contains(&counted), "{name} has {counted} lines of code");
    }
}

/// Lines that are neither empty nor comments, up to the tests.
fn code_lines(text: &str) -> usize {
    let lines = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}
