//! Orders, fills and the exchange's own bots.

use pampero_model::{Cash, Price, Quantity, Side, Size, Span, VenueStatus};
use pampero_venue::{Match, OrderKey, Placement, VenueOrder};

use super::{code_of, filtered_book, named_book, positive};
use crate::clock::iso;
use crate::json::{Json, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, list, pointer, related};
use crate::world::{Bot, User, World};

type Answer = Result<Reply, Refusal>;

/// The type of an order of a side.
const fn kind(side: Side) -> &'static str {
    match side {
        Side::Buy => "bids",
        Side::Sell => "asks",
    }
}

const fn status(status: VenueStatus) -> &'static str {
    match status {
        VenueStatus::Pending => "pending",
        VenueStatus::Executing => "executing",
        VenueStatus::ToCancel => "to_cancel",
        VenueStatus::Cancelled => "cancelled",
        VenueStatus::Completed => "completed",
    }
}

fn order_document(world: &World, user: u64, order: &VenueOrder) -> Json {
    let attributes = object! {
        "amount": Json::Amount(order.size.units()),
        "remaining_amount": Json::Amount(order.left.units()),
        "price": Json::Amount(order.price.units().into()),
        "status": Json::text(status(order.status)),
        "orderbook_code": Json::text(code_of(world, order.market)),
        "created_at": Json::text(iso(order.created)),
    };
    related(order.key.id.0, kind(order.key.side), attributes, object! { "user": pointer(user, "users") })
}

pub fn place_bid(world: &mut World, call: &Call) -> Answer {
    place(world, call, Side::Buy)
}

pub fn place_ask(world: &mut World, call: &Call) -> Answer {
    place(world, call, Side::Sell)
}

fn place(world: &mut World, call: &Call, side: Side) -> Answer {
    let kind = kind(side);
    let user = call.user()?;
    let book = named_book(world, call, kind)?;
    let (market, code) = (book.market, book.code.clone());
    let (amount, price) = (positive(call, kind, "amount")?, positive(call, kind, "price")?);
    let too_large = |attribute| Refusal::invalid(kind, attribute, "es demasiado grande");
    let price = i64::try_from(price.units()).map(Price::from_units).map_err(|_| too_large("price"))?;
    let units = i64::try_from(amount.units()).map_err(|_| too_large("amount"))?;
    let size = match side {
        Side::Buy => Size::Quote(Cash::from_units(units.into())),
        Side::Sell => Size::Base(Quantity::from_units(units)),
    };
    let placement = Placement { account: user.account(), market, side, price, size };
    if let Some(late) = call.twist.late {
        world.place_late(placement, call.origin(), late);
        return Ok(Reply::Nothing);
    }
    let delay =
        world.engine_delay.as_nanos().saturating_add(call.twist.engine_delay.unwrap_or_default().as_nanos());
    let delay = Span::from_nanos(delay);
    let refused = |reason| Refusal::of_order(kind, reason, &code);
    let key = world.place(&placement, call.origin(), delay).map_err(refused)?;
    if call.twist.twice {
        world.place(&placement, call.origin(), delay).map_err(refused)?;
    }
    let order = world.venue.order(key).ok_or(Refusal::Missing)?;
    if call.twist.cancel_order {
        world.cancel(key, delay);
    }
    Ok(data(order_document(world, user.id, &order)))
}

pub fn bid(world: &mut World, call: &Call) -> Answer {
    order(world, call, Side::Buy)
}

pub fn ask(world: &mut World, call: &Call) -> Answer {
    order(world, call, Side::Sell)
}

/// An own order by its number, in any state.
fn own_order(world: &World, call: &Call, side: Side) -> Result<VenueOrder, Refusal> {
    let (user, number) = (call.user()?, call.number()?);
    world.order(side, number).filter(|order| order.account == user.account()).ok_or(Refusal::Missing)
}

fn order(world: &World, call: &Call, side: Side) -> Answer {
    let order = own_order(world, call, side)?;
    Ok(data(order_document(world, call.user()?.id, &order)))
}

pub fn cancel_bid(world: &mut World, call: &Call) -> Answer {
    cancel(world, call, Side::Buy)
}

