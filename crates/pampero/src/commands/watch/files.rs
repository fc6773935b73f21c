//! Which files are looked at, and what of them changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// When each file was last written, and its length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

/// Folders of results, not of sources.
const LEFT_OUT: [&str; 3] = ["target", "runs", "data"];
/// Sources and configurations.
const LOOKED_AT: [&str; 2] = ["rs", "toml"];

impl Stamps {
    /// The sources and configurations below a folder, and one file wherever it is.
    pub fn of(folder: &Path, file: Option<&Path>) -> Self {
        let mut stamps = Self::default();
        stamps.add_folder(folder);
        if let Some(file) = file.filter(|file| !file.is_dir()) {
            stamps.add(file.to_owned());
        }
        stamps
    }

    /// The files that are not as they were: written, new, or gone.
    pub fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        let not_as = |a: &Self, b: &Self| {
            a.0.iter()
                .filter(|(file, stamp)| b.0.get(*file) != Some(*stamp))
                .map(|(file, _)| file.clone())
                .collect()
        };
        let mut changed: Vec<PathBuf> = not_as(self, before);
        let gone: Vec<PathBuf> = not_as(before, self);
        changed.extend(gone);
        changed.sort();
        changed.dedup();
        changed
    }

    fn add(&mut self, file: PathBuf) {
        // A file that is being replaced is not there for a moment.
        if let Ok(about) = fs::metadata(&file) {
            let file = file.strip_prefix(".").map(Path::to_path_buf).unwrap_or(file);
            self.0.insert(file, (about.modified().ok(), about.len()));
        }
    }

    fn add_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            // A link to a folder is not followed: it may lead back.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && (name.starts_with('.') || LEFT_OUT.contains(&name.as_str())) => {
                }
                Ok(kind) if kind.is_dir() => self.add_folder(&path),
                Ok(_) if path.extension().is_some_and(|end| LOOKED_AT.iter().any(|one| end == *one)) => {
                    self.add(path);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // test code
    use super::*;

    #[test]
    fn sources_and_configurations_count_and_results_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            file
        };
        let elsewhere = tempfile::tempdir().unwrap();
        let named = elsewhere.path().join("other.txt");
        fs::write(&named, "1").unwrap();
        let look = || Stamps::of(folder.path(), Some(&named));
        let source = write("src/deep/lib.rs", "1");
        let before = look();
        for quiet in
            ["target/debug/x.rs", "runs/a/report.toml", ".git/config.toml", "data/x.toml", "notes.txt"]
        {
            write(quiet, "1");
        }
        assert_eq!(look(), before);
        let loud = [write("src/new.rs", "1"), write("pampero.toml", "1"), write("src/deep/lib.rs", "12")];
        fs::write(&named, "12").unwrap();
        let mut expected = vec![loud[0].clone(), loud[1].clone(), source.clone(), named.clone()];
        expected.sort();
        let after = look();
        assert_eq!(after.changed_since(&before), expected);
        fs::remove_file(&source).unwrap();
        assert_eq!(look().changed_since(&after), [source]);
    }
}
