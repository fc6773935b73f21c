//! The records of a journal: what is read is what was written.

use pampero_engine::{Control, Event, EventKind, StrategyId};
use pampero_model::{
    BookSnapshot, CancelReason, Candle, Cash, Currency, Fill, FillId, Level, Liquidity, MarketId, Money,
    OrderId, OrderUpdate, Price, Quantity, Quote, RejectReason, Side, Span, Timestamp, Trade, UpdateKind,
    VenueId, VenueOrderId,
};
use pampero_runtime::codec::{Decoder, Encoder, Entry};
use pampero_store::journal::Record;

/// Records, each a kind, two bytes of length, and its content. What can be read as an event is written as something that
/// is read as the same; and so is an event of which each value is made of the content. The second way sees what the
/// first cannot: a value that is lost in the reading is not there to be compared.
pub(super) fn records(input: &[u8]) {
    let (mut decoder, mut copies, mut made) = (Decoder::default(), Copies::default(), Copies::default());
    let mut rest = input;
    while let [kind, high, low, more @ ..] = rest {
        let (payload, left) = more.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(more.len()));
        rest = left;
        let record =
            Record { seq: 0, time: Timestamp::from_secs(1), kind: *kind % 8, payload: payload.to_vec() };
        if let Ok(Entry::Event(event)) = decoder.entry(&record) {
            copies.compare(&event);
        }
        let mut values = Values(payload);
        let (bids, asks) = (values.levels(), values.levels());
        let time = values.time();
        let kind = values.event(*kind, BookSnapshot { bids: &bids, asks: &asks });
        made.compare(&Event { time, kind });
    }
}

/// Events, written and read one after the other.
#[derive(Default)]
struct Copies {
    encoder: Encoder,
    decoder: Decoder,
}

impl Copies {
    fn compare(&mut self, event: &Event<'_>) {
        let mut payload = Vec::new();
        // A book may have more levels than can be written.
        let Ok(kind) = self.encoder.event(&event.kind, &mut payload) else { return };
        let record = Record { seq: 0, time: event.time, kind: kind as u8, payload };
        let read = self.decoder.entry(&record);
        assert!(matches!(&read, Ok(Entry::Event(found)) if is_same(found, event)), "{event:?}: {read:?}");
    }
}

fn is_same(one: &Event<'_>, other: &Event<'_>) -> bool {
    let same = match (&one.kind, &other.kind) {
        (EventKind::Book { market, book }, EventKind::Book { market: there, book: found }) => {
            market == there && book.bids == found.bids && book.asks == found.asks
        }
        (one, other) => format!("{one:?}") == format!("{other:?}"),
    };
    same && one.time == other.time
}

/// Takes values off bytes; zeros follow them.
pub(super) struct Values<'a>(pub &'a [u8]);

