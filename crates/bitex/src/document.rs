//! JSON:API documents, as far as the exchange speaks it: `data`, `included`, relationships; no links, no meta.

use std::borrow::Cow;

use pampero_exchange::Error;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::{self, Entries, Id};

/// One resource of a document, its content not read yet.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Resource<'a> {
    #[serde(borrow)]
    pub id: Id<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    relationships: Option<&'a RawValue>,
}

/// What a relationship names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Reference<'a> {
    #[serde(borrow)]
    pub id: Id<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
}

/// A document about one thing or about many.
#[derive(Debug, serde::Deserialize)]
struct Document<'a, T> {
    data: T,
    #[serde(borrow, default, deserialize_with = "wire::list")]
    included: Vec<Resource<'a>>,
}

/// Something the exchange describes in a document.
pub(crate) trait FromResource: Sized {
    /// The JSON:API types it comes as.
    const TYPES: &'static [&'static str];

    /// Reads it from its resource and the resources that came along.
    fn from_resource(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<Self, String>;
}

/// A document about one thing.
pub(crate) fn one<T: FromResource>(body: &[u8]) -> Result<T, Error> {
    let document: Document<'_, Resource<'_>> = serde_json::from_slice(body).map_err(malformed)?;
    read(&document.data, &document.included)
}

/// A document about many things.
pub(crate) fn many<T: FromResource>(body: &[u8]) -> Result<Vec<T>, Error> {
    let document: Document<'_, Vec<Resource<'_>>> = serde_json::from_slice(body).map_err(malformed)?;
    document.data.iter().map(|resource| read(resource, &document.included)).collect()
}

fn read<T: FromResource>(resource: &Resource<'_>, included: &[Resource<'_>]) -> Result<T, Error> {
    let kind = &*resource.kind;
    if !T::TYPES.contains(&kind) {
        let expected = T::TYPES.join("` or `");
        return Err(Error::Malformed(format!("it is about `{}` instead of `{expected}`", brief(kind))));
    }
    T::from_resource(resource, included)
        .map_err(|error| Error::Malformed(format!("{kind} {}: {}", brief(&resource.id.0), brief(&error))))
}

// serde_json's texts name types, places and, at most, a short scalar; never whole documents.
#[allow(clippy::needless_pass_by_value)] // for map_err
fn malformed(error: serde_json::Error) -> Error {
    Error::Malformed(brief(&error.to_string()))
}

/// At most a line of somebody else's words, without anything that looks like a key.
pub(crate) fn brief(words: &str) -> String {
    // Before anything else: what they keep apart would stand together without them, a key too.
    let words: String = words.chars().filter(|letter| !letter.is_control()).collect();
    let mut line = String::new();
    for piece in words.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        if word.len() >= 20 && word.bytes().any(|byte| byte.is_ascii_digit()) {
            line.push('…');
            line.extend(piece.chars().skip(word.len()));
        } else {
            line.push_str(piece);
        }
    }
    let mut brief: String = line.chars().take(200).collect();
    if line.chars().count() > 200 {
        brief.push('…');
    }
    brief
}

impl<'a> Resource<'a> {
    /// Its attributes.
    pub fn attributes<T: Deserialize<'a>>(&self) -> Result<T, String> {
        let raw = self.attributes.map_or("{}", RawValue::get);
        serde_json::from_str(raw).map_err(|error| error.to_string())
    }

    /// The thing that a relationship names, where the document includes it.
    pub fn related<T: FromResource>(
        &self,
        name: &str,
        included: &[Resource<'_>],
    ) -> Result<Option<T>, String> {
        let relationships = self.relationships()?;
        let Some(reference) = relationships.one(name) else { return Ok(None) };
        let same = |other: &&Resource<'_>| other.kind == reference.kind && other.id == reference.id;
        let found = included.iter().find(same).filter(|found| T::TYPES.contains(&&*found.kind));
        found.map(|found| T::from_resource(found, included)).transpose()
    }

    /// Its relationships, each with what it names; nothing where they are missing.
    pub fn relationships(&self) -> Result<Relationships<'a>, String> {
        let raw = self.relationships.map_or("{}", RawValue::get);
        serde_json::from_str(raw).map(Relationships).map_err(|error| error.to_string())
    }
}

/// The relationships of a resource.
#[derive(Debug)]
pub(crate) struct Relationships<'a>(Entries<Option<Relationship<'a>>>);

#[derive(Debug, serde::Deserialize)]
struct Relationship<'a> {
    #[serde(borrow, default, deserialize_with = "linkage")]
    data: Vec<Reference<'a>>,
}

/// `null`, one reference or a list of them.
fn linkage<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reference<'a>>, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?.get();
    let read = if raw == "null" {
        Ok(Vec::new())
    } else if raw.starts_with('[') {
        serde_json::from_str(raw)
    } else {
        serde_json::from_str(raw).map(|reference| vec![reference])
    };
    read.map_err(serde::de::Error::custom)
}

impl<'a> Relationships<'a> {
    /// Everything a relationship names; nothing where it is missing or null.
    pub fn many(&self, name: &str) -> &[Reference<'a>] {
        let found = self.0.0.iter().find(|(other, _)| other == name);
        let relationship = found.and_then(|(_, relationship)| relationship.as_ref());
        relationship.map_or(&[], |relationship| &relationship.data)
    }

    /// The one thing a relationship names.
    pub fn one(&self, name: &str) -> Option<&Reference<'a>> {
        self.many(name).first()
    }
}
