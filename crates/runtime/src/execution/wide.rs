//! Whole numbers of 128 bits in notes. Serde reads what has a tag through a buffer that knows numbers of 64 bits only; larger
//! ones are written as text.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(super) fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(*value) {
        Ok(narrow) => serializer.serialize_i64(narrow),
        Err(_) => serializer.collect_str(value),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written<'a> {
        Narrow(i64),
        Text(Cow<'a, str>),
    }
    match Written::deserialize(deserializer)? {
        Written::Narrow(narrow) => Ok(narrow.into()),
        Written::Text(text) => text.parse().map_err(de::Error::custom),
    }
}

/// The same for what may be missing.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Wide(#[serde(with = "super")] i128);

    #[allow(clippy::ref_option)] // serde asks so
    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<i128>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Wide).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<i128>, D::Error> {
        Ok(Option::<Wide>::deserialize(deserializer)?.map(|Wide(value)| value))
    }
}

#[cfg(test)]
mod tests {
    use pampero_model::{FillId, OrderId};

    use super::super::Note;

    #[test]
    fn notes_with_large_numbers_are_read_again() {
        for value in [0, -5, i64::MAX.into(), i128::from(i64::MAX) + 1, i128::MAX, i128::MIN] {
            let currency = "usd".parse().unwrap();
            let (order, fill) = (OrderId(1), FillId(2));
            for note in [
                Note::Difference { currency, ledger: value, account: -(value / 2) },
                Note::FeeDiffers { order, fill, charged: value, expected: 1 },
                Note::NotFound { order, clean: 2, surplus: Some(value) },
                Note::NotFound { order, clean: 2, surplus: None },
            ] {
                let text = serde_json::to_string(&note).unwrap();
                assert_eq!(serde_json::from_str::<Note>(&text).unwrap(), note, "{text}");
            }
        }
        // As it was written before.
        let text = r#"{"note":"not_found","order":1,"clean":2,"surplus":-7}"#;
        let note = Note::NotFound { order: OrderId(1), clean: 2, surplus: Some(-7) };
        assert_eq!(serde_json::from_str::<Note>(text).unwrap(), note);
    }
}
