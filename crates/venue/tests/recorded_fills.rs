//! Executions that the real exchange made come out to the last digit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod support;

use pampero_model::*;
use pampero_venue::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use support::*;

/// An own execution as the exchange reports it: amounts received are net of the fee.
struct Recorded {
    side: Side,
    price: Price,
    coins: Quantity,
    cash: Cash,
    fee: Cash,
}

/// Facts of recorded executions: side, price, coins, cash, fee.
const FACTS: [(Side, &str, &str, &str, &str); 7] = [
    (Side::Sell, "4100", "1", "4089.75", "10.25"),
    (Side::Buy, "4400", "0.00022671", "1", "0.00000056"),
    (Side::Buy, "100", "0.05373", "5.399999", "0.00026999"),
    (Side::Sell, "100", "0.05399999", "5.37299901", "0.02699999"),
    (Side::Buy, "122.8", "0.09723127", "12", "0.00048859"),
    (Side::Sell, "123", "0.09756097", "11.94", "0.06"),
    (Side::Buy, "500", "1", "500", "0"),
];

impl Recorded {
    fn gross(&self) -> (Quantity, Cash) {
        let fee = Quantity::from_units(self.fee.units().try_into().unwrap());
        match self.side {
            Side::Buy => (self.coins.checked_add(fee).unwrap(), self.cash),
            Side::Sell => (self.coins, self.cash.checked_add(self.fee).unwrap()),
        }
    }

    /// What the venue makes of the same meeting at a fee rate: base, quote and the fee of our side.
    fn replayed(&self, rate: &str, takes: bool) -> (Quantity, Cash, i128) {
        let mut rules = market(rate);
        rules.min_base = Quantity::UNIT;
        rules.min_quote = Cash::UNIT;
        let mut venue = MatchingVenue::new(&markets(rules));
        let account = venue.open_account();
        venue.deposit(account, "1000000 USD".parse().unwrap()).unwrap();
        venue.deposit(account, "1000000 BTC".parse().unwrap()).unwrap();
        // The bid was for the quote that changed hands; the ask held more.
        let (_, quote) = self.gross();
        let ask = (Side::Sell, Size::Base(base("1000")));
        let bid = (Side::Buy, Size::Quote(quote));
        let ours_last = takes == (self.side == Side::Buy);
        for (side, size) in if ours_last { [ask, bid] } else { [bid, ask] } {
            let placement = Placement { account, market: MARKET, side, price: self.price, size };
            venue.place(at(0), &placement).unwrap();
            venue.process(at(0), &mut Vec::new());
        }
        let [found] = venue.matches() else { panic!("{} matches", venue.matches().len()) };
        (found.base, found.quote, found.party(self.side).fee.into())
    }

    /// The fee rate at which the venue agrees with the exchange to the last digit.
    fn rate(&self) -> &'static str {
        let (base, quote) = self.gross();
        let agrees = |rate: &&str| {
            [false, true]
                .into_iter()
                .all(|takes| self.replayed(rate, takes) == (base, quote, self.fee.units()))
        };
        ["0.0025", "0.005", "0"].into_iter().find(agrees).unwrap_or_else(|| {
            let one = self.replayed("0.0025", true);
            panic!(
                "{:?} at {}: recorded {base} {quote} {}, replayed {one:?}",
                self.side, self.price, self.fee
            )
        })
    }
}

#[test]
fn known_executions_come_out_to_the_last_digit() {
    let rates = FACTS.map(|(side, at, coins, spent, fee)| {
        Recorded { side, price: price(at), coins: base(coins), cash: cash(spent), fee: cash(fee) }.rate()
    });
    assert_eq!(rates, ["0.0025", "0.0025", "0.005", "0.005", "0.005", "0.005", "0"]);
}

#[derive(Deserialize)]
struct Recording {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "type")]
    kind: String,
    attributes: Attributes,
}

/// Numbers stay text: they must not pass through floating point.
#[derive(Deserialize)]
struct Attributes {
    coin_amount: Box<RawValue>,
    cash_amount: Box<RawValue>,
    fee: Box<RawValue>,
    price: Box<RawValue>,
}

#[test]
fn every_recorded_execution_comes_out_to_the_last_digit() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/bitex/recordings");
    if !std::path::Path::new(root).is_dir() {
        eprintln!("skipped: there are no recordings beside this checkout");
        return;
    }
    let mut counts = [0; 3];
    for folder in ["trades", "buys", "sells"] {
        for file in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let recording: Recording = serde_json::from_str(&text).unwrap();
            for Row { kind, attributes } in recording.response.body.data {
                let recorded = Recorded {
                    side: if kind == "buys" { Side::Buy } else { Side::Sell },
                    price: price(attributes.price.get()),
                    coins: base(attributes.coin_amount.get()),
                    cash: cash(attributes.cash_amount.get()),
                    fee: cash(attributes.fee.get()),
                };
                let rate = recorded.rate();
                let position = ["0.0025", "0.005", "0"].iter().position(|known| *known == rate);
                counts[position.unwrap()] += 1;
            }
        }
    }
    eprintln!("recorded executions at 0.25 %, 0.5 % and no fee: {counts:?}");
    assert!(counts[0] > 0 && counts[1] > 0);
}
