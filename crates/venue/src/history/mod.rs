//! Our orders against history.

mod bus;
mod market;
mod path;
mod resting;

use pampero_model::{
    BookSnapshot, CancelReason, Candle, Cash, Currency, Fill, FillId, MarketId, Markets, Money, Order,
    OrderId, OrderUpdate, Price, Quantity, Quote, RejectReason, Side, Size, Span, Timestamp, Trade,
    UpdateKind, VenueId, VenueOrderId,
};
use rustc_hash::FxHashMap;

use self::bus::{Bus, Request};
use self::market::HistoryMarket;
use self::path::{CandleProgress, Scratch, Vertex, Walk, rest_of_candle};
use self::resting::{Execution, Resting};
use crate::balance::{Balance, VenueError, Wallet};
use crate::listing::{self, FeeRates, Listing};
use crate::settings::{FillPreset, SimSettings};
use crate::working::Working;

/// Executes our orders against recorded history, one account a venue, with latency on the way there and back.
///
/// # The order of calls
///
/// For every event of history: [`advance`](Self::advance) to its time, then the matching `on_…`, then
/// [`next_report`](Self::next_report) until it gives nothing, then the strategy acts through
/// [`place`](Self::place) and [`cancel`](Self::cancel). Between events, [`next_due`](Self::next_due) says when
/// the next request or report arrives.
///
/// # Reports of an order
///
/// `Acknowledged`, then `Live` once funds are reserved, or `Cancelled(InsufficientFunds)`; any number of
/// `Fill`; `Completed` when what is left cannot buy 1e-8 of the other side. A cancellation gives
/// `CancelPending` and `Cancelled(Requested)`, and nothing if the order is final already. `Rejected` stands
/// alone. Reports never overtake each other.
///
/// # When an order fills
///
/// * Never on an observation made before it arrived: each `on_…` concerns only orders that arrived earlier, or
///   at the same instant but in an earlier call.
/// * **Taker**: at its *first* observation after arrival, if its limit accepts what is observed. It then takes
///   the opposite levels on show within its limit, at their prices; where history has no levels it executes at
///   the candle's open (or the trade's price). In the middle of a candle it takes at the next corner of the
///   path, if its limit accepts both ends of that leg.
/// * **Maker**: at any later observation that reaches it as the [`FillPreset`] says, at its own limit, also
///   when the market gaps beyond it: an exchange executes at the price of the resting order.
/// * The prints of a market that also has quotes or books reach resting orders only. A candle without volume
///   is no observation, except under `optimistic`.
/// * Own orders do not meet each other.
///
/// A market's history is either candles of one span, or trades, quotes and books in any mixture. Who feeds a
/// market both its trades and the candles made of them offers the same volume twice.
///
/// # How much of it fills
///
/// A taker has the whole of each level on show; everything else is bounded by `volume_share` of the observed
/// quantity (of the levels, of the trade, or of the whole candle, of which the open is a part).
/// What fills took of a level stays taken until a quote or book no longer shows that level with that very
/// price and quantity. The rest of an order carries on.
///
/// # The queue, under `neutral`
///
/// An order stands behind the quantity on show at its price when it arrives: nothing if it improves on the
/// best, unknown if its price is deeper than what is shown. Trades at its price consume the queue first; when
/// the level is seen smaller than the queue, the queue is that small (others' cancellations are taken to come
/// from behind us as long as they can). An opposite level at its price or beyond says that the queue is gone.
/// An unknown queue becomes the whole level once it is in sight, and
/// until then only trades beyond the price fill.
///
/// ```
/// use pampero_model::*;
/// use pampero_venue::{HistoryVenue, SimSettings};
///
/// let mut markets = Markets::default();
/// let market = markets.insert(Market::new("bitex", "btc_usd")?)?;
/// let mut venue = HistoryVenue::new(&markets, SimSettings::default());
/// venue.deposit(VenueId(0), "1000 USD".parse()?)?;
///
/// let (start, price) = (Timestamp::from_secs(0), "4400".parse()?);
/// let order = Order { id: OrderId(1), market, side: Side::Buy, price, size: Size::Quote("1".parse()?) };
/// venue.place(start, &order);
/// venue.advance(start);
/// venue.on_candle_open(market, start, price, "5".parse()?);
///
/// let kinds: Vec<UpdateKind> = std::iter::from_fn(|| venue.next_report(start)).map(|update| update.kind).collect();
/// assert!(matches!(kinds[..], [UpdateKind::Acknowledged(_), UpdateKind::Live, UpdateKind::Fill(_), UpdateKind::Completed]));
/// assert_eq!(venue.balance(VenueId(0), "btc".parse()?).total, 22_671);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HistoryVenue {
    markets: Vec<HistoryMarket>,
    desk: Desk,
    /// Decided and not yet booked; empty between calls.
    executions: Vec<Execution>,
    scratch: Scratch,
}

