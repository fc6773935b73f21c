//! The order book against maps and plain loops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::collections::BTreeMap;

use pampero_model::{BookSnapshot, Cash, Level, OrderBook, Price, Quantity, Quote, Rounding, Side, Size};
use proptest::prelude::*;

fn level(price: i64, quantity: i64) -> Level {
    Level { price: Price::from_units(price), quantity: Quantity::from_units(quantity) }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Both sides of a book, best level first, at prices of every magnitude.
fn sides() -> impl Strategy<Value = (Vec<Level>, Vec<Level>)> {
    let side = || proptest::collection::btree_map(1_i64..1 << 45, 1_i64..1 << 45, 0..12);
    (side(), side()).prop_map(|(bids, asks)| {
        let levels =
            |side: BTreeMap<i64, i64>| side.into_iter().map(|(p, q)| level(p, q)).collect::<Vec<_>>();
        (levels(bids).into_iter().rev().collect(), levels(asks))
    })
}

fn book(bids: &[Level], asks: &[Level]) -> OrderBook {
    let mut book = OrderBook::with_capacity(4);
    book.replace(BookSnapshot { bids, asks });
    book
}

/// What a walk finds: base, quote, the last price and what is left, by spending level after level.
fn naive_walk(
    levels: &[Level],
    side: Side,
    size: Size,
    limit: Option<Price>,
) -> (i128, i128, Option<Price>, i128) {
    let (mut base, mut quote, mut worst, mut left) = (0, 0, None, size.units());
    for level in levels {
        let beyond = limit.is_some_and(|limit| match side {
            Side::Buy => level.price > limit,
            Side::Sell => level.price < limit,
        });
        if left == 0 || beyond {
            break;
        }
        let (price, there) = (i128::from(level.price.units()), i128::from(level.quantity.units()));
        let (taken, paid) = match size {
            Size::Base(_) => (left.min(there), price * left.min(there) / 100_000_000),
            Size::Quote(_) if price * there / 100_000_000 <= left => (there, price * there / 100_000_000),
            Size::Quote(_) => (left * 100_000_000 / price, left),
        };
        left -= if matches!(size, Size::Base(_)) { taken } else { paid };
        base += taken;
        quote += paid;
        worst = Some(level.price);
    }
    (base, quote, worst, left)
}

proptest! {
    #[test]
    fn setting_levels_is_setting_entries_of_a_map(
        changes in proptest::collection::vec((side(), 1_i64..20, 0_i64..4), 0..80),
    ) {
        let mut book = OrderBook::default();
        let mut maps = [BTreeMap::new(), BTreeMap::new()];
        for (side, price, quantity) in changes {
            book.set_level(side, level(price, quantity));
            if quantity == 0 {
                maps[side.index()].remove(&price);
            } else {
                maps[side.index()].insert(price, quantity);
            }
            let bids: Vec<_> = maps[0].iter().rev().map(|(price, quantity)| level(*price, *quantity)).collect();
            let asks: Vec<_> = maps[1].iter().map(|(price, quantity)| level(*price, *quantity)).collect();
            prop_assert_eq!(book.snapshot(), BookSnapshot { bids: &bids, asks: &asks });
            prop_assert!(book.snapshot().is_sorted());
            prop_assert_eq!((book.best(Side::Buy), book.best(Side::Sell)), (bids.first().copied(), asks.first().copied()));
            prop_assert_eq!(book.is_one_sided(), bids.is_empty() || asks.is_empty());
        }
    }

    #[test]
    fn a_book_becomes_its_snapshot((bids, asks) in sides(), (old_bids, old_asks) in sides()) {
        let mut changed = book(&old_bids, &old_asks);
        changed.replace(BookSnapshot { bids: &bids, asks: &asks });
        prop_assert_eq!(&changed, &book(&bids, &asks));
        prop_assert_eq!(changed.levels(Side::Buy), bids.as_slice());
        prop_assert_eq!(changed.levels(Side::Sell), asks.as_slice());
    }

    #[test]
    fn spread_and_middle_are_of_the_best_levels((bids, asks) in sides()) {
        let book = book(&bids, &asks);
        if let (Some(bid), Some(ask)) = (bids.first(), asks.first()) {
            let (bid, ask) = (bid.price.units(), ask.price.units());
            prop_assert_eq!(book.spread(), Some(Price::from_units(ask - bid)));
            prop_assert_eq!(book.mid(), Some(Price::from_units(bid.midpoint(ask))));
            prop_assert_eq!(book.is_crossed(), bid >= ask);
        } else {
            prop_assert_eq!((book.spread(), book.mid(), book.is_crossed()), (None, None, false));
        }
    }

    #[test]
    fn a_quote_is_a_book_of_one_level_a_side(bid in (1_i64..9, 0_i64..3), ask in (1_i64..9, 0_i64..3), (bids, asks) in sides()) {
        let quote = Quote { bid: level(bid.0, bid.1), ask: level(ask.0, ask.1) };
        let mut changed = book(&bids, &asks);
        changed.replace_top(&quote);
        prop_assert_eq!(changed.best(Side::Buy), (bid.1 > 0).then_some(quote.bid));
        prop_assert_eq!(changed.best(Side::Sell), (ask.1 > 0).then_some(quote.ask));
        prop_assert!(changed.levels(Side::Buy).len() <= 1 && changed.levels(Side::Sell).len() <= 1);
        prop_assert_eq!(quote.mid(), changed.mid());
    }

    #[test]
    fn disorder_is_seen((bids, asks) in sides(), at in 0_usize..12, by in 0_usize..12) {
        let mut disordered = asks.clone();
        if at < disordered.len() && by < disordered.len() && at != by {
            disordered.swap(at, by);
            let snapshot = BookSnapshot { bids: &bids, asks: &disordered };
            prop_assert!(!snapshot.is_sorted());
            let mut repeated = asks.clone();
            repeated.insert(at, asks[at]);
            let snapshot = BookSnapshot { bids: &bids, asks: &repeated };
            prop_assert!(!snapshot.is_sorted());
            let mut empty = asks.clone();
            empty[at].quantity = Quantity::ZERO;
            let snapshot = BookSnapshot { bids: &bids, asks: &empty };
            prop_assert!(!snapshot.is_sorted());
        }
        let snapshot = BookSnapshot { bids: &bids, asks: &asks };
        prop_assert!(snapshot.is_sorted());
    }

    #[test]
    fn a_walk_finds_what_a_plain_loop_does(
        (bids, asks) in sides(),
        side in side(),
        units in (1_i64..1 << 50, 0_u32..50).prop_map(|(units, shift)| (units >> shift).max(1)),
        in_quote: bool,
        limit in proptest::option::of(1_i64..1 << 45),
    ) {
        let limit = limit.map(Price::from_units);
        let size = if in_quote { Size::Quote(Cash::from_units(units.into())) } else { Size::Base(Quantity::from_units(units)) };
        let book = book(&bids, &asks);
        let (base, quote, worst, left) = naive_walk(book.levels(side.opposite()), side, size, limit);
        let found = book.walk(side, size, limit).unwrap();
        prop_assert_eq!(found.map(|walk| walk.worst_price), worst);
        if let Some(walk) = found {
            prop_assert_eq!((i128::from(walk.base.units()), walk.quote.units(), walk.complete), (base, quote, left == 0));
            // Never more than was asked for, never beyond the limit.
            let taken = if in_quote { walk.quote.units() } else { walk.base.units().into() };
            prop_assert!(taken <= size.units());
            prop_assert!(limit.is_none_or(|limit| side.accepts(limit, walk.worst_price)));
        }
    }

    /// A size that is the worth of the first levels to the unit ends exactly between two of them.
    #[test]
    fn a_walk_of_whole_levels_takes_them_whole((bids, asks) in sides(), side in side(), count in 1_usize..12, in_quote: bool) {
        let book = book(&bids, &asks);
        let levels: Vec<Level> = book.levels(side.opposite()).iter().take(count).copied().collect();
        let base: i64 = levels.iter().map(|level| level.quantity.units()).sum();
        let worth = |level: &Level| level.price.notional(level.quantity, Rounding::Down).unwrap().units();
        let quote: i128 = levels.iter().map(worth).sum();
        prop_assume!(levels.iter().all(|level| worth(level) > 0));
        let size = if in_quote { Size::Quote(Cash::from_units(quote)) } else { Size::Base(Quantity::from_units(base)) };
        let found = book.walk(side, size, None).unwrap();
        prop_assert_eq!(
            found.map(|walk| (walk.base.units(), walk.quote.units(), walk.worst_price, walk.complete)),
            levels.last().map(|last| (base, quote, last.price, true))
        );
    }

    #[test]
    fn a_wider_limit_never_finds_less((bids, asks) in sides(), side in side(), units in 1_i64..1 << 50, a in 1_i64..1 << 45, b in 1_i64..1 << 45) {
        let book = book(&bids, &asks);
        let (strict, wide) = if (side == Side::Buy) == (a < b) { (a, b) } else { (b, a) };
        let base = |limit| {
            let walk = book.walk(side, Size::Base(Quantity::from_units(units)), Some(Price::from_units(limit))).unwrap();
            walk.map_or(Quantity::ZERO, |walk| walk.base)
        };
        prop_assert!(base(strict) <= base(wide));
    }

    #[test]
    fn the_average_of_a_walk_lies_between_the_best_and_the_worst_price((bids, asks) in sides(), side in side(), units in 1_i64 << 20..1 << 50) {
        let book = book(&bids, &asks);
        if let Some(walk) = book.walk(side, Size::Base(Quantity::from_units(units)), None).unwrap() {
            let best = book.best(side.opposite()).unwrap().price;
            let (low, high) = (best.min(walk.worst_price), best.max(walk.worst_price));
            // Each level's value was rounded down, by less than a unit.
            let cut = Quantity::from_units(13).units() * 100_000_000 / walk.base.units() + 1;
            let average = walk.average_price(Rounding::Down).unwrap().units();
            prop_assert!(average >= low.units() - cut && average <= high.units(), "{} {} {}", low, average, high);
        }
    }

    #[test]
    fn own_orders_disappear_and_nothing_else_does((bids, asks) in sides(), side in side(), at in 0_usize..14, own in 0_i64..1 << 46) {
        let mut changed = book(&bids, &asks);
        let levels = changed.levels(side).to_vec();
        let price = levels.get(at).map_or(Price::MAX, |level| level.price);
        changed.remove_own(side, price, Quantity::from_units(own));
        let expected: Vec<Level> = levels
            .into_iter()
            .map(|other| if other.price == price { level(price.units(), (other.quantity.units() - own).max(0)) } else { other })
            .filter(|level| level.quantity.is_positive())
            .collect();
        prop_assert_eq!(changed.levels(side), expected.as_slice());
        let other = if side == Side::Buy { &asks } else { &bids };
        prop_assert_eq!(changed.levels(side.opposite()), other.as_slice());
    }
}
