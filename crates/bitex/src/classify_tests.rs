//! The outcome table, a row at a time, as one table.

use super::*;

const KEY: &str = r#"{"error":"Invalid Api Key"}"#;
const RIGHTS: &str = r#"{"error":"Not enough permissions"}"#;
const LOGIN: &str = r#"{"error":"Necesitas iniciar sesión o registrarte para continuar."}"#;
const GONE: &str = r#"{"errors":[{"code":null,"detail":null}]}"#;
const NAMED: &str =
    r#"{"errors":[{"code":"not_found","detail":"Orderbook with code NONEXISTING not found"}]}"#;
const SMALL: &str = r#"{"errors":[{"status":422,"title":"La orden es muy pequeña","detail":"La orden es muy pequeña","code":"la_orden_es_muy_pequena","meta":{"type":"asks"},"source":{"pointer":"/data/attributes/base"}}]}"#;
const PRICE: &str =
    r#"{"errors":[{"title":"no es un número","source":{"pointer":"/data/attributes/price"}}]}"#;
const PAGE: &str = "\n<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title></html>";

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, retry_after: None, date: None, body: body.as_bytes().to_vec() }
}

fn invalid(field: Option<&str>, message: &str, code: Option<&str>) -> Error {
    let text = str::to_owned;
    Error::Invalid { field: field.map(text), message: message.into(), code: code.map(text) }
}

/// What a create makes of the same answer.
#[derive(Debug, PartialEq)]
enum Create {
    /// Rejected with the error that a read gets.
    Rejected,
    Unknown(Ambiguity),
}

#[test]
#[allow(clippy::type_complexity)] // a table
fn every_answer_has_its_row() {
    use Create::{Rejected, Unknown};
    let small = || invalid(None, "La orden es muy pequeña", Some("too_small"));
    let down = |status, edge| Error::Unavailable { status, edge };
    let gone = || Error::NotFound("the exchange says no more".into());
    let mut table: Vec<(u16, &str, Error, Create)> = vec![
        (401, KEY, Error::InvalidKey, Rejected),
        (401, RIGHTS, Error::MissingPermission, Rejected),
        (401, LOGIN, Error::NoKey, Rejected),
        (401, r#"{"error":"Otp"}"#, Error::Unauthorized("Otp".into()), Rejected),
        (403, RIGHTS, Error::MissingPermission, Rejected),
        (404, GONE, gone(), Rejected),
        (404, r#"{"errors":[{"detail":null}]}"#, gone(), Rejected),
        (404, NAMED, Error::NotFound("Orderbook with code NONEXISTING not found".into()), Rejected),
        (410, GONE, gone(), Rejected),
        (422, SMALL, small(), Rejected),
        (422, PRICE, invalid(Some("price"), "no es un número", None), Rejected),
        (400, r#"{"errors":[]}"#, invalid(None, "status 400", None), Rejected),
        (404, "", Error::NotFound("the answer says no more".into()), Unknown(Ambiguity::Status(404))),
        (401, "", Error::Unauthorized("the answer says no more".into()), Unknown(Ambiguity::Status(401))),
        // Too many: refused, whoever says so and however.
        (429, "", Error::RateLimited { retry_after: None }, Rejected),
        (429, PAGE, Error::RateLimited { retry_after: None }, Rejected),
        (429, "Retry later\n", Error::RateLimited { retry_after: None }, Rejected),
    ];
    for status in [405, 406, 415] {
        table.push((
            status,
            NAMED,
            invalid(None, "Orderbook with code NONEXISTING not found", Some("not_found")),
            Rejected,
        ));
    }
    // A refusal that is not the exchange's own tells nothing about what was done.
    for status in [400, 401, 403, 404, 405, 406, 410, 415, 422] {
        table.push((status, PAGE, down(status, true), Unknown(Ambiguity::EdgePage(status))));
        for other in ["{}", "[]", "null", "\"no\"", "no", r#"{"data":[]}"#] {
            table.push((status, other, down(status, false), Unknown(Ambiguity::Status(status))));
        }
    }
    // Neither yes nor no, whatever the words.
    for status in [408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 418, 101, 600] {
        for body in [KEY, GONE, ""] {
            table.push((status, body, down(status, false), Unknown(Ambiguity::Status(status))));
        }
        table.push((status, PAGE, down(status, true), Unknown(Ambiguity::EdgePage(status))));
    }
    for status in [300, 301, 302, 303, 304, 307, 308] {
        table.push((status, "", down(status, false), Unknown(Ambiguity::Redirect(status))));
        table.push((status, PAGE, down(status, true), Unknown(Ambiguity::Redirect(status))));
    }
    for (status, body, read, create) in table {
        let answer = answer(status, body);
        assert_eq!(answer.refusal(false), read, "a read, {status} {body}");
        let expected = match create {
            Rejected => Ok(read),
            Unknown(ambiguity) => Err(ambiguity),
        };
        assert_eq!(answer.refusal_of_create(false), expected, "a create, {status} {body}");
    }
}

#[test]
fn an_unknown_401_to_a_one_time_password_is_about_the_password() {
    assert_eq!(answer(401, r#"{"error":"Otp"}"#).refusal(true), Error::OneTimePassword);
    assert_eq!(answer(401, "").refusal(true), Error::OneTimePassword);
    assert_eq!(answer(401, "").refusal_of_create(true), Err(Ambiguity::Status(401)));
    assert_eq!(answer(401, KEY).refusal(true), Error::InvalidKey);
    assert_eq!(answer(401, RIGHTS).refusal(true), Error::MissingPermission);
    assert_eq!(answer(422, SMALL).refusal(true), answer(422, SMALL).refusal(false));
}

#[test]
fn a_wait_that_was_asked_for_is_passed_on() {
    let wait = Some(Duration::from_secs(7));
    let error = Answer { retry_after: wait, ..answer(429, "") }.refusal(false);
    assert_eq!(error, Error::RateLimited { retry_after: wait });
}

#[test]
fn strange_error_documents_are_no_reason_to_panic() {
    for body in [
        r#"{"error":{"a":1}}"#,
        r#"{"error":null,"errors":null}"#,
        r#"{"errors":[{"code":404,"detail":["x"],"source":"y"}]}"#,
        r#"{"errors":[{"source":{"pointer":""}}]}"#,
        r#"{"errors":{"a":1}}"#,
        "{\"error\":\"\u{0}\u{1b}[31mred\"}",
        "\u{feff}{}",
    ] {
        for status in [400, 401, 404, 422] {
            let text = answer(status, body).refusal(false).to_string();
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}

/// Found by fuzzing: the pieces were looked at one by one and shown as a whole.
#[test]
fn a_key_in_pieces_between_control_characters_is_not_put_together() {
    let body = "{\"error\":\"no such key 0123456789abcdef\u{7f}0123456789abcdef\u{85}01234567, sorry\"}";
    let Error::Unauthorized(words) = answer(401, body).refusal(false) else { panic!("another error") };
    assert_eq!(words, "no such key …, sorry");
}

#[test]
fn the_exchanges_words_are_cut_short() {
    let long = format!(r#"{{"error":"{}"}}"#, "palabra ".repeat(500));
    let Error::Unauthorized(words) = answer(401, &long).refusal(false) else { panic!("another error") };
    assert_eq!(words.chars().count(), 201);
}