impl Values<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut bytes = [0; N];
        bytes.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
        bytes
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    pub fn number(&mut self) -> i64 {
        i64::from_le_bytes(self.bytes())
    }

    pub fn unsigned(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn amount(&mut self) -> i128 {
        i128::from(self.number()) << (self.byte() % 60)
    }

    fn time(&mut self) -> Timestamp {
        Timestamp::from_nanos(self.number())
    }

    pub fn price(&mut self) -> Price {
        Price::from_units(self.number())
    }

    fn quantity(&mut self) -> Quantity {
        Quantity::from_units(self.number())
    }

    fn level(&mut self) -> Level {
        Level { price: self.price(), quantity: self.quantity() }
    }

    fn levels(&mut self) -> Vec<Level> {
        (0..self.byte() % 5).map(|_| self.level()).collect()
    }

    fn market(&mut self) -> MarketId {
        MarketId(u16::from_le_bytes(self.bytes()))
    }

    fn venue(&mut self) -> VenueId {
        VenueId(self.byte())
    }

    pub fn side(&mut self) -> Side {
        if self.byte() & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    fn currency(&mut self) -> Currency {
        let text = match self.byte() % 4 {
            0 => "btc",
            1 => "usd",
            2 => "ars",
            _ => "clp",
        };
        text.parse().unwrap_or_else(|_| unreachable!("these are currencies"))
    }

    fn event<'a>(&mut self, which: u8, book: BookSnapshot<'a>) -> EventKind<'a> {
        let market = self.market();
        match which % 13 {
            0 => EventKind::Book { market, book },
            1 => EventKind::Quote { market, quote: Quote { bid: self.level(), ask: self.level() } },
            2 => EventKind::Trade { market, trade: self.trade() },
            3 => EventKind::Candle { market, span: Span::from_nanos(self.number()), candle: self.candle() },
            4 => EventKind::Order(self.update()),
            5 => EventKind::Timer,
            6 => {
                EventKind::Transfer { venue: self.venue(), money: Money::new(self.currency(), self.amount()) }
            }
            7 => EventKind::Rate { currency: self.currency(), rate: self.price() },
            8 => EventKind::Reconciled { venue: self.venue(), until: self.time() },
            9 => EventKind::BalancesSeen { venue: self.venue(), at: self.time() },
            10 => EventKind::ClockSkew(Span::from_nanos(self.number())),
            11 => EventKind::EnvironmentConfirmed,
            _ => EventKind::Control(self.control()),
        }
    }

    fn trade(&mut self) -> Trade {
        let aggressor = (self.byte() & 1 == 0).then(|| self.side());
        Trade {
            id: self.unsigned(),
            time: self.time(),
            price: self.price(),
            quantity: self.quantity(),
            aggressor,
        }
    }

    fn candle(&mut self) -> Candle {
        Candle {
            open_time: self.time(),
            open: self.price(),
            high: self.price(),
            low: self.price(),
            close: self.price(),
            volume: self.quantity(),
        }
    }

    fn update(&mut self) -> OrderUpdate {
        let kind = match self.byte() % 11 {
            0 => UpdateKind::Acknowledged(VenueOrderId(self.unsigned())),
            1 => UpdateKind::Live,
            2 => UpdateKind::Fill(self.fill()),
            3 => UpdateKind::CancelPending,
            4 => UpdateKind::Cancelled(match self.byte() % 4 {
                0 => CancelReason::Requested,
                1 => CancelReason::InsufficientFunds,
                2 => CancelReason::Venue,
                _ => CancelReason::Unknown,
            }),
            5 => UpdateKind::Completed,
            6 => UpdateKind::Rejected(match self.byte() % 6 {
                0 => RejectReason::TooSmall,
                1 => RejectReason::UnknownMarket,
                2 => RejectReason::Invalid,
                3 => RejectReason::RateLimited,
                4 => RejectReason::NotPermitted,
                _ => RejectReason::Other,
            }),
            7 => UpdateKind::NotSent,
            8 => UpdateKind::Unknown,
            9 => UpdateKind::PresumedAbsent,
            _ => UpdateKind::Absent,
        };
        OrderUpdate { order: OrderId(self.unsigned()), time: self.time(), kind }
    }

    fn fill(&mut self) -> Fill {
        Fill {
            id: FillId(self.unsigned()),
            order: OrderId(self.unsigned()),
            market: self.market(),
            side: self.side(),
            price: self.price(),
            base: self.quantity(),
            quote: Cash::from_units(self.amount()),
            fee: self.amount(),
            liquidity: if self.byte() & 1 == 0 { Liquidity::Maker } else { Liquidity::Taker },
            time: self.time(),
        }
    }

    fn control(&mut self) -> Control {
        let strategy = (self.byte() & 1 == 0).then(|| StrategyId(u16::from_le_bytes(self.bytes())));
        match self.byte() % 6 {
            0 => Control::ReduceOnly(strategy),
            1 => Control::Halt(strategy),
            2 => Control::Resume(strategy),
            3 => Control::Flatten(strategy),
            4 => Control::WindDown,
            _ => Control::Stop,
        }
    }
}
