//! The state file.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use pampero_model::{
    CancelReason, Cash, Currency, FillId, MarketId, Price, Quantity, Side, Size, Span, Timestamp,
    VenueOrderId, VenueStatus,
};
use pampero_venue::{
    AccountId, Balance, Match, MatchingVenue, OrderKey, Party, Placement, StateError, VenueOrder,
    VenueRequest, VenueState,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Late, Origin, Tables, World};

/// A state file that cannot be used.
#[derive(Debug, Error)]
pub enum StateFileError {
    /// It cannot be read or written.
    #[error("the state file {path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// It is damaged or of another program.
    #[error("the state file {path} is not one of this sandbox ({error}): move it away to begin anew")]
    Format {
        /// The file.
        path: String,
        /// Where reading stopped.
        error: serde_json::Error,
    },
    /// It is of a sandbox with other books.
    #[error(
        "the state file {path} is of the books {found}, but the configuration has {expected}: use the same books"
    )]
    Books {
        /// The file.
        path: String,
        /// Its books.
        found: String,
        /// Those of the configuration.
        expected: String,
    },
    /// The state contradicts itself.
    #[error("the state file {path} is damaged: {error}")]
    State {
        /// The file.
        path: String,
        /// What is wrong.
        error: StateError,
    },
}

/// An order in few letters: account, market, price, size, left, reserved, status, reason, created.
type Row = (u32, u16, i64, String, String, i64, VenueStatus, Option<CancelReason>, i64);
/// A match: market, time, price, base, quote, aggressor, and account, order and fee of buyer and seller.
type MatchRow = (u16, i64, i64, i64, String, Side, (u32, u64, i64), (u32, u64, i64));

/// A request that waits for the engine: when it is carried out, and whether it takes an order off the book.
type WaitingRow = (Timestamp, Side, u64, bool);
/// An order that the engine will receive: when, from whom, account, market, side, price and size.
type LateRow = (Timestamp, Origin, u32, u16, Side, Price, String);
/// A wallet: for each currency, what there is, what is reserved, and the fees paid.
type WalletRow = Vec<(Currency, Cash, Cash, Cash)>;

#[derive(Serialize, Deserialize)]
struct Saved {
    books: Vec<String>,
    tables: Tables,
    agents: Vec<(Price, Span)>,
    wallets: Vec<WalletRow>,
    buys: Vec<Row>,
    sells: Vec<Row>,
    matches: Vec<MatchRow>,
    waiting: Vec<WaitingRow>,
    late: Vec<LateRow>,
}

impl World {
    /// Everything as text.
    pub fn save(&self) -> String {
        let state = self.venue.state();
        let cash = Cash::from_units;
        let saved = Saved {
            books: self.books.iter().map(|book| book.code.clone()).collect(),
            tables: self.tables.clone(),
            agents: self.agents.state(),
            wallets: state
                .wallets
                .iter()
                .map(|wallet| {
                    wallet
                        .iter()
                        .map(|(code, has, fees)| (*code, cash(has.total), cash(has.reserved), cash(*fees)))
                        .collect()
                })
                .collect(),
            buys: state.buys.iter().map(row).collect(),
            sells: state.sells.iter().map(row).collect(),
            matches: state.matches.iter().map(match_row).collect(),
            waiting: self
                .due
                .iter()
                .zip(&state.waiting)
                .map(|(at, request)| waiting_row(*at, *request))
                .collect(),
            late: self.late.iter().map(late_row).collect(),
        };
        // Every part of it is a list, a text or a number.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Goes on from a file.
    pub fn load(&mut self, path: &Path) -> Result<(), StateFileError> {
        let name = path.display().to_string();
        let text =
            fs::read_to_string(path).map_err(|error| StateFileError::Io { path: name.clone(), error })?;
        let saved: Saved = serde_json::from_str(&text)
            .map_err(|error| StateFileError::Format { path: name.clone(), error })?;
        let expected: Vec<String> = self.books.iter().map(|book| book.code.clone()).collect();
        if saved.books != expected {
            let (found, expected) = (saved.books.join(", "), expected.join(", "));
            return Err(StateFileError::Books { path: name, found, expected });
        }
        let state = VenueState {
            wallets: saved
                .wallets
                .iter()
                .map(|wallet| {
                    wallet
                        .iter()
                        .map(|(code, total, reserved, fees)| {
                            (
                                *code,
                                Balance { total: total.units(), reserved: reserved.units() },
                                fees.units(),
                            )
                        })
                        .collect()
                })
                .collect(),
            buys: orders(Side::Buy, &saved.buys),
            sells: orders(Side::Sell, &saved.sells),
            matches: (1..).zip(&saved.matches).map(|(id, row)| found(id, row)).collect(),
            waiting: saved.waiting.iter().map(request).collect(),
        };
        self.venue = MatchingVenue::from_state(&self.markets, &state)
            .map_err(|error| StateFileError::State { path: name, error })?;
        self.due = saved.waiting.iter().map(|(at, ..)| *at).collect();
        self.late = saved.late.into_iter().map(late).collect();
        self.tables = saved.tables;
        self.agents.resume(&saved.agents, self.config.seed);
        self.reindex(&state);
        self.quote_anew();
        Ok(())
    }

    /// Makes the indexes anew.
    fn reindex(&mut self, state: &VenueState) {
        self.live = vec![std::collections::BTreeSet::default(); state.wallets.len()];
        self.fills = vec![Vec::new(); state.wallets.len()];
        self.books.iter_mut().for_each(|book| book.matches.clear());
        for order in state.buys.iter().chain(&state.sells) {
            if !matches!(order.status, VenueStatus::Completed | VenueStatus::Cancelled)
                && let Some(live) = self.live.get_mut(order.account.0 as usize)
            {
                live.insert(order.key);
            }
        }
        for position in 0..state.matches.len() {
            self.index_match(position);
        }
    }

    /// The agents quote anew: what they had goes.
    fn quote_anew(&mut self) {
        let Some(account) = self.agents.account() else { return };
        let keys: Vec<OrderKey> = self.live_orders(account).map(|order| order.key).collect();
        for key in keys {
            self.cancel(key, Span::ZERO);
        }
        let mut agents = std::mem::take(&mut self.agents);
        agents.quote(self);
        self.agents = agents;
        self.advance(self.now);
    }
}

/// Writes a file so that there is always a whole one: beside it first, then in its place.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn row(order: &VenueOrder) -> Row {
    (
        order.account.0,
        order.market.0,
        order.price.units(),
        size_text(order.size),
        size_text(order.left),
        order.reserved,
        order.status,
        order.reason,
        order.created.as_nanos(),
    )
}

