//! What users bring: configurations and files of market data.

use std::path::Path;
use std::sync::LazyLock;

use pampero_sandbox::SandboxConfig;
use pampero_store::{LoadOptions, load_bytes};

/// A configuration, checked with the strategies that come along.
pub(super) fn configuration(input: &[u8]) {
    static STRATEGIES: LazyLock<Vec<pampero_engine::StrategyDefinition>> =
        LazyLock::new(pampero::builtin_strategies);
    let Ok(text) = std::str::from_utf8(input) else { return };
    // No such folder, so that no path of the text leads to a file.
    if let Err(mistakes) = pampero::check_configuration(text, &STRATEGIES, Path::new("/nonexistent")) {
        assert!(mistakes.contains("mistake"), "{mistakes}");
    }
}

/// A configuration of the local exchange, and a list of faults.
pub(super) fn sandbox_configuration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let errors = [SandboxConfig::from_toml(text).err(), SandboxConfig::faults_from_toml(text).err()]
        .into_iter()
        .flatten();
    for error in errors {
        assert!(!error.to_string().is_empty());
    }
}

/// A text of market data: read strictly, then as it stands. What can be read strictly is read the same as it stands.
pub(super) fn csv(input: &[u8]) {
    let strict = load_bytes("input", input, &LoadOptions::default());
    let raw = load_bytes("input", input, &LoadOptions { raw: true, ..LoadOptions::default() });
    match strict {
        Ok(strict) => assert_eq!(raw.map(|raw| raw.series).ok(), Some(strict.series)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The same for Parquet: the input is put behind its first four bytes.
pub(super) fn parquet(input: &[u8]) {
    let mut file = b"PAR1".to_vec();
    file.extend_from_slice(input.strip_prefix(b"PAR1").unwrap_or(input));
    if let Err(error) = load_bytes("input", &file, &LoadOptions::default()) {
        assert!(!error.to_string().is_empty());
    }
}

/// The words of a command line, a line each.
pub(super) fn arguments(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let words: Vec<&str> = std::iter::once("pampero").chain(text.lines()).collect();
    if let Err(error) = pampero::check_command_line(&words) {
        assert!(error.contains("error:") || error.contains("Usage:"), "{error}");
    }
}
