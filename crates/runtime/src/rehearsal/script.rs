//! The steps, one function each: what is done, what must be seen, and in which words it is told.

use std::time::Duration;

use pampero_engine::{Code, Intent, OrderRecord, OrderState, TradingState};
use pampero_exchange::{SnapshotParts, VenueOrder};
use pampero_model::{Money, OrderId, Price, Side, Size};
use tokio::time::{Instant, sleep, timeout};

use super::amounts::Amounts;
use super::life::{Life, Seen};
use super::{MARKET, Stage};
use crate::guard::{Latch, Level};

/// What a step has seen, or what went wrong.
pub(super) type Came = Result<String, String>;

/// Who halts and resumes in a rehearsal, as it stands in the history of halts.
pub(super) const REHEARSAL: &str = "rehearsal";

/// A rehearsal under way.
pub(super) struct Script {
    pub stage: Stage,
    pub amounts: Amounts,
    pub life: Life,
}

impl Script {
    /// The account was compared, and the market was seen.
    pub async fn compare(&mut self) -> Came {
        self.life
            .until("the account to be compared", |seen| (seen.started && seen.priced).then_some(Ok(())))
            .await?;
        let ledger: Vec<_> = self.life.seen.borrow().ledger.iter().map(Money::to_string).collect();
        Ok(format!("the account agrees: {}", ledger.join(", ")))
    }

    /// An order far from the market comes to rest on the book.
    pub async fn place(&mut self) -> Result<(OrderId, String), String> {
        let order = self.rest(self.amounts.far).await?;
        let record = self.record(order)?;
        let text = format!("{} {} rests at {}", record.side, number(&record), record.sent_price);
        Ok((order, text))
    }

    /// It is cancelled, as a read says.
    pub async fn cancel(&mut self, order: OrderId) -> Came {
        let record = self.end(order).await?;
        Ok(format!("{} {} is cancelled", record.side, number(&record)))
    }

    /// A sell between bid and ask is executed in part by a buy of one's own, and the rest is cancelled. Others may come
    /// between, so that it is tried three times.
    pub async fn fill(&mut self) -> Came {
        for _ in 0..3 {
            if let Some(text) = self.try_fill().await? {
                return Ok(text);
            }
        }
        Err("three times somebody else traded with the orders that were meant for each other: try again when the \
             market is quieter"
            .to_owned())
    }

    async fn try_fill(&mut self) -> Result<Option<String>, String> {
        let market = &self.stage.market;
        let seen = self.stage.exchange.snapshot(&market.code, SnapshotParts::BOOK).await;
        let book = seen.map_err(|error| format!("the book cannot be read: {error}"))?.book;
        let now = Amounts::choose(market, &book).map_err(|unfit| unfit.to_string())?;
        let countable = |size: Result<Size, _>| size.map_err(|error| format!("{error}"));
        let size = countable(now.size(market, Side::Sell, now.ask, 2))?;
        let sell = self.submit(Intent::limit(MARKET, Side::Sell, size, now.ask)).await?;
        let settled = |seen: &Seen| seen.order(sell).is_some_and(|order| on_book_or_over(order.state));
        self.until_order(sell, "the sell to rest on the book", settled).await?;
        let size = countable(now.size(&self.stage.market, Side::Buy, now.bid, 1))?;
        let buy = self.submit(Intent::limit(MARKET, Side::Buy, size, now.bid)).await?;
        let filled = |seen: &Seen, id| {
            seen.order(id).is_some_and(|order| order.filled_base.is_positive() || order.state.is_final())
        };
        self.until_order(buy, "an execution", |seen| filled(seen, buy) && filled(seen, sell)).await?;
        let (sold, bought) = (self.end(sell).await?, self.end(buy).await?);
        let ours = sold.state == OrderState::Cancelled
            && sold.filled_base == bought.filled_base
            && sold.filled_quote == bought.filled_quote;
        Ok(ours.then(|| {
            let (base, price) = (self.stage.market.base, sold.sent_price);
            let traded = Money::new(base, sold.filled_base.units().into());
            let Size::Base(whole) = sold.size else { return format!("{traded} at {price}") };
            let whole = Money::new(base, whole.units().into());
            format!("{traded} of {whole} sold to oneself at {price}, the rest is cancelled")
        }))
    }

    /// The risk gate refuses an order beyond its limit: it never gets an id.
    pub async fn gate(&mut self) -> Came {
        match self.life.submit(self.too_large(12)?).await? {
            Err(denied) if denied.code() == Code::OrderNotional => Ok(denied.to_string()),
            Err(denied) => Err(format!("refused for another reason: {denied}")),
            Ok(order) => {
                Err(format!("the gate approved order {order} beyond its limit of {}", self.amounts.limit))
            }
        }
    }

