//! From a request to its answer: limit, faults, key, handler, faults again.

use axum::http::header::{AUTHORIZATION, HeaderName, LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use pampero_model::{Span, Timestamp};

use super::call::{Call, Document, Twist, parse_query};
use super::reply::{Refusal, Reply};
use super::wire::{Ending, Outcome};
use super::{Inner, Shared};
use crate::api::{Access, Endpoint};
use crate::clock::http_date;
use crate::config::Latency;
use crate::faults::{Hit, distort_text, distort_value};
use crate::json::{Json, object};
use crate::otp;
use crate::world::World;

const JSON_API: &str = "application/vnd.api+json; charset=utf-8";
const HTML: &str = "text/html; charset=UTF-8";

/// How long the real servers took, in milliseconds: the deciles of the recorded times.
const SERVER_TIMES: [i64; 10] = [6, 17, 65, 94, 197, 222, 269, 334, 529, 849];

/// Processes a request to an endpoint.
pub fn answer(
    shared: &Shared,
    endpoint: &'static Endpoint,
    parts: &Parts,
    params: Vec<String>,
    body: &[u8],
    caller: &str,
) -> Outcome {
    let mut inner = shared.lock();
    let now = shared.clock.now();
    inner.world.advance(now);
    let name = endpoint.name();
    *inner.requests.entry(name.clone()).or_default() += 1;
    let mut outcome = inner
        .limited(&parts.headers, caller, now)
        .unwrap_or_else(|| inner.process(endpoint, &name, parts, params, body));
    if inner.world.config.latency == Latency::Recorded {
        let decile = usize::try_from(inner.dice.up_to(9)).unwrap_or(0);
        let millis = SERVER_TIMES.get(decile).copied().unwrap_or(0);
        outcome.delay = Span::from_nanos(outcome.delay.as_nanos() + millis * 1_000_000);
    }
    outcome
}

impl Inner {
    /// The answer to a caller that asks too often. Known keys count for themselves, all else by address.
    fn limited(&mut self, headers: &HeaderMap, caller: &str, now: Timestamp) -> Option<Outcome> {
        let token = token(headers).and_then(|token| self.world.key(token)).map(|key| key.id.to_string());
        if self.limiter.admit(token.as_deref().unwrap_or(caller), now) {
            return None;
        }
        Some(Outcome { date: Some(http_date(now)), ..plain(429, "text/plain", "Retry later\n") })
    }

    fn process(
        &mut self,
        endpoint: &'static Endpoint,
        name: &str,
        parts: &Parts,
        params: Vec<String>,
        body: &[u8],
    ) -> Outcome {
        let now = self.world.now();
        let hits = self.faults.draw(name, now);
        let date = date(now, &hits);
        if hits.iter().any(|hit| hit.is("F34", "purged")) {
            self.world.cancel_customers();
        }
        let early = hits.iter().find_map(|hit| before(hit, endpoint, now));
        let early = early.or_else(|| self.faults.is_down(name, now).then(|| page(503)));
        if let Some(outcome) = early {
            return Outcome { date, ..outcome };
        }
        let result = call(&self.world, endpoint, parts, params, body).and_then(|mut call| {
            call.twist = twist(&hits);
            (endpoint.run)(&mut self.world, &call)
        });
        let (status, document) = match result {
            Ok(Reply::Ok(document)) => (200, Some(document)),
            Ok(Reply::Created(document)) => (201, Some(document)),
            Ok(Reply::Nothing) => (204, None),
            Err(refusal) => {
                let (status, document) = refusal.document();
                (status, Some(document))
            }
        };
        let mut outcome = match document {
            None => Outcome { status, ..Outcome::default() },
            Some(mut document) => {
                if !self.faults.counts().is_empty() && matches!(status, 200 | 201) {
                    let request = format!("{} {} {:?}", parts.method, parts.uri, token(&parts.headers));
                    self.memory.exchange(&request, &mut document, &hits);
                    for hit in &hits {
                        distort_value(hit, &mut document);
                    }
                }
                printed(status, &document, &hits)
            }
        };
        for hit in &hits {
            after(hit, &mut outcome);
        }
        Outcome { date, ..outcome }
    }
}

fn printed(status: u16, document: &Json, hits: &[Hit]) -> Outcome {
    let mut content_type = JSON_API.to_owned();
    let text = document.print();
    let body = match hits.iter().find(|hit| hit.code == "F15") {
        Some(hit) => distort_text(hit, text, &mut content_type),
        None => text.into_bytes(),
    };
    Outcome { status, content_type: Some(content_type), body, ..Outcome::default() }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.split(';').next().map(str::trim).filter(|token| !token.is_empty())
}

/// Reads a request and finds out who sent it.
fn call(
    world: &World,
    endpoint: &Endpoint,
    parts: &Parts,
    params: Vec<String>,
    body: &[u8],
) -> Result<Call, Refusal> {
    let mut call = Call { params, query: parse_query(parts.uri.query()), ..Call::default() };
    let (permission, password) = match endpoint.access {
        Access::Public => return Ok(call),
        Access::AnyKey => (None, false),
        Access::Key(permission) => (Some(permission), false),
        Access::KeyAndPassword(permission) => (Some(permission), true),
    };
    let token = token(&parts.headers).ok_or(Refusal::NoKey)?;
    let key = world.key(token).ok_or(Refusal::InvalidKey)?;
    if !key.grant.allows(permission, endpoint.method != Method::GET) {
        return Err(Refusal::NoPermission);
    }
    let owner = world.user(key.user).ok_or(Refusal::InvalidKey)?;
    if password {
        let code = parts.headers.get("One-Time-Password").and_then(|code| code.to_str().ok()).unwrap_or("");
        if !otp::is_valid(&owner.otp_secret, code, world.now()) {
            return Err(Refusal::WrongPassword);
        }
    }
    let user = match acting_for(&parts.headers) {
        Some(id) if id != owner.id => {
            let own = world.user(id).filter(|user| owner.master && user.parent == Some(owner.id));
            own.ok_or(Refusal::NoPermission)?
        }
        _ => owner,
    };
    call.key = Some(key.id);
    call.user = Some(user.clone());
    call.body = Document::parse(body)?;
    Ok(call)
}

/// The user that a master user acts for: `KEY; user=ID`.
fn acting_for(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.split(';').skip(1).find_map(|part| {
        let (name, id) = part.split_once('=')?;
        (name.trim() == "user").then(|| id.trim().parse().ok())?
    })
}

/// The header `Date`: the sandbox's time, unless a fault says otherwise.
fn date(now: Timestamp, hits: &[Hit]) -> Option<String> {
    let Some(hit) = hits.iter().find(|hit| hit.code == "F33") else { return Some(http_date(now)) };
    match hit.mode.as_str() {
        "ahead" => Some(http_date(now.plus(hit.span_or(3_600_000)))),
        "behind" => Some(http_date(now.minus(hit.span_or(3_600_000)))),
        _ => None,
    }
}

fn plain(status: u16, content_type: &str, body: &str) -> Outcome {
    let content_type = Some(content_type.to_owned());
    Outcome { status, content_type, body: body.as_bytes().to_vec(), ..Outcome::default() }
}

/// A page of the kind that proxies show.
fn page(status: u16) -> Outcome {
    let title = match status {
        502 => "Bad gateway",
        503 => "Service temporarily unavailable",
        504 => "Gateway time-out",
        520..=527 => "Web server is returning an error",
        _ => "Error",
    };
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>bitex.la | {status}: {title}</title></head>\n<body>\
         <h1>{title} <span>Error code {status}</span></h1><p>Cloudflare Ray ID: 4a3ec8708c1b4adf</p></body></html>\n"
    );
    let mut outcome = plain(status, HTML, &text);
    outcome.headers.push((HeaderName::from_static("server"), "cloudflare".to_owned()));
    outcome
}