/// An order of ours that is on the book of a [`HistoryVenue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// As it was placed.
    pub order: Order,
    /// The venue's id of it.
    pub venue_id: VenueOrderId,
    /// How much is left, in the unit it was placed in.
    pub left: Size,
    /// What is set aside for it, in units of 1e-8 of the currency it spends.
    pub reserved: i64,
}

impl HistoryVenue {
    /// A venue for every market, without money.
    pub fn new(markets: &Markets, settings: SimSettings) -> Self {
        let SimSettings { fill, latency, seed } = settings;
        Self {
            markets: markets
                .iter()
                .map(|(_, market)| HistoryMarket::new(fill, FeeRates::of(market)))
                .collect(),
            desk: Desk::new(markets, Bus::new(latency, seed)),
            executions: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Adds money to the account at a venue.
    pub fn deposit(&mut self, venue: VenueId, money: Money) -> Result<(), VenueError> {
        self.desk.balance_mut(venue, money.currency)?.deposit(money)
    }

    /// Takes money that is not reserved from the account at a venue.
    pub fn withdraw(&mut self, venue: VenueId, money: Money) -> Result<(), VenueError> {
        self.desk.balance_mut(venue, money.currency)?.withdraw(money)
    }

    /// Puts an order of an earlier life back on the book: what is left of it rests, behind a queue of unknown
    /// length, and keeps the venue's id.
    ///
    /// # Errors
    /// If the market is not known, or the funds are not there.
    pub fn resume_order(
        &mut self,
        now: Timestamp,
        order: &Order,
        venue_id: VenueOrderId,
        left: Size,
    ) -> Result<(), VenueError> {
        let unknown = VenueError::UnknownMarket(order.market);
        let state = self.markets.get_mut(order.market.index()).ok_or(unknown.clone())?;
        let working = Working::new(order.side, order.price, left).ok_or(unknown)?;
        self.desk.resume(order, venue_id, working.reserved)?;
        state.orders.insert(Resting {
            order: *order,
            venue_id,
            arrived: now,
            working,
            fresh: false,
            queue: None,
        });
        Ok(())
    }

    /// Numbers what follows after the last order of each side and the last execution of an earlier life.
    pub fn resume_numbers(&mut self, venue: VenueId, buys: u64, sells: u64, last_fill: FillId) {
        if let Some(account) = self.desk.accounts.get_mut(venue.index()) {
            let [placed_buys, placed_sells] = &mut account.placed;
            *placed_buys = buys.max(*placed_buys);
            *placed_sells = sells.max(*placed_sells);
        }
        self.desk.fills = last_fill.0.max(self.desk.fills);
    }

    /// Sends an order. It leaves now and arrives after the latency drawn. Order ids are never reused.
    pub fn place(&mut self, now: Timestamp, order: &Order) {
        self.desk.bus.send_order(now, order);
    }

    /// Asks for the cancellation of an order. It does not overtake the order itself.
    pub fn cancel(&mut self, now: Timestamp, order: OrderId) {
        self.desk.bus.send_cancel(now, order);
    }

    /// When the next request or report arrives; [`Timestamp::MAX`] if none is on its way.
    #[inline]
    pub fn next_due(&self) -> Timestamp {
        self.desk.bus.next_due()
    }

    /// Lets every request arrive that is due by `now`, in the order of arrival.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((time, request)) = self.desk.bus.arrived(now) {
            match request {
                Request::Place(order) => self.receive_order(time, &order),
                Request::Cancel(order) => self.receive_cancel(time, order),
            }
        }
    }