    /// What the gate approves and the gateway's own cap forbids is not sent.
    pub async fn gateway(&mut self) -> Came {
        let order = self.submit(self.too_large(4)?).await?;
        let over = |seen: &Seen| seen.order(order).is_some_and(|order| order.state.is_final());
        self.until_order(order, "the gateway to refuse", over).await?;
        let record = self.record(order)?;
        let reason = self.life.seen.borrow().refused.get(&order).cloned().unwrap_or_default();
        if record.state == OrderState::NotSent && reason.contains("and the cap is") {
            return Ok(reason);
        }
        Err(format!("order {order} is {} and not refused by the cap ({reason})", record.state.name()))
    }

    /// Another process halts: orders are blocked, what is open is cancelled and seen to be gone; then it is resumed.
    pub async fn halt(&mut self) -> Came {
        let order = self.rest(self.amounts.far).await?;
        let latch = Latch::open(&self.stage.state).map_err(|error| error.to_string())?;
        let asked = Instant::now();
        latch
            .engage(Level::Halt, "the rehearsal halts, and resumes by itself", REHEARSAL)
            .map_err(|error| error.to_string())?;
        while !self.stage.guard.latch().is_blocked() {
            if asked.elapsed() > self.stage.patience {
                return Err("the kill switch does not see the halt".to_owned());
            }
            sleep(Duration::from_millis(1)).await;
        }
        let blocked = asked.elapsed();
        self.life
            .until("the engine to halt", |seen| (seen.state == TradingState::Halted).then_some(Ok(())))
            .await?;
        match self.life.submit(self.far_buy(self.amounts.far)?).await? {
            Err(denied) if denied.code() == Code::TradingHalted => {}
            Err(denied) => return Err(format!("refused for another reason than the halt: {denied}")),
            Ok(order) => return Err(format!("order {order} was approved after the halt")),
        }
        let record = self.gone(order, "the halt to cancel what is open").await?;
        if timeout(self.stage.patience, self.stage.guard.cleared()).await.is_err() {
            return Err("the kill switch does not see that nothing is open".to_owned());
        }
        self.nothing_listed().await?;
        let cleared = asked.elapsed();
        latch.resume("the rehearsal has seen it work", REHEARSAL).map_err(|error| error.to_string())?;
        self.life
            .until("trading to go on", |seen| (seen.state == TradingState::Active).then_some(Ok(())))
            .await?;
        Ok(format!(
            "blocked after {} ms, {} {} cancelled and nothing left after {} ms, resumed",
            blocked.as_millis(),
            record.side,
            number(&record),
            cleared.as_millis()
        ))
    }

    /// The program dies with an order on the book and another of which it never heard. The next life finds both, once.
    pub async fn restart(&mut self) -> Came {
        let orders = self.two_orders().await?;
        self.life.die().await;
        self.life = self.stage.another_life(&self.amounts).map_err(|error| error.to_string())?;
        self.find_again(&orders).await.map_err(|wrong| self.life.blame(wrong))
    }