fn document(status: u16, document: &Json) -> Outcome {
    printed(status, document, &[])
}

/// The answer of a fault that leaves a request unprocessed.
fn before(hit: &Hit, endpoint: &Endpoint, now: Timestamp) -> Option<Outcome> {
    let ended = |ending| Outcome { status: 500, ending, ..Outcome::default() };
    let refused = |refusal: Refusal| {
        let (status, body) = refusal.document();
        document(status, &body)
    };
    Some(match hit.code {
        "F01" => ended(Ending::Closed),
        "F03" => ended(Ending::Never),
        "F08" => page(hit.status.unwrap_or(502)),
        "F10" if hit.mode == "challenge" => {
            let text = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript \
                        and cookies to continue</noscript></body></html>";
            plain(hit.status.unwrap_or(403), HTML, text)
        }
        "F10" => page(hit.status.unwrap_or(522)),
        "F11" => {
            let mut outcome = plain(429, "text/plain", "Retry later\n");
            match hit.mode.as_str() {
                "retry_after" => {
                    let seconds = hit.ms.unwrap_or(2_000).div_ceil(1_000);
                    outcome.headers.push((RETRY_AFTER, seconds.to_string()));
                }
                "retry_date" => outcome.headers.push((RETRY_AFTER, http_date(now.plus(hit.span_or(2_000))))),
                _ => {}
            }
            outcome
        }
        "F12" if hit.mode == "revoked" => refused(Refusal::InvalidKey),
        "F12" => document(403, &object! { "error": Json::text("Forbidden") }),
        "F13" => refused(Refusal::Missing),
        "F14" => {
            let kind = if endpoint.path.starts_with("/asks") { "asks" } else { "bids" };
            let (attribute, message) = match hit.mode.as_str() {
                "funds" => ("base", "No hay fondos suficientes"),
                "price" => ("price", "no es válido"),
                _ => ("base", "La orden es muy pequeña"),
            };
            refused(Refusal::invalid(kind, attribute, message))
        }
        "F17" => {
            let mut outcome = plain(hit.status.unwrap_or(302), HTML, "");
            outcome.headers.push((LOCATION, "http://127.0.0.2:9/elsewhere".to_owned()));
            outcome
        }
        _ => return None,
    })
}

