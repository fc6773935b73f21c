//! The JSON schema of the configuration, for editors, made of the table of keys.

use serde_json::{Map, Value as Json, json};

use super::schema::{KEYS, Key, Kind, tables};

/// A JSON schema (draft 2020-12) of the configuration.
pub(crate) fn json_schema() -> Json {
    let mut schema = object("");
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        fields.insert("title".to_owned(), "Configuration of Pampero".into());
    }
    schema
}

/// The table at a path, which is empty for the whole.
fn object(path: &str) -> Json {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
    let mut properties = Map::new();
    let mut any = None;
    for key in KEYS.iter() {
        let Some(rest) = key.path.strip_prefix(&prefix) else { continue };
        let name = rest.split(['.', '[']).next().unwrap_or(rest);
        let child = format!("{prefix}{name}");
        let schema = || match rest.strip_prefix(name) {
            Some("") => value(key),
            Some(after) if after.starts_with("[]") => {
                json!({ "type": "array", "items": object(&format!("{child}[]")) })
            }
            _ => object(&child),
        };
        if name == "*" {
            any.get_or_insert_with(schema);
        } else if !properties.contains_key(name) {
            properties.insert(name.to_owned(), schema());
        }
    }
    let mut object = json!({ "type": "object", "properties": properties });
    if let Some(fields) = object.as_object_mut() {
        fields.insert("additionalProperties".to_owned(), any.unwrap_or(Json::Bool(false)));
        if let Some((_, what)) = tables().find(|(table, _)| *table == path) {
            fields.insert("description".to_owned(), (*what).into());
        }
    }
    object
}

fn value(key: &Key) -> Json {
    let mut schema = match key.kind {
        Kind::Text | Kind::Address | Kind::Instant | Kind::Currency | Kind::Zone | Kind::Span => {
            json!({ "type": "string" })
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Amount | Kind::Share => {
            json!({ "type": ["string", "number"], "pattern": "^[0-9]+([.][0-9]+)?$", "minimum": 0 })
        }
        Kind::Choice(choices) => json!({ "enum": choices }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Data => json!({ "type": "array", "items": { "anyOf": [
            { "type": "string" },
            { "type": "object", "required": ["market", "file"], "additionalProperties": false,
              "properties": { "market": { "type": "string" }, "file": { "type": "string" } } },
        ] } }),
        Kind::Latency => json!({ "anyOf": [
            { "type": "string" },
            { "type": "object", "required": ["min", "max"], "additionalProperties": false,
              "properties": { "min": { "type": "string" }, "max": { "type": "string" } } },
            { "type": "object", "required": ["measured"], "additionalProperties": false,
              "properties": { "measured": { "type": "string" } } },
        ] }),
        Kind::Any => json!({}),
    };
    if let Some(fields) = schema.as_object_mut() {
        let description = format!("{} Default: {}.", key.what, key.default);
        fields.insert("description".to_owned(), description.into());
    }
    schema
}
