//! Where a project takes Pampero's crates from.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::error::Failure;

/// Where the crates are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A checkout of the repository.
    Checkout(PathBuf),
    /// A repository.
    Git(String),
    /// The registry, in this program's version.
    Registry,
}

/// Where this program was built.
const BUILT_IN: &str = env!("CARGO_MANIFEST_DIR");

impl Source {
    /// The one that is asked for, or the one this program came from.
    pub fn find(given: Option<&str>) -> Result<Self, Failure> {
        match given {
            Some("registry") => Ok(Self::Registry),
            Some(url) if is_url(url) => Ok(Self::Git(url.to_owned())),
            Some(path) => checkout(Path::new(path)).map(Self::Checkout).ok_or_else(|| {
                let message = format!("there is no checkout of Pampero in `{path}`: no crates/engine");
                Failure::usage(message, "give the folder that holds its README.md, a git URL, or `registry`")
            }),
            None => Self::of_this_program(Path::new(BUILT_IN)),
        }
    }

    fn of_this_program(built_in: &Path) -> Result<Self, Failure> {
        // Cargo's own folders come and go as it likes.
        let of_cargo = |what: &str| built_in.components().any(|part| part.as_os_str() == what);
        let above = built_in.parent().and_then(Path::parent);
        match above.filter(|_| !of_cargo("checkouts")).and_then(checkout) {
            Some(folder) => Ok(Self::Checkout(folder)),
            None if of_cargo("registry") => Ok(Self::Registry),
            None => Err(Failure::usage(
                "the checkout that this program was built from is gone, and a project needs its crates",
                "say where they are: --source FOLDER, --source https://…/pampero, or --source registry",
            )),
        }
    }

    /// A dependency on a crate, as Cargo.toml has it.
    pub fn dependency(&self, krate: &str, more: &str) -> String {
        // A crate's folder has its name without the prefix.
        let folder = krate.strip_prefix("pampero-").unwrap_or(krate);
        match self {
            Self::Checkout(path) => {
                let path = path.join("crates").join(folder);
                format!("{{ path = {}{more} }}", json!(path.display().to_string()))
            }
            Self::Git(url) => format!("{{ git = {}{more} }}", json!(url)),
            Self::Registry if more.is_empty() => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
            Self::Registry => format!("{{ version = \"{}\"{more} }}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// The versions that a checkout was tested with. With them a project builds without the network.
    pub fn lock_file(&self) -> Option<PathBuf> {
        match self {
            Self::Checkout(path) => Some(path.join("Cargo.lock")).filter(|file| file.is_file()),
            Self::Git(_) | Self::Registry => None,
        }
    }

    pub fn to_json(&self) -> Json {
        match self {
            Self::Checkout(path) => json!({ "kind": "checkout", "path": path }),
            Self::Git(url) => json!({ "kind": "git", "url": url }),
            Self::Registry => json!({ "kind": "registry", "version": env!("CARGO_PKG_VERSION") }),
        }
    }
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("git@")
}

/// The absolute path of a checkout, if the folder is one.
fn checkout(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let is_one = ["engine", "pampero"]
        .iter()
        .all(|krate| folder.join("crates").join(krate).join("Cargo.toml").is_file());
    is_one.then_some(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // test code
    use super::*;

    #[test]
    fn a_dependency_is_written_as_its_source_needs_it() {
        let checkout = Source::Checkout("/a b/\"c\"".into());
        assert_eq!(checkout.dependency("pampero-engine", ""), r#"{ path = "/a b/\"c\"/crates/engine" }"#);
        let optional = ", optional = true";
        let git = Source::find(Some("https://example.com/pampero.git")).unwrap();
        let expected = r#"{ git = "https://example.com/pampero.git", optional = true }"#;
        assert_eq!(git.dependency("pampero", optional), expected);
        let registry = Source::find(Some("registry")).unwrap();
        assert_eq!(registry.dependency("pampero-model", ""), format!("\"{}\"", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn a_program_knows_where_it_came_from() {
        let of = |path: &str| Source::of_this_program(Path::new(path));
        assert!(matches!(of(BUILT_IN).unwrap(), Source::Checkout(_)));
        let registry = "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/pampero-0.1.0";
        assert_eq!(of(registry).unwrap(), Source::Registry);
        assert!(of("/gone/crates/pampero").is_err());
        assert!(of("/home/a/.cargo/git/checkouts/pampero-1234/abcdef/crates/pampero").is_err());
    }
}
