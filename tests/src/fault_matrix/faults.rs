//! Every fault that the sandbox can cause in an answer, where it applies, and what the adapter has to make of it.

use pampero_model::Rate;
use pampero_sandbox::{FAULTS, FaultRule};

use super::endpoints::{Effect, Endpoint};

/// What must come of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// No whole answer in time.
    Silence,
    /// The connection ends early.
    Broken,
    /// An error with this code, and nothing happened. A request that creates may call it unknown, unless the exchange
    /// itself refused.
    Refused { code: &'static str, certain: bool },
    /// An error with this code; what happened may have happened.
    Error(&'static str),
    /// An answer that cannot be read.
    Malformed,
    /// The same as without the fault.
    Same,
    /// A value or an answer that cannot be read.
    Readable,
}

/// A fault in one of its forms.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub code: &'static str,
    pub mode: &'static str,
    pub status: Option<u16>,
    pub expect: Expect,
    where_: Where,
}

/// Where a fault means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Everywhere,
    Body,
    Create,
    PlacingOrders,
    CancellingOrders,
    Lists,
    Fills,
    Orders,
    Balances,
    Market,
    Prices,
}

impl Fault {
    pub fn name(&self) -> String {
        let status = self.status.map(|status| format!(" {status}")).unwrap_or_default();
        format!("{} {}{status}", self.code, self.mode)
    }

    /// The rule that makes it happen at the next request to an endpoint.
    pub fn rule(&self, endpoint: &str) -> FaultRule {
        let count = match (self.code, self.mode) {
            ("F07", "huge") | ("F15", "bomb") => Some(1),
            ("F31", "deep") => Some(300),
            _ => None,
        };
        FaultRule {
            fault: self.code.to_owned(),
            mode: Some(self.mode.to_owned()),
            endpoint: endpoint.to_owned(),
            probability: Rate::ZERO,
            on: vec![1],
            limit: None,
            ms: (self.code == "F36").then_some(1_000_000),
            status: self.status,
            count,
        }
    }

    pub fn applies(&self, endpoint: &Endpoint) -> bool {
        let Endpoint { name, effect, bare } = *endpoint;
        let path = name.split(' ').nth(1).unwrap_or_default();
        let is_read = effect == Effect::Read;
        match self.where_ {
            Where::Everywhere => true,
            Where::Body => !bare,
            Where::Create => effect == Effect::Create,
            Where::PlacingOrders => ["POST /asks", "POST /bids"].contains(&name),
            Where::CancellingOrders => bare && !path.contains("bots") && name.starts_with("POST"),
            Where::Lists => is_read && !path.contains('{'),
            Where::Fills => {
                is_read && ["/trades", "/buys", "/sells"].iter().any(|list| path.starts_with(list))
            }
            Where::Orders => {
                is_read && ["/orders", "/asks", "/bids"].iter().any(|list| path.starts_with(list))
            }
            Where::Balances => is_read && (path.contains("wallets") || path == "/accounts"),
            Where::Market => path == "/markets/{code}",
            Where::Prices => ["/tickers", "/markets", "/transactions", "/candles"]
                .iter()
                .any(|list| path.starts_with(list)),
        }
    }
}

/// Every form of every fault.
pub(super) fn all() -> Vec<Fault> {
    let mut all = Vec::new();
    for kind in FAULTS {
        for mode in kind.modes {
            let (where_, expect) = meaning(kind.code, mode);
            for status in statuses(kind.code, mode) {
                all.push(Fault { code: kind.code, mode, status: *status, expect, where_ });
            }
        }
    }
    all
}

fn statuses(code: &str, mode: &str) -> &'static [Option<u16>] {
    match (code, mode) {
        ("F08" | "F09", _) => &[Some(500), Some(502), Some(503), Some(504)],
        ("F10", "cloudflare") => &[Some(520), Some(521), Some(522), Some(524), Some(527)],
        ("F10", _) => &[Some(403), Some(503)],
        ("F17", _) => &[Some(301), Some(302), Some(303), Some(307), Some(308)],
        _ => &[None],
    }
}

fn meaning(code: &str, mode: &str) -> (Where, Expect) {
    let refused = |code| Expect::Refused { code, certain: true };
    let down = Expect::Refused { code: "unavailable", certain: false };
    match (code, mode) {
        ("F01", _) | ("F06", "before_headers" | "mid_headers") => (Where::Everywhere, Expect::Broken),
        ("F03" | "F04", _) | ("F37", "delayed") => (Where::Everywhere, Expect::Silence),
        ("F05", _) => (Where::PlacingOrders, Expect::Silence),
        ("F06", "mid_body") | ("F07", "truncated" | "short_length") => (Where::Body, Expect::Broken),
        ("F06", _) | ("F07", "slow") => (Where::Body, Expect::Silence),
        ("F07", _) | ("F15", "cut" | "no_data" | "bom" | "charset" | "html" | "bomb") => {
            (Where::Body, Expect::Malformed)
        }
        ("F08" | "F10" | "F17" | "F34" | "F36", _) => (Where::Everywhere, down),
        ("F09", _) => (Where::Everywhere, Expect::Error("unavailable")),
        ("F11", _) => (Where::Everywhere, refused("rate_limited")),
        ("F12", "revoked") => (Where::Everywhere, refused("invalid_key")),
        ("F12", _) => (Where::Everywhere, refused("missing_permission")),
        ("F13", _) => (Where::Everywhere, refused("not_found")),
        ("F14", _) => (Where::Create, refused("invalid")),
        ("F16", "exponent" | "long" | "negative_zero") | ("F26", "numbers") | ("F35", "new_field") => {
            (Where::Body, Expect::Same)
        }
        ("F33", _) => (Where::Everywhere, Expect::Same),
        ("F18" | "F24", _) => (Where::PlacingOrders, Expect::Same),
        ("F19" | "F20" | "F21", _) => (Where::Lists, Expect::Readable),
        ("F22", _) => (Where::Fills, Expect::Readable),
        ("F23", _) => (Where::CancellingOrders, Expect::Same),
        ("F25", _) => (Where::Orders, Expect::Readable),
        ("F27", _) => (Where::Balances, Expect::Readable),
        ("F31", _) => (Where::Market, Expect::Readable),
        ("F32", _) => (Where::Prices, Expect::Readable),
        // Documents of strange content: what an endpoint does not have cannot be strange.
        _ => (Where::Body, Expect::Readable),
    }
}
