//! TOML as a tree of values that know where they stand. Numbers keep their text, so that money never passes
//! through floating point.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in the text, in bytes.
pub(crate) type Place = Range<usize>;

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    /// An integer or a float, as its text.
    Number(String),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Field>),
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub place: Place,
}

/// A key of a table with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

impl Value {
    /// What kind of value it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// The text of a value that is not made of others.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Flag(true) => Some("true"),
            Self::Flag(false) => Some("false"),
            Self::List(_) | Self::Table(_) => None,
        }
    }

    /// The value as JSON, for the parameters of strategies. Numbers with a point become text, which amounts are
    /// read from exactly.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(text) => {
                text.parse::<i64>().map_or_else(|_| text.as_str().into(), serde_json::Value::from)
            }
            Self::Flag(flag) => (*flag).into(),
            Self::List(nodes) => nodes.iter().map(|node| node.value.to_json()).collect(),
            Self::Table(fields) => {
                let fields = fields.iter().map(|field| (field.key.clone(), field.node.value.to_json()));
                serde_json::Value::Object(fields.collect())
            }
        }
    }
}

/// A mistake in the form of the text, with its place.
pub(crate) struct SyntaxError {
    pub message: String,
    pub place: Place,
}

/// Reads TOML; goes on after mistakes, so that all are found at once.
pub(crate) fn parse(text: &str) -> (Node, Vec<SyntaxError>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = errors.iter().map(|error| SyntaxError {
        message: error.message().to_owned(),
        place: error.span().unwrap_or_default(),
    });
    let place = table.span();
    (Node { value: table_of(table.get_ref()), place }, errors.collect())
}

fn table_of(table: &DeTable<'_>) -> Value {
    let mut fields: Vec<Field> = table
        .iter()
        .map(|(key, value)| Field {
            key: key.get_ref().to_string(),
            key_place: key.span(),
            node: node_of(value),
        })
        .collect();
    // As in the file, so that mistakes are reported from top to bottom.
    fields.sort_by_key(|field| field.key_place.start);
    Value::Table(fields)
}

fn node_of(value: &Spanned<DeValue<'_>>) -> Node {
    let place = value.span();
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Value::Number(number.as_str().to_owned()),
        DeValue::Integer(number) => Value::Number(
            i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.to_string(), |number| number.to_string()),
        ),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(node_of).collect()),
        DeValue::Table(table) => table_of(table),
    };
    Node { value, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text() {
        let (node, errors) = parse("a = 0.10000000000000000001\nb = 1_000\nc = 0x10\nd = 2024-01-31\n");
        assert!(errors.is_empty());
        let Value::Table(fields) = node.value else { panic!("a table") };
        let texts: Vec<_> = fields.iter().filter_map(|field| field.node.value.text()).collect();
        assert_eq!(texts, ["0.10000000000000000001", "1000", "16", "2024-01-31"]);
    }

    #[test]
    fn all_mistakes_of_form_are_found() {
        let (_, errors) = parse("a = \nb = 1\nc = [1,\nd = = 2\n");
        assert!(errors.len() >= 2);
    }
}
