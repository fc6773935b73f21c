//! Files of expected results, with a mode for accepting new ones.

use std::path::{Path, PathBuf};

use crate::outcome::Run;

/// Asserts that a text equals the file of that name, such as `tests/golden/week.txt`, in the package under test.
///
/// With `PAMPERO_ACCEPT=1` in the environment the file is written instead, so that a change that is meant stands in the
/// next commit as a difference to review. A file that does not exist fails, and says so.
///
/// # Panics
///
/// If the texts differ or the file cannot be read or written.
// The panic is the point.
#[allow(clippy::panic)]
#[track_caller]
pub fn expect_golden(file: &str, text: &str) {
    let path = in_package(file);
    if std::env::var_os("PAMPERO_ACCEPT").is_some() {
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            panic!("{}: {error}", path.display());
        }
        return;
    }
    match std::fs::read_to_string(&path) {
        Ok(expected) if expected == text => {}
        Ok(expected) => panic!(
            "{} differs{}\n(PAMPERO_ACCEPT=1 accepts what was found)",
            path.display(),
            first_difference(&expected, text)
        ),
        Err(error) => panic!("{}: {error}\n(PAMPERO_ACCEPT=1 writes it)", path.display()),
    }
}

/// Tests run in the folder of their package, wherever cargo was called.
fn in_package(file: &str) -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(file), |folder| Path::new(&folder).join(file))
}

fn first_difference(expected: &str, found: &str) -> String {
    let (mut left, mut right) = (expected.lines(), found.lines());
    for number in 1_usize.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (expected, found) if expected == found => {}
            (expected, found) => {
                let show = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
                return format!(" at line {number}\n  - {}\n  + {}", show(expected), show(found));
            }
        }
    }
    " in its line ends".to_owned()
}

impl Run {
    /// Asserts that orders, executions and the final equity equal the file of that name: see [`expect_golden`].
    #[track_caller]
    pub fn expect_golden(&self, file: &str) -> &Self {
        let mut lines = self.order_lines();
        lines.push(String::new());
        lines.extend(self.fill_lines());
        lines.push(String::new());
        lines.push(format!("equity {}\n", self.final_equity()));
        expect_golden(file, &lines.join("\n"));
        self
    }
}
