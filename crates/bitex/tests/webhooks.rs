//! Events and callbacks: only the exchange's own are believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use pampero_bitex::*;
use pampero_exchange::Error;

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// SHA-256 of the key, as `printf %s KEY | sha256sum` prints it.
const HASH: &str = "d3facc8a61d205c90d339ff6caea3098e076f4b2fb25ebf1cc0d6becafab7fa0";

fn key() -> ApiKey {
    ApiKey::new(KEY.into(), &Environment::Sandbox).unwrap()
}

fn event(kind: &str, resource: &str, included: &str) -> String {
    format!(
        r#"{{"data":{{"type":"events","id":"8","attributes":{{"event_type":"{kind}","created_at":"2020-01-01T00:00:00.000Z","sent_at":"2020-01-01T00:00:05.000Z"}},"relationships":{{"resource":{{"data":{resource}}}}}}},"included":[{included}]}}"#
    )
}

#[test]
fn only_the_hash_of_the_key_opens() {
    let verifier = WebhookVerifier::new(&key());
    assert!(
        verifier.verify(HASH)
            && verifier.verify(&HASH.to_uppercase())
            && verifier.verify(&format!(" {HASH} "))
    );
    for wrong in ["", KEY, &HASH[1..], &format!("{HASH}0"), &HASH.replace('0', "1")] {
        assert!(!verifier.verify(wrong), "{wrong}");
        let error = verifier.receive(wrong, event("user_enabled", "null", "").as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    }
}

#[test]
fn events_are_typed_with_what_they_are_about() {
    let verifier = WebhookVerifier::new(&key());
    let receive = |kind: &str, resource: &str, included: &str| {
        verifier.receive(HASH, event(kind, resource, included).as_bytes()).unwrap()
    };
    let enabled = receive(
        "user_enabled",
        r#"{"type":"users","id":5}"#,
        r#"{"type":"users","id":"5","attributes":{"name":"N","email":"e","kyc_accepted":true}}"#,
    );
    assert_eq!((&*enabled.id, enabled.kind), ("8", EventKind::UserEnabled));
    assert_eq!(enabled.sent_at.unwrap().to_string(), "2020-01-01T00:00:05Z");
    assert!(matches!(enabled.subject, Some(EventSubject::User(user)) if user.id == "5" && user.kyc_accepted));
    let updated = receive(
        "withdrawal_instruction_updated",
        r#"{"type":"withdrawal_instructions","id":"3"}"#,
        r#"{"type":"withdrawal_instructions","id":"3","attributes":{"label":"bank","body":{"cbu":"1"}}}"#,
    );
    assert!(matches!(updated.subject, Some(EventSubject::WithdrawalInstruction(it)) if it.label == "bank"));
    let settled =
        receive("concierge_request_output_settled", r#"{"type":"concierge_request_outputs","id":"1"}"#, "");
    let other = EventSubject::Other { kind: "concierge_request_outputs".into(), id: "1".into() };
    assert_eq!((settled.kind, settled.subject), (EventKind::ConciergeOutputSettled, Some(other)));
    let unknown = receive("something_new", "null", "");
    assert_eq!((unknown.kind, unknown.subject), (EventKind::Other("something_new".into()), None));
}

#[test]
fn a_payment_is_reported_with_a_key_that_has_to_be_ours() {
    let attributes = r#""amount":200,"currency_code":"usd","status":"settled","settlement_amount":198.5,"settlement_currency":"USD""#;
    let resource = format!(r#"{{"id":"8","type":"payments","attributes":{{{attributes}}}}}"#);
    for payment in [
        format!(r#""payment":{{"id":8,{attributes}}}"#),
        format!(r#""payment":{resource}"#),
        format!(r#""payment":{{"data":{resource}}}"#),
        format!(r#""data":{resource},"included":[]"#),
    ] {
        let body = format!(r#"{{"api_key":"{KEY}",{payment}}}"#);
        let payment = Payment::from_callback(body.as_bytes(), &key()).unwrap();
        assert_eq!((&*payment.id, &*payment.status), ("8", "settled"));
        assert_eq!(payment.settlement.unwrap().to_string(), "198.5 USD");
        let forged = body.replace(KEY, &KEY.replace('0', "1"));
        let error = Payment::from_callback(forged.as_bytes(), &key()).unwrap_err();
        assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    }
    for body in ["", "{}", "null", r#"{"api_key":1}"#] {
        assert!(Payment::from_callback(body.as_bytes(), &key()).is_err(), "{body}");
    }
}
