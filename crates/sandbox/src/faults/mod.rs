//! What goes wrong on demand.
//!
//! The numbers are those of the project's list of faults. What a server cannot cause has no entry: name resolution (part
//! of F01), and the client's own disk and process (F38–F40). Certificates that nobody should trust and handshakes that
//! fail (F02) are a setting of the whole server: see [`Tls`](crate::Tls). What people do on the account (F28 deposits, F29 orders, F30 fees) is
//! done through the administration, with real effects.

mod distort;
mod rules;

pub use self::distort::{Memory, distort_text, distort_value};
pub use self::rules::{FaultCount, FaultRule, Faults, Hit};

/// A fault that the sandbox can cause.
#[derive(Debug)]
pub struct FaultKind {
    /// Its number in the list of faults.
    pub code: &'static str,
    /// Its forms, the first of which is the default.
    pub modes: &'static [&'static str],
    /// What happens.
    pub what: &'static str,
}

const fn kind(code: &'static str, modes: &'static [&'static str], what: &'static str) -> FaultKind {
    FaultKind { code, modes, what }
}

/// Every fault that the sandbox can cause.
pub static FAULTS: &[FaultKind] = &[
    kind("F01", &["refused"], "the connection is closed before anything is processed"),
    kind("F03", &["swallowed"], "the request is never processed nor answered"),
    kind("F04", &["lost"], "the request is processed and never answered"),
    kind("F05", &["late"], "an order is processed only after `ms` (default 10000), and never answered"),
    kind(
        "F06",
        &["before_headers", "mid_headers", "mid_body", "after_body"],
        "processed; the connection ends at some point of the answer, or stays open after an unfinished one",
    ),
    kind(
        "F07",
        &["truncated", "short_length", "slow", "huge"],
        "processed; the body is cut, is shorter than promised, comes a byte every `ms` (default 1000), or never ends (`count` MiB, default 100)",
    ),
    kind("F08", &["status"], "not processed; an error of `status` (default 502)"),
    kind("F09", &["status"], "processed; an error of `status` (default 502)"),
    kind(
        "F10",
        &["cloudflare", "challenge"],
        "not processed; Cloudflare's page of `status` (default 522), or its challenge (403)",
    ),
    kind(
        "F11",
        &["plain", "retry_after", "retry_date"],
        "429, with a header `Retry-After` of `ms` (default 2000), in seconds or as a date",
    ),
    kind("F12", &["revoked", "forbidden"], "401 as if the key were revoked, or 403"),
    kind("F13", &["missing"], "404 for something that exists"),
    kind("F14", &["too_small", "funds", "price"], "422 without a reason"),
    kind(
        "F15",
        &[
            "cut",
            "wrong_types",
            "no_data",
            "nulls",
            "nan",
            "huge_numbers",
            "duplicate_keys",
            "bom",
            "charset",
            "html",
            "bomb",
        ],
        "processed; an answer that is not what it should be; `bomb` is gzip of `count` MiB (default 100)",
    ),
    kind(
        "F16",
        &["exponent", "long", "negative", "negative_zero", "rounded"],
        "processed; numbers in forms that the exchange is not known to use",
    ),
    kind("F17", &["redirect"], "not processed; a redirection of `status` (default 302) to another host"),
    kind("F18", &["twice"], "an order is placed twice; the first is answered"),
    kind(
        "F19",
        &["stale", "late", "flapping"],
        "lists of before, without the newest `count` (default 1), or now and then",
    ),
    kind("F20", &["truncated"], "lists of at most `count` (default 1)"),
    kind(
        "F21",
        &["late", "shuffled", "duplicated"],
        "lists without the newest, in another order, with repetitions",
    ),
    kind("F22", &["unknown_order"], "fills of an order that nobody placed"),
    kind("F23", &["lost", "slow"], "a cancellation is answered and forgotten, or takes `ms` (default 2000)"),
    kind("F24", &["cancelled"], "the exchange cancels the new order by itself"),
    kind("F25", &["backwards"], "orders are shown pending and untouched again"),
    kind("F26", &["numbers", "reused"], "ids are numbers, or the ids of something else"),
    kind("F27", &["available_above_total", "negative", "missing", "off_by_one"], "balances that cannot be"),
    kind(
        "F31",
        &["empty", "one_sided", "crossed", "locked", "deep", "zero", "unsorted"],
        "books that are strange; `deep` has `count` levels (default 10000)",
    ),
    kind(
        "F32",
        &["frozen", "spike", "crash", "zero"],
        "prices that stand still, or are ten times, a tenth, or zero",
    ),
    kind(
        "F33",
        &["ahead", "behind", "missing"],
        "the header `Date` is off by `ms` (default 3600000), or missing",
    ),
    kind(
        "F34",
        &["maintenance", "purged"],
        "everything answers 503 for `ms` (default 60000); `purged` also cancels every customer's orders",
    ),
    kind(
        "F35",
        &["book_renamed", "book_removed", "book_added", "new_status", "new_field"],
        "the API has changed",
    ),
    kind("F36", &["clog"], "the endpoint answers 503 for up to `ms` (default 10000), drawn each time"),
    kind(
        "F37",
        &["swapped", "delayed"],
        "processed; the answer of another request, or after `ms` (default 5000)",
    ),
];

/// A fault by its code; case does not matter.
pub fn find(code: &str) -> Option<&'static FaultKind> {
    FAULTS.iter().find(|kind| kind.code.eq_ignore_ascii_case(code))
}
