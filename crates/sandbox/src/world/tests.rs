//! Whatever customers do, money is accounted for, and the state comes back whole.

use pampero_model::{Cash, Quantity};
use proptest::prelude::*;

use super::*;

fn world() -> World {
    let mut config = SandboxConfig::default();
    config.agents.enabled = false;
    World::new(config, Timestamp::from_secs(1_555_344_820)).unwrap()
}

#[derive(Clone, Debug)]
enum Action {
    Place { buy: bool, book: u16, price: i64, size: i64 },
    Cancel { buy: bool, number: u64 },
    Withdraw { units: i128 },
    Announce { units: i128 },
    Bot { buy: bool, amount: i64 },
    Wait { millis: i64 },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (any::<bool>(), 0..2_u16, 90..110_i64, 1..500_i64)
            .prop_map(|(buy, book, price, size)| Action::Place { buy, book, price, size }),
        1 => (any::<bool>(), 1..20_u64).prop_map(|(buy, number)| Action::Cancel { buy, number }),
        1 => (1..300_000_000_i128).prop_map(|units| Action::Withdraw { units }),
        1 => (1..300_000_000_i128).prop_map(|units| Action::Announce { units }),
        1 => (any::<bool>(), 20..200_i64).prop_map(|(buy, amount)| Action::Bot { buy, amount }),
        2 => (0..200_000_i64).prop_map(|millis| Action::Wait { millis }),
    ]
}

fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

fn act(world: &mut World, action: &Action) {
    let one = pampero_model::SCALE;
    let user = world.tables.users[0].clone();
    match *action {
        Action::Place { buy, book, price, size } => {
            let size = match side(buy) {
                Side::Buy => Size::Quote(Cash::from_units((size * one).into())),
                Side::Sell => Size::Base(Quantity::from_units(size * one / 1_000)),
            };
            let (account, market) = (user.account(), MarketId(book));
            let price = Price::from_units(price * one);
            let placement = Placement { account, market, side: side(buy), price, size };
            let _ = world.place(&placement, Origin::Admin, world.engine_delay);
        }
        Action::Cancel { buy, number } => {
            world.cancel(OrderKey { side: side(buy), id: VenueOrderId(number) }, world.engine_delay);
        }
        Action::Withdraw { units } => {
            let money = Money::new(currency("btc").unwrap(), units);
            world.withdraw(user.id, Way::Coin("m".to_owned()), money, String::new());
        }
        Action::Announce { units } => {
            world.announce_cash(user.id, Money::new(currency("usd").unwrap(), units));
        }
        Action::Bot { buy, amount } => {
            let amount = if buy { amount * one } else { amount * one / 1_000 };
            world.start_bot(user.id, side(buy), MarketId(0), amount);
        }
        Action::Wait { millis } => world.advance(world.now().plus(Span::from_millis(millis))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn money_is_accounted_for_and_the_state_comes_back_whole(actions in prop::collection::vec(action(), 1..60)) {
        let mut world = world();
        for action in &actions {
            act(&mut world, action);
            let user = world.tables.users[0].clone();
            for code in CURRENCIES {
                let currency = currency(code).unwrap();
                let balance = world.balance(&user, currency);
                prop_assert!(balance.reserved >= 0 && balance.available() >= 0);
                let begun = world.config.accounts[0].balances.iter();
                let mut expected: i128 = begun.filter(|money| money.currency == currency).map(|money| money.units).sum();
                let arrived = world.tables.cash_deposits.iter().filter(|deposit| deposit.wake.is_none());
                expected += arrived.filter(|deposit| deposit.money.currency == currency).map(|deposit| deposit.money.units).sum::<i128>();
                let gone = world.tables.withdrawals.iter().filter(|withdrawal| withdrawal.status() == "done");
                expected -= gone.filter(|withdrawal| withdrawal.money.currency == currency).map(|withdrawal| withdrawal.money.units).sum::<i128>();
                prop_assert_eq!(balance.total + world.venue.fees(user.account(), currency), expected, "{}", code);
            }
        }
        let saved = world.save();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        write_whole(&file, &saved).unwrap();
        let mut again = World::new(world.config.clone(), world.now()).unwrap();
        again.load(&file).unwrap();
        // The two go on alike.
        for world in [&mut world, &mut again] {
            for action in actions.iter().take(10) {
                act(world, action);
            }
        }
        prop_assert_eq!(again.save(), world.save());
    }
}

/// A bid of 10 USD at 100.
fn bid(world: &World) -> Placement {
    let account = world.tables.users[0].account();
    let (price, size) = (Price::from_units(10_000_000_000), Size::Quote(Cash::from_units(1_000_000_000)));
    Placement { account, market: MarketId(0), side: Side::Buy, price, size }
}

#[test]
fn what_waits_goes_on_waiting_over_saving_and_a_restart() {
    let mut world = world();
    let (begin, bid) = (world.now(), bid(&world));
    let status = |world: &World, number| world.order(Side::Buy, number).map(|order| order.status);
    let after = |seconds| begin.plus(Span::from_secs(seconds));
    world.place(&bid, Origin::Admin, Span::ZERO).unwrap();
    world.advance(begin);
    let key = OrderKey { side: Side::Buy, id: VenueOrderId(1) };
    world.cancel(key, Span::from_secs(10));
    world.place(&bid, Origin::Admin, Span::from_secs(20)).unwrap();
    world.place_late(bid, Origin::Key(4), Span::from_secs(30));

    let saved = world.save();
    assert_eq!(world.now(), begin, "saving takes no time");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    write_whole(&file, &saved).unwrap();
    let mut again = World::new(world.config.clone(), begin).unwrap();
    again.load(&file).unwrap();
    for world in [&mut world, &mut again] {
        let user = world.tables.users[0].clone();
        assert_eq!(world.live_orders(user.account()).count(), 2);
        assert_eq!(status(world, 1), Some(VenueStatus::ToCancel));
        world.advance(after(10));
        assert_eq!(status(world, 1), Some(VenueStatus::Cancelled));
        assert_eq!(status(world, 2), Some(VenueStatus::Pending));
        world.advance(after(20));
        assert_eq!(status(world, 2), Some(VenueStatus::Executing));
        assert_eq!(status(world, 3), None);
        world.advance(after(30));
        assert_eq!(status(world, 3), Some(VenueStatus::Executing));
        assert_eq!(world.tables.origins[0][2], Origin::Key(4));
        assert_eq!(world.balance(&user, currency("usd").unwrap()).reserved, 2_000_000_000);
    }
    assert_eq!(again.save(), world.save());
}