/// `b` or `q` for the unit, and how many hundred millionths of it.
fn size_text(size: Size) -> String {
    format!("{}{}", if matches!(size, Size::Base(_)) { 'b' } else { 'q' }, size.units())
}

fn size_of(text: &str) -> Size {
    let units: i64 = text.trim_start_matches(['b', 'q']).parse().unwrap_or(0);
    if text.starts_with('b') {
        Size::Base(Quantity::from_units(units))
    } else {
        Size::Quote(Cash::from_units(units.into()))
    }
}

const fn waiting_row(at: Timestamp, request: VenueRequest) -> WaitingRow {
    match request {
        VenueRequest::Place(key) => (at, key.side, key.id.0, false),
        VenueRequest::Cancel(key) => (at, key.side, key.id.0, true),
    }
}

const fn request(row: &WaitingRow) -> VenueRequest {
    let (_, side, id, cancels) = *row;
    let key = OrderKey { side, id: VenueOrderId(id) };
    if cancels { VenueRequest::Cancel(key) } else { VenueRequest::Place(key) }
}

fn late_row(late: &Late) -> LateRow {
    let Placement { account, market, side, price, size } = late.placement;
    (late.at, late.origin.clone(), account.0, market.0, side, price, size_text(size))
}

fn late(row: LateRow) -> Late {
    let (at, origin, account, market, side, price, size) = row;
    let (account, market) = (AccountId(account), MarketId(market));
    Late { at, origin, placement: Placement { account, market, side, price, size: size_of(&size) } }
}

fn orders(side: Side, rows: &[Row]) -> Vec<VenueOrder> {
    let order = |(id, row): (u64, &Row)| {
        let (account, market, price, size, left, reserved, status, reason, created) = row;
        VenueOrder {
            key: OrderKey { side, id: VenueOrderId(id) },
            account: AccountId(*account),
            market: MarketId(*market),
            price: Price::from_units(*price),
            size: size_of(size),
            left: size_of(left),
            reserved: *reserved,
            status: *status,
            reason: *reason,
            created: Timestamp::from_nanos(*created),
        }
    };
    (1..).zip(rows).map(order).collect()
}

fn match_row(found: &Match) -> MatchRow {
    let party = |party: &Party| (party.account.0, party.order.0, party.fee);
    (
        found.market.0,
        found.time.as_nanos(),
        found.price.units(),
        found.base.units(),
        found.quote.units().to_string(),
        found.aggressor,
        party(&found.buyer),
        party(&found.seller),
    )
}

fn found(id: u64, row: &MatchRow) -> Match {
    let (market, time, price, base, quote, aggressor, buyer, seller) = row;
    let party = |(account, order, fee): &(u32, u64, i64)| Party {
        account: AccountId(*account),
        order: VenueOrderId(*order),
        fee: *fee,
    };
    Match {
        id: FillId(id),
        market: MarketId(*market),
        time: Timestamp::from_nanos(*time),
        price: Price::from_units(*price),
        base: Quantity::from_units(*base),
        quote: Cash::from_units(quote.parse().unwrap_or(0)),
        aggressor: *aggressor,
        buyer: party(buyer),
        seller: party(seller),
    }
}
