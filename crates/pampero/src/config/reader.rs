//! Reads a configuration: walks the file along the table of keys and collects every mistake.

use super::document::{Field, Node, Value, parse};
use super::problem::{Problem, Problems, Source};
use super::schema::{KEYS, Key, Refusal, Setter, Spot};
use super::{Config, StrategySection};
use crate::suggest::hint;

/// A configuration that was read, with its text for messages about what its values mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What could be read.
    pub config: Config,
    pub source: Source,
    /// Mistakes in form, keys and values.
    pub problems: Vec<Problem>,
    /// Whether the text is TOML at all.
    well_formed: bool,
}

/// Reads a configuration.
///
/// The mistakes found are those in form, keys and values. What the values mean together is checked later, with
/// what could be read.
pub(crate) fn read(name: &str, text: &str) -> Reading {
    let (root, syntax) = parse(text);
    let well_formed = syntax.is_empty();
    let mut reader = Reader {
        config: Config::default(),
        source: Source { name: name.to_owned(), text: text.to_owned(), places: Vec::new() },
        problems: Vec::new(),
    };
    for error in syntax {
        let help = "correct the form: see https://toml.io for the rules of TOML";
        reader.problems.push(Problem::new("", error.message, help).at(error.place));
    }
    if let Value::Table(fields) = &root.value {
        reader.table(fields, "", "", &Spot::default());
    }
    let Reader { config, source, problems } = reader;
    Reading { config, source, problems, well_formed }
}

impl Reading {
    /// The reading, if nothing was wrong with its form.
    pub fn without_problems(self) -> Result<Self, Problems> {
        if self.problems.is_empty() { Ok(self) } else { Err(self.all_problems(|_| Vec::new())) }
    }

    /// The mistakes in form together with those in meaning that `check` finds in what could be read. A key whose
    /// value could not be read is not blamed a second time for what is missing; a file that is not even TOML is not
    /// asked what it means.
    pub fn all_problems(self, check: impl FnOnce(&Config) -> Vec<Problem>) -> Problems {
        let Self { config, source, problems: mut list, well_formed } = self;
        if well_formed {
            let form: Vec<String> = list.iter().map(|problem| problem.key.clone()).collect();
            let related =
                |key: &str| form.iter().any(|other| key.starts_with(other) || other.starts_with(key));
            list.extend(check(&config).into_iter().filter(|problem| !related(&problem.key)));
        }
        Problems { source: Some(source), list }
    }
}

struct Reader {
    config: Config,
    source: Source,
    problems: Vec<Problem>,
}

