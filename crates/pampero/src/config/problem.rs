//! What is wrong with a configuration, shown with the line it stands on.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::document::Place;

/// One mistake. The key says where it is, the help says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key's path (`strategy[0].parameters.fast`), or the option on the command line (`--cash`).
    pub key: String,
    /// Where it stands; found by the key if unknown.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Problem {
    pub fn new(key: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { key: key.into(), place: None, message: message.into(), help: help.into() }
    }

    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Whether the command line is to blame, not a file.
    pub fn is_of_command_line(&self) -> bool {
        self.key.starts_with("--")
    }
}

/// The text of a configuration, its name, and the places of its keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub name: String,
    pub text: String,
    /// Every key that is set, by path: the place of the key and of its value.
    pub places: Vec<(String, Place, Place)>,
}

impl Source {
    /// The place of a key, or of the nearest table around it.
    pub fn place_of(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some((_, _, value)) = self.places.iter().find(|(other, _, _)| other == path) {
                return Some(value.clone());
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// Line and column of a place, from one.
    pub fn line_column(&self, place: &Place) -> (usize, usize) {
        let before = self.text.get(..place.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        (line, column)
    }
}

/// Most mistakes that are shown: what has more is something else than a configuration.
const MOST_SHOWN: usize = 20;

/// All mistakes of a configuration, with its text.
#[derive(Clone, Debug)]
pub(crate) struct Problems {
    pub source: Option<Source>,
    pub list: Vec<Problem>,
}

impl Problems {
    /// The mistakes as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let of_problem = |problem: &Problem| {
            let source = self.source.as_ref();
            let found = || source.and_then(|source| source.place_of(&problem.key));
            let place = problem.place.clone().or_else(found);
            let at = source.zip(place).map(|(source, place)| source.line_column(&place));
            serde_json::json!({
                "key": problem.key, "line": at.map(|at| at.0), "column": at.map(|at| at.1),
                "message": problem.message, "help": problem.help,
            })
        };
        self.list.iter().map(of_problem).collect()
    }

    /// The mistakes as text, from top to bottom.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut placed: Vec<(Option<Place>, &Problem)> = self
            .list
            .iter()
            .map(|problem| {
                let found = || self.source.as_ref().and_then(|source| source.place_of(&problem.key));
                (problem.place.clone().or_else(found), problem)
            })
            .collect();
        placed.sort_by_key(|(place, _)| place.as_ref().map_or(usize::MAX, |place| place.start));
        let mut text = String::new();
        for (place, problem) in placed.into_iter().take(MOST_SHOWN) {
            let _ = writeln!(text, "{}\n", self.render_one(&renderer, place, problem));
        }
        let of_file = self.source.as_ref().filter(|_| !self.list.iter().all(Problem::is_of_command_line));
        let name = of_file.map_or("the command line", |source| source.name.as_str());
        let _ = match self.list.len() {
            1 => writeln!(text, "1 mistake in {name}"),
            count if count > MOST_SHOWN => {
                writeln!(text, "{count} mistakes in {name}; the first {MOST_SHOWN} are shown")
            }
            count => writeln!(text, "{count} mistakes in {name}"),
        };
        text
    }

    fn render_one(&self, renderer: &Renderer, place: Option<Place>, problem: &Problem) -> String {
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let help = Level::HELP.message(problem.help.as_str());
        let group = match (place, &self.source) {
            (Some(place), Some(source)) => {
                let snippet = Snippet::source(source.text.as_str())
                    .path(source.name.as_str())
                    .annotation(AnnotationKind::Primary.span(within(&source.text, place)));
                title.element(snippet).element(help)
            }
            _ => title.element(help),
        };
        renderer.render(&[group])
    }
}

/// A place of at least one character, on one line: tables would show all of their lines.
fn within(text: &str, place: Place) -> Place {
    let start = place.start.min(text.len());
    let rest = text.get(start..place.end.max(start)).unwrap_or_default();
    let end = start + rest.find('\n').unwrap_or(rest.len());
    start..end
}