    /// The next report that has arrived by `now`. Its time is that at the venue, which inside a candle lies
    /// before the call that brought it about.
    #[inline]
    pub fn next_report(&mut self, now: Timestamp) -> Option<OrderUpdate> {
        self.desk.bus.reported(now)
    }

    /// A candle opens: the first corner of its path. `volume` is that of the whole candle, which bounds how much
    /// fills and decides nothing else; zero says that nothing traded.
    #[inline]
    pub fn on_candle_open(&mut self, market: MarketId, time: Timestamp, open: Price, volume: Quantity) {
        let Some(state) = self.markets.get_mut(market.index()) else { return };
        state.candle = CandleProgress { open_time: time, used: 0 };
        if !state.orders.is_empty() {
            self.candle_open(market, Vertex { time, price: open }, volume);
        }
    }

    /// A candle closes: the rest of its path, and its open too if that was not announced.
    #[inline]
    pub fn on_candle(&mut self, market: MarketId, candle: &Candle, span: Span) {
        if self.markets.get(market.index()).is_some_and(|state| !state.orders.is_empty()) {
            // A copy for the rare case, so that the caller's candle need not lie in memory for it.
            let candle = *candle;
            self.candle_rest(market, &candle, span);
        }
    }

    /// The best bid and ask were seen.
    #[inline]
    pub fn on_quote(&mut self, market: MarketId, time: Timestamp, quote: &Quote) {
        let Some(state) = self.markets.get_mut(market.index()) else { return };
        state.on_quote(time, quote, &mut self.executions);
        self.book_executions(market);
    }

    /// A whole book was seen.
    #[inline]
    pub fn on_book(&mut self, market: MarketId, time: Timestamp, book: BookSnapshot<'_>) {
        let Some(state) = self.markets.get_mut(market.index()) else { return };
        state.on_book(time, book, &mut self.executions);
        self.book_executions(market);
    }

    /// A public trade was seen.
    #[inline]
    pub fn on_trade(&mut self, market: MarketId, trade: &Trade) {
        let Some(state) = self.markets.get_mut(market.index()) else { return };
        if !state.orders.is_empty() {
            let trade = *trade;
            state.on_trade(&trade, &mut self.executions);
            self.book_executions(market);
        }
    }

    /// What the account at a venue has of a currency.
    pub fn balance(&self, venue: VenueId, currency: Currency) -> Balance {
        self.desk
            .accounts
            .get(venue.index())
            .map(|account| account.wallet.balance(currency))
            .unwrap_or_default()
    }

    /// The fees the account at a venue has paid in a currency, in units of 1e-8.
    pub fn fees(&self, venue: VenueId, currency: Currency) -> i128 {
        self.desk.accounts.get(venue.index()).map_or(0, |account| account.wallet.fees(currency))
    }

    /// The orders on the book: by market, buys before sells, best first.
    pub fn open_orders(&self) -> impl Iterator<Item = OpenOrder> {
        self.markets.iter().flat_map(|state| state.orders.iter()).map(|resting| OpenOrder {
            order: resting.order,
            venue_id: resting.venue_id,
            left: resting.working.left(),
            reserved: resting.working.reserved,
        })
    }

