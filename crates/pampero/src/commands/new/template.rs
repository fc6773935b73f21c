//! The files of a new project. They lie in `crates/pampero/templates`, with `{{…}}` where the name goes.

use super::data::{BOOKS, CANDLES, Sample, TRADES};
use super::name::Name;
use super::source::Source;
use crate::cli::author::TemplateName;

/// What a project begins as.
pub(super) struct Template {
    pub name: &'static str,
    strategy: &'static str,
    configuration: &'static str,
    behaviour: &'static str,
    golden: &'static str,
    /// What the data is, for README.
    about_data: &'static str,
    pub data: &'static [Sample],
}

/// The files of one template.
macro_rules! of {
    ($name:literal, $about_data:literal, $data:expr) => {
        Template {
            name: $name,
            strategy: include_str!(concat!("../../../templates/", $name, "/lib.rs")),
            configuration: include_str!(concat!("../../../templates/", $name, "/pampero.toml")),
            behaviour: include_str!(concat!("../../../templates/", $name, "/behaviour.rs")),
            golden: include_str!(concat!("../../../templates/", $name, "/fills.csv")),
            about_data: $about_data,
            data: $data,
        }
    };
}

const MINIMAL: Template = of!("minimal", "a day of candles of one minute", &[CANDLES]);
const MAKER: Template = of!("maker", "two hours of books and trades", &[BOOKS, TRADES]);
const SIGNAL: Template = of!("signal", "a day of candles of one minute", &[CANDLES]);

const MANIFEST: &str = include_str!("../../../templates/common/manifest.toml");
const MAIN: &str = include_str!("../../../templates/common/main.rs");
const BACKTEST: &str = include_str!("../../../templates/common/backtest.rs");
const README: &str = include_str!("../../../templates/common/README.md");
const RUSTFMT: &str = include_str!("../../../templates/common/rustfmt.toml");
const GITIGNORE: &str = include_str!("../../../templates/common/gitignore");

impl Template {
    pub const fn of(name: TemplateName) -> Self {
        match name {
            TemplateName::Minimal => MINIMAL,
            TemplateName::Maker => MAKER,
            TemplateName::Signal => SIGNAL,
        }
    }

    /// Every file with its path and text, but for data.
    pub fn files(&self, name: &Name, source: &Source) -> Vec<(&'static str, String)> {
        let files = [
            ("Cargo.toml", MANIFEST),
            (".gitignore", GITIGNORE),
            ("README.md", README),
            ("rustfmt.toml", RUSTFMT),
            ("pampero.toml", self.configuration),
            ("src/lib.rs", self.strategy),
            ("src/main.rs", MAIN),
            ("tests/backtest.rs", BACKTEST),
            ("tests/behaviour.rs", self.behaviour),
            ("tests/golden/fills.csv", self.golden),
        ];
        files.into_iter().map(|(path, text)| (path, self.fill_in(text, name, source))).collect()
    }

    fn fill_in(&self, text: &str, name: &Name, source: &Source) -> String {
        let words = [
            ("name", name.package.clone()),
            ("crate", name.krate.clone()),
            ("strategy", name.strategy.clone()),
            ("template", self.name.to_owned()),
            ("data", self.about_data.to_owned()),
            ("homepage", env!("CARGO_PKG_REPOSITORY").to_owned()),
            ("pampero", source.dependency("pampero", ", default-features = false, optional = true")),
            ("pampero-engine", source.dependency("pampero-engine", "")),
            ("pampero-indicators", source.dependency("pampero-indicators", "")),
            ("pampero-model", source.dependency("pampero-model", "")),
            ("pampero-testkit", source.dependency("pampero-testkit", "")),
        ];
        words
            .iter()
            .fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{{{word}}}}}"), value))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // test code
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        for name in TemplateName::value_variants() {
            let template = Template::of(*name);
            let project = Name::new("my_maker", &[]).unwrap_or_else(|error| panic!("{error}"));
            for (path, text) in template.files(&project, &Source::Registry) {
                assert!(!text.contains("{{") && !text.contains("}}"), "{path} of {}", template.name);
                assert!(text.ends_with('\n') || text.is_empty(), "{path} of {}", template.name);
            }
        }
    }
    /// Somebody reads the whole of it before they change anything.
    #[test]
    fn a_strategy_to_begin_with_is_forty_to_eighty_lines() {
        for name in TemplateName::value_variants() {
            let template = Template::of(*name);
            let lines = template.strategy.lines().filter(|line| !line.trim().is_empty());
            let (comments, code): (Vec<_>, Vec<_>) = lines.partition(|line| line.trim().starts_with("//"));
            let count = comments.len() + code.len();
            assert!((40..=80).contains(&count), "{} has {count} lines", template.name);
            assert!(
                comments.len() * 8 >= count,
                "{} explains itself in {} lines",
                template.name,
                comments.len()
            );
        }
    }
}