/// What may stand at a path.
enum Expected {
    Value(&'static Key),
    Table,
    Tables,
    Nothing,
}

fn expected(pattern: &str) -> Expected {
    for key in KEYS.iter() {
        match key.path.strip_prefix(pattern) {
            Some("") => return Expected::Value(key),
            Some(rest) if rest.starts_with('.') => return Expected::Table,
            Some(rest) if rest.starts_with("[]") => return Expected::Tables,
            _ => {}
        }
    }
    Expected::Nothing
}

/// The keys that a table may have, in the order of the table of keys.
fn children(pattern: &str) -> Vec<&'static str> {
    let prefix = if pattern.is_empty() { String::new() } else { format!("{pattern}.") };
    let mut names: Vec<&'static str> = KEYS
        .iter()
        .filter_map(|key| key.path.strip_prefix(&prefix))
        .filter_map(|rest| rest.split(['.', '[']).next())
        .collect();
    names.dedup();
    names
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Reader {
    fn table(&mut self, fields: &[Field], pattern: &str, path: &str, spot: &Spot) {
        for field in fields {
            let named = join(pattern, &field.key);
            match expected(&named) {
                Expected::Nothing => self.any_name(field, pattern, path, spot),
                expected => self.field(field, &expected, &named, &join(path, &field.key), spot),
            }
        }
    }

    /// A key whose name is free, such as a currency, or one that there is not.
    fn any_name(&mut self, field: &Field, pattern: &str, path: &str, spot: &Spot) {
        let wild = join(pattern, "*");
        let path = join(path, &field.key);
        match expected(&wild) {
            Expected::Nothing => {
                let table = if pattern.is_empty() { "the configuration" } else { &format!("[{pattern}]") };
                let message = format!("`{}` is not a key of {table}", field.key);
                let problem = Problem::new(path, message, hint(&field.key, children(pattern)));
                self.problems.push(problem.at(field.key_place.clone()));
            }
            Expected::Table if matches!(&field.node.value, Value::Table(fields) if fields.is_empty()) => {
                let keys = children(&wild).join(", ");
                let help = format!("set one of its keys ({keys}), or leave the table out");
                let problem = Problem::new(&*path, format!("[{path}] says nothing"), help);
                self.problems.push(problem.at(field.key_place.clone()));
            }
            expected => {
                let mut spot = spot.clone();
                spot.names.push(field.key.clone());
                self.field(field, &expected, &wild, &path, &spot);
            }
        }
    }

    fn field(&mut self, field: &Field, expected: &Expected, pattern: &str, path: &str, spot: &Spot) {
        let Field { key_place, node, .. } = field;
        self.source.places.push((path.to_owned(), key_place.clone(), node.place.clone()));
        match (expected, &node.value) {
            (Expected::Value(key), _) => self.value(key, node, path, spot),
            (Expected::Table, Value::Table(fields)) => self.table(fields, pattern, path, spot),
            (Expected::Tables, Value::List(items)) => self.tables(items, field, pattern, path, spot),
            (Expected::Table, other) => {
                self.wrong_form(field, path, other, &format!("make it a table: [{path}]"));
            }
            (Expected::Tables, other) => {
                self.wrong_form(field, path, other, &format!("write it with two brackets: [[{path}]]"));
            }
            (Expected::Nothing, _) => {}
        }
    }

    fn wrong_form(&mut self, field: &Field, path: &str, found: &Value, help: &str) {
        let message = format!("`{path}` is {}, which it cannot be", found.kind());
        self.problems.push(Problem::new(path, message, help).at(field.key_place.clone()));
    }

    /// A list of tables, of which there is one so far: the strategies.
    fn tables(&mut self, items: &[Node], field: &Field, pattern: &str, path: &str, spot: &Spot) {
        self.config.strategies.resize_with(items.len(), StrategySection::default);
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let spot = Spot { index, ..spot.clone() };
            match &item.value {
                Value::Table(fields) => {
                    self.source.places.push((path.clone(), field.key_place.clone(), item.place.clone()));
                    self.table(fields, &format!("{pattern}[]"), &path, &spot);
                }
                other => self.wrong_form(field, &path, other, "write a table for each entry"),
            }
        }
    }