    fn receive_order(&mut self, time: Timestamp, order: &Order) {
        let Some((venue_id, working)) = self.desk.receive(time, order) else { return };
        let Some(state) = self.markets.get_mut(order.market.index()) else { return };
        state.orders.insert(Resting {
            order: *order,
            venue_id,
            arrived: time,
            working,
            fresh: true,
            queue: state.queue_at(order.side, order.price),
        });
    }

    fn receive_cancel(&mut self, time: Timestamp, id: OrderId) {
        let Some(market) = self.desk.live.remove(&id) else { return };
        let removed = self.markets.get_mut(market.index()).and_then(|state| state.orders.remove(id));
        if let Some(resting) = removed {
            self.desk.bus.report(time, id, UpdateKind::CancelPending);
            self.desk.release(market, resting.order.side, resting.working.reserved);
            self.desk.bus.report(time, id, UpdateKind::Cancelled(CancelReason::Requested));
        }
    }

    #[cold]
    fn candle_open(&mut self, market: MarketId, vertex: Vertex, volume: Quantity) {
        let Some(state) = self.markets.get_mut(market.index()) else { return };
        if volume.is_zero() && state.fill.preset != FillPreset::Optimistic {
            return;
        }
        let mut walk = Walk { fill: &state.fill, rates: &state.rates, budget: state.fill.share_of(volume) };
        walk.corner(&mut state.orders, None, vertex, &mut self.executions);
        state.candle.used = self.executions.iter().map(|execution| execution.traded.base).sum();
        self.book_executions(market);
    }

    #[cold]
    fn candle_rest(&mut self, market: MarketId, candle: &Candle, span: Span) {
        let announced =
            self.markets.get(market.index()).is_some_and(|state| state.candle.open_time == candle.open_time);
        if !announced {
            self.on_candle_open(market, candle.open_time, candle.open, candle.volume);
        }
        let Some(state) = self.markets.get_mut(market.index()) else { return };
        if candle.volume.is_zero() && state.fill.preset != FillPreset::Optimistic {
            return;
        }
        let budget = state.fill.share_of(candle.volume).saturating_sub(state.candle.used);
        let walk = Walk { fill: &state.fill, rates: &state.rates, budget };
        rest_of_candle(&mut state.orders, candle, span, walk, &mut self.scratch, &mut self.executions);
        self.book_executions(market);
    }

    /// Books what an observation executed.
    #[inline]
    fn book_executions(&mut self, market: MarketId) {
        if self.executions.is_empty() {
            return;
        }
        for execution in self.executions.drain(..) {
            self.desk.book(market, &execution);
        }
        if let Some(state) = self.markets.get_mut(market.index()) {
            state.orders.remove_spent();
        }
    }
}

/// The account at one venue.
#[derive(Debug, Default)]
struct Account {
    wallet: Wallet,
    /// How many buys and how many sells it has placed: the venue numbers them apart.
    placed: [u64; 2],
}

/// Where money is kept and reports are written.
#[derive(Debug)]
struct Desk {
    /// By market, each with its venue.
    listings: Vec<(VenueId, Listing)>,
    accounts: Vec<Account>,
    bus: Bus,
    /// The market of each order on the books.
    live: FxHashMap<OrderId, MarketId>,
    fills: u64,
}

impl Desk {
    fn new(markets: &Markets, bus: Bus) -> Self {
        let mut accounts: Vec<Account> = markets.venues().map(|_| Account::default()).collect();
        let listings = markets.iter().filter_map(|(id, market)| {
            let venue = markets.venue_of(id)?;
            let account = accounts.get_mut(venue.index())?;
            Some((venue, Listing::new(market, &mut account.wallet)))
        });
        Self { listings: listings.collect(), accounts, bus, live: FxHashMap::default(), fills: 0 }
    }

    /// A market and the account at its venue.
    fn at(&mut self, market: MarketId) -> Option<(&Listing, &mut Account)> {
        let (venue, listing) = self.listings.get(market.index())?;
        Some((listing, self.accounts.get_mut(venue.index())?))
    }