pub fn cancel_ask(world: &mut World, call: &Call) -> Answer {
    cancel(world, call, Side::Sell)
}

/// An intention: the order may still match, or be final already.
fn cancel(world: &mut World, call: &Call, side: Side) -> Answer {
    let order = own_order(world, call, side)?;
    cancel_keys(world, call, &[order.key]);
    Ok(Reply::Nothing)
}

fn cancel_keys(world: &mut World, call: &Call, keys: &[OrderKey]) {
    if call.twist.cancel_lost {
        return;
    }
    let delay = call.twist.engine_delay.unwrap_or(world.engine_delay);
    for key in keys {
        world.cancel(*key, delay);
    }
}

pub fn bids(world: &mut World, call: &Call) -> Answer {
    open(world, call, &[Side::Buy])
}

pub fn asks(world: &mut World, call: &Call) -> Answer {
    open(world, call, &[Side::Sell])
}

/// Bids, then asks, each ascending.
pub fn orders(world: &mut World, call: &Call) -> Answer {
    open(world, call, &[Side::Buy, Side::Sell])
}

fn open(world: &World, call: &Call, sides: &[Side]) -> Answer {
    let user = call.user()?;
    let book = filtered_book(world, call)?.map(|book| book.market);
    let open = world.open_orders(user.account());
    let wanted = open
        .filter(|order| sides.contains(&order.key.side) && book.is_none_or(|market| market == order.market));
    Ok(list(wanted.map(|order| order_document(world, user.id, &order)).collect()))
}

/// Cancels everything that is not final, of one book if a filter says so: what is pending too.
pub fn cancel_orders(world: &mut World, call: &Call) -> Answer {
    let account = call.user()?.account();
    let book = filtered_book(world, call)?.map(|book| book.market);
    let keys: Vec<OrderKey> = world
        .live_orders(account)
        .filter(|order| book.is_none_or(|market| market == order.market))
        .map(|order| order.key)
        .collect();
    cancel_keys(world, call, &keys);
    Ok(Reply::Nothing)
}

fn fill_document(world: &World, found: &Match, side: Side) -> Json {
    let market = world.market(found.market);
    let party = found.party(side);
    let fee = i128::from(party.fee);
    let (base, quote) = (i128::from(found.base.units()), found.quote.units());
    let (name, order, coin, cash, paid_in) = match side {
        Side::Buy => {
            ("buys", "bids", base - fee, quote, market.map(|market| (market.base, market.base_decimals)))
        }
        Side::Sell => {
            ("sells", "asks", base, quote - fee, market.map(|market| (market.quote, market.quote_decimals)))
        }
    };
    let attributes = object! {
        "created_at": Json::text(iso(found.time)),
        "coin_amount": Json::Amount(coin),
        "cash_amount": Json::Amount(cash),
        "fee": Json::Amount(fee),
        "price": Json::Amount(found.price.units().into()),
        "fee_currency": paid_in.map_or(Json::Null, |(currency, _)| Json::text(currency.to_string())),
        "fee_decimals": paid_in.map_or(Json::Null, |(_, decimals)| Json::Int(decimals.into())),
        "orderbook_code": Json::text(code_of(world, found.market)),
    };
    related(found.id.0, name, attributes, object! { "order": pointer(party.order.0, order) })
}

pub fn trades(world: &mut World, call: &Call) -> Answer {
    fills(world, call, &[Side::Buy, Side::Sell])
}

pub fn buys(world: &mut World, call: &Call) -> Answer {
    fills(world, call, &[Side::Buy])
}

pub fn sells(world: &mut World, call: &Call) -> Answer {
    fills(world, call, &[Side::Sell])
}

/// Newest first: of thirty days and at most 150, if nothing else is said.
fn fills(world: &World, call: &Call, sides: &[Side]) -> Answer {
    let user = call.user()?;
    let book = filtered_book(world, call)?.map(|book| book.market);
    let days = Call::whole(call.filter("days").as_deref()).unwrap_or(30).clamp(0, 36_500);
    let limit = Call::whole(call.query("limit")).unwrap_or(150).clamp(0, 10_000);
    let from = world.now().minus(Span::from_hours(days * 24));
    let fills = world.fills(user.account()).take_while(|(found, _)| found.time >= from);
    let wanted = fills
        .filter(|(found, side)| sides.contains(side) && book.is_none_or(|market| market == found.market));
    let shown = wanted.take(usize::try_from(limit).unwrap_or(0));
    Ok(list(shown.map(|(found, side)| fill_document(world, found, side)).collect()))
}

