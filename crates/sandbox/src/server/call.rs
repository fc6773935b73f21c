//! A request as the handlers see it: tolerant of everything that the exchange's clients are known to send.

use std::collections::BTreeMap;

use pampero_model::{Cash, ParseAmountError, Span};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::Refusal;
use crate::world::{Origin, User};

/// A request, its sender known if it needs to be.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// What stands in the path in place of `{…}`.
    pub params: Vec<String>,
    /// Keys and values, decoded.
    pub query: Vec<(String, String)>,
    pub body: Document,
    /// For whom it is done.
    pub user: Option<User>,
    /// The key it was sent with.
    pub key: Option<u64>,
    pub twist: Twist,
}

/// What faults make of a request's processing.
#[derive(Clone, Debug, Default)]
pub struct Twist {
    /// It is processed only after a time.
    pub late: Option<Span>,
    /// It is processed twice.
    pub twice: bool,
    /// A cancellation is answered and forgotten.
    pub cancel_lost: bool,
    /// The engine takes so much longer.
    pub engine_delay: Option<Span>,
    /// The exchange cancels the new order by itself.
    pub cancel_order: bool,
}

impl Call {
    /// Who sent it. Only called where a key is needed, so there is one.
    pub fn user(&self) -> Result<&User, Refusal> {
        self.user.as_ref().ok_or(Refusal::NoKey)
    }

    pub fn origin(&self) -> Origin {
        self.key.map_or(Origin::Admin, Origin::Key)
    }

    /// The first part of the path that varies.
    pub fn id(&self) -> &str {
        self.params.first().map_or("", String::as_str)
    }

    /// The same as a number.
    pub fn number(&self) -> Result<u64, Refusal> {
        self.id().parse().map_err(|_| Refusal::Missing)
    }

    /// A value of the query.
    pub fn query(&self, key: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
            .filter(|text| !text.is_empty())
    }

    /// A filter: in the query as `filter[name]`, or in the body.
    pub fn filter(&self, name: &str) -> Option<String> {
        let in_query = self.query(&format!("filter[{name}]")).map(str::to_owned);
        in_query.or_else(|| self.body.filter.get(name).and_then(|raw| text_of(raw)))
    }

    /// A whole number of a filter or the query.
    pub fn whole(text: Option<&str>) -> Option<i64> {
        text.and_then(|text| text.trim().parse().ok())
    }

    /// A text attribute; numbers are taken as they are written, null as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        self.body.attributes.get(name).and_then(|raw| text_of(raw)).filter(|text| !text.is_empty())
    }

    /// An amount: a number, with or without an exponent, or a string. Digits beyond the eighth are cut.
    pub fn amount(&self, name: &str) -> Result<Option<Cash>, ParseAmountError> {
        self.text(name).map(|text| text.trim().parse()).transpose()
    }

    /// A boolean attribute.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// An attribute as the JSON that was sent.
    pub fn json(&self, name: &str) -> Option<&str> {
        self.body.attributes.get(name).map(|raw| raw.get()).filter(|text| *text != "null")
    }

    /// The id of a related resource.
    pub fn related(&self, name: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Pointer {
            id: Box<RawValue>,
        }
        #[derive(Deserialize)]
        struct Relationship {
            data: Option<Pointer>,
        }
        let relationship: Relationship =
            serde_json::from_str(self.body.relationships.get(name)?.get()).ok()?;
        text_of(&relationship.data?.id)
    }
}

/// The text of a JSON scalar; nothing for null, lists and objects.
fn text_of(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'n' | b'[' | b'{' => None,
        _ => Some(text.to_owned()),
    }
}

type Members = BTreeMap<String, Box<RawValue>>;

/// The parts of a JSON:API document that matter. Everything in it is optional.
#[derive(Clone, Debug, Default)]
pub struct Document {
    attributes: Members,
    relationships: Members,
    filter: Members,
}

impl Document {
    /// Reads a body; an empty one, `{}` and one without data are all the same. Only what is not JSON is refused.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let text = std::str::from_utf8(body).map_err(|_| Refusal::NotJson)?;
        let _: &RawValue = serde_json::from_str(text).map_err(|_| Refusal::NotJson)?;
        let members = |text: &str| serde_json::from_str::<Members>(text).unwrap_or_default();
        let top = members(text);
        let inside =
            |parent: &Members, key: &str| parent.get(key).map(|raw| members(raw.get())).unwrap_or_default();
        let data = inside(&top, "data");
        Ok(Self {
            attributes: inside(&data, "attributes"),
            relationships: inside(&data, "relationships"),
            filter: inside(&top, "filter"),
        })
    }
}

/// The keys and values of a query, whether its brackets are encoded or not.
pub fn parse_query(query: Option<&str>) -> Vec<(String, String)> {
    let pairs = query.unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Undoes percent-encoding; a `%` without two hexadecimal digits stays as it is.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        if let Some(decoded) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(decoded);
            at += 3;
        } else {
            bytes.push(if *byte == b'+' { b' ' } else { *byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_may_be_encoded() {
        let raw = parse_query(Some("filter[orderbook_code]=btc_usd&limit=2&x"));
        let encoded = parse_query(Some("filter%5Borderbook_code%5D=btc_usd&limit=2&x="));
        assert_eq!(raw, encoded);
        assert_eq!(raw[0], ("filter[orderbook_code]".to_owned(), "btc_usd".to_owned()));
        assert_eq!(decode("asks%2Cbids+100%"), "asks,bids 100%");
    }

    #[test]
    fn bodies_of_every_known_shape_are_read() {
        let call = |body: &str| Call { body: Document::parse(body.as_bytes()).unwrap(), ..Call::default() };
        for body in ["", "{}", "null", "[]", r#"{"data":null}"#, r#"{"data":{"type":"","attributes":null}}"#]
        {
            assert_eq!(call(body).text("amount"), None, "{body}");
        }
        let sent = call(
            r#"{"data":{"attributes":{"amount":1.0e-08,"price":"4059.15336658354114713216957604","user":null,"write":true},
               "relationships":{"withdrawal_instruction":{"data":{"type":"x","id":2,"attributes":{}}}}},
               "filter":{"orderbook_code":"btc_usd"}}"#,
        );
        assert_eq!(sent.amount("amount").unwrap(), Some(Cash::UNIT));
        assert_eq!(sent.amount("price").unwrap().unwrap().to_string(), "4059.15336658");
        assert_eq!((sent.amount("user"), sent.flag("write")), (Ok(None), Some(true)));
        assert_eq!(sent.related("withdrawal_instruction").as_deref(), Some("2"));
        assert_eq!(sent.filter("orderbook_code").as_deref(), Some("btc_usd"));
        assert!(Document::parse(b"{").is_err());
    }
}
