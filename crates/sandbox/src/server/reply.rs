//! Answers, and the exact bodies of refusals.

use pampero_model::RejectReason;

use crate::json::{Json, object};

/// What a handler answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200 with a document.
    Ok(Json),
    /// 201 with a document.
    Created(Json),
    /// 204 without anything.
    Nothing,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is unknown or revoked.
    InvalidKey,
    /// The key lacks the permission.
    NoPermission,
    /// There is no key.
    NoKey,
    /// The one-time password is missing or wrong.
    WrongPassword,
    /// There is no such thing.
    Missing,
    /// There is no order book of that code.
    NoBook(String),
    /// The document says something that cannot be.
    Invalid { kind: &'static str, attribute: &'static str, message: String },
    /// The body is not JSON.
    NotJson,
}

impl Refusal {
    pub fn invalid(kind: &'static str, attribute: &'static str, message: &str) -> Self {
        Self::Invalid { kind, attribute, message: message.to_owned() }
    }

    /// Of an order that the venue refuses at once.
    pub fn of_order(kind: &'static str, reason: RejectReason, code: &str) -> Self {
        match reason {
            RejectReason::TooSmall => Self::invalid(kind, "base", "La orden es muy pequeña"),
            RejectReason::UnknownMarket => Self::NoBook(code.to_owned()),
            _ => Self::invalid(kind, "base", "La orden no es válida"),
        }
    }

    /// Status and document.
    pub fn document(&self) -> (u16, Json) {
        let error = |text: &str| object! { "error": Json::text(text) };
        let errors = |error: Json| object! { "errors": Json::List(vec![error]) };
        match self {
            Self::InvalidKey => (401, error("Invalid Api Key")),
            Self::NoPermission => (401, error("Not enough permissions")),
            Self::NoKey => (401, error("Necesitas iniciar sesión o registrarte para continuar.")),
            Self::WrongPassword => (401, error("Invalid One Time Password")),
            Self::Missing => (404, errors(object! { "code": Json::Null, "detail": Json::Null })),
            Self::NoBook(code) => {
                let detail =
                    format!("Orderbook with code {} not found", code.to_uppercase().replace('_', ""));
                (404, errors(object! { "code": Json::text("not_found"), "detail": Json::text(detail) }))
            }
            Self::Invalid { kind, attribute, message } => {
                let pointer = format!("/data/attributes/{attribute}");
                let error = object! {
                    "status": Json::Int(422),
                    "title": Json::text(message),
                    "detail": Json::text(message),
                    "code": Json::text(parameterise(message)),
                    "meta": object! { "type": Json::text(*kind) },
                    "source": object! { "pointer": Json::text(pointer) },
                };
                (422, errors(error))
            }
            Self::NotJson => {
                let error = object! { "status": Json::Int(400), "title": Json::text("Bad Request"), "detail": Json::text("the body is not JSON") };
                (400, errors(error))
            }
        }
    }
}

/// Lower case without accents, words joined by underscores.
fn parameterise(text: &str) -> String {
    let lower = text.to_lowercase();
    let plain = lower.chars().map(|character| match character {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        other if other.is_ascii_alphanumeric() => other,
        _ => ' ',
    });
    plain.collect::<String>().split_whitespace().collect::<Vec<_>>().join("_")
}

/// `{"data": …}`
pub fn data(value: Json) -> Reply {
    Reply::Ok(object! { "data": value })
}

/// `{"data": […]}`
pub fn list(values: Vec<Json>) -> Reply {
    data(Json::List(values))
}

/// A resource without relationships.
#[allow(clippy::needless_pass_by_value)] // mostly numbers
pub fn resource(id: impl ToString, kind: &'static str, attributes: Json) -> Json {
    object! { "id": Json::text(id.to_string()), "type": Json::text(kind), "attributes": attributes }
}

/// A resource with relationships.
#[allow(clippy::needless_pass_by_value)] // mostly numbers
pub fn related(id: impl ToString, kind: &'static str, attributes: Json, relationships: Json) -> Json {
    object! {
        "id": Json::text(id.to_string()),
        "type": Json::text(kind),
        "attributes": attributes,
        "relationships": relationships,
    }
}

/// `{"data": {"id": …, "type": …}}`
pub fn pointer(id: impl ToString, kind: &'static str) -> Json {
    object! { "data": identifier(id, kind) }
}

/// `{"id": …, "type": …}`
#[allow(clippy::needless_pass_by_value)] // mostly numbers
pub fn identifier(id: impl ToString, kind: &'static str) -> Json {
    object! { "id": Json::text(id.to_string()), "type": Json::text(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_recorded_bodies() {
        let printed = |refusal: Refusal| {
            let (status, document) = refusal.document();
            (status, document.print())
        };
        let small = Refusal::of_order("asks", RejectReason::TooSmall, "btc_usd");
        assert_eq!(
            printed(small),
            (422, r#"{"errors":[{"status":422,"title":"La orden es muy pequeña","detail":"La orden es muy pequeña","code":"la_orden_es_muy_pequena","meta":{"type":"asks"},"source":{"pointer":"/data/attributes/base"}}]}"#.to_owned())
        );
        assert_eq!(printed(Refusal::InvalidKey), (401, r#"{"error":"Invalid Api Key"}"#.to_owned()));
        assert_eq!(printed(Refusal::NoPermission), (401, r#"{"error":"Not enough permissions"}"#.to_owned()));
        assert_eq!(
            printed(Refusal::NoKey),
            (401, r#"{"error":"Necesitas iniciar sesión o registrarte para continuar."}"#.to_owned())
        );
        assert_eq!(
            printed(Refusal::Missing),
            (404, r#"{"errors":[{"code":null,"detail":null}]}"#.to_owned())
        );
        assert_eq!(
            printed(Refusal::NoBook("non_existing".to_owned())),
            (
                404,
                r#"{"errors":[{"code":"not_found","detail":"Orderbook with code NONEXISTING not found"}]}"#
                    .to_owned()
            )
        );
    }
}