pub fn buy(world: &mut World, call: &Call) -> Answer {
    fill(world, call, Side::Buy)
}

pub fn sell(world: &mut World, call: &Call) -> Answer {
    fill(world, call, Side::Sell)
}

fn fill(world: &World, call: &Call, side: Side) -> Answer {
    let (user, number) = (call.user()?, call.number()?);
    let found = world.venue.find_match(pampero_model::FillId(number)).ok_or(Refusal::Missing)?;
    let own = found.party(side).account == user.account();
    if own { Ok(data(fill_document(world, found, side))) } else { Err(Refusal::Missing) }
}

/// The type of a bot of a side.
const fn bot_kind(side: Side) -> &'static str {
    match side {
        Side::Buy => "buying_bots",
        Side::Sell => "selling_bots",
    }
}

fn bot_document(world: &World, user: &User, bot: &Bot) -> Json {
    let attributes = object! {
        "amount": Json::Amount(bot.amount.into()),
        "remaining_amount": Json::Amount(world.bot_remaining(bot).into()),
        "chunk_size": Json::Amount(bot.chunk.into()),
        "eta": Json::text(iso(world.bot_eta(bot))),
        "executing": bot.executing.into(),
        "to_cancel": bot.to_cancel.into(),
        "orderbook_code": Json::text(code_of(world, bot.market)),
    };
    related(bot.id, bot_kind(bot.side), attributes, object! { "user": pointer(user.id, "users") })
}

pub fn start_buying_bot(world: &mut World, call: &Call) -> Answer {
    start_bot(world, call, Side::Buy)
}

pub fn start_selling_bot(world: &mut World, call: &Call) -> Answer {
    start_bot(world, call, Side::Sell)
}

fn start_bot(world: &mut World, call: &Call, side: Side) -> Answer {
    let kind = bot_kind(side);
    let user = call.user()?;
    let market = named_book(world, call, kind)?.market;
    let amount = positive(call, kind, "amount")?;
    let units = i64::try_from(amount.units());
    let units = units.map_err(|_| Refusal::invalid(kind, "amount", "es demasiado grande"))?;
    let id = world.start_bot(user.id, side, market, units);
    find_bot(world, user, side, id).map(|bot| data(bot_document(world, user, bot)))
}

fn find_bot<'a>(world: &'a World, user: &User, side: Side, id: u64) -> Result<&'a Bot, Refusal> {
    let own = |bot: &&Bot| (bot.user, bot.side, bot.id) == (user.id, side, id);
    world.tables.bots.iter().find(own).ok_or(Refusal::Missing)
}

pub fn buying_bots(world: &mut World, call: &Call) -> Answer {
    bots(world, call, Side::Buy)
}

pub fn selling_bots(world: &mut World, call: &Call) -> Answer {
    bots(world, call, Side::Sell)
}

fn bots(world: &World, call: &Call, side: Side) -> Answer {
    let user = call.user()?;
    let own = world.tables.bots.iter().filter(|bot| bot.user == user.id && bot.side == side);
    Ok(list(own.map(|bot| bot_document(world, user, bot)).collect()))
}

pub fn buying_bot(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?;
    find_bot(world, user, Side::Buy, call.number()?).map(|bot| data(bot_document(world, user, bot)))
}

pub fn selling_bot(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?;
    find_bot(world, user, Side::Sell, call.number()?).map(|bot| data(bot_document(world, user, bot)))
}

pub fn cancel_buying_bot(world: &mut World, call: &Call) -> Answer {
    let found = world.cancel_bot(call.user()?.id, Side::Buy, call.number()?);
    if found { Ok(Reply::Nothing) } else { Err(Refusal::Missing) }
}

pub fn cancel_selling_bot(world: &mut World, call: &Call) -> Answer {
    let found = world.cancel_bot(call.user()?.id, Side::Sell, call.number()?);
    if found { Ok(Reply::Nothing) } else { Err(Refusal::Missing) }
}