    /// Ledger and account agree to the last unit.
    pub async fn reconcile(&mut self) -> Came {
        let deadline = Instant::now() + self.stage.patience;
        loop {
            let balances = self.stage.exchange.balances().await;
            let differs = match balances {
                Err(error) => format!("the balances cannot be read: {error}"),
                Ok(balances) => {
                    let ledger = self.life.seen.borrow().ledger.clone();
                    let account = |money: &Money| {
                        let found = balances.iter().find(|balance| balance.currency == money.currency);
                        found.map_or(Money::new(money.currency, 0), |balance| balance.total)
                    };
                    let differs = ledger.iter().filter(|money| account(money) != **money);
                    let differs: Vec<_> =
                        differs.map(|money| format!("{money} and not {}", account(money))).collect();
                    if differs.is_empty() {
                        let ledger: Vec<_> = ledger.iter().map(Money::to_string).collect();
                        return Ok(format!("the account holds what the ledger says: {}", ledger.join(", ")));
                    }
                    format!("the ledger says {}", differs.join(", "))
                }
            };
            if Instant::now() > deadline {
                return Err(self.life.blame(differs));
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    // What the steps have in common.

    fn far_buy(&self, price: Price) -> Result<Intent, String> {
        let size = self.amounts.size(&self.stage.market, Side::Buy, self.amounts.far, 1);
        let size = size.map_err(|error| error.to_string())?;
        Ok(Intent::limit(MARKET, Side::Buy, size, price))
    }

    fn too_large(&self, times: i128) -> Result<Intent, String> {
        let size = self.amounts.worth(&self.stage.market, self.amounts.far, times);
        let size = size.map_err(|error| error.to_string())?;
        Ok(Intent::limit(MARKET, Side::Buy, size, self.amounts.far))
    }

    async fn submit(&self, intent: Intent) -> Result<OrderId, String> {
        let said = self.life.submit(intent).await?;
        said.map_err(|denied| format!("the risk gate refused the order: {denied}"))
    }

    /// Places an order far from the market and waits until it rests.
    async fn rest(&mut self, price: Price) -> Result<OrderId, String> {
        let order = self.submit(self.far_buy(price)?).await?;
        self.until_order(order, "the order to rest on the book", |seen| seen.rests(order)).await?;
        Ok(order)
    }

    /// Waits for something of an order. What ends it before is told.
    async fn until_order(
        &mut self,
        order: OrderId,
        what: &str,
        look: impl Fn(&Seen) -> bool,
    ) -> Result<(), String> {
        let seen = |seen: &Seen| {
            if look(seen) {
                return Some(Ok(()));
            }
            let over = seen.order(order).filter(|order| order.state.is_final())?;
            let reason = seen.refused.get(&order).map(|reason| format!(" ({reason})")).unwrap_or_default();
            Some(Err(format!("order {order} is {}{reason}", over.state.name())))
        };
        self.life.until(what, seen).await
    }

    /// Cancels an order and waits until it is over.
    async fn end(&mut self, order: OrderId) -> Result<OrderRecord, String> {
        self.life.cancel(order);
        self.gone(order, "the cancellation").await
    }

    async fn gone(&mut self, order: OrderId, what: &str) -> Result<OrderRecord, String> {
        let over = |seen: &Seen| seen.order(order).filter(|order| order.state.is_final()).copied().map(Ok);
        self.life.until(what, over).await
    }

    fn record(&self, order: OrderId) -> Result<OrderRecord, String> {
        self.life.seen.borrow().order(order).copied().ok_or_else(|| format!("order {order} is not known"))
    }

    async fn listed(&self) -> Result<Vec<VenueOrder>, String> {
        let listed = self.stage.exchange.active_orders(Some(&self.stage.market.code)).await;
        listed.map_err(|error| format!("the orders cannot be read: {error}"))
    }

    async fn nothing_listed(&self) -> Result<(), String> {
        match self.listed().await?.first() {
            None => Ok(()),
            Some(order) => Err(format!("{} {} is still on the book", order.side, order.id)),
        }
    }

    async fn two_orders(&mut self) -> Result<[OrderRecord; 2], String> {
        let open = self.rest(self.amounts.far).await?;
        self.life.lose_answer();
        // Where a market spares no digits for fingerprints, its price tells it from the other.
        let lower = self.amounts.far.saturating_sub(self.stage.market.price_tick);
        let unheard = self.submit(self.far_buy(lower)?).await?;
        self.life.answer_lost().await?;
        // Who carried it out may be ahead of who tells of it.
        self.until_order(unheard, "the order to be known", |seen| seen.order(unheard).is_some()).await?;
        Ok([self.record(open)?, self.record(unheard)?])
    }

    async fn find_again(&mut self, orders: &[OrderRecord; 2]) -> Came {
        for record in orders {
            let id = record.id;
            self.until_order(id, "the order to be found again", |seen| seen.rests(id)).await?;
        }
        let listed = self.listed().await?;
        for record in orders {
            let same = |listed: &&VenueOrder| {
                listed.side == record.side && listed.price == record.sent_price && listed.size == record.size
            };
            match listed.iter().filter(same).count() {
                1 => {}
                count => return Err(format!("order {} is on the book {count} times", record.id)),
            }
        }
        if listed.len() != orders.len() {
            return Err(format!("{} orders are on the book, and 2 were placed", listed.len()));
        }
        let mut numbers = Vec::new();
        for record in orders {
            numbers.push(number(&self.end(record.id).await?));
        }
        Ok(format!(
            "killed with two buys open, one unanswered: {} are found, each once",
            numbers.join(" and ")
        ))
    }
}

fn on_book_or_over(state: OrderState) -> bool {
    state == OrderState::Live || state.is_final()
}

/// The exchange's number of an order.
fn number(record: &OrderRecord) -> String {
    record.venue_order.map_or_else(|| "without a number".to_owned(), |id| id.to_string())
}