    fn value(&mut self, key: &Key, node: &Node, path: &str, spot: &Spot) {
        let set = match key.set {
            Setter::Config(set) => set(&mut self.config, spot, node),
            Setter::Limits(set) => {
                let of_strategy = key.path.starts_with("strategy[]");
                let strategy = self.config.strategies.get_mut(spot.index).filter(|_| of_strategy);
                set(strategy.map_or(&mut self.config.limits, |strategy| &mut strategy.limits), spot, node)
            }
        };
        let Err(Refusal { message, help, place }) = set else { return };
        let shown = match node.value.text() {
            Some(text) => format!("`{path}` = `{text}`"),
            None => format!("`{path}`"),
        };
        let message = message.unwrap_or_else(|| match node.value.text() {
            Some(_) => "is not of the expected form".to_owned(),
            None => format!("is {}", node.value.kind()),
        });
        let help = help.unwrap_or_else(|| format!("write {}", key.kind.expected()));
        let problem = Problem::new(path, format!("{shown} {message}"), help);
        self.problems.push(problem.at(place.unwrap_or_else(|| node.place.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::super::explain_key;
    use super::super::schema::Kind;
    use super::*;

    fn sample(kind: Kind) -> String {
        match kind {
            Kind::Text | Kind::Any => "\"a\"".to_owned(),
            Kind::Address => "\"https://example.com/hook\"".to_owned(),
            Kind::Flag => "true".to_owned(),
            Kind::Count => "3".to_owned(),
            Kind::Amount => "1_000.5".to_owned(),
            Kind::Share => "\"0.01\"".to_owned(),
            Kind::Span => "\"15m\"".to_owned(),
            Kind::Instant => "2024-01-31".to_owned(),
            Kind::Currency => "\"usd\"".to_owned(),
            Kind::Zone => "\"UTC\"".to_owned(),
            Kind::Choice(choices) => format!("\"{}\"", choices[0]),
            Kind::Texts => "[\"btc_usd\"]".to_owned(),
            Kind::Data => "[\"a.csv\", \"sample:x\", { market = \"btc_usd\", file = \"b.csv\" }]".to_owned(),
            Kind::Latency => "{ min = \"1ms\", max = \"2ms\" }".to_owned(),
        }
    }

    /// A file with one key.
    fn file_of(path: &str, value: &str) -> String {
        let path = path.replace('*', "btc_usd");
        match path.strip_prefix("strategy[].") {
            Some(rest) => format!("[[strategy]]\n{rest} = {value}\n"),
            None => format!("{path} = {value}\n"),
        }
    }

    #[test]
    fn every_key_can_be_set_and_explained_and_refuses_what_it_is_not() {
        for key in KEYS.iter() {
            // The key is a currency there.
            let path = key.path.replace("rates.*", "rates.usd");
            let reading = read("a.toml", &file_of(&path, &sample(key.kind)));
            assert_eq!(reading.problems, [], "{path}");
            let plain =
                format!("{:?}", Config { strategies: vec![StrategySection::default()], ..Config::default() });
            let empty = format!("{:?}", Config::default());
            let set = format!("{:?}", reading.config);
            assert!(set != plain && set != empty, "{path} goes nowhere");
            assert!(explain_key(&path.replace('*', "btc_usd"), Some(&reading.source)).is_some(), "{path}");
            if key.kind != Kind::Any {
                assert!(!read("a.toml", &file_of(&path, "{ x = 1 }")).problems.is_empty(), "{path}");
            }
        }
    }

    #[test]
    fn amounts_are_read_as_they_are_written() {
        let reading = read("a.toml", "[account]\nusd = 0.10000000\nars = 12345678901234567.00000001\n");
        let amounts: Vec<String> = reading.config.account.iter().map(|(_, cash)| cash.to_string()).collect();
        assert_eq!(amounts, ["0.1", "12345678901234567.00000001"], "a float would have lost digits");
    }

    #[test]
    fn limits_go_to_the_account_or_to_their_strategy() {
        let text = "[[strategy]]\nname = \"a\"\n[[strategy]]\nname = \"b\"\n[strategy.limits]\nmax_open_orders = 2\n\
                    [limits]\nmax_open_orders = 5\n";
        let config = read("a.toml", text).config;
        assert_eq!(config.limits.values.max_open_orders, Some(5));
        let of_strategies: Vec<_> =
            config.strategies.iter().map(|strategy| strategy.limits.values.max_open_orders).collect();
        assert_eq!(of_strategies, [None, Some(2)]);
    }

    #[test]
    fn a_venue_is_called_by_a_name_that_means_nothing_else() {
        let read = |name: &str| read("a.toml", &format!("[venues.{name}]\nadapter = \"bitex\"\n"));
        let reading = read("north_2");
        assert!(reading.problems.is_empty() && reading.config.is_further("north_2"));
        for name in ["bitex", "local", "North", "\"a:b\"", "\"\""] {
            let reading = read(name);
            let [problem] = reading.problems.as_slice() else { panic!("{name}: {:?}", reading.problems) };
            assert!(problem.message.contains("cannot be called so"), "{problem:?}");
            assert!(problem.help.contains("name"), "{problem:?}");
        }
        let problems = super::read("a.toml", "[venues.north]\nadapter = \"binance\"\n").problems;
        assert!(problems[0].help.contains("one of \"bitex\""), "{problems:?}");
    }

    #[test]
    fn a_table_with_a_name_and_nothing_in_it_is_told_what_it_may_hold() {
        let problems = read("a.toml", "[rate_sources.usd]\n[limits.markets.btc_usd]\n[limits]\n").problems;
        let told: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(told, ["[rate_sources.usd] says nothing", "[limits.markets.btc_usd] says nothing"]);
        assert!(problems[0].help.starts_with("set one of its keys (url, file, pointer"), "{problems:?}");
    }

    #[test]
    fn tables_of_the_wrong_form_are_told_how_to_be_written() {
        let problems = read("a.toml", "limits = 5\n[strategy]\nname = \"a\"\n").problems;
        let help: Vec<_> = problems.iter().map(|problem| problem.help.as_str()).collect();
        assert_eq!(help, ["make it a table: [limits]", "write it with two brackets: [[strategy]]"]);
    }
}