    fn balance_mut(&mut self, venue: VenueId, currency: Currency) -> Result<&mut Balance, VenueError> {
        let account = self.accounts.get_mut(venue.index()).ok_or(VenueError::UnknownVenue(venue))?;
        let slot = account.wallet.slot(currency);
        account.wallet.at(slot).ok_or(VenueError::UnknownVenue(venue))
    }

    /// Checks an order that arrives and reserves its funds.
    fn receive(&mut self, time: Timestamp, order: &Order) -> Option<(VenueOrderId, Working)> {
        match self.accept(order) {
            Ok((venue_id, working, paid_for)) => {
                self.bus.report(time, order.id, UpdateKind::Acknowledged(venue_id));
                if !paid_for {
                    let reason = CancelReason::InsufficientFunds;
                    self.bus.report(time, order.id, UpdateKind::Cancelled(reason));
                    return None;
                }
                self.bus.report(time, order.id, UpdateKind::Live);
                self.live.insert(order.id, order.market);
                Some((venue_id, working))
            }
            Err(reason) => {
                self.bus.report(time, order.id, UpdateKind::Rejected(reason));
                None
            }
        }
    }

    /// Numbers an order, and says whether its funds could be reserved.
    fn accept(&mut self, order: &Order) -> Result<(VenueOrderId, Working, bool), RejectReason> {
        let (listing, account) = self.at(order.market).ok_or(RejectReason::UnknownMarket)?;
        let working = listing::accept(&listing.market, order.side, order.price, order.size)?;
        let [buys, sells] = &mut account.placed;
        let placed = if order.side == Side::Buy { buys } else { sells };
        *placed += 1;
        let funds = account.wallet.at(listing.spends(order.side));
        let paid_for = funds.is_some_and(|balance| balance.reserve(working.reserved));
        Ok((VenueOrderId(*placed), working, paid_for))
    }

    /// Takes up an order that was accepted in an earlier life.
    fn resume(&mut self, order: &Order, venue_id: VenueOrderId, reserve: i64) -> Result<(), VenueError> {
        let (listing, account) = self.at(order.market).ok_or(VenueError::UnknownMarket(order.market))?;
        let currency = if order.side == Side::Buy { listing.market.quote } else { listing.market.base };
        let money = |units: i128| Money { currency, units };
        let funds = account.wallet.at(listing.spends(order.side));
        let available = funds.as_ref().map_or(0, |balance| balance.available());
        if !funds.is_some_and(|balance| balance.reserve(reserve)) {
            let (wanted, available) = (money(reserve.into()), money(available));
            return Err(VenueError::InsufficientFunds { wanted, available });
        }
        let [buys, sells] = &mut account.placed;
        let placed = if order.side == Side::Buy { buys } else { sells };
        *placed = venue_id.0.max(*placed);
        self.live.insert(order.id, order.market);
        Ok(())
    }

    fn release(&mut self, market: MarketId, side: Side, units: i64) {
        if let Some((listing, account)) = self.at(market) {
            listing.release(&mut account.wallet, side, units);
        }
    }

    fn book(&mut self, market: MarketId, execution: &Execution) {
        let Execution { order, side, price, traded, fee, liquidity, time, complete } = *execution;
        if let Some((listing, account)) = self.at(market) {
            listing.settle(&mut account.wallet, side, traded, fee);
        }
        self.fills += 1;
        let fill = Fill {
            id: FillId(self.fills),
            order,
            market,
            side,
            price,
            base: Quantity::from_units(traded.base),
            quote: Cash::from_units(traded.quote.into()),
            fee: fee.into(),
            liquidity,
            time,
        };
        self.bus.report(time, order, UpdateKind::Fill(fill));
        if let Some(dust) = complete {
            self.release(market, side, dust);
            self.live.remove(&order);
            self.bus.report(time, order, UpdateKind::Completed);
        }
    }
}