/// What faults make of the processing.
fn twist(hits: &[Hit]) -> Twist {
    let mut twist = Twist::default();
    for hit in hits {
        match (hit.code, hit.mode.as_str()) {
            ("F05", _) => twist.late = Some(hit.span_or(10_000)),
            ("F18", _) => twist.twice = true,
            ("F23", "lost") => twist.cancel_lost = true,
            ("F23", _) => twist.engine_delay = Some(hit.span_or(2_000)),
            ("F24", _) => twist.cancel_order = true,
            _ => {}
        }
    }
    twist
}

/// What faults make of the answer to a request that was processed.
fn after(hit: &Hit, outcome: &mut Outcome) {
    match (hit.code, hit.mode.as_str()) {
        ("F04" | "F05", _) => outcome.ending = Ending::Never,
        ("F06", "before_headers") => outcome.ending = Ending::Closed,
        ("F06", "mid_headers") => outcome.ending = Ending::InHeaders,
        ("F06", "mid_body") => outcome.ending = Ending::InBody,
        ("F06", _) => outcome.ending = Ending::Unfinished,
        ("F07", "truncated") => outcome.ending = Ending::Truncated,
        ("F07", "short_length") => outcome.ending = Ending::Short,
        ("F07", "slow") => outcome.ending = Ending::Slow(hit.span_or(1_000)),
        ("F07", _) => outcome.ending = Ending::Huge(hit.count.unwrap_or(100)),
        ("F15", "bomb") => outcome.ending = Ending::Bomb(hit.count.unwrap_or(100)),
        ("F09", _) => {
            let page = page(hit.status.unwrap_or(502));
            *outcome = Outcome { date: outcome.date.take(), ..page };
        }
        ("F37", "delayed") => outcome.delay = hit.span_or(5_000),
        _ => {}
    }
}
