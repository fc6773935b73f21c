//! Projects that `pampero new` makes: they are really built, tested and run, without the network.
//!
//! A change that is meant to change what a template's backtest does is accepted with `PAMPERO_ACCEPT=1 cargo test -p
//! pampero --test new`; the difference then stands in the commit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{pampero_in, wide_lines};

/// Where this workspace is built. Projects are built there, too: most of what they depend on is there already.
fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pampero")).parent().and_then(Path::parent).unwrap()
}

/// An empty folder that is the same each time, so that nothing piles up in the target directory.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs cargo in a project as its owner would; what it printed.
fn cargo(project: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    // What cargo says to this test is nothing to the one inside.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if (name.starts_with("CARGO_") && name != "CARGO_HOME") || name.starts_with("RUST_LIB") {
            command.env_remove(name);
        }
    }
    command.current_dir(project).env("CARGO_TARGET_DIR", target()).env("NO_COLOR", "1");
    let output = command.args(arguments).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cargo {arguments:?} in {}\n{stdout}\n{stderr}", project.display());
    stdout.into_owned()
}

fn template_works(template: &str) {
    let folder = fresh(template);
    let name = format!("my-{template}");
    let made = pampero_in(&folder, &["new", &name, "--template", template, "--json"]).json();
    let files: Vec<&str> =
        made["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(files.contains(&"src/lib.rs") && files.contains(&"Cargo.lock"), "{files:?}");
    let project = folder.join(&name);
    assert!(files.iter().all(|file| project.join(file).is_file()));

    cargo(&project, &["fmt", "--check"]);
    cargo(&project, &["test", "--offline", "--quiet"]);
    let backtest = cargo(&project, &["run", "--offline", "--quiet", "--", "backtest", "--json"]);
    let backtest: Value = serde_json::from_str(&backtest).unwrap();
    assert_eq!(backtest["inputs"]["strategy"], name.as_str());
    assert!(
        backtest["summary"]["fills"].as_u64().unwrap() >= 10,
        "too few fills to say anything: {backtest}"
    );
    let configuration = cargo(&project, &["run", "--offline", "--quiet", "--", "config", "check"]);
    assert!(configuration.contains("pampero.toml is right") && configuration.contains("with limits"));

    // The strategy on its own: no network, no database, no async runtime, nor the command line.
    let tree = ["tree", "--offline", "--no-default-features", "--edges", "normal", "--prefix", "none"];
    let tree = cargo(&project, &tree);
    let has = |krate: &str| tree.lines().any(|line| line.split(' ').next() == Some(krate));
    assert!(has("pampero-engine"), "{tree}");
    for heavy in ["pampero", "pampero-store", "tokio", "reqwest", "hyper", "rusqlite", "clap", "rand"] {
        assert!(!has(heavy), "the strategy depends on {heavy}:\n{tree}");
    }
    if std::env::var_os("PAMPERO_ACCEPT").is_some() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(template).join("fills.csv");
        fs::copy(project.join("tests/golden/fills.csv"), kept).unwrap();
    }
}

#[test]
fn every_template_builds_tests_and_backtests_without_the_network() {
    for template in ["minimal", "maker", "signal"] {
        template_works(template);
    }
}

#[test]
fn what_it_says_fits_eighty_columns_and_names_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let ran = pampero_in(folder.path(), &["new", "trend", "--template", "signal"]);
    assert_eq!((ran.code, wide_lines(&ran.stdout)), (0, Vec::<String>::new()), "{}", ran.stderr);
    assert!(ran.stdout.contains("\n  cd trend\n  cargo run -- backtest "), "{}", ran.stdout);
    let readme = fs::read_to_string(folder.path().join("trend/README.md")).unwrap();
    assert!(readme.contains("`pampero new trend --template signal`"));
}

/// What the command says to arguments that it refuses.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let ran = pampero_in(folder, arguments);
    assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stdout);
    assert!(ran.stderr.contains("help: "), "{}", ran.stderr);
    ran.stderr
}

#[test]
fn names_that_collide_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (name, why) in [
        ("match", "a word of the Rust language"),
        ("async", "a word of the Rust language"),
        ("std", "Rust itself has a crate of that name"),
        ("proc-macro", "Rust itself has a crate of that name"),
        ("deps", "cargo keeps a folder of that name"),
        ("pampero", "the framework's own crates"),
        ("pampero-maker", "the framework's own crates"),
        ("serde", "the project depends on a crate of that name"),
        ("sma-cross", "a strategy of that name already"),
        ("sma_cross", "a strategy of that name already"),
        ("My-Maker", "it must begin with a small letter"),
        ("4ever", "it must begin with a small letter"),
        ("mi estrategia", "only small letters, digits"),
        ("maker-ñ", "only small letters, digits"),
        ("../up", "it must begin with a small letter"),
        ("maker-", "it ends with a dash"),
        ("", "it is empty"),
        ("a23456789-123456789-123456789-123456789-1", "longer than 40"),
    ] {
        let message = refused(folder.path(), &["new", name]);
        assert!(message.contains(why), "{name}: {message}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was made");
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("full")).unwrap();
    fs::write(folder.path().join("full/notes.txt"), "mine").unwrap();
    let message = refused(folder.path(), &["new", "full"]);
    assert!(message.contains("`full` is there already and holds `notes.txt`"), "{message}");
    fs::write(folder.path().join("file"), "").unwrap();
    let message = refused(folder.path(), &["new", "other", "--path", "file"]);
    assert!(message.contains("`file` is a file"), "{message}");
    // A repository that holds nothing yet is a good place.
    fs::create_dir_all(folder.path().join("bots/.git")).unwrap();
    assert_eq!(pampero_in(folder.path(), &["new", "other", "--path", "bots"]).code, 0);
    assert!(folder.path().join("bots/src/lib.rs").is_file());
}

#[test]
fn the_crates_come_from_a_checkout_a_repository_or_the_registry() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = |name: &str, source: &[&str]| {
        let ran = pampero_in(folder.path(), &[&["new", name], source].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        fs::read_to_string(folder.path().join(name).join("Cargo.toml")).unwrap()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let of_checkout = format!("pampero-engine = {{ path = \"{}/crates/engine\" }}", root.display());
    assert!(manifest("one", &[]).contains(&of_checkout));
    assert!(manifest("two", &["--source", root.to_str().unwrap()]).contains(&of_checkout));
    let of_git = manifest("three", &["--source", "https://example.com/pampero"]);
    assert!(of_git.contains("pampero-model = { git = \"https://example.com/pampero\" }"), "{of_git}");
    assert!(!folder.path().join("three/Cargo.lock").exists());
    let of_registry = manifest("four", &["--source", "registry"]);
    let version = env!("CARGO_PKG_VERSION");
    let expected =
        format!("pampero = {{ version = \"{version}\", default-features = false, optional = true }}");
    assert!(of_registry.contains(&expected), "{of_registry}");
    let message = refused(folder.path(), &["new", "five", "--source", "."]);
    assert!(message.contains("there is no checkout of Pampero in `.`"), "{message}");
    assert!(!folder.path().join("five").exists());
}
